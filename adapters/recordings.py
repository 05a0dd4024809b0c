"""Recorded accounts: what a chain answered to an adapter's reads, and what the adapter made of it.

One JSON file per account. It holds the request, every reply by target and calldata, and the
answer that was checked when the recording was made. Nothing in it is read from a chain again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ..core.book.health import State, VenueAnswer, Verdict
from ..core.book.model import Leg, MarginAccount
from ..core.book.portfolio import BlockRef
from ..core.errors import Failure, Reason
from .base import Adapter, Deployment, ReadRequest, VenueSnapshot
from .chain.call import Call, Log, LogQuery, RawReply, Read, ReadPlan, Replies, StorageQuery
from .facts import Facts
from .tokens import bundled_tokens

__all__ = ["RecordedAccount", "ReplyKey", "load_recordings", "record", "replay", "summary"]

T = TypeVar("T")
ReplyKey = tuple[str, bytes] | LogQuery | StorageQuery

# Whatever a plan asks that was not recorded failed as a dead node would have failed it.
_UNRECORDED = Failure(Reason.RPC_UNAVAILABLE, "not_recorded")


@dataclass(frozen=True, slots=True)
class RecordedAccount:
    """One account at one block: the request, the replies, and the expected answer."""

    name: str
    owner: str
    block: BlockRef
    deployment: Deployment
    replies: Mapping[ReplyKey, RawReply]
    expected: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def request(self, facts: Facts) -> ReadRequest:
        """The read that the recording answers."""
        return ReadRequest(
            self.owner, self.block, self.deployment, bundled_tokens(), facts, self.options
        )

    def with_reply(self, key: ReplyKey, reply: RawReply) -> RecordedAccount:
        """The same recording with one reply replaced: a fault at that call site."""
        return replace(self, replies={**self.replies, key: reply})

    def document(self) -> Mapping[str, Any]:
        """The recording as JSON."""
        return {
            "schema": "crossmargin/recording/1",
            "name": self.name,
            "source": self.source,
            "owner": self.owner,
            "block": {
                "chain_id": self.block.chain_id,
                "number": self.block.number,
                "hash": self.block.hash,
                "timestamp": self.block.timestamp,
                "finality": self.block.finality,
            },
            "deployment": {
                "venue": self.deployment.venue,
                "chain_id": self.deployment.chain_id,
                "market": self.deployment.market,
                "contracts": dict(self.deployment.contracts),
                "settings": dict(self.deployment.settings),
            },
            "options": dict(self.options),
            "replies": [_reply_document(key, reply) for key, reply in self.replies.items()],
            "expected": self.expected,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RecordedAccount:
        """The recording of a JSON document."""
        return cls(
            document["name"],
            document["owner"],
            BlockRef(**document["block"]),
            Deployment(**document["deployment"]),
            dict(_reply(entry) for entry in document["replies"]),
            document["expected"],
            document.get("options", {}),
            document.get("source", ""),
        )


def load_recordings(folder: Path) -> tuple[RecordedAccount, ...]:
    """The recordings of a folder, in the order of their file names."""
    paths = sorted(folder.glob("*.json"))
    return tuple(RecordedAccount.from_document(json.loads(path.read_text())) for path in paths)


def record(
    blank: RecordedAccount, adapter: Adapter, ask: Callable[[Call[Any]], bytes | Failure]
) -> RecordedAccount:
    """The recording with everything the adapter asks, as ``ask`` answers it from a chain.

    ``ask`` must answer every call at ``blank.block``. The answer becomes ``expected``: check it
    against the venue before keeping the recording. Log scans are not recorded here.
    """
    replies: dict[ReplyKey, RawReply] = {}
    plan = adapter.read(blank.request(Facts()))
    try:
        asked = next(plan)
        while True:
            answers: dict[Read, RawReply] = {}
            for read in asked:
                answers[read] = ask(read) if isinstance(read, Call) else _UNRECORDED
            replies |= {_key(read): answers[read] for read in asked if isinstance(read, Call)}
            asked = plan.send(Replies(answers))
    except StopIteration as done:
        return replace(blank, replies=replies, expected=summary(done.value))


def replay(plan: ReadPlan[T], replies: Mapping[ReplyKey, RawReply]) -> tuple[T, list[list[Read]]]:
    """What the plan returns on these replies, and the batches it asked, in order."""
    rounds: list[list[Read]] = []
    try:
        asked = list(next(plan))
        while True:
            if asked:
                rounds.append(asked)
            answers = {read: replies.get(_key(read), _UNRECORDED) for read in asked}
            asked = list(plan.send(Replies(answers)))
    except StopIteration as done:
        returned: T = done.value
        return returned, rounds


def summary(snapshot: VenueSnapshot) -> dict[str, Any]:
    """Everything a snapshot says that must not change, as JSON: the ``expected`` of a recording."""
    return {
        "enumeration": snapshot.enumeration,
        "complete": snapshot.complete,
        "accounts": [_account(account) for account in snapshot.accounts],
        "prices": {price.asset.key: str(price.value) for price in snapshot.prices},
        "problems": [f"{problem.severity} {problem.reason}" for problem in snapshot.problems],
    }


def _account(account: MarginAccount) -> dict[str, Any]:
    judgement, venue = account.judgement, account.venue_answer
    said = venue.figures if isinstance(venue, VenueAnswer) else None
    return {
        "id": account.id,
        "failure": None if account.failure is None else str(account.failure),
        "stored": None if judgement is None else _verdict(judgement.stored),
        "actionable": None if judgement is None else _verdict(judgement.actionable),
        "figures": {} if judgement is None else _integers(judgement.figures),
        "venue": None if said is None else _integers(said),
        "legs": [_leg(leg) for leg in account.legs],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    value, state = verdict.health.value, State(verdict.health.state)
    return {
        "state": state.value,
        "value": None if value is None else str(value),
        "liquidatable": verdict.liquidatable,
    }


def _leg(leg: Leg) -> dict[str, Any]:
    kind = type(leg.instrument).__name__
    failed = None if leg.failure is None else str(leg.failure)
    return {"id": leg.id, "kind": kind, "quantity": str(leg.quantity), "failure": failed}


def _integers(figures: Mapping[str, int]) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(figures.items())}


def _key(read: Read) -> ReplyKey:
    return (read.target, read.data) if isinstance(read, Call) else read


def _reply_document(key: ReplyKey, reply: RawReply) -> dict[str, Any]:
    if isinstance(key, LogQuery):
        asked: dict[str, Any] = {
            "logs": key.address,
            "topics": list(key.topics),
            "from_block": key.from_block,
        }
    elif isinstance(key, StorageQuery):
        asked = {"storage": key.address, "slot": f"{key.slot:#x}"}
    else:
        asked = {"to": key[0], "data": f"0x{key[1].hex()}"}
    if isinstance(reply, Failure):
        return asked | {"failure": [reply.reason.value, reply.code, reply.detail]}
    if isinstance(reply, bytes):
        return asked | {"returned": f"0x{reply.hex()}"}
    found = [[log.address, list(log.topics), log.data, log.block_number] for log in reply]
    return asked | {"found": found}


def _reply(entry: Mapping[str, Any]) -> tuple[ReplyKey, RawReply]:
    key: ReplyKey
    if "logs" in entry:
        key = LogQuery(entry["logs"], tuple(entry["topics"]), entry["from_block"])
    elif "storage" in entry:
        key = StorageQuery(entry["storage"], int(entry["slot"], 16))
    else:
        key = (entry["to"].lower(), bytes.fromhex(entry["data"][2:]))
    if "failure" in entry:
        reason, code, detail = entry["failure"]
        return key, Failure(Reason(reason), code, detail)
    if "returned" in entry:
        return key, bytes.fromhex(entry["returned"][2:])
    logs = (
        Log(address, tuple(topics), data, block) for address, topics, data, block in entry["found"]
    )
    return key, tuple(logs)
