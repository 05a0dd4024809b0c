"""Exit codes of the command line: a contract that scripts rely on."""

from __future__ import annotations

from enum import IntEnum

from ..core.book.health import State

__all__ = ["Exit", "exit_of"]


class Exit(IntEnum):
    """What the process ends with; the worst that applies, in the order of ``exit_of``."""

    OK = 0
    FAULT = 1  # a fault of ours
    USAGE = 2  # bad input
    UNREACHABLE = 3  # nothing could be read
    MISMATCH = 4  # verify, parity, replay
    AT_RISK = 10
    LIQUIDATABLE = 11
    BAD_DEBT = 12
    INCOMPLETE = 20


def exit_of(state: State, *, complete: bool) -> Exit:
    """The code for an answer: bad debt, liquidatable, incomplete, at risk, ok, in that order."""
    if state is State.BAD_DEBT:
        return Exit.BAD_DEBT
    if state is State.LIQUIDATABLE:
        return Exit.LIQUIDATABLE
    if not complete or state is State.UNKNOWN:
        return Exit.INCOMPLETE
    return Exit.AT_RISK if state is State.AT_RISK else Exit.OK
