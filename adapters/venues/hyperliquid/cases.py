"""The suite ``formula`` of recorded cases: the documented formulas evaluated, 1e-9 relative.

These are no answers of the engine. The cases write a quotient that does not terminate with its
first six decimals and three dots, and ratios taken from a screen with four decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ....core.errors import BundleError
from ...base import Suite
from .maths import (
    PM_LIMIT,
    Pledge,
    Tier,
    liquidation_threshold,
    liquidation_value,
    maintenance_margin,
)

__all__ = ["SUITES"]

_SIDES = {"long": 1, "short": -1}


def _formula(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The named formula's figures, under the names of ``expected``."""
    name = inputs["function"]
    if name not in _FUNCTIONS:
        raise BundleError(f"no formula is called {name!r}", field="function")
    return _FUNCTIONS[name](inputs["input"])


def _maintenance(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    tiers = [Tier(int(lower), int(leverage)) for lower, leverage in inputs["tiers"]]
    return {"value": maintenance_margin(Fraction(inputs["notional"]), tiers)}


def _liquidation_price(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """One position at one maintenance rate ``l``: price less what the margin lets it move."""
    price, notional, rate, equity = (
        Fraction(inputs[name]) for name in ("price", "notional", "l", "accountValue")
    )
    side, size = _SIDES[inputs["side"]], notional / price
    available = equity - notional * rate
    return {"value": _quotient(price - side * available / size / (1 - rate * side), whole=True)}


def _unified_ratio(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"value": round(_ratio_of(inputs), 4)}


def _clamped_ratio(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    ratio = _ratio_of(inputs)
    return {"raw": ratio, "ui_clamped": min(ratio, Fraction(1))}


def _ratio_of(inputs: Mapping[str, Any]) -> Fraction:
    needed = sum(Fraction(each) for each in inputs["crossMaintenanceByDex"].values())
    return Fraction(needed) / (Fraction(inputs["spotUSDC"]) - Fraction(inputs["isolated"]))


def _portfolio_ratio(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    offset, maintenance, borrowed = (
        Fraction(inputs[name]) for name in ("min_borrow_offset", "crossMaintenance", "borrowedUSDC")
    )
    pledges = [
        Pledge(*(Fraction(each[name]) for name in ("balance", "px", "ltv", "supply_cap")))
        for each in inputs["collateral"].values()
    ]
    balance, _, _ = str(inputs["usdcBalance"]).partition(" ")
    value = liquidation_value(Fraction(balance), pledges, Fraction(inputs["borrow_cap_USDC"]))
    requirement = offset + maintenance + borrowed
    return {
        "requirement": requirement,
        "liquidation_threshold": liquidation_threshold(pledges[0].ltv) if pledges else None,
        "liquidation_value": value,
        "ratio": _quotient(requirement / value, whole=False),
        "liquidatable_if": f"ratio>{float(PM_LIMIT)}",
    }


def _notional(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Size and price carry decimals that add up to six: their product is USD as it stands."""
    return {"value": f"{abs(int(inputs['szi'])) * int(inputs['markPx_raw'])} (1e6 USD units)"}


def _quotient(value: Fraction, *, whole: bool) -> Fraction | str:
    """The number where its decimals end, else as the cases write it; ``whole``: with the fraction."""
    odd = value.denominator
    for prime in (2, 5):
        while odd % prime == 0:
            odd //= prime
    if odd == 1:
        return value
    units, rest = divmod(value.numerator * 10**6 // value.denominator, 10**6)
    shown = f"{units}.{rest:06d}..."
    return f"{value.numerator}/{value.denominator}={shown}" if whole else shown


_FUNCTIONS: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "maintenance_margin": _maintenance,
    "liq_price": _liquidation_price,
    "unifiedAccountRatio": _unified_ratio,
    "unifiedAccountRatio clamp": _clamped_ratio,
    "portfolio_margin_ratio": _portfolio_ratio,
    "notional6 = |szi|*markPx": _notional,
}

SUITES: Mapping[str, Suite] = {"formula": Suite(_formula, Fraction(1, 10**9))}
