"""Reading one chain: venues, wallets, holders and prices in lockstep, at one block.

The proxies that an owner is known to have are read from the first round on, those found only now
from the second. What turns out not to be the owner's is left out again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from ..adapters.address import checksum_address
from ..adapters.base import ReadRequest, VenueSnapshot
from ..adapters.chain.call import ReadPlan
from ..adapters.chain.client import Chain
from ..adapters.chain.rounds import run_plans
from ..adapters.holders import (
    HOLDERS,
    Identity,
    check_proxy,
    find_proxy,
    known_proxy,
    resolve_name,
)
from ..adapters.implementations import Implementations, read_implementations, upgrades
from ..adapters.usd import UsdPrices, usd_prices
from ..adapters.wallet import WalletRequest, WalletSnapshot, read_wallet
from ..core.book.portfolio import BlockRef, Holder
from ..core.errors import Failure, Problem, Severity
from .assemble import ChainBook, VenueRead, WalletRead
from .query import Query
from .sources import Sources

__all__ = ["read_chain"]

_HELD = "held_tokens"
_PROXIES = "proxies"

# What a plan is about: its purpose, an address or name, and a place (a market, a proxy).
_Key = tuple[str, str, str]
_Result = VenueSnapshot | WalletSnapshot | UsdPrices | Implementations | Identity | bool | str
_Results = Mapping[_Key, _Result | Failure]
_Plans = dict[_Key, ReadPlan[_Result | Failure]]
_USD: _Key = ("usd", "", "")
_CODE: _Key = ("code", "", "")
T = TypeVar("T")


async def read_chain(
    chain: Chain,
    block: BlockRef,
    owners: Sequence[str],
    query: Query,
    sources: Sources,
    names: Iterable[str] = (),
) -> ChainBook:
    """What the owners and their proxies hold on the chain; ``names`` are resolved on the way."""
    reading = _Reading(block, tuple(owners), query, sources)
    results = await run_plans(chain, reading.plans(names), block, reading.joining)
    book = reading.book(results)
    rest = reading.rest(book)
    if rest:
        more = await run_plans(chain, rest, block)
        book = replace(
            book,
            prices={**book.prices, **_table(more.get(_USD))},
            implementations={**book.implementations, **_table(more.get(_CODE))},
        )
    return reading.remember(book)


class _Reading:
    """The plans of one chain, and what their results make."""

    def __init__(
        self, block: BlockRef, owners: tuple[str, ...], query: Query, sources: Sources
    ) -> None:
        self._block = block
        self._chain = block.chain_id
        self._owners = owners
        self._query = query
        self._sources = sources
        self._reference = sources.usd_reference(self._chain)
        self._wrapped = sources.tokens.wrapped(self._chain)
        self._requests: dict[_Key, ReadRequest] = {}
        self._begun: set[str] = set()  # addresses whose positions are being read
        self._checked: set[_Key] = set()  # whose proxy is being checked

    def plans(self, names: Iterable[str]) -> _Plans:
        """Everything that can be asked at once: the owners, and the proxies known from before."""
        plans: _Plans = {}
        directory, facts = self._sources.directory(self._chain), self._sources.facts
        proxies = {owner: known_proxy(self._chain, owner, facts) for owner in self._owners}
        for owner in self._owners:
            plans |= self._positions(owner)
        for owner, proxy in proxies.items():
            plans |= self._proxy(owner, proxy)
        holders = (*self._owners, *filter(None, proxies.values()))
        if self._reference is not None:
            plans[_USD] = usd_prices(self._reference, self._held_before(holders), facts)
        plans[_CODE] = read_implementations(self._proxies_before(holders))
        if directory is not None and "ens_registry" in directory.contracts:
            plans |= {("name", name, ""): resolve_name(directory, name, facts) for name in names}
        # Last: what is asked of an account may fail without data, and spoil what is behind it.
        for owner in self._owners:
            plans["identity", owner, ""] = find_proxy(self._block, directory, owner, facts)
        return plans

    def joining(self, key: _Key, result: _Result | Failure) -> _Plans:
        """A proxy that was found only now is read from here on."""
        if not isinstance(result, Identity) or isinstance(result.proxy, Failure):
            return {}
        return self._proxy(key[1], result.proxy)

    def book(self, results: _Results) -> ChainBook:
        """The chain's book: the owners in order, each proxy that is one of theirs after them."""
        holders, problems = self._holders(results)
        addresses = tuple(dict.fromkeys(holder.address for holder in holders))
        reads = tuple(
            VenueRead(request.deployment, request.owner, _of(VenueSnapshot, results[key]))
            for address in addresses
            for key, request in self._requests.items()
            if request.owner == address
        )
        wallets = tuple(
            WalletRead(address, _of(WalletSnapshot, results["wallet", address, ""])).without(reads)
            for address in addresses
            if ("wallet", address, "") in results
        )
        return ChainBook(
            self._chain,
            self._block,
            reads,
            wallets,
            _table(results.get(_USD)),
            self._reference,
            self._wrapped,
            holders,
            tuple(problems),
            {key[1]: _of(str, result) for key, result in results.items() if key[0] == "name"},
            _table(results.get(_CODE)),
        )

    def rest(self, book: ChainBook) -> _Plans:
        """What is still to be asked: prices of tokens and code of proxies that were found only now."""
        plans: _Plans = {}
        tokens = self.tokens_of(book) - book.prices.keys()
        if tokens and book.reference is not None:
            plans[_USD] = usd_prices(book.reference, tokens, self._sources.facts)
        proxies = _proxies_of(book) - book.implementations.keys()
        if proxies:
            plans[_CODE] = read_implementations(proxies)
        return plans

    def tokens_of(self, book: ChainBook) -> set[str]:
        """The tokens whose prices the book needs; the native coin has its wrapped token's."""
        return {token for asset in book.assets() if (token := book.price_token(asset))}

    def remember(self, book: ChainBook) -> ChainBook:
        """Keep what was found, so that the next answer asks for it in time; note what changed."""
        facts = self._sources.facts
        for holder in book.holders:
            held = self.tokens_of(book.of(holder.address))
            facts.put(self._chain, holder.address, _HELD, tuple(sorted(held)))
            judging = _proxies_of(book.of(holder.address))
            facts.put(self._chain, holder.address, _PROXIES, tuple(sorted(judging)))
        changed = upgrades(self._chain, book.implementations, facts)
        return replace(book, problems=(*book.problems, *changed))

    def _positions(self, holder: str) -> _Plans:
        """Every venue of the chain and the wallet, for one address."""
        self._begun.add(holder)
        plans: _Plans = {}
        query, sources = self._query, self._sources
        for adapter, deployment in sources.on(self._chain, query.venues):
            options = query.options.get(adapter.name, {})
            request = ReadRequest(
                holder, self._block, deployment, sources.tokens, sources.facts, options
            )
            key = (adapter.name, holder, deployment.market)
            self._requests[key] = request
            plans[key] = adapter.read(request)
        if query.wants_wallet:
            added, public = query.added_tokens(self._chain), sources.is_public(self._chain)
            wallet = WalletRequest(
                holder, self._block, sources.tokens, sources.facts, added, public
            )
            plans["wallet", holder, ""] = read_wallet(wallet)
        return plans

    def _proxy(self, owner: str, proxy: str) -> _Plans:
        """The proxy's positions and the check of whose it is, unless they are already read."""
        key = ("proxy", owner, proxy)
        if not proxy or key in self._checked:
            return {}
        self._checked.add(key)
        holder = checksum_address(proxy)
        positions = {} if holder in self._begun else self._positions(holder)
        return {**positions, key: check_proxy(proxy, owner)}

    def _holders(self, results: _Results) -> tuple[tuple[Holder, ...], list[Problem]]:
        """Who the positions belong to, and what of that could not be read."""
        given = [_holder(owner, results) for owner in self._owners]
        found: list[Holder] = []
        problems: list[Problem] = []
        for owner in self._owners:
            identity = _of(Identity, results["identity", owner, ""])
            proxy = identity if isinstance(identity, Failure) else identity.proxy
            if isinstance(identity, Identity) and isinstance(identity.kind, Failure):
                problems.append(_unlabelled(identity.kind, owner))
            mine = None if proxy == "" else self._owned(owner, proxy, results)
            if isinstance(mine, Failure):
                problems.append(_undiscovered(mine, owner))
            elif mine and isinstance(proxy, str):
                address = checksum_address(proxy)
                found.append(Holder(address, "dsproxy", "proxy_registry", self._chain))
        return (*given, *found), problems

    def _owned(self, owner: str, proxy: str | Failure, results: _Results) -> bool | Failure:
        """Whether the registry's proxy is the owner's now."""
        if isinstance(proxy, Failure):
            return proxy
        return _of(bool, results["proxy", owner, proxy])

    def _proxies_before(self, holders: Iterable[str]) -> set[str]:
        """The contracts that were last seen to judge these addresses' accounts."""
        facts = self._sources.facts
        return {each for one in holders for each in facts.get(self._chain, one, _PROXIES) or ()}

    def _held_before(self, holders: Iterable[str]) -> set[str]:
        """The tokens that these addresses were last seen to hold on the chain."""
        facts = self._sources.facts
        return {token for one in holders for token in facts.get(self._chain, one, _HELD) or ()}


def _holder(owner: str, results: _Results) -> Holder:
    identity = _of(Identity, results["identity", owner, ""])
    kind = identity if isinstance(identity, Failure) else identity.kind
    return Holder(owner, "unknown" if isinstance(kind, Failure) else kind, "given")


def _unlabelled(failure: Failure, owner: str) -> Problem:
    """That nobody could say what an owner is: a label, which changes no number."""
    note = Severity.NOTE
    return Problem.of(failure, venue=HOLDERS, account=owner, leg="kind", severity=note)


def _undiscovered(failure: Failure, owner: str) -> Problem:
    """That a proxy may hold positions which are not in the answer."""
    action = "read again, or give the owner's proxies as further addresses"
    return Problem.of(failure, venue=HOLDERS, account=owner, leg="proxy", action=action)


def _of(kind: type[T], result: _Result | Failure) -> T | Failure:
    """A plan's result, which is of the kind that its key says."""
    if isinstance(result, kind | Failure):
        return result
    raise TypeError(f"a plan returned {type(result).__name__}, not {kind.__name__}")


def _table(result: _Result | Failure | None) -> Mapping[str, Any]:
    """A plan's table; nothing where it failed (every token then has no price)."""
    return result if isinstance(result, Mapping) else {}


def _proxies_of(book: ChainBook) -> set[str]:
    """The contracts that judged the book's accounts: their code is watched."""
    found: set[str] = set()
    for read in book.reads:
        if isinstance(read.result, VenueSnapshot) and read.result.accounts:
            found |= {*read.deployment.contracts.values(), *read.result.contracts}
    return {checksum_address(each) for each in found}
