"""The questions to one deployment and their answers: what is known now says what to ask next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ....core.errors import Failure, Reason
from ...base import ReadRequest
from ...chain.call import Call, Contract
from .check import REASONS
from .discounts import Referral
from .keys import account_positions_key, position_key
from .parameters import (
    Datum,
    Discounts,
    MarketTokens,
    Place,
    build_market,
    build_position,
    datum,
    place_data,
    token_data,
)
from .prices import CALLER, FEED, GivenPrices, feed_call, feed_price
from .reading import PositionReading, PricedToken, TokenReading
from .scale import Scale
from .state import Market, MarketPrices, Position
from .tokens import token_of

__all__ = ["MOST_POSITIONS", "Questions"]

T = TypeVar("T")

# An account rarely has 50 positions; the list is cut here, and the answer then says so.
MOST_POSITIONS = 1000

_STORE = Contract("gmx_v2", "DataStore")
_READER = Contract("gmx_v2", "Reader")
_NOBODY = "0x" + "0" * 40
_EMPTY: Mapping[str, Any] = {
    "getBool": False,
    "getBytes32": bytes(32),
    "getAddress": _NOBODY,
}


class _UnreadError(Exception):
    """A value that a part is built from was not read; holds why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Questions:
    """Questions and answers about one owner's positions."""

    def __init__(self, request: ReadRequest, given: GivenPrices) -> None:
        self._request, self._given = request, given
        self._contracts = request.deployment.contracts
        self._chain, self._store = request.deployment.chain_id, self._contracts["data_store"]
        self.answers: dict[Call[Any], Any] = {}
        self._calls: dict[Datum, Call[Any]] = {}
        self._referral = Referral(self._contracts.get("referral_storage", ""), request.owner)
        self._list = _STORE.one(
            self._store,
            "getBytes32ValuesAt",
            account_positions_key(request.owner),
            0,
            MOST_POSITIONS,
        )

    def listed(self) -> tuple[bytes, ...] | Failure:
        """The keys of the owner's positions."""
        keys = self.answers[self._list]
        return keys if isinstance(keys, Failure) else tuple(bytes(key) for key in keys)

    def asked(self) -> Iterator[Call[Any]]:
        """Everything worth asking by what is known; most of it was asked before."""
        yield self._list
        keys = self.answers.get(self._list, self._remembered("positions") or ())
        if isinstance(keys, Failure) or not keys:
            return
        yield from self._discount_calls()
        for key in keys:
            yield from self._position_calls(bytes(key))

    def remember(self, keys: tuple[bytes, ...]) -> None:
        """Keep what lets the next answer ask early; nothing of it is ever believed."""
        self._keep("positions", keys)
        self._keep("referral", self._referral.hint(self.answers))
        self._keep("tier", self.answers.get(self._call(self._tier())))
        for call, answer in self.answers.items():
            is_hint = call.function.signature.startswith(("getBool(", "getBytes32(", "getAddress("))
            if is_hint and not isinstance(answer, Failure):
                self._keep(call.data.hex(), answer)

    def reading(self, key: bytes) -> PositionReading:
        """Everything that the answers say about one position."""
        place = self._place(key)
        tokens = self._tokens(place)
        if isinstance(place, Failure) or isinstance(tokens, Failure):
            missing = place if isinstance(place, Failure) else tokens
            assert isinstance(missing, Failure)  # noqa: S101 - one of the two is
            nothing = (missing,) * 5
            return PositionReading(key, place, tokens, *nothing)
        priced = self._priced(tokens)
        prices = priced.prices
        view: Mapping[str, int] | Failure = prices if isinstance(prices, Failure) else {}
        information = view
        if not isinstance(prices, Failure):
            view = self._figures(self._view(key, tokens, prices), _view_figures)
            information = self._figures(self._information(key, prices), _information_figures)
        return PositionReading(
            key,
            place,
            tokens,
            self._position(key, place, tokens),
            self._market(place, tokens),
            priced,
            view,
            information,
        )

    def _position_calls(self, key: bytes) -> Iterator[Call[Any]]:
        """A position's questions, as far as its place and its market's tokens are known."""
        yield from map(self._call, place_data(key))
        place = self._place(key, early=True)
        if isinstance(place, Failure):
            return
        yield from map(self._call, token_data(place.market))
        tokens = self._tokens(place, early=True)
        if isinstance(tokens, Failure):
            return
        wanted: list[Datum] = []

        def collect(one: Datum) -> Any:
            wanted.append(one)
            return self._early(one)

        build_position(key, place, tokens, collect)
        build_market(place, tokens, Discounts(), collect)
        yield from map(self._call, wanted)
        yield from self._price_calls(tokens)
        prices = self._priced(tokens).prices if self._are_priced(tokens) else None
        if isinstance(prices, MarketPrices) and not isinstance(self._tokens(place), Failure):
            yield self._view(key, tokens, prices)
            yield self._information(key, prices)

    def _price_calls(self, tokens: MarketTokens) -> Iterator[Call[Any]]:
        """The feeds of the tokens that the caller gave no price of, and scales nobody lists."""
        for address in (tokens.index, tokens.long, tokens.short):
            scale = self._scale(address)
            yield from scale.calls(self.answers)
            token = token_of(self._request.tokens, self._chain, address, scale.known(self.answers))
            if self._given.of_token(token) is None:
                yield feed_call(self._contracts["price_feed_provider"], address)

    def _are_priced(self, tokens: MarketTokens) -> bool:
        """Whether every question about the prices has been answered."""
        return all(call in self.answers for call in self._price_calls(tokens))

    def _priced(self, tokens: MarketTokens) -> TokenReading:
        return TokenReading(*map(self._price, (tokens.index, tokens.long, tokens.short)))

    def _price(self, address: str) -> PricedToken:
        decimals = self._scale(address).known(self.answers)
        token = token_of(self._request.tokens, self._chain, address, decimals)
        given = self._given.of_token(token)
        if given is not None:
            return PricedToken(token, given, CALLER)
        answer = self.answers[feed_call(self._contracts["price_feed_provider"], address)]
        return PricedToken(token, feed_price(token, answer), FEED)

    def _scale(self, address: str) -> Scale:
        return Scale(self._request, self._store, address)

    def _place(self, key: bytes, *, early: bool = False) -> Place | Failure:
        """Where the position is; its key proves the answer."""
        values = self._values(place_data(key), early=early)
        if isinstance(values, Failure):
            return values
        market, collateral, is_long = values
        place = Place(str(market).lower(), str(collateral).lower(), bool(is_long))
        owner = self._request.owner
        if position_key(owner, place.market, place.collateral, is_long=place.is_long) != key:
            detail = f"the fields of position 0x{key.hex()} do not hash to its key"
            return Failure(Reason.BAD_RETURN_DATA, "position_key", detail)
        return place

    def _tokens(self, place: Place | Failure, *, early: bool = False) -> MarketTokens | Failure:
        """The tokens of a position's market; one of them must back the position."""
        if isinstance(place, Failure):
            return place
        values = self._values(token_data(place.market), early=early)
        if isinstance(values, Failure):
            return values
        own, *tokens = (str(value).lower() for value in values)
        if own != place.market or _NOBODY in tokens or place.collateral not in tokens[1:]:
            detail = f"the market {place.market} does not exist, or not with this collateral"
            return Failure(Reason.BAD_RETURN_DATA, "market_tokens", detail)
        return MarketTokens(own, *tokens)

    def _position(self, key: bytes, place: Place, tokens: MarketTokens) -> Position | Failure:
        try:
            return build_position(key, place, tokens, self._strict)
        except _UnreadError as unread:
            return unread.failure

    def _market(self, place: Place, tokens: MarketTokens) -> Market | Failure:
        discounts = self._discounts()
        if isinstance(discounts, Failure):
            return discounts
        try:
            return build_market(place, tokens, discounts, self._strict)
        except _UnreadError as unread:
            return unread.failure

    def _discount_calls(self) -> Iterator[Call[Any]]:
        """The trader's tier, its discount, and the chain of questions behind a referral."""
        yield self._call(self._tier())
        tier = self.answers.get(self._call(self._tier()), self._remembered("tier"))
        if isinstance(tier, int) and tier:
            yield self._call(self._tier_discount(tier))
        yield from self._referral.calls(self.answers, self._remembered("referral"))

    def _discounts(self) -> Discounts | Failure:
        tier = self.answers[self._call(self._tier())]
        if isinstance(tier, Failure):
            return tier
        pro = self.answers[self._call(self._tier_discount(tier))] if tier else 0
        referral = self._referral.factor(self.answers)
        if isinstance(pro, Failure):
            return pro
        return referral if isinstance(referral, Failure) else Discounts(pro, referral)

    def _tier(self) -> Datum:
        return datum("getUint", "PRO_TRADER_TIER", self._request.owner)

    def _tier_discount(self, tier: int) -> Datum:
        return datum("getUint", "PRO_DISCOUNT_FACTOR", tier)

    def _view(self, key: bytes, tokens: MarketTokens, prices: MarketPrices) -> Call[Any]:
        """What the venue's view says, as a liquidation is checked."""
        market = (tokens.market, tokens.index, tokens.long, tokens.short)
        return _READER.all(
            self._contracts["reader"],
            "isPositionLiquidatable",
            *(self._store, self._contracts.get("referral_storage", _NOBODY), key, market),
            *(_pairs(prices), True, True),
        )

    def _information(self, key: bytes, prices: MarketPrices) -> Call[Any]:
        """The venue's figures for closing the whole position."""
        return _READER.one(
            self._contracts["reader"],
            "getPositionInfo",
            *(self._store, self._contracts.get("referral_storage", _NOBODY), key),
            *(_pairs(prices), 0, _NOBODY, True),
        )

    def _figures(self, call: Call[Any], convert: Any) -> Mapping[str, int] | Failure:
        answer = self.answers[call]
        if isinstance(answer, Failure):
            return answer
        figures: Mapping[str, int] = convert(answer)
        return figures

    def _values(self, data: tuple[Datum, ...], *, early: bool) -> list[Any] | Failure:
        """The values of all data, or the first failure; where asked early, those remembered."""
        values = []
        for one in data:
            call = self._call(one)
            value = self.answers.get(call)
            if value is None:
                value = self._remembered(call.data.hex()) if early else None
            if value is None:
                return Failure(Reason.RPC_UNAVAILABLE, "not_asked", one.name)
            if isinstance(value, Failure):
                return replace(value, detail=f"{one.name}: {value.detail}")
            values.append(value)
        return values

    def _early(self, one: Datum) -> Any:
        """A value to ask further by: answered, remembered, or empty."""
        call = self._call(one)
        value = self.answers.get(call, self._remembered(call.data.hex()))
        return _EMPTY.get(one.getter, 0) if value is None or isinstance(value, Failure) else value

    def _strict(self, one: Datum) -> Any:
        """The value that was read; without it nothing is built."""
        value = self.answers.get(self._call(one), Failure(Reason.RPC_UNAVAILABLE, "not_asked"))
        if isinstance(value, Failure):
            raise _UnreadError(replace(value, detail=f"{one.name}: {value.detail}"))
        return value

    def _call(self, one: Datum) -> Call[Any]:
        if one not in self._calls:
            self._calls[one] = _STORE.one(self._store, one.getter, one.key)
        return self._calls[one]

    def _remembered(self, name: str) -> Any:
        return self._request.facts.get(self._chain, self._store, self._fact(name))

    def _keep(self, name: str, value: object) -> None:
        if value is not None and not isinstance(value, Failure):
            self._request.facts.put(self._chain, self._store, self._fact(name), value)

    def _fact(self, name: str) -> str:
        """Where a hint is kept: what depends on the owner carries its address."""
        owned = name in {"positions", "referral", "tier"}
        return f"gmx/{name}/{self._request.owner.lower()}" if owned else f"gmx/{name}"


def _pairs(prices: MarketPrices) -> tuple[tuple[int, int], ...]:
    return tuple((each.min, each.max) for each in (prices.index, prices.long, prices.short))


def _view_figures(answer: tuple[Any, ...]) -> Mapping[str, int]:
    liquidatable, reason, (remaining, minimum, leverage) = answer
    return {
        "isPositionLiquidatable": int(liquidatable),
        # A reason that we do not know differs from every one that we do.
        "reason": REASONS.index(reason) if reason in REASONS else len(REASONS),
        "remainingCollateralUsd": remaining,
        "minCollateralUsd": minimum,
        "minCollateralUsdForLeverage": leverage,
    }


def _information_figures(answer: tuple[Any, ...]) -> Mapping[str, int]:
    """Places in the reader's ``PositionInfo`` and its ``PositionFees``."""
    _, _, fees, execution, base_profit, uncapped, _ = answer
    return {
        "fundingFeeAmount": fees[2][0],
        "borrowingFeeAmount": fees[3][1],
        "positionFeeAmount": fees[13],
        "totalDiscountAmount": fees[16],
        "totalCostAmount": fees[15],
        "priceImpactUsd": execution[0],
        "balanceWasImproved": int(execution[2]),
        "proportionalPendingImpactUsd": execution[3],
        "basePnlUsd": base_profit,
        "uncappedBasePnlUsd": uncapped,
    }
