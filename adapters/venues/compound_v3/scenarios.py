"""The rule over many scenarios at once, in ``float64``: each price moved by its leg's factor.

Amounts come from the legs, so that a changed leg changes the answer. At today's prices every value
is rounded as the contract rounds it, and a scenario that moves nothing gives exactly that quotient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ....core.book.model import Debt, Leg, Spot
from ....core.book.rule import FloatArray, LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import to_float
from .maths import Collateral, base_value, collateral_value, factored

__all__ = ["evaluate"]


def evaluate(
    terms: Mapping[str, Collateral],
    base_price: int | None,
    base_scale: int | None,
    legs: Sequence[Leg],
    scenarios: LegScenarios,
) -> RuleArrays:
    """The rule's arrays; ``terms`` are the market's, by asset key.

    Only assets with terms back the debt: base that is supplied does not, nor does a token that the
    account did not hold when it was read. The requirements are what the factors leave uncounted.
    """
    rows = _collateral_rows(terms, legs)
    initial = np.zeros(scenarios.value.shape[1])
    maintenance = initial.copy()
    for row, value in enumerate(np.maximum(scenarios.value, 0.0)):
        held = rows.get(row)
        borrow, liquidate = (held.borrow_factor, held.liquidate_factor) if held else (0, 0)
        initial += value * (1.0 - to_float(borrow, 18))
        maintenance += value * (1.0 - to_float(liquidate, 18))
    health = np.full(scenarios.value.shape[1], np.inf)
    owed = _owed(legs, base_price, base_scale)
    if owed is not None:
        debt, value = owed
        health = _moved(rows, value, scenarios.factor / scenarios.factor[debt])
    equity = scenarios.value.sum(axis=0)
    return RuleArrays(equity, initial, maintenance, health, health < 1.0)


def _collateral_rows(terms: Mapping[str, Collateral], legs: Sequence[Leg]) -> dict[int, Collateral]:
    """The market's terms with the leg's own amount, for each row that is collateral."""
    rows = {}
    for row, leg in enumerate(legs):
        if isinstance(leg.instrument, Spot) and leg.instrument.asset.key in terms:
            state = terms[leg.instrument.asset.key]
            rows[row] = replace(state, balance=_raw(leg, state.scale))
    return rows


def _owed(legs: Sequence[Leg], price: int | None, scale: int | None) -> tuple[int, int] | None:
    """The row of the debt and its value today; None where nothing of value is owed."""
    rows = [row for row, leg in enumerate(legs) if isinstance(leg.instrument, Debt)]
    if not rows:
        return None
    if price is None or scale is None:
        raise RuleError("the base asset was not read: the rule cannot be evaluated")
    value = base_value(sum(_raw(legs[row], scale) for row in rows), price, scale)
    return (rows[0], value) if value else None


def _moved(rows: Mapping[int, Collateral], owed: int, moves: FloatArray) -> FloatArray:
    """Today's quotient carried along each collateral's move against the debt, [S]."""
    today = {
        row: factored(collateral_value(state), state.liquidate_factor)
        for row, state in rows.items()
    }
    counted = sum(today.values())
    change = np.zeros(moves.shape[1])
    for row, value in today.items():
        if value:
            change += to_float(value, 0) / to_float(counted, 0) * (moves[row] - 1.0)
    return np.maximum(_ratio(counted, owed) * (1.0 + change), 0.0)


def _ratio(counted: int, owed: int) -> float:
    """``counted / owed`` as a float that never rounds across 1, the boundary."""
    ratio = to_float(counted, 0) / to_float(owed, 0)
    return min(ratio, float(np.nextafter(1.0, 0.0))) if counted < owed else max(ratio, 1.0)


def _raw(leg: Leg, scale: int) -> int:
    """The leg's amount as the venue holds it, whatever its sign."""
    if leg.failure is not None:
        raise RuleError(f"the leg {leg.id} was not read: the rule cannot be evaluated")
    numerator, denominator = abs(leg.quantity).as_integer_ratio()
    return numerator * scale // denominator
