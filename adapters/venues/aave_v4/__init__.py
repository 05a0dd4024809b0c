"""Aave v4: each spoke is a risk island of its own, judged by the spoke's own view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from ...viewed.document import rule_reader
from .account import KIND, MEASURE, VENUE
from .read import read_snapshot

__all__ = ["ADAPTER", "AaveV4"]


class AaveV4:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=(),
        view_only=("healthFactor", "totalCollateralValue", "totalDebtValue", "avgCollateralFactor"),
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        notes=(
            (
                "the judgement is the spoke's getUserAccountData; the health factor is recomputed"
                " provisionally, and a difference is a note"
            ),
            (
                "both documented scales of the debt are understood; which one it is follows from the"
                " health factor itself, and an answer that fits neither is unsupported_version"
            ),
            (
                "scenarios scale the health factor by the collateral that counts over the debt: exact"
                " but for rounding, as the venue's own is that ratio"
            ),
            (
                "read in the public source history only; proven on synthetic answers encoded by the"
                " tests, not against a deployed spoke"
            ),
        ),
        rule_card=RuleCard(
            trigger="healthFactor < 1e18",
            clocks="the view accrues to the block: stored and actionable are the same",
            oracle="the spoke's ORACLE(), USD with 8 decimals",
            close_factor=Decimal(1),
            close_factor_note="as much as restores targetHealthFactor, all of it where dust is left",
            penalty=None,
            penalty_note="grows to maxLiquidationBonus of the user's dynamic config as health falls",
            seizes="one collateral for one debt",
            minimum="neither side may be left below 1,000 USD unless it is taken whole",
            grace="none",
            bad_debt="reported to the hub as a deficit",
            sources=(
                "aave-v4 history: Spoke._processUserAccountData, SpokeUtils.toValue",
                "aave-v4 history: LiquidationLogic",
            ),
        ),
    )
    suites: Mapping[str, Suite] = {}
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_reader(KIND, MEASURE)}

    def deployments(self) -> Sequence[Deployment]:
        """The spokes of Ethereum, a market each."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's account in one spoke."""
        return read_snapshot(request)


ADAPTER = AaveV4()
