"""The client over a real node: Multicall3's own bytecode, pins by hash, reorgs, gas burners."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from crossmargin.adapters.chain.call import Call, Function
from crossmargin.adapters.chain.client import RpcChain
from crossmargin.adapters.chain.recorded import RecordedChain, RecordingChain
from crossmargin.adapters.chain.transport import HttpTransport
from crossmargin.core.errors import Failure, Reason

VALUE = Function("value()", (), ("uint256",))

CODE = {
    0x1001: "3660201460125760005460005260206000f35b60003560005500",  # 32 bytes in: keep, else give
    0x1002: "5b600056",  # burn all gas
    0x1003: "60006000fd",  # revert
    0x1004: "620f42406000f3",  # return a megabyte
    0x1005: "60076000f3",  # return 7 bytes
}


@pytest.fixture
def node() -> Iterator[Any]:
    """A fresh anvil with Multicall3 and the contracts above."""
    anvil = pytest.importorskip("tests.localchain.anvil")
    missing = pytest.importorskip("tests.localchain.node").NodeMissing
    try:
        chain = anvil.AnvilChain()
    except missing as error:
        pytest.skip(str(error))
    for number, code in CODE.items():
        chain.rpc("anvil_setCode", [address(number), "0x" + code])
    store(chain, 42)
    yield chain
    chain.close()


def address(number: int) -> str:
    """An address."""
    return f"0x{number:040x}"


def store(node: Any, value: int) -> None:
    """Set the value that contract 0x1001 returns, in a block of its own."""
    node.transact(address(0x1001), value.to_bytes(32, "big"), node.accounts[0])


def call(number: int, argument: int = 0) -> Call[int]:
    """A call that decodes to one integer."""
    data = argument.to_bytes(4, "big")
    return Call(address(number), data, VALUE, lambda outputs: int(outputs[0]))


def chain_on(node: Any, **options: Any) -> RpcChain:
    """Our client on the node."""
    settings = {"budget_seconds": 30.0, **options}
    return RpcChain(f"eip155:{node.chain_id}", [HttpTransport(node.url)], **settings)


def test_a_batch_with_bad_targets_leaves_the_others_exact(node: Any) -> None:
    """In one real aggregate: a revert, a gas burner, a megabyte, garbage, no contract, and 20
    good calls around them."""

    async def scenario() -> None:
        chain = chain_on(node)
        block = await chain.pin("latest")
        good = [call(0x1001, argument) for argument in range(20)]
        burner, reverting, huge, short, nothing = map(
            call, (0x1002, 0x1003, 0x1004, 0x1005, 0x9999)
        )
        bad = [burner, reverting, huge, short, nothing]
        replies = await chain.fetch([*good[:10], *bad, *good[10:]], block)
        await chain.aclose()
        assert [replies[read] for read in good] == [42] * 20
        assert replies[burner] == Failure(Reason.CALL_REVERTED, "gas_cap")
        assert replies[reverting] == Failure(Reason.CALL_REVERTED, "no_data")
        assert replies[huge] == 0  # a megabyte of zeros holds the word that was asked for
        for read, code in ((short, "bad_shape"), (nothing, "no_code")):
            failure = replies[read]
            assert isinstance(failure, Failure)
            assert (failure.reason, failure.code) == (Reason.BAD_RETURN_DATA, code)

    asyncio.run(scenario())


def test_a_read_at_a_past_hash_is_of_that_block(node: Any) -> None:
    """The node is pinned by hash: values of three blocks are told apart, also when replayed."""

    async def scenario() -> None:
        chain = RecordingChain(chain_on(node))
        blocks = []
        for value in (1, 2, 3):
            store(node, value)
            blocks.append(await chain.pin("latest"))
        reads = [call(0x1001, argument) for argument in range(3)]
        live = [await chain.fetch(reads, block) for block in blocks]
        await chain.aclose()
        assert [replies[reads[0]] for replies in live] == [1, 2, 3]
        recorded = RecordedChain(chain.recording)
        for block, replies in zip(blocks, live, strict=True):
            again = await recorded.fetch(reads, block)
            assert [again.raw(read) for read in reads] == [replies.raw(read) for read in reads]

    asyncio.run(scenario())


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_a_reorg_after_the_pin_is_a_failure(node: Any, depth: int) -> None:
    """A pinned block that left the chain answers nothing."""

    async def scenario() -> None:
        for value in range(6):
            store(node, value)
        chain = chain_on(node)
        block = await chain.pin("latest")
        await chain.fetch([call(0x1001)], block)
        node.rpc("anvil_rollback", [depth])
        for _ in range(depth):
            store(node, 999)
        assert node.block_number == block.number
        replies = await chain.fetch([call(0x1001, argument) for argument in range(4)], block)
        await chain.aclose()
        for argument in range(4):
            failure = replies[call(0x1001, argument)]
            assert isinstance(failure, Failure)
            assert (failure.reason, failure.code) == (Reason.RPC_INCONSISTENT, "unknown_block")

    asyncio.run(scenario())
