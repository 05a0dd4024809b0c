"""What the hand-written rules share: the ratio to a requirement, and the notional of a leg."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...book.model import Leg, Perp
from ...book.rule import FloatArray, LegScenarios

__all__ = ["coverage", "gross_values"]


def coverage(held: FloatArray, required: FloatArray) -> FloatArray:
    """``held / required``; where nothing is required ``inf``, or ``-inf`` with less than nothing.

    NaN on either side stays NaN: a missing value never reads as ``inf``.
    """
    ratio = np.where(held < required, -np.inf, np.inf)
    np.divide(held, required, out=ratio, where=~(required <= 0.0))
    return ratio


def gross_values(legs: Sequence[Leg], scenarios: LegScenarios) -> FloatArray:
    """The USD size of every leg, [legs, S]: notional at the current price for perps, else |value|.

    A perp's value is its unrealised result, which says nothing about its size.
    """
    gross = np.abs(scenarios.value)
    for row, leg in enumerate(legs):
        if isinstance(leg.instrument, Perp):
            gross[row] = abs(float(leg.quantity)) * scenarios.price[row]
    return gross
