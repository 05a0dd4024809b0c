"""Every fault of an endpoint: bounded time, a named failure, and exact values from the next one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.core.errors import Failure, Reason

from .fakes import FAULTS, Node, chain_of, http, number_call, raw_result, sends

BUDGET = 3.0  # the default
HASTE = 0.6  # for faults that use up whatever time there is


def budget_for(code: str) -> float:
    """The budget that a fault is tested with."""
    return HASTE if code == "timeout" else BUDGET


READS = [number_call(7, argument) for argument in range(5)]


@pytest.mark.parametrize("name", FAULTS)
def test_each_reply_is_a_named_failure_in_bounded_time(name: str) -> None:
    """One endpoint with the fault: every reply names it, and the budget holds."""
    fault, code = FAULTS[name]

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, budget_seconds=budget_for(code))
            block = await chain.pin("latest")
            node.fault = fault
            begun = time.monotonic()
            replies = await chain.fetch(READS, block)
            took = time.monotonic() - begun
            await chain.aclose()
            for read in READS:
                reply = replies[read]
                assert isinstance(reply, Failure)
                assert reply.reason in (Reason.RPC_UNAVAILABLE, Reason.RPC_INCONSISTENT)
                assert reply.code == code
                assert reply.detail == f"{node.plain_name}: {code}"
            assert took <= budget_for(code) + 0.25

    asyncio.run(scenario())


@pytest.mark.parametrize("name", FAULTS)
def test_the_next_endpoint_still_gives_exact_values(name: str) -> None:
    """Two endpoints, the first with the fault: the values are the second's, in the budget."""
    fault, code = FAULTS[name]

    async def scenario() -> None:
        async with Node() as bad, Node() as good:
            chain = chain_of(bad, good, budget_seconds=budget_for(code))
            block = await chain.pin("latest")
            bad.fault = fault
            begun = time.monotonic()
            replies = await chain.fetch(READS, block)
            took = time.monotonic() - begun
            await chain.aclose()
            assert [replies[read] for read in READS] == [7000, 7001, 7002, 7003, 7004]
            assert took <= budget_for(code) + 0.25

    asyncio.run(scenario())


@pytest.mark.parametrize("at_call", [1, 2, 3, 4])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_at_one_call_changes_no_other_value(name: str, at_call: int) -> None:
    """The fault hits the k-th of four chunks: its calls fail by name, the others stay exact."""
    fault, code = FAULTS[name]

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, budget_seconds=budget_for(code), chunk=2)
            block = await chain.pin("latest")
            begun = node.posts.count("eth_call")

            def strike(method: str, count: int) -> None:
                node.fault = fault if method == "eth_call" and count == begun + at_call else None

            node.before = strike
            reads = [number_call(7, argument) for argument in range(8)]
            replies = await chain.fetch(reads, block)
            await chain.aclose()
            failures = {
                place: reply
                for place, reply in enumerate(replies[read] for read in reads)
                if isinstance(reply, Failure)
            }
            values = {place: replies[read] for place, read in enumerate(reads)}
            assert {p: v for p, v in values.items() if p not in failures} == {
                place: 7000 + place for place in range(8) if place not in failures
            }
            assert {failure.code for failure in failures.values()} <= {code}
            assert failures or name in TRIED_AGAIN

    asyncio.run(scenario())


# One fault of these kinds is no failure: a dropped connection is tried once more, a chunk that is
# too large or refused without a clear cause is read in halves.
TRIED_AGAIN = {"reset", "closes", "huge", "inner fault"}


def test_reading_chains_leaves_the_recursion_limit_alone() -> None:
    """Importing the reading layer brings in nothing that raises the interpreter's limit."""
    program = (
        "import sys, crossmargin.adapters.chain.client, crossmargin.adapters.chain.transport,"
        " crossmargin.adapters.chain.evidence;"
        "print(sys.getrecursionlimit(), 'py_ecc' in sys.modules, 'eth_tester' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert shown.stdout.split() == [b"1000", b"False", b"False"]


@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300))
def test_any_body_gives_failures_and_no_exception(body: bytes) -> None:
    """Whatever bytes a node sends as a body, each reply is a failure."""
    _check_all_failures(http(body))


@settings(max_examples=60, deadline=None)
@given(response=st.binary(max_size=300))
def test_any_response_gives_failures_and_no_exception(response: bytes) -> None:
    """Whatever bytes a server sends instead of HTTP, each reply is a failure."""
    _check_all_failures(response)


@settings(max_examples=60, deadline=None)
@given(returned=st.binary(max_size=400))
def test_any_aggregate_gives_failures_and_no_exception(returned: bytes) -> None:
    """Whatever bytes come as the result of an aggregate, no reply is a value."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, budget_seconds=BUDGET)
            block = await chain.pin("latest")
            node.fault = raw_result(b'"0x' + returned.hex().encode() + b'"')
            replies = await chain.fetch(READS, block)
            await chain.aclose()
            assert all(isinstance(replies[read], Failure) for read in READS)

    asyncio.run(scenario())


def _check_all_failures(response: bytes) -> None:
    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, budget_seconds=BUDGET)
            block = await chain.pin("latest")
            node.fault = sends(response)
            replies = await chain.fetch(READS, block)
            await chain.aclose()
            assert all(isinstance(replies[read], Failure) for read in READS)

    asyncio.run(scenario())
