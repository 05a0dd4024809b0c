"""Calls that nodes answer at their latest block only: sent alone, at that block."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .fakes import Node, chain_of, number_call, run


class Listening(Node):
    """A node that keeps what the calls asked, after the probe at a block that cannot exist."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, Any]] = []

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_call":
            self.calls.append((params[0]["to"], params[1]))
        return super()._result(method, params)


def test_a_head_call_is_alone_and_at_the_latest_block() -> None:
    """Beside an aggregate at the pinned block goes one call at ``latest``; both are answered."""

    async def scenario() -> None:
        listening = Listening()
        async with listening as node:
            chain = chain_of(node)
            block = await chain.pin(90)
            listening.calls.clear()
            head = replace(number_call(7), at_head=True)
            reads = [number_call(1), number_call(2), head]
            replies = await chain.fetch(reads, block)
            assert [replies[read] for read in reads] == [1000, 2000, 7000]
            (at,) = [at for to, at in listening.calls if to == head.target]
            assert at == "latest"
            assert [at["blockHash"] for to, at in listening.calls if to != head.target][
                -1
            ] == block.hash
            assert chain.rounds == 1
            await chain.aclose()

    run(scenario())
