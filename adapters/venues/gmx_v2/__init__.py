"""GMX v2.2: perpetual positions, each isolated with its own collateral, all in one DataStore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .cases import SUITES
from .document import rule_from_document
from .read import read_snapshot
from .rule import KIND, VENUE

__all__ = ["ADAPTER", "GmxV2"]

_CARD = RuleCard(
    trigger=(
        "remaining collateral < MIN_COLLATERAL_USD, or <= 0, or < MIN_COLLATERAL_FACTOR_FOR_"
        "LIQUIDATION of the size, asked in this order; equality is healthy"
    ),
    clocks="stored: the totals last written; actionable: funding and borrowing accrued to the block",
    oracle=(
        "Chainlink Data Streams reports that keepers bring along; at a block only Chainlink feeds"
        " can be read, and most index tokens have none"
    ),
    close_factor=Decimal(1),
    close_factor_note="a liquidation closes the whole position",
    penalty=None,
    penalty_note="LIQUIDATION_FEE_FACTOR of the size, per market; no part of the check",
    seizes="losses, fees and impact; what is left of the collateral is returned",
    minimum="MIN_COLLATERAL_USD must remain",
    grace="none",
    bad_debt="the market's pool: a trader's loss ends at the position's collateral",
    sources=(
        "gmx-synthetics contracts/position/PositionUtils.sol isPositionLiquidatable",
        "gmx-synthetics contracts/position/DecreasePositionUtils.sol decreasePosition",
        "gmx-synthetics contracts/order/ExecuteOrderUtils.sol executeOrder",
    ),
)


class GmxV2:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("perp",),
        exact=(
            "isPositionLiquidatable",
            "reason",
            "remainingCollateralUsd",
            "minCollateralUsdForLeverage",
            "fundingFeeAmount",
            "borrowingFeeAmount",
            "totalCostAmount",
            "priceImpactUsd",
            "basePnlUsd",
        ),
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        notes=(
            "a token without an on-chain feed has no price unless the option 'prices' gives one",
            "claimable funding, idle balances and collateral of open orders are not counted",
            "auto-deleveraging can close a profitable position; it is in no health",
            "a switch of the liquidation handler itself is not seen; a disabled market is",
        ),
        rule_card=_CARD,
    )
    suites: Mapping[str, Suite] = SUITES
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """One a chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's positions."""
        return read_snapshot(request)


ADAPTER = GmxV2()
