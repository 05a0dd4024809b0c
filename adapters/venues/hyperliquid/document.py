"""The island of a portfolio document's rule: written, and read back."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, cast, get_args

from ....core.errors import DocumentError
from .island import Borrowing, DexSummary, HeldPerp, Island, Mode, PledgedLeg
from .maths import Pledge, Tier

__all__ = ["island_document", "island_from_document"]

# More digits than 256 bits have cannot have come from a chain; the bound also keeps reading cheap.
_MOST_DIGITS = 78
_MOST_DECIMALS = 36
_MOST_ROWS = 4096
_MOST_LEVERAGE = 1_000


def island_document(island: Island) -> dict[str, object]:
    """The island with its raw parameters: integers as strings, null for what was not read."""
    held, borrowing = island.positions, island.borrowing
    return {
        "mode": island.mode,
        "cash": _text(island.cash),
        "cash_decimals": island.cash_decimals,
        "pending": str(island.pending),
        "positions": None if held is None else [_write_held(each) for each in held],
        "summaries": [
            {
                "dex": each.dex,
                "name": each.name,
                "raw_usd": str(each.raw_usd),
                "other_value": str(each.other_value),
                "other_notional": str(each.other_notional),
            }
            for each in island.summaries
        ],
        "borrowing": None if borrowing is None else _write_borrowing(borrowing),
    }


def island_from_document(document: Mapping[str, Any]) -> Island:
    """The island; ``DocumentError`` names the field that is wrong."""
    mode = document.get("mode")
    if mode not in get_args(Mode):
        raise _wrong("mode", f"expected one of {', '.join(get_args(Mode))}")
    held, borrowing = document.get("positions"), document.get("borrowing")
    return Island(
        cast(Mode, mode),
        _integer(document.get("cash"), "cash"),
        _small(document.get("cash_decimals"), "cash_decimals", _MOST_DECIMALS),
        None if held is None else tuple(_rows(held, "positions", _held)),
        _whole(document.get("pending"), "pending"),
        tuple(_rows(document.get("summaries"), "summaries", _summary)),
        None if borrowing is None else _borrowing(_table(borrowing, "borrowing")),
    )


def _write_held(held: HeldPerp) -> dict[str, object]:
    return {
        "leg": held.leg_id,
        "underlying": held.key,
        "dex": held.dex,
        "size": str(held.size),
        "size_decimals": held.size_decimals,
        "entry_notional": str(held.entry_notional),
        "leverage": held.leverage,
        "mark": _text(held.mark),
        "tiers": None
        if held.tiers is None
        else [[str(tier.lower), tier.max_leverage] for tier in held.tiers],
    }


def _held(table: Mapping[str, Any], field: str) -> HeldPerp:
    tiers = table.get("tiers")
    mark = _integer(table.get("mark"), f"{field}.mark")
    if mark is not None and mark < 0:
        raise _wrong(f"{field}.mark", "expected a price")
    size = _whole(table.get("size"), f"{field}.size")
    if size == 0:
        raise _wrong(f"{field}.size", "expected a size other than zero")
    return HeldPerp(
        _name(table.get("leg"), f"{field}.leg"),
        _name(table.get("underlying"), f"{field}.underlying"),
        _small(table.get("dex"), f"{field}.dex", 2**32),
        size,
        _small(table.get("size_decimals"), f"{field}.size_decimals", _MOST_DECIMALS),
        _whole(table.get("entry_notional"), f"{field}.entry_notional"),
        _small(table.get("leverage"), f"{field}.leverage", 2**32),
        mark,
        None if tiers is None else _tiers(tiers, f"{field}.tiers"),
    )


def _tiers(value: object, field: str) -> tuple[Tier, ...]:
    """Tiers from 0 up with falling leverage, which the rule's arithmetic rests on."""
    tiers = []
    for place, row in enumerate(_list(value, field)):
        where = f"{field}[{place}]"
        pair = _list(row, where)
        if len(pair) != 2:
            raise _wrong(where, "expected a lower bound and a leverage")
        leverage = _small(pair[1], where, _MOST_LEVERAGE)
        tiers.append(Tier(_whole(pair[0], where), leverage))
    falls = all(
        a.lower < b.lower and a.max_leverage > b.max_leverage for a, b in itertools.pairwise(tiers)
    )
    if not tiers or tiers[0].lower != 0 or tiers[-1].max_leverage < 1 or not falls:
        raise _wrong(field, "expected rising bounds from 0 and falling leverages from 1")
    return tuple(tiers)


def _summary(table: Mapping[str, Any], field: str) -> DexSummary:
    numbers = ("raw_usd", "other_value", "other_notional")
    return DexSummary(
        _small(table.get("dex"), f"{field}.dex", 2**32),
        _name(table.get("name"), f"{field}.name"),
        *(_whole(table.get(name), f"{field}.{name}") for name in numbers),
    )


def _write_borrowing(borrowing: Borrowing) -> dict[str, object]:
    return {
        "borrowed": str(borrowing.borrowed),
        "borrow_cap": _text(borrowing.borrow_cap),
        "pledged": [
            {
                "leg": each.leg_id,
                "asset": each.key,
                "amount": str(each.pledge.amount),
                "price": str(each.pledge.price),
                "ltv": str(each.pledge.ltv),
                "supply_cap": _text(each.pledge.supply_cap),
            }
            for each in borrowing.pledged
        ],
    }


def _borrowing(table: Mapping[str, Any]) -> Borrowing:
    return Borrowing(
        _ratio(table.get("borrowed"), "borrowing.borrowed"),
        tuple(_rows(table.get("pledged"), "borrowing.pledged", _pledged)),
        _maybe_ratio(table.get("borrow_cap"), "borrowing.borrow_cap"),
    )


def _pledged(table: Mapping[str, Any], field: str) -> PledgedLeg:
    return PledgedLeg(
        _name(table.get("leg"), f"{field}.leg"),
        _name(table.get("asset"), f"{field}.asset"),
        Pledge(
            _ratio(table.get("amount"), f"{field}.amount"),
            _ratio(table.get("price"), f"{field}.price"),
            _ratio(table.get("ltv"), f"{field}.ltv"),
            _maybe_ratio(table.get("supply_cap"), f"{field}.supply_cap"),
        ),
    )


def _rows(value: object, field: str, read: Any) -> list[Any]:
    return [
        read(_table(row, f"{field}[{place}]"), f"{field}[{place}]")
        for place, row in enumerate(_list(value, field))
    ]


def _list(value: object, field: str) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > _MOST_ROWS:
        raise _wrong(field, f"expected a list of at most {_MOST_ROWS}")
    return value


def _maybe_ratio(value: object, field: str) -> Fraction | None:
    return None if value is None else _ratio(value, field)


def _ratio(value: object, field: str) -> Fraction:
    """A non-negative rational: ``3`` or ``13/20``."""
    above, _, below = str(value).partition("/")
    if value is None or not all(_is_digits(part) for part in (above, below or "1")):
        raise _wrong(field, "expected a rational number, for instance 13/20")
    if int(below or "1") == 0:
        raise _wrong(field, "expected a denominator above zero")
    return Fraction(int(above), int(below or "1"))


def _integer(value: object, field: str) -> int | None:
    """An integer, written as a number or as a decimal string; None for null."""
    if value is None:
        return None
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _is_digits(text.removeprefix("-")):
        raise _wrong(field, "expected an integer")
    return int(text)


def _whole(value: object, field: str) -> int:
    number = _integer(value, field)
    if number is None:
        raise _wrong(field, "missing")
    return number


def _small(value: object, field: str, most: int) -> int:
    number = _whole(value, field)
    if not 0 <= number <= most:
        raise _wrong(field, f"expected 0 to {most}")
    return number


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _table(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(field, "expected an object")
    return value


def _name(value: object, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(field, "expected a name")
    return value


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _wrong(field: str, message: str) -> DocumentError:
    return DocumentError(f"{field}: {message}", field=field)
