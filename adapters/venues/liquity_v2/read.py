"""What to read for an owner's troves in one branch, in two rounds once branch and ids are known.

Round 1: the branch's state, the transfers to the owner, and every trove known by id. Round 2: the
batch that a trove is in, and the venue's own ratio, which takes the price as an argument. The branch's
registry and troves that only the logs knew cost a round each the first time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, ReadPlan, Replies
from .account import account_id, branch_problems, build_account, price_of
from .branch import Branch, BranchReading, branch_calls, branch_reading, read_branch
from .discover import given_troves, trove_query, troves_in_logs
from .maths import Batch, Gains, Trove
from .reading import LatestData, Status, TroveReading
from .rule import VENUE

__all__ = ["read_snapshot"]

_MANAGER, _NFT = Contract("liquity_v2", "TroveManager"), Contract("liquity_v2", "TroveNFT")
_ZERO = "0x" + "00" * 20


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's troves in the deployment's branch."""
    given = given_troves(request)
    enumeration = "logs" if given is None else "list"
    branch = yield from read_branch(request)
    if isinstance(branch, Failure):
        problem = _missing(branch, "the branch was not read")
        return VenueSnapshot(problems=(problem,), enumeration=enumeration, complete=False)
    found = yield from _first_rounds(request, branch, given)
    held = [one for one in found.troves if _is_held(request, one)]
    others = [one for one in found.troves if one not in held]
    held = yield from _second_round(branch, found.state, held)
    price = price_of(request, branch, found.state) if held else None
    problems = [
        problem for one in others for problem in _not_held(request, one, listed=given is not None)
    ]
    if isinstance(found.listed, Failure):
        problems.append(_missing(found.listed, "the log scan failed"))
    return VenueSnapshot(
        accounts=tuple(build_account(request, branch, found.state, one) for one in held),
        prices=() if price is None else (price,),
        problems=(*problems, *branch_problems(branch, found.state, held)),
        enumeration=enumeration,
        complete=not isinstance(found.listed, Failure),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """The branch's state, the troves that were looked at, and the log scan's word."""

    state: BranchReading
    troves: Sequence[TroveReading]
    listed: tuple[int, ...] | Failure


def _first_rounds(
    request: ReadRequest, branch: Branch, given: tuple[int, ...] | None
) -> ReadPlan[_Found]:
    """The branch and the troves known by id; then those that only the logs knew."""
    chain, fact = request.block.chain_id, f"troves:{request.owner.lower()}"
    remembered: tuple[int, ...] = request.facts.get(chain, branch.trove_nft, fact) or ()
    known = remembered if given is None else given
    query = trove_query(request, branch) if given is None else None
    asked, probes = branch_calls(branch), [_Probe(branch, one) for one in known]
    calls = [call for probe in probes for call in probe.reads()]
    replies = yield [*([query] if query else ()), *calls, *asked.values()]
    state = branch_reading(asked, replies)
    listed = troves_in_logs(query, replies) if query else known
    troves = [probe.reading(replies) for probe in probes]
    if not isinstance(listed, Failure) and query:
        # A hint of whom to ask in the first round; the logs are scanned again every time.
        request.facts.put(chain, branch.trove_nft, fact, listed)
        later = [_Probe(branch, one) for one in listed if one not in known]
        if later:
            replies = yield [call for probe in later for call in probe.reads()]
            troves += [probe.reading(replies) for probe in later]
    return _Found(state, troves, listed)


class _Probe:
    """The first reads of one trove."""

    def __init__(self, branch: Branch, trove_id: int) -> None:
        self._id = trove_id
        self._owner = _NFT.address(branch.trove_nft, "ownerOf", trove_id)
        self._stored = _MANAGER.all(branch.trove_manager, "Troves", trove_id)
        self._latest = _MANAGER.one(branch.trove_manager, "getLatestTroveData", trove_id)

    def reads(self) -> list[Call[Any]]:
        """The calls to make."""
        return [self._owner, self._stored, self._latest]

    def reading(self, replies: Replies) -> TroveReading:
        """What the replies say about the trove."""
        stored, latest = replies[self._stored], replies[self._latest]
        if isinstance(stored, Failure):
            return TroveReading(self._id, replies[self._owner], stored, stored, "", _latest(latest))
        debt, coll, _, status, _, updated, _, rate, manager, shares = stored
        return TroveReading(
            self._id,
            replies[self._owner],
            _status(int(status)),
            Trove(int(debt), int(coll), int(updated), int(rate), int(shares)),
            "" if manager == _ZERO else str(manager).lower(),
            _latest(latest),
        )


def _status(number: int) -> Status | Failure:
    if number not in set(Status):
        return Failure(Reason.UNSUPPORTED_VERSION, "unknown_status", f"status {number}")
    return Status(number)


def _latest(values: Any | Failure) -> LatestData | Failure:
    """The venue's own figures."""
    if isinstance(values, Failure):
        return values
    debt, coll, debt_gain, coll_gain, interest, _, _, _, fee, _ = (int(value) for value in values)
    return LatestData(debt, coll, Gains(debt_gain, coll_gain), interest, fee)


def _is_held(request: ReadRequest, one: TroveReading) -> bool:
    """Whether the trove is the owner's and open, or may be."""
    if isinstance(one.owner, str) and one.owner != request.owner.lower():
        return False
    return isinstance(one.status, Failure) or one.status.is_open


def _second_round(
    branch: Branch, state: BranchReading, held: list[TroveReading]
) -> ReadPlan[list[TroveReading]]:
    """The batches, and the venue's ratios at the price that a liquidation would fetch."""
    manager = branch.trove_manager
    batches = {
        one.manager: _MANAGER.one(manager, "getLatestBatchData", one.manager)
        for one in held
        if one.manager
    }
    ratios = {
        one.trove_id: _MANAGER.uint(manager, "getCurrentICR", one.trove_id, state.price)
        for one in held
        if not isinstance(state.price, Failure)
    }
    if not batches and not ratios:
        return held
    replies = yield [*batches.values(), *ratios.values()]
    return [
        replace(
            one,
            batch=_batch(replies[batches[one.manager]]) if one.manager else None,
            ratio=replies[ratios[one.trove_id]] if one.trove_id in ratios else None,
        )
        for one in held
    ]


def _batch(values: Any | Failure) -> Batch | Failure:
    """A batch's stored numbers, out of the venue's latest data."""
    if isinstance(values, Failure):
        return values
    shares, debt, rate, fee, updated = (int(values[place]) for place in (0, 4, 5, 7, 10))
    return Batch(debt, shares, rate, fee, updated)


def _not_held(request: ReadRequest, one: TroveReading, *, listed: bool) -> Iterator[Problem]:
    """Notes about a trove that is closed or another's: its failed reads, and that it was asked for."""
    failed = [read for read in (one.owner, one.trove, one.latest) if isinstance(read, Failure)]
    closed = isinstance(one.status, Status) and not one.status.is_open
    for failure in dict.fromkeys(failed):
        # A closed trove's token is burned: asking for its owner reverts, as it should.
        if not (closed and failure is one.owner and failure.reason is Reason.CALL_REVERTED):
            yield Problem.of(
                failure, venue=VENUE, account=account_id(request, one), severity=Severity.NOTE
            )
    if listed:
        code = "closed_trove" if closed else "not_the_owner"
        yield Problem(
            Severity.NOTE,
            Reason.NOT_SUPPORTED,
            code,
            venue=VENUE,
            account=account_id(request, one),
            detail="the trove is closed, or not of this branch"
            if closed
            else "the trove is another's",
            action="check the id and the branch",
        )


def _missing(failure: Failure, detail: str) -> Problem:
    """Troves may be missing from the answer."""
    return Problem(
        Severity.READ,
        Reason.POSITIONS_INCOMPLETE,
        failure.code or failure.reason.value,
        venue=VENUE,
        detail=failure.detail or detail,
        action="give the trove ids, or use an endpoint that serves logs",
    )
