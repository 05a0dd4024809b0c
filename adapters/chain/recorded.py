"""Chains without a node: a recording that answers, and a chain that records while it reads.

A recording is keyed by what was asked at which block: (block hash, target, calldata). What was not
recorded is a ``Failure``, never a guess, so a replay is exact or says what it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.book.portfolio import BlockRef
from ...core.errors import BlockError, ChainError, Failure, Reason
from .call import Call, Function, RawReply, Read, Replies
from .pin import selector_of
from .source import Chain

__all__ = ["RecordedChain", "Recording", "RecordingChain"]

_ANYTHING = Function("", (), ())


@dataclass
class Recording:
    """Blocks, and the raw reply (bytes, logs or failure) to each read at each block's hash.

    It may hold blocks of several chains.
    """

    blocks: list[BlockRef] = field(default_factory=list)
    replies: dict[tuple[str, Read], RawReply] = field(default_factory=dict)

    def add_block(self, block: BlockRef) -> None:
        """Keep the block; the first finality that was read for it stays."""
        if all(known.hash != block.hash for known in self.blocks):
            self.blocks.append(block)

    def add(self, block: BlockRef, read: Read, reply: RawReply) -> None:
        """Keep a reply. An answer replaces an earlier failure, never the other way round."""
        self.add_block(block)
        key = (block.hash, _bare(read))
        if key not in self.replies or not isinstance(reply, Failure):
            self.replies[key] = reply

    def reply(self, block: BlockRef, read: Read) -> RawReply:
        """The recorded reply, or ``rpc_unavailable`` with code ``not_recorded``."""
        missing = Failure(Reason.RPC_UNAVAILABLE, "not_recorded", "the recording has no such read")
        return self.replies.get((block.hash, _bare(read)), missing)


class RecordedChain:
    """``Chain`` over a recording. ``head`` is the block number that ``latest`` means.

    Blocks above the head do not exist yet; by default the head is the newest recorded block. With
    blocks of several chains in the recording, ``chain_id`` says which one this is.
    """

    def __init__(self, recording: Recording, chain_id: str | None = None) -> None:
        chains = sorted({block.chain_id for block in recording.blocks})
        if chain_id is None and len(chains) == 1:
            chain_id = chains[0]
        if chain_id not in chains:
            raise ChainError(
                f"the recording holds {', '.join(chains) or 'nothing'}: name one chain"
            )
        self.chain_id = chain_id
        self.rounds = 0
        self._recording = recording
        self._blocks = sorted(
            (block for block in recording.blocks if block.chain_id == chain_id),
            key=lambda block: block.number,
        )
        self.head = self._blocks[-1].number

    @property
    def blocks(self) -> tuple[BlockRef, ...]:
        """The recorded blocks of this chain, oldest first, also those above the head."""
        return tuple(self._blocks)

    async def pin(self, block: int | str) -> BlockRef:
        """See ``Chain``. ``safe`` and ``finalized`` are the newest blocks recorded as such."""
        wanted = selector_of(block)
        for known in reversed(self._blocks):
            if known.number <= self.head and _is(known, wanted):
                return known
        raise BlockError(
            f"the recording of {self.chain_id} has no block {wanted}; it holds "
            f"{len(self._blocks)} blocks from {self._blocks[0].number} to {self._blocks[-1].number}",
            field="block",
        )

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """See ``Chain``."""
        if block.chain_id != self.chain_id:
            raise ChainError(f"a block of {block.chain_id} cannot be read on {self.chain_id}")
        if reads:
            self.rounds += 1
        return Replies({read: self._recording.reply(block, read) for read in reads})

    async def aclose(self) -> None:
        """Nothing to free."""


class RecordingChain:
    """``Chain`` that passes everything on and keeps it in ``recording``.

    Several chains may share one recording.
    """

    def __init__(self, inner: Chain, recording: Recording | None = None) -> None:
        self.recording = recording if recording is not None else Recording()
        self._inner = inner

    @property
    def chain_id(self) -> str:
        """See ``Chain``."""
        return self._inner.chain_id

    @property
    def rounds(self) -> int:
        """See ``Chain``."""
        return self._inner.rounds

    async def pin(self, block: int | str) -> BlockRef:
        """See ``Chain``."""
        found = await self._inner.pin(block)
        self.recording.add_block(found)
        return found

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """See ``Chain``."""
        replies = await self._inner.fetch(reads, block)
        for read in reads:
            self.recording.add(block, read, replies.raw(read))
        return replies

    async def aclose(self) -> None:
        """See ``Chain``."""
        await self._inner.aclose()


def recorded_call(target: str, data: bytes) -> Call[Any]:
    """The key of a call in a recording: equal to every call with that target and data."""
    return Call(target, data, _ANYTHING, lambda outputs: outputs)


def _bare(read: Read) -> Read:
    return recorded_call(read.target, read.data) if isinstance(read, Call) else read


def _is(block: BlockRef, wanted: int | str) -> bool:
    if wanted == "latest":
        return True
    if wanted == "safe":
        return block.finality in ("safe", "finalized")
    return wanted in (block.finality, block.number, block.hash)
