"""The volatility feed's surface: raw SVI in integers of 18 decimals (lyra-utils ``math/SVI.sol``).

``forward`` and ``tenor`` are those the curve was fitted at, not today's: between two updates the
surface is sticky by strike, and its total variance is spread over the fitted tenor.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import WAD
from .fixed_point import div, ln, mul, sqrt

__all__ = ["Svi", "volatility"]

_MOST_VARIANCE = 144 * WAD
_BOUND_SCALE = 4 * WAD


@dataclass(frozen=True, slots=True)
class Svi:
    """One expiry's curve; ``tenor`` in years, everything in 18 decimals."""

    a: int
    b: int
    rho: int
    m: int
    sigma: int
    forward: int
    tenor: int


def volatility(curve: Svi, strike: int) -> int:
    """The annual volatility at a strike; ``RuleError`` where the contract reverts."""
    if strike == 0:
        return 0
    if curve.forward == 0:
        raise RuleError("the contract reverts: the curve has no forward")
    distance = _log_moneyness(curve, strike) - curve.m
    root = sqrt(mul(distance, distance) + mul(curve.sigma, curve.sigma))
    variance = curve.a + mul(curve.b, root + mul(curve.rho, distance))
    if variance < 0:
        raise RuleError("the contract reverts: negative variance")
    return sqrt(div(min(variance, _MOST_VARIANCE), curve.tenor))


def _log_moneyness(curve: Svi, strike: int) -> int:
    """ln(strike / forward), held within four deviations at the curve's own scale."""
    scale = curve.a + mul(curve.b, curve.sigma)
    if scale < 0:
        raise RuleError("the contract reverts: negative variance")
    bound = mul(sqrt(scale), _BOUND_SCALE)
    ratio = div(strike, curve.forward)
    if ratio == 0:
        return -bound
    return max(-bound, min(bound, ln(ratio)))
