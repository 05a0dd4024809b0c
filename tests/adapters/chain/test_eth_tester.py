"""The client over py-evm: hand-written bytecode, pinned by number, no aggregator, no HTTP."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from crossmargin.adapters.chain.call import Call, Function, Log, LogQuery
from crossmargin.adapters.chain.client import RpcChain
from crossmargin.adapters.chain.transport import EthTesterTransport
from crossmargin.core.errors import BlockError, Failure, Reason

VALUE = Function("value()", (), ("uint256",))
TOPIC = "0x" + "00" * 31 + "2a"

# Runtime code, by what it does.
CODE = {
    "constant": "602a60005260206000f3",  # return 42
    "block": "4360005260206000f3",  # return block.number
    "revert": "60006000fd",
    "panic": "634e487b7160e01b6000526011600452602460" + "00fd",
    "loop": "5b600056",
    "invalid": "fe",
    "short": "60076000f3",  # return 7 bytes
    "log": "602a60006000a1602a60005260206000f3",  # emit with topic 42, return 42
}


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[Any, dict[str, str]]]:
    """A chain with each contract, and their addresses."""
    limit = sys.getrecursionlimit()
    from eth_tester import EthereumTester, PyEVMBackend

    sys.setrecursionlimit(limit)  # py-evm raises it
    tester = EthereumTester(PyEVMBackend())
    sender = tester.get_accounts()[0]
    addresses: dict[str, str] = {}
    for name, runtime in CODE.items():
        size = len(runtime) // 2
        data = f"0x60{size:02x}80600b6000396000f3{runtime}"
        sent = tester.send_transaction(
            {"from": sender, "to": "", "data": data, "gas": 1_000_000, "gas_price": 10**10}
        )
        addresses[name] = tester.get_transaction_receipt(sent)["contract_address"].lower()
    tester.send_transaction(
        {"from": sender, "to": addresses["log"], "gas": 100_000, "gas_price": 10**10}
    )
    yield tester, addresses
    sys.setrecursionlimit(limit)


def chain_on(tester: Any) -> RpcChain:
    """Our client on the in-process chain."""
    chain_id = tester.backend.chain.chain_id
    transport = EthTesterTransport(tester, gas=1_000_000)
    return RpcChain(f"eip155:{chain_id}", [transport], budget_seconds=20)


def call(address: str) -> Call[int]:
    """A call that decodes to one integer."""
    return Call(address, b"", VALUE, lambda outputs: int(outputs[0]))


def test_a_batch_with_bad_targets_leaves_the_others_exact(
    deployed: tuple[Any, dict[str, str]],
) -> None:
    """A revert, a panic, a gas burner, an invalid opcode, garbage and no contract are named."""
    tester, addresses = deployed
    expected = {
        "revert": (Reason.CALL_REVERTED, "no_data"),
        "panic": (Reason.CALL_REVERTED, "panic"),
        "loop": (Reason.CALL_REVERTED, "gas_cap"),
        "invalid": (Reason.CALL_REVERTED, "halted"),
        "short": (Reason.BAD_RETURN_DATA, "bad_shape"),
        "nothing": (Reason.BAD_RETURN_DATA, "no_code"),
    }
    targets = {**addresses, "nothing": "0x" + "99" * 20}

    async def scenario() -> None:
        chain = chain_on(tester)
        block = await chain.pin("latest")
        reads = {name: call(address) for name, address in targets.items()}
        replies = await chain.fetch(list(reads.values()), block)
        await chain.aclose()
        assert replies[reads["constant"]] == 42
        assert replies[reads["log"]] == 42
        for name, (reason, code) in expected.items():
            failure = replies[reads[name]]
            assert isinstance(failure, Failure), name
            assert (failure.reason, failure.code) == (reason, code), name

    asyncio.run(scenario())


def test_a_read_is_of_the_pinned_block(deployed: tuple[Any, dict[str, str]]) -> None:
    """A contract that did not exist yet at an earlier block is no contract there."""
    tester, addresses = deployed
    read = call(addresses["constant"])

    async def scenario() -> None:
        chain = chain_on(tester)
        before, after = await chain.pin(0), await chain.pin(1)
        failure = (await chain.fetch([read], before))[read]
        assert isinstance(failure, Failure)
        assert failure.code == "no_code"
        assert (await chain.fetch([read], after))[read] == 42
        assert await chain.pin(after.hash) == after
        assert after.timestamp == tester.get_block_by_number(1)["timestamp"]
        await chain.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("asked", [10_000, "0x" + "77" * 32])
def test_a_block_that_does_not_exist(
    deployed: tuple[Any, dict[str, str]], asked: int | str
) -> None:
    """An unknown number or hash is an input error."""

    async def scenario() -> None:
        with pytest.raises(BlockError):
            await chain_on(deployed[0]).pin(asked)

    asyncio.run(scenario())


def test_logs(deployed: tuple[Any, dict[str, str]]) -> None:
    """Logs of one contract, filtered by topic."""
    tester, addresses = deployed
    found = LogQuery(addresses["log"], (TOPIC,), 0)
    other = LogQuery(addresses["log"], ("0x" + "11" * 32,), 0)

    async def scenario() -> None:
        chain = chain_on(tester)
        block = await chain.pin("latest")
        replies = await chain.fetch([found, other], block)
        assert replies.logs(found) == (Log(addresses["log"], (TOPIC,), "0x", block.number),)
        assert replies.logs(other) == ()
        await chain.aclose()

    asyncio.run(scenario())


def test_a_chain_changed_after_the_pin_is_a_failure() -> None:
    """A snapshot that is taken back and mined anew is a reorg: the read says so."""
    limit = sys.getrecursionlimit()
    from eth_tester import EthereumTester, PyEVMBackend

    sys.setrecursionlimit(limit)
    tester = EthereumTester(PyEVMBackend())
    mark = tester.take_snapshot()
    tester.mine_blocks(1)
    read = call("0x" + "00" * 19 + "04")  # the identity precompile

    async def scenario() -> None:
        chain = chain_on(tester)
        block = await chain.pin("latest")
        tester.revert_to_snapshot(mark)
        tester.time_travel(tester.get_block_by_number("pending")["timestamp"] + 100)
        tester.mine_blocks(1)
        assert (await chain.pin(block.number)).hash != block.hash
        failure = (await chain.fetch([read], block))[read]
        await chain.aclose()
        assert isinstance(failure, Failure)
        assert (failure.reason, failure.code) == (Reason.RPC_INCONSISTENT, "reorged")

    asyncio.run(scenario())
