"""Batches: one aggregate, halves, single calls; a bad call spoils no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.core.errors import (
    Failure,
    Reason,
)

from .fakes import (
    PROBE,
    Node,
    RevertedError,
    chain_of,
    number_call,
    revert_with,
    run,
    target,
    word,
)


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


def test_a_simulation_shares_no_aggregate() -> None:
    """A call that changes state goes out alone, so that no other call can see what it did."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            block = await chain.pin(90)
            reads = [number_call(1), number_call(2), replace(number_call(3), changes_state=True)]
            replies = await chain.fetch(reads, block)
            assert [replies[read] for read in reads] == [1000, 2000, 3000]
            assert node.posts.count("eth_call") == 2 + PROBE
            assert chain.rounds == 1
            await chain.aclose()

    run(scenario())
