"""The rule of an account whose health is the venue's own figure, read and not recomputed.

At the block, ``judge`` repeats what the venue said, in its own integers. Under a shock,
``evaluate`` scales that figure: up with the value of the collateral that counts, down with the
value of what is owed. That is exact where the venue's health is such a ratio, and approximate in
what the ratio leaves out (rounding, bonuses, ticks, bands); each venue's page says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.book.health import Health, Judgement, LiquidationPrice, State, Verdict
from ...core.book.model import Debt, Leg
from ...core.book.rule import FloatArray, LegScenarios, RuleArrays
from ...core.errors import RuleError
from ...core.units import WAD, decimal_of, mul_div_up, to_float

__all__ = ["Counted", "PriceAnchor", "ViewedRule"]

# Two float products that differ by less are the same number: no price moved.
_NOISE = 1e-14


@dataclass(frozen=True, slots=True)
class Counted:
    """One leg as the venue counted it: its raw amount, and the share of its value that counts.

    ``weight`` (1e18) is of a collateral's value, 0 where it is no collateral and None where it was
    not read; what is owed always counts in full.
    """

    leg: str
    raw: int
    decimals: int
    weight: int | None = WAD
    owed: bool = False


@dataclass(frozen=True, slots=True)
class PriceAnchor:
    """The venue's raw price of the only collateral, in which the health is linear."""

    asset: str
    raw: int
    decimals: int
    unit: str


@dataclass(frozen=True, slots=True)
class ViewedRule:
    """The venue's health (1e18 is the limit; None: not read, or nothing owed) and what it is of.

    ``owed`` None means that it is not known whether anything is owed. ``covered`` is whether the
    collateral is worth the debt at the venue's own values; ``empty`` that nothing at all is held.
    """

    kind: str
    measure: str
    health: int | None
    owed: bool | None
    covered: bool = True
    counted: tuple[Counted, ...] = ()
    anchor: PriceAnchor | None = None
    empty: bool = False

    def judge(self) -> Judgement:
        """The venue's verdict; there is one clock, since its view accrues to the block.

        It has no figures: none was computed here, so there is nothing to compare.
        """
        verdict = self._verdict()
        return Judgement(self.measure, verdict, verdict, {}, self._prices())

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The venue's health scaled by the move; ``maintenance`` is what leaves it at its limit."""
        unread = [leg.id for leg in legs if leg.failure is not None]
        if unread or self.owed is None:
            what = ", ".join(unread) or "position"
            raise RuleError(f"not read, so the rule cannot be evaluated: {what}")
        equity = scenarios.value.sum(axis=0)
        owed = -sum(_values(legs, scenarios, Debt), np.zeros_like(equity))
        assets = equity + owed
        if not np.any(owed > 0):
            free = assets - self._collateral(legs, scenarios)
            health = np.full_like(equity, np.inf)
            return RuleArrays(equity, free, free.copy(), health, health < 1)
        health = self._scenario_health(self._move(legs, scenarios, owed))
        # ``health * owed`` is what the venue lets the assets carry; the rest of them is margin.
        margin = np.maximum(assets - health * owed, 0)
        return RuleArrays(equity, margin, margin.copy(), health, health < 1)

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters: integers as strings, null for what was not read."""
        anchor = self.anchor
        return {
            "kind": self.kind,
            "health": _text(self.health),
            "owed": self.owed,
            "covered": self.covered,
            "empty": self.empty,
            "counted": [
                {
                    "leg": one.leg,
                    "raw": str(one.raw),
                    "decimals": one.decimals,
                    "weight": _text(one.weight),
                    "owed": one.owed,
                }
                for one in self.counted
            ],
            "anchor": None
            if anchor is None
            else {
                "asset": anchor.asset,
                "raw": str(anchor.raw),
                "decimals": anchor.decimals,
                "unit": anchor.unit,
            },
        }

    def _verdict(self) -> Verdict:
        """The venue's own comparison: liquidatable below the limit, healthy at it."""
        if self.owed is None or (self.owed and self.health is None):
            return Verdict.unknown()
        if not self.owed or self.health is None:
            return Verdict(Health(None, State.EMPTY if self.empty else State.NO_DEBT), False)
        unhealthy = self.health < WAD
        state = State.LIQUIDATABLE if unhealthy else State.OK
        if not self.covered:
            state = State.BAD_DEBT
        return Verdict(Health(decimal_of(self.health, 18), state), unhealthy)

    def _prices(self) -> tuple[LiquidationPrice, ...]:
        """The lowest healthy price of the only collateral, up to the venue's own rounding."""
        anchor = self.anchor
        if anchor is None or not self.owed or not self.health:
            return ()
        raw = mul_div_up(anchor.raw, WAD, self.health)
        return (LiquidationPrice(anchor.asset, "down", raw, anchor.decimals, anchor.unit),)

    def _scenario_health(self, move: FloatArray) -> FloatArray:
        """Today's health times the move, never rounded across the limit where nothing moved."""
        return self._today() * move

    def _today(self) -> float:
        """Today's health as a float on its own side of the limit."""
        if self.health is None:
            raise RuleError("the venue's health was not read: the rule cannot be evaluated")
        below = float(np.nextafter(1.0, 0.0))
        ratio = to_float(self.health, 18)
        return min(ratio, below) if self.health < WAD else max(ratio, 1.0)

    def _move(self, legs: Sequence[Leg], scenarios: LegScenarios, owed: FloatArray) -> FloatArray:
        """Collateral over debt in each scenario, over the same of the amounts that were read."""
        now_held, now_owed = self._read_values(legs, scenarios)
        if now_owed <= 0 or now_held <= 0:
            # Without collateral the health is 0 whatever the prices.
            return np.ones_like(owed)
        held = self._collateral(legs, scenarios) / now_held
        with np.errstate(divide="ignore"):
            move: FloatArray = np.where(owed > 0, held / (owed / now_owed), np.inf)
        return np.where(np.abs(move - 1) <= _NOISE, 1.0, move)

    def _collateral(self, legs: Sequence[Leg], scenarios: LegScenarios) -> FloatArray:
        """The value of the assets that counts, per scenario; an asset unknown to the venue does not."""
        weights = {one.leg: _weight(one) for one in self.counted if not one.owed}
        total = np.zeros(scenarios.value.shape[1])
        for leg, value in zip(legs, scenarios.value, strict=True):
            if not isinstance(leg.instrument, Debt):
                total = total + value * weights.get(leg.id, 0)
        return total

    def _read_values(self, legs: Sequence[Leg], scenarios: LegScenarios) -> tuple[float, float]:
        """What the amounts that the venue judged are worth at today's prices: counted, and owed."""
        index = {leg.id: position for position, leg in enumerate(legs)}
        held = owed = 0.0
        for one in self.counted:
            if one.raw == 0:
                continue
            if one.leg not in index:
                raise RuleError(f"the leg {one.leg} that the venue judged is missing")
            at = index[one.leg]
            price = float(scenarios.price[at, 0] / scenarios.factor[at, 0])
            worth = to_float(one.raw, one.decimals) * price
            if one.owed:
                owed += worth
            else:
                held += worth * _weight(one)
        return held, owed


def _values(legs: Sequence[Leg], scenarios: LegScenarios, kind: type) -> list[FloatArray]:
    pairs = zip(legs, scenarios.value, strict=True)
    return [value for leg, value in pairs if isinstance(leg.instrument, kind)]


def _weight(one: Counted) -> float:
    if one.weight is None:
        raise RuleError(f"the collateral factor of {one.leg} was not read")
    return to_float(one.weight, 18)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
