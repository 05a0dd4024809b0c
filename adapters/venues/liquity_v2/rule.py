"""The margin rule of one trove: liquidatable while ``coll * price / debt`` is below the MCR.

A ratio equal to the MCR is healthy. Debt accrues in the venue's own views, so both clocks use the
debt at the block; ``stored`` takes the price the feed last stored, ``actionable`` the one a
liquidation would fetch. Our health is ``coll * price / (debt * MCR)``. That a trove can be redeemed
because its interest rate is low is another risk, and never in this number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from ....core.book.health import (
    Health,
    Judgement,
    LiquidationPrice,
    State,
    Verdict,
    ratio_health,
)
from ....core.book.model import Debt as DebtInstrument
from ....core.book.model import Leg, Spot
from ....core.book.rule import FloatArray, LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import WAD, to_float
from .maths import Batch, Debt, Gains, Trove, collateral_ratio, latest_debt, liquidation_price

__all__ = ["COLLATERAL", "DEBT", "KIND", "MEASURE", "VENUE", "LiquityRule"]

VENUE = KIND = "liquity-v2"
MEASURE = "collateral ratio / minimum collateral ratio"

# The ids of an account's legs.
COLLATERAL, DEBT = "collateral", "debt"


@dataclass(frozen=True, slots=True)
class LiquityRule:
    """One trove and the numbers that judge it; None means not read.

    ``timestamp`` is the block's; ``shutdown_time`` 0 while the branch is open. ``in_batch`` says
    whether ``batch`` is needed. ``price`` and ``stored_price`` are USD (1e18), ``mcr`` a ratio.
    """

    timestamp: int
    shutdown_time: int | None = None
    trove: Trove | None = None
    in_batch: bool = False
    batch: Batch | None = None
    gains: Gains | None = None
    price: int | None = None
    stored_price: int | None = None
    mcr: int | None = None
    asset: str = ""

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    def debt(self) -> Debt | None:
        """What is owed at the block; None where a part is missing or the contract overflows."""
        if self.trove is None or self.gains is None or self.shutdown_time is None:
            return None
        if self.in_batch and self.batch is None:
            return None
        batch = self.batch if self.in_batch else None
        try:
            return latest_debt(self.trove, batch, self.gains, self.timestamp, self.shutdown_time)
        except RuleError:
            return None

    def coll(self) -> int | None:
        """The collateral with what liquidations of others added; None where it was not read."""
        if self.trove is None or self.gains is None:
            return None
        return self.trove.coll + self.gains.coll

    def judge(self) -> Judgement:
        """The exact verdicts at the stored and at the fetched price, with the figures."""
        debt, coll = self.debt(), self.coll()
        figures: dict[str, int] = {}
        if debt is not None and coll is not None:
            figures = {
                "entireDebt": debt.entire,
                "entireColl": coll,
                "accruedInterest": debt.interest,
                "accruedBatchManagementFee": debt.fee,
            }
            ratio = self._ratio(coll, debt.entire)
            if ratio is not None:
                figures["ICR"] = ratio
        stored, actionable = self._verdict(self.stored_price), self._verdict(self.price)
        return Judgement(MEASURE, stored, actionable, figures, self._prices())

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Health and margin in every scenario; the ratio moves with collateral over debt.

        The amounts come from the legs, so that a changed leg changes the answer. There is one
        limit: initial = maintenance.
        """
        unread = [leg.id for leg in legs if leg.failure is not None]
        if self.trove is None or unread:
            raise RuleError(f"not read, so the rule cannot be evaluated: {unread or 'trove'}")
        equity = scenarios.value.sum(axis=0)
        held, owed = _collateral(legs, self.asset), _owed(legs)
        margin = np.where(scenarios.value > 0, scenarios.value, 0.0).sum(axis=0)
        if held is not None:
            margin = margin - scenarios.value[held] / to_float(self._require(self.mcr, "MCR"), 18)
        if owed is None or legs[owed].quantity == 0:
            health = np.full_like(equity, np.inf)
        else:
            health = self._scenario_health(legs, scenarios, held, owed)
        return RuleArrays(equity, margin, margin.copy(), health, health < 1.0)

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters: integers as strings, null for what was not read."""
        return {
            "kind": KIND,
            "timestamp": self.timestamp,
            "shutdown_time": _text(self.shutdown_time),
            "trove": _fields(self.trove),
            "in_batch": self.in_batch,
            "batch": _fields(self.batch),
            "gains": _fields(self.gains),
            "price": _text(self.price),
            "stored_price": _text(self.stored_price),
            "mcr": _text(self.mcr),
            "asset": self.asset,
        }

    def _ratio(self, coll: int, debt: int) -> int | None:
        if self.price is None:
            return None
        try:
            return collateral_ratio(coll, debt, self.price)
        except RuleError:
            return None

    def _verdict(self, price: int | None) -> Verdict:
        """The verdict at this price."""
        debt, coll = self.debt(), self.coll()
        if debt is None or coll is None:
            return Verdict.unknown()
        owed = debt.entire
        if owed == 0:
            return Verdict(Health(None, State.NO_DEBT if coll else State.EMPTY), False)
        if not price or not self.mcr:
            return Verdict.unknown()
        try:
            unhealthy = collateral_ratio(coll, owed, price) < self.mcr
        except RuleError:
            return Verdict.unknown()
        health = ratio_health(coll * price, owed * self.mcr, liquidatable=unhealthy, held=True)
        if owed * WAD > coll * price:
            health = replace(health, state=State.BAD_DEBT)
        return Verdict(health, unhealthy)

    def _prices(self) -> tuple[LiquidationPrice, ...]:
        """The collateral's price in USD at which the trove crosses."""
        debt, coll = self.debt(), self.coll()
        if debt is None or coll is None or not debt.entire or not self.mcr:
            return ()
        raw = liquidation_price(coll, debt.entire, self.mcr)
        return (LiquidationPrice(self.asset, "down", raw, 18, "USD"),)

    def _scenario_health(
        self, legs: Sequence[Leg], scenarios: LegScenarios, held: int | None, owed: int
    ) -> FloatArray:
        """``coll * price / (debt * MCR)`` per scenario, from the legs' amounts."""
        price, mcr = self._require(self.price, "price"), self._require(self.mcr, "MCR")
        if held is None:
            return np.zeros(scenarios.value.shape[1])
        counted, needed = _raw(legs[held]) * price, _raw(legs[owed]) * mcr
        today = to_float(counted, 0) / to_float(needed, 0)
        # Never rounded across 1, the boundary.
        below = float(np.nextafter(1.0, 0.0))
        exact = min(today, below) if counted < needed else max(today, 1.0)
        move = scenarios.factor[held] / scenarios.factor[owed]
        return np.where(move == 1.0, exact, today * move)

    def _require(self, value: int | None, name: str) -> int:
        if not value:
            raise RuleError(f"the branch's {name} is not known: the rule cannot be evaluated")
        return value


def _collateral(legs: Sequence[Leg], asset: str) -> int | None:
    """The position of the collateral among the legs."""
    for index, leg in enumerate(legs):
        if isinstance(leg.instrument, Spot) and leg.instrument.asset.key == asset:
            return index
    return None


def _owed(legs: Sequence[Leg]) -> int | None:
    """The position of the debt among the legs."""
    owed = (index for index, leg in enumerate(legs) if isinstance(leg.instrument, DebtInstrument))
    return next(owed, None)


def _raw(leg: Leg) -> int:
    """The leg's amount in the venue's 18 decimals, whatever its sign."""
    numerator, denominator = abs(leg.quantity).as_integer_ratio()
    return numerator * WAD // denominator


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _fields(state: Trove | Batch | Gains | None) -> dict[str, str] | None:
    return None if state is None else {name: str(value) for name, value in asdict(state).items()}
