"""HyperCore's precompiles as reads, and many of them as one ``eth_call`` at the node's head.

A precompile takes its arguments without a selector and answers at the latest block only. It reverts
with all the gas of its frame where an index does not exist, which leaves 1/64 for whatever comes
behind it in an aggregate: what is behind a call that failed without a word is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from eth_abi import abi as eth_abi

from ....core.errors import Failure, Reason
from ...chain.call import Call, Contract, Function
from ...chain.reverts import revert_failure

__all__ = ["Answers", "HyperCore", "Row"]

T = TypeVar("T")

_MULTICALL = Contract("hyperliquid", "Multicall3")
_PRECOMPILES = Contract("hyperliquid", "Precompiles")

Row = tuple[bool, bytes]

_BEHIND = Failure(
    Reason.CALL_REVERTED, "gas_burned", "a call before it in the same frame burned the frame's gas"
)


class HyperCore:
    """The precompiles of one deployment: reads to put into an aggregate, and the aggregate."""

    def __init__(self, contracts: Mapping[str, str]) -> None:
        self._contracts = contracts

    def call(self, name: str, *args: object) -> Call[Any]:
        """A read of one precompile; its value is the tuple of all its outputs."""
        function: Function = _PRECOMPILES.function(name)
        data = eth_abi.encode(function.inputs, args)
        return Call(self._contracts[name].lower(), data, function, lambda outputs: outputs)

    def block(self, name: str) -> Call[Any]:
        """What Multicall3 says of the block that it is called in."""
        return _MULTICALL.all(self._contracts["multicall3"], name)

    def aggregate(self, calls: Sequence[Call[Any]]) -> Call[Any]:
        """All calls in one frame at the node's latest block."""
        rows = [(call.target, True, call.data) for call in calls]
        at = self._contracts["multicall3"]
        whole = _MULTICALL.one(at, "aggregate3", rows)
        return replace(whole, at_head=True, read=lambda outputs: _rows(outputs[0], len(calls)))


def _rows(rows: Sequence[Row], count: int) -> list[Row]:
    if len(rows) != count:
        raise ValueError(f"{len(rows)} answers to {count} calls")
    return [(bool(success), bytes(data)) for success, data in rows]


class Answers:
    """What one aggregate answered; a read that was not asked is ``missing``."""

    def __init__(self, calls: Sequence[Call[Any]], rows: Sequence[Row], missing: Failure) -> None:
        self._missing = missing
        self._rows: dict[Call[Any], bytes | Failure] = {}
        self.burned: Call[Any] | None = None
        for call, (success, data) in zip(calls, rows, strict=True):
            if success:
                self._rows[call] = data
            elif data or self.burned is None:
                self._rows[call] = _named(call, revert_failure(data))
            else:
                self._rows[call] = _BEHIND
            if not success and not data and self.burned is None:
                self.burned = call

    def __getitem__(self, call: Call[T]) -> T | Failure:
        answer = self._rows.get(call, self._missing)
        if isinstance(answer, Failure):
            return answer
        value = call.decode(answer)
        return _named(call, value) if isinstance(value, Failure) else value


def _named(call: Call[Any], failure: Failure) -> Failure:
    """The failure with the question that it answers."""
    asked = f"{call.function.signature} {call.data.hex().lstrip('0')[-24:]}".strip()
    return replace(failure, detail=f"{asked}: {failure.detail or failure.reason.value}"[:200])
