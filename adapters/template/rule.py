"""The template venue's margin rule, in its own integers.

The contract allows a debt of ``collateral * price / 1e18 * 8000 / 10000`` raw loan units, rounded
down twice, and liquidates beyond it; a debt at the limit is healthy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.book.health import Judgement, LiquidationPrice, State, Verdict, ratio_health
from ...core.book.model import Debt, Leg
from ...core.book.rule import FloatArray, LegScenarios, RuleArrays
from ...core.errors import DocumentError, RuleError
from ...core.units import BPS, MAX_UINT256, WAD, mul_div_down, mul_div_up, to_float

__all__ = ["KIND", "TemplateRule", "rule_from_document"]

KIND = "template"
MEASURE = "limit / debt"
LIQUIDATION_THRESHOLD_BPS = 8_000


@dataclass(frozen=True, slots=True)
class TemplateRule:
    """One owner's account: raw collateral and debt, and the price (raw loan per 1e18 raw units).

    A price that was not read is None: the verdict is then unknown, never a number.
    """

    collateral: int
    debt: int
    price: int | None
    collateral_key: str
    loan_key: str
    price_decimals: int

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    def judge(self) -> Judgement:
        """The exact verdict; this venue has one clock, so stored and actionable are the same."""
        limit = self._limit()
        if self.debt and limit is None:
            unknown = Verdict.unknown()
            return Judgement(MEASURE, unknown, unknown, {"debt": self.debt}, self._prices())
        unhealthy = limit is not None and limit < self.debt
        held = self.collateral > 0
        health = ratio_health(limit or 0, self.debt, liquidatable=unhealthy, held=held)
        if self.debt > self._collateral_value():
            health = replace(health, state=State.BAD_DEBT)
        verdict = Verdict(health, unhealthy)
        figures = {"debt": self.debt} | ({} if limit is None else {"limit": limit})
        return Judgement(MEASURE, verdict, verdict, figures, self._prices())

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario: the limit moves with collateral over loan."""
        equity = scenarios.value.sum(axis=0)
        share = to_float(LIQUIDATION_THRESHOLD_BPS, 4)
        assets = np.where(scenarios.value > 0, scenarios.value, 0.0).sum(axis=0)
        margin = assets * (1 - share)
        owed = [index for index, leg in enumerate(legs) if isinstance(leg.instrument, Debt)]
        health = np.full_like(equity, np.inf)
        if owed:
            move = 1 / scenarios.factor[owed[0]]
            for index in range(len(legs)):
                if index not in owed:
                    move = move * scenarios.factor[index]
            health = self._scenario_limit(move) / to_float(self.debt, 0)
        return RuleArrays(equity, margin, margin.copy(), health, health < 1.0)

    def _scenario_limit(self, move: FloatArray) -> FloatArray:
        """The limit with the price moved, floored where the contract floors it."""
        if self.price is None:
            raise RuleError("the price was not read: the rule cannot be evaluated")
        value = np.floor(to_float(self.collateral * self.price, 18) * move)
        # The nudge undoes the float product's own rounding where the exact product is a whole.
        limit: FloatArray = np.floor(value * LIQUIDATION_THRESHOLD_BPS / BPS * (1 + 2**-51))
        return limit

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters; integers are strings, as JSON would round them."""
        return {
            "kind": KIND,
            "collateral": str(self.collateral),
            "debt": str(self.debt),
            "price": None if self.price is None else str(self.price),
            "collateral_key": self.collateral_key,
            "loan_key": self.loan_key,
            "price_decimals": str(self.price_decimals),
        }

    def _collateral_value(self) -> int:
        """What the collateral is worth in raw loan units; 0 without a price."""
        return mul_div_down(self.collateral, self.price or 0, WAD)

    def _limit(self) -> int | None:
        """The debt that the collateral allows; None without a price, or where the contract reverts."""
        if self.price is None or self.collateral * self.price > MAX_UINT256:
            return None
        return mul_div_down(self._collateral_value(), LIQUIDATION_THRESHOLD_BPS, BPS)

    def _prices(self) -> tuple[LiquidationPrice, ...]:
        """The smallest healthy price: each floor of the limit inverted with a ceiling."""
        if self.debt == 0:
            return ()
        raw = None
        if self.collateral > 0:
            value = mul_div_up(self.debt, BPS, LIQUIDATION_THRESHOLD_BPS)
            raw = mul_div_up(value, WAD, self.collateral)
        unit = self.loan_key
        return (LiquidationPrice(self.collateral_key, "down", raw, self.price_decimals, unit),)


def rule_from_document(document: Mapping[str, Any]) -> TemplateRule:
    """The rule of a portfolio document; ``DocumentError`` names the field that is wrong."""
    return TemplateRule(
        _integer(document, "collateral"),
        _integer(document, "debt"),
        None if document.get("price") is None else _integer(document, "price"),
        str(document.get("collateral_key", "")),
        str(document.get("loan_key", "")),
        _integer(document, "price_decimals"),
    )


def _integer(document: Mapping[str, Any], field: str) -> int:
    text = document.get(field)
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 78:
        raise DocumentError(f"{field}: expected a non-negative integer as a string", field=field)
    return int(text)
