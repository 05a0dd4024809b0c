"""Compound v3 (Comet): one contract per market, one borrowable base asset, up to 24 collaterals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .account import VENUE
from .cases import SUITES
from .document import rule_from_document
from .read import read_snapshot
from .rule import KIND

__all__ = ["ADAPTER", "CompoundV3"]

_CARD = RuleCard(
    trigger="debt plus collateral at the liquidate factors < 0, in the market's price unit",
    clocks="stored: isLiquidatable on the stored indices; actionable: absorb accrues first",
    oracle="one feed per asset and one for the base, 8 decimals, no staleness check",
    close_factor=Decimal(1),
    close_factor_note="all at once: there is no partial liquidation",
    penalty=None,
    penalty_note="1 - liquidationFactor of each collateral's value",
    seizes="all collateral; what it is worth beyond the debt is credited to the account",
    minimum="none",
    grace="none; governance can pause absorb",
    bad_debt="the market's reserves: a remainder is forgiven",
    sources=(
        "compound-finance/comet Comet.absorbInternal",
        "compound-finance/comet Comet.isLiquidatable",
    ),
)


class CompoundV3:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=("balanceOf", "borrowBalanceOf", "isLiquidatable", "isBorrowCollateralized"),
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        rule_card=_CARD,
        notes=(
            "isLiquidatable judges on stored indices, absorb accrues first: both are given",
            "there is no partial liquidation: absorb takes all collateral and clears the debt",
            "reward tokens that have accrued are not counted",
        ),
    )
    suites: Mapping[str, Suite] = SUITES
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """The markets of each chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's account in the market."""
        return read_snapshot(request)


ADAPTER = CompoundV3()
