"""What to read for an owner: everything from the DataStore, prices, and the reader's own answers.

Each answer opens further questions: the list of positions, their places, their markets' tokens, the
parameters and prices, and at last the reader, which is told the prices. What an earlier answer told
is only used to ask early, and is asked again: a warm account costs two rounds, a cold one five.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, ReadPlan
from .account import build_account, snapshot_prices
from .prices import GivenPrices
from .questions import MOST_POSITIONS, Questions
from .reading import PositionReading
from .rule import VENUE

__all__ = ["read_snapshot"]


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's positions, an account each; ``InputError`` where given prices are wrong."""
    questions = Questions(request, GivenPrices.of(request.options))
    while True:
        new = [call for call in dict.fromkeys(questions.asked()) if call not in questions.answers]
        if not new:
            break
        replies = yield new
        questions.answers.update((call, _named(call, replies[call])) for call in new)
    keys = questions.listed()
    if isinstance(keys, Failure):
        problem = Problem.of(keys, venue=VENUE, action="read again, or ask another endpoint")
        return VenueSnapshot(problems=(problem,), complete=False)
    questions.remember(keys)
    readings = [questions.reading(key) for key in keys]
    return VenueSnapshot(
        tuple(build_account(request, reading) for reading in readings),
        snapshot_prices(request, readings),
        tuple(_problems(request, readings)),
        complete=len(keys) < MOST_POSITIONS,
    )


def _problems(request: ReadRequest, readings: list[PositionReading]) -> Iterator[Problem]:
    """What holds for the whole answer."""
    if len(readings) >= MOST_POSITIONS:
        detail = f"only the first {MOST_POSITIONS} positions were read"
        failure = Failure(Reason.POSITIONS_INCOMPLETE, "too_many_positions", detail)
        yield Problem.of(failure, venue=VENUE)
    if readings and "referral_storage" not in request.deployment.contracts:
        detail = "no referral storage is configured on this chain: a discount is not counted"
        failure = Failure(Reason.NOT_SUPPORTED, "no_referral_storage", detail)
        yield Problem.of(failure, venue=VENUE, severity=Severity.NOTE)


def _named(call: Call[Any], answer: Any) -> Any:
    """The answer; a failure says which question it answers."""
    if not isinstance(answer, Failure) or answer.reason is Reason.CALL_REVERTED:
        return answer
    asked = f"{call.function.signature} {call.data[4:36].hex()}"
    return replace(answer, detail=f"{asked}: {answer.detail or answer.reason.value}")
