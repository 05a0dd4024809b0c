"""The protocol that every venue's margin rule obeys, and the arrays it is asked with.

Adapters supply rules, ``core`` never imports one. A rule answers twice: exactly, in integers, for
the block it was read at (``judge``), and in ``float64`` over many scenarios at once (``evaluate``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from .health import Judgement
from .model import Leg

__all__ = ["BoolArray", "FloatArray", "LegScenarios", "Rule", "RuleArrays"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LegScenarios:
    """One account's legs over S scenarios, at the venue's own prices scaled by the move.

    All arrays are [legs, S], in the order of the account's legs. ``value``: signed USD value of the
    leg (perp: unrealised result with accrued cash). ``price``: USD price of the asset, for perps
    and options of the underlying. ``factor``: that price over today's. ``volatility``: an option's
    implied volatility over today's; None where it stands still.
    """

    value: FloatArray
    price: FloatArray
    factor: FloatArray
    volatility: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class RuleArrays:
    """What a rule says in each of S scenarios; every array is [S].

    ``equity``, ``initial`` and ``maintenance`` are USD; ``health`` is in the rule's own measure,
    ``inf`` where nothing is owed; ``liquidatable`` is the venue's own comparison.
    """

    equity: FloatArray
    initial: FloatArray
    maintenance: FloatArray
    health: FloatArray
    liquidatable: BoolArray


@runtime_checkable
class Rule(Protocol):
    """A venue's margin rule with its parameters, for one account."""

    @property
    def kind(self) -> str:
        """The name under which a portfolio document stores the rule."""
        ...

    @property
    def measure(self) -> str:
        """What ``health`` is, in the venue's words: ``health factor``, ``equity / maintenance``."""
        ...

    def judge(self) -> Judgement | None:
        """The exact answer at the market the rule was read at; None for hand-written rules."""
        ...

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario at once."""
        ...

    def document(self) -> Mapping[str, object]:
        """The ``rule`` object of a portfolio document: ``kind`` and everything to rebuild it."""
        ...
