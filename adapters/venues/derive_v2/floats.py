"""The float side's view of one market in S scenarios: spot, perp, forwards, options, tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ....core.book.model import Leg, Option
from ....core.book.rule import BoolArray, FloatArray, LegScenarios
from ....core.errors import RuleError
from ....core.units import to_float
from ....core.value.pricing import black76
from .books import Market
from .fixed_point import SECONDS_PER_YEAR
from .holdings import ExpiryHolding

__all__ = ["Base", "ExpiryOptions", "Options", "ShockedMarket", "number"]


def number(raw: int) -> float:
    """An integer of 18 decimals as a float."""
    return to_float(raw, 18)


@dataclass(frozen=True, slots=True)
class Base:
    """A token held; ``factor`` [S] is its price over today's."""

    key: str
    amount: float
    factor: FloatArray
    shares_spot: bool


@dataclass(frozen=True, slots=True)
class ExpiryOptions:
    """One expiry's options: [n, 1] columns, ``volatility`` [n, S] as the scenario has it."""

    holding: ExpiryHolding
    strike: FloatArray
    call: BoolArray
    amount: FloatArray
    volatility: FloatArray

    @property
    def tenor(self) -> float:
        """Years to expiry."""
        return self.holding.seconds / SECONDS_PER_YEAR

    def forward(self, market: ShockedMarket, shock: float = 1.0) -> FloatArray:
        """The forward [S], its variable part times the manager's own shock."""
        fixed, variable = number(self.holding.forward_fixed), self._variable(market)
        return fixed + variable * shock

    def _variable(self, market: ShockedMarket) -> FloatArray:
        today = number(self.holding.forward_variable)
        if self.holding.forward_fixed or not self.holding.seconds:
            return today * market.factor
        return np.maximum(today + market.spot - number(market.book.spot), 0.0)

    def marks(
        self, forward: FloatArray, volatility: FloatArray, discount: float = 1.0
    ) -> FloatArray:
        """Signed USD value of each option, [n, S]."""
        unit = black76(forward, self.strike, volatility, self.tenor, self.call, discount)
        return np.asarray(self.amount * unit)

    def naked(self) -> float:
        """Short contracts that no long option of the same strike covers."""
        total = 0.0
        for strike in np.unique(self.strike):
            amounts = self.amount[self.strike == strike]
            both_short = bool((amounts < 0).all())
            net = -float(amounts.sum())
            total += net if both_short else max(net, 0.0) if (amounts < 0).any() else 0.0
        return total


@dataclass(frozen=True, slots=True)
class Options:
    """The market's options by expiry."""

    expiries: tuple[ExpiryOptions, ...]

    @classmethod
    def of(
        cls, market: Market, legs: Sequence[Leg], rows: Sequence[int], scenarios: LegScenarios
    ) -> Options:
        """The option legs, sorted by the expiries that the rule knows."""
        by_expiry: dict[int, list[int]] = {}
        for row in rows:
            held = legs[row].instrument
            if isinstance(held, Option):
                by_expiry.setdefault(held.expiry, []).append(row)
        return cls(tuple(_expiries(market, legs, by_expiry, scenarios)))


def _expiries(
    market: Market,
    legs: Sequence[Leg],
    by_expiry: dict[int, list[int]],
    scenarios: LegScenarios,
) -> Iterator[ExpiryOptions]:
    known = {each.expiry: each for each in market.expiries}
    for expiry, rows in by_expiry.items():
        if expiry not in known:
            raise RuleError(f"the account was not read with options that expire at {expiry}")
        volatility = np.array([[float(legs[row].vol or 0)] for row in rows])
        if scenarios.volatility is not None:
            volatility = volatility * scenarios.volatility[rows]
        else:
            volatility = np.repeat(volatility, scenarios.value.shape[1], axis=1)
        held = [legs[row].instrument for row in rows]
        options = [each for each in held if isinstance(each, Option)]
        yield ExpiryOptions(
            known[expiry],
            np.array([[float(each.strike)] for each in options]),
            np.array([[each.right == "call"] for each in options]),
            np.array([[float(legs[row].quantity)] for row in rows]),
            volatility,
        )


@dataclass(frozen=True, slots=True)
class ShockedMarket:
    """One market in S scenarios; ``factor`` [S] is its spot over today's, ``position`` the perp's."""

    book: Market
    factor: FloatArray
    position: float
    options: Options
    bases: Sequence[Base]

    @property
    def spot(self) -> FloatArray:
        """The market's spot, [S]."""
        return np.asarray(number(self.book.spot) * self.factor)

    @property
    def perp_price(self) -> FloatArray:
        """The perp's price: spot and its difference, held within the cap; [S]."""
        perp = self.book.perp
        if perp.frozen:
            return np.full_like(self.factor, number(perp.price))
        most = self.spot * number(perp.cap)
        return np.asarray(self.spot + np.clip(number(perp.difference), -most, most))

    @property
    def unsettled(self) -> FloatArray:
        """The perp's result and funding at that price, [S]."""
        perp = self.book.perp
        moved = self.perp_price - number(perp.price) if self.position else 0.0
        return np.asarray(number(perp.unsettled) + self.position * moved + 0.0 * self.factor)
