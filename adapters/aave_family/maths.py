"""What an Aave v3 pool computes from a position: indices, balances, account data. Integers only.

Mirrors MathUtils.sol, ReserveLogic.sol and GenericLogic.calculateUserAccountData of the version
that the position's profile names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...core.units import BPS, MAX_UINT256, RAY, WAD, mul_div_down, mul_div_half_up, mul_div_up
from .position import Position, Reserve
from .profile import Modes

__all__ = [
    "SECONDS_PER_YEAR",
    "AccountData",
    "Totals",
    "account_data",
    "base_value",
    "collateral_factors",
    "compounded_interest",
    "debt_balance",
    "debt_value",
    "health_factor",
    "in_category",
    "normalized_debt",
    "normalized_income",
    "price_of",
    "stable_balance",
    "supply_balance",
    "supply_value",
    "totals",
    "variable_debt",
]

SECONDS_PER_YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of an account, in base currency; weighted ones times bps, not yet divided."""

    collateral: int
    debt: int
    weighted_threshold: int
    weighted_ltv: int


@dataclass(frozen=True, slots=True)
class AccountData:
    """The six words of ``getUserAccountData``, under the contract's names when published."""

    NAMES: ClassVar[tuple[str, ...]] = (
        "totalCollateralBase",
        "totalDebtBase",
        "availableBorrowsBase",
        "currentLiquidationThreshold",
        "ltv",
        "healthFactor",
    )

    collateral: int
    debt: int
    available_borrows: int
    threshold: int
    ltv: int
    health_factor: int

    def figures(self) -> dict[str, int]:
        """The words under the names of the contract's outputs."""
        words = (self.collateral, self.debt, self.available_borrows)
        return dict(
            zip(self.NAMES, (*words, self.threshold, self.ltv, self.health_factor), strict=True)
        )


def compounded_interest(position: Position, rate: int, seconds: int) -> int:
    """The growth of one ray of debt over ``seconds`` at ``rate`` a year, in ray."""
    if seconds == 0:
        return RAY
    if position.profile.short_compounding:
        x = rate * seconds // SECONDS_PER_YEAR
        inner = x // 2 + mul_div_half_up(x, x // 6, RAY)
        return RAY + x + mul_div_half_up(x, inner, RAY)
    power_two = mul_div_half_up(rate, rate, RAY) // SECONDS_PER_YEAR**2
    power_three = mul_div_half_up(power_two, rate, RAY) // SECONDS_PER_YEAR
    second = seconds * (seconds - 1) * power_two // 2
    third = seconds * (seconds - 1) * max(seconds - 2, 0) * power_three // 6
    return RAY + rate * seconds // SECONDS_PER_YEAR + second + third


def normalized_income(position: Position, reserve: Reserve) -> int:
    """The supply index at the position's timestamp, in ray."""
    seconds = position.timestamp - reserve.last_update
    if seconds == 0:
        return reserve.liquidity_index
    growth = RAY + reserve.liquidity_rate * seconds // SECONDS_PER_YEAR
    return mul_div_half_up(growth, reserve.liquidity_index, RAY)


def normalized_debt(position: Position, reserve: Reserve) -> int:
    """The variable debt index at the position's timestamp, in ray."""
    seconds = position.timestamp - reserve.last_update
    if seconds == 0:
        return reserve.borrow_index
    growth = compounded_interest(position, reserve.borrow_rate, seconds)
    return mul_div_half_up(growth, reserve.borrow_index, RAY)


def supply_balance(position: Position, reserve: Reserve) -> int:
    """The user's supply in raw token units: ``aToken.balanceOf``."""
    multiply = mul_div_down if position.profile.directed_balances else mul_div_half_up
    return multiply(reserve.scaled_supply, normalized_income(position, reserve), RAY)


def variable_debt(position: Position, reserve: Reserve) -> int:
    """The user's variable debt in raw token units, as the pool counts it."""
    if position.profile.reported_debt and not reserve.config.virtual_accounting:
        return reserve.reported_debt
    multiply = mul_div_up if position.profile.directed_balances else mul_div_half_up
    return multiply(reserve.scaled_debt, normalized_debt(position, reserve), RAY)


def stable_balance(position: Position, reserve: Reserve) -> int:
    """The user's stable debt in raw token units; 0 where the version has none."""
    return reserve.stable_debt if position.profile.stable_debt else 0


def debt_balance(position: Position, reserve: Reserve) -> int:
    """The user's whole debt in the reserve, in raw token units."""
    return variable_debt(position, reserve) + stable_balance(position, reserve)


def in_category(position: Position, reserve: Reserve) -> bool:
    """Whether the reserve gets the parameters of the user's eMode category."""
    category = position.category
    if category is None:
        return False
    if position.profile.modes is Modes.CATEGORY:
        return reserve.config.category == category.id
    return bool(category.collateral_bitmap >> reserve.id & 1)


def price_of(position: Position, reserve: Reserve) -> int:
    """The price the pool uses: up to 3.1 the category's own, where it has one."""
    category = position.category
    if (
        category is not None
        and position.profile.modes is Modes.CATEGORY
        and category.price != 0
        and in_category(position, reserve)
    ):
        return category.price
    return reserve.price


def base_value(balance: int, price: int, unit: int, *, up: bool) -> int:
    """A raw balance in the base currency."""
    return (mul_div_up if up else mul_div_down)(balance, price, unit)


def supply_value(position: Position, reserve: Reserve) -> int:
    """The supply's value in base currency, rounded down."""
    price = price_of(position, reserve)
    return base_value(supply_balance(position, reserve), price, reserve.unit, up=False)


def debt_value(position: Position, reserve: Reserve) -> int:
    """The debt's value in base currency, rounded as the version does."""
    price, up = price_of(position, reserve), position.profile.debt_value_up
    return base_value(debt_balance(position, reserve), price, reserve.unit, up=up)


def collateral_factors(position: Position, reserve: Reserve) -> tuple[int, int] | None:
    """LTV and threshold (bps) of the user's collateral in the reserve; None if it does not count."""
    if not position.uses_as_collateral(reserve):
        return None
    config = reserve.config
    if config.threshold == 0 and position.profile.skips_zero_threshold:
        return None
    category = position.category
    if category is None:
        return config.ltv, config.threshold
    if not in_category(position, reserve):
        isolated = position.profile.isolated_modes and category.isolated
        return (0 if isolated else config.ltv), config.threshold
    if position.profile.zero_ltv_bitmap:
        zero = bool(category.ltvzero_bitmap >> reserve.id & 1)
    else:
        zero = config.ltv == 0
    return (0 if zero else category.ltv), category.threshold


def totals(position: Position) -> Totals:
    """The account's sums over its reserves."""
    collateral = debt = weighted_threshold = weighted_ltv = 0
    for reserve in position.reserves:
        factors = collateral_factors(position, reserve)
        if factors is not None:
            value = supply_value(position, reserve)
            collateral += value
            weighted_ltv += value * factors[0]
            weighted_threshold += value * factors[1]
        if position.borrows(reserve):
            debt += debt_value(position, reserve)
    return Totals(collateral, debt, weighted_threshold, weighted_ltv)


def health_factor(sums: Totals, *, exact: bool) -> int:
    """The health factor (1e18); the largest word where nothing is owed."""
    if sums.debt == 0:
        return MAX_UINT256
    if exact:
        return mul_div_half_up(sums.weighted_threshold, WAD, sums.debt) // BPS
    average = sums.weighted_threshold // sums.collateral if sums.collateral else 0
    return mul_div_half_up(mul_div_half_up(sums.collateral, average, BPS), WAD, sums.debt)


def account_data(position: Position, sums: Totals | None = None) -> AccountData:
    """The six words of ``getUserAccountData`` at the position's timestamp."""
    sums = totals(position) if sums is None else sums
    ltv = sums.weighted_ltv // sums.collateral if sums.collateral else 0
    threshold = sums.weighted_threshold // sums.collateral if sums.collateral else 0
    multiply = mul_div_down if position.profile.available_down else mul_div_half_up
    available = max(multiply(sums.collateral, ltv, BPS) - sums.debt, 0)
    health = health_factor(sums, exact=position.profile.exact_health)
    return AccountData(sums.collateral, sums.debt, available, threshold, ltv, health)
