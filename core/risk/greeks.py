"""The book's greeks by underlying: a diagnosis, never a margin (margin is full revaluation)."""

from __future__ import annotations

from collections.abc import Iterable

from ..book.report import Greeks
from ..value.positions import Position
from ..value.pricing import black76_greeks

__all__ = ["book_greeks"]

DAYS_PER_YEAR = 365.0


def book_greeks(positions: Iterable[Position]) -> dict[str, Greeks]:
    """Greeks to the spot of each underlying; cash has none, a stablecoin has its own delta.

    A token counts in units of its underlying by price, so 1 wstETH at 1.2 ETH has a delta of 1
    unit of wstETH's own price move: its USD sensitivity is ``delta * price``.
    """
    found: dict[str, Greeks] = {}
    for held in positions:
        if held.unit.kind == "cash":
            continue
        name = held.unit.underlying
        sum_so_far = found.get(name, Greeks())
        part = _of(held)
        found[name] = Greeks(
            sum_so_far.delta + part.delta,
            sum_so_far.gamma + part.gamma,
            sum_so_far.vega + part.vega,
            sum_so_far.theta + part.theta,
        )
    return dict(sorted(found.items()))


def _of(held: Position) -> Greeks:
    """One position's greeks: the chain rule takes them from the forward to spot."""
    unit = held.unit
    if unit.kind != "option":
        return Greeks(delta=held.quantity)
    unit_greeks = black76_greeks(
        unit.price * unit.growth,
        unit.strike,
        unit.volatility,
        unit.tenor_years,
        unit.call,
        1.0 / unit.growth,
    )
    return Greeks(
        held.quantity * float(unit_greeks.delta) * unit.growth,
        held.quantity * float(unit_greeks.gamma) * unit.growth**2,
        held.quantity * float(unit_greeks.vega),
        held.quantity * float(unit_greeks.theta) / DAYS_PER_YEAR,
    )
