"""The rule of a portfolio document read back: the inverse of ``SkyRule.document``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import DocumentError
from .maths import Fee, IlkState, Urn
from .rule import SkyRule

__all__ = ["rule_from_document"]


def rule_from_document(document: Mapping[str, Any]) -> SkyRule:
    """The rule; ``DocumentError`` names the field that is wrong."""
    timestamp = _integer(document.get("timestamp"), "timestamp")
    if timestamp is None:
        raise DocumentError("timestamp: expected the block's Unix time", field="timestamp")
    urn = _integers(document, "urn", ("ink", "art"))
    ilk = _integers(document, "ilk", ("rate", "spot", "dust"))
    fee = _integers(document, "fee", ("duty", "base", "rho"))
    live, asset = document.get("live"), document.get("asset", "")
    if live is not None and not isinstance(live, bool):
        raise DocumentError("live: expected true, false or null", field="live")
    if not isinstance(asset, str):
        raise DocumentError("asset: expected an asset's key", field="asset")
    return SkyRule(
        timestamp,
        None if urn is None else Urn(*urn),
        None if ilk is None else IlkState(*ilk),
        None if fee is None else Fee(*fee),
        _integer(document.get("mat"), "mat"),
        _integer(document.get("par"), "par"),
        _integer(document.get("price"), "price"),
        _integer(document.get("seen_spot"), "seen_spot"),
        live=live,
        unlocked=_integer(document.get("unlocked"), "unlocked") or 0,
        asset=asset,
    )


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
