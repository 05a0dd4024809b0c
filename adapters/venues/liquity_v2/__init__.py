"""Liquity v2: one account per trove, a branch of its own per collateral, debt in BOLD."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .document import rule_from_document
from .read import read_snapshot
from .rule import KIND, VENUE

__all__ = ["ADAPTER", "LiquityV2"]

_CARD = RuleCard(
    trigger="getCurrentICR < MCR (1.1 for WETH, 1.2 for wstETH and rETH); equality is healthy",
    clocks="stored: lastGoodPrice; actionable: the price that fetchPrice would return; debt accrues in both",
    oracle="Chainlink, with the staking token's own rate; a failed oracle shuts the branch down",
    close_factor=Decimal(1),
    close_factor_note="a liquidation closes the whole trove",
    penalty=None,
    penalty_note=(
        "5% of the debt while the stability pool covers it, else 10% (WETH) or 20%; and 0.5% of the"
        " collateral, at most 2, as gas compensation"
    ),
    seizes="collateral worth the debt and the penalty; the surplus can be claimed by the owner",
    minimum="2000 BOLD of debt, except for a trove that redemptions brought below it",
    grace="none; the last trove of an open branch cannot be liquidated",
    bad_debt="stability pool depositors, then the other troves of the branch",
    sources=(
        "liquity/bold contracts/src/TroveManager.sol batchLiquidateTroves, getCurrentICR",
        "liquity/bold contracts/src/Dependencies/Constants.sol",
        "liquity/bold contracts/src/PriceFeeds/MainnetPriceFeedBase.sol",
    ),
)


class LiquityV2:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=("entireDebt", "entireColl", "accruedInterest", "accruedBatchManagementFee", "ICR"),
        view_only=("redistribution gains: their running totals are not public",),
        comparator="healthy_at_limit",
        enumeration=("list", "logs"),
        warm_rounds=2,
        notes=(
            "redemption is a separate risk: the lower a trove's rate, the sooner; it is in no health",
            "stability pool deposits, claimable surpluses and gas deposits are not read",
        ),
        rule_card=_CARD,
    )
    suites: Mapping[str, Suite] = {}
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """The branches of each chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's troves in one branch."""
        return read_snapshot(request)


ADAPTER = LiquityV2()
