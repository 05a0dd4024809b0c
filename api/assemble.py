"""From what each chain gave to one book: accounts, one market of USD prices, every problem named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..adapters.base import Deployment, VenueSnapshot
from ..adapters.implementations import Implementations
from ..adapters.usd import UsdPrices, usd_source
from ..adapters.wallet import WALLET, WalletSnapshot
from ..core.book.market import Market, Quote
from ..core.book.model import Asset, Claim, Debt, Leg, MarginAccount, Spot
from ..core.book.portfolio import BlockRef, Book, Holder, Portfolio
from ..core.errors import Failure, Problem, Reason
from ..core.units import decimal_of
from .query import Query

__all__ = ["ChainBook", "VenueRead", "WalletRead", "assemble"]

_RETRY = "read again; if it persists, give another endpoint for this chain"
_KINDS = ("unknown", "account", "contract", "dsproxy", "safe")  # from least to most telling


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
class WalletRead:
    """What one holder has outside the venues of a chain, or why that is not known."""

    owner: str
    result: WalletSnapshot | Failure

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The wallet's legs; none where the whole read failed."""
        return () if isinstance(self.result, Failure) else self.result.legs

    def without(self, reads: Iterable[VenueRead]) -> WalletRead:
        """The same wallet less the receipts that the holder's venue accounts count as their own."""
        if isinstance(self.result, Failure):
            return self
        counted = {
            leg.raw.contract.lower()
            for read in reads
            for account in read.accounts
            if account.holder.lower() == self.owner.lower()
            for leg in account.legs
            if leg.raw is not None
        }
        legs = tuple(
            leg
            for leg in self.result.legs
            if leg.raw is None
            or leg.id not in self.result.receipts
            or leg.raw.contract.lower() not in counted
        )
        return replace(self, result=replace(self.result, legs=legs))


@dataclass(frozen=True, slots=True)
class ChainBook:
    """One chain's reads at its block; ``failure`` set means that not even the block was had.

    ``wrapped`` is the token that has the price of the chain's own coin. ``holders`` are the
    addresses that were read, ``names`` what ENS names stand for at the block.
    """

    chain_id: str
    block: BlockRef | None = None
    reads: tuple[VenueRead, ...] = ()
    wallets: tuple[WalletRead, ...] = ()
    prices: UsdPrices = field(default_factory=dict)
    reference: Deployment | None = None
    wrapped: str = ""
    holders: tuple[Holder, ...] = ()
    problems: tuple[Problem, ...] = ()
    names: Mapping[str, str | Failure] = field(default_factory=dict)
    implementations: Implementations = field(default_factory=dict)
    failure: Failure | None = None

    @classmethod
    def unreadable(cls, chain_id: str, detail: str) -> ChainBook:
        """A chain none of whose endpoints answered."""
        return cls(chain_id, failure=Failure(Reason.RPC_UNAVAILABLE, "no_block", detail))

    def of(self, holder: str) -> ChainBook:
        """The part of one holder."""
        reads = tuple(read for read in self.reads if read.owner == holder)
        wallets = tuple(wallet for wallet in self.wallets if wallet.owner == holder)
        return replace(self, reads=reads, wallets=wallets)

    def legs(self) -> Iterable[Leg]:
        """Every leg of every account and wallet."""
        for read in self.reads:
            for account in read.accounts:
                yield from account.legs
        for wallet in self.wallets:
            yield from wallet.legs

    def assets(self) -> Iterable[Asset]:
        """The tokens in the legs."""
        for leg in self.legs():
            if isinstance(leg.instrument, Spot | Debt | Claim):
                yield leg.instrument.asset

    def price_token(self, asset: Asset) -> str:
        """The address whose price is the asset's, lower case: its own, or the wrapped coin's."""
        return asset.address.lower() or self.wrapped


def assemble(
    query: Query,
    chains: Sequence[ChainBook],
    problems: tuple[Problem, ...] = (),
    names: Mapping[str, str] | None = None,
) -> Book:
    """The book of all chains. What could not be read stays in it, after the given problems.

    ``names`` are the addresses that the owners' ENS names stand for.
    """
    accounts = tuple(a for chain in chains for read in chain.reads for a in read.accounts)
    owners = query.addresses(names or {})
    holders = _holders(owners, chains, names or {})
    portfolio = Portfolio(
        owner=owners[0],
        owners=tuple(dict.fromkeys((*owners, *(holder.address for holder in holders)))),
        as_of=tuple(chain.block for chain in chains if chain.block is not None),
        accounts=accounts,
        wallet=tuple(leg for chain in chains for wallet in chain.wallets for leg in wallet.legs),
        problems=(*problems, *(problem for chain in chains for problem in _problems(chain))),
        enumeration=dict(pair for chain in chains for pair in _enumeration(chain)),
        holders=holders,
        implementations=dict(pair for chain in chains for pair in _implementations(chain)),
    )
    return Book(portfolio, _market(chains))


def _holders(
    owners: Sequence[str], chains: Sequence[ChainBook], names: Mapping[str, str]
) -> tuple[Holder, ...]:
    """The owners as given, then what was found; each with the most telling kind of any chain."""
    found_by = {address: f"ens:{name}" for name, address in names.items()}
    merged = {owner: Holder(owner, "unknown", found_by.get(owner, "given")) for owner in owners}
    for holder in (holder for chain in chains for holder in chain.holders):
        known = merged.setdefault(holder.address, holder)
        if _KINDS.index(holder.kind) > _KINDS.index(known.kind):
            merged[holder.address] = replace(known, kind=holder.kind)
    return tuple(merged.values())


def _problems(chain: ChainBook) -> Iterable[Problem]:
    """What this chain's part of the answer lacks."""
    if chain.failure is not None:
        yield Problem.of(chain.failure, leg=chain.chain_id, action=_RETRY)
    yield from chain.problems
    for read in chain.reads:
        venue, market = read.deployment.venue, read.deployment.market
        if isinstance(read.result, Failure):
            yield Problem.of(read.result, venue=venue, account=market, action=_RETRY)
            continue
        yield from read.result.problems
    for wallet in chain.wallets:
        if isinstance(wallet.result, Failure):
            yield Problem.of(
                wallet.result, venue=WALLET, account=wallet.owner, leg=chain.chain_id, action=_RETRY
            )
        else:
            yield from wallet.result.problems


def _enumeration(chain: ChainBook) -> Iterable[tuple[str, str]]:
    """How each deployment's positions were found."""
    for read in chain.reads:
        if isinstance(read.result, VenueSnapshot):
            name = f"{read.deployment.venue}/{chain.chain_id}/{read.deployment.market}"
            proven = "" if read.result.complete else ", completeness not proven"
            yield name, f"{read.result.enumeration}{proven}"


def _implementations(chain: ChainBook) -> Iterable[tuple[str, str]]:
    """What each proxy of the chain runs."""
    for proxy, code in chain.implementations.items():
        if isinstance(code, str) and code:
            yield f"{chain.chain_id}/{proxy}", code


def _market(chains: Sequence[ChainBook]) -> Market:
    """One USD price per asset: the chain's declared oracle first, then the venues' own prices.

    The first chain that prices an asset wins. An underlying takes the price of a token that is the
    underlying itself under another name, never of an LST.
    """
    spot: dict[str, Quote] = {}
    for chain in chains:
        for asset in chain.assets():
            answer = chain.prices.get(chain.price_token(asset))
            if isinstance(answer, tuple) and chain.reference is not None:
                quote = Quote(decimal_of(*answer), usd_source(chain.reference))
                spot.setdefault(asset.key, quote)
        for price in _venue_prices(chain):
            spot.setdefault(price[0].key, price[1])
    for asset in (asset for chain in chains for asset in chain.assets()):
        if asset.kind == "volatile" and asset.known and asset.key in spot:
            spot.setdefault(asset.underlying, spot[asset.key])
    return Market(spot)


def _venue_prices(chain: ChainBook) -> Iterable[tuple[Asset, Quote]]:
    """The USD prices that the venues themselves gave, in the order of their deployments."""
    for read in chain.reads:
        if isinstance(read.result, VenueSnapshot):
            for price in read.result.prices:
                yield price.asset, Quote(price.value, price.source, price.age_seconds)
