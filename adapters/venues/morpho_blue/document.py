"""The rule of a portfolio document read back: the inverse of ``MorphoRule.document``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import DocumentError
from .maths import MarketState, PositionState
from .rule import MorphoRule, Token

__all__ = ["rule_from_document"]

_MARKET = (
    "total_supply_assets",
    "total_supply_shares",
    "total_borrow_assets",
    "total_borrow_shares",
    "last_update",
    "fee",
)
_POSITION = ("supply_shares", "borrow_shares", "collateral")


def rule_from_document(document: Mapping[str, Any]) -> MorphoRule:
    """The rule; ``DocumentError`` names the field that is wrong."""
    market = _integers(document, "market", _MARKET)
    position = _integers(document, "position", _POSITION)
    timestamp = _integer(document.get("timestamp"), "timestamp")
    if timestamp is None:
        raise DocumentError("timestamp: expected the block's Unix time", field="timestamp")
    return MorphoRule(
        timestamp,
        None if position is None else PositionState(*position),
        None if market is None else MarketState(*market),
        _integer(document.get("lltv"), "lltv"),
        _integer(document.get("oracle_price"), "oracle_price"),
        _integer(document.get("borrow_rate"), "borrow_rate"),
        _token(document, "collateral"),
        _token(document, "loan"),
    )


def _table(document: Mapping[str, Any], field: str) -> Mapping[str, Any] | None:
    """An object of the document, or None where it is null or absent."""
    value = document.get(field)
    if value is not None and not isinstance(value, Mapping):
        raise DocumentError(f"{field}: expected an object or null", field=field)
    return value


def _integers(
    document: Mapping[str, Any], field: str, names: tuple[str, ...]
) -> tuple[int, ...] | None:
    """The integers of an object, all of which must be there."""
    table = _table(document, field)
    if table is None:
        return None
    values = {name: _integer(table.get(name), f"{field}.{name}") for name in names}
    for name, value in values.items():
        if value is None:
            raise DocumentError(f"{field}.{name}: missing", field=f"{field}.{name}")
    return tuple(value for value in values.values() if value is not None)


def _integer(value: object, field: str) -> int | None:
    """A non-negative integer, written as a number or as a decimal string; None for null."""
    if value is None:
        return None
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    # 78 digits are 256 bits: more cannot have come from a chain.
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdecimal():
        raise DocumentError(f"{field}: expected a non-negative integer", field=field)
    if len(digits) > 78:
        raise DocumentError(f"{field}: more than 256 bits", field=field)
    return int(digits)


def _token(document: Mapping[str, Any], field: str) -> Token | None:
    """A token of the market."""
    table = _table(document, field)
    if table is None:
        return None
    key = table.get("asset")
    if not isinstance(key, str) or not key:
        raise DocumentError(f"{field}.asset: expected an asset's key", field=f"{field}.asset")
    return Token(key, _integer(table.get("decimals"), f"{field}.decimals"))
