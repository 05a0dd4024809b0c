"""The command line: ``crossmargin COMMAND``."""

from .app import main

__all__ = ["main"]
