"""Euler v2: vaults of the Euler Vault Kit, joined by the Ethereum Vault Connector."""

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
from .rule import KIND

__all__ = ["ADAPTER", "EulerV2"]

_CARD = RuleCard(
    trigger="collateral at the liquidation LTVs <= liability, at mid prices; equality is liquidatable",
    clocks="stored: the vault's view; actionable: also the cool-off since the last status check",
    oracle="the vault's own router, in its unit of account; a stale price reverts",
    close_factor=Decimal(1),
    close_factor_note="up to what the discount lets repay, at most all of the debt",
    penalty=None,
    penalty_note="the discount grows as health falls, up to the vault's maximum d: d / (1 - d)",
    seizes="one collateral vault's shares, of the liquidator's choice",
    minimum="none",
    grace="a cool-off after every account status check, per vault; hooks can forbid liquidation",
    bad_debt="the vault's lenders, where the vault is set to socialise it",
    sources=(
        "euler-xyz/euler-vault-kit Liquidation.calculateLiquidation",
        "euler-xyz/euler-vault-kit LiquidityUtils.checkLiquidity",
    ),
)


class EulerV2:
    """The adapter; it holds no state."""

    name = "euler-v2"
    capabilities = Capabilities(
        kinds=("lending",),
        exact=("accountLiquidity", "debtOf", "checkLiquidation", "convertToAssets"),
        comparator="liquidatable_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        rule_card=_CARD,
        notes=(
            "every sub-account 0..255 is probed; each with a controller is an island of its own",
            "deposits never enabled as collateral are not listed: name them in the option vaults",
            "the stored verdict is the vault's view; the actionable one knows the cool-off",
            "an account seen for the first time costs a third round",
        ),
    )
    suites: Mapping[str, Suite] = SUITES
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """The connector and factory of each chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's accounts."""
        return read_snapshot(request)


ADAPTER = EulerV2()
