"""SparkLend: an Aave 3.0 pool of its own, whose rounding may be the backported one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ....core.book.rule import Rule
from ....core.errors import Failure, Reason
from ...aave_family.maths import AccountData
from ...aave_family.profile import DIRECTED, PROFILES, Profile
from ...aave_family.read import Venue, read_account
from ...aave_family.rule import rule_from_document
from ...aave_family.terms import RULE_CARD
from ...base import Adapter, Capabilities, Deployment, ReadRequest, Suite, VenueSnapshot
from ...chain.call import ReadPlan
from ...deployments import bundled_deployments

__all__ = ["ADAPTER", "SparkLend"]

_BASE = PROFILES["3.0"]


def _profile_of(revision: int) -> Profile | Failure:
    """SparkLend never left 3.0: a later revision is code that nobody here has read."""
    if revision in _BASE.revisions:
        return _BASE
    detail = f"POOL_REVISION {revision} is none of {_BASE.revisions}"
    return Failure(Reason.UNSUPPORTED_VERSION, "pool_revision", detail)


_VENUE = Venue("sparklend", _profile_of, {_BASE.name: DIRECTED})


class SparkLend:
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
            "the profile is 3.0, or 3.0-directed where only that explains the pool's answer",
            "3.0 at POOL_REVISION 1 was run against its own bytecode; the rest was read",
            "oracle prices carry no age: the venue's oracle has no staleness check",
        ),
    )
    suites: Mapping[str, Suite] = {}
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {
        _VENUE.name: partial(rule_from_document, kind=_VENUE.name)
    }

    def deployments(self) -> Sequence[Deployment]:
        """The markets of ``deployments.toml``."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's account in one market."""
        return read_account(request, _VENUE)


ADAPTER: Adapter = SparkLend()
