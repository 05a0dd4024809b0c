"""Morpho's adaptive-curve interest rate model, in the contract's integers.

The adapter reads ``borrowRateView`` at the block and does not need this; it recomputes the rate in
the suite of cases and for questions about another time or utilisation. Signed divisions truncate
toward zero, as Solidity's do. Source: morpho-org/morpho-blue-irm, ``AdaptiveCurveIrm.sol``.
"""

from __future__ import annotations

from ....core.units import WAD, div_toward_zero
from .maths import MarketState

__all__ = ["adaptive_curve_rate"]

SECONDS_PER_YEAR = 365 * 86_400
CURVE_STEEPNESS = 4 * WAD
ADJUSTMENT_SPEED = 50 * WAD // SECONDS_PER_YEAR
TARGET_UTILISATION = 9 * WAD // 10
INITIAL_RATE_AT_TARGET = 4 * WAD // 100 // SECONDS_PER_YEAR
MIN_RATE_AT_TARGET = WAD // 1000 // SECONDS_PER_YEAR
MAX_RATE_AT_TARGET = 2 * WAD // SECONDS_PER_YEAR

LN_2 = 693_147_180_559_945_309
LN_WEI = -41_446_531_673_892_822_312
EXP_UPPER_BOUND = 93_859_467_695_000_404_319
EXP_UPPER_VALUE = 57716089161558943949701069502944508345128_422502756744429568


def adaptive_curve_rate(market: MarketState, rate_at_target: int, timestamp: int) -> int:
    """The borrow rate per second (1e18) that ``borrowRateView`` returns at ``timestamp``.

    ``rate_at_target`` is the model's stored rate for the market, 0 before its first use.
    """
    error = _utilisation_error(market)
    if rate_at_target == 0:
        return _curve(INITIAL_RATE_AT_TARGET, error)
    adaptation = _multiply(ADJUSTMENT_SPEED, error) * (timestamp - market.last_update)
    if adaptation == 0:
        return _curve(rate_at_target, error)
    end = _adapted(rate_at_target, adaptation)
    middle = _adapted(rate_at_target, div_toward_zero(adaptation, 2))
    # The integral of an exponential over the interval, by the trapezoidal rule at three points.
    return _curve((rate_at_target + end + 2 * middle) // 4, error)


def _utilisation_error(market: MarketState) -> int:
    """The distance of the utilisation from its target, -1e18 at zero and 1e18 at full use."""
    supply = market.total_supply_assets
    utilisation = market.total_borrow_assets * WAD // supply if supply else 0
    above = utilisation > TARGET_UTILISATION
    norm = WAD - TARGET_UTILISATION if above else TARGET_UTILISATION
    return div_toward_zero((utilisation - TARGET_UTILISATION) * WAD, norm)


def _curve(rate_at_target: int, error: int) -> int:
    """The rate at this error: a quarter of the target's at zero use, four times at full use."""
    coefficient = WAD - WAD * WAD // CURVE_STEEPNESS if error < 0 else CURVE_STEEPNESS - WAD
    return _multiply(_multiply(coefficient, error) + WAD, rate_at_target)


def _adapted(rate_at_target: int, adaptation: int) -> int:
    """The rate at target after an adaptation (1e18, in log space), within the model's bounds."""
    moved = _multiply(rate_at_target, _exponential(adaptation))
    return min(max(moved, MIN_RATE_AT_TARGET), MAX_RATE_AT_TARGET)


def _exponential(exponent: int) -> int:
    """``exp`` (1e18) as the contract approximates it: range reduction by ln 2, then second order."""
    if exponent < LN_WEI:
        return 0
    if exponent >= EXP_UPPER_BOUND:
        return EXP_UPPER_VALUE
    rounding = -(LN_2 // 2) if exponent < 0 else LN_2 // 2
    power = div_toward_zero(exponent + rounding, LN_2)
    rest = exponent - power * LN_2
    mantissa = WAD + rest + rest * rest // WAD // 2
    return mantissa << power if power >= 0 else mantissa >> -power


def _multiply(a: int, b: int) -> int:
    """``a * b`` of two values scaled by 1e18, truncated toward zero."""
    return div_toward_zero(a * b, WAD)
