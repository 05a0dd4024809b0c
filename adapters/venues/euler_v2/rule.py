"""Euler v2's margin rule for one account (an owner or one of its sub-accounts) and its controller.

Liquidatable while something is owed and ``collateralValue <= liabilityValue``, both at the oracle's
mid price: equality is liquidatable. (A new borrow is checked at bid and ask instead.) The vault's
views accrue to the block, so the stored verdict is the view's; the actionable one also knows that
``liquidate`` refuses an account in its cool-off, or while the vault disables the operation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from ....core.book.health import (
    Health,
    Judgement,
    LiquidationPrice,
    State,
    Verdict,
    ratio_health,
)
from ....core.book.model import Debt, Leg
from ....core.book.rule import FloatArray, LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import BPS, mul_div_down, to_float
from .limits import Exposure
from .maths import Seizure, check_liquidation, debt_of, total_value
from .position import Collateral, Token

__all__ = ["DEBT", "KIND", "MEASURE", "EulerRule", "figure"]

KIND = "euler-v2"
MEASURE = "collateral value / liability value"
DEBT = "debt"  # the id of the debt's leg; a collateral's is its vault's address
_SMALLEST = Decimal(1).scaleb(-18)


@dataclass(frozen=True, slots=True)
class EulerRule:
    """One account, what it owes to its controller and what covers it; None means not read.

    ``controller`` is the vault that is owed, empty where none is enabled: such an account owes
    nothing. ``mid`` and ``ask`` value the debt. ``cool_off_until`` is the first second in which
    ``liquidate`` no longer refuses; ``disabled`` that the vault refuses it altogether.
    """

    timestamp: int
    controller: str | None = None
    collaterals: tuple[Collateral, ...] | None = None
    debt_exact: int | None = None
    mid: int | None = None
    ask: int | None = None
    max_discount: int | None = None
    cool_off_until: int | None = None
    disabled: bool = False
    loan: Token | None = None
    unit: Token | None = None

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    @property
    def debt(self) -> int | None:
        """What is owed in assets, rounded up; 0 without a controller."""
        if self.controller == "":
            return 0
        return None if self.debt_exact is None else debt_of(self.debt_exact)

    @property
    def cooling_off(self) -> bool:
        """Whether a liquidation at the block's time is too early; False where that is not known."""
        return self.cool_off_until is not None and self.timestamp < self.cool_off_until

    def liquidity(self, *, liquidation: bool) -> tuple[int | None, int | None]:
        """``accountLiquidity``: (collateralValue, liabilityValue); None where a part is missing."""
        return self._collateral_value(liquidation), self._liability(liquidation)

    def judge(self) -> Judgement:
        """The exact verdicts and the figures that the vault publishes too."""
        stored = self._verdict()
        actionable = stored
        if stored.liquidatable and (self.cooling_off or self.disabled):
            actionable = _spared(stored)
        return Judgement(MEASURE, stored, actionable, self._figures(), self._prices())

    def seizure(self, collateral: Collateral) -> Seizure | None:
        """``checkLiquidation`` of one collateral; None where it reverts or cannot be computed."""
        value, liability = self.liquidity(liquidation=True)
        if self.cool_off_until is None or self.cooling_off or collateral.ltv is None:
            return None
        if value is None or liability is None or self.debt is None or self.max_discount is None:
            return None
        if not collateral.seizable or collateral.shares is None:
            return None
        if liability == 0 or value > liability:
            return Seizure(0, 0)
        # Nothing held is quoted too, and every oracle values nothing at nothing.
        quote = 0 if collateral.shares == 0 else collateral.mid
        if quote is None:
            return None
        try:
            return check_liquidation(
                value, liability, self.max_discount, self.debt, collateral.shares, quote
            )
        except RuleError:
            return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Health and margin in every scenario; each value moves with its asset's price.

        The amounts come from the legs, so that a changed leg changes the answer; at today's prices
        the values are rounded as the vault rounds them. The cool-off passes and is not modelled.
        """
        covered = np.maximum(scenarios.value, 0.0)
        liquidation, borrow = self._factors(legs)
        owed = [index for index, leg in enumerate(legs) if isinstance(leg.instrument, Debt)]
        equity = scenarios.value.sum(axis=0)
        if any(legs[index].quantity for index in owed):
            health = self._scenario_health(legs, scenarios, owed[0])
        else:
            health = np.full_like(equity, np.inf)
        return RuleArrays(
            equity=equity,
            initial=(covered * (1.0 - borrow)).sum(axis=0),
            maintenance=(covered * (1.0 - liquidation)).sum(axis=0),
            health=health,
            liquidatable=health <= 1.0,
        )

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters: integers as strings, null for what was not read."""
        return {
            "kind": KIND,
            "timestamp": self.timestamp,
            "controller": self.controller,
            "collaterals": None
            if self.collaterals is None
            else [each.document() for each in self.collaterals],
            "debt_exact": _text(self.debt_exact),
            "mid": _text(self.mid),
            "ask": _text(self.ask),
            "max_discount": self.max_discount,
            "cool_off_until": self.cool_off_until,
            "disabled": self.disabled,
            "loan": None if self.loan is None else self.loan.document(),
            "unit": None if self.unit is None else self.unit.document(),
        }

    def _collateral_value(self, liquidation: bool) -> int | None:
        """The LTV-adjusted value of all collateral."""
        if self.collaterals is None:
            return None
        try:
            pairs = [
                each.value_pair(self.timestamp, liquidation=liquidation)
                for each in self.collaterals
            ]
            known = [pair for pair in pairs if pair is not None]
            return total_value(known) if len(known) == len(pairs) else None
        except RuleError:
            return None

    def _liability(self, liquidation: bool) -> int | None:
        """The value of the debt; nothing owed is worth nothing whatever its price."""
        if self.debt == 0:
            return 0
        return None if self.debt is None else self.mid if liquidation else self.ask

    def _verdict(self) -> Verdict:
        """The verdict of the view, which knows no cool-off."""
        if self.debt is None or self.collaterals is None:
            return Verdict.unknown()
        held = self.debt > 0 or any(each.shares != 0 for each in self.collaterals)
        value, liability = self.liquidity(liquidation=True)
        if liability == 0:
            return Verdict(Health(None, State.NO_DEBT if held else State.EMPTY), False)
        if value is None or liability is None:
            return Verdict.unknown()
        below = value <= liability
        health = ratio_health(value, liability, liquidatable=below, held=True)
        if not below and health.value == 1:
            # At the limit an account is liquidatable: one above it must not be shown as at it.
            health = replace(health, value=1 + _SMALLEST)
        if liability > self._seizable_value():
            health = replace(health, state=State.BAD_DEBT)
        return Verdict(health, below)

    def _seizable_value(self) -> int:
        """The full mid value of what a liquidator could take; a missing quote counts as nothing."""
        return sum(each.mid or 0 for each in self.collaterals or () if each.seizable)

    def _figures(self) -> dict[str, int]:
        """Every figure that could be computed, under the name of the venue's function."""
        figures: dict[str, int | None] = {}
        if self.controller:
            for liquidation in (True, False):
                value, liability = self.liquidity(liquidation=liquidation)
                figures[figure("accountLiquidity", str(liquidation).lower(), "collateralValue")] = (
                    value
                )
                figures[figure("accountLiquidity", str(liquidation).lower(), "liabilityValue")] = (
                    liability
                )
            figures["debtOf"] = self.debt
            for each in self.collaterals or ():
                seizure = self.seizure(each)
                if seizure is not None:
                    figures[figure("checkLiquidation", each.vault, "maxRepay")] = seizure.repay
                    figures[figure("checkLiquidation", each.vault, "maxYield")] = (
                        seizure.yield_shares
                    )
        for each in self.collaterals or ():
            figures[figure("convertToAssets", each.vault)] = each.assets
        return {name: value for name, value in figures.items() if value is not None}

    def _prices(self) -> tuple[LiquidationPrice, ...]:
        """The price of each asset at which the account crosses; none where it is not judged."""
        value, liability = self.liquidity(liquidation=True)
        if value is None or not liability or self.unit is None:
            return ()
        exposure = Exposure(
            self.timestamp, self.collaterals or (), self.loan, self.debt or 0, value, liability
        )
        return exposure.prices(self.unit)

    def _factors(self, legs: Sequence[Leg]) -> tuple[FloatArray, FloatArray]:
        """The liquidation and the borrow LTV of every leg, each [legs, 1]; 0 where it has none."""
        known = {each.vault: each.ltv for each in self.collaterals or () if each.ltv is not None}
        pairs = [
            (known[leg.id].at(self.timestamp), known[leg.id].borrow) if leg.id in known else (0, 0)
            for leg in legs
        ]
        table = np.array(pairs, dtype=np.float64).reshape(-1, 2) / to_float(BPS, 0)
        return table[:, :1], table[:, 1:]

    def _scenario_health(
        self, legs: Sequence[Leg], scenarios: LegScenarios, owed: int
    ) -> FloatArray:
        """``collateralValue / liabilityValue`` per scenario; exactly today's where nothing moves."""
        if not self.debt or self.mid is None or self.loan is None:
            raise RuleError("the account's debt was not read: the rule cannot be evaluated")
        liability = mul_div_down(self.mid, _raw(legs[owed], self.loan), self.debt)
        parts = self._scaled_values(legs)
        total = sum(parts.values())
        drift = np.zeros(scenarios.value.shape[1])
        for index, part in parts.items():
            share = to_float(part, 0) / to_float(total, 0) if total else 0.0
            drift = drift + share * (scenarios.factor[index] - 1.0)
        health: FloatArray = _ratio(total, liability) * (1.0 + drift) / scenarios.factor[owed]
        return health

    def _scaled_values(self, legs: Sequence[Leg]) -> dict[int, int]:
        """The LTV-adjusted value of each collateral's leg, scaled to the leg's amount."""
        known = {each.vault: each for each in self.collaterals or ()}
        values: dict[int, int] = {}
        for index, leg in enumerate(legs):
            each = known.get(leg.id)
            if each is None:
                continue
            pair = each.value_pair(self.timestamp, liquidation=True)
            if pair is None:
                raise RuleError(f"the collateral {leg.id} was not valued: evaluate needs its quote")
            quote = pair[0]
            if each.assets and pair[1]:
                quote = mul_div_down(quote, _raw(leg, each.asset), each.assets)
            values[index] = mul_div_down(quote, pair[1], BPS)
        return values


def figure(function: str, argument: str, output: str = "") -> str:
    """The name of one output of a venue's function: ``checkLiquidation(0x…).maxRepay``."""
    return f"{function}({argument}){'.' if output else ''}{output}"


def _spared(stored: Verdict) -> Verdict:
    """The verdict while ``liquidate`` refuses: below the limit, but not at this block."""
    health = stored.health
    if health.state is State.LIQUIDATABLE:
        health = replace(health, state=State.AT_RISK)
    return Verdict(health, False)


def _raw(leg: Leg, token: Token | None) -> int:
    """The leg's amount in raw units, whatever its sign."""
    if leg.failure is not None or token is None or token.decimals is None:
        raise RuleError(f"the leg {leg.id} was not read: the rule cannot be evaluated")
    numerator, denominator = abs(leg.quantity).as_integer_ratio()
    return numerator * int(10**token.decimals) // denominator


def _ratio(value: int, liability: int) -> float:
    """``value / liability`` as a float on the right side of 1, where equality is liquidatable."""
    if liability == 0:
        return float(np.inf)
    ratio = to_float(value, 0) / to_float(liability, 0)
    return min(ratio, 1.0) if value <= liability else max(ratio, float(np.nextafter(1.0, 2.0)))


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
