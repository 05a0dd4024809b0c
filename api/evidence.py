"""Keeping what an answer rests on, and opening it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from ..adapters.base import Deployment
from ..adapters.chain.call import Read, Replies
from ..adapters.chain.client import Chain
from ..adapters.chain.evidence import Bundle
from ..adapters.chain.recorded import RecordedChain, Recording, RecordingChain
from ..core.book.model import Asset
from ..core.book.portfolio import BlockRef
from ..core.errors import BundleError, SourceError
from .answers import Kind
from .query import Query
from .reading import Sources
from .sources import open_sources
from .version import version

__all__ = ["Evidence", "record", "reopen"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A recording in the making: ``sources`` read as before and keep every reply."""

    kind: Kind
    query: Query
    sources: Sources
    recording: Recording

    def bundle(self) -> Bundle:
        """The bundle of everything read so far, without an answer yet."""
        chains = cast("dict[str, _WatchedChain]", self.sources.chains)
        deployments = [asdict(each) for each in self.sources.deployments if each.chain_id in chains]
        request = {
            "command": self.kind,
            "query": self.query.document(),
            "deployments": deployments,
            "tokens": [asdict(each) for each in self.sources.added_tokens],
            "chains": {chain_id: chain.unreachable for chain_id, chain in chains.items()},
        }
        return Bundle(self.recording, request, version())


def record(kind: Kind, query: Query, sources: Sources) -> Evidence:
    """Evidence over the sources; every chain keeps its replies in one recording."""
    recording = Recording()
    chains: dict[str, Chain] = {
        chain_id: _WatchedChain(chain, recording) for chain_id, chain in sources.chains.items()
    }
    return Evidence(kind, query, replace(sources, chains=chains), recording)


def reopen(bundle: Bundle) -> tuple[Kind, Query, Sources]:
    """What a bundle recorded, ready to be answered again offline; ``BundleError`` if it cannot."""
    request: dict[str, Any] = dict(bundle.request)
    try:
        kind, query = request["command"], Query.from_document(request["query"])
        deployments = [Deployment(**each) for each in request["deployments"]]
        tokens = tuple(Asset(**each) for each in request["tokens"])
        chains = {
            chain_id: _UnreachableChain(chain_id, detail)
            if detail
            else RecordedChain(bundle.recording, chain_id)
            for chain_id, detail in request["chains"].items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise BundleError(
            f"the bundle holds no answer of this program: its request lacks {error}",
            field="request",
        ) from error
    sources = replace(open_sources(chains), deployments=deployments)
    return kind, query, sources.with_tokens(tokens)


class _WatchedChain(RecordingChain):
    """A recording chain that also keeps why it could not be reached at all."""

    unreachable = ""

    async def pin(self, block: int | str) -> BlockRef:
        """The pinned block; the failure is kept and raised again."""
        try:
            return await super().pin(block)
        except SourceError as error:
            self.unreachable = str(error)
            raise


class _UnreachableChain:
    """A chain as a bundle remembers it when no endpoint answered."""

    rounds = 0

    def __init__(self, chain_id: str, detail: str) -> None:
        self.chain_id = chain_id
        self._detail = detail

    async def pin(self, block: int | str) -> BlockRef:
        """Always ``SourceError``, as when it was recorded."""
        raise SourceError(self._detail)

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """Never reached: there is no block to read at."""
        raise SourceError(self._detail)

    async def aclose(self) -> None:
        """Nothing to free."""
