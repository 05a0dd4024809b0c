"""Price impact of closing a position: how much worse or better the skew becomes.

Source: gmx-synthetics ``PositionPricingUtils.getPriceImpactUsd`` and ``PricingUtils.sol``.
"""

from __future__ import annotations

from dataclasses import dataclass

from .fixed import applied, exponentiated, signed, unsigned
from .state import Impact, Market, MarketPrices, Position

__all__ = ["ImpactPool", "applied_impact", "closing_impact", "pending_impact", "total_impact"]


@dataclass(frozen=True, slots=True)
class ImpactPool:
    """What a market can pay for positive impact, and may lend for it."""

    amount: int
    lent_amount: int
    max_lendable_factor: int
    max_lendable_usd: int
    pool_usd: int


@dataclass(frozen=True, slots=True)
class _Skew:
    """Open interest in USD before and after the closing."""

    long: int
    short: int
    next_long: int
    next_short: int


def applied_impact(difference: int, factor: int, exponent: int) -> int:
    """``difference ** exponent * factor`` (``PricingUtils.applyImpactFactor``)."""
    return applied(exponentiated(difference, exponent), factor)


def closing_impact(market: Market, position: Position, prices: MarketPrices) -> tuple[int, bool]:
    """Impact in USD of closing all (negative: a cost), and whether the balance improves.

    A positive impact is capped; a negative one is the worse of the market's own and, where the
    index token has one, of the virtual inventory's.
    """
    mid = prices.index.mid
    closed = position.size_in_tokens * mid if market.in_tokens else position.size_in_usd
    longs, shorts = (
        unsigned(market.for_balance(is_long=is_long, index_price=mid)) for is_long in (True, False)
    )
    found = _impact(market.impact, _closed(longs, shorts, closed, is_long=position.is_long))
    inventory = market.impact.virtual_inventory
    if found[0] < 0 and inventory is not None:
        inventory = signed(inventory * mid) if market.in_tokens else inventory
        longs, shorts = max(-inventory, 0) + closed, max(inventory, 0) + closed
        virtual = _impact(market.impact, _closed(longs, shorts, closed, is_long=position.is_long))
        found = min(found, virtual, key=lambda each: each[0])
    usd, improved = found
    if usd > 0:
        usd = min(usd, applied(position.size_in_usd, _max_positive(market.impact)))
    return usd, improved


def pending_impact(position: Position, prices: MarketPrices) -> int:
    """Impact that was put off when the position was opened, in USD, at the worse price."""
    amount = position.pending_impact_amount
    return signed(amount * (prices.index.min if amount > 0 else prices.index.max))


def total_impact(
    market: Market, position: Position, prices: MarketPrices, closing: int, pool: ImpactPool
) -> int:
    """Impact of a voluntary closing, as ``getPositionInfo`` shows it; no liquidation uses it."""
    total, size = closing + pending_impact(position, prices), position.size_in_usd
    if total < 0:
        return max(total, -applied(size, market.impact.max_negative_factor))
    total = min(total, applied(size, _max_positive(market.impact)))
    available = pool.amount * prices.index.min
    lendable = min(applied(pool.pool_usd, pool.max_lendable_factor), pool.max_lendable_usd)
    lendable = max(lendable - pool.lent_amount * prices.index.max, 0)
    return min(total, available + lendable)


def _closed(longs: int, shorts: int, closed: int, *, is_long: bool) -> _Skew:
    """The skew before and after; a side never falls below nothing."""
    if is_long:
        return _Skew(longs, shorts, max(longs - closed, 0), shorts)
    return _Skew(longs, shorts, longs, max(shorts - closed, 0))


def _impact(terms: Impact, skew: _Skew) -> tuple[int, bool]:
    """The signed impact and whether the difference between the sides shrank."""
    before, after = abs(skew.long - skew.short), abs(skew.next_long - skew.next_short)
    improved = after < before
    positive = min(terms.positive_factor, terms.negative_factor)
    positive_exponent = min(terms.positive_exponent, terms.negative_exponent)
    negative, negative_exponent = terms.negative_factor, terms.negative_exponent
    if (skew.long <= skew.short) == (skew.next_long <= skew.next_short):
        factor = positive if improved else negative
        exponent = positive_exponent if improved else negative_exponent
        change = abs(
            applied_impact(before, factor, exponent) - applied_impact(after, factor, exponent)
        )
        return (change if improved else -change), improved
    gained = applied_impact(before, positive, positive_exponent)
    return gained - applied_impact(after, negative, negative_exponent), improved


def _max_positive(terms: Impact) -> int:
    return min(terms.max_positive_factor, terms.max_negative_factor)
