"""Reading one owner's book: every venue of every chain, in lockstep, at one block per chain."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ..adapters.address import checksum_address
from ..adapters.base import Deployment
from ..adapters.chain.rounds import run_plans
from ..adapters.holders import known_name, resolve_name
from ..core.book.portfolio import BlockRef, Book
from ..core.errors import AddressError, ChainError, Failure, Reason, SourceError
from .address import looks_like_address
from .assemble import ChainBook, assemble
from .chain_reading import read_chain
from .query import Query
from .sources import Sources

__all__ = ["Sources", "read_book"]

_Pinned = BlockRef | SourceError


async def read_book(query: Query, sources: Sources) -> Book:
    """The owners' book over all chains. A venue that fails is a problem in the answer.

    A chain none of whose endpoints answers is a problem too; where that is every chain, ``as_of``
    is empty. Raises ``ChainError`` where no chain is configured, ``BlockError`` for a block that
    does not exist, ``AddressError`` for a name that stands for no address and ``SourceError`` where
    that could not be read.
    """
    if not sources.chains:
        raise ChainError(
            "no chain to read: give an endpoint, for instance eip155:1=URL", field="rpc"
        )
    pinned = await _pin_all(query.block, sources)
    names = tuple(owner for owner in query.owners if not looks_like_address(owner))
    if not names:
        return assemble(query, await _read_all({}, pinned, query, sources), sources.problems)
    directory = _directory(names[0], pinned, sources)
    known = {name: known_name(directory, name, sources.facts) for name in names}
    resolved = {name: checksum_address(seen) for name, seen in known.items() if seen is not None}
    if len(resolved) < len(names):
        resolved = await _resolve(names, directory, pinned, sources)
    books = await _read_all(resolved, pinned, query, sources)
    found = next(book.names for book in books if book.chain_id == directory.chain_id)
    checked = {name: _address_of(name, found[name]) for name in names}
    if checked != resolved:  # a name moved since it was last read
        books = await _read_all(checked, pinned, query, sources)
    return assemble(query, books, sources.problems, checked)


async def _pin_all(block: str, sources: Sources) -> dict[str, _Pinned]:
    """Each chain's block, or why it has none."""

    async def pin(chain_id: str) -> _Pinned:
        try:
            return await sources.chains[chain_id].pin(block)
        except SourceError as error:
            return error

    ids = sorted(sources.chains)
    return dict(zip(ids, await asyncio.gather(*map(pin, ids)), strict=True))


async def _read_all(
    names: Mapping[str, str], pinned: Mapping[str, _Pinned], query: Query, sources: Sources
) -> list[ChainBook]:
    """Every chain's book for the owners at these addresses of their names."""
    owners = query.addresses(names)

    async def read(chain_id: str, block: _Pinned) -> ChainBook:
        if isinstance(block, SourceError):
            return ChainBook.unreadable(chain_id, str(block))
        return await read_chain(sources.chains[chain_id], block, owners, query, sources, names)

    return list(await asyncio.gather(*(read(*each) for each in pinned.items())))


def _directory(name: str, pinned: Mapping[str, _Pinned], sources: Sources) -> Deployment:
    """Where names are registered; it must be on a chain that can be read."""
    for chain_id, block in pinned.items():
        found = sources.directory(chain_id)
        if found is not None and "ens_registry" in found.contracts:
            if isinstance(block, SourceError):
                raise SourceError(f"{name} could not be resolved: {block}")
            return found
    raise ChainError(
        f"{name} is an ENS name: give an endpoint for Ethereum too, or the address", field="rpc"
    )


async def _resolve(
    names: tuple[str, ...],
    directory: Deployment,
    pinned: Mapping[str, _Pinned],
    sources: Sources,
) -> dict[str, str]:
    """The address of each name at the pinned block."""
    block = pinned[directory.chain_id]
    assert isinstance(block, BlockRef)  # noqa: S101 - the directory's chain could be pinned
    plans = {name: resolve_name(directory, name, sources.facts) for name in names}
    results = await run_plans(sources.chains[directory.chain_id], plans, block)
    return {name: _address_of(name, results[name]) for name in names}


def _address_of(name: str, found: str | Failure) -> str:
    """The address that a name stands for; raises where it stands for none or was not read."""
    if not isinstance(found, Failure):
        return checksum_address(found)
    if found.code == "no_address":
        raise AddressError(f"{found.detail}; give the address", field="address")
    if found.reason is Reason.CALL_REVERTED:
        raise AddressError(
            f"{name} is resolved outside the chain ({found.code}); give the address",
            field="address",
        )
    raise SourceError(f"{name} could not be resolved: {found}")
