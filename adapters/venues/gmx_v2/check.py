"""The venue's margin check of one position, in integers, and the figures its reader publishes.

Source: gmx-synthetics ``PositionUtils.isPositionLiquidatable`` and ``getPositionPnlUsd``,
``PositionPricingUtils.getPositionFees``. A liquidation fee is not part of the check.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import mul_div_down, mul_div_up
from .accrual import Accrued
from .fixed import PER_SIZE, applied, signed, unsigned
from .impact import closing_impact, pending_impact
from .state import Market, MarketPrices, Position, TokenPrice

__all__ = ["REASONS", "Check", "Fees", "checked", "collateral_price", "profit"]

# Why the venue calls a position liquidatable, in the order in which it asks.
REASONS = ("", "min collateral", "< 0", "min collateral for leverage")


@dataclass(frozen=True, slots=True)
class Fees:
    """What closing costs, in units of the collateral token."""

    position: int
    discount: int
    borrowing: int
    funding: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.position - self.discount + self.borrowing + self.funding


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome: what would remain in USD, what must remain, and every part of it."""

    remaining: int
    minimum: int
    minimum_for_leverage: int
    reason: str
    profit: int
    uncapped_profit: int
    closing_impact: int
    balance_improved: bool
    counted_impact: int
    fees: Fees

    @property
    def liquidatable(self) -> bool:
        """The venue's own verdict."""
        return self.reason != ""

    @property
    def required(self) -> int:
        """What must remain; at least the smallest amount, since nothing left is not enough."""
        return max(self.minimum, self.minimum_for_leverage, 1)

    @property
    def margin(self) -> int:
        """What remains beyond the requirement; negative exactly where it is liquidatable."""
        return self.remaining - self.required


def checked(market: Market, position: Position, prices: MarketPrices, accrued: Accrued) -> Check:
    """The check at these prices and totals; ``RuleError`` where the contract reverts."""
    price = collateral_price(position, prices)
    capped, uncapped = profit(market, position, prices)
    closing, improved = closing_impact(market, position, prices)
    impact = _counted(market, position, closing + pending_impact(position, prices))
    fees = _fees(market, position, price, accrued, improved=improved)
    remaining = signed(
        unsigned(position.collateral_amount * price.min)
        + capped
        + impact
        - unsigned(fees.total * price.min)
    )
    limits = market.limits
    minimum = signed(limits.min_collateral_usd)
    leverage = applied(position.size_in_usd, limits.min_collateral_factor_for_liquidation)
    reason = _reason(remaining, minimum, signed(leverage))
    return Check(
        remaining, minimum, leverage, reason, capped, uncapped, closing, improved, impact, fees
    )


def collateral_price(position: Position, prices: MarketPrices) -> TokenPrice:
    """The price of the token that backs the position."""
    return prices.long if position.collateral_is_long else prices.short


def profit(market: Market, position: Position, prices: MarketPrices) -> tuple[int, int]:
    """Unrealised result in USD, capped by what the pool may pay out, and uncapped."""
    if position.size_in_tokens == 0:
        raise RuleError("the contract's own arithmetic reverts: a position of no size")
    is_long = position.is_long
    price = prices.index.min if is_long else prices.index.max
    value = signed(unsigned(position.size_in_tokens * price))
    uncapped = value - position.size_in_usd if is_long else position.size_in_usd - value
    if uncapped <= 0:
        return uncapped, uncapped
    of_side = _profit_of_side(market, prices, is_long=is_long)
    token = prices.long if is_long else prices.short
    pool = unsigned(market.limits.pool_amount // market.divisor * token.min)
    most = applied(pool, market.limits.max_pnl_factor)
    if of_side > most > 0:
        return mul_div_down(uncapped, most, of_side), uncapped
    return uncapped, uncapped


def _profit_of_side(market: Market, prices: MarketPrices, *, is_long: bool) -> int:
    """The unrealised result of all positions of a side, at the price that makes it largest."""
    cost = market.total(market.open_interest, is_long=is_long)
    tokens = market.total(market.open_interest_in_tokens, is_long=is_long)
    if cost == 0 or tokens == 0:
        return 0
    value = unsigned(tokens * (prices.index.max if is_long else prices.index.min))
    return value - cost if is_long else cost - value


def _counted(market: Market, position: Position, impact: int) -> int:
    """Impact as a liquidation counts it: never in favour, and a cost up to a share of the size."""
    most = applied(position.size_in_usd, market.impact.max_factor_for_liquidations)
    return min(max(impact, -most), 0)


def _fees(
    market: Market, position: Position, price: TokenPrice, accrued: Accrued, *, improved: bool
) -> Fees:
    """What closing costs, each part rounded as the contract rounds it."""
    if price.min == 0:
        raise RuleError("the contract's own arithmetic reverts: a division by zero")
    size, terms = position.size_in_usd, market.fees
    factor = terms.improved_factor if improved else terms.worsened_factor
    fee = applied(size, factor) // price.min
    discount = max(
        applied(fee, terms.pro_discount_factor), applied(fee, terms.referral_discount_factor)
    )
    borrowed = unsigned(accrued.borrowing_factor - position.borrowing_factor)
    funded = unsigned(accrued.funding_fee_amount_per_size - position.funding_fee_amount_per_size)
    return Fees(
        fee,
        discount,
        applied(size, borrowed) // price.min,
        unsigned(mul_div_up(size, funded, PER_SIZE)),
    )


def _reason(remaining: int, minimum: int, leverage: int) -> str:
    """The first of the venue's three tests that the position fails."""
    if remaining < minimum:
        return REASONS[1]
    if remaining <= 0:
        return REASONS[2]
    return REASONS[3] if remaining < leverage else REASONS[0]
