"""The exact price at which an account crosses its limit, one asset at a time, all others fixed.

A price is in raw units of the base currency, as the pool's oracle gives it. ``down`` is the lowest
price that is healthy, at and above which the account never is liquidatable: one unit below it, it
is. ``up`` is the highest healthy price in the same sense. Up to 3.1 an eMode category may have a
price of its own, which moves all its assets together.

Single collateral: a closed form. Everything else: bisection on the exact health factor. An asset on
both sides of the account has the crossing that bisection finds; the rounding of two amounts can
make the sign flip again within a few units of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...core.book.health import LiquidationPrice
from ...core.units import BPS, WAD, div_up
from .maths import (
    Totals,
    base_value,
    collateral_factors,
    debt_balance,
    health_factor,
    in_category,
    price_of,
    supply_balance,
)
from .position import Position, Reserve
from .profile import Modes

__all__ = ["liquidation_prices"]

_HIGHEST = 1 << 200


@dataclass(frozen=True, slots=True)
class _Holding:
    """One reserve's part of the health factor: what counts as collateral and what is owed."""

    reserve: Reserve
    supply: int
    threshold: int
    debt: int
    price: int
    shared: bool  # priced by the eMode category


def liquidation_prices(position: Position) -> tuple[LiquidationPrice, ...]:
    """One entry per asset and side; a side on which no price crosses has ``raw`` None."""
    holdings = _holdings(position)
    if not any(holding.debt for holding in holdings):
        return ()
    found = []
    for holding in holdings:
        moved = [other for other in holdings if other.shared] if holding.shared else [holding]
        fixed = [other for other in holdings if other not in moved]
        side = _side(moved)
        if side:
            raw = _crossing(position, moved, fixed, side)
            found.append(_entry(position, holding.reserve, side, raw))
    return tuple(found)


def _entry(position: Position, reserve: Reserve, side: str, raw: int | None) -> LiquidationPrice:
    decimals = len(str(position.base_unit)) - 1
    return LiquidationPrice(reserve.label, side, raw, decimals, position.base_currency)


def _holdings(position: Position) -> list[_Holding]:
    holdings = []
    for reserve in position.reserves:
        factors = collateral_factors(position, reserve)
        supply = 0 if factors is None else supply_balance(position, reserve)
        debt = debt_balance(position, reserve) if position.borrows(reserve) else 0
        if not supply and not debt:
            continue
        category = position.category
        shared = (
            category is not None
            and position.profile.modes is Modes.CATEGORY
            and category.price != 0
            and in_category(position, reserve)
        )
        threshold = 0 if factors is None else factors[1]
        price = price_of(position, reserve)
        holdings.append(_Holding(reserve, supply, threshold, debt, price, shared))
    return holdings


def _side(moved: list[_Holding]) -> str:
    """Which direction hurts: the sign of what one unit of price adds to collateral less debt."""
    scale = max(holding.reserve.unit for holding in moved)
    slope = sum(
        (holding.supply * holding.threshold - holding.debt * BPS) * scale // holding.reserve.unit
        for holding in moved
    )
    return "down" if slope > 0 else "up" if slope < 0 else ""


def _sums(position: Position, priced: list[tuple[_Holding, int]]) -> Totals:
    collateral = debt = weighted = 0
    for holding, price in priced:
        unit = holding.reserve.unit
        value = base_value(holding.supply, price, unit, up=False)
        collateral += value
        weighted += value * holding.threshold
        debt += base_value(holding.debt, price, unit, up=position.profile.debt_value_up)
    return Totals(collateral, debt, weighted, 0)


def _crossing(
    position: Position, moved: list[_Holding], fixed: list[_Holding], side: str
) -> int | None:
    others = [(holding, holding.price) for holding in fixed]
    if len(moved) == 1 and not moved[0].debt:
        return _collateral_price(position, moved[0], _sums(position, others))

    def healthy(price: int) -> bool:
        sums = _sums(position, others + [(holding, price) for holding in moved])
        return health_factor(sums, exact=position.profile.exact_health) >= WAD

    first = _first(lambda price: healthy(price) == (side == "down"))
    if first is None or first == 0:
        return None
    return first if side == "down" else first - 1


def _first(holds: Callable[[int], bool]) -> int | None:
    """The smallest price from which a predicate holds, by doubling and bisection."""
    if holds(0):
        return 0
    low, high = 0, 1
    while not holds(high):
        low, high = high, high * 2
        if high > _HIGHEST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _collateral_price(position: Position, holding: _Holding, others: Totals) -> int | None:
    """The smallest price above every liquidatable one, for an asset that is only collateral."""
    find = _exact_bands if position.profile.exact_health else _averaged_bands
    unit, supply = holding.reserve.unit, holding.supply
    for lowest, highest in find(others, holding.threshold):
        # A price moves the value in steps: the highest one in the band, if any falls into it.
        price = ((highest + 1) * unit - 1) // supply
        if base_value(supply, price, unit, up=False) >= lowest:
            return price + 1
    return None


_Band = tuple[int, int]  # liquidatable collateral values, both ends included


def _exact_bands(others: Totals, threshold: int) -> Iterator[_Band]:
    """The values below the one needed, where health is ``(S * 1e18 + D // 2) // D // 1e4``."""
    needed = div_up(WAD * BPS * others.debt - others.debt // 2, WAD) - others.weighted_threshold
    if threshold and needed > 0:
        yield 0, div_up(needed, threshold) - 1


def _averaged_bands(others: Totals, threshold: int) -> Iterator[_Band]:
    """The same, highest first, where health uses the floored average threshold ``k``, up to 3.4.

    On the values that give one ``k`` health rises with value, but a step of ``k`` downward lowers
    it, so that liquidatable values come in bands. Bands of higher values have lower ``k``, so the
    search goes up from this asset's own threshold.
    """
    if threshold == 0:
        return
    needed = div_up(WAD * others.debt - others.debt // 2, WAD)
    collateral, weighted = others.collateral, others.weighted_threshold
    average = weighted // collateral if collateral else threshold
    if threshold >= average:
        value = _rising_value(others, threshold, needed)
        if value:
            yield 0, value - 1
        return
    for k in range(threshold, average + 1):
        above = (weighted - (k + 1) * collateral) // (k + 1 - threshold)
        lowest = max(above + 1, 0)
        sufficient = div_up(needed * BPS - BPS // 2, k) - collateral
        highest = sufficient - 1
        if k > threshold:
            highest = min(highest, (weighted - k * collateral) // (k - threshold))
        if lowest <= highest:
            yield lowest, highest


def _rising_value(others: Totals, threshold: int, needed: int) -> int | None:
    """The smallest sufficient value where the average threshold can only rise with it."""

    def sufficient(value: int) -> bool:
        collateral = others.collateral + value
        average = (others.weighted_threshold + value * threshold) // collateral if collateral else 0
        return (collateral * average + BPS // 2) // BPS >= needed

    return _first(sufficient)
