"""Requirements as fractions of size: a perpetual account, and any account by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ...book.health import Judgement
from ...book.model import Leg, Perp
from ...book.rule import FloatArray, LegScenarios, RuleArrays
from ...units import plain
from .arrays import coverage, gross_values

__all__ = ["CustomRule", "FractionTerms", "PerpRule"]


@dataclass(frozen=True, slots=True)
class FractionTerms:
    """The shares of a leg's gross value needed to open it and to keep it."""

    initial: Decimal
    maintenance: Decimal


@dataclass(frozen=True, slots=True)
class PerpRule:
    """Fractions of the perps' notional at the current price; liquidatable below maintenance.

    Equity is collateral plus unrealised result plus accrued funding and fees.
    """

    initial: Decimal
    maintenance: Decimal
    kind: str = "perp"
    measure: str = "equity / maintenance"

    def judge(self) -> Judgement | None:
        """None: hand-written rules have no venue to be exact against."""
        return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario at once."""
        perps = [row for row, leg in enumerate(legs) if isinstance(leg.instrument, Perp)]
        notional = gross_values(legs, scenarios)[perps].sum(axis=0)
        return _requirement(
            scenarios, notional * float(self.initial), notional * float(self.maintenance)
        )

    def document(self) -> Mapping[str, object]:
        """The ``rule`` object of a portfolio document."""
        return {
            "kind": self.kind,
            "initial": plain(self.initial),
            "maintenance": plain(self.maintenance),
        }


@dataclass(frozen=True, slots=True)
class CustomRule:
    """Fractions of every leg's gross value, by leg id; a leg without terms is a programming error."""

    terms: Mapping[str, FractionTerms] = field(default_factory=dict)
    kind: str = "custom"
    measure: str = "equity / maintenance"

    def judge(self) -> Judgement | None:
        """None: hand-written rules have no venue to be exact against."""
        return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario at once."""
        gross = gross_values(legs, scenarios)
        initial = _column([self.terms[leg.id].initial for leg in legs])
        maintenance = _column([self.terms[leg.id].maintenance for leg in legs])
        return _requirement(
            scenarios, (gross * initial).sum(axis=0), (gross * maintenance).sum(axis=0)
        )

    def document(self) -> Mapping[str, object]:
        """The ``rule`` object; ``legs`` holds the terms by leg id, which a document puts on legs."""
        return {
            "kind": self.kind,
            "legs": {
                leg: {"initial": plain(terms.initial), "maintenance": plain(terms.maintenance)}
                for leg, terms in self.terms.items()
            },
        }


def _column(shares: Sequence[Decimal]) -> FloatArray:
    return np.array([float(share) for share in shares], dtype=np.float64).reshape(-1, 1)


def _requirement(
    scenarios: LegScenarios, initial: FloatArray, maintenance: FloatArray
) -> RuleArrays:
    """The answer of an account that needs its equity to stay at or above ``maintenance``."""
    equity = scenarios.value.sum(axis=0)
    return RuleArrays(
        equity, initial, maintenance, coverage(equity, maintenance), equity < maintenance
    )
