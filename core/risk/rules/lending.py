"""A lending market by hand: thresholds per collateral leg, all debts summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ...book.health import Judgement
from ...book.model import Leg
from ...book.rule import FloatArray, LegScenarios, RuleArrays
from ...units import plain
from .arrays import coverage

__all__ = ["LendingRule", "LendingTerms"]


@dataclass(frozen=True, slots=True)
class LendingTerms:
    """How much debt one unit of a leg's value carries: to stay, and to borrow more (shares)."""

    liquidation_threshold: Decimal
    ltv: Decimal


@dataclass(frozen=True, slots=True)
class LendingRule:
    """``health factor = sum(C_i LT_i) / D``, liquidatable below 1.

    ``terms`` is by leg id; a leg without terms is not enabled as collateral (threshold 0).
    Everything of negative value is owed. Maintenance is ``sum C_i (1 - LT_i)`` and initial
    ``sum C_i (1 - LTV_i)``, so that equity equals maintenance exactly where the health factor is 1
    (margin.md 1.5, lending equivalence).
    """

    terms: Mapping[str, LendingTerms] = field(default_factory=dict)
    kind: str = "lending"
    measure: str = "health factor"

    def judge(self) -> Judgement | None:
        """None: hand-written rules have no venue to be exact against."""
        return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario at once."""
        collateral = np.maximum(scenarios.value, 0.0)
        debt = np.maximum(-scenarios.value, 0.0).sum(axis=0)
        threshold = self._shares(legs, "liquidation_threshold")
        limit = (collateral * threshold).sum(axis=0)
        return RuleArrays(
            equity=scenarios.value.sum(axis=0),
            initial=(collateral * (1.0 - self._shares(legs, "ltv"))).sum(axis=0),
            maintenance=(collateral * (1.0 - threshold)).sum(axis=0),
            health=coverage(limit, debt),
            liquidatable=limit < debt,
        )

    def _shares(self, legs: Sequence[Leg], name: str) -> FloatArray:
        """That share of every leg, [legs, 1]; 0 where the leg has no terms."""
        shares = [
            float(getattr(self.terms[leg.id], name)) if leg.id in self.terms else 0.0
            for leg in legs
        ]
        return np.array(shares, dtype=np.float64).reshape(-1, 1)

    def document(self) -> Mapping[str, object]:
        """The ``rule`` object; ``legs`` holds the terms by leg id, which a document puts on legs."""
        return {
            "kind": self.kind,
            "legs": {
                leg: {
                    "liquidation_threshold": plain(terms.liquidation_threshold),
                    "ltv": plain(terms.ltv),
                }
                for leg, terms in self.terms.items()
            },
        }
