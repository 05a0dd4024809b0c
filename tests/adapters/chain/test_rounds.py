"""The driver: plans in lockstep, one round trip for all, failures in their own place."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crossmargin.adapters.chain.call import Call, Read, ReadPlan
from crossmargin.adapters.chain.recorded import RecordedChain, Recording
from crossmargin.adapters.chain.rounds import run_plans
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import DocumentError, Failure, Reason, SourceError

from .fakes import block_hash, number_call, word

BLOCK = BlockRef("eip155:1", 100, block_hash(100), 1_700_000_100)


def recorded(calls: Sequence[Call[int]]) -> RecordedChain:
    """A chain that answers each call with its place in the list."""
    recording = Recording()
    recording.add_block(BLOCK)
    for place, call in enumerate(calls):
        recording.add(BLOCK, call, word(place))
    return RecordedChain(recording)


CALLS = [number_call(number) for number in range(6)]


def summing(*rounds: Sequence[Call[int]]) -> ReadPlan[int]:
    """A plan that asks in so many rounds and returns the sum; a failure counts as a thousand."""
    total = 0
    for asked in rounds:
        replies = yield asked
        for call in asked:
            value = replies[call]
            total += 1000 if isinstance(value, Failure) else value
    return total


def run(plans: Mapping[str, ReadPlan[Any]], chain: RecordedChain) -> dict[str, Any]:
    """The results of the plans."""
    return asyncio.run(run_plans(chain, plans, BLOCK))


def test_plans_of_different_length_share_their_rounds() -> None:
    """Three plans of 1, 2 and 3 rounds cost 3 round trips, and each gets its own answers."""
    chain = recorded(CALLS)
    plans = {
        "one": summing(CALLS[:2]),
        "two": summing(CALLS[1:3], CALLS[3:4]),
        "three": summing(CALLS[4:5], CALLS[4:5], CALLS[5:6]),
    }
    assert run(plans, chain) == {"one": 1, "two": 6, "three": 13}
    assert chain.rounds == 3


def test_an_empty_batch_costs_no_round_trip() -> None:
    """A plan that yields nothing goes on at once, also between its rounds."""
    chain = recorded(CALLS)
    assert run({"a": summing([], CALLS[2:3], [], [])}, chain) == {"a": 2}
    assert chain.rounds == 1


def test_a_plan_without_any_read_ends_at_once() -> None:
    """No reads at all: the result, and no round trip."""
    chain = recorded(CALLS)
    assert run({"a": summing(), "b": summing([])}, chain) == {"a": 0, "b": 0}
    assert chain.rounds == 0


def test_results_keep_the_order_of_the_plans() -> None:
    """The result's order is that of the plans, whichever ended first."""
    chain = recorded(CALLS)
    plans = {"long": summing(CALLS[:1], CALLS[:1]), "short": summing(), "mid": summing(CALLS[:1])}
    assert list(run(plans, chain)) == ["long", "short", "mid"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DocumentError("odd"), Reason.NOT_SUPPORTED), (SourceError("odd"), Reason.RPC_UNAVAILABLE)],
)
@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_a_plan_that_raises_stops_no_other(error: Exception, reason: Reason, rounds: int) -> None:
    """An error before, between or after reads is that plan's failure; the others finish."""

    def failing() -> ReadPlan[int]:
        for _ in range(rounds):
            yield CALLS[:1]
        raise error

    chain = recorded(CALLS)
    results = run({"bad": failing(), "good": summing(CALLS[:2], CALLS[2:4])}, chain)
    assert results == {"bad": Failure(reason, "plan_failed", "odd"), "good": 6}


def test_a_programming_error_is_raised_and_closes_every_plan() -> None:
    """What is not ours to handle comes out, and no generator stays open."""
    closed: list[str] = []

    def watched() -> ReadPlan[int]:
        try:
            yield CALLS[:1]
            yield CALLS[:1]
        finally:
            closed.append("watched")
        return 0

    def broken() -> ReadPlan[int]:
        yield CALLS[:1]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run({"watched": watched(), "broken": broken()}, recorded(CALLS))
    assert closed == ["watched"]


def test_a_read_that_two_plans_ask_for_is_sent_once() -> None:
    """The batch of a round holds no read twice."""
    sent: list[Sequence[Read]] = []

    class Watching(RecordedChain):
        async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Any:
            sent.append(reads)
            return await super().fetch(reads, block)

    recording = Recording()
    recording.add(BLOCK, CALLS[0], word(7))
    results = run({"a": summing(CALLS[:1]), "b": summing(CALLS[:1])}, Watching(recording))
    assert results == {"a": 7, "b": 7}
    assert [len(reads) for reads in sent] == [1]


def test_a_plan_that_ends_can_call_for_another() -> None:
    """What joins starts in the next round, shares it, may call for more, and has its own result."""
    chain = recorded(CALLS)

    def joining(key: str, result: int | Failure) -> Mapping[str, ReadPlan[int]]:
        if key == "one":
            return {"joined": summing(CALLS[3:4]), "at once": summing()}
        return {"after": summing(CALLS[5:6])} if key == "joined" else {}

    plans = {"one": summing(CALLS[1:2]), "two": summing(CALLS[2:3], CALLS[3:4], CALLS[4:5])}
    found = asyncio.run(run_plans(chain, plans, BLOCK, joining))
    assert found == {"one": 1, "two": 9, "joined": 3, "at once": 0, "after": 5}
    assert list(found)[:2] == ["one", "two"]
    assert chain.rounds == 3


def test_a_plan_without_rounds_can_call_for_another() -> None:
    """A result that was there before the first round is told too."""
    chain = recorded(CALLS)
    plans = {"nothing": summing()}
    found = asyncio.run(
        run_plans(
            chain,
            plans,
            BLOCK,
            lambda key, _: {"next": summing(CALLS[:2])} if key != "next" else {},
        )
    )
    assert found == {"nothing": 0, "next": 1}
