"""The margin rule of an Aave v3 account: exact for its block, vectorised over scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from ...core.book.health import Health, Judgement, State, Verdict
from ...core.book.model import Debt, Leg
from ...core.book.rule import FloatArray, LegScenarios, Rule, RuleArrays
from ...core.errors import DocumentError, Failure, RuleError
from ...core.units import WAD, decimal_of, to_float
from .document import failure_from_document, position_document, position_from_document
from .liquidation import bonus_of, pair_block
from .liquidation_price import liquidation_prices
from .maths import account_data, collateral_factors, price_of, supply_value
from .position import Position

__all__ = [
    "MEASURE",
    "AaveRule",
    "UnreadRule",
    "health_of",
    "leg_id",
    "rule_from_document",
    "unknown_judgement",
]

MEASURE = "health factor"


def leg_id(side: str, label: str) -> str:
    """The id of a leg: ``supply``, ``debt`` or ``stable`` and the reserve's label."""
    return f"{side}:{label}"


def health_of(collateral: int, debt: int, health_factor: int, *, held: bool) -> Health:
    """The health of a pool's words: the limit is 1, the value is the venue's own 18 decimals."""
    if debt == 0:
        return Health(None, State.NO_DEBT if held else State.EMPTY)
    state = State.LIQUIDATABLE if health_factor < WAD else State.OK
    if debt > collateral:
        state = State.BAD_DEBT
    return Health(decimal_of(health_factor, 18), state)


def unknown_judgement(figures: Mapping[str, int] | None = None) -> Judgement:
    """The judgement of an account of which something needed is missing."""
    return Judgement(MEASURE, Verdict.unknown(), Verdict.unknown(), dict(figures or {}))


@dataclass(frozen=True, slots=True)
class AaveRule:
    """The rule of one account with every raw number it needs."""

    position: Position
    kind: str = "aave-v3"

    @property
    def measure(self) -> str:
        """Health is the venue's health factor: below 1 is liquidatable."""
        return MEASURE

    def judge(self) -> Judgement:
        """The six figures of ``getUserAccountData``, both verdicts and the liquidation prices.

        The pool accrues inside its view, so the two clocks agree; what differs is whether a
        liquidation call would go through at this block (``liquidation_blocks``).
        """
        data = account_data(self.position)
        health = health_of(
            data.collateral, data.debt, data.health_factor, held=self.position.holds_anything
        )
        below = data.debt > 0 and data.health_factor < WAD
        blocks = self.liquidation_blocks() if below else []
        possible = True if "" in blocks else None if None in blocks else False
        return Judgement(
            MEASURE,
            Verdict(health, below),
            Verdict(health, possible if below else False),
            data.figures(),
            liquidation_prices(self.position),
        )

    def liquidation_blocks(self) -> list[str | None]:
        """Per pair of collateral and debt, why it cannot be liquidated; empty where it can."""
        position = self.position
        health = account_data(position).health_factor
        debts = [reserve for reserve in position.reserves if position.borrows(reserve)]
        return [
            pair_block(position, collateral, debt, health)
            for collateral in position.reserves
            if position.uses_as_collateral(collateral) and collateral.scaled_supply
            for debt in debts
        ]

    def penalty(self) -> Decimal | None:
        """The liquidation bonus of the largest collateral as a share; None without collateral."""
        position = self.position
        counted = [
            reserve
            for reserve in position.reserves
            if reserve.scaled_supply and collateral_factors(position, reserve) is not None
        ]
        if not counted:
            return None
        largest = max(counted, key=lambda reserve: supply_value(position, reserve))
        return decimal_of(max(bonus_of(position, largest) - 10_000, 0), 4)

    def leg_prices(self) -> dict[str, Decimal]:
        """The price the venue uses for each leg, in base currency per token, by leg id."""
        decimals = len(str(self.position.base_unit)) - 1
        return {
            leg_id(side, reserve.label): decimal_of(price_of(self.position, reserve), decimals)
            for reserve in self.position.reserves
            for side in ("supply", "debt", "stable")
        }

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Health as threshold-weighted collateral over debt, with today's thresholds.

        Equity counts every supply; one that is not used as collateral has threshold and LTV 0, so
        that ``(assets - maintenance) / debt`` is the health factor. The venue's integer rounding is
        left out: ``judge`` has it.
        """
        factors = self._factors()
        owed = np.array([isinstance(leg.instrument, Debt) for leg in legs], dtype=bool)
        weights = np.array(
            [factors.get(leg.id, (0.0, 0.0)) for leg in legs], dtype=np.float64
        ).reshape(len(legs), 2)
        assets = scenarios.value[~owed].sum(axis=0)
        debt = -scenarios.value[owed].sum(axis=0)
        ltv, threshold = weights[~owed].T @ scenarios.value[~owed]
        return RuleArrays(
            equity=assets - debt,
            initial=assets - ltv,
            maintenance=assets - threshold,
            health=_ratio(threshold, debt),
            liquidatable=(debt > 0) & (threshold < debt),
        )

    def _factors(self) -> dict[str, tuple[float, float]]:
        """LTV and threshold as shares, by the id of the supply leg that counts."""
        found = {}
        for reserve in self.position.reserves:
            factors = collateral_factors(self.position, reserve)
            if factors is not None:
                ltv, threshold = (to_float(share, 4) for share in factors)
                found[leg_id("supply", reserve.label)] = (ltv, threshold)
        return found

    def document(self) -> Mapping[str, object]:
        """Everything needed to rebuild the rule; wide integers are decimal strings."""
        return {"kind": self.kind, **position_document(self.position)}


@dataclass(frozen=True, slots=True)
class UnreadRule:
    """The rule of an account that could not be read: it judges nothing and says why."""

    failure: Failure
    kind: str = "aave-v3"

    @property
    def measure(self) -> str:
        """The measure the account would have."""
        return MEASURE

    def judge(self) -> Judgement:
        """Unknown, on both clocks."""
        return unknown_judgement()

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Nothing can be evaluated: ``RuleError``."""
        raise RuleError(f"the account was not read, so its rule is unknown: {self.failure}")

    def document(self) -> Mapping[str, object]:
        """The kind and the failure."""
        parts = {"code": self.failure.code, "detail": self.failure.detail}
        return {"kind": self.kind, "failure": {"reason": str(self.failure.reason), **parts}}


def rule_from_document(document: Mapping[str, Any], kind: str = "aave-v3") -> Rule:
    """The rule that ``document`` wrote; ``DocumentError`` names the wrong field."""
    if document.get("kind") != kind:
        raise DocumentError(f"rule.kind must be {kind}", field="rule.kind")
    if "failure" in document:
        return UnreadRule(failure_from_document(document), kind)
    return AaveRule(position_from_document(document), kind)


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """The quotient, ``inf`` where nothing is owed."""
    result = np.full(numerator.shape, np.inf)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
