"""What to read of an owner's Fluid positions, in two rounds when the tokens are known.

Round 1: the ids of the owner's NFTs, which the factory lists (positions are complete). Round 2:
each position with everything about its vault. Unknown tokens cost one round more, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....core.errors import Failure, Problem
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, ReadPlan
from ...viewed.tokens import TokenReads
from .account import VENUE, build_account, unread_account
from .position import VaultPosition, decode_position

__all__ = ["read_snapshot"]

_RESOLVER = Contract("fluid", "VaultResolver")


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's positions, one account each."""
    resolver = request.deployment.contracts["vault_resolver"]
    listed = _RESOLVER.one(resolver, "positionsNftIdOfUser", request.owner)
    replies = yield [listed]
    ids = replies[listed]
    if isinstance(ids, Failure):
        return VenueSnapshot(problems=(_unread(ids),), complete=False)
    calls = {nft: _RESOLVER.all(resolver, "positionByNftId", nft) for nft in ids}
    replies = yield list(calls.values())
    found = {nft: _position(request, nft, replies[call]) for nft, call in calls.items()}
    return (yield from _with_tokens(request, found, calls))


def _position(
    request: ReadRequest, nft: int, reply: tuple[Any, ...] | Failure
) -> VaultPosition | Failure:
    return reply if isinstance(reply, Failure) else decode_position(nft, request.owner, *reply)


def _with_tokens(
    request: ReadRequest,
    found: dict[int, VaultPosition | Failure],
    calls: dict[int, Call[tuple[Any, ...]]],
) -> ReadPlan[VenueSnapshot]:
    """The accounts, once the tokens that nobody described before were asked."""
    readable = [one for one in found.values() if isinstance(one, VaultPosition)]
    tokens = TokenReads(request, _plain_tokens(readable))
    replies = yield tokens.calls()
    accounts = []
    for nft, position in found.items():
        if isinstance(position, Failure):
            accounts.append(unread_account(request, nft, position))
            continue
        assets = {token: tokens.asset(token, replies) for token in _plain_tokens([position])}
        accounts.append(build_account(request, position, calls[nft].target, assets))
    return VenueSnapshot(tuple(accounts), (), tuple(tokens.problems(replies, VENUE)))


def _plain_tokens(positions: Sequence[VaultPosition]) -> list[str]:
    """The tokens of the sides that are not DEX shares."""
    sides = [side for one in positions for side in (one.collateral, one.debt)]
    return [side.token for side in sides if not side.is_shares]


def _unread(failure: Failure) -> Problem:
    return Problem.of(failure, venue=VENUE, action="read again, or ask another endpoint")
