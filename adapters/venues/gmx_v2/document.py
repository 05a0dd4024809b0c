"""The rule of a portfolio document read back: the inverse of ``GmxRule.document``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from ....core.errors import DocumentError
from .rule import GmxRule, Naming
from .state import (
    Borrowing,
    Funding,
    Impact,
    Interest,
    Limits,
    Market,
    MarketPrices,
    Position,
    PositionFees,
    TokenPrice,
)

__all__ = ["rule_from_document"]

T = TypeVar("T")

# 78 digits are 256 bits: more cannot have come from a chain.
_MOST_DIGITS = 78
_SIGNED = {"pending_impact_amount", "saved_factor", "virtual_inventory"}
_FLAGS = {
    *("is_long", "collateral_is_long", "is_single_token", "is_disabled", "in_tokens"),
    *("skips_smaller_side", "long_follows", "short_follows"),
}
_OPTIONAL = {"virtual_inventory", "index_decimals", "collateral_decimals"}
_NAMES = {"underlying", "collateral"}
_TABLES: Mapping[str, type[Any]] = {
    "open_interest": Interest,
    "open_interest_in_tokens": Interest,
    "borrowing": Borrowing,
    "funding": Funding,
    "impact": Impact,
    "limits": Limits,
    "fees": PositionFees,
    "index": TokenPrice,
    "long": TokenPrice,
    "short": TokenPrice,
}


def rule_from_document(document: Mapping[str, Any]) -> GmxRule:
    """The rule; ``DocumentError`` names the field that is wrong."""
    timestamp = _integer(document.get("timestamp"), "timestamp")
    naming = _table(Naming, document.get("naming"), "naming")
    position = _table_or_none(Position, document.get("position"), "position")
    market = _table_or_none(Market, document.get("market"), "market")
    prices = _table_or_none(MarketPrices, document.get("prices"), "prices")
    return GmxRule(timestamp, naming, position, market, prices)


def _table_or_none(kind: type[T], value: object, place: str) -> T | None:
    return None if value is None else _table(kind, value, place)


def _table(kind: type[T], value: object, place: str) -> T:
    """An object with every field of the type, in the type's order."""
    if not isinstance(value, Mapping):
        raise _wrong(place, "expected an object")
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    return kind(*(_field(name, value.get(name), f"{place}.{name}") for name in names))


def _field(name: str, value: object, place: str) -> object:
    """One field: its name says what it holds."""
    if name in _FLAGS:
        if not isinstance(value, bool):
            raise _wrong(place, "expected true or false")
        return value
    if name in _NAMES:
        if not isinstance(value, str) or not value:
            raise _wrong(place, "expected a name")
        return value
    if name in _TABLES:
        return _table(_TABLES[name], value, place)
    if value is None and name in _OPTIONAL:
        return None
    number = _integer(value, place, signed=name in _SIGNED)
    if name in {"min", "max"} and number == 0:
        raise _wrong(place, "expected a price above zero")
    if name.endswith("_decimals") and number > _MOST_DECIMALS:
        raise _wrong(place, f"expected at most {_MOST_DECIMALS} decimals")
    return number


# The venue's prices have 30 decimals less the token's.
_MOST_DECIMALS = 30


def _integer(value: object, place: str, *, signed: bool = False) -> int:
    """An integer, written as a number or as a decimal string."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    digits = text.removeprefix("-") if isinstance(text, str) and signed else text
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdecimal():
        raise _wrong(place, f"expected {'an' if signed else 'a non-negative'} integer")
    if len(digits) > _MOST_DIGITS:
        raise _wrong(place, "more than 256 bits")
    return int(str(text))


def _wrong(place: str, message: str) -> DocumentError:
    return DocumentError(f"{place}: {message}", field=place)
