"""What to read for an owner's vaults, in two rounds once proxy, feeds and tokens are known.

Round 1: the addresses of the system from its chainlog, the owner's proxy, and the vaults that the
manager lists for the owner and for the proxy. Round 2: every vault, its collateral type, the feed,
and a simulated liquidation. A proxy or a feed seen for the first time costs a round more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, ReadPlan, Replies
from .account import build_account, price_of, problems_of
from .asking import Asked, answer, ask, first
from .collateral import CollateralType
from .holders import Holders, Vault
from .maths import Urn
from .reading import Reading, SystemReading
from .rule import VENUE

__all__ = ["read_snapshot"]

_CHAINLOG, _VAT = Contract("sky", "ChainLog"), Contract("sky", "Vat")
_SPOTTER, _JUG = Contract("sky", "Spotter"), Contract("sky", "Jug")

# Our role -> the chainlog's key.
_KEYS = {
    "vat": "MCD_VAT",
    "jug": "MCD_JUG",
    "spotter": "MCD_SPOT",
    "dog": "MCD_DOG",
    "dai": "MCD_DAI",
    "ilk_registry": "ILK_REGISTRY",
}

Addresses = Mapping[str, str | Failure]


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The vaults of the owner and of the owner's proxy."""
    holders, system = Holders(request), _system_calls(request)
    replies = yield [*system.values(), *holders.reads()]
    addresses = {role: replies[call] for role, call in system.items()}
    holders.learn(replies)
    if later := holders.proxy_reads():
        holders.learn_proxy((yield later))
    vaults, problems = holders.vaults(), holders.problems()
    if not vaults:
        # Nothing depends on the system's addresses then.
        unneeded = [one for one in addresses.values() if isinstance(one, Failure)]
        problems += [Problem.of(one, venue=VENUE, severity=Severity.NOTE) for one in unneeded]
        return VenueSnapshot(problems=tuple(problems), complete=holders.complete())
    readings = yield from _readings(request, addresses, vaults)
    empty = [reading for reading in readings if reading.is_empty]
    problems += [problem for reading in empty for problem in problems_of(reading, Severity.NOTE)]
    held = [reading for reading in readings if not reading.is_empty]
    prices = {price.asset.key: price for one in held if (price := price_of(request, one))}
    return VenueSnapshot(
        accounts=tuple(build_account(request, reading) for reading in held),
        prices=tuple(prices.values()),
        problems=tuple(problems),
        complete=holders.complete(),
    )


def _system_calls(request: ReadRequest) -> dict[str, Call[str]]:
    """The addresses to resolve at the block: governance replaces contracts under the same key."""
    chainlog = request.deployment.contracts["chainlog"]
    return {
        role: _CHAINLOG.address(chainlog, "getAddress", key.encode().ljust(32, b"\0"))
        for role, key in _KEYS.items()
    }


def _readings(
    request: ReadRequest, addresses: Addresses, vaults: Sequence[Vault]
) -> ReadPlan[list[Reading]]:
    """Everything about the vaults."""
    groups = {ilk: [one for one in vaults if one.ilk == ilk] for ilk in {v.ilk: 0 for v in vaults}}
    types = {ilk: CollateralType(request, addresses, ilk, own) for ilk, own in groups.items()}
    shared, places = _shared_calls(addresses), _vault_calls(addresses["vat"], vaults)
    replies = yield [
        *(call for call in shared.values() if isinstance(call, Call)),
        *(call for one in types.values() for call in one.reads()),
        *(call for pair in places.values() for call in pair if isinstance(call, Call)),
    ]
    for one in types.values():
        one.learn(replies)
    if later := [call for one in types.values() for call in one.late_reads()]:
        late = yield later
        for one in types.values():
            one.learn_feed(late)
    system = _system(shared, replies, addresses)
    known = {ilk: one.reading(system.base) for ilk, one in types.items()}
    return [
        Reading(
            vault,
            groups[vault.ilk].index(vault),
            system,
            known[vault.ilk],
            _urn(answer(places[vault][0], replies)),
            _amount(first(answer(places[vault][1], replies))),
        )
        for vault in vaults
    ]


def _shared_calls(addresses: Addresses) -> dict[str, Asked]:
    """The reads that all collateral types share."""
    return {
        "par": ask(_SPOTTER, addresses["spotter"], "par"),
        "base": ask(_JUG, addresses["jug"], "base"),
        "live": ask(_VAT, addresses["vat"], "live"),
    }


def _vault_calls(vat: str | Failure, vaults: Sequence[Vault]) -> dict[Vault, tuple[Asked, Asked]]:
    """Each vault's position, and its collateral that is not locked."""
    return {
        vault: (
            ask(_VAT, vat, "urns", vault.ilk, vault.urn),
            ask(_VAT, vat, "gem", vault.ilk, vault.urn),
        )
        for vault in vaults
    }


def _system(shared: Mapping[str, Asked], replies: Replies, addresses: Addresses) -> SystemReading:
    live = first(answer(shared["live"], replies))
    return SystemReading(
        first(answer(shared["par"], replies)),
        first(answer(shared["base"], replies)),
        live if isinstance(live, Failure) else live == 1,
        addresses["vat"],
        addresses["dai"],
    )


def _urn(values: tuple[Any, ...] | Failure) -> Urn | Failure:
    return values if isinstance(values, Failure) else Urn(*values)


def _amount(raw: int | Failure) -> int | Failure:
    """An amount that no rule checks: one that no token can have is garbage."""
    if isinstance(raw, Failure) or raw < 2**128:
        return raw
    return Failure(Reason.BAD_RETURN_DATA, "implausible", "more than any token's supply")
