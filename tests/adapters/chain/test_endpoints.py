"""Several endpoints: failover, rest, wrong chains, rate limits; nobody left."""

from __future__ import annotations

import asyncio

import pytest

from crossmargin.adapters.chain.client import RpcChain
from crossmargin.adapters.chain.transport import HttpTransport
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import (
    ChainError,
    Failure,
    Reason,
)

from .fakes import (
    FAULTS,
    PROBE,
    Node,
    block_hash,
    chain_of,
    number_call,
    revert_with,
    run,
    word,
)


def test_a_revert_is_an_answer_and_goes_to_no_other_endpoint() -> None:
    """The second endpoint is not asked about a call that the first saw revert."""

    def reverts(_to: str, _data: bytes, _branch: int) -> bytes:
        raise revert_with("no")

    async def scenario() -> None:
        async with Node() as first, Node() as second:
            first.answer = reverts
            chain = chain_of(first, second)
            block = await chain.pin("latest")
            failure = (await chain.fetch([number_call(1)], block))[number_call(1)]
            assert isinstance(failure, Failure)
            assert failure.reason is Reason.CALL_REVERTED
            assert second.posts == []
            await chain.aclose()

    run(scenario())


def test_an_endpoint_of_another_chain_never_serves() -> None:
    """A wrong chain id takes the endpoint out, whatever else it answers."""

    async def scenario() -> None:
        async with Node() as wrong, Node() as right:
            wrong.chain_id = 5
            wrong.answer = lambda to, data, branch: word(666)
            chain = chain_of(wrong, right)
            block = await chain.pin("latest")
            read = number_call(1)
            assert (await chain.fetch([read], block))[read] == 1000
            assert wrong.posts.count("eth_call") <= PROBE
            alone = chain_of(wrong)
            failure = (await alone.fetch([read], block))[read]
            assert isinstance(failure, Failure)
            assert failure.code == "invalid_chain"
            await chain.aclose()
            await alone.aclose()

    run(scenario())


def test_a_rate_limit_is_obeyed_until_it_ends() -> None:
    """During Retry-After nothing is sent and replies say so; afterwards the endpoint serves."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            block = await chain.pin("latest")
            read = number_call(1)
            node.fault = FAULTS["503 with a wait"][0]
            await chain.fetch([read], block)
            node.fault = None
            asked = len(node.posts)
            for _ in range(5):
                failure = (await chain.fetch([read], block))[read]
                assert isinstance(failure, Failure)
                assert (failure.reason, failure.code) == (Reason.RPC_UNAVAILABLE, "rate_limited")
                assert "rests for 1 s" in failure.detail
            assert len(node.posts) == asked
            await asyncio.sleep(1.02)
            assert (await chain.fetch([read], block))[read] == 1000
            await chain.aclose()

    run(scenario())


def test_a_rate_limit_stops_the_rest_of_its_own_batch() -> None:
    """Calls that were not sent yet when a 429 arrives are not sent."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, multicall=None)
            block = await chain.pin("latest")
            node.fault = FAULTS["429"][0]
            reads = [number_call(1, argument) for argument in range(400)]
            replies = await chain.fetch(reads, block)
            await chain.aclose()
            assert all(isinstance(replies[read], Failure) for read in reads)
            assert node.posts.count("eth_call") < 200

    run(scenario())


def test_a_hanging_endpoint_is_asked_last_afterwards() -> None:
    """After one timeout the next fetch goes to the other endpoint at once."""

    async def scenario() -> None:
        async with Node() as bad, Node() as good:
            chain = chain_of(bad, good, budget_seconds=1.6)
            block = await chain.pin("latest")
            bad.fault = FAULTS["hang"][0]
            read = number_call(1)
            await chain.fetch([read], block)
            begun = asyncio.get_running_loop().time()
            assert (await chain.fetch([read], block))[read] == 1000
            assert asyncio.get_running_loop().time() - begun < 0.6
            await chain.aclose()

    run(scenario())


def test_all_endpoints_down_names_each() -> None:
    """Every endpoint failed: the last one's code, and each endpoint with its own in the detail."""

    async def scenario() -> None:
        async with Node() as one, Node() as two:
            chain = chain_of(one, two, budget_seconds=0.6)
            block = await chain.pin("latest")
            one.fault, two.fault = FAULTS["hang"][0], FAULTS["502"][0]
            failure = (await chain.fetch([number_call(1)], block))[number_call(1)]
            await chain.aclose()
            assert failure == Failure(
                Reason.RPC_UNAVAILABLE,
                "http_502",
                f"{one.plain_name}: timeout; {two.plain_name}: http_502",
            )

    run(scenario())


def test_nobody_listens() -> None:
    """A port where nobody listens is the fault ``connect``."""

    async def scenario() -> None:
        async with Node() as node:
            url = node.url
        block = BlockRef("eip155:1", 100, block_hash(100), 1)
        chain = RpcChain("eip155:1", [HttpTransport(url)], budget_seconds=0.5)
        failure = (await chain.fetch([number_call(1)], block))[number_call(1)]
        await chain.aclose()
        assert isinstance(failure, Failure)
        assert failure.code == "connect"

    run(scenario())


def test_a_block_of_another_chain_is_refused() -> None:
    """Reading at a block of another chain is the caller's error."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            with pytest.raises(ChainError):
                await chain.fetch([number_call(1)], BlockRef("eip155:2", 1, block_hash(1), 1))
            await chain.aclose()

    run(scenario())
