"""Euler v2's arithmetic, in the vault's own integers: accrual, shares, LTV ramps, liquidation.

Amounts are raw. Debts "exact" carry 31 more bits than the asset; LTVs, fees and discounts are in
1e4; the accumulator and rates are in 1e27, rates per second. Values are in the vault's unit of
account, as its oracle quotes them. The contract reverts where checked arithmetic leaves 256 bits
or a narrow type; the functions raise ``RuleError`` there, because the venue has no answer either.
Source: euler-xyz/euler-vault-kit, ``src/EVault/shared/`` (Cache, LiquidityUtils, LTVConfig, RPow)
and ``src/EVault/modules/Liquidation.sol``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ....core.errors import RuleError
from ....core.units import BPS, MAX_UINT256, RAY, WAD, div_up, mul_div_down

__all__ = [
    "DEBT_PRECISION",
    "Ltv",
    "Seizure",
    "VaultState",
    "accrue",
    "check_liquidation",
    "debt_of",
    "discount_factor",
    "owed_exact",
    "rpow",
    "to_assets_down",
    "total_value",
]

DEBT_PRECISION = 31  # bits
VIRTUAL_DEPOSIT = 10**6
MAX_AMOUNT = 2**112 - 1
MAX_DEBT = MAX_AMOUNT << DEBT_PRECISION
_TWO_256 = 2**256


@dataclass(frozen=True, slots=True)
class VaultState:
    """A vault as stored at ``last_update``: its totals, accumulator, rate and fee."""

    cash: int
    total_shares: int
    total_borrows_exact: int
    accumulated_fees: int
    interest_accumulator: int
    interest_rate: int
    interest_fee: int
    last_update: int


@dataclass(frozen=True, slots=True)
class Ltv:
    """A collateral's configuration as ``LTVFull`` returns it."""

    borrow: int
    liquidation: int
    initial: int
    target: int
    ramp: int

    @property
    def recognized(self) -> bool:
        """Whether it was ever configured: only then can it be seized, even at an LTV of 0."""
        return self.target != 0

    def possible_at(self, timestamp: int) -> bool:
        """Whether the vault can compute it: a ramp that still runs lasts some time."""
        return self.ramp > 0 or timestamp >= self.target or self.liquidation >= self.initial

    def at(self, timestamp: int) -> int:
        """The liquidation LTV in force: it falls linearly from ``initial`` until ``target``."""
        if timestamp >= self.target or self.liquidation >= self.initial:
            return self.liquidation
        if self.ramp == 0:
            raise RuleError("an LTV cannot ramp over no time: the vault would divide by zero")
        remaining = self.target - timestamp
        return self.liquidation + mul_div_down(
            self.initial - self.liquidation, remaining, self.ramp
        )


@dataclass(frozen=True, slots=True)
class Seizure:
    """What ``checkLiquidation`` returns: debt repaid, collateral shares received (both raw)."""

    repay: int
    yield_shares: int


def rpow(base: int, exponent: int, scalar: int) -> int | None:
    """``base ** exponent`` in fixed point, each step rounded half up; None where it overflows."""
    if base == 0:
        return scalar if exponent == 0 else 0
    result = base if exponent % 2 else scalar
    half = scalar // 2
    exponent >>= 1
    while exponent:
        if base >= 2**128 or base * base + half >= _TWO_256:
            return None
        base = (base * base + half) // scalar
        if exponent % 2:
            product = result * base
            if product + half >= _TWO_256:
                return None
            result = (product + half) // scalar
        exponent >>= 1
    return result


def accrue(vault: VaultState, timestamp: int) -> VaultState:
    """The vault with interest and fees up to ``timestamp``, as every view and operation sees it."""
    elapsed = timestamp - vault.last_update
    if elapsed < 0:
        raise RuleError("the block is older than the vault's last update")
    if elapsed == 0:
        return vault
    accumulator = _accumulated(vault, elapsed)
    borrows = vault.total_borrows_exact
    if borrows * accumulator < _TWO_256:
        borrows = borrows * accumulator // vault.interest_accumulator
    shares = _shares_with_fees(vault, borrows)
    if borrows > MAX_DEBT:
        return vault
    accrued = replace(
        vault,
        total_borrows_exact=borrows,
        interest_accumulator=accumulator,
        last_update=timestamp,
    )
    if shares > MAX_AMOUNT:
        return accrued
    minted = shares - vault.total_shares
    return replace(accrued, total_shares=shares, accumulated_fees=vault.accumulated_fees + minted)


def _accumulated(vault: VaultState, elapsed: int) -> int:
    """The accumulator after ``elapsed`` seconds; unchanged where the contract would overflow."""
    multiplier = rpow(vault.interest_rate + RAY, elapsed, RAY)
    if multiplier is None or vault.interest_accumulator * multiplier >= _TWO_256:
        return vault.interest_accumulator
    return vault.interest_accumulator * multiplier // RAY


def _shares_with_fees(vault: VaultState, borrows: int) -> int:
    """All shares once the fee on the new interest is minted, without the virtual deposit."""
    grown = borrows - vault.total_borrows_exact
    fee_assets = grown * vault.interest_fee // (BPS << DEBT_PRECISION)
    if fee_assets == 0:
        return vault.total_shares
    assets = vault.cash + debt_of(borrows)
    return mul_div_down(assets, vault.total_shares, assets - fee_assets)


def owed_exact(owed: int, accumulator: int, user_accumulator: int) -> int:
    """A stored debt grown from its own accumulator to the vault's (both 31 bits finer)."""
    return 0 if owed == 0 else mul_div_down(owed, accumulator, user_accumulator)


def debt_of(exact: int) -> int:
    """The debt in assets, rounded up: what ``debtOf`` returns for ``debtOfExact``."""
    return div_up(exact, 1 << DEBT_PRECISION)


def to_assets_down(shares: int, cash: int, total_borrows: int, total_shares: int) -> int:
    """The assets of these shares, rounded down, both totals with the virtual deposit."""
    total_assets = cash + total_borrows + VIRTUAL_DEPOSIT
    return mul_div_down(shares, total_assets, total_shares + VIRTUAL_DEPOSIT)


def total_value(quotes: Iterable[tuple[int, int]]) -> int:
    """The collateral value of (quote, LTV) pairs, each floored as the vault floors it."""
    total = 0
    for quote, ltv in quotes:
        total = _checked(total + _checked(quote * ltv) // BPS)
    return total


def discount_factor(collateral_value: int, liability_value: int, max_discount: int) -> int:
    """What is repaid per value seized (1e18): the health, but no less than 1 - max discount."""
    lowest = WAD - WAD * max_discount // BPS
    return max(_checked(collateral_value * WAD) // liability_value, lowest)


def check_liquidation(
    collateral_value: int,
    liability_value: int,
    max_discount: int,
    debt: int,
    shares: int,
    quote: int,
) -> Seizure:
    """The most that a liquidator may repay and receive of one collateral.

    ``shares`` are the account's of that collateral, ``quote`` their mid value; the two values are
    the account's. Equality is liquidatable. The caller rules out cool-off and other refusals.
    """
    if liability_value == 0 or debt == 0 or collateral_value > liability_value:
        return Seizure(0, 0)
    factor = discount_factor(collateral_value, liability_value, max_discount)
    if quote == 0:
        return Seizure(0, shares)
    if factor == 0:
        raise RuleError("at a discount of 100% the contract divides by zero")
    repay_value, yield_value = liability_value, _checked(liability_value * WAD) // factor
    if quote < yield_value:
        repay_value, yield_value = _checked(quote * factor) // WAD, quote
    repay = _checked(repay_value * debt) // liability_value
    return Seizure(_narrow(repay), _checked(yield_value * shares) // quote)


def _checked(product: int) -> int:
    """The product, if the contract can hold it in 256 bits."""
    if product > MAX_UINT256:
        raise RuleError("the vault's arithmetic overflows 256 bits on these numbers")
    return product


def _narrow(amount: int) -> int:
    """The amount, if the contract can hold it in 112 bits."""
    if amount > MAX_AMOUNT:
        raise RuleError("the amount overflows the vault's 112 bits")
    return amount
