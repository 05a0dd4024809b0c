"""The rule of a portfolio document read back: the inverse of ``CompoundRule.document``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.errors import DocumentError
from .maths import Collateral, Curve, Rates, Totals
from .rule import Base, CompoundRule, Held

__all__ = ["rule_from_document"]

_TOTALS = tuple(Totals.__dataclass_fields__)
_CURVE = tuple(Curve.__dataclass_fields__)
_COLLATERAL = tuple(Collateral.__dataclass_fields__)

# 78 digits are 256 bits: more cannot have come from a chain.
_MOST_DIGITS = 78
_MOST_COLLATERALS = 24


def rule_from_document(document: Mapping[str, Any]) -> CompoundRule:
    """The rule; ``DocumentError`` names the field that is wrong."""
    timestamp = _integer(document.get("timestamp"), "timestamp")
    if timestamp is None:
        raise _wrong("timestamp", "expected the block's Unix time")
    totals = _integers(document.get("totals"), "totals", _TOTALS)
    return CompoundRule(
        timestamp,
        _name(document.get("unit"), "unit"),
        _integer(document.get("principal"), "principal", signed=True),
        None if totals is None else Totals(*totals),
        _rates(document.get("rates")),
        _base(document.get("base")),
        _collaterals(document.get("collaterals")),
    )


def _rates(value: object) -> Rates | None:
    if value is None:
        return None
    table = _table(value, "rates")
    supply = _integers(table.get("supply"), "rates.supply", _CURVE)
    borrow = _integers(table.get("borrow"), "rates.borrow", _CURVE)
    if supply is None or borrow is None:
        raise _wrong("rates", "expected both supply and borrow")
    return Rates(Curve(*supply), Curve(*borrow))


def _base(value: object) -> Base:
    table = _table(value, "base")
    return Base(
        _name(table.get("asset"), "base.asset"),
        _positive(table.get("price"), "base.price"),
        _positive(table.get("scale"), "base.scale"),
    )


def _collaterals(value: object) -> tuple[Held, ...] | None:
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > _MOST_COLLATERALS:
        raise _wrong("collaterals", f"expected a list of at most {_MOST_COLLATERALS}, or null")
    return tuple(_held(each, f"collaterals[{place}]") for place, each in enumerate(value))


def _held(value: object, field: str) -> Held:
    table = _table(value, field)
    index = _integer(table.get("index"), f"{field}.index")
    if index is None:
        raise _wrong(f"{field}.index", "expected the collateral's index in the market")
    key = _name(table.get("asset"), f"{field}.asset")
    if table.get("state") is None:
        return Held(index, key, None)
    state = _table(table["state"], f"{field}.state")
    numbers = _integers(state, f"{field}.state", _COLLATERAL) or ()
    _positive(state.get("scale"), f"{field}.state.scale")
    return Held(index, key, Collateral(*numbers))


def _integers(value: object, field: str, names: tuple[str, ...]) -> tuple[int, ...] | None:
    """The non-negative integers of an object, all of which must be there; None for null."""
    if value is None:
        return None
    table = _table(value, field)
    numbers = []
    for name in names:
        number = _integer(table.get(name), f"{field}.{name}")
        if number is None:
            raise _wrong(f"{field}.{name}", "missing")
        numbers.append(number)
    return tuple(numbers)


def _positive(value: object, field: str) -> int | None:
    """An integer above zero, because the rule divides by it; None for null."""
    number = _integer(value, field)
    if number == 0:
        raise _wrong(field, "expected more than zero")
    return number


def _integer(value: object, field: str, *, signed: bool = False) -> int | None:
    """An integer, written as a number or as a decimal string; None for null."""
    if value is None:
        return None
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    digits = text.removeprefix("-") if isinstance(text, str) and signed else text
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdecimal():
        raise _wrong(field, f"expected {'an' if signed else 'a non-negative'} integer")
    if len(digits) > _MOST_DIGITS:
        raise _wrong(field, "more than 256 bits")
    return int(str(text))


def _table(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(field, "expected an object")
    return value


def _name(value: object, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(field, "expected a name")
    return value


def _wrong(field: str, message: str) -> DocumentError:
    return DocumentError(f"{field}: {message}", field=field)
