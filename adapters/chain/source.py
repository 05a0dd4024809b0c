"""What a chain is to everything above it: pin a block, answer batches of reads at that block.

``client.RpcChain`` reads nodes, ``recorded.RecordedChain`` a recording; callers cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ...core.book.portfolio import BlockRef
from .call import Read, Replies

__all__ = ["Chain"]


class Chain(Protocol):
    """One chain, by its CAIP-2 id. ``rounds`` counts the batches that went out."""

    @property
    def chain_id(self) -> str:
        """The CAIP-2 id, for example ``eip155:1``."""
        ...

    @property
    def rounds(self) -> int:
        """How many ``fetch`` calls asked for anything."""
        ...

    async def pin(self, block: int | str) -> BlockRef:
        """The block of that number, 0x hash or tag (latest, safe, finalized).

        ``BlockError`` if it does not exist or left the chain, ``SourceError`` if nobody answered.
        """
        ...

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """The replies to all reads at the block, as one logical round trip.

        A read that fails is a ``Failure`` in its place; nothing that a node sends is raised.
        """
        ...

    async def aclose(self) -> None:
        """Free the connections; idempotent."""
        ...
