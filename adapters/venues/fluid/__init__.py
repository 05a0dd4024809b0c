"""Fluid vaults: loans as NFTs in tick-quantised vaults, each NFT its own account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from ...viewed.document import rule_reader
from .account import KIND, MEASURE, VENUE
from .read import read_snapshot

__all__ = ["ADAPTER", "Fluid"]


class Fluid:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=(),
        view_only=("supply", "borrow", "dustBorrow", "liquidationThreshold"),
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        notes=(
            (
                "the amounts, the threshold and the oracle's price are the resolver's own; the venue"
                " publishes no health, ours is their ratio"
            ),
            (
                "positions are tick-quantised: within a rounding of the tick the vault may decide"
                " otherwise, and a liquidation of others can change a position"
            ),
            (
                "legs in DEX shares (smart collateral, smart debt) have no value here: such an account"
                " has the venue's verdict in shares but is unknown to the unified margin"
            ),
            (
                "proven on synthetic answers encoded by the tests; the ABI equals the published"
                " artifact's; no vault was run"
            ),
        ),
        rule_card=RuleCard(
            trigger="tick > tick at liquidationThreshold * oraclePriceLiquidate",
            clocks="the resolver accrues to the block: stored and actionable are the same",
            oracle="the vault's own oracle, debt per collateral, 1e27, operate and liquidate price",
            close_factor=None,
            close_factor_note="down to the threshold, ticks from the top one on, many users at once",
            penalty=None,
            penalty_note="configs.liquidationPenalty of each vault",
            seizes="collateral at the oracle's price plus the penalty",
            minimum="none",
            grace="none",
            bad_debt="above liquidationMaxLimit a position is absorbed by the protocol",
            sources=(
                "fluid-contracts-public: vaultTypesCommon/coreModule/main.sol _liquidate",
                "fluid-contracts-public: periphery/resolvers/vault/main.sol positionByNftId",
            ),
        ),
    )
    suites: Mapping[str, Suite] = {}
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_reader(KIND, MEASURE)}

    def deployments(self) -> Sequence[Deployment]:
        """The resolver of each chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's positions."""
        return read_snapshot(request)


ADAPTER = Fluid()
