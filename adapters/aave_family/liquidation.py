"""What a liquidation call would do to a position: close factor, seizure, fee, and what blocks it.

Mirrors LiquidationLogic.sol and ValidationLogic.validateLiquidationCall per generation. All
thresholds in base currency (2000e8 and 1000e8) are the contracts' constants, whatever the unit.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...core.errors import RuleError
from ...core.units import BPS, WAD, mul_div_down, mul_div_half_up, mul_div_up
from .maths import (
    account_data,
    base_value,
    debt_balance,
    in_category,
    price_of,
    supply_balance,
)
from .position import Position, Reserve
from .profile import Liquidation, Modes

__all__ = [
    "CLOSE_FACTOR_HEALTH",
    "MIN_FULL_CLOSE_VALUE",
    "MIN_LEFTOVER_VALUE",
    "Seizure",
    "bonus_of",
    "liquidatable_debt",
    "liquidation_call",
    "pair_block",
]

CLOSE_FACTOR_HEALTH = 95 * WAD // 100
MIN_FULL_CLOSE_VALUE = 2000 * 10**8
MIN_LEFTOVER_VALUE = 1000 * 10**8
_HALF = BPS // 2


@dataclass(frozen=True, slots=True)
class Seizure:
    """One liquidation call's amounts, raw token units; ``leaves_dust`` means it would revert."""

    debt_repaid: int
    collateral_to_liquidator: int
    protocol_fee: int
    leaves_dust: bool = False


def bonus_of(position: Position, collateral: Reserve) -> int:
    """The liquidation bonus of a collateral (10500 is 5%): the category's where it applies."""
    if position.category is not None and in_category(position, collateral):
        return position.category.bonus
    return collateral.config.bonus


def pair_block(
    position: Position, collateral: Reserve, debt: Reserve, health_factor: int
) -> str | None:
    """Why this pair cannot be liquidated now, health aside; empty if it can, None if not known."""
    both = (collateral, debt)
    if not all(reserve.config.active for reserve in both):
        return "reserve inactive"
    if any(reserve.config.paused for reserve in both):
        return "reserve paused"
    if not position.uses_as_collateral(collateral):
        return "not used as collateral"
    if position.profile.skips_zero_threshold and collateral.config.threshold == 0:
        return "collateral has liquidation threshold 0"
    if collateral.config.protocol_fee and bonus_of(position, collateral) == 0:
        return "collateral has no liquidation bonus"  # the call divides by it
    if debt_balance(position, debt) == 0:
        return "nothing owed in this reserve"
    known = [reserve.grace_until for reserve in both if reserve.grace_until is not None]
    if position.profile.grace_period and any(until >= position.timestamp for until in known):
        return "liquidation grace period"
    guarded = position.profile.sentinel and health_factor >= CLOSE_FACTOR_HEALTH
    if guarded and position.liquidation_allowed is False:
        return "price oracle sentinel"
    if position.profile.grace_period and len(known) < len(both):
        return None
    return None if guarded and position.liquidation_allowed is None else ""


def liquidatable_debt(
    position: Position, collateral: Reserve, debt: Reserve, health_factor: int
) -> int:
    """The most debt (raw units) that one call may repay in this pair: the close factor."""
    owed = debt_balance(position, debt)
    healthy = health_factor > CLOSE_FACTOR_HEALTH
    if position.profile.liquidation is Liquidation.RESERVE_SHARE:
        return mul_div_half_up(owed, _HALF if healthy else BPS, BPS)
    price = price_of(position, debt)
    owed_value = base_value(owed, price, debt.unit, up=position.profile.debt_value_up)
    collateral_price = price_of(position, collateral)
    held = supply_balance(position, collateral)
    held_value = base_value(held, collateral_price, collateral.unit, up=False)
    large = min(owed_value, held_value) >= MIN_FULL_CLOSE_VALUE
    if not (large and healthy):
        return owed
    cap = mul_div_half_up(account_data(position).debt, _HALF, BPS)
    return mul_div_down(cap, debt.unit, price) if owed_value > cap else owed


def liquidation_call(
    position: Position, collateral: Reserve, debt: Reserve, debt_to_cover: int
) -> Seizure:
    """The amounts of ``liquidationCall`` for an account that may be liquidated.

    ``RuleError`` where the contract would divide by zero: a price or the bonus is 0.
    """
    prices = (price_of(position, collateral), _debt_price(position, debt))
    if 0 in (*prices, bonus_of(position, collateral)):
        raise RuleError("a liquidation needs both prices and a bonus above 0")
    health = account_data(position).health_factor
    repaid = min(debt_to_cover, liquidatable_debt(position, collateral, debt, health))
    seized, repaid = _seize(position, collateral, debt, repaid)
    fee = _protocol_fee(position, collateral, seized)
    dust = _leaves_dust(position, collateral, debt, seized, repaid)
    return Seizure(repaid, seized - fee, fee, dust)


def _debt_price(position: Position, debt: Reserve) -> int:
    """The debt's price in a seizure: in the category versions the category's whatever the asset."""
    category = position.category
    if category is not None and position.profile.modes is Modes.CATEGORY and category.price:
        return category.price
    return price_of(position, debt)


def _seize(position: Position, collateral: Reserve, debt: Reserve, repaid: int) -> tuple[int, int]:
    """Collateral taken for the debt repaid, with the bonus, and the debt after the cap."""
    generation = position.profile.liquidation
    bonus = bonus_of(position, collateral)
    debt_price, price = _debt_price(position, debt), price_of(position, collateral)
    base = debt_price * repaid * collateral.unit // (price * debt.unit)
    directed = generation is Liquidation.TOTAL_SHARE_DIRECTED
    wanted = (mul_div_down if directed else mul_div_half_up)(base, bonus, BPS)
    held = supply_balance(position, collateral)
    if wanted <= held:
        return wanted, repaid
    needed = price * held * debt.unit // (debt_price * collateral.unit)
    half_up = generation in {Liquidation.RESERVE_SHARE, Liquidation.TOTAL_SHARE}
    return held, (mul_div_half_up if half_up else mul_div_up)(needed, BPS, bonus)


def _protocol_fee(position: Position, collateral: Reserve, seized: int) -> int:
    """The protocol's part of the bonus, raw units of the collateral."""
    share = collateral.config.protocol_fee
    if share == 0:
        return 0
    directed = position.profile.liquidation is Liquidation.TOTAL_SHARE_DIRECTED
    bonus = bonus_of(position, collateral)
    without_bonus = (mul_div_down if directed else mul_div_half_up)(seized, BPS, bonus)
    return (mul_div_up if directed else mul_div_half_up)(seized - without_bonus, share, BPS)


def _leaves_dust(
    position: Position, collateral: Reserve, debt: Reserve, seized: int, repaid: int
) -> bool:
    """Whether the call reverts because both sides remain and one is below the leftover value."""
    if position.profile.liquidation is Liquidation.RESERVE_SHARE:
        return False
    owed = debt_balance(position, debt) - repaid
    held = supply_balance(position, collateral) - seized
    if owed <= 0 or held <= 0:
        return False
    up = position.profile.debt_value_up
    owed_value = base_value(owed, price_of(position, debt), debt.unit, up=up)
    held_value = base_value(held, price_of(position, collateral), collateral.unit, up=False)
    return min(owed_value, held_value) < MIN_LEFTOVER_VALUE
