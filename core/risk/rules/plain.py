"""The rule that asks for nothing, and the rule that is known by name only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...book.health import Judgement
from ...book.model import Leg
from ...book.rule import LegScenarios, RuleArrays
from ...errors import RuleError

__all__ = ["NoRule", "UnsupportedRule"]


@dataclass(frozen=True, slots=True)
class NoRule:
    """A place that never liquidates: fully paid holdings. Requirement 0, health ``inf``."""

    kind: str = "none"
    measure: str = "none"

    def judge(self) -> Judgement | None:
        """None: hand-written rules have no venue to be exact against."""
        return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Equity is the sum of the legs' values; nothing is required."""
        equity = scenarios.value.sum(axis=0)
        zero = np.zeros_like(equity)
        return RuleArrays(
            equity, zero, zero, np.full_like(equity, np.inf), np.zeros(equity.shape, np.bool_)
        )

    def document(self) -> Mapping[str, object]:
        """The ``rule`` object of a portfolio document."""
        return {"kind": self.kind}


@dataclass(frozen=True, slots=True)
class UnsupportedRule:
    """A rule whose figures are kept but whose formula is not built: it answers nothing.

    The account that carries it has a ``not_supported`` failure, so its health is unknown.
    """

    kind: str
    figures: Mapping[str, object] = field(default_factory=dict)
    measure: str = "not supported"

    def judge(self) -> Judgement | None:
        """None: the rule cannot be computed."""
        return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Always ``RuleError``: a number here would be invented."""
        raise RuleError(f"the margin rule {self.kind!r} is not supported by this version")

    def document(self) -> Mapping[str, object]:
        """The ``rule`` object of a portfolio document, with every figure as it came."""
        return {"kind": self.kind, **self.figures}
