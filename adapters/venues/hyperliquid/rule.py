"""Hyperliquid's margin rule for one island: a dex's cross account, one isolated position, a unified
or a portfolio-margin account.

Standard and isolated: liquidatable where equity is below the maintenance margin (equality is
healthy). Unified: where the maintenance margins reach the balance (equality is liquidatable).
Portfolio margin: where the documented ratio is above 0.95; that formula is published per token and
ambiguous, so its verdict is documented, not exact. The venue's rounding is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ....core.book.health import Health, Judgement, LiquidationPrice, State, Verdict
from ....core.book.model import Leg
from ....core.book.rule import LegScenarios, RuleArrays
from ....core.units import decimal_of
from .document import island_document, island_from_document
from .island import Columns, Island
from .maths import (
    LIQUIDATION_PRICE_DECIMALS,
    USD_DECIMALS,
    boundary,
    in_raw,
    maintenance_margin,
)
from .scenarios import evaluate

__all__ = ["KIND", "VENUE", "HyperliquidRule", "rule_from_document"]

VENUE = "hyperliquid"
KIND = "hyperliquid"

_MEASURES = {
    "cross": "equity / maintenance margin",
    "isolated": "equity / maintenance margin",
    "unified": "balance / maintenance margin",
    "portfolio": "0.95 / documented portfolio margin ratio",
    "unknown": "equity / maintenance margin",
}
_HEALTH_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class HyperliquidRule:
    """The rule with the island that it judges."""

    island: Island

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return _MEASURES[self.island.mode]

    def judge(self) -> Judgement:
        """``stored`` on what is booked, ``actionable`` once the funding that is due is taken.

        Funding that will be received counts in neither: the venue liquidates before it is booked.
        """
        due = min(self.island.pending, 0)
        booked = self.island.columns(0)
        return Judgement(
            self.measure,
            self._verdict(booked),
            self._verdict(self.island.columns(due)),
            self._figures(booked),
            self._prices(due),
        )

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario; ``RuleError`` where a number that it needs was not read."""
        return evaluate(self.island, legs, scenarios)

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters: integers as strings, null for what was not read."""
        return {"kind": KIND, **island_document(self.island)}

    def _verdict(self, columns: Columns | None) -> Verdict:
        island = self.island
        if island.needs_nothing and columns is not None and columns.whole >= 0:
            held = columns.whole > 0
            return Verdict(Health(None, State.NO_DEBT if held else State.EMPTY), False)
        if columns is None or island.mode == "unknown":
            return Verdict.unknown()
        surplus = columns.numerator - columns.denominator
        liquidatable = surplus <= 0 if island.liquidatable_at_limit else surplus < 0
        value = decimal_of(_floored(columns), _HEALTH_DECIMALS)
        if columns.whole < 0:
            return Verdict(Health(value, State.BAD_DEBT), liquidatable)
        state = State.LIQUIDATABLE if liquidatable else State.OK
        return Verdict(Health(value, state), liquidatable)

    def _figures(self, columns: Columns | None) -> dict[str, int]:
        """The venue's own figures per dex, and ours, in USD with 6 decimals."""
        figures: dict[str, int] = {}
        for summary in self.island.summaries:
            held = [each for each in self.island.positions or () if each.dex == summary.dex]
            values = [each.value for each in held if each.value is not None]
            if self.island.positions is None or len(values) < len(held):
                continue
            notional = sum(map(abs, values)) + summary.other_notional
            figures[f"{summary.name}.ntlPos"] = notional
            value = summary.raw_usd + sum(values) + summary.other_value
            figures[f"{summary.name}.accountValue"] = value
        if columns is not None:
            figures["equity"] = in_raw(columns.equity)
            figures["maintenanceMargin"] = in_raw(columns.maintenance)
            figures["initialMargin"] = in_raw(self.island.initial())
        return figures

    def _prices(self, pending: int) -> tuple[LiquidationPrice, ...]:
        """The mark of each position at which the island is liquidatable, all others fixed.

        None for portfolio margin: a token can be pledged and its perp held, which move together.
        """
        island, columns = self.island, self.island.columns(pending)
        if columns is None or island.mode in ("unknown", "portfolio"):
            return ()
        found = []
        for held in island.positions or ():
            if held.value is None or held.tiers is None:
                continue
            value = Fraction(held.value, 10**USD_DECIMALS)
            own = value - maintenance_margin(abs(value), held.tiers)
            raw = boundary(
                held.units,
                columns.equity - columns.maintenance - own,
                held.tiers,
                liquidatable_at_limit=island.liquidatable_at_limit,
            )
            side = "down" if held.size > 0 else "up"
            found.append(LiquidationPrice(held.key, side, raw, LIQUIDATION_PRICE_DECIMALS, "USD"))
        return tuple(found)


def rule_from_document(document: Mapping[str, Any]) -> HyperliquidRule:
    """The rule that ``document`` wrote; ``DocumentError`` names the field that is wrong."""
    return HyperliquidRule(island_from_document(document))


def _floored(columns: Columns) -> int:
    """The health in 18 decimals, rounded down; 0 where nothing is there."""
    if columns.numerator <= 0 or columns.denominator == 0:
        return 0
    return in_raw(columns.numerator / columns.denominator, _HEALTH_DECIMALS)
