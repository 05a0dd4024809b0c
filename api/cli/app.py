"""The command line's frame: commands, exit codes, and one clear line for every wrong input."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ...core.errors import CrossmarginError, InputError, SourceError
from ..exits import Exit
from ..version import version
from . import accounts, files, service
from .output import say

__all__ = ["app", "main"]

app = typer.Typer(
    name="crossmargin",
    help="One margin and one honest health factor for a DeFi book.",
    add_completion=True,
    pretty_exceptions_enable=False,
)
for _command in (*accounts.COMMANDS, *files.COMMANDS, *service.COMMANDS):
    app.command()(_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"crossmargin {version()}")
        raise typer.Exit


@app.callback()
def _frame(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="The version."),
    ] = False,
) -> None:
    """One margin and one honest health factor for a DeFi book."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit code; wrong input is one line on stderr and code 2."""
    try:
        outcome = app(args=arguments, standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        return _say("interrupted", Exit.FAULT)
    except typer.TyperException as error:
        return _say(f"{error.format_message()} (see crossmargin --help)", Exit.USAGE)
    except InputError as error:
        return _say(_with_field(error), Exit.USAGE)
    except SourceError as error:
        return _say(str(error), Exit.UNREACHABLE)
    except CrossmarginError as error:
        return _say(str(error), Exit.FAULT)
    return int(outcome or 0)


def _with_field(error: InputError) -> str:
    """The message with its field in front, unless it begins with it."""
    message = str(error)
    return message if message.startswith(error.field) else f"{error.field}: {message}"


def _say(line: str, code: Exit) -> int:
    """One line on stderr, whatever the message held, and the code."""
    sys.stderr.write("error: " + " ".join(line.split()) + "\n")
    return int(code)
