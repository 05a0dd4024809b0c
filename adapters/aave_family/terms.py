"""How a pool of the family liquidates: the terms of an account now, and the card of the venue."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ...core.book.model import LiquidationTerms
from ...core.units import WAD, decimal_of
from ..base import RuleCard
from .liquidation import MIN_LEFTOVER_VALUE, bonus_of, liquidatable_debt
from .maths import (
    account_data,
    base_value,
    collateral_factors,
    debt_balance,
    price_of,
    supply_value,
)
from .position import Position, Reserve
from .profile import Liquidation

__all__ = ["RULE_CARD", "terms_of"]

RULE_CARD = RuleCard(
    trigger="healthFactor < 1e18; exactly 1e18 is healthy",
    clocks="the pool accrues inside its view, so both agree; blocked liquidations differ, and say so",
    oracle="the pool's oracle, latestAnswer of a source per asset, without a staleness check",
    close_factor=None,
    close_factor_note=(
        "up to 3.2 half of a reserve's debt while health > 0.95, else all; from 3.3 all, unless debt "
        "and collateral of the pair are 2000 USD or more and health > 0.95: then half of all debt"
    ),
    penalty=None,
    penalty_note="the collateral's liquidation bonus (the eMode category's inside it), less 100%",
    seizes="one collateral of the liquidator's choice",
    minimum="from 3.3 a call that leaves under 1000 USD on both sides of the pair reverts",
    grace="from 3.1 a grace period per reserve; up to 3.6 a sequencer sentinel while health > 0.95",
    bad_debt="up to 3.2 it stays with the lenders; from 3.3 it becomes the reserve's deficit",
    sources=(
        "aave-dao/aave-v3-origin LiquidationLogic.executeLiquidationCall",
        "aave-dao/aave-v3-origin ValidationLogic.validateLiquidationCall",
        "@aave/core-v3 1.19.3 LiquidationLogic, GenericLogic",
    ),
)


def terms_of(position: Position) -> LiquidationTerms | None:
    """The terms of the pair a liquidator takes first: largest collateral, largest debt.

    An account that is healthy is given those of the moment at which it stops being so. None where
    nothing is owed or nothing can be seized.
    """
    held = [each for each in position.reserves if _can_be_seized(position, each)]
    owing = [each for each in position.reserves if debt_balance(position, each) and each.price]
    if not held or not owing:
        return None
    collateral = max(held, key=lambda each: supply_value(position, each))
    debt = max(owing, key=lambda each: _debt_value(position, each))
    owed = debt_balance(position, debt)
    health = min(account_data(position).health_factor, WAD - 1)
    closed = min(liquidatable_debt(position, collateral, debt, health), owed)
    shares = position.profile.liquidation is Liquidation.RESERVE_SHARE
    return LiquidationTerms(
        close_factor=Decimal(closed) / Decimal(owed),
        penalty=decimal_of(max(bonus_of(position, collateral) - 10_000, 0), 4),
        minimum_usd=None if shares else _minimum_usd(position),
        grace_until=_grace(position, held, owing),
        bad_debt="lenders" if shares else "reserves",
    )


def _can_be_seized(position: Position, reserve: Reserve) -> bool:
    """Whether the reserve counts as collateral; up to 3.5 one with threshold 0 cannot be seized."""
    counts = collateral_factors(position, reserve) is not None
    return bool(counts and reserve.scaled_supply and reserve.price)


def _debt_value(position: Position, debt: Reserve) -> int:
    return base_value(debt_balance(position, debt), price_of(position, debt), debt.unit, up=True)


def _minimum_usd(position: Position) -> Decimal | None:
    """The smallest leftover; the contract's constant is USD only where the base currency is."""
    if position.base_currency != "USD":
        return None
    return decimal_of(MIN_LEFTOVER_VALUE, len(str(position.base_unit)) - 1)


def _grace(position: Position, held: Sequence[Reserve], owing: Sequence[Reserve]) -> int | None:
    """The Unix time until which no pair at all can be liquidated; None where one can be now."""
    ends = [
        max(collateral.grace_until or 0, debt.grace_until or 0)
        for collateral in held
        for debt in owing
    ]
    first = min(ends)
    waits = position.profile.grace_period and first >= position.timestamp
    return first if waits else None
