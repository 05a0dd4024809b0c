"""Morpho Blue: isolated lending markets in one singleton contract, each its own account."""

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

__all__ = ["ADAPTER", "MorphoBlue"]

_CARD = RuleCard(
    trigger="borrowed > maxBorrow, both after accrual; equality is healthy",
    clocks="stored: the totals as they stand; actionable: after liquidate has accrued the interest",
    oracle="one per market and part of its id: price of the collateral in the loan token",
    close_factor=Decimal(1),
    close_factor_note="the liquidator names the shares or the collateral, up to all",
    penalty=None,
    penalty_note="min(1.15, 1 / (1 - 0.3 (1 - LLTV))) - 1 of the debt repaid, per market",
    seizes="the market's one collateral",
    minimum="none",
    grace="none",
    bad_debt="the market's lenders, at once, when no collateral is left",
    sources=(
        "@morpho-org/morpho-blue 1.0.0 Morpho.liquidate",
        "@morpho-org/morpho-blue 1.0.0 Morpho._isHealthy",
    ),
)


class MorphoBlue:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=("borrowAssets", "supplyAssets", "maxBorrow", "healthy"),
        comparator="healthy_at_limit",
        enumeration=("list", "curated", "logs"),
        warm_rounds=2,
        rule_card=_CARD,
        notes=(
            "the venue has no view of health: its verdict is a simulated liquidation",
            "vault shares (MetaMorpho, Vault V2) are not positions and are not read here",
            "shares that a fee recipient has earned but not yet been credited are not counted",
        ),
    )
    suites: Mapping[str, Suite] = SUITES
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """The singletons of each chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's positions."""
        return read_snapshot(request)


ADAPTER = MorphoBlue()
