"""The suite ``account`` of recorded cases: a market and an account -> every figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base import Suite
from .maths import (
    Collateral,
    Curve,
    Rates,
    Totals,
    accrue,
    base_value,
    collateral_value,
    entered_assets,
    factored,
    liquidity,
    present_value,
)

__all__ = ["SUITES"]

_MAX_ASSETS = 24

# How the cases write a liquidity that the contract never computes.
_NOT_COMPUTED = "None"


def _account(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Balances, liquidities and the venue's verdicts, under the names of ``expected``."""
    totals, user = _totals(inputs["totalsBasic"]), inputs["user"]
    accrued = accrue(totals, _rates(inputs["rates"]), int(inputs["timestamp"]))
    principal, held = int(user["principal"]), _collaterals(inputs)
    price, scale = int(inputs["basePrice"]), int(inputs["baseScale"])
    values = [(collateral_value(each), each) for each in held]
    liquidate = [factored(value, each.liquidate_factor) for value, each in values]
    borrow = [factored(value, each.borrow_factor) for value, each in values]
    balance = present_value(principal, accrued)
    if principal >= 0:
        return _without_debt(balance)
    stored = base_value(present_value(principal, totals), price, scale)
    liquidate_stored, borrow_stored = liquidity(stored, liquidate), liquidity(stored, borrow)
    liquidate_accrued = liquidity(base_value(balance, price, scale), liquidate)
    return {
        "balanceOf": 0,
        "borrowBalanceOf": -balance,
        "isLiquidatable_view": liquidate_stored < 0,
        "isBorrowCollateralized_view": borrow_stored >= 0,
        "absorbable_now": liquidate_accrued < 0,
        "liquidity_liq_stored": liquidate_stored,
        "liquidity_liq_accrued": liquidate_accrued,
        "liquidity_borrow_stored": borrow_stored,
    }


def _without_debt(balance: int) -> Mapping[str, Any]:
    """The answers for an account that owes nothing: the contract looks at no collateral."""
    return {
        "balanceOf": balance,
        "borrowBalanceOf": 0,
        "isLiquidatable_view": False,
        "isBorrowCollateralized_view": True,
        "absorbable_now": False,
        "liquidity_liq_stored": _NOT_COMPUTED,
        "liquidity_liq_accrued": _NOT_COMPUTED,
        "liquidity_borrow_stored": _NOT_COMPUTED,
    }


def _totals(inputs: Mapping[str, Any]) -> Totals:
    return Totals(*(int(inputs[name]) for name in ("bsi", "bbi", "tsb", "tbb", "last", "flags")))


def _rates(inputs: Mapping[str, Any]) -> Rates:
    """The curves: s and b for supply and borrow, then kink, base, low and high slope."""
    supply, borrow = (Curve(*(int(inputs[side + part]) for part in "kblh")) for side in "sb")
    return Rates(supply, borrow)


def _collaterals(inputs: Mapping[str, Any]) -> list[Collateral]:
    user, assets = inputs["user"], inputs["assets"]
    held = entered_assets(int(user["assetsIn"]), int(user["reserved"]), len(assets), _MAX_ASSETS)
    return [
        Collateral(
            int(user["collateral"][index]),
            *(int(assets[index][name]) for name in ("price", "scale", "bcf", "lcf", "lf")),
        )
        for index in held
    ]


SUITES: Mapping[str, Suite] = {"account": Suite(_account)}
