"""Black-76 as the contracts price it, in integers of 18 decimals (lyra-utils ``math/Black76.sol``).

The put always comes from the call by parity, and both are capped at what they can pay.
"""

from __future__ import annotations

from ....core.units import WAD, div_toward_zero
from .fixed_point import annualised, ln, normal_cdf, sqrt

__all__ = ["prices"]

# Beyond this total deviation a standard call is worth its forward.
_MOST_DEVIATION = 24 * WAD


def prices(
    seconds: int, volatility: int, forward: int, strike: int, discount: int
) -> tuple[int, int]:
    """USD of one (call, put) that expires in so many seconds, discounted."""
    deviation = volatility * sqrt(annualised(seconds)) // WAD
    forward_value = forward * discount // WAD
    if strike == 0:
        return forward_value, 0
    strike_value = strike * discount // WAD
    if forward == 0:
        return 0, strike_value
    moneyness = strike * WAD // forward
    call = _standard_call(moneyness, deviation)
    put = max(call + moneyness - WAD, 0)
    return (
        min(call * forward_value // WAD, forward_value),
        min(put * forward_value // WAD, strike_value),
    )


def _standard_call(moneyness: int, deviation: int) -> int:
    """A call on a forward of 1, undiscounted; no deviation counts as one wei."""
    if deviation >= _MOST_DEVIATION:
        return WAD
    deviation, moneyness = max(deviation, 1), max(moneyness, 1)
    half_variance = (deviation >> 1) * deviation // WAD
    d1 = div_toward_zero((half_variance - ln(moneyness)) * WAD, deviation)
    exercised = moneyness * normal_cdf(d1 - deviation) // WAD
    return max(normal_cdf(d1) - exercised, 0)
