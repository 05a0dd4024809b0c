"""From a reading to the book that the rule judges, the legs that a portfolio shows, and prices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ....core.book.model import Asset, Debt, Leg, Option, Perp, RawAmount, Spot
from ....core.errors import Failure
from ....core.units import decimal_of
from ...base import Price, ReadRequest
from .books import Book, Terms
from .feeds import PerpReading
from .holdings import NO_PERP, PerpHolding
from .managers import Kind, StandardMarket
from .pmrm1 import Pmrm1Book
from .pmrm2 import Collateral, Pmrm2Book
from .questions import UnreadError
from .reading import ExpiryReading, MarketReading, Position, TokenReading, option_of
from .rule import VENUE
from .standard import MarketBook, StandardBook
from .subaccount import ManagerReading, SubaccountReading

__all__ = ["Naming", "book_of", "legs_of", "prices_of"]


class Naming:
    """What things are called: the cash, each market's underlying, each token."""

    def __init__(self, request: ReadRequest) -> None:
        self._request, self._chain = request, request.deployment.chain_id
        names = request.deployment.settings.get("underlyings", {})
        self._names: Mapping[str, str] = {str(k).lower(): str(v) for k, v in names.items()}
        usdc = request.deployment.contracts["usdc"]
        self.cash = request.tokens.at(self._chain, usdc, symbol="USDC", decimals=6)

    def underlying(self, market: MarketReading) -> str:
        """The market's underlying: its listed name, else its token, else an asset's address."""
        for address in market.known_by:
            if address in self._names:
                return self._names[address]
        if market.tokens and market.perp is None and not market.expiries:
            return self.token(market.tokens[0]).key
        return f"{self._chain}/{next(iter(market.known_by), '')}"

    def quoted(self, market: MarketReading) -> Asset:
        """The underlying as an asset that a price can be of."""
        return self._request.tokens.named(self.underlying(market))

    def token(self, reading: TokenReading) -> Asset:
        """The token behind a wrapped asset; one that no market prices where it was not read."""
        if isinstance(reading.token, Failure):
            return self.unknown(reading.position.asset)
        decimals = 18 if isinstance(reading.decimals, Failure) else reading.decimals
        return self._request.tokens.at(self._chain, reading.token, decimals=decimals)

    def unknown(self, address: str) -> Asset:
        """An asset that was not read."""
        key = f"{self._chain}/{address}"
        return Asset(key, address, key, chain_id=self._chain, known=False)


def _known(value: Any | Failure) -> Any:
    """The value; ``UnreadError`` for a failure."""
    if isinstance(value, Failure):
        raise UnreadError(value)
    return value


def book_of(reading: SubaccountReading, naming: Naming) -> tuple[Book | None, Terms | None]:
    """The book with the cash of the last touch, and the parameters; None where a part is missing."""
    try:
        manager: ManagerReading = _known(reading.manager)
        if reading.strangers:
            raise UnreadError(reading.strangers[0][3])
        _known(reading.balances)
        return _book(reading, manager, naming), _known(manager.terms)
    except UnreadError:
        return None, None


def _book(reading: SubaccountReading, manager: ManagerReading, naming: Naming) -> Book:
    stable: int = _known(manager.stable)
    if manager.kind is Kind.STANDARD:
        markets = tuple(_standard(manager, each, naming) for each in reading.markets)
        threshold, factor = _known(manager.depeg)
        return StandardBook(reading.cash, stable, threshold, factor, markets)
    _known(manager.terms)
    (market,) = reading.markets
    spot, confidence = _known(market.spot)
    name, perp = naming.underlying(market), _perp(market)
    expiries = tuple(each.holding for each in _expiries(market) if each.holding is not None)
    if manager.kind is Kind.PMRM1:
        amount, key = _base(market, naming)
        return Pmrm1Book(reading.cash, spot, confidence, stable, perp, amount, expiries, name, key)
    collaterals = tuple(_collateral(manager, market, each, naming) for each in market.tokens)
    return Pmrm2Book(reading.cash, spot, confidence, stable, perp, collaterals, expiries, name)


def _standard(manager: ManagerReading, market: MarketReading, naming: Naming) -> MarketBook:
    found: StandardMarket = _known((manager.standard or {})[market.market])
    spot, confidence = _known(market.spot)
    amount, key = _base(market, naming)
    expiries = tuple(each.holding for each in _expiries(market) if each.holding is not None)
    name = naming.underlying(market)
    return MarketBook(found.terms, spot, confidence, _perp(market), amount, expiries, name, key)


def _perp(market: MarketReading) -> PerpHolding:
    if market.perp is None:
        return NO_PERP
    reading: PerpReading = _known(market.perp[1])
    return reading.holding


def _expiries(market: MarketReading) -> list[ExpiryReading]:
    return [_known(reading) for _, _, reading in market.expiries]


def _base(market: MarketReading, naming: Naming) -> tuple[int, str]:
    """The market's token: how much of it, and its key."""
    for token in market.tokens:
        return token.position.balance, naming.token(token).key
    return 0, ""


def _collateral(
    manager: ManagerReading, market: MarketReading, token: TokenReading, naming: Naming
) -> Collateral:
    price, confidence = _known(token.price)
    cancelling, mm, im = _known((manager.haircuts or {})[token.position.asset])
    feeds = _known(market.feeds)
    return Collateral(
        token.position.balance,
        price,
        confidence,
        cancelling,
        mm,
        im,
        naming.token(token).key,
        token.feed == feeds.spot,
    )


def legs_of(request: ReadRequest, reading: SubaccountReading, naming: Naming) -> Iterator[Leg]:
    """Cash with interest, then the positions of each market, then what nobody could name."""
    if isinstance(reading.balances, Failure):
        return
    yield from _cash_leg(request, reading, naming)
    for market in reading.markets:
        yield from _market_legs(request, market, naming)
    for asset, sub_id, _, failure in reading.strangers:
        instrument = Spot(naming.unknown(asset))
        yield Leg(f"{asset}-{sub_id}", instrument, Decimal(0), failure=failure)


def _cash_leg(request: ReadRequest, reading: SubaccountReading, naming: Naming) -> Iterator[Leg]:
    contract = request.deployment.contracts["cash"]
    call = f"calculateBalanceWithInterest({reading.number})"
    owes = reading.cash < 0
    instrument = Debt(naming.cash) if owes else Spot(naming.cash)
    if isinstance(reading.cash_now, Failure):
        if reading.cash:
            yield Leg("cash", instrument, Decimal(0), failure=reading.cash_now)
    elif reading.cash_now:
        raw = RawAmount(reading.cash_now, 18, contract, call)
        yield Leg("cash", instrument, decimal_of(reading.cash_now, 18), raw=raw)


def _market_legs(request: ReadRequest, market: MarketReading, naming: Naming) -> Iterator[Leg]:
    name = naming.underlying(market)
    if market.perp is not None:
        yield _perp_leg(request, name, market)
    for _, held, reading in market.expiries:
        for place, position in enumerate(held):
            yield _option_leg(request, name, position, place, reading)
    for token in market.tokens:
        position, missing = token.position, token.token
        failure = missing if isinstance(missing, Failure) else None
        quantity = Decimal(0) if failure else decimal_of(position.balance, 18)
        asset = naming.token(token)
        raw = _raw(request, position)
        yield Leg(f"token-{position.asset}", Spot(asset), quantity, raw=raw, failure=failure)


def _raw(request: ReadRequest, position: Position) -> RawAmount:
    ledger = request.deployment.contracts["sub_accounts"]
    call = f"getAccountBalances: {position.asset} {position.sub_id}"
    return RawAmount(position.balance, 18, ledger, call)


def _perp_leg(request: ReadRequest, name: str, market: MarketReading) -> Leg:
    """The perp; what its price is away from spot is in the accrued cash, so that the leg's value is
    the venue's unsettled cash at the venue's spot.
    """
    assert market.perp is not None  # noqa: S101 - the caller asked
    position, reading = market.perp
    instrument, raw = Perp(name), _raw(request, position)
    if isinstance(reading, Failure) or isinstance(market.spot, Failure):
        failure = reading if isinstance(reading, Failure) else market.spot
        missing = failure if isinstance(failure, Failure) else None
        return Leg(f"perp-{name}", instrument, Decimal(0), raw=raw, failure=missing)
    size, entry = decimal_of(position.balance, 18), decimal_of(reading.holding.last_mark, 18)
    spot = decimal_of(market.spot[0], 18)
    accrued = decimal_of(reading.holding.unsettled, 18) - size * (spot - entry)
    return Leg(f"perp-{name}", instrument, size, entry, accrued=accrued, raw=raw)


def _option_leg(
    request: ReadRequest,
    name: str,
    position: Position,
    place: int,
    reading: ExpiryReading | Failure,
) -> Leg:
    expiry, strike, is_call = option_of(position.sub_id)
    instrument = Option(
        name, "call" if is_call else "put", decimal_of(strike, 18), expiry, "USDC", "cash"
    )
    identity = f"option-{position.asset}-{position.sub_id}"
    quantity, raw = decimal_of(position.balance, 18), _raw(request, position)
    expired = expiry <= request.block.timestamp
    if isinstance(reading, Failure):
        leg = Leg(identity, instrument, quantity, raw=raw, failure=reading)
        return replace(leg, status="expired_unsettled") if expired else leg
    vol = None
    if reading.holding is not None:
        vol = decimal_of(reading.holding.options[place].volatility, 18)
    if not expired:
        return Leg(identity, instrument, quantity, vol=vol, raw=raw)
    payout = reading.payouts.get(position.sub_id)
    if payout is None:
        return Leg(identity, instrument, quantity, vol=vol, raw=raw, status="expired_unsettled")
    paid = decimal_of(payout, 18)
    return Leg(identity, instrument, quantity, vol=vol, accrued=paid, raw=raw, status="settled")


def prices_of(request: ReadRequest, reading: SubaccountReading, naming: Naming) -> Iterator[Price]:
    """The feeds' USD prices: underlyings, tokens, and the stablecoin."""
    del request
    manager = reading.manager
    if not isinstance(manager, Failure) and not isinstance(manager.stable, Failure):
        yield Price(naming.cash, decimal_of(manager.stable, 18), f"{VENUE} stable feed")
    for market in reading.markets:
        if not isinstance(market.spot, Failure):
            price = decimal_of(market.spot[0], 18)
            yield Price(naming.quoted(market), price, f"{VENUE} spot feed")
        yield from _token_prices(market.tokens, naming)


def _token_prices(tokens: Sequence[TokenReading], naming: Naming) -> Iterator[Price]:
    for token in tokens:
        if not isinstance(token.price, Failure):
            price = decimal_of(token.price[0], 18)
            yield Price(naming.token(token), price, f"{VENUE} spot feed")
