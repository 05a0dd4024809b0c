"""Reading one owner's book: every venue of every chain, in lockstep, at one block per chain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..adapters.base import Adapter, Deployment, ReadRequest, VenueSnapshot
from ..adapters.chain.call import ReadPlan
from ..adapters.chain.client import Chain
from ..adapters.chain.rounds import run_plans
from ..adapters.facts import Facts
from ..adapters.tokens import TokenRegistry
from ..adapters.usd import UsdPrices, usd_prices
from ..core.book.model import Asset, Claim, Debt, Leg, Spot
from ..core.book.portfolio import BlockRef, Book
from ..core.errors import ChainError, Failure, Problem, SourceError
from .assemble import ChainBook, VenueRead, assemble
from .query import Query

__all__ = ["Sources", "read_book"]

_USD_VENUE = "aave-v3"
_USD_PLAN = "usd"
_HELD = "held_tokens"

_Plans = Mapping[str, ReadPlan[VenueSnapshot | UsdPrices]]
_Results = Mapping[str, VenueSnapshot | UsdPrices | Failure]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where answers come from: one ``Chain`` per CAIP-2 id, the adapters, and where they run."""

    chains: Mapping[str, Chain]
    adapters: Mapping[str, Adapter]
    deployments: Sequence[Deployment]
    tokens: TokenRegistry
    facts: Facts
    problems: tuple[Problem, ...] = ()  # adapters that could not be loaded
    added_tokens: tuple[Asset, ...] = ()  # what the caller added to the bundled registry

    def with_tokens(self, added: tuple[Asset, ...]) -> Sources:
        """The same sources with these tokens added to the registry."""
        known = self.tokens.extended(added)
        return replace(self, tokens=known, added_tokens=(*self.added_tokens, *added))

    def on(self, chain_id: str, venues: Sequence[str]) -> Iterator[tuple[Adapter, Deployment]]:
        """The deployments on a chain, of the venues asked for (empty: of all)."""
        for deployment in self.deployments:
            wanted = not venues or deployment.venue in venues
            if wanted and deployment.chain_id == chain_id and deployment.venue in self.adapters:
                yield self.adapters[deployment.venue], deployment

    def usd_reference(self, chain_id: str) -> Deployment | None:
        """The deployment whose oracle prices the unified market: the chain's first Aave v3."""
        candidates = (each for each in self.deployments if each.venue == _USD_VENUE)
        return next((each for each in candidates if each.chain_id == chain_id), None)


async def read_book(query: Query, sources: Sources) -> Book:
    """The owners' book over all chains. A venue that fails is a problem in the answer.

    A chain none of whose endpoints answers is a problem too; where that is every chain, ``as_of``
    is empty. Raises ``ChainError`` where no chain is configured and ``BlockError`` for a block that
    does not exist.
    """
    if not sources.chains:
        raise ChainError(
            "no chain to read: give an endpoint, for instance eip155:1=URL", field="rpc"
        )
    chains = [sources.chains[chain_id] for chain_id in sorted(sources.chains)]
    books = await asyncio.gather(*(_read_chain(chain, query, sources) for chain in chains))
    return assemble(query, books, sources.problems)


async def _read_chain(chain: Chain, query: Query, sources: Sources) -> ChainBook:
    """One chain's snapshots and prices at its pinned block."""
    try:
        block = await chain.pin(query.block)
    except SourceError as error:
        return ChainBook.unreadable(chain.chain_id, str(error))
    places = _places(block, query, sources)
    plans: dict[str, ReadPlan[VenueSnapshot | UsdPrices]] = {
        name: adapter.read(request) for name, (adapter, request) in places.items()
    }
    reference = sources.usd_reference(chain.chain_id)
    if reference is not None:
        hint = _held_before(query.owners, chain.chain_id, sources.facts)
        plans[_USD_PLAN] = usd_prices(reference, hint, sources.facts)
    results = await run_plans(chain, plans, block)
    reads = [
        VenueRead(request.deployment, request.owner, _snapshot(results[name]))
        for name, (_, request) in places.items()
    ]
    prices = _prices(results.get(_USD_PLAN))
    if reference is not None:
        prices = await _price_the_rest(chain, block, reference, reads, prices, sources.facts)
        _remember_held(query.owners, chain.chain_id, reads, sources.facts)
    return ChainBook(chain.chain_id, block, tuple(reads), prices, reference)


def _places(
    block: BlockRef, query: Query, sources: Sources
) -> dict[str, tuple[Adapter, ReadRequest]]:
    """Every (venue, market, owner) to read on the chain, by a name that is unique in the batch."""
    places: dict[str, tuple[Adapter, ReadRequest]] = {}
    for adapter, deployment in sources.on(block.chain_id, query.venues):
        for owner in query.owners:
            options = query.options.get(adapter.name, {})
            request = ReadRequest(owner, block, deployment, sources.tokens, sources.facts, options)
            places[f"{adapter.name}/{deployment.market}/{owner}"] = (adapter, request)
    return places


async def _price_the_rest(
    chain: Chain,
    block: BlockRef,
    reference: Deployment,
    reads: Sequence[VenueRead],
    prices: UsdPrices,
    facts: Facts,
) -> UsdPrices:
    """Prices for the tokens that were found only now; no round trip where there are none."""
    missing = _held(reads) - prices.keys()
    if not missing:
        return prices
    results: _Results = await run_plans(
        chain, {_USD_PLAN: usd_prices(reference, missing, facts)}, block
    )
    return {**prices, **_prices(results[_USD_PLAN])}


def _held(reads: Iterable[VenueRead]) -> set[str]:
    """The token addresses in the legs that were read."""
    assets = (_asset(leg) for read in reads for account in read.accounts for leg in account.legs)
    return {asset.address.lower() for asset in assets if asset is not None and asset.address}


def _asset(leg: Leg) -> Asset | None:
    instrument = leg.instrument
    return instrument.asset if isinstance(instrument, Spot | Debt | Claim) else None


def _held_before(owners: Iterable[str], chain_id: str, facts: Facts) -> set[str]:
    """The tokens that these owners were last seen to hold on the chain."""
    return {token for owner in owners for token in facts.get(chain_id, owner, _HELD) or ()}


def _remember_held(
    owners: Iterable[str], chain_id: str, reads: Sequence[VenueRead], facts: Facts
) -> None:
    """Keep what each owner holds, so that the next answer asks for its prices in time."""
    for owner in owners:
        held = _held(read for read in reads if read.owner == owner)
        facts.put(chain_id, owner, _HELD, tuple(sorted(held)))


def _snapshot(result: VenueSnapshot | UsdPrices | Failure) -> VenueSnapshot | Failure:
    """A venue plan's result, which is never a price table."""
    if isinstance(result, VenueSnapshot | Failure):
        return result
    raise TypeError("a venue's plan must return a VenueSnapshot")


def _prices(result: VenueSnapshot | UsdPrices | Failure | None) -> UsdPrices:
    """The price plan's result; nothing where it failed (every token then has no price)."""
    return result if isinstance(result, Mapping) else {}
