"""Aave v3: every market of its address book, versions 3.0 to 3.7 by ``POOL_REVISION``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ....core.book.rule import Rule
from ...aave_family.deployments import deployments_of
from ...aave_family.maths import AccountData
from ...aave_family.profile import profile_of_revision
from ...aave_family.read import Venue, read_account
from ...aave_family.rule import rule_from_document
from ...aave_family.suites import SUITES
from ...aave_family.terms import RULE_CARD
from ...base import Adapter, Capabilities, Deployment, ReadRequest, Suite, VenueSnapshot
from ...chain.call import ReadPlan

__all__ = ["ADAPTER", "AaveV3"]

_VENUE = Venue("aave-v3", profile_of_revision)


class AaveV3:
    """The adapter; see ``adapters.aave_family`` for what it does."""

    name = _VENUE.name
    capabilities = Capabilities(
        kinds=("spot", "debt"),
        exact=AccountData.NAMES,
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=2,
        rule_card=RULE_CARD,
        notes=(
            "POOL_REVISION 1, 10 and 11 were run against their own bytecode; 2 to 9 were read",
            "a pool of another revision is unsupported_version, never a guess",
            "oracle prices carry no age: the venue's oracle has no staleness check",
        ),
    )
    suites: Mapping[str, Suite] = SUITES
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {
        _VENUE.name: partial(rule_from_document, kind=_VENUE.name)
    }

    def deployments(self) -> Sequence[Deployment]:
        """The markets of ``deployments.toml``."""
        return deployments_of(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's account in one market."""
        return read_account(request, _VENUE)


ADAPTER: Adapter = AaveV3()
