"""What to read of an owner's account in one spoke: two rounds when warm, up to four when cold.

Round 1: the account data, the number of reserves, the oracle, and the owner's position in every
reserve known before. Round 2, for reserves with a position: amounts, price, the user's own dynamic
config, and the hub's second opinion. Reserves are listed by the spoke, so positions are complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....core.errors import Failure, InputError, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, ReadPlan, Replies
from ...viewed.tokens import TokenReads
from .account import VENUE, Reserve, ReserveReading, build_snapshot
from .maths import AccountData, account_data

__all__ = ["read_snapshot"]

_SPOKE = Contract("aave_v4", "Spoke")
_HUB = Contract("aave_v4", "Hub")
_ORACLE = Contract("aave_v4", "Oracle")
_MOST_RESERVES = 2_000
_COUNT, _RESERVE = "reserve_count", "reserve:"


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's account in the spoke, or why it may be missing from the answer."""
    spoke, facts = request.deployment.contracts["spoke"], request.facts
    chain, stated = request.deployment.chain_id, _stated(request)
    known: int = facts.get(chain, spoke, _COUNT) or 0
    data_call = _SPOKE.one(spoke, "getUserAccountData", request.owner)
    count_call, oracle_call = _SPOKE.uint(spoke, "getReserveCount"), _SPOKE.address(spoke, "ORACLE")
    replies = yield [data_call, count_call, oracle_call, *_position_calls(request, range(known))]
    values, oracle = replies[data_call], replies[oracle_call]
    data = values if isinstance(values, Failure) else account_data(values, stated)
    positions = _positions(request, range(known), replies)
    count = _checked(replies[count_call], known)
    problems = [_unread(count, "the number of reserves")] if isinstance(count, Failure) else []
    if not isinstance(count, Failure) and count > known:
        fresh = range(known, count)
        replies = yield _position_calls(request, fresh)
        positions |= _positions(request, fresh, replies)
        facts.put(chain, spoke, _COUNT, count)
    problems += _spare(positions)
    return (yield from _details(request, data, oracle, _held(positions), problems))


def _stated(request: ReadRequest) -> str | None:
    """The scale of the debt that the deployment pins, if it does."""
    stated = request.deployment.settings.get("debt_value")
    if stated not in (None, "ray", "plain"):
        raise InputError(f"debt_value: {str(stated)[:40]!r}, say ray or plain", field="debt_value")
    return stated


def _checked(count: int | Failure, known: int) -> int | Failure:
    """The number of reserves, if it can be one: reserves are only ever added."""
    if isinstance(count, Failure) or known <= count <= _MOST_RESERVES:
        return count
    return Failure(Reason.BAD_RETURN_DATA, "count", f"{count} reserves after {known}"[:200])


def _position_calls(request: ReadRequest, ids: Iterable[int]) -> list[Call[Any]]:
    return [call for reserve in ids for call in _position_call(request, reserve)]


def _position_call(request: ReadRequest, reserve: int) -> tuple[Call[Any], Call[Any]]:
    spoke, owner = request.deployment.contracts["spoke"], request.owner
    return (
        _SPOKE.one(spoke, "getUserPosition", reserve, owner),
        _SPOKE.all(spoke, "getUserReserveStatus", reserve, owner),
    )


_Position = tuple[tuple[int, ...] | Failure, tuple[bool, bool] | Failure]


def _positions(request: ReadRequest, ids: Iterable[int], replies: Replies) -> dict[int, _Position]:
    found: dict[int, _Position] = {}
    for reserve in ids:
        position, status = (replies[call] for call in _position_call(request, reserve))
        found[reserve] = (position, status)
    return found


def _held(positions: dict[int, _Position]) -> dict[int, _Position]:
    """The reserves in which the owner has, or may have, something."""
    return {
        reserve: (position, status)
        for reserve, (position, status) in positions.items()
        if isinstance(position, Failure) or any(position[:4])
    }


def _spare(positions: dict[int, _Position]) -> list[Problem]:
    """A note per unread status of a reserve in which the owner is known to hold nothing."""
    held = _held(positions)
    statuses = [status for reserve, (_, status) in positions.items() if reserve not in held]
    return [
        Problem.of(status, venue=VENUE, severity=Severity.NOTE)
        for status in statuses
        if isinstance(status, Failure)
    ]


def _details(
    request: ReadRequest,
    data: AccountData | Failure,
    oracle: str | Failure,
    held: dict[int, _Position],
    problems: list[Problem],
) -> ReadPlan[VenueSnapshot]:
    """The second round, and a third for reserves seen for the first time."""
    asked = {
        reserve: _detail_calls(request, reserve, position, oracle)
        for reserve, (position, _) in held.items()
        if not isinstance(position, Failure)
    }
    known = {reserve: _known(request, reserve) for reserve in asked}
    hubs = _hub_calls(held, known)
    tokens = TokenReads(request, [one.underlying for one in known.values() if one])
    calls = [call for details in asked.values() for call in details.values()]
    replies = yield [*calls, *_flat(hubs), *tokens.calls()]
    parts = {
        reserve: {name: replies[call] for name, call in details.items()}
        for reserve, details in asked.items()
    }
    reserves = {reserve: _reserve(found["reserve"]) for reserve, found in parts.items()}
    told = {id_: one for id_, one in reserves.items() if not isinstance(one, Failure)}
    if any(known[id_] != one for id_, one in told.items()):
        hubs = _hub_calls(held, told)
        tokens = TokenReads(request, [one.underlying for one in told.values()])
        replies = yield [*_flat(hubs), *tokens.calls()]
        for id_, one in told.items():
            _remember(request, id_, one)
    readings = []
    for reserve, (position, status) in held.items():
        found = dict(parts.get(reserve, {}))
        found |= {name: replies[call] for name, call in hubs.get(reserve, {}).items()}
        where = reserves.get(reserve, position if isinstance(position, Failure) else None)
        asset = tokens.asset(where.underlying, replies) if isinstance(where, Reserve) else None
        readings.append(ReserveReading(reserve, position, status, where, asset, found))
    problems += tokens.problems(replies, VENUE)
    return build_snapshot(request, data, oracle, readings, problems)


def _detail_calls(
    request: ReadRequest, reserve: int, position: tuple[int, ...], oracle: str | Failure
) -> dict[str, Call[Any]]:
    spoke, owner = request.deployment.contracts["spoke"], request.owner
    calls: dict[str, Call[Any]] = {
        "reserve": _SPOKE.one(spoke, "getReserve", reserve),
        "config": _SPOKE.one(spoke, "getDynamicReserveConfig", reserve, position[4]),
        "supplied": _SPOKE.uint(spoke, "getUserSuppliedAssets", reserve, owner),
        "debt": _SPOKE.all(spoke, "getUserDebt", reserve, owner),
    }
    if not isinstance(oracle, Failure):
        calls["price"] = _ORACLE.uint(oracle, "getReservePrice", reserve)
    return calls


def _hub_calls(
    held: dict[int, _Position], reserves: dict[int, Any]
) -> dict[int, dict[str, Call[Any]]]:
    """The hub's own account of what was supplied, and its index, of the reserves that are known."""
    found: dict[int, dict[str, Call[Any]]] = {}
    for id_, one in reserves.items():
        position = held[id_][0]
        if one is None or isinstance(position, Failure):
            continue
        found[id_] = {
            "index": _HUB.uint(one.hub, "getAssetDrawnIndex", one.asset_id),
            "preview": _HUB.uint(one.hub, "previewRemoveByShares", one.asset_id, position[3]),
        }
    return found


def _flat(calls: dict[int, dict[str, Call[Any]]]) -> list[Call[Any]]:
    return [call for named in calls.values() for call in named.values()]


def _reserve(values: tuple[Any, ...] | Failure) -> Reserve | Failure:
    """What never changes of a reserve, out of its struct."""
    if isinstance(values, Failure):
        return values
    return Reserve(str(values[0]).lower(), str(values[1]).lower(), values[2], values[3])


def _known(request: ReadRequest, reserve: int) -> Reserve | None:
    spoke = request.deployment.contracts["spoke"]
    known: Reserve | None = request.facts.get(
        request.deployment.chain_id, spoke, f"{_RESERVE}{reserve}"
    )
    return known


def _remember(request: ReadRequest, reserve: int, value: Reserve) -> None:
    spoke = request.deployment.contracts["spoke"]
    request.facts.put(request.deployment.chain_id, spoke, f"{_RESERVE}{reserve}", value)


def _unread(failure: Failure, what: str) -> Problem:
    named = Failure(failure.reason, failure.code, f"{what}: {failure.detail}"[:200])
    return Problem.of(
        named, venue=VENUE, action="read again, or ask another endpoint", severity=Severity.READ
    )
