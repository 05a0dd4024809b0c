"""The arithmetic of a liquidation auction (v2-core ``DutchAuction.sol``), integers of 18 decimals.

``value`` is the account's mark-to-market with cash, ``margin`` its MM; both net. ``reserved`` is
the cash that earlier bidders paid into the account.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import WAD, div_toward_zero
from .fixed_point import div, mul

__all__ = [
    "AuctionTerms",
    "bid_price",
    "buffer_margin",
    "discount_at",
    "liquidation_fee",
    "most_share",
]


@dataclass(frozen=True, slots=True)
class AuctionTerms:
    """The auction's parameters; lengths in seconds. Below ``value_cutoff`` a bid takes it all."""

    start_share: int
    fast_cutoff: int
    fast_seconds: int
    slow_seconds: int
    insolvent_seconds: int
    fee_rate: int
    buffer_share: int
    value_cutoff: int = 0


def buffer_margin(terms: AuctionTerms, margin: int, value: int) -> int:
    """The margin up to which a solvent auction sells: below MM by a share of the requirement."""
    return margin + mul(margin - value, terms.buffer_share)


def discount_at(terms: AuctionTerms, elapsed: int) -> int:
    """The share of the value that a solvent auction asks, so many seconds after its start."""
    if elapsed < terms.fast_seconds:
        fall = terms.start_share - terms.fast_cutoff
        return terms.start_share - fall * elapsed // terms.fast_seconds
    slow = elapsed - terms.fast_seconds
    if slow >= terms.slow_seconds:
        return 0
    return terms.fast_cutoff - div(mul(terms.fast_cutoff, slow), terms.slow_seconds)


def most_share(terms: AuctionTerms, value: int, buffer: int, discount: int, reserved: int) -> int:
    """The largest share of the account that one bid may take."""
    if value < terms.value_cutoff:
        return WAD
    buffer = min(buffer, 0)
    rest = buffer - mul(value, discount) - mul(reserved, WAD - discount)
    share = div(buffer, rest)
    if share < 0:
        raise RuleError("the contract reverts: a negative share")
    return share


def liquidation_fee(terms: AuctionTerms, value: int, buffer: int) -> int:
    """What the account pays to the security module when a solvent auction starts."""
    share = most_share(terms, value, buffer, WAD, 0)
    return mul(mul(share, abs(value)), terms.fee_rate)


def bid_price(
    terms: AuctionTerms, *, insolvent: bool, elapsed: int, value: int, margin: int, reserved: int
) -> int:
    """The price of the whole account: positive paid by a bidder, negative paid to one."""
    if not insolvent:
        if elapsed >= terms.fast_seconds + terms.slow_seconds:
            return 0
        if reserved > value:
            raise RuleError("the contract reverts: the reserved cash is more than the value")
        return mul(value - reserved, discount_at(terms, elapsed))
    if margin >= 0:
        return 0
    value = min(value, 0)
    if elapsed >= terms.insolvent_seconds:
        return margin
    return div_toward_zero((margin - value) * elapsed, terms.insolvent_seconds) + value
