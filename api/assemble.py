"""From what each chain gave to one book: accounts, one market of USD prices, every problem named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..adapters.base import Deployment, VenueSnapshot
from ..adapters.usd import UsdPrices, usd_source
from ..core.book.market import Market, Quote
from ..core.book.model import Asset, Claim, Debt, MarginAccount, Spot
from ..core.book.portfolio import BlockRef, Book, Portfolio
from ..core.errors import Failure, Problem, Reason
from ..core.units import decimal_of
from .query import Query

__all__ = ["ChainBook", "VenueRead", "assemble"]

_RETRY = "read again; if it persists, give another endpoint for this chain"


@dataclass(frozen=True, slots=True)
class VenueRead:
    """What one deployment holds for one owner, or why that is not known."""

    deployment: Deployment
    owner: str
    result: VenueSnapshot | Failure

    @property
    def accounts(self) -> tuple[MarginAccount, ...]:
        """The accounts that were read; none where the whole read failed."""
        return () if isinstance(self.result, Failure) else self.result.accounts


@dataclass(frozen=True, slots=True)
class ChainBook:
    """One chain's reads at its block; ``failure`` set means that not even the block was had."""

    chain_id: str
    block: BlockRef | None = None
    reads: tuple[VenueRead, ...] = ()
    prices: UsdPrices = field(default_factory=dict)
    reference: Deployment | None = None
    failure: Failure | None = None

    @classmethod
    def unreadable(cls, chain_id: str, detail: str) -> ChainBook:
        """A chain none of whose endpoints answered."""
        return cls(chain_id, failure=Failure(Reason.RPC_UNAVAILABLE, "no_block", detail))


def assemble(query: Query, chains: Sequence[ChainBook], problems: tuple[Problem, ...] = ()) -> Book:
    """The book of all chains. What could not be read stays in it, after the given problems."""
    accounts = tuple(a for chain in chains for read in chain.reads for a in read.accounts)
    portfolio = Portfolio(
        owner=query.owners[0],
        owners=query.owners,
        as_of=tuple(chain.block for chain in chains if chain.block is not None),
        accounts=accounts,
        problems=(*problems, *(problem for chain in chains for problem in _problems(chain))),
        enumeration=dict(pair for chain in chains for pair in _enumeration(chain)),
    )
    return Book(portfolio, _market(chains))


def _problems(chain: ChainBook) -> Iterable[Problem]:
    """What this chain's part of the answer lacks."""
    if chain.failure is not None:
        yield Problem.of(chain.failure, leg=chain.chain_id, action=_RETRY)
    for read in chain.reads:
        venue, market = read.deployment.venue, read.deployment.market
        if isinstance(read.result, Failure):
            yield Problem.of(read.result, venue=venue, account=market, action=_RETRY)
            continue
        yield from read.result.problems


def _enumeration(chain: ChainBook) -> Iterable[tuple[str, str]]:
    """How each deployment's positions were found."""
    for read in chain.reads:
        if isinstance(read.result, VenueSnapshot):
            name = f"{read.deployment.venue}/{chain.chain_id}/{read.deployment.market}"
            proven = "" if read.result.complete else ", completeness not proven"
            yield name, f"{read.result.enumeration}{proven}"


def _market(chains: Sequence[ChainBook]) -> Market:
    """One USD price per asset: the chain's declared oracle first, then the venues' own prices.

    The first chain that prices an asset wins. An underlying takes the price of a token that is the
    underlying itself under another name, never of an LST.
    """
    spot: dict[str, Quote] = {}
    for chain in chains:
        for asset in _assets(chain):
            answer = chain.prices.get(asset.address.lower())
            if isinstance(answer, tuple) and chain.reference is not None:
                quote = Quote(decimal_of(*answer), usd_source(chain.reference))
                spot.setdefault(asset.key, quote)
        for price in _venue_prices(chain):
            spot.setdefault(price[0].key, price[1])
    for asset in (asset for chain in chains for asset in _assets(chain)):
        if asset.kind == "volatile" and asset.known and asset.key in spot:
            spot.setdefault(asset.underlying, spot[asset.key])
    return Market(spot)


def _venue_prices(chain: ChainBook) -> Iterable[tuple[Asset, Quote]]:
    """The USD prices that the venues themselves gave, in the order of their deployments."""
    for read in chain.reads:
        if isinstance(read.result, VenueSnapshot):
            for price in read.result.prices:
                yield price.asset, Quote(price.value, price.source, price.age_seconds)


def _assets(chain: ChainBook) -> Iterable[Asset]:
    """The tokens in the chain's legs."""
    for read in chain.reads:
        for account in read.accounts:
            for leg in account.legs:
                if isinstance(leg.instrument, Spot | Debt | Claim):
                    yield leg.instrument.asset
