"""What both portfolio managers share: an expiry's value under shocks, and its basis contingency."""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import WAD
from .black76 import prices
from .fixed_point import annualised, mul, power
from .holdings import ExpiryHolding

__all__ = [
    "BasisTerms",
    "VolatilityTerms",
    "basis_contingency",
    "penalty_share",
    "shocked_value",
    "volatility_shocks",
]

_THIRTY_DAYS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class BasisTerms:
    """The moves of the basis contingency and the share of their loss that it charges."""

    spot_up: int
    spot_down: int
    add: int
    multiply: int


@dataclass(frozen=True, slots=True)
class VolatilityTerms:
    """How far volatility moves; ``floor_seconds`` is the shortest tenor that scales it."""

    range_up: int
    range_down: int
    short_power: int
    long_power: int
    floor_seconds: int
    least_up: int = 0


def volatility_shocks(terms: VolatilityTerms, seconds: int) -> tuple[int, int]:
    """The factors (up, down) on volatility; thirty days exactly still take the short power."""
    tenor = _THIRTY_DAYS * WAD // _positive(max(seconds, terms.floor_seconds))
    scale = power(tenor, terms.short_power if seconds <= _THIRTY_DAYS else terms.long_power)
    return WAD + mul(terms.range_up, scale), max(WAD - mul(terms.range_down, scale), 0)


def _positive(seconds: int) -> int:
    if seconds <= 0:
        raise RuleError("the contract reverts: division by zero")
    return seconds


def shocked_value(
    expiry: ExpiryHolding, spot: int, volatility: int, discount: int, least: int = 0
) -> int:
    """The options' USD value with spot and volatility times these factors."""
    forward = mul(expiry.forward_variable, spot) + expiry.forward_fixed
    total = 0
    for option in expiry.options:
        moved = max(least, mul(option.volatility, volatility))
        call, put = prices(expiry.seconds, moved, forward, option.strike, discount)
        total += mul(call if option.is_call else put, option.amount)
    return total


def basis_contingency(terms: BasisTerms, expiry: ExpiryHolding, discount: int, now: int) -> int:
    """The charge (never positive) for the forward's basis moving against the expiry."""
    up = shocked_value(expiry, terms.spot_up, WAD, discount)
    down = shocked_value(expiry, terms.spot_down, WAD, discount)
    share = terms.add + mul(terms.multiply, annualised(expiry.seconds))
    return mul(min(up - now, down - now, 0), share)


def penalty_share(confidence: int, threshold: int, margin: int) -> int:
    """The share of notional charged for a feed below the threshold; strictly below."""
    return mul(WAD - confidence, margin) if confidence < threshold else 0
