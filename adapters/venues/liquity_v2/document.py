"""The rule of a portfolio document read back: the inverse of ``LiquityRule.document``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ....core.errors import DocumentError
from .maths import Batch, Gains, Trove
from .rule import LiquityRule

__all__ = ["rule_from_document"]


def rule_from_document(document: Mapping[str, Any]) -> LiquityRule:
    """The rule; ``DocumentError`` names the field that is wrong."""
    timestamp = _integer(document.get("timestamp"), "timestamp")
    if timestamp is None:
        raise DocumentError("timestamp: expected the block's Unix time", field="timestamp")
    trove = _integers(document, "trove", _names(Trove))
    batch = _integers(document, "batch", _names(Batch))
    gains = _integers(document, "gains", _names(Gains))
    in_batch, asset = document.get("in_batch", False), document.get("asset", "")
    if not isinstance(in_batch, bool):
        raise DocumentError("in_batch: expected true or false", field="in_batch")
    if not isinstance(asset, str):
        raise DocumentError("asset: expected an asset's key", field="asset")
    return LiquityRule(
        timestamp,
        _integer(document.get("shutdown_time"), "shutdown_time"),
        None if trove is None else Trove(*trove),
        in_batch,
        None if batch is None else Batch(*batch),
        None if gains is None else Gains(*gains),
        _integer(document.get("price"), "price"),
        _integer(document.get("stored_price"), "stored_price"),
        _integer(document.get("mcr"), "mcr"),
        asset,
    )


def _names(kind: type[Trove] | type[Batch] | type[Gains]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def _integers(
    document: Mapping[str, Any], field: str, names: tuple[str, ...]
) -> tuple[int, ...] | None:
    """The integers of an object, all of which must be there; None for null."""
    table = document.get(field)
    if table is None:
        return None
    if not isinstance(table, Mapping):
        raise DocumentError(f"{field}: expected an object or null", field=field)
    values = []
    for name in names:
        value = _integer(table.get(name), f"{field}.{name}")
        if value is None:
            raise DocumentError(f"{field}.{name}: missing", field=f"{field}.{name}")
        values.append(value)
    return tuple(values)


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
