"""Rules and legs from the recorded cases, so that the fast rule can be asked about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from crossmargin.adapters.venues.derive_v2.books import Book, Market, markets
from crossmargin.adapters.venues.derive_v2.cases import (
    pmrm1_of_case,
    pmrm2_of_case,
    standard_of_case,
)
from crossmargin.adapters.venues.derive_v2.holdings import ExpiryHolding
from crossmargin.adapters.venues.derive_v2.pmrm2 import Pmrm2Book
from crossmargin.adapters.venues.derive_v2.rule import DeriveRule
from crossmargin.adapters.venues.derive_v2.standard import StandardBook
from crossmargin.core.book.model import Asset, Leg, Option, Perp, Spot
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.units import WAD, decimal_of

_START = 1_630_000_000


def rule_of_case(suite: str, inputs: Mapping[str, Any]) -> DeriveRule:
    """The rule with the case's numbers, its markets and tokens named by their place."""
    if suite == "standard":
        whole = standard_of_case(inputs)
        named = tuple(_named(market, f"U{place}") for place, market in enumerate(whole.markets))
        return DeriveRule(_START, replace(whole, markets=named), None, whole.cash)
    if suite == "pmrm1":
        first, terms = pmrm1_of_case(inputs)
        return DeriveRule(_START, _named(first, "U0"), terms, first.cash)
    second, terms2 = pmrm2_of_case(inputs)
    tokens = tuple(
        replace(each, key=f"T{place}", shares_spot=each.price == second.spot)
        for place, each in enumerate(second.collaterals)
    )
    book = replace(_named(second, "U0"), collaterals=tokens)
    return DeriveRule(_START, book, terms2, second.cash)


def _named(market: Any, name: str) -> Any:
    """The market with its name, and a key for each expiry."""
    expiries = tuple(
        replace(each, expiry=_START + each.seconds) for each in _merged(market.expiries)
    )
    base = {} if isinstance(market, Pmrm2Book) else {"base_key": f"{name}-base"}
    held = market.perp
    perp = replace(held, last_mark=held.price, difference=held.price - market.spot, cap=9 * WAD)
    return replace(market, underlying=name, expiries=expiries, perp=perp, **base)


def _merged(expiries: tuple[ExpiryHolding, ...]) -> tuple[ExpiryHolding, ...]:
    assert len({each.seconds for each in expiries}) == len(expiries)
    return expiries


def legs_of(rule: DeriveRule) -> tuple[Leg, ...]:
    """The account's legs, as a reader would write them."""
    book = rule.settled_book()
    assert book is not None
    cash = Leg("cash", Spot(_asset("USDC")), decimal_of(book.cash, 18))
    return (cash, *(leg for market in markets(book) for leg in _legs(book, market)))


def _legs(book: Book, market: Market) -> Iterator[Leg]:
    name = market.underlying
    if market.perp.position:
        yield Leg(f"perp-{name}", Perp(name), decimal_of(market.perp.position, 18))
    for expiry in market.expiries:
        for place, option in enumerate(expiry.options):
            right = "call" if option.is_call else "put"
            strike = decimal_of(option.strike, 18)
            yield Leg(
                f"option-{name}-{expiry.expiry}-{place}",
                Option(name, right, strike, expiry.expiry),  # type: ignore[arg-type]
                decimal_of(option.amount, 18),
                vol=decimal_of(option.volatility, 18),
            )
    if isinstance(market, Pmrm2Book):
        for token in market.collaterals:
            yield Leg(token.key, Spot(_asset(token.key)), decimal_of(token.amount, 18))
    elif market.base:
        key = market.base_key
        yield Leg(key, Spot(_asset(key)), decimal_of(market.base, 18))
    assert isinstance(book, StandardBook | type(market))


def _asset(key: str) -> Asset:
    return Asset(key, key, key)


def scenarios(rule: DeriveRule, legs: tuple[Leg, ...], factor: float = 1.0) -> LegScenarios:
    """One scenario in which every market's spot moves by the same factor, and nothing else."""
    still = {"USDC"}
    for market in () if rule.book is None else markets(rule.book):
        if isinstance(market, Pmrm2Book):
            still |= {each.key for each in market.collaterals if not each.shares_spot}
    fixed = [isinstance(leg.instrument, Spot) and leg.instrument.asset.key in still for leg in legs]
    factors = np.array([[1.0 if each else factor] for each in fixed])
    return LegScenarios(np.zeros_like(factors), np.ones_like(factors), factors)
