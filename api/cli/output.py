"""Writing an answer: one JSON document on stdout, or tables for people; everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["emit_json", "note", "print_table", "say"]


def emit_json(document: Mapping[str, Any]) -> None:
    """The document on stdout, indented, with one newline at its end."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.buffer.write(orjson.dumps(document, option=options))
    sys.stdout.buffer.flush()


def say(text: str) -> None:
    """A line for people on stdout. The text is never taken as markup."""
    _console().print(Text(text), soft_wrap=True)


def note(text: str) -> None:
    """A note on stderr."""
    Console(stderr=True, highlight=False).print(Text(text), soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout; the first column is left-aligned, numbers to the right."""
    table = Table(title=Text(title, justify="left"), title_justify="left", pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < 2 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console().print(table)


def _console() -> Console:
    return Console(highlight=False)
