"""Derive v2: subaccounts under a StandardManager, PMRM or PMRM_2, netting options, perps and tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .cases import SUITES
from .document import rule_from_document
from .read import read_snapshot
from .rule import KIND, VENUE

__all__ = ["ADAPTER", "DeriveV2"]

_CARD = RuleCard(
    trigger="net maintenance margin < 0 after settling interest and perps; equality is healthy",
    clocks="stored: the manager's view, cash as of its last touch; actionable: cash with interest",
    oracle="the venue's own signed feeds; one that is older than its heartbeat reverts the view",
    close_factor=None,
    close_factor_note="a bid takes at most the share that restores the buffer margin",
    penalty=None,
    penalty_note="a falling share of the value (auction), and a fee on it to the security module",
    seizes="a slice of every position and of the cash, pro rata",
    minimum="below mtmCutoff one bid may take the whole account",
    grace="none; a solvent auction falls to 0 over its fast and slow windows",
    bad_debt="the security module, then every cash holder (exchange rate below 1)",
    sources=(
        "derivexyz/v2-core src/liquidation/DutchAuction.sol startAuction, _getMaxProportion",
        "derivexyz/v2-core src/risk-managers/StandardManager.sol, PMRM.sol, PMRM_2.sol, PMRM_2_1.sol",
        "derivexyz/v2-core src/risk-managers/PMRMLib.sol, PMRMLib_2.sol",
    ),
)


class DeriveV2:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("options", "perp"),
        exact=(
            "initialMargin",
            "maintenanceMargin",
            "markToMarket",
            "cashWithInterest",
            "unsettledCash",
        ),
        comparator="healthy_at_limit",
        enumeration=("list", "logs"),
        warm_rounds=2,
        notes=(
            "health is mark-to-market over what it has to stay above; the venue only knows net margin",
            "exact liquidation prices for accounts without options; with options they are searched",
            "shares of tokenised vaults are tokens, not subaccounts, and are not looked through",
        ),
        rule_card=_CARD,
    )
    suites: Mapping[str, Suite] = SUITES
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """The one deployment."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's subaccounts."""
        return read_snapshot(request)


ADAPTER = DeriveV2()
