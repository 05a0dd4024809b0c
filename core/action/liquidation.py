"""Prices at which a venue's own rule would let an account be liquidated, on both sides of today's.

The rule is evaluated along the move of one underlying from -99% to +1000%, everything else
standing still, on a mesh that is even in the logarithm; each change of the venue's verdict is then
narrowed to a relative width below 1e-12. Two crossings inside one mesh step (0.8% of price) are
the only ones that can be missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ..book.model import MarginAccount
from ..book.report import LiquidationRange
from ..book.rule import BoolArray, FloatArray
from ..value.positions import Position
from ..value.revalue import States, VolatilityRule, leg_scenarios

__all__ = ["liquidation_range"]

LOWEST_MOVE, HIGHEST_MOVE = -0.99, 10.0
_MESH = 881
_SPLITS = 65
_ROUNDS = 6


def liquidation_range(
    account: MarginAccount,
    positions: Sequence[Position],
    underlying: str,
    spot: float,
    response: VolatilityRule,
    sigma: float | None = None,
) -> LiquidationRange:
    """The account's crossings along one underlying; ``positions`` are all its legs, in order."""

    def verdicts(moves: FloatArray) -> BoolArray:
        states = States(moves, np.zeros_like(moves))
        scenarios = leg_scenarios(positions, underlying, states, response)
        return account.rule.evaluate(account.legs, scenarios).liquidatable

    mesh = np.expm1(np.linspace(math.log1p(LOWEST_MOVE), math.log1p(HIGHEST_MOVE), _MESH))
    mesh = np.unique(np.append(mesh, 0.0))
    verdict = verdicts(mesh)
    found = np.flatnonzero(verdict[1:] != verdict[:-1])
    if not len(found):
        return LiquidationRange(underlying, spot, sigma=sigma)
    low, high = _narrowed(verdicts, mesh[found], mesh[found + 1], verdict[found])
    now = bool(verdict[np.searchsorted(mesh, 0.0)])
    below = [float(move) for move in low[high <= 0.0]]
    above = [float(move) for move in high[low >= 0.0]]
    down = None if now or not below else below.pop()
    up = None if now or not above else above.pop(0)
    return LiquidationRange(
        underlying,
        spot,
        None if down is None else spot * (1.0 + down),
        None if up is None else spot * (1.0 + up),
        tuple(spot * (1.0 + move) for move in below + above),
        sigma,
    )


def _narrowed(
    verdicts: Callable[[FloatArray], BoolArray],
    low: FloatArray,
    high: FloatArray,
    at_low: BoolArray,
) -> tuple[FloatArray, FloatArray]:
    """Every bracket cut into equal parts, all brackets at once, keeping the first change."""
    shares = np.linspace(0.0, 1.0, _SPLITS)
    for _ in range(_ROUNDS):
        moves = low[:, None] + (high - low)[:, None] * shares
        moves[:, -1] = high
        changed = verdicts(moves.ravel()).reshape(moves.shape) != at_low[:, None]
        changed[:, -1] = True
        first = changed.argmax(axis=1)
        rows = np.arange(len(low))
        low, high = moves[rows, np.maximum(first - 1, 0)], moves[rows, first]
    return low, high
