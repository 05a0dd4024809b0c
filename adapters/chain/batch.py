"""Many calls at one block through one endpoint: chunks, halves of chunks that fail, single calls.

``aggregate3`` runs calls one after the other in one transaction's gas. One that burns all of its
gas leaves 1/64 for those behind it, which may then fail without a fault of their own. So whatever
comes at or after the first call that failed without data is read again: the calls without data
alone, the rest together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from ...core.book.portfolio import BlockRef
from ...core.errors import Failure, Reason
from .call import Call, RawReply, Read
from .endpoint import Endpoint
from .jsonrpc import EndpointError, Kind, RefusedError
from .multicall import chunks, decode_aggregate, encode_aggregate
from .reverts import revert_failure

__all__ = ["CallBatch"]

Answers = dict[Read, RawReply]

# Why a whole chunk can fail although its calls are good: ask for less at once.
_SPLITS = {Kind.REVERTED, Kind.HALTED, Kind.GAS_CAP, Kind.TOO_LARGE, Kind.NODE_ERROR}
_SPLIT_FAULTS = {"too_large", "http_413"}


class CallBatch:
    """The reading of calls at one block through one endpoint until one deadline.

    ``multicall`` is the aggregator's address, or None to send every call alone.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        block: BlockRef,
        deadline: float,
        multicall: str | None,
        most: int,
    ) -> None:
        self.multicall = multicall
        self._endpoint = endpoint
        self._block = block
        self._deadline = deadline
        self._most = most

    async def read(self, calls: Sequence[Call[Any]]) -> Answers:
        """The reply to each call; ``multicall`` is None afterwards if it has no code there."""
        if self.multicall is None:
            return await _merged(self._single(call) for call in calls)
        shared = [call for call in calls if not call.is_sent_alone]
        reads = [self._chunk(chunk) for chunk in chunks(shared, self._most)]
        return await _merged(
            [*reads, *(self._single(call) for call in calls if call.is_sent_alone)]
        )

    async def _chunk(self, calls: list[Call[Any]]) -> Answers:
        if len(calls) == 1 or self.multicall is None:
            return await _merged(self._single(call) for call in calls)
        try:
            returned = await self._eth_call(self.multicall, encode_aggregate(calls))
            rows = decode_aggregate(returned, len(calls)) if returned else None
        except (EndpointError, RefusedError) as error:
            if _splits(error):
                half = len(calls) // 2
                return await _merged((self._chunk(calls[:half]), self._chunk(calls[half:])))
            return dict.fromkeys(calls, self._endpoint.failed(error))
        if rows is None:
            self.multicall = None  # no code at its address at this block
            return await _merged(self._single(call) for call in calls)
        return await self._settled(calls, rows)

    async def _settled(self, calls: list[Call[Any]], rows: list[tuple[bool, bytes]]) -> Answers:
        silent = [not success and not data for success, data in rows]
        sure = silent.index(True) if True in silent else len(calls)
        answers: Answers = {
            call: _reply(call, data) if success else revert_failure(data)
            for call, (success, data) in zip(calls[:sure], rows[:sure], strict=True)
        }
        again = [call for call, mute in zip(calls[sure:], silent[sure:], strict=True) if not mute]
        alone = [call for call, mute in zip(calls, silent, strict=True) if mute]
        reads: list[Awaitable[Answers]] = [self._single(call) for call in alone]
        if again:
            reads.append(self._chunk(again))
        return answers | await _merged(reads)

    async def _single(self, call: Call[Any]) -> Answers:
        try:
            read = self._eth_call(call.target, call.data, at_head=call.at_head)
            return {call: _reply(call, await read)}
        except RefusedError as refusal:
            if refusal.kind is Kind.REVERTED:
                return {call: revert_failure(refusal.data)}
            if refusal.kind in (Kind.HALTED, Kind.GAS_CAP):
                return {call: Failure(Reason.CALL_REVERTED, str(refusal.kind))}
            return {call: self._endpoint.failed(refusal)}
        except EndpointError as fault:
            return {call: self._endpoint.failed(fault)}

    async def _eth_call(self, target: str, data: bytes, *, at_head: bool = False) -> bytes:
        block = None if at_head else self._block
        return await self._endpoint.call(target, data, block, self._deadline)


def _splits(error: EndpointError | RefusedError) -> bool:
    if isinstance(error, EndpointError):
        return error.code in _SPLIT_FAULTS
    return error.kind in _SPLITS


def _reply(call: Call[Any], data: bytes) -> RawReply:
    """The data, or a failure where a function with outputs returned nothing at all."""
    if data or not call.function.outputs:
        return data
    return Failure(Reason.BAD_RETURN_DATA, "no_code", f"no data from {call.target}: no contract?")


async def _merged(parts: Any) -> Answers:
    answers: Answers = {}
    for part in await asyncio.gather(*parts):
        answers.update(part)
    return answers
