"""The book's greeks by underlying: a diagnosis, never a margin (margin is full revaluation)."""

from __future__ import annotations

from collections.abc import Iterable

from ..book.market import Market
from ..book.report import Greeks
from ..value.positions import Position

__all__ = ["book_greeks"]

DAYS_PER_YEAR = 365.0


def book_greeks(positions: Iterable[Position], market: Market) -> dict[str, Greeks]:
    """Greeks to the spot of each underlying, in its units; cash has none.

    A token that rides on an underlying counts by its price: 1 wstETH at 1.2 ETH is a delta of 1.2.
    """
    found: dict[str, Greeks] = {}
    for held in positions:
        if held.unit.kind == "cash":
            continue
        before = found.get(held.unit.underlying, Greeks())
        part = _of(held, market)
        found[held.unit.underlying] = Greeks(
            before.delta + part.delta,
            before.gamma + part.gamma,
            before.vega + part.vega,
            before.theta + part.theta,
        )
    return dict(sorted(found.items()))


def _of(held: Position, market: Market) -> Greeks:
    one = held.sensitivity
    spot = market.underlying_price(held.unit.underlying)
    ratio = held.unit.price / float(spot) if spot else 1.0
    return Greeks(
        held.quantity * one.delta * ratio,
        held.quantity * one.gamma,
        held.quantity * one.vega,
        held.quantity * one.theta / DAYS_PER_YEAR,
    )
