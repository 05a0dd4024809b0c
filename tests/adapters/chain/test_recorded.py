"""Recordings: what was read live is answered again byte for byte, and nothing else is."""

from __future__ import annotations

import asyncio

import pytest

from crossmargin.adapters.chain.call import LogQuery, Read
from crossmargin.adapters.chain.evidence import Bundle, dump_bundle, parse_bundle
from crossmargin.adapters.chain.recorded import RecordedChain, Recording, RecordingChain
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import BlockError, ChainError, Failure, Reason

from .fakes import Node, block_hash, chain_of, number_call, revert_with, target

QUERY = LogQuery(target(5), (None,), 0)


def block(number: int, finality: str = "unknown", chain_id: str = "eip155:1") -> BlockRef:
    """A block reference."""
    return BlockRef(chain_id, number, block_hash(number), 1_700_000_000 + number, finality)


def test_a_recording_answers_as_the_live_chain_did() -> None:
    """Values, reverts, missing contracts and logs: replayed from a saved bundle, equal as raw bytes."""

    def answer(to: str, data: bytes, _branch: int) -> bytes:
        if to == target(2):
            raise revert_with("no")
        return b"" if to == target(3) else data[4:]

    async def scenario() -> None:
        async with Node() as node:
            node.answer = answer
            node.logs = [
                {
                    "address": target(5),
                    "topics": ["0x" + "11" * 32],
                    "data": "0x",
                    "blockNumber": "0x9",
                }
            ]
            live = RecordingChain(chain_of(node))
            reads: list[Read] = [number_call(n, 7) for n in range(1, 5)]
            reads.append(QUERY)
            at = [await live.pin(number) for number in (90, 91)]
            seen = [await live.fetch(reads, one) for one in at]
            await live.aclose()
        bundle = parse_bundle(dump_bundle(Bundle(live.recording)))
        replayed = RecordedChain(bundle.recording)
        for one, replies in zip(at, seen, strict=True):
            assert await replayed.pin(one.number) == one
            again = await replayed.fetch(reads, one)
            assert [again.raw(read) for read in reads] == [replies.raw(read) for read in reads]
            assert again[number_call(1, 7)] == 7
        assert (replayed.rounds, live.rounds) == (2, 2)
        assert replayed.chain_id == live.chain_id

    asyncio.run(scenario())


def test_what_was_not_recorded_is_a_failure() -> None:
    """Another call, another block: ``not_recorded``, never a value."""
    recording = Recording()
    recording.add(block(1), number_call(1), b"\1" * 32)
    recording.add_block(block(2))
    chain = RecordedChain(recording)
    for read, at in ((number_call(2), block(1)), (number_call(1), block(2))):
        failure = asyncio.run(chain.fetch([read], at))[read]
        assert isinstance(failure, Failure)
        assert (failure.reason, failure.code) == (Reason.RPC_UNAVAILABLE, "not_recorded")


def test_an_answer_replaces_a_failure_and_not_the_other_way() -> None:
    """A read that failed once and then worked is recorded as what it answered."""
    recording = Recording()
    failure = Failure(Reason.RPC_UNAVAILABLE, "timeout")
    for reply in (failure, b"\1", failure):
        recording.add(block(1), number_call(1), reply)
    assert recording.reply(block(1), number_call(1)) == b"\1"


def recording_of(*blocks: BlockRef) -> Recording:
    """A recording with these blocks and no reads."""
    recording = Recording()
    for one in blocks:
        recording.add_block(one)
    return recording


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("latest", 30),
        ("safe", 20),
        ("finalized", 10),
        (20, 20),
        ("20", 20),
        (block_hash(10), 10),
    ],
)
def test_a_recorded_block_is_pinned_by_number_hash_or_tag(asked: int | str, number: int) -> None:
    """Tags mean the newest recorded block of that finality."""
    chain = RecordedChain(recording_of(block(30), block(10, "finalized"), block(20, "safe")))
    assert asyncio.run(chain.pin(asked)).number == number


def test_the_head_can_be_moved() -> None:
    """``latest`` is the head, and blocks above it do not exist yet."""
    chain = RecordedChain(recording_of(block(10), block(20), block(30)))
    chain.head = 25
    assert asyncio.run(chain.pin("latest")).number == 20
    with pytest.raises(BlockError):
        asyncio.run(chain.pin(30))
    assert [one.number for one in chain.blocks] == [10, 20, 30]


@pytest.mark.parametrize("asked", [11, "safe", block_hash(11), "soon"])
def test_a_block_that_was_not_recorded_is_an_input_error(asked: int | str) -> None:
    """No such block in the recording."""
    chain = RecordedChain(recording_of(block(10)))
    with pytest.raises(BlockError):
        asyncio.run(chain.pin(asked))


def test_a_recording_of_several_chains_needs_a_name() -> None:
    """With two chains one must be named, and blocks of the other are refused."""
    recording = recording_of(block(10), BlockRef("eip155:2", 5, block_hash(5), 1))
    with pytest.raises(ChainError):
        RecordedChain(recording)
    with pytest.raises(ChainError):
        RecordedChain(recording, "eip155:3")
    chain = RecordedChain(recording, "eip155:2")
    assert asyncio.run(chain.pin("latest")).number == 5
    with pytest.raises(ChainError):
        asyncio.run(chain.fetch([number_call(1)], block(10)))
