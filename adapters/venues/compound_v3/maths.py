"""Compound v3 (Comet) arithmetic, in the contract's integers: accrual, liquidity, absorption.

Units: principals, balances and totals are raw; indices are scaled by 1e15; rates and factors by
1e18, rates per second; prices are raw feed answers with 8 decimals; a *value* is in the market's
own feed unit with 8 decimals (USD, or the base asset where the feeds quote it). The contract
reverts where a number leaves its width; the functions raise ``RuleError`` there, because the venue
has no answer either. Source: compound-finance/comet, ``Comet.sol`` and ``CometCore.sol``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ....core.errors import RuleError
from ....core.units import MAX_UINT256, WAD, mul_div_down, mul_div_up

__all__ = [
    "ABSORB_PAUSED",
    "MAX_INT256",
    "MAX_UINT64",
    "PRICE_DECIMALS",
    "Absorption",
    "Collateral",
    "Curve",
    "Rates",
    "Totals",
    "absorb",
    "accrue",
    "base_value",
    "collateral_value",
    "entered_assets",
    "factored",
    "highest_healthy_base_price",
    "liquidation_price",
    "liquidity",
    "present_value",
    "principal_value",
    "quote_collateral",
    "utilisation",
]

PRICE_DECIMALS = 8
INDEX_SCALE = 10**15
MAX_UINT64 = 2**64 - 1
MAX_INT104 = 2**103 - 1
MAX_INT256 = 2**255 - 1

# Bit of ``pauseFlags`` under which ``absorb`` reverts.
ABSORB_PAUSED = 1 << 3

# ``assetsIn`` holds assets 0 to 15; the extended asset list keeps 16 to 23 in ``_reserved``.
ASSETS_IN_BITS = 16


@dataclass(frozen=True, slots=True)
class Totals:
    """A market's state as ``totalsBasic()`` returns it, without the reward indices."""

    base_supply_index: int
    base_borrow_index: int
    total_supply_base: int
    total_borrow_base: int
    last_accrual_time: int
    pause_flags: int = 0


@dataclass(frozen=True, slots=True)
class Curve:
    """A rate per second over utilisation: ``base``, then one slope below ``kink``, one above."""

    kink: int
    base: int
    slope_low: int
    slope_high: int

    def rate(self, utilised: int) -> int:
        """The rate per second (1e18) at this utilisation (1e18)."""
        below = min(utilised, self.kink)
        rate = self.base + mul_div_down(self.slope_low, below, WAD)
        if utilised > self.kink:
            rate += mul_div_down(self.slope_high, utilised - self.kink, WAD)
        return _narrow(rate, MAX_UINT64)


@dataclass(frozen=True, slots=True)
class Rates:
    """The two curves of a market."""

    supply: Curve
    borrow: Curve


@dataclass(frozen=True, slots=True)
class Collateral:
    """One collateral of an account: its balance, its price and the market's terms for it.

    Three different factors: ``borrow_factor`` limits borrowing, ``liquidate_factor`` decides
    liquidation, ``liquidation_factor`` is what the account is credited when absorbed.
    """

    balance: int
    price: int
    scale: int
    borrow_factor: int
    liquidate_factor: int
    liquidation_factor: int


@dataclass(frozen=True, slots=True)
class Absorption:
    """What ``absorb`` leaves: the account's new principal and balance, and what reserves paid.

    All collateral is seized, whatever is still owed after it is forgiven.
    """

    seized: tuple[int, ...]
    principal: int
    balance: int
    base_paid_out: int
    value_of_base_paid_out: int


def entered_assets(assets_in: int, reserved: int, asset_count: int, max_assets: int) -> list[int]:
    """The indices of the collaterals that the account's bits say it holds.

    An implementation with at most 16 assets never looks at ``_reserved``.
    """
    extended = max_assets > ASSETS_IN_BITS
    bits = assets_in | (reserved << ASSETS_IN_BITS if extended else 0)
    return [index for index in range(asset_count) if bits >> index & 1]


def utilisation(totals: Totals) -> int:
    """Borrowed over supplied (1e18), at the stored indices; 0 where nothing is supplied."""
    supply = totals.total_supply_base * totals.base_supply_index // INDEX_SCALE
    borrow = totals.total_borrow_base * totals.base_borrow_index // INDEX_SCALE
    return mul_div_down(borrow, WAD, supply) if supply else 0


def accrue(totals: Totals, rates: Rates, timestamp: int) -> Totals:
    """The market at ``timestamp``: one linear step of both indices from the last accrual."""
    elapsed = timestamp - totals.last_accrual_time
    if elapsed < 0:
        raise RuleError("the block is older than the market's last accrual")
    if elapsed == 0:
        return totals
    used = utilisation(totals)
    return replace(
        totals,
        base_supply_index=_grown(totals.base_supply_index, rates.supply.rate(used) * elapsed),
        base_borrow_index=_grown(totals.base_borrow_index, rates.borrow.rate(used) * elapsed),
        last_accrual_time=timestamp,
    )


def present_value(principal: int, totals: Totals) -> int:
    """What a principal is worth in base: positive supplied, negative owed; both floor in size."""
    if principal >= 0:
        return principal * totals.base_supply_index // INDEX_SCALE
    return -(-principal * totals.base_borrow_index // INDEX_SCALE)


def principal_value(balance: int, totals: Totals) -> int:
    """The principal of a balance in base: supplied rounds down, owed rounds up."""
    if balance >= 0:
        return _narrow(balance * INDEX_SCALE // totals.base_supply_index, MAX_INT104)
    return -_narrow(mul_div_up(-balance, INDEX_SCALE, totals.base_borrow_index), MAX_INT104)


def base_value(balance: int, price: int, scale: int) -> int:
    """The signed value of a base balance, truncated toward zero."""
    size = _narrow(abs(balance) * price, MAX_INT256) // scale
    return size if balance >= 0 else -size


def collateral_value(held: Collateral) -> int:
    """The whole value of a collateral, before any factor."""
    return _narrow(held.balance * held.price, MAX_UINT256) // held.scale


def factored(value: int, factor: int) -> int:
    """A value reduced by a factor (1e18), rounded down."""
    return _narrow(value * factor, MAX_UINT256) // WAD


def liquidity(owed_value: int, counted: Iterable[int]) -> int:
    """The signed value that decides: below 0 is liquidatable, at 0 it is not.

    ``owed_value`` is ``base_value`` of the debt (negative), ``counted`` the factored values.
    """
    return owed_value + sum(counted)


def liquidation_price(needed: int, balance: int, scale: int, factor: int) -> int | None:
    """The smallest price at which a collateral's factored value is at least ``needed`` (> 0).

    Both floors are inverted with a ceiling, so one raw unit less is liquidatable. None where no
    price does it, or where nothing is needed.
    """
    if needed <= 0 or balance == 0 or factor == 0:
        return None
    return mul_div_up(mul_div_up(needed, WAD, factor), scale, balance)


def highest_healthy_base_price(owed: int, covered: int, scale: int) -> int | None:
    """The highest base price at which ``owed`` is worth at most ``covered``; None if nothing owed."""
    return None if owed == 0 else ((covered + 1) * scale - 1) // owed


def absorb(
    principal: int,
    totals: Totals,
    collaterals: Sequence[Collateral],
    base_price: int,
    base_scale: int,
) -> Absorption:
    """The outcome of ``absorb`` for a liquidatable account, on totals accrued to the block."""
    credited = sum(factored(collateral_value(c), c.liquidation_factor) for c in collaterals)
    before = present_value(principal, totals)
    balance = max(0, before + _narrow(credited * base_scale, MAX_UINT256) // base_price)
    paid = balance - before
    return Absorption(
        tuple(held.balance for held in collaterals),
        principal_value(balance, totals),
        balance,
        paid,
        base_value(paid, base_price, base_scale),
    )


def quote_collateral(
    held: Collateral,
    base_amount: int,
    base_price: int,
    base_scale: int,
    store_front_price_factor: int,
) -> int:
    """The seized collateral that ``base_amount`` buys from the market, at its discount."""
    discount = factored(store_front_price_factor, WAD - held.liquidation_factor)
    discounted = factored(held.price, WAD - discount)
    return base_price * base_amount * held.scale // discounted // base_scale


def _grown(index: int, growth: int) -> int:
    """The index after growing by ``growth`` (1e18)."""
    return _narrow(index + _narrow(mul_div_down(index, growth, WAD), MAX_UINT64), MAX_UINT64)


def _narrow(value: int, most: int) -> int:
    """The value, where the contract's type holds it."""
    if value > most:
        raise RuleError("a number leaves the contract's width: the venue reverts here")
    return value
