"""Hyperliquid: perps on HyperCore, read through HyperEVM's precompiles in one frame at the head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .cases import SUITES
from .read import read_snapshot
from .rule import KIND, VENUE, rule_from_document

__all__ = ["ADAPTER", "Hyperliquid"]

_CARD = RuleCard(
    trigger=(
        "equity < maintenance margin (cross per dex, isolated per position); unified: maintenance"
        " >= balance; portfolio margin: documented ratio > 0.95"
    ),
    clocks=(
        "stored: what is booked; actionable: less the funding of this hour that the caller says is"
        " due. Funding is booked once an hour and no precompile tells what has accrued since"
    ),
    oracle="the perp's mark price; the venue's own, no time stamp on chain",
    close_factor=Decimal(1),
    close_factor_note="positions above 100,000 USDC: 20% first, then 30 seconds of pause",
    penalty=Decimal(0),
    penalty_note="orders to the book at the market's price; below 2/3 of maintenance a vault takes over",
    seizes="the positions of the island; of an isolated position its own margin only",
    minimum="none documented",
    grace="30 seconds after a partial liquidation",
    bad_debt="the backstop vault, then auto-deleveraging; builders' dexes have no vault",
    sources=(
        "hyperliquid.gitbook.io Liquidations, Margining, Margin tiers",
        "hyperliquid.gitbook.io Account abstraction modes, Portfolio margin",
    ),
)


class Hyperliquid:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("perp",),
        exact=("accountValue", "ntlPos"),
        view_only=(
            "marginUsed is the initial margin: nothing on chain tells the maintenance margin",
            "portfolio margin's ratio: the documented formula, not proven against the engine",
        ),
        comparator="healthy_at_limit",
        enumeration=("curated", "list"),
        warm_rounds=1,
        notes=(
            "answers at the head only; every answer names its HyperEVM and L1 block",
            "the account's mode is an input (option mode): unknown where it matters and is not given",
            "margin tables with tiers are configuration: one that is not known makes its holder unknown",
            "unified accounts are liquidatable at equality",
            "the public info endpoint is not asked",
            "spot tokens, vault equity, staking and open orders are not read",
        ),
        rule_card=_CARD,
    )
    suites: Mapping[str, Suite] = SUITES
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """HyperCore on each chain that sees it."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's positions."""
        return read_snapshot(request)


ADAPTER = Hyperliquid()
