"""Pinning a block by number, hash or tag, and reading no other: reorgs, nodes without hash pins."""

from __future__ import annotations

import pytest

from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import (
    BlockError,
    Failure,
    Reason,
    SourceError,
)

from .fakes import (
    FAULTS,
    PROBE,
    Node,
    block_hash,
    chain_of,
    number_call,
    raw_result,
    run,
)


@pytest.mark.parametrize(
    ("asked", "number", "finality"),
    [
        (42, 42, "unknown"),
        ("42", 42, "unknown"),
        ("latest", 100, "latest"),
        ("finalized", 100, "finalized"),
        (block_hash(42).upper().replace("X", "x"), 42, "unknown"),
    ],
)
def test_a_block_is_pinned_by_number_hash_or_tag(
    asked: int | str, number: int, finality: str
) -> None:
    """The reference has number, hash, timestamp and what is known of its finality."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            assert await chain.pin(asked) == BlockRef(
                "eip155:1", number, block_hash(number), 1_700_000_000 + number, finality
            )
            await chain.aclose()

    run(scenario())


@pytest.mark.parametrize("asked", [101, block_hash(101), block_hash(50, 3), "newest", -1, "0x12"])
def test_a_block_that_does_not_exist_is_an_input_error(asked: int | str) -> None:
    """Not yet mined, unknown hash, a hash that left the chain, or no block at all."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            with pytest.raises((BlockError, SourceError)) as caught:
                await chain.pin(asked)
            assert isinstance(caught.value, BlockError)
            await chain.aclose()

    run(scenario())


def test_pinning_without_any_endpoint_that_answers_is_a_source_error() -> None:
    """Nobody answered: the error names each endpoint, masked, and its fault."""

    async def scenario() -> None:
        async with Node() as one, Node() as two:
            one.fault, two.fault = FAULTS["502"][0], FAULTS["html"][0]
            one.faulty = two.faulty = {"eth_chainId", "eth_getBlockByNumber"}
            chain = chain_of(one, two, budget_seconds=0.5)
            with pytest.raises(SourceError, match=r"http_502.*bad_json"):
                await chain.pin("latest")
            await chain.aclose()

    run(scenario())


def test_a_header_of_another_block_is_refused() -> None:
    """A node that answers with a block that was not asked for is not believed."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            header = {"number": "0x5", "hash": block_hash(5), "timestamp": "0x1"}
            body = str(header).replace("'", '"').encode()
            node.fault, node.faulty = raw_result(body), {"eth_getBlockByNumber"}
            with pytest.raises(SourceError, match="bad_header"):
                await chain.pin(6)
            await chain.aclose()

    run(scenario())


@pytest.mark.parametrize("pins_by_hash", [True, False])
@pytest.mark.parametrize("at_call", [1, 2, 3, 4])
def test_a_reorg_in_the_middle_never_mixes_two_chains(pins_by_hash: bool, at_call: int) -> None:
    """The branch changes before the k-th call: each reply is of the pinned block or a failure."""

    async def scenario() -> None:
        async with Node(pins_by_hash=pins_by_hash) as node:
            chain = chain_of(node, chunk=2, budget_seconds=1.0)
            block = await chain.pin("latest")
            await chain.fetch([number_call(1)], block)  # learns how the node pins
            begun = node.posts.count("eth_call")

            def reorg(method: str, count: int) -> None:
                if method == "eth_call" and count == begun + at_call:
                    node.branch = 1

            node.before = reorg
            reads = [number_call(1, argument) for argument in range(8)]
            replies = await chain.fetch(reads, block)
            await chain.aclose()
            values = [replies[read] for read in reads]
            failures = [value for value in values if isinstance(value, Failure)]
            assert all(
                value == 1000 + place
                for place, value in enumerate(values)
                if not isinstance(value, Failure)
            )
            assert failures
            assert {failure.reason for failure in failures} == {Reason.RPC_INCONSISTENT}
            if not pins_by_hash:
                assert [failure.code for failure in failures] == ["reorged"] * 8

    run(scenario())


def test_a_node_without_hash_pins_is_read_by_number_and_checked() -> None:
    """The refusal of the hash object is learned once; the header is read again after each fetch."""

    async def scenario() -> None:
        async with Node(pins_by_hash=False) as node:
            chain = chain_of(node)
            block = await chain.pin("latest")
            for argument in range(3):
                read = number_call(1, argument)
                assert (await chain.fetch([read], block))[read] == 1000 + argument
            await chain.aclose()
            assert node.posts.count("eth_call") == 3 + PROBE
            assert node.posts.count("eth_getBlockByNumber") == 4  # the pin, three checks

    run(scenario())


def test_a_node_that_ignores_the_hash_is_read_by_number() -> None:
    """A node that answers at a block that cannot exist is not trusted with hashes: a reorg that it
    would have hidden is found by the header."""

    async def scenario() -> None:
        async with Node() as node:
            node.ignores_the_hash = True
            chain = chain_of(node)
            block = await chain.pin("latest")
            read = number_call(1)
            assert (await chain.fetch([read], block))[read] == 1000
            node.branch = 1
            failure = (await chain.fetch([read], block))[read]
            await chain.aclose()
            assert isinstance(failure, Failure)
            assert (failure.reason, failure.code) == (Reason.RPC_INCONSISTENT, "reorged")

    run(scenario())


def test_a_node_that_serves_no_calls_does_not_pin() -> None:
    """A node that gives headers and refuses eth_call is found before anything relies on it."""

    async def scenario() -> None:
        async with Node() as bad, Node() as good:
            bad.fault = FAULTS["no such method"][0]
            alone = chain_of(bad)
            with pytest.raises(SourceError, match="method_refused"):
                await alone.pin("latest")
            chain = chain_of(bad, good)
            block = await chain.pin("latest")
            assert (await chain.fetch([number_call(1)], block))[number_call(1)] == 1000
            await alone.aclose()
            await chain.aclose()

    run(scenario())


def test_a_node_with_hash_pins_needs_no_second_header() -> None:
    """Pinned by hash, a fetch is its eth_call and nothing else."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            block = await chain.pin("latest")
            asked = len(node.posts)
            await chain.fetch([number_call(1)], block)
            assert node.posts[asked:] == ["eth_call"]
            await chain.aclose()

    run(scenario())
