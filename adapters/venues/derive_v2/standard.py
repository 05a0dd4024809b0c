"""StandardManager: every market margined by itself and summed, options netted per expiry.

Source: v2-core ``StandardManager.sol``. ``margin`` is net: value less requirement. The base token's
margin counts at its USD price, its market value is divided by the stablecoin's price.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import WAD
from .black76 import prices
from .fixed_point import div, mul
from .holdings import NO_PERP, ExpiryHolding, OptionHolding, PerpHolding

__all__ = ["MarketBook", "StandardBook", "StandardFigures", "StandardTerms", "figures"]


@dataclass(frozen=True, slots=True)
class StandardTerms:
    """One market's parameters."""

    perp_mm: int
    perp_im: int
    max_spot: int
    min_spot: int
    mm_call_spot: int
    mm_put_spot: int
    mm_put_value: int
    unpaired_im: int
    unpaired_mm: int
    mm_offset: int
    perp_threshold: int
    option_threshold: int
    base_threshold: int
    doubt_factor: int
    base_factor: int
    base_im_scale: int


@dataclass(frozen=True, slots=True)
class MarketBook:
    """What the account holds in one market, with its parameters; ``base`` is a token amount.

    ``underlying`` names what the spot feed prices, ``base_key`` the base token.
    """

    terms: StandardTerms
    spot: int
    spot_confidence: int
    perp: PerpHolding = NO_PERP
    base: int = 0
    expiries: tuple[ExpiryHolding, ...] = ()
    underlying: str = ""
    base_key: str = ""


@dataclass(frozen=True, slots=True)
class StandardBook:
    """The account's cash and markets, and what a lost peg costs."""

    cash: int
    stable: int
    depeg_threshold: int
    depeg_factor: int
    markets: tuple[MarketBook, ...] = ()


@dataclass(frozen=True, slots=True)
class StandardFigures:
    """The manager's answer; ``mark_to_market`` holds the cash too."""

    initial: int
    maintenance: int
    mark_to_market: int


def figures(book: StandardBook) -> StandardFigures:
    """IM, MM and market value; ``RuleError`` where the contract reverts."""
    depeg = mul(max(book.depeg_threshold - book.stable, 0), book.depeg_factor)
    initial = sum(_market_margin(each, True, depeg) for each in book.markets)
    maintenance = sum(_market_margin(each, False, 0) for each in book.markets)
    value = sum(_market_value(each, book.stable) for each in book.markets)
    return StandardFigures(book.cash + initial, book.cash + maintenance, book.cash + value)


def _market_value(market: MarketBook, stable: int) -> int:
    """The market's USD value, without any margin."""
    options = (_mark(option, expiry) for expiry in market.expiries for option in expiry.options)
    base = div(mul(market.base, market.spot), stable) if market.base else 0
    unsettled = market.perp.unsettled if market.perp.position else 0
    return sum(options) + unsettled + base


def _market_margin(market: MarketBook, initial: bool, depeg: int) -> int:
    """The market's net margin."""
    shorts = sum(_shorts(expiry) for expiry in market.expiries)
    exposed = abs(market.perp.position) + shorts
    margin = -mul(mul(exposed, depeg), market.spot)
    margin += _perp_margin(market, initial) + _base_margin(market, initial)
    margin += sum(_expiry_margin(market, expiry, initial) for expiry in market.expiries)
    return margin + (market.perp.unsettled if market.perp.position else 0)


def _shorts(expiry: ExpiryHolding) -> int:
    return sum(-option.amount for option in expiry.options if option.amount < 0)


def _perp_margin(market: MarketBook, initial: bool) -> int:
    """The requirement of the perp at its own price, negative."""
    size, terms = abs(market.perp.position), market.terms
    if not size:
        return 0
    share = terms.perp_im if initial else terms.perp_mm
    margin = -mul(mul(size, market.perp.price), share)
    confidence = min(market.perp.confidence, market.spot_confidence)
    if initial and terms.perp_threshold and confidence < terms.perp_threshold:
        margin -= mul(mul(mul(WAD - confidence, terms.doubt_factor), market.spot), size)
    return margin


def _base_margin(market: MarketBook, initial: bool) -> int:
    """What the base token counts for, positive (less what a doubtful price takes)."""
    terms = market.terms
    notional = mul(market.base, market.spot)
    margin = mul(notional, terms.base_factor)
    if not initial:
        return margin
    margin = mul(margin, terms.base_im_scale)
    if margin and terms.base_threshold and market.spot_confidence < terms.base_threshold:
        margin -= mul(mul(WAD - market.spot_confidence, terms.doubt_factor), notional)
    return margin


def _expiry_margin(market: MarketBook, expiry: ExpiryHolding, initial: bool) -> int:
    """The better of the isolated margins and the largest loss at expiry."""
    if not expiry.forward:
        raise RuleError("the contract reverts: no forward price")
    terms = market.terms
    isolated = sum(_isolated(market, expiry, option, initial) for option in expiry.options)
    strikes = {0, *(option.strike for option in expiry.options)}
    loss = min(min(_payoff(expiry, price), 0) for price in strikes)
    calls = sum(option.amount for option in expiry.options if option.is_call)
    if calls < 0:
        scale = terms.unpaired_im if initial else terms.unpaired_mm
        loss += mul(mul(scale, expiry.forward), calls)
    margin = max(isolated, loss)
    confidence = min(
        market.spot_confidence, expiry.forward_confidence, expiry.volatility_confidence
    )
    if initial and terms.option_threshold and confidence < terms.option_threshold:
        share = mul(mul(WAD - confidence, terms.doubt_factor), market.spot)
        margin -= mul(share, _shorts(expiry))
    return margin


def _payoff(expiry: ExpiryHolding, price: int) -> int:
    """What the expiry pays if it settles at the price."""
    total = 0
    for option in expiry.options:
        inside = price - option.strike if option.is_call else option.strike - price
        if inside > 0:
            total += mul(inside, option.amount)
    return total


def _mark(option: OptionHolding, expiry: ExpiryHolding) -> int:
    """The option's undiscounted Black-76 value, negative for a short."""
    call, put = prices(expiry.seconds, option.volatility, expiry.forward, option.strike, WAD)
    return mul(call if option.is_call else put, option.amount)


def _isolated(
    market: MarketBook, expiry: ExpiryHolding, option: OptionHolding, initial: bool
) -> int:
    """A short option's own net margin; a long option has none."""
    if option.amount > 0:
        return 0
    terms, spot = market.terms, market.spot
    mark = _mark(option, expiry)
    away = option.strike - spot if option.is_call else spot - option.strike
    out = div(away, spot) if away > 0 else 0
    standing = mul(mul(max(terms.max_spot - out, terms.min_spot), spot), option.amount) + mark
    if option.is_call:
        return standing if initial else mark + mul(mul(terms.mm_call_spot, spot), option.amount)
    maintenance = mark + min(
        mul(mul(terms.mm_put_spot, spot), option.amount), mul(terms.mm_put_value, mark)
    )
    return min(standing, mul(maintenance, terms.mm_offset)) if initial else maintenance
