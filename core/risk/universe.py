"""Which risk factors a set of positions touches, and the strikes about to expire in the market."""

from __future__ import annotations

from collections.abc import Iterable

from ..book.market import Market
from ..value.positions import Position
from .scenario import Universe

__all__ = ["universe_of"]

PIN_SECONDS = 2 * 86_400


def universe_of(positions: Iterable[Position], market: Market, as_of: int) -> Universe:
    """The factors of the positions; pins come from the market's strikes, not from those held."""
    units = {held.unit for held in positions}
    volatile = {unit.underlying for unit in units if unit.kind not in ("cash", "stable")}
    stables = {unit.underlying for unit in units if unit.kind == "stable"} - volatile
    return Universe(
        volatile=tuple(sorted(volatile)),
        stables=tuple(sorted(stables)),
        lsts=tuple(sorted({(unit.factor, unit.underlying) for unit in units if unit.factor})),
        perps=tuple(sorted({(u.underlying, u.venue) for u in units if u.kind == "perp"})),
        pins=tuple(sorted(pin for name in volatile for pin in _pins(name, market, as_of))),
    )


def _pins(name: str, market: Market, as_of: int) -> set[tuple[str, float]]:
    """The moves that bring the underlying to a strike that expires within two days."""
    price = market.underlying_price(name)
    if price is None or price <= 0:
        return set()
    return {
        (name, float(strike / price) - 1.0)
        for strike, expiry in market.strikes.get(name, ())
        if as_of < expiry < as_of + PIN_SECONDS
    }
