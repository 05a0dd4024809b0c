"""Borrowing and funding between the last update of a market and a moment.

What a liquidation writes before it checks. Source: gmx-synthetics ``MarketUtils.sol``,
``getNextCumulativeBorrowingFactor`` and ``getNextFundingAmountPerSize``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import mul_div_down
from .fixed import FLOAT, applied, exponentiated, factor_of, signed, unsigned, up_magnitude
from .state import Funding, Market, MarketPrices, Position

__all__ = ["Accrued", "accrued_at", "as_stored"]


@dataclass(frozen=True, slots=True)
class Accrued:
    """The two running totals that a position's fees are differences to."""

    borrowing_factor: int
    funding_fee_amount_per_size: int


def as_stored(market: Market) -> Accrued:
    """The totals as they were last written: what the venue's view judges on."""
    return Accrued(market.borrowing.cumulative_factor, market.funding.fee_amount_per_size)


def accrued_at(market: Market, position: Position, prices: MarketPrices, timestamp: int) -> Accrued:
    """The totals after an update at that time; ``RuleError`` where the update reverts."""
    rate = _borrowing_factor_per_second(market, prices, is_long=position.is_long)
    elapsed = _elapsed(market.borrowing.updated_at, timestamp)
    funding = _funding_delta(market, position, prices, timestamp)
    return Accrued(
        unsigned(market.borrowing.cumulative_factor + elapsed * rate),
        unsigned(market.funding.fee_amount_per_size + funding),
    )


def _elapsed(updated_at: int, timestamp: int) -> int:
    """Seconds since an update; 0 where there never was one."""
    return unsigned(timestamp - updated_at) if updated_at else 0


def _borrowing_factor_per_second(market: Market, prices: MarketPrices, *, is_long: bool) -> int:
    """The share of a position's size that one second of borrowing costs."""
    reserved = _reserved_usd(market, prices, is_long=is_long)
    if reserved == 0 or _is_smaller_side(market, prices, is_long=is_long):
        return 0
    price = prices.long if is_long else prices.short
    pool = unsigned(market.limits.pool_amount // market.divisor * price.min)
    if pool == 0:
        raise RuleError("the market cannot accrue: its pool is empty")
    terms = market.borrowing
    if terms.optimal_usage_factor:
        return _kinked(market, reserved, pool)
    usage = factor_of(exponentiated(reserved, terms.exponent_factor), pool)
    return applied(usage, terms.factor)


def _reserved_usd(market: Market, prices: MarketPrices, *, is_long: bool) -> int:
    """What the side's positions may claim: longs at the price, shorts at cost."""
    if is_long:
        tokens = market.total(market.open_interest_in_tokens, is_long=True)
        return unsigned(tokens * prices.index.max)
    return market.total(market.open_interest, is_long=False)


def _is_smaller_side(market: Market, prices: MarketPrices, *, is_long: bool) -> bool:
    """Whether the side pays nothing because the other is larger."""
    if not market.skips_smaller_side:
        return False
    own = market.for_balance(is_long=is_long, index_price=prices.index.mid)
    return own < market.for_balance(is_long=not is_long, index_price=prices.index.mid)


def _kinked(market: Market, reserved: int, pool: int) -> int:
    """The rate of a usage curve with a kink (``getKinkBorrowingFactor``)."""
    terms = market.borrowing
    usage = factor_of(reserved, applied(pool, terms.reserve_factor))
    rate = applied(usage, terms.base_factor)
    if usage > terms.optimal_usage_factor and terms.optimal_usage_factor < FLOAT:
        steeper = max(terms.above_optimal_usage_factor - terms.base_factor, 0)
        above = unsigned(steeper * (usage - terms.optimal_usage_factor))
        rate += above // (FLOAT - terms.optimal_usage_factor)
    return rate


def _funding_delta(market: Market, position: Position, prices: MarketPrices, timestamp: int) -> int:
    """What is added to the position's funding per size; 0 for the side that receives."""
    longs = market.side(market.open_interest, is_long=True)
    shorts = market.side(market.open_interest, is_long=False)
    if sum(longs) == 0 or sum(shorts) == 0:
        return 0
    elapsed = _elapsed(market.funding.updated_at, timestamp)
    rate, longs_pay = _funding_factor_per_second(market, prices.index.mid, elapsed)
    if longs_pay is not position.is_long:
        return 0
    paying = longs if longs_pay else shorts
    owed = applied(sum(paying), unsigned(elapsed * rate)) // market.divisor
    backed = paying[0] if position.collateral_is_long else paying[1]
    price = prices.long if position.collateral_is_long else prices.short
    owed_by_token = mul_div_down(owed, backed, sum(paying))
    if owed_by_token == 0 or backed == 0:
        return 0
    # A single token is written once as the long and once as the short token.
    return up_magnitude(owed_by_token, price.max, backed) * market.divisor


def _funding_factor_per_second(market: Market, index_price: int, elapsed: int) -> tuple[int, bool]:
    """The rate to apply and whether longs pay it (``getNextFundingFactorPerSecond``)."""
    longs = market.for_balance(is_long=True, index_price=index_price)
    shorts = market.for_balance(is_long=False, index_price=index_price)
    terms, skew, total = market.funding, abs(longs - shorts), longs + shorts
    if skew == 0 and terms.increase_factor == 0:
        return 0, True
    if total == 0:
        raise RuleError("the market cannot accrue: its open interest has no value")
    imbalance = factor_of(exponentiated(skew, terms.exponent_factor), total)
    if terms.increase_factor == 0:
        return min(applied(imbalance, terms.factor), terms.max_factor), longs > shorts
    saved = _next_saved(terms, longs, shorts, imbalance, elapsed)
    saved = _bounded(saved, 0, terms.max_factor)
    rate = _bounded(saved, terms.min_factor, terms.max_factor)
    return abs(rate), rate > 0


def _next_saved(terms: Funding, longs: int, shorts: int, imbalance: int, elapsed: int) -> int:
    """The adaptive rate after the time: it rises with a large skew and falls with a small one."""
    saved = terms.saved_factor
    follows = (saved > 0 and longs > shorts) or (saved < 0 and shorts > longs)
    if not follows or imbalance > terms.threshold_for_stable:
        rise = signed(applied(imbalance, terms.increase_factor) * elapsed)
        return signed(saved + (-rise if longs < shorts else rise))
    if imbalance < terms.threshold_for_decrease and saved:
        sign = 1 if saved > 0 else -1
        # The sign survives: the rate never falls below the smallest step.
        return sign * max(abs(saved) - unsigned(terms.decrease_factor * elapsed), 1)
    return saved


def _bounded(value: int, least: int, most: int) -> int:
    """The value with its magnitude between the bounds; zero counts as positive."""
    magnitude = min(max(abs(value), least), most)
    return -magnitude if value < 0 else magnitude
