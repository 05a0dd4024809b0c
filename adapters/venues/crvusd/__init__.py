"""crvUSD and LlamaLend: loans whose collateral a band AMM converts; each market its own account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .read import read_snapshot
from .rule import KIND, VENUE, rule_from_document

__all__ = ["ADAPTER", "Crvusd"]


class Crvusd:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=(),
        view_only=("health", "collateral", "stablecoin", "debt"),
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        notes=(
            "the judgement is the controller's own health(user, true), shown as 1 + health",
            "that figure is recomputed from the AMM's own parts as a check, never as the judgement",
            "soft liquidation depends on the path of prices and is never reconstructed",
            (
                "scenarios are approximate: above the bands the venue's own line, below their edge or"
                " inside them health scaled by the collateral's value; no exact liquidation price"
            ),
            (
                "compared with the contracts of tag v1 (mint and LlamaLend v1) on a local chain;"
                " LlamaLend v2 was read in the source only"
            ),
        ),
        rule_card=RuleCard(
            trigger="health(user, true) < 0",
            clocks="the view accrues to the block: stored and actionable are the same",
            oracle="AMM.price_oracle(), stablecoin per collateral, 1e18",
            close_factor=Decimal(1),
            close_factor_note="the liquidator names the share of the loan, up to all of it",
            penalty=None,
            penalty_note="liquidation_discounts(user) of what the bands would give, per loan",
            seizes="all collateral and converted stablecoin of the share that is closed",
            minimum="none",
            grace="none",
            bad_debt="crvUSD: the protocol; LlamaLend: the market's lenders",
            sources=(
                "curve-stablecoin tag v1: Controller._health, Controller._liquidate",
                "curve-stablecoin 2.0: controller.vy _health, liquidate",
            ),
        ),
    )
    suites: Mapping[str, Suite] = {}
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """The factories of each chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's loans."""
        return read_snapshot(request)


ADAPTER = Crvusd()
