"""The rule of a portfolio document read back: the inverse of ``ViewedRule.document``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...core.errors import DocumentError
from .rule import Counted, PriceAnchor, ViewedRule

__all__ = ["integer", "rule_reader", "viewed_fields"]

_DECIMALS = 255


def rule_reader(kind: str, measure: str) -> Callable[[Mapping[str, Any]], ViewedRule]:
    """The reader of one venue's rules; ``DocumentError`` names the field that is wrong."""

    def read(document: Mapping[str, Any]) -> ViewedRule:
        return ViewedRule(kind, measure, **viewed_fields(document))

    return read


def viewed_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``ViewedRule`` besides kind and measure."""
    owed = document.get("owed")
    if owed is not None and not isinstance(owed, bool):
        raise DocumentError("owed: expected true, false or null", field="owed")
    counted = document.get("counted", [])
    if not isinstance(counted, list):
        raise DocumentError("counted: expected a list", field="counted")
    return {
        "health": integer(document.get("health"), "health"),
        "owed": owed,
        "covered": _flag(document, "covered", "covered", default=True),
        "counted": tuple(_counted(one, f"counted[{at}]") for at, one in enumerate(counted)),
        "anchor": _anchor(document.get("anchor")),
        "empty": _flag(document, "empty", "empty"),
    }


def _counted(entry: object, field: str) -> Counted:
    table = _table(entry, field)
    return Counted(
        _name(table, "leg", field),
        _needed(table, "raw", field),
        _decimals(table, field),
        integer(table.get("weight"), f"{field}.weight"),
        _flag(table, "owed", f"{field}.owed"),
    )


def _anchor(entry: object) -> PriceAnchor | None:
    if entry is None:
        return None
    table = _table(entry, "anchor")
    return PriceAnchor(
        _name(table, "asset", "anchor"),
        _needed(table, "raw", "anchor"),
        _decimals(table, "anchor"),
        _name(table, "unit", "anchor"),
    )


def integer(value: object, field: str) -> int | None:
    """A non-negative integer, written as a number or as a decimal string; None for null."""
    if value is None:
        return None
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdecimal():
        raise DocumentError(f"{field}: expected a non-negative integer", field=field)
    # 78 digits are 256 bits: more cannot have come from a chain.
    if len(digits) > 78:
        raise DocumentError(f"{field}: more than 256 bits", field=field)
    return int(digits)


def _table(entry: object, field: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise DocumentError(f"{field}: expected an object", field=field)
    return entry


def _flag(table: Mapping[str, Any], name: str, field: str, *, default: bool = False) -> bool:
    value = table.get(name, default)
    if not isinstance(value, bool):
        raise DocumentError(f"{field}: expected true or false", field=field)
    return value


def _name(table: Mapping[str, Any], name: str, field: str) -> str:
    text = table.get(name)
    if not isinstance(text, str) or not text:
        raise DocumentError(f"{field}.{name}: expected a name", field=f"{field}.{name}")
    return text


def _needed(table: Mapping[str, Any], name: str, field: str) -> int:
    value = integer(table.get(name), f"{field}.{name}")
    if value is None:
        raise DocumentError(f"{field}.{name}: missing", field=f"{field}.{name}")
    return value


def _decimals(table: Mapping[str, Any], field: str) -> int:
    """Decimals of an amount (0 to 255) or of a ratio of two, which may be negative."""
    value = table.get("decimals")
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2 * _DECIMALS:
        raise DocumentError(f"{field}.decimals: expected an integer", field=f"{field}.decimals")
    return value
