"""Sky (Maker) vaults: one account per vault, each its own collateral against the system's debt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ....core.book.rule import Rule
from ...base import Capabilities, Deployment, ReadRequest, RuleCard, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments
from .document import rule_from_document
from .read import read_snapshot
from .rule import KIND, VENUE

__all__ = ["ADAPTER", "Sky"]

_CARD = RuleCard(
    trigger="bark passes while ink * spot < art * rate and spot > 0; equality is safe",
    clocks=(
        "stored: the vat's rate and spot; actionable: after jug.drip and spotter.poke, which anybody"
        " may call in the same transaction"
    ),
    oracle="a security module per collateral with the price of up to an hour ago; spot = price/par/mat",
    close_factor=None,
    close_factor_note="the whole vault, unless the room left in hole or Hole is smaller",
    penalty=None,
    penalty_note="chop - 1 of the debt, per collateral type",
    seizes="all collateral, sold in a Dutch auction; what is left over is the owner's again",
    minimum="a vault owes nothing or at least dust, per collateral type",
    grace="none; governance can stop a clipper or the dog",
    bad_debt="the protocol's surplus, then new governance tokens",
    sources=(
        "makerdao/dss src/dog.sol bark",
        "makerdao/dss src/vat.sol frob",
        "makerdao/dss src/jug.sol drip",
        "makerdao/dss src/spot.sol poke",
        "makerdao/dss src/clip.sol kick",
    ),
)


class Sky:
    """The adapter; it holds no state."""

    name = VENUE
    capabilities = Capabilities(
        kinds=("lending",),
        exact=("rate", "spot", "safe"),
        view_only=("spot where the feed answers the spotter only: a simulated poke",),
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        notes=(
            "vaults of the CDP manager, of the owner and of the owner's DSProxy",
            "urns opened at the vat directly, crop and lockstake vaults are not found",
            "collateral left in a vault's name after an auction is listed and secures nothing",
        ),
        rule_card=_CARD,
    )
    suites: Mapping[str, Suite] = {}
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """The system of each chain."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's vaults."""
        return read_snapshot(request)


ADAPTER = Sky()
