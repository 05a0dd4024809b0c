"""Morpho Blue: isolated lending markets in one singleton contract, each its own account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .cases import SUITES
from .document import rule_from_document
from .read import read_snapshot
from .rule import KIND, VENUE

__all__ = ["ADAPTER", "MorphoBlue"]


class MorphoBlue:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=("borrowAssets", "supplyAssets", "maxBorrow", "healthy"),
        comparator="healthy_at_limit",
        enumeration=("list", "curated", "logs"),
        warm_rounds=2,
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
