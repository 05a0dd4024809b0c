"""The plan that reads one owner's account of an Aave v3 pool at one block.

Only the PoolAddressesProvider is taken on trust; everything else is resolved on chain. Warm
accounts (token addresses known) need two round trips: the user's state with the balances of every
known reserve, then the details of those that matter. A cold one needs two more, to find the pool
and its tokens. Cached facts are checked in the round that uses them and read again if they changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...core.errors import Failure, Reason
from ..base import ReadRequest, VenueSnapshot
from ..chain.call import Call, ReadPlan
from .assemble import assemble
from .calls import NO_ADDRESS, Answers, Market, MarketCalls, ReserveTokens
from .found import Found, Venue
from .profile import Modes, Profile

__all__ = ["Venue", "read_account"]

_PROVIDER_ROLE = "pool_addresses_provider"


def read_account(request: ReadRequest, venue: Venue) -> ReadPlan[VenueSnapshot]:
    """The snapshot of one deployment: at most one account, named after the market."""
    reader = _Reader(request, venue)
    yield from reader.find_market()
    if reader.found.market is not None:
        yield from reader.read_state()
        yield from reader.read_details()
        yield from reader.read_rest()
    return assemble(request, venue, reader.found)


class _Reader:
    """The plan's state between rounds: what was asked, answered and concluded so far."""

    def __init__(self, request: ReadRequest, venue: Venue) -> None:
        self._request = request
        self._venue = venue
        provider = request.deployment.contracts[_PROVIDER_ROLE].lower()
        self._chain = request.block.chain_id
        self._looked_at: tuple[str, ...] = ()  # assets whose details were read
        self.found = Found(MarketCalls(provider, request.owner.lower()), Answers())

    def _ask(self, calls: Iterable[Call[Any]]) -> ReadPlan[None]:
        new = self.found.answers.new(calls)
        if new:
            self.found.answers.add(new, (yield new))

    def _fact(self, address: str, name: str) -> Any:
        return self._request.facts.get(self._chain, address, name)

    def _remember(self, address: str, name: str, value: object) -> None:
        self._request.facts.put(self._chain, address, name, value)

    def find_market(self) -> ReadPlan[None]:
        """Pool and oracle: from the facts where known, else asked for."""
        calls = self.found.calls
        self.found.market = self._fact(calls.provider, "market")
        if self.found.market is None:
            yield from self._ask([calls.pool(), calls.oracle(), calls.sentinel()])
            self._settle_market()

    def _settle_market(self) -> bool:
        """Take the provider's word for pool and oracle; whether it differs from what was used."""
        calls, used = self.found.calls, self.found.market
        pool, oracle = self.found.need(calls.pool()), self.found.need(calls.oracle())
        if isinstance(pool, Failure) or isinstance(oracle, Failure):
            self.found.market = None
            return False
        if NO_ADDRESS in {pool, oracle}:
            self.found.market = None
            self.found.fatal("", Failure(Reason.BAD_RETURN_DATA, "no_pool", "provider names none"))
            return False
        self.found.market = Market(pool, oracle)
        self._remember(calls.provider, "market", self.found.market)
        return self.found.market != used

    def read_state(self) -> ReadPlan[None]:
        """The user's words, and the balances in every reserve known from before."""
        found, calls = self.found, self.found.calls
        used = found.market
        assert used is not None  # noqa: S101 - the caller checked
        before = self._fact(used.pool, "revision")
        known = self._known_reserves(before)
        yield from self._ask([*self._state_calls(used), *self._balance_calls(known)])
        if self._settle_market() and found.market is not None:
            known = {}
            yield from self._ask(self._state_calls(found.market))
        if found.market is None:
            return
        found.revision = found.need(calls.revision(found.market))
        if isinstance(found.revision, int):
            self._remember(found.market.pool, "revision", found.revision)
            found.profile = self._venue.profile_of(found.revision)
            if isinstance(found.profile, Failure):
                found.fatal("", found.profile)
        else:
            found.profile = found.revision
        found.bitmap = found.need(calls.user_bitmap(found.market))
        found.mode = found.need(calls.user_mode(found.market))
        listed = found.need(calls.reserves(found.market))
        self._settle_base(found.market)
        if isinstance(found.revision, int) and found.revision != before:
            known = {}
        assets = known if isinstance(listed, Failure) else dict.fromkeys(listed)
        found.tokens = {asset: known.get(asset) for asset in assets}

    def _state_calls(self, market: Market) -> list[Call[Any]]:
        calls = self.found.calls
        state: list[Call[Any]] = [
            calls.pool(),
            calls.oracle(),
            calls.revision(market),
            calls.user_bitmap(market),
            calls.user_mode(market),
            calls.reserves(market),
            calls.account_data(market),
        ]
        if self._had_sentinel(market):
            state.append(calls.sentinel())
        if self._fact(market.oracle, "base") is None:
            state += [calls.base_currency(market), calls.base_unit(market)]
        return state

    def _had_sentinel(self, market: Market) -> bool:
        """Whether the pool, as far as it was known, asks a sentinel."""
        revision = self._fact(market.pool, "revision")
        profile = None if revision is None else self._venue.profile_of(revision)
        return not isinstance(profile, Profile) or profile.sentinel

    def _settle_base(self, market: Market) -> None:
        """The base currency and its unit, which the oracle can never change."""
        base = self._fact(market.oracle, "base")
        if base is None:
            currency = self.found.need(self.found.calls.base_currency(market))
            unit = self.found.need(self.found.calls.base_unit(market))
            if isinstance(currency, Failure) or isinstance(unit, Failure):
                return
            base = (currency, unit)
            self._remember(market.oracle, "base", base)
        self.found.base = base

    def _known_reserves(self, revision: int | None) -> dict[str, ReserveTokens]:
        market = self.found.market
        if revision is None or market is None:
            return {}
        known = self._fact(market.pool, f"reserves@{revision}") or ()
        return {tokens.asset: tokens for tokens in known}

    def _balance_calls(self, reserves: dict[str, ReserveTokens]) -> list[Call[Any]]:
        calls = self.found.calls
        asked = []
        for tokens in reserves.values():
            asked += [calls.scaled(tokens.supply_token), calls.scaled(tokens.variable_token)]
            if tokens.stable_token != NO_ADDRESS:
                asked.append(calls.balance(tokens.stable_token))
        return asked

    def read_details(self) -> ReadPlan[None]:
        """Reserves that matter or are new, prices, the eMode category, what blocks liquidation."""
        found, market, profile = self.found, self.found.market, self.found.profile
        if market is None or not isinstance(profile, Profile):
            return
        matter = [asset for asset, tokens in found.tokens.items() if self._matters(tokens)]
        new = [asset for asset, tokens in found.tokens.items() if tokens is None]
        asked: list[Call[Any]] = [
            found.calls.reserve_data(market, asset) for asset in (*matter, *new)
        ]
        asked += self._market_calls(market, profile, matter)
        asked += self._symbol_calls(matter + new)
        asked += self._category_calls(market, profile)
        sentinel = found.answers.maybe(found.calls.sentinel())
        if profile.sentinel and isinstance(sentinel, str) and sentinel != NO_ADDRESS:
            asked.append(found.calls.liquidation_allowed(sentinel))
        yield from self._ask(asked)
        self._looked_at = (*matter, *new)
        self._settle_tokens(market, self._looked_at)
        self._settle_symbols()

    def _matters(self, tokens: ReserveTokens | None) -> bool:
        """Whether a known reserve is used by the owner, or may be."""
        if tokens is None:
            return False
        if isinstance(self.found.bitmap, int) and self.found.bitmap >> 2 * tokens.id & 3:
            return True
        balances = [self.found.get(call) for call in self._balance_calls({tokens.asset: tokens})]
        return any(balance != 0 for balance in balances)

    def _market_calls(
        self, market: Market, profile: Profile, assets: Iterable[str]
    ) -> list[Call[Any]]:
        """Price, grace period and, where the version counts it, the debt token's own balance."""
        calls = self.found.calls
        asked: list[Call[Any]] = []
        for asset in assets:
            asked.append(calls.price(market, asset))
            if profile.grace_period:
                asked.append(calls.grace(market, asset))
            tokens = self.found.tokens.get(asset)
            if profile.reported_debt and tokens is not None:
                asked.append(calls.balance(tokens.variable_token))
        return asked

    def _symbol_calls(self, assets: Iterable[str]) -> list[Call[Any]]:
        """Symbols of tokens that neither the registry nor the facts know."""
        tokens = self._request.tokens
        return [
            next(self.found.calls.symbols(asset))
            for asset in assets
            if not tokens.at(self._chain, asset).known and self._fact(asset, "symbol") is None
        ]

    def _settle_symbols(self) -> None:
        for asset in self.found.tokens:
            symbol = self._fact(asset, "symbol")
            for call in self.found.calls.symbols(asset):
                if symbol is None and call in self.found.answers:
                    answer = self.found.get(call)
                    symbol = None if isinstance(answer, Failure) else answer
            if symbol is not None:
                self._remember(asset, "symbol", symbol)
                self.found.symbols[asset] = symbol

    def _category_calls(self, market: Market, profile: Profile) -> list[Call[Any]]:
        calls, mode = self.found.calls, self.found.mode
        if not isinstance(mode, int) or mode == 0:
            return []
        if profile.modes is Modes.CATEGORY:
            source = self._fact(market.pool, f"price_source:{mode}")
            guess = [calls.price(market, source)] if source else []
            return [calls.legacy_category(market, mode), *guess]
        asked: list[Call[Any]] = [
            calls.category(market, mode),
            calls.collateral_bitmap(market, mode),
        ]
        if profile.zero_ltv_bitmap:
            asked.append(calls.ltvzero_bitmap(market, mode))
        if profile.isolated_modes:
            asked.append(calls.isolated(market, mode))
        return asked

    def _settle_tokens(self, market: Market, assets: Iterable[str]) -> None:
        """Take the pool's word for the tokens of these reserves, whatever the facts said."""
        found = self.found
        for asset in assets:
            data = found.get(found.calls.reserve_data(market, asset))
            if not isinstance(data, Failure):
                supply, stable, variable = (str(data[place]).lower() for place in (8, 9, 10))
                found.tokens[asset] = ReserveTokens(asset, int(data[7]), supply, stable, variable)
        complete = tuple(tokens for tokens in found.tokens.values() if tokens is not None)
        self._remember(market.pool, f"reserves@{found.revision}", complete)

    def read_rest(self) -> ReadPlan[None]:
        """What the details showed to be missing: new or changed tokens, a new price source."""
        found, market, profile = self.found, self.found.market, self.found.profile
        if market is None or not isinstance(profile, Profile):
            return
        tokens = {asset: found.tokens[asset] for asset in self._looked_at}
        known = {asset: entry for asset, entry in tokens.items() if entry is not None}
        source = self._price_source(market, profile)
        asked = [*self._balance_calls(known), *self._market_calls(market, profile, known)]
        yield from self._ask([*asked, *([found.calls.price(market, source)] if source else [])])
        found.price_source = source

    def _price_source(self, market: Market, profile: Profile) -> str | None:
        """The price source of the owner's eMode category, where the version has them."""
        mode = self.found.mode
        if profile.modes is not Modes.CATEGORY or not isinstance(mode, int) or mode == 0:
            return None
        category = self.found.get(self.found.calls.legacy_category(market, mode))
        if isinstance(category, Failure):
            return None
        source = str(category[3]).lower()
        self._remember(market.pool, f"price_source:{mode}", "" if source == NO_ADDRESS else source)
        return None if source == NO_ADDRESS else source
