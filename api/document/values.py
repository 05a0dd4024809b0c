"""The scalar types of a portfolio document, each with what it accepts and its JSON Schema.

Amounts are decimal strings, or JSON integers; a JSON fraction has already lost digits and is
refused. A message says what was expected and what to do.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from ...core.units import plain
from .text import MAX_DIGITS

__all__ = [
    "Amount",
    "ChainId",
    "Count",
    "Integer",
    "Name",
    "PositiveAmount",
    "Share",
    "Text",
    "Timestamp",
    "UnsignedAmount",
    "Volatility",
    "iso_time",
]

_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]+")
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_AMOUNT_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "maxLength": MAX_DIGITS + 2},
        {"type": "integer"},
    ]
}
_UNSIGNED_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "maxLength": MAX_DIGITS + 1},
        {"type": "integer", "minimum": 0},
    ]
}
_INTEGER_SCHEMA = {
    "anyOf": [
        {"type": "string", "pattern": "^-?[0-9]+$", "maxLength": MAX_DIGITS + 1},
        {"type": "integer"},
    ]
}
_TIME_SCHEMA = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "integer", "minimum": 0, "maximum": _LAST_SECOND},
    ]
}


def _amount(value: object) -> Decimal:
    text = _number_text(value, _DECIMAL, 'a decimal string such as "1.5"')
    if sum(character.isdigit() for character in text) > MAX_DIGITS:
        raise ValueError(f"has more than {MAX_DIGITS} digits")
    return Decimal(text)


def _number_text(value: object, pattern: re.Pattern[str], expected: str) -> str:
    """The number as text; booleans are no numbers, and neither is anything but text and int."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"expected {expected}, got {_shown(value)}")  # noqa: TRY004 - pydantic's
    text = str(value)
    if not pattern.fullmatch(text):
        raise ValueError(
            f"expected {expected}, without exponent, sign +, spaces or separators; "
            f"got {_shown(value)}"
        )
    return text


def _shown(value: object) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)[:60]


def _unsigned(value: object) -> Decimal:
    amount = _amount(value)
    if amount < 0:
        raise ValueError(f"must not be negative, got {plain(amount)}")
    return amount


def _positive(value: object) -> Decimal:
    amount = _amount(value)
    if amount <= 0:
        raise ValueError(f"must be above 0, got {plain(amount)}; leave it out if it is not known")
    return amount


def _share(value: object) -> Decimal:
    amount = _unsigned(value)
    if amount > 1:
        raise ValueError(f'is a share between 0 and 1 ("0.05" for 5%), got {plain(amount)}')
    return amount


def _volatility(value: object) -> Decimal:
    amount = _unsigned(value)
    if amount > 20:
        raise ValueError(f'is a yearly volatility ("0.6" for 60%), got {plain(amount)}')
    return amount


def _integer(value: object) -> int:
    return int(_number_text(value, _INTEGER, "an integer"))


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, got {_shown(value)}")  # noqa: TRY004 - pydantic's
    if not 0 <= value < 2**63:
        raise ValueError("must be between 0 and 2^63 - 1")
    return value


def _timestamp(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    else:
        seconds = _iso_seconds(value)
    if not 0 <= seconds <= _LAST_SECOND:
        raise ValueError("lies outside the years 1970 to 9999")
    return seconds


def _iso_seconds(value: object) -> int:
    expected = 'expected a time with its zone such as "2026-11-01T08:00:00Z"'
    if not isinstance(value, str) or len(value) < 19:
        raise ValueError(f"{expected}, or Unix seconds; got {_shown(value)}")
    try:
        moment = datetime.fromisoformat(value)
        seconds = moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        raise ValueError(f"{expected}, got {_shown(value)}") from None
    if seconds is None or moment.microsecond:
        raise ValueError(f"{expected}, in whole seconds, got {_shown(value)}")
    return int(seconds)


def iso_time(seconds: int) -> str:
    """Unix seconds as ISO 8601 in UTC: ``2026-11-01T08:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Amount = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema(_AMOUNT_SCHEMA)]
UnsignedAmount = Annotated[Decimal, BeforeValidator(_unsigned), WithJsonSchema(_UNSIGNED_SCHEMA)]
PositiveAmount = Annotated[Decimal, BeforeValidator(_positive), WithJsonSchema(_UNSIGNED_SCHEMA)]
Share = Annotated[Decimal, BeforeValidator(_share), WithJsonSchema(_UNSIGNED_SCHEMA)]
Volatility = Annotated[Decimal, BeforeValidator(_volatility), WithJsonSchema(_UNSIGNED_SCHEMA)]
Integer = Annotated[int, BeforeValidator(_integer), WithJsonSchema(_INTEGER_SCHEMA)]
Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 0})]
Timestamp = Annotated[int, BeforeValidator(_timestamp), WithJsonSchema(_TIME_SCHEMA)]
Name = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=256)]
Text = Annotated[str, StringConstraints(strict=True, max_length=4_096)]
ChainId = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^([-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32})?$"),
]
