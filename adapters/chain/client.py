"""A chain behind nodes: pinned blocks, batched reads, several endpoints, one bounded time.

Endpoints are asked in order. What one could not serve goes to the next; a revert is an answer and
goes nowhere. With several endpoints left, each may use an equal share of the time that is left, so
that one that hangs leaves time for the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from ...core.book.portfolio import BlockRef
from ...core.errors import BlockError, ChainError, Failure, Reason, SourceError
from .batch import CallBatch
from .call import Call, LogQuery, RawReply, Read, Replies, StorageQuery
from .endpoint import Endpoint
from .jsonrpc import EndpointError, Kind, RefusedError
from .logs import read_logs
from .multicall import MULTICALL3
from .pin import block_ref, is_hash, selector_of
from .source import Chain
from .transport import Transport

__all__ = ["Chain", "RpcChain"]

_ELSEWHERE = {Reason.RPC_UNAVAILABLE, Reason.RPC_INCONSISTENT}


class RpcChain:
    """``Chain`` over JSON-RPC endpoints. ``budget_seconds`` bounds every pin and every fetch.

    ``multicall`` is the address of Multicall3, None to send every call alone; ``chunk`` is the
    number of calls that one aggregate holds at most.
    """

    def __init__(
        self,
        chain_id: str,
        transports: Sequence[Transport],
        *,
        budget_seconds: float = 3.0,
        multicall: str | None = MULTICALL3,
        chunk: int = 250,
    ) -> None:
        if not transports:
            raise ChainError(f"no endpoint was given for {chain_id}", field="rpc")
        self.chain_id = chain_id
        self.rounds = 0
        self._endpoints = [Endpoint(transport, chain_id) for transport in transports]
        self._budget = budget_seconds
        self._multicall = multicall.lower() if multicall is not None else None
        self._bare_until = -1  # up to this block the aggregator is known to have no code
        self._chunk = chunk

    async def pin(self, block: int | str) -> BlockRef:
        """See ``Chain``. Only when no endpoint has the block does it not exist."""
        wanted = selector_of(block)
        causes: list[str] = []
        absent = False
        for endpoint, until in self._turns(_now() + self._budget):
            try:
                found = await _header(endpoint, wanted, until)
            except (EndpointError, RefusedError) as error:
                failure = endpoint.failed(error)
                absent = absent or failure.code in (Kind.UNKNOWN_BLOCK, "reorged")
                causes.append(failure.detail)
                continue
            if found is not None:
                return found
            absent = True
        if absent:
            what = f"{self.chain_id} has no block {wanted}, or it left the chain"
            raise BlockError(what, field="block")
        raise SourceError(f"{self.chain_id} could not be reached: {self._blame(causes)}")

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """See ``Chain``."""
        if block.chain_id != self.chain_id:
            raise ChainError(f"a block of {block.chain_id} cannot be read on {self.chain_id}")
        todo = list(dict.fromkeys(reads))
        answers: dict[Read, RawReply] = {}
        causes: dict[Read, list[str]] = {read: [] for read in todo}
        if todo:
            self.rounds += 1
        for endpoint, until in self._turns(_now() + self._budget) if todo else ():
            answers |= await self._read(endpoint, todo, block, until)
            todo = [read for read in todo if _wants_another(answers[read])]
            for read in todo:
                failure = answers[read]
                causes[read].append(failure.detail if isinstance(failure, Failure) else "")
            if not todo:
                break
        for read in todo:
            last = answers.get(read)
            nobody = self._endpoints[0].resting_for or "timeout"
            code = last.code if isinstance(last, Failure) else nobody
            reason = last.reason if isinstance(last, Failure) else Reason.RPC_UNAVAILABLE
            answers[read] = Failure(reason, code, self._blame(causes[read]))
        return Replies(answers)

    async def aclose(self) -> None:
        """See ``Chain``."""
        for endpoint in self._endpoints:
            await endpoint.transport.aclose()

    def _turns(self, deadline: float) -> Iterator[tuple[Endpoint, float]]:
        """The endpoints to ask, each with its deadline; resting ones last, or not at all."""
        begun = _now()
        fit = [one for one in self._endpoints if begun >= one.rests_until]
        tired = [one for one in self._endpoints if begun < one.rests_until]
        tired.sort(key=lambda one: one.rests_until)
        order = fit + [one for one in tired if one.may_be_asked(begun)]
        for place, endpoint in enumerate(order):
            now = _now()
            if now >= deadline:
                return
            sharing = max(1, len(fit) - place)
            yield endpoint, now + (deadline - now) / sharing

    def _blame(self, causes: Sequence[str]) -> str:
        if causes:
            return "; ".join(causes)
        now = _now()
        waits = (f"{one.name}: {one.resting_for}, rests for {max(0.0, one.rests_until - now):.0f} s"
                 for one in self._endpoints)  # fmt: skip
        return "; ".join(waits)

    async def _read(
        self, endpoint: Endpoint, reads: Sequence[Read], block: BlockRef, deadline: float
    ) -> dict[Read, RawReply]:
        """What this endpoint answers, after its chain and (pinned by number) its block held."""
        queries = [read for read in reads if isinstance(read, LogQuery)]
        words = [read for read in reads if isinstance(read, StorageQuery)]
        calls = [read for read in reads if isinstance(read, Call)]
        wrong = await _fault(endpoint, endpoint.verify(deadline))
        if wrong is not None:
            return dict.fromkeys(reads, wrong)
        answers, logs, stored = await asyncio.gather(
            self._calls(endpoint, calls, block, deadline),
            asyncio.gather(*(read_logs(endpoint, query, block, deadline) for query in queries)),
            asyncio.gather(*(_word(endpoint, query, block, deadline) for query in words)),
        )
        answers |= dict(zip(queries, logs, strict=True))
        answers |= dict(zip(words, stored, strict=True))
        # Log ranges end at a number, so they need the check even where calls are pinned by hash.
        by_number = queries if endpoint.transport.supports_hash else reads
        if by_number:
            moved = await _fault(endpoint, _same_block(endpoint, block, deadline))
            if moved is not None:
                answers |= dict.fromkeys(by_number, moved)
        return answers

    async def _calls(
        self, endpoint: Endpoint, calls: Sequence[Call[Any]], block: BlockRef, deadline: float
    ) -> dict[Read, RawReply]:
        multicall = self._multicall if block.number > self._bare_until else None
        batch = CallBatch(endpoint, block, deadline, multicall, self._chunk)
        answers = await batch.read(calls)
        if batch.multicall is None:
            self._bare_until = max(self._bare_until, block.number)
        return answers


def _now() -> float:
    return asyncio.get_running_loop().time()


def _wants_another(reply: RawReply) -> bool:
    return isinstance(reply, Failure) and reply.reason in _ELSEWHERE


async def _fault(endpoint: Endpoint, check: Any) -> Failure | None:
    """None if the check passes, else its failure."""
    try:
        await check
    except (EndpointError, RefusedError) as error:
        return endpoint.failed(error)
    return None


async def _word(
    endpoint: Endpoint, query: StorageQuery, block: BlockRef, deadline: float
) -> bytes | Failure:
    """A storage word, or why it could not be had."""
    try:
        return await endpoint.storage(query.address, query.slot, block, deadline)
    except (EndpointError, RefusedError) as error:
        return endpoint.failed(error)


async def _same_block(endpoint: Endpoint, block: BlockRef, deadline: float) -> None:
    """``EndpointError`` ``reorged`` unless the block of that number still is the pinned one."""
    header = await endpoint.header("eth_getBlockByNumber", hex(block.number), deadline)
    if block.hash and (
        header is None or block_ref(block.chain_id, header, block.number).hash != block.hash
    ):
        raise EndpointError("reorged")


async def _header(endpoint: Endpoint, wanted: int | str, deadline: float) -> BlockRef | None:
    """The wanted block as this endpoint has it, None if it has none."""
    selector = hex(wanted) if isinstance(wanted, int) else wanted
    method = "eth_getBlockByHash" if is_hash(wanted) else "eth_getBlockByNumber"
    _, header = await asyncio.gather(
        endpoint.verify(deadline), endpoint.header(method, selector, deadline)
    )
    if header is None:
        return None
    found = block_ref(endpoint.chain_id, header, wanted)
    if is_hash(wanted):  # by hash, nodes also give blocks that left the chain
        await _same_block(endpoint, found, deadline)
    return found
