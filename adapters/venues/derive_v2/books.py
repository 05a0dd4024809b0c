"""One subaccount's book under whichever manager judges it, and the same book at another price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from . import pmrm1, pmrm2, standard
from .holdings import OptionHolding, moved_expiry, moved_perp
from .pmrm1 import Pmrm1Book, Pmrm1Terms
from .pmrm2 import Collateral, Pmrm2Book, Pmrm2Terms
from .standard import MarketBook, StandardBook

__all__ = [
    "Book",
    "Margins",
    "Market",
    "Terms",
    "has_liability",
    "margins",
    "markets",
    "moved",
    "option_count",
    "spot_key",
    "with_cash",
]

Book = StandardBook | Pmrm1Book | Pmrm2Book
Terms = Pmrm1Terms | Pmrm2Terms
Market = MarketBook | Pmrm1Book | Pmrm2Book
M = TypeVar("M", MarketBook, Pmrm1Book, Pmrm2Book)


@dataclass(frozen=True, slots=True)
class Margins:
    """Net margins and market value with cash, in USD of 18 decimals."""

    initial: int
    maintenance: int
    mark_to_market: int

    @property
    def requirement(self) -> int:
        """What the market value has to be above: mark-to-market less the net MM."""
        return self.mark_to_market - self.maintenance


def margins(book: Book, terms: Terms | None) -> Margins:
    """The manager's answer; ``RuleError`` where the contract reverts."""
    if isinstance(book, StandardBook):
        found: standard.StandardFigures | pmrm1.Pmrm1Figures | pmrm2.Pmrm2Figures
        found = standard.figures(book)
    elif isinstance(book, Pmrm1Book) and isinstance(terms, Pmrm1Terms):
        found = pmrm1.figures(book, terms)
    elif isinstance(book, Pmrm2Book) and isinstance(terms, Pmrm2Terms):
        found = pmrm2.figures(book, terms)
    else:
        raise TypeError(f"{type(book).__name__} is not judged by {type(terms).__name__}")
    return Margins(found.initial, found.maintenance, found.mark_to_market)


def markets(book: Book) -> tuple[Market, ...]:
    """The book's markets: several under the StandardManager, one under the others."""
    return book.markets if isinstance(book, StandardBook) else (book,)


def with_cash(book: Book, cash: int) -> Book:
    """The same book with another amount of cash."""
    return replace(book, cash=cash)


def has_liability(book: Book) -> bool:
    """Whether the account can come to owe: borrowed cash, a short option, or a perp."""
    return book.cash < 0 or any(_owes(market) for market in markets(book))


def _owes(market: Market) -> bool:
    return bool(market.perp.position) or any(each.amount < 0 for each in _options(market))


def option_count(book: Book) -> int:
    """How many option positions the book holds."""
    return sum(1 for market in markets(book) for _ in _options(market))


def _options(market: Market) -> Iterator[OptionHolding]:
    return (option for expiry in market.expiries for option in expiry.options)


def spot_key(market: Market) -> str:
    """The asset whose price the market's spot feed gives: the underlying of derivatives held, else
    the token held; empty where neither is.
    """
    if market.perp.position or market.expiries:
        return market.underlying
    if isinstance(market, Pmrm2Book):
        return next((each.key for each in market.collaterals if each.shares_spot), "")
    return market.base_key if market.base else ""


def moved(book: Book, underlying: str, spot: int) -> Book:
    """The book with one market's spot at another price.

    Forwards and the perp keep their differences to spot, volatilities their strikes; rates, time,
    the stablecoin and collateral that another feed prices stand still.
    """
    if isinstance(book, StandardBook):
        parts = (
            _moved(market, spot) if market.underlying == underlying else market
            for market in book.markets
        )
        return replace(book, markets=tuple(parts))
    if book.underlying != underlying:
        return book
    if isinstance(book, Pmrm1Book):
        return _moved(book, spot)
    collaterals = tuple(_moved_collateral(each, spot) for each in book.collaterals)
    return replace(_moved(book, spot), collaterals=collaterals)


def _moved(market: M, spot: int) -> M:
    return replace(
        market,
        spot=spot,
        perp=moved_perp(market.perp, spot),
        expiries=tuple(moved_expiry(each, market.spot, spot) for each in market.expiries),
    )


def _moved_collateral(collateral: Collateral, spot: int) -> Collateral:
    return replace(collateral, price=spot) if collateral.shares_spot else collateral
