"""Which code computed an answer."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version

__all__ = ["version"]


@cache
def version() -> str:
    """The installed version of the package; ``unknown`` when it runs uninstalled."""
    try:
        return installed_version("crossmargin")
    except PackageNotFoundError:
        return "unknown"
