"""The suite ``account`` of recorded cases: an account's quotes, debt and LTVs -> every figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base import Suite
from .maths import Ltv
from .position import Collateral
from .rule import EulerRule

__all__ = ["SUITES", "rule_of_case"]

# The recorded vaults kept this limit (1e4); the cases do not repeat it.
_MAX_DISCOUNT = 1500


def rule_of_case(inputs: Mapping[str, Any]) -> EulerRule:
    """The rule with the case's numbers; the recorded oracle quotes one price for bid and ask."""
    liability = int(inputs["liabilityValue"])
    return EulerRule(
        timestamp=int(inputs["timestamp"]),
        controller=str(inputs.get("controller", "controller")),
        collaterals=tuple(_collateral(each) for each in inputs["collaterals"]),
        debt_exact=int(inputs["debtExact"]),
        mid=liability,
        ask=liability,
        max_discount=int(inputs.get("maxLiquidationDiscount", _MAX_DISCOUNT)),
        cool_off_until=0,
    )


def _collateral(inputs: Mapping[str, Any]) -> Collateral:
    names = ("borrowLTV", "liqLTV", "initialLiqLTV", "target", "ramp")
    quote = int(inputs["quote"])
    return Collateral(
        vault=str(inputs["vault"]),
        shares=int(inputs["shares"]),
        assets=int(inputs["assets"]),
        ltv=Ltv(*(int(inputs[name]) for name in names)),
        mid=quote,
        bid=quote,
    )


def _account(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """``accountLiquidity`` both ways and ``checkLiquidation`` per collateral."""
    rule = rule_of_case(inputs)
    seizures = {each.vault: rule.seizure(each) for each in rule.collaterals or ()}
    return {
        "accountLiquidity_true": list(rule.liquidity(liquidation=True)),
        "accountLiquidity_false": list(rule.liquidity(liquidation=False)),
        "checkLiquidation": {
            vault: [] if seizure is None else [seizure.repay, seizure.yield_shares]
            for vault, seizure in seizures.items()
        },
    }


SUITES: Mapping[str, Suite] = {"account": Suite(_account)}
