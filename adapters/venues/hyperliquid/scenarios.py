"""The rule over many scenarios at once, in ``float64``: each mark moved by its leg's factor.

Sizes and cash come from the legs, so that a changed leg changes the answer. The surplus of today is
computed exactly and only its changes are floats, so a scenario that moves nothing gives exactly the
verdict of the exact rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from ....core.book.model import Debt, Leg, Perp, Spot
from ....core.book.rule import FloatArray, LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import to_float
from .island import BORROWED, Columns, HeldPerp, Island, PledgedLeg
from .maths import USD_DECIMALS, Tier, in_raw, maintenance_lines

__all__ = ["evaluate"]

_DIGITS = 30


def evaluate(island: Island, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
    """The rule's arrays. ``equity`` and the requirements are USD; the health is the rule's own."""
    if island.mode == "unknown" and any(isinstance(leg.instrument, Perp) for leg in legs):
        raise RuleError("the account's mode is not known: say which it is (option mode)")
    now = _with_legs(island, legs)
    today = now.columns(min(now.pending, 0))
    if today is None:
        raise RuleError("a number was not read: the rule cannot be evaluated")
    count = scenarios.factor.shape[1] if scenarios.factor.ndim == 2 else 0
    result, maintenance, initial = np.zeros(count), np.zeros(count), np.zeros(count)
    held = {each.leg_id: each for each in now.positions or ()}
    for row, leg in enumerate(legs):
        if leg.id in held:
            notional, factor = _usd(held[leg.id]), scenarios.factor[row]
            result += notional * (factor - 1.0)
            maintenance += _maintenance(abs(notional) * factor, held[leg.id].tiers or ())
            initial += abs(notional) * factor / max(held[leg.id].leverage, 1)
    needed = _float(today.maintenance)
    grown = maintenance - sum(
        (_maintenance(np.full(count, abs(_usd(each))), each.tiers or ()) for each in held.values()),
        np.zeros(count),
    )
    health, liquidatable = _measured(now, today, legs, scenarios, result, grown)
    equity = scenarios.value.sum(axis=0)
    return RuleArrays(equity, initial, needed + grown, health, liquidatable)


def _measured(
    island: Island,
    today: Columns,
    legs: Sequence[Leg],
    scenarios: LegScenarios,
    result: FloatArray,
    grown: FloatArray,
) -> tuple[FloatArray, np.typing.NDArray[np.bool_]]:
    """Health and verdict, from today's exact surplus and how both of its sides changed."""
    numerator = result
    if island.borrowing is not None:
        numerator = 0.95 * (result + _pledges_moved(island, legs, scenarios))
    surplus = _float(today.numerator - today.denominator) + numerator - grown
    above, below = _float(today.numerator) + numerator, _float(today.denominator) + grown
    if island.needs_nothing:
        safe = today.whole >= 0
        return np.full_like(surplus, np.inf if safe else 0.0), np.full(surplus.shape, not safe)
    liquidatable = surplus <= 0.0 if island.liquidatable_at_limit else surplus < 0.0
    ratio = np.maximum(above, 0.0) / np.where(below > 0.0, below, 1.0)
    most = 1.0 if island.liquidatable_at_limit else np.nextafter(1.0, 0.0)
    least = np.nextafter(1.0, 2.0) if island.liquidatable_at_limit else 1.0
    ratio = np.where(liquidatable, np.minimum(ratio, most), np.maximum(ratio, least))
    return np.where(below > 0.0, ratio, np.inf), liquidatable


def _with_legs(island: Island, legs: Sequence[Leg]) -> Island:
    """The rule holding what the legs hold; a perp that it has no terms of is refused."""
    terms = {held.leg_id: held for held in island.positions or ()}
    pledged = {each.leg_id: each for each in (island.borrowing.pledged if island.borrowing else ())}
    cash, borrowed, pending = Fraction(0), Fraction(0), Fraction(0)
    positions: list[HeldPerp] = []
    pledges: list[PledgedLeg] = []
    for leg in legs:
        if leg.failure is not None:
            raise RuleError(f"the leg {leg.id} was not read: the rule cannot be evaluated")
        quantity = Fraction(leg.quantity)
        pending += Fraction(leg.accrued)
        if isinstance(leg.instrument, Perp):
            if leg.id not in terms:
                raise RuleError(f"the account holds no position {leg.id}: its terms are not known")
            positions.append(_resized(terms[leg.id], quantity))
            cash -= _entry(terms[leg.id], leg)
        elif leg.id in pledged:
            each = pledged[leg.id]
            pledges.append(replace(each, pledge=replace(each.pledge, amount=quantity)))
        elif leg.id == BORROWED and island.borrowing is not None:
            borrowed -= quantity
        elif isinstance(leg.instrument, Spot | Debt):
            cash += quantity
    borrowing = island.borrowing
    if borrowing is not None:
        borrowing = replace(borrowing, borrowed=borrowed, pledged=tuple(pledges))
    scale = max(island.cash_decimals, _DIGITS)
    return replace(
        island,
        cash=in_raw(cash, scale) if cash.denominator != 1 else cash.numerator * 10**scale,
        cash_decimals=scale,
        positions=tuple(positions),
        pending=in_raw(pending),
        borrowing=borrowing,
    )


def _resized(held: HeldPerp, quantity: Fraction) -> HeldPerp:
    """The position with the leg's size, in as many decimals as that takes."""
    decimals = held.size_decimals
    while (quantity * 10**decimals).denominator != 1 and decimals < _DIGITS:
        decimals += 1
    if held.mark is None or decimals == held.size_decimals:
        return replace(held, size=int(quantity * 10**held.size_decimals))
    raise RuleError(f"the size of {held.leg_id} has more decimals than the venue trades")


def _entry(held: HeldPerp, leg: Leg) -> Fraction:
    """What the leg's size was entered at: the venue's own number, in proportion to the size."""
    quantity = Fraction(leg.quantity)
    if held.size and (quantity > 0) == (held.size > 0):
        return Fraction(held.entry_value, 10**USD_DECIMALS) * quantity / held.units
    return quantity * Fraction(leg.entry_price or Decimal(0))


def _pledges_moved(island: Island, legs: Sequence[Leg], scenarios: LegScenarios) -> FloatArray:
    """How the counted value of the pledges changes, the borrow cap observed."""
    rows = {leg.id: row for row, leg in enumerate(legs)}
    borrowing = island.borrowing
    shape = scenarios.factor.shape[1]
    today, moved = 0.0, np.zeros(shape)
    for each in borrowing.pledged if borrowing else ():
        counted = _float(each.pledge.counted)
        today += counted
        moved += counted * scenarios.factor[rows[each.leg_id]]
    if borrowing is not None and borrowing.borrow_cap is not None:
        cap = _float(borrowing.borrow_cap)
        return np.asarray(np.minimum(moved, cap) - min(today, cap))
    return moved - today


def _maintenance(notional: FloatArray, tiers: Sequence[Tier]) -> FloatArray:
    """The maintenance margin of each notional: the highest of the tiers' lines."""
    lines = [
        _float(line.rate) * notional - _float(line.deduction) for line in maintenance_lines(tiers)
    ]
    if not lines:
        raise RuleError("a margin table is not known: the rule cannot be evaluated")
    return np.asarray(np.maximum.reduce(lines))


def _usd(held: HeldPerp) -> float:
    """Size times mark, signed, in USD."""
    if held.value is None:
        raise RuleError(f"the mark of {held.leg_id} was not read: the rule cannot be evaluated")
    return to_float(held.value, USD_DECIMALS)


def _float(value: Fraction) -> float:
    """The nearest float, whose sign is the value's."""
    return to_float(value.numerator, 0) / to_float(value.denominator, 0)
