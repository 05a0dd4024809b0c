"""The rule over many scenarios at once, in ``float64``: prices moved by the legs' factors.

Amounts come from the legs, so that a changed leg changes the answer; feeds and parameters are the
rule's. Forwards and perps keep their differences to spot, volatilities their strikes (times the
scenario's own factor on volatility).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....core.book.model import Debt, Leg, Option, Perp, Spot
from ....core.book.rule import FloatArray, LegScenarios, RuleArrays
from ....core.errors import RuleError
from . import float_pmrm, float_standard
from .books import Book, Market, Terms, markets
from .floats import Base, Options, ShockedMarket, number
from .pmrm1 import Pmrm1Book, Pmrm1Terms
from .pmrm2 import Pmrm2Book, Pmrm2Terms
from .standard import MarketBook, StandardBook

__all__ = ["evaluate"]


def evaluate(
    book: Book,
    terms: Terms | None,
    cash_key: str,
    legs: Sequence[Leg],
    scenarios: LegScenarios,
    buffer_share: int,
    can_start: bool,
) -> RuleArrays:
    """The rule's arrays; ``RuleError`` on a leg that the venue's numbers do not cover.

    ``buffer_share`` is above 0 while a solvent auction runs.
    """
    count = scenarios.value.shape[1]
    sorted_legs = _Sorted(book, cash_key, legs, scenarios)
    cash = np.full(count, sorted_legs.cash)
    parts = [
        _market(book, terms, sorted_legs.shocked(market, scenarios), sorted_legs.stable)
        for market in markets(book)
    ]
    initial = sum((part[0] for part in parts), np.zeros(count))
    required = sum((part[1] for part in parts), np.zeros(count))
    equity = cash + sum((part[2] for part in parts), np.zeros(count))
    short = equity < required
    if buffer_share:
        short = short | (equity < required * (1.0 + number(buffer_share)))
    health = np.zeros(count)
    np.divide(equity, required, out=health, where=(required > 0.0) & (equity > 0.0))
    free = ~short & ((required <= 0.0) | (not sorted_legs.owes))
    health = np.where(free, np.inf, health)
    return RuleArrays(equity, initial, required, health, short & can_start)


def _market(
    book: Book, terms: Terms | None, market: ShockedMarket, stable: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One market's (initial requirement, maintenance requirement, value), without the cash."""
    if isinstance(book, StandardBook) and isinstance(market.book, MarketBook):
        return float_standard.requirements(market.book.terms, market, book, stable)
    if isinstance(book, Pmrm1Book) and isinstance(terms, Pmrm1Terms):
        return float_pmrm.pmrm1_requirements(book, terms, market, stable)
    if isinstance(book, Pmrm2Book) and isinstance(terms, Pmrm2Terms):
        return float_pmrm.pmrm2_requirements(book, terms, market, stable)
    raise RuleError("the manager's parameters were not read")


class _Sorted:
    """The legs by what they are: cash, and rows by underlying and by token."""

    def __init__(
        self, book: Book, cash_key: str, legs: Sequence[Leg], scenarios: LegScenarios
    ) -> None:
        self.cash = 0.0
        self.stable = np.full(scenarios.value.shape[1], number(book.stable))
        self.owes = False
        self._legs = legs
        self._derivatives: dict[str, list[int]] = {}
        self._tokens: dict[str, list[int]] = {}
        known = {(m.underlying, each.expiry) for m in markets(book) for each in m.expiries}
        for row, leg in enumerate(legs):
            self._sort(leg, row, cash_key, known, scenarios)
        self._check(book)

    def _sort(
        self,
        leg: Leg,
        row: int,
        cash_key: str,
        known: set[tuple[str, int]],
        scenarios: LegScenarios,
    ) -> None:
        if leg.failure is not None:
            raise RuleError(f"the leg {leg.id} was not read: the rule cannot be evaluated")
        held = leg.instrument
        if isinstance(held, Spot | Debt) and held.asset.key == cash_key:
            self.cash += float(leg.quantity)
            self.stable = self.stable * scenarios.factor[row]
            self.owes |= leg.quantity < 0
        elif isinstance(held, Option) and leg.status == "settled":
            if (held.underlying, held.expiry) not in known:
                self.cash += float(leg.accrued)
            else:
                self._derivatives.setdefault(held.underlying, []).append(row)
                self.owes |= leg.quantity < 0
        elif isinstance(held, Option | Perp):
            self._derivatives.setdefault(held.underlying, []).append(row)
            self.owes |= leg.quantity < 0 or isinstance(held, Perp)
        elif isinstance(held, Spot):
            self._tokens.setdefault(held.asset.key, []).append(row)
        else:
            raise RuleError(f"a subaccount cannot hold leg {leg.id!r} ({type(held).__name__})")

    def _check(self, book: Book) -> None:
        """Every leg is of a market, an expiry or a token that the rule has numbers of."""
        underlyings = {market.underlying for market in markets(book)}
        tokens = {key for market in markets(book) for key in _token_keys(market)}
        for strange in (self._derivatives.keys() - underlyings) | (self._tokens.keys() - tokens):
            raise RuleError(f"the account was not read with anything of {strange!r}")

    def shocked(self, market: Market, scenarios: LegScenarios) -> ShockedMarket:
        """The market's holdings by the legs, with spot moved as its first leg is."""
        rows = self._derivatives.get(market.underlying, [])
        bases = self._bases(market, scenarios)
        factor = np.ones(scenarios.value.shape[1])
        if rows:
            factor = _market_factor(self._legs, rows, scenarios)
        elif any(base.shares_spot for base in bases):
            factor = next(base.factor for base in bases if base.shares_spot)
        position = sum(
            float(self._legs[row].quantity)
            for row in rows
            if isinstance(self._legs[row].instrument, Perp)
        )
        options = Options.of(market, self._legs, rows, scenarios)
        return ShockedMarket(market, factor, position, options, bases)

    def _bases(self, market: Market, scenarios: LegScenarios) -> list[Base]:
        found = []
        for key, shares_spot in _token_keys(market).items():
            for row in self._tokens.get(key, []):
                amount = float(self._legs[row].quantity)
                found.append(Base(key, amount, scenarios.factor[row], shares_spot))
        return found


def _market_factor(legs: Sequence[Leg], rows: Sequence[int], scenarios: LegScenarios) -> FloatArray:
    """The move of the market's spot: the perp's where one is held."""
    perps = [row for row in rows if isinstance(legs[row].instrument, Perp)]
    return np.asarray(scenarios.factor[(perps or list(rows))[0]])


def _token_keys(market: Market) -> dict[str, bool]:
    """The tokens of the market, and whether its spot feed prices them."""
    if isinstance(market, Pmrm2Book):
        return {each.key: each.shares_spot for each in market.collaterals}
    return {market.base_key: True} if market.base_key else {}
