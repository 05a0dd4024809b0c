"""The command line's frame: commands, exit codes, and one clear line for every wrong input."""

from __future__ import annotations

import sys

import click
import typer

from ...core.errors import CrossmarginError, InputError, SourceError
from ..exits import Exit
from . import accounts, files, service

__all__ = ["app", "main"]

app = typer.Typer(
    name="crossmargin",
    help="One margin and one honest health factor for a DeFi book.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)
for _command in (*accounts.COMMANDS, *files.COMMANDS, *service.COMMANDS):
    app.command()(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns the exit code; wrong input is one line on stderr and code 2."""
    try:
        outcome = app(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.Abort:
        return _say("interrupted", Exit.FAULT)
    except click.ClickException as error:
        return _say(f"{error.format_message()} (see crossmargin --help)", Exit.USAGE)
    except InputError as error:
        field = f"{error.field}: " if error.field else ""
        return _say(f"{field}{error}", Exit.USAGE)
    except SourceError as error:
        return _say(str(error), Exit.UNREACHABLE)
    except CrossmarginError as error:
        return _say(str(error), Exit.FAULT)
    return int(outcome or 0)


def _say(line: str, code: Exit) -> int:
    """One line on stderr, whatever the message held, and the code."""
    sys.stderr.write("error: " + " ".join(line.split()) + "\n")
    return int(code)
