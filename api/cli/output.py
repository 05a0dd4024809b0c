"""Writing an answer: one JSON document on stdout, or tables for people; everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["emit_json", "note", "print_table", "say"]

_NUMBER = frozenset("0123456789.,-–%")


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
    """A table on stdout, columns of numbers to the right."""
    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0)
    )
    for index, column in enumerate(columns):
        if all(_NUMBER.issuperset(row[index]) for row in rows):
            table.add_column(column, justify="right", no_wrap=True)  # half a number is another one
        else:
            table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    _console().print(Text(), table, sep="\n")


def _console() -> Console:
    return Console(highlight=False)
