"""The failure tree: what can go wrong, as values and as exceptions.

A read that fails is a value, because one venue must never hide or stop another:

    Failure(reason, code, detail)       where a number could not be had
    Problem(severity, ...)              the same, with its place in the answer and what to do

An input that is wrong is an exception, because nothing can be answered:

    CrossmarginError
    ├── InputError                      the caller must change something (exit 2, HTTP 400/422)
    │   ├── AddressError                not an EVM address
    │   ├── ChainError                  a chain nobody configured
    │   ├── BlockError                  a block that does not exist or is not on the chain
    │   ├── DocumentError               a portfolio document, with the field that is wrong
    │   └── BundleError                 an evidence bundle or a file of cases
    ├── SourceError                     nothing could be read at all (exit 3, HTTP 502/503)
    └── RuleError                       a margin rule was asked for what it does not define
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "AddressError",
    "BlockError",
    "BundleError",
    "ChainError",
    "CrossmarginError",
    "DocumentError",
    "Failure",
    "InputError",
    "Problem",
    "Reason",
    "RuleError",
    "Severity",
    "SourceError",
]


class Reason(StrEnum):
    """Why a value is missing: the closed list that every answer uses."""

    RPC_UNAVAILABLE = "rpc_unavailable"
    RPC_INCONSISTENT = "rpc_inconsistent"
    DISPUTED = "disputed"
    CALL_REVERTED = "call_reverted"
    BAD_RETURN_DATA = "bad_return_data"
    NO_PRICE = "no_price"
    STALE_PRICE = "stale_price"
    CODE_CHANGED = "code_changed"
    UNSUPPORTED_VERSION = "unsupported_version"
    PENDING_SETTLEMENT = "pending_settlement"
    MODE_UNKNOWN = "mode_unknown"
    POSITIONS_INCOMPLETE = "positions_incomplete"
    NOT_SUPPORTED = "not_supported"


class Severity(StrEnum):
    """What a problem does to the answer that carries it."""

    READ = "read"  # something was not read: the answer is incomplete
    MODEL = "model"  # a part of the margin model is not applied: complete, and said
    NOTE = "note"  # worth knowing; changes nothing


@dataclass(frozen=True, slots=True)
class Failure:
    """A value that could not be had: a reason from the closed list, a finer code, a detail.

    ``detail`` never holds a URL, a key or any other secret.
    """

    reason: Reason
    code: str = ""
    detail: str = ""

    def __str__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{self.reason}{code}{detail}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of an answer's ``problems``: what is missing, where, and what to do about it."""

    severity: Severity
    reason: Reason
    code: str = ""
    venue: str = ""
    account: str = ""
    leg: str = ""
    detail: str = ""
    action: str = ""

    @classmethod
    def of(
        cls,
        failure: Failure,
        *,
        venue: str = "",
        account: str = "",
        leg: str = "",
        action: str = "",
        severity: Severity = Severity.READ,
    ) -> Problem:
        """The problem that this failure makes at that place of the answer."""
        return cls(
            severity, failure.reason, failure.code, venue, account, leg, failure.detail, action
        )


class CrossmarginError(Exception):
    """The root of everything that this package raises on purpose."""


class InputError(CrossmarginError):
    """The caller's input is wrong: which field, what was expected, what to do."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class AddressError(InputError):
    """The text is not an EVM address: 0x and 40 hexadecimal digits, with a valid checksum."""


class ChainError(InputError):
    """The chain is unknown here, or no endpoint for it was given."""


class BlockError(InputError):
    """The block does not exist, is not yet mined, or left the chain."""


class DocumentError(InputError):
    """A portfolio document breaks its schema; ``field`` is the path to the culprit."""


class BundleError(InputError):
    """An evidence bundle or a file of cases cannot be used as it is."""


class SourceError(CrossmarginError):
    """No source answered: nothing was read, so there is nothing to say."""


class RuleError(CrossmarginError):
    """A margin rule was asked for something that it does not define."""
