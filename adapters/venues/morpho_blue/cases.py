"""The suite ``account`` of recorded cases: inputs of a market and a position -> every figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base import Suite
from .irm import adaptive_curve_rate
from .maths import MarketState, PositionState, accrue, max_borrow, to_assets_down, to_assets_up

__all__ = ["SUITES"]


def _account(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Accrued totals, rate, debt, limit and the venue's verdict, under the names of ``expected``."""
    market, position = _market(inputs["market"]), _position(inputs["position"])
    timestamp = int(inputs["timestamp"])
    rate = adaptive_curve_rate(market, int(inputs["rateAtTarget"]), timestamp)
    accrual = accrue(market, rate, timestamp)
    after = accrual.market
    borrowed = to_assets_up(
        position.borrow_shares, after.total_borrow_assets, after.total_borrow_shares
    )
    supplied = to_assets_down(
        position.supply_shares, after.total_supply_assets, after.total_supply_shares
    )
    limit = max_borrow(position.collateral, int(inputs["oracle_price"]), int(inputs["lltv"]))
    return {
        "accrued": _totals(after) | {"feeShares": accrual.fee_shares},
        "expected_borrowRateView": rate,
        "borrowAssets": borrowed,
        "maxBorrow": limit,
        "healthy": position.borrow_shares == 0 or limit >= borrowed,
        "supplyAssets": supplied,
    }


def _market(inputs: Mapping[str, Any]) -> MarketState:
    return MarketState(*(int(inputs[name]) for name in ("tsa", "tss", "tba", "tbs", "last", "fee")))


def _position(inputs: Mapping[str, Any]) -> PositionState:
    names = ("supplyShares", "borrowShares", "collateral")
    return PositionState(*(int(inputs[name]) for name in names))


def _totals(market: MarketState) -> dict[str, int]:
    """A market's totals under the short names of the cases."""
    return {
        "tsa": market.total_supply_assets,
        "tss": market.total_supply_shares,
        "tba": market.total_borrow_assets,
        "tbs": market.total_borrow_shares,
        "last": market.last_update,
        "fee": market.fee,
    }


SUITES: Mapping[str, Suite] = {"account": Suite(_account)}
