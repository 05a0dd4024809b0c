"""The questions of one read and their answers: what is not answered yet is asked in the next round.

Reading code runs once per round over everything that is known so far. A question that it finds
unanswered is noted and raises ``UnreadError``; when a pass notes nothing new, the reading is whole.
The questions of the last answer are asked again at once, so that a warm account costs one round;
nothing that they answered before is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ....core.errors import CrossmarginError, Failure, Reason
from ...base import ReadRequest
from ...chain.call import Call, LogQuery, Read, ReadPlan, Replies

__all__ = ["Questions", "UnreadError"]

T = TypeVar("T")

_PENDING = Failure(Reason.POSITIONS_INCOMPLETE, "pending", "asked in the next round")


class UnreadError(CrossmarginError):
    """A part of the account was not read; ``failure`` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Questions:
    """What was asked at the block, and the answers so far."""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._where = request.deployment.contracts["sub_accounts"]
        self._fact = f"asked:{request.owner.lower()}"
        self._answers: dict[Call[Any], Any] = {}
        self._used: dict[Call[Any], None] = {}
        self._new: dict[Call[Any], None] = {}
        self._excused: set[Call[Any]] = set()

    def start(self, queries: Sequence[LogQuery]) -> ReadPlan[Replies | None]:
        """The first round: the log scans, and what the last answer had asked."""
        hints: Iterable[Call[Any]] = (
            self._request.facts.get(self._request.block.chain_id, self._where, self._fact) or ()
        )
        asked: list[Read] = [*queries, *hints]
        if not asked:
            return None
        replies = yield asked
        self._answers.update((call, replies[call]) for call in hints)
        return replies

    def ask(self) -> ReadPlan[bool]:
        """Ask what the last pass noted; False where it noted nothing."""
        noted = list(self._new)
        self._new.clear()
        if not noted:
            self._request.facts.put(
                self._request.block.chain_id, self._where, self._fact, tuple(self._used)
            )
            return False
        replies = yield noted
        self._answers.update((call, replies[call]) for call in noted)
        return True

    def get(self, call: Call[T]) -> T | Failure:
        """The answer or the failure; a pending one where it was not asked yet."""
        self._used[call] = None
        if call not in self._answers:
            self._new[call] = None
            return _PENDING
        answer: T | Failure = self._answers[call]
        return _named(call, answer) if isinstance(answer, Failure) else answer

    def need(self, call: Call[T]) -> T:
        """The answer; ``UnreadError`` where there is none."""
        answer = self.get(call)
        if isinstance(answer, Failure):
            raise UnreadError(answer)
        return answer

    def all(self, *calls: Call[Any]) -> list[Any]:
        """The answers of all, asked together; ``UnreadError`` with the first that is missing."""
        answers = [self.get(call) for call in calls]
        for answer in answers:
            if isinstance(answer, Failure):
                raise UnreadError(answer)
        return answers

    def may_revert(self, call: Call[T]) -> T | None:
        """The answer, or None where the contract reverts, which is an answer too."""
        self._excused.add(call)
        answer = self.get(call)
        if not isinstance(answer, Failure):
            return answer
        if answer.reason is Reason.CALL_REVERTED:
            return None
        raise UnreadError(answer)

    def failures(self) -> Iterator[Failure]:
        """Every failed answer that was used, but for reverts that are answers."""
        for call in self._used:
            answer = self._answers.get(call)
            if isinstance(answer, Failure):
                excused = call in self._excused and answer.reason is Reason.CALL_REVERTED
                if not excused:
                    yield _named(call, answer)


def _named(call: Call[Any], failure: Failure) -> Failure:
    """The failure with the question it answers."""
    name = call.function.signature.partition("(")[0]
    said = failure.detail or failure.code or failure.reason.value
    return replace(failure, detail=f"{name} at {call.target}: {said}"[:200])
