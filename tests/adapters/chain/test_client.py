"""The client against scripted nodes: batches, pins, reorgs, several endpoints, no secret outside."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from typing import Any

import pytest

from crossmargin.adapters.chain.client import RpcChain
from crossmargin.adapters.chain.transport import HttpTransport
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import (
    BlockError,
    ChainError,
    Failure,
    InputError,
    Reason,
    SourceError,
)

from .fakes import (
    CANARY,
    FAULTS,
    Node,
    RevertedError,
    block_hash,
    chain_of,
    number_call,
    raw_result,
    revert_with,
    target,
    word,
)

# An endpoint's first use asks it for a call at a block that cannot exist.
PROBE = 1


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario on a loop of its own."""
    asyncio.run(scenario)


# Batches


def test_a_batch_is_one_aggregate_and_one_round() -> None:
    """Five reads, two of them equal, cost one eth_call and count as one round."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            block = await chain.pin(90)
            reads = [number_call(1), number_call(2), number_call(1), number_call(3, 4)]
            replies = await chain.fetch(reads, block)
            assert [replies[read] for read in reads] == [1000, 2000, 1000, 3004]
            assert node.posts.count("eth_call") == 1 + PROBE
            assert chain.rounds == 1
            await chain.aclose()

    run(scenario())


def test_an_empty_batch_asks_nobody() -> None:
    """No reads: no request, no round."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            block = await chain.pin(90)
            asked = len(node.posts)
            await chain.fetch([], block)
            assert (len(node.posts), chain.rounds) == (asked, 0)
            await chain.aclose()

    run(scenario())


@pytest.mark.parametrize("with_multicall", [True, False])
def test_one_bad_call_leaves_the_others_exact(with_multicall: bool) -> None:
    """Reverts of each kind, garbage and no contract are named; every other value is exact."""
    panic = bytes.fromhex("4e487b71") + word(0x11)
    behaviour: dict[str, bytes | RevertedError] = {
        target(11): revert_with("bad\x1b[31m price"),
        target(12): RevertedError(panic),
        target(13): RevertedError(b"\x12\x34\x56\x78" + word(5)),
        target(14): RevertedError(b""),
        target(15): b"1234567",
        target(16): b"",
        target(17): RevertedError(bytes.fromhex("08c379a0") + b"\xff" * 40),
    }

    async def scenario() -> None:
        async with Node() as node:
            node.has_multicall = with_multicall
            usual = node.answer

            def answer(to: str, data: bytes, branch: int) -> bytes:
                known = behaviour.get(to, b"-")
                if isinstance(known, RevertedError):
                    raise RevertedError(known.data)
                return usual(to, data, branch) if known == b"-" else known

            node.answer = answer
            chain = chain_of(node)
            block = await chain.pin("latest")
            good = [number_call(1, argument) for argument in range(30)]
            bad = [number_call(number) for number in range(11, 18)]
            replies = await chain.fetch([*good[:15], *bad, *good[15:]], block)
            await chain.aclose()
            assert [replies[read] for read in good] == [1000 + n for n in range(30)]
            failures = [replies[read] for read in bad]
            assert all(isinstance(failure, Failure) for failure in failures)
            found = [(f.reason, f.code) for f in failures if isinstance(f, Failure)]
            assert found == [
                (Reason.CALL_REVERTED, "error"),
                (Reason.CALL_REVERTED, "panic"),
                (Reason.CALL_REVERTED, "custom_error"),
                (Reason.CALL_REVERTED, "no_data"),
                (Reason.BAD_RETURN_DATA, "bad_shape"),
                (Reason.BAD_RETURN_DATA, "no_code"),
                (Reason.CALL_REVERTED, "bad_revert_data"),
            ]
            details = [failure.detail for failure in failures if isinstance(failure, Failure)]
            assert details[0] == "bad?[31m price"
            assert details[1] == "0x11 arithmetic overflow"
            assert details[2].startswith("0x12345678")

    run(scenario())


def test_calls_starved_by_a_gas_burner_are_read_again() -> None:
    """A call that fails without data, and every call behind it, is read again without it."""

    async def scenario() -> None:
        async with Node() as node:
            usual, starved = node.answer, False

            def answer(to: str, data: bytes, branch: int) -> bytes:
                nonlocal starved
                if to == target(9):
                    starved = True  # it burnt 63/64 of the transaction's gas
                    raise RevertedError(b"")
                if starved:
                    raise revert_with("out of gas inside")
                return usual(to, data, branch)

            def fresh_gas(_method: str, _count: int) -> None:
                nonlocal starved
                starved = False

            node.answer, node.before = answer, fresh_gas
            chain = chain_of(node)
            block = await chain.pin("latest")
            reads = [number_call(1), number_call(9), number_call(2), number_call(3)]
            replies = await chain.fetch(reads, block)
            await chain.aclose()
            assert [replies[reads[place]] for place in (0, 2, 3)] == [1000, 2000, 3000]
            failure = replies[reads[1]]
            assert isinstance(failure, Failure)
            assert failure.code == "no_data"

    run(scenario())


def test_a_chunk_above_the_gas_cap_is_halved() -> None:
    """A node that refuses more than 3 calls at once still gives 20 exact values."""

    async def scenario() -> None:
        async with Node(most_calls=3) as node:
            chain = chain_of(node)
            block = await chain.pin("latest")
            reads = [number_call(1, argument) for argument in range(20)]
            replies = await chain.fetch(reads, block)
            await chain.aclose()
            assert [replies[read] for read in reads] == [1000 + n for n in range(20)]

    run(scenario())


def test_chunks_hold_at_most_the_given_number_of_calls() -> None:
    """With chunks of 10, 25 calls are 3 requests."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, chunk=10)
            block = await chain.pin("latest")
            reads = [number_call(1, argument) for argument in range(25)]
            replies = await chain.fetch(reads, block)
            await chain.aclose()
            assert [replies[read] for read in reads] == [1000 + n for n in range(25)]
            assert node.posts.count("eth_call") == 3 + PROBE

    run(scenario())


# Pins


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


# Reorgs


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


# Endpoints


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
            chain = chain_of(bad, good, budget_seconds=0.6)
            block = await chain.pin("latest")
            bad.fault = FAULTS["hang"][0]
            read = number_call(1)
            await chain.fetch([read], block)
            begun = asyncio.get_running_loop().time()
            assert (await chain.fetch([read], block))[read] == 1000
            assert asyncio.get_running_loop().time() - begun < 0.2
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


# Secrets


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_shows_the_key(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The key in user, path and query is in no reply, error, traceback, context, repr or log."""
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, budget_seconds=0.2)
            block = await chain.pin("latest")
            node.fault = FAULTS[name][0]
            node.faulty = {"eth_call", "eth_getBlockByNumber", "eth_chainId"}
            replies = await chain.fetch([number_call(1)], block)
            shown = [repr(replies[number_call(1)]), repr(HttpTransport(node.url))]
            fresh = chain_of(node, budget_seconds=0.2)
            with pytest.raises((SourceError, BlockError)) as caught:
                await fresh.pin("latest")
            await chain.aclose()
            await fresh.aclose()
            shown += _everything(caught.value)
            assert CANARY not in "".join(shown)

    run(scenario())
    assert CANARY not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://host/{CANARY}",
        f"https:///{CANARY}",
        f"http://host:{CANARY}/",
        f"http://[{CANARY}",
        CANARY,
    ],
)
def test_a_wrong_url_is_an_input_error_without_the_text(url: str) -> None:
    """A URL that cannot be one is refused, and not repeated in the message."""
    with pytest.raises(InputError) as caught:
        HttpTransport(url)
    assert CANARY not in "".join(_everything(caught.value))


def _everything(error: BaseException | None) -> list[str]:
    """All that a careless reporter could print of an exception, its context and its frames."""
    shown: list[str] = []
    while error is not None:
        report = traceback.TracebackException.from_exception(error, capture_locals=False)
        shown += [str(error), repr(error), repr(vars(error)), "".join(report.format())]
        error = error.__cause__ or error.__context__
    return shown
