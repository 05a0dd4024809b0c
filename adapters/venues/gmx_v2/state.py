"""What the margin check of one position depends on: position, market and prices, as integers.

Names are the contract's. USD and factors have 30 decimals, prices are USD per smallest token unit
with 30 decimals. A market's numbers are those of the position's own side, unless a pair is given.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Borrowing",
    "Funding",
    "Impact",
    "Interest",
    "Limits",
    "Market",
    "MarketPrices",
    "Position",
    "PositionFees",
    "TokenPrice",
]


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """The two prices that an execution uses: the lower and the higher."""

    min: int
    max: int

    @property
    def mid(self) -> int:
        """Their mean, rounded down."""
        return (self.min + self.max) // 2


@dataclass(frozen=True, slots=True)
class MarketPrices:
    """Prices of a market's index token, long token and short token."""

    index: TokenPrice
    long: TokenPrice
    short: TokenPrice


@dataclass(frozen=True, slots=True)
class Position:
    """A position as stored; ``collateral_is_long`` says which of the two tokens backs it."""

    is_long: bool
    collateral_is_long: bool
    size_in_usd: int
    size_in_tokens: int
    collateral_amount: int
    pending_impact_amount: int
    borrowing_factor: int
    funding_fee_amount_per_size: int


@dataclass(frozen=True, slots=True)
class Interest:
    """Open interest by side and by the token that backs it, as stored (single tokens doubled)."""

    long_by_long: int
    long_by_short: int
    short_by_long: int
    short_by_short: int


@dataclass(frozen=True, slots=True)
class Borrowing:
    """The borrowing fee of the position's side: accumulated so far, and how it grows."""

    cumulative_factor: int
    updated_at: int
    optimal_usage_factor: int
    base_factor: int
    above_optimal_usage_factor: int
    factor: int
    exponent_factor: int
    reserve_factor: int


@dataclass(frozen=True, slots=True)
class Funding:
    """Funding of the market; ``fee_amount_per_size`` is of the position's side and collateral."""

    fee_amount_per_size: int
    updated_at: int
    factor: int
    exponent_factor: int
    increase_factor: int
    decrease_factor: int
    min_factor: int
    max_factor: int
    threshold_for_stable: int
    threshold_for_decrease: int
    saved_factor: int


@dataclass(frozen=True, slots=True)
class Impact:
    """Price impact of the market. ``virtual_inventory`` None: the index token has no virtual id.

    It is in USD, or in tokens where open interest is balanced in tokens.
    """

    positive_factor: int
    negative_factor: int
    positive_exponent: int
    negative_exponent: int
    max_positive_factor: int
    max_negative_factor: int
    max_factor_for_liquidations: int
    virtual_inventory: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What must remain, and the pool that pays profits of the position's side."""

    pool_amount: int
    max_pnl_factor: int
    min_collateral_usd: int
    min_collateral_factor: int
    min_collateral_factor_for_open_interest: int
    min_collateral_factor_for_liquidation: int


@dataclass(frozen=True, slots=True)
class PositionFees:
    """The fee for closing, by whether that improves the balance, and the trader's discounts."""

    improved_factor: int
    worsened_factor: int
    pro_discount_factor: int
    referral_discount_factor: int
    liquidation_factor: int


@dataclass(frozen=True, slots=True)
class Market:
    """A market as one position sees it. ``is_single_token``: both tokens are the same.

    ``in_tokens`` is USE_OPEN_INTEREST_IN_TOKENS_FOR_BALANCE, ``skips_smaller_side`` is
    SKIP_BORROWING_FEE_FOR_SMALLER_SIDE.
    """

    is_single_token: bool
    is_disabled: bool
    in_tokens: bool
    skips_smaller_side: bool
    open_interest: Interest
    open_interest_in_tokens: Interest
    borrowing: Borrowing
    funding: Funding
    impact: Impact
    limits: Limits
    fees: PositionFees

    @property
    def divisor(self) -> int:
        """By which stored sums are divided: a single token is counted as both."""
        return 2 if self.is_single_token else 1

    def side(self, interest: Interest, *, is_long: bool) -> tuple[int, int]:
        """A side's open interest backed by the long token and by the short token."""
        if is_long:
            found = interest.long_by_long, interest.long_by_short
        else:
            found = interest.short_by_long, interest.short_by_short
        return found[0] // self.divisor, found[1] // self.divisor

    def total(self, interest: Interest, *, is_long: bool) -> int:
        """A side's open interest."""
        return sum(self.side(interest, is_long=is_long))

    def for_balance(self, *, is_long: bool, index_price: int) -> int:
        """A side's open interest in USD as skew is measured: at cost, or tokens at the price."""
        if self.in_tokens:
            return self.total(self.open_interest_in_tokens, is_long=is_long) * index_price
        return self.total(self.open_interest, is_long=is_long)
