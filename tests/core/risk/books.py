"""Books for the tests of the margin model, by hand and at random."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from hypothesis import strategies as st

from crossmargin.core.book.market import Market, Quote
from crossmargin.core.book.model import Asset, Debt, Leg, MarginAccount, Option, Perp, Spot
from crossmargin.core.book.portfolio import BlockRef, Book, Portfolio
from crossmargin.core.risk import margin
from crossmargin.core.risk.rules import LendingRule, LendingTerms, NoRule, PerpRule

AS_OF = 1_793_520_000  # 2026-11-01T08:00:00Z
IN_30_DAYS = AS_OF + 30 * 86_400
ETH = Asset("ETH", "ETH", "ETH")
BTC = Asset("BTC", "BTC", "BTC")
SOL = Asset("SOL", "SOL", "SOL")
STETH = Asset("stETH", "stETH", "ETH", "lst")
USDC = Asset("USDC", "USDC", "USDC", "stable", 6)
USDT = Asset("USDT", "USDT", "USDT", "stable", 6)
USD = Asset("USD", "USD", "USD", "usd")
PRICES = {"ETH": "3000", "BTC": "60000", "SOL": "150", "stETH": "2990", "USDC": "1", "USDT": "1"}
BLOCK = BlockRef("eip155:42161", 400_000_000, "0x" + "00" * 32, AS_OF)


def market(prices: dict[str, str] | None = None, strikes=None) -> Market:
    """The prices above, 60% volatility everywhere, no interest."""
    spot = {name: Quote(Decimal(price)) for name, price in (prices or PRICES).items()}
    vol = {name: Quote(Decimal("0.6")) for name in ("ETH", "BTC", "SOL")}
    return Market(spot, vol, strikes=strikes or {})


def spot(leg: str, asset: Asset, quantity: object) -> Leg:
    """A token that is owned."""
    return Leg(leg, Spot(asset), Decimal(str(quantity)))


def debt(leg: str, asset: Asset, owed: object) -> Leg:
    """A token that is owed; ``owed`` is positive."""
    return Leg(leg, Debt(asset), -Decimal(str(owed)))


def perp(leg: str, underlying: str, quantity: object, entry: object) -> Leg:
    """A perpetual future with its entry price."""
    return Leg(leg, Perp(underlying), Decimal(str(quantity)), entry_price=Decimal(str(entry)))


def option(
    leg: str, right: Literal["call", "put"], strike: object, quantity: object, vol: object = "0.6"
) -> Leg:
    """A 30-day option on ETH."""
    instrument = Option("ETH", right, Decimal(str(strike)), IN_30_DAYS)
    return Leg(leg, instrument, Decimal(str(quantity)), vol=Decimal(str(vol)))


def account(venue: str, *legs: Leg, rule=None) -> MarginAccount:
    """An account; without a rule nothing can be liquidated there."""
    return MarginAccount(venue, "1", "eip155:42161", "0xowner", legs, rule or NoRule())


def lending(venue: str, *legs: Leg, threshold: str = "0.83") -> MarginAccount:
    """A lending account whose collateral all has one liquidation threshold."""
    terms = LendingTerms(Decimal(threshold), Decimal("0.8"))
    return account(venue, *legs, rule=LendingRule({leg.id: terms for leg in legs}))


def perps(venue: str, *legs: Leg) -> MarginAccount:
    """A perp account: initial 2%, maintenance 1.56%."""
    return account(venue, *legs, rule=PerpRule(Decimal("0.02"), Decimal("0.0156")))


def book(
    *accounts: MarginAccount,
    wallet: Iterable[Leg] = (),
    model: Mapping[str, object] | None = None,
    quotes: Market | None = None,
) -> Book:
    """A book of these accounts at the market above."""
    portfolio = Portfolio("0xowner", ("0xowner",), (BLOCK,), accounts, tuple(wallet))
    return Book(portfolio, quotes or market(), model or {})


def assess(one: Book) -> Any:
    """The book's report, untyped: a test knows which figures its own book leaves null."""
    return margin.assess(one)


_RIGHTS: tuple[Literal["call", "put"], ...] = ("call", "put")
_SIZES = st.integers(-400, 400).filter(bool).map(lambda tenths: Decimal(tenths) / 10)
_OWNED = st.integers(1, 400).map(lambda tenths: Decimal(tenths) / 10)


def _cash(asset: Asset) -> st.SearchStrategy[Leg]:
    return st.integers(1, 90_000).map(lambda amount: spot("", asset, amount))


_LEGS = st.one_of(
    st.tuples(st.sampled_from([ETH, BTC, SOL, STETH]), _OWNED).map(lambda it: spot("", *it)),
    st.sampled_from([USDC, USDT, USD]).flatmap(_cash),
    st.integers(1, 50_000).map(lambda owed: debt("", USDC, owed)),
    st.tuples(st.sampled_from([ETH, SOL]), _OWNED).map(lambda it: debt("", *it)),
    st.tuples(st.sampled_from(["ETH", "BTC", "SOL"]), _SIZES).map(
        lambda it: perp("", it[0], it[1], PRICES[it[0]])
    ),
    st.tuples(st.sampled_from(_RIGHTS), st.sampled_from([2400, 3000, 3600]), _SIZES).map(
        lambda it: option("", *it)
    ),
)


def _numbered(legs: list[Leg]) -> tuple[Leg, ...]:
    return tuple(
        Leg(str(index), leg.instrument, leg.quantity, leg.entry_price, leg.vol)
        for index, leg in enumerate(legs)
    )


def _at(venue: str, legs: list[Leg]) -> MarginAccount:
    numbered = _numbered(legs)
    if any(isinstance(leg.instrument, Perp | Option) for leg in numbered):
        return perps(venue, *numbered)
    return lending(venue, *numbered)


LEGS = st.lists(_LEGS, min_size=1, max_size=4)
BOOKS = st.lists(LEGS, min_size=1, max_size=3).map(
    lambda accounts: book(*(_at(f"venue-{index}", legs) for index, legs in enumerate(accounts)))
)
