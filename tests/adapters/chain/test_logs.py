"""Log queries: narrow providers, wrong logs, reorgs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crossmargin.adapters.chain.call import Log, LogQuery
from crossmargin.core.errors import Failure, Reason

from .fakes import FAULTS, Node, block_hash, chain_of, number_call, target

TOPIC = "0x" + "11" * 32
OTHER = "0x" + "22" * 32
QUERY = LogQuery(target(5), (TOPIC, None), 3)


def log_at(number: int, **changes: Any) -> dict[str, Any]:
    """A log that the query finds, with changes."""
    return {
        "address": target(5),
        "topics": [TOPIC, OTHER],
        "data": "0x01",
        "blockNumber": hex(number),
        "blockHash": block_hash(number),
        **changes,
    }


def logs_of(node: Node, found: list[dict[str, Any]], reorg: bool = False) -> Any:
    """What the query gives when the node holds these logs."""

    async def scenario() -> tuple[Log, ...] | Failure:
        async with node:
            node.logs = found
            chain = chain_of(node, budget_seconds=2.0)
            block = await chain.pin("latest")
            node.branch = 1 if reorg else 0
            replies = await chain.fetch([QUERY], block)
            await chain.aclose()
            return replies.logs(QUERY)

    return asyncio.run(scenario())


def test_logs_up_to_the_block_in_order() -> None:
    """Logs come in block order, lower case, from the query's first block to the pinned one."""
    node = Node()
    found = logs_of(
        node, [log_at(2), log_at(7, address=target(5).upper().replace("X", "x")), log_at(100)]
    )
    assert found == tuple(Log(target(5), (TOPIC, OTHER), "0x01", number) for number in (7, 100))


@pytest.mark.parametrize("most", [1, 2, 7, 50])
def test_a_provider_with_narrow_ranges_gives_the_same_logs(most: int) -> None:
    """Refused ranges are halved until the provider serves them; nothing is lost or doubled."""
    node = Node()
    node.most_logs_span = most
    numbers = [3, 4, 9, 50, 51, 52, 99, 100]
    found = logs_of(node, [log_at(number) for number in numbers])
    assert [log.block_number for log in found] == numbers


def test_a_narrow_provider_is_asked_a_bounded_number_of_times() -> None:
    """98 blocks at 7 a request: the halvings, then about one request per served range."""
    node = Node()
    node.most_logs_span = 7
    logs_of(node, [])
    assert node.posts.count("eth_getLogs") == 4 + -(-98 // 6)


@pytest.mark.parametrize(
    "changes",
    [
        {"address": target(6)},
        {"topics": [OTHER, OTHER]},
        {"topics": [TOPIC]},
        {"topics": "none"},
        {"topics": ["0x11", OTHER]},
        {"data": "0x1"},
        {"data": None},
        {"removed": True},
    ],
)
def test_a_log_that_was_not_asked_for_is_a_failure(changes: dict[str, Any]) -> None:
    """One wrong log makes the whole answer unusable."""
    found = logs_of(Node(), [log_at(7) | changes])
    assert isinstance(found, Failure)
    assert (found.reason, found.code) == (Reason.RPC_UNAVAILABLE, "bad_shape")


def test_logs_of_a_chain_that_left_are_a_failure() -> None:
    """A log range ends at a number: if that block changed, the logs are not of the pinned chain."""
    found = logs_of(Node(), [log_at(7)], reorg=True)
    assert isinstance(found, Failure)
    assert (found.reason, found.code) == (Reason.RPC_INCONSISTENT, "reorged")


def test_a_log_of_another_last_block_is_a_failure() -> None:
    """A log in the pinned block's number with another hash is of another chain."""
    found = logs_of(Node(), [log_at(100, blockHash=block_hash(100, 9))])
    assert isinstance(found, Failure)
    assert found.code == "reorged"


def test_a_faulty_log_query_leaves_the_calls_exact() -> None:
    """Logs fail with their own code; calls of the same batch are served."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node, budget_seconds=1.0)
            block = await chain.pin("latest")
            node.fault, node.faulty = FAULTS["502"][0], {"eth_getLogs"}
            read = number_call(1)
            replies = await chain.fetch([QUERY, read], block)
            await chain.aclose()
            assert replies[read] == 1000
            failure = replies.logs(QUERY)
            assert isinstance(failure, Failure)
            assert failure.code == "http_502"

    asyncio.run(scenario())


def test_a_query_from_a_later_block_finds_nothing() -> None:
    """A first block after the pinned one is an empty range."""

    async def scenario() -> None:
        async with Node() as node:
            chain = chain_of(node)
            block = await chain.pin(50)
            query = LogQuery(target(5), (TOPIC,), 51)
            assert (await chain.fetch([query], block)).logs(query) == ()
            await chain.aclose()

    asyncio.run(scenario())
