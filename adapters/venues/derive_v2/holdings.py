"""What a subaccount holds and the feeds that value it, in the venue's integers of 18 decimals.

Positive is long or owned, negative short or owed. Confidences are shares in [0, 1e18].
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ....core.units import WAD
from .fixed_point import mul

__all__ = [
    "NO_PERP",
    "ExpiryHolding",
    "OptionHolding",
    "PerpHolding",
    "moved_expiry",
    "moved_perp",
    "naked_shorts",
]


@dataclass(frozen=True, slots=True)
class OptionHolding:
    """Options of one strike and right; ``volatility`` is the feed's at that strike."""

    strike: int
    is_call: bool
    amount: int
    volatility: int


@dataclass(frozen=True, slots=True)
class ExpiryHolding:
    """The options of one expiry (Unix seconds) and its feeds.

    In the last half hour the forward is part fixed (already averaged into the settlement) and part
    variable; scenarios move only the variable part. ``seconds`` is 0 once expired.
    """

    seconds: int
    forward_fixed: int
    forward_variable: int
    forward_confidence: int
    volatility_confidence: int
    options: tuple[OptionHolding, ...]
    rate: int = 0
    rate_confidence: int = WAD
    expiry: int = 0

    @property
    def forward(self) -> int:
        """The whole forward price."""
        return self.forward_fixed + self.forward_variable

    @property
    def gross(self) -> int:
        """Contracts held, long and short alike."""
        return sum(abs(option.amount) for option in self.options)


@dataclass(frozen=True, slots=True)
class PerpHolding:
    """A perp position; ``unsettled`` is its unrealised result, stored result and funding, in USD.

    ``last_mark`` is the price up to which the result is stored. The price is the index plus
    ``difference``, held within ``cap`` of the index; a ``frozen`` perp's price stands still.
    """

    position: int = 0
    price: int = 0
    confidence: int = WAD
    unsettled: int = 0
    last_mark: int = 0
    difference: int = 0
    cap: int = 0
    frozen: bool = False


NO_PERP = PerpHolding()


def moved_perp(perp: PerpHolding, spot: int) -> PerpHolding:
    """The same position with the index at ``spot``; funding stays as it is."""
    if perp.frozen or not perp.position:
        return perp
    most = mul(spot, perp.cap)
    price = spot + max(-most, min(most, perp.difference))
    paid = mul(perp.price - perp.last_mark, perp.position)
    earned = mul(price - perp.last_mark, perp.position)
    return replace(perp, price=price, unsettled=perp.unsettled - paid + earned)


def moved_expiry(expiry: ExpiryHolding, before: int, spot: int) -> ExpiryHolding:
    """The same options with spot moved: the forward keeps its difference to spot.

    In the last half hour only the part that is not fixed yet moves, and in proportion.
    """
    if expiry.forward_fixed or not expiry.seconds:
        variable = expiry.forward_variable * spot // before if before else 0
    else:
        variable = max(expiry.forward_variable + spot - before, 0)
    return replace(expiry, forward_variable=variable)


def naked_shorts(options: tuple[OptionHolding, ...]) -> int:
    """Short contracts that no long option of the same strike covers, of either right."""
    by_strike: dict[int, list[int]] = {}
    for option in options:
        by_strike.setdefault(option.strike, []).append(option.amount)
    return sum(_uncovered(amounts) for amounts in by_strike.values())


def _uncovered(amounts: list[int]) -> int:
    """At most a call and a put share a strike: two shorts add up, a long covers a short."""
    if all(amount < 0 for amount in amounts):
        return -sum(amounts)
    return max(-sum(amounts), 0) if any(amount < 0 for amount in amounts) else 0
