"""Compound v3's margin rule for one account of one market.

Liquidatable where collateral, reduced by each asset's liquidate factor, is worth less than the debt
(equality is healthy). The venue publishes no health; ours is that quotient. Its views judge on the
indices stored at the last accrual, ``absorb`` accrues first: both verdicts are given, and in a
market that nobody touches they differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from ....core.book.health import (
    UNKNOWN,
    Health,
    Judgement,
    LiquidationPrice,
    State,
    Verdict,
    ratio_health,
)
from ....core.book.model import Leg
from ....core.book.rule import LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import WAD, decimal_of
from .maths import (
    ABSORB_PAUSED,
    PRICE_DECIMALS,
    Absorption,
    Collateral,
    Rates,
    Totals,
    absorb,
    accrue,
    base_value,
    collateral_value,
    factored,
    highest_healthy_base_price,
    liquidation_price,
    present_value,
)
from .scenarios import evaluate

__all__ = ["BASE", "KIND", "MEASURE", "Base", "CompoundRule", "Held"]

KIND = "compound-v3"
MEASURE = "liquidation value / debt"

# The id of the leg in the market's base asset; a collateral's is ``collateral-<its index>``.
BASE = "base"


@dataclass(frozen=True, slots=True)
class Base:
    """The market's base asset: its key, price and scale; None is what was not read."""

    key: str
    price: int | None
    scale: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """A collateral that the account's bits name; ``state`` None means that a part was not read."""

    index: int
    key: str
    state: Collateral | None

    @property
    def leg_id(self) -> str:
        """The id of its leg."""
        return f"collateral-{self.index}"


@dataclass(frozen=True, slots=True)
class CompoundRule:
    """One account with the market numbers that judge it; None means not read.

    ``timestamp`` is the block's. ``collaterals`` None: which ones the account holds is not known.
    ``unit`` is what the market's feeds quote: ``USD``, or the asset whose own feed is constant.
    """

    timestamp: int
    unit: str
    principal: int | None = None
    totals: Totals | None = None
    rates: Rates | None = None
    base: Base = Base("", None, None)
    collaterals: tuple[Held, ...] | None = None

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    def judge(self) -> Judgement:
        """The exact verdicts at stored and accrued indices, with the figures of the views."""
        accrued = self.accrued()
        stored, actionable = self._verdict(self.totals), self._actionable(accrued)
        figures: dict[str, int] = {}
        if self.principal is not None and accrued is not None:
            balance = present_value(self.principal, accrued)
            figures = {"balanceOf": max(balance, 0), "borrowBalanceOf": max(-balance, 0)}
        if stored.liquidatable is not None:
            figures["isLiquidatable"] = int(stored.liquidatable)
        may_borrow = self._is_borrow_collateralized()
        if may_borrow is not None:
            figures["isBorrowCollateralized"] = int(may_borrow)
        return Judgement(MEASURE, stored, actionable, figures, self._prices(accrued))

    @property
    def is_absorb_paused(self) -> bool:
        """Whether ``absorb`` reverts for everybody: no account is better for it."""
        return self.totals is not None and bool(self.totals.pause_flags & ABSORB_PAUSED)

    def accrued(self) -> Totals | None:
        """The market at the block's time; None where it was not read or the contract reverts."""
        if self.totals is None or self.rates is None:
            return None
        try:
            return accrue(self.totals, self.rates, self.timestamp)
        except RuleError:
            return None

    def absorption(self) -> Absorption:
        """What ``absorb`` would do with the account at the block; ``RuleError`` if it would revert.

        There is no partial liquidation.
        """
        accrued, price, scale = self.accrued(), self.base.price, self.base.scale
        if not self.judge().actionable.liquidatable:
            raise RuleError("the account is not known to be liquidatable")
        if self.principal is None or accrued is None or price is None or scale is None:
            raise RuleError("the market was not read: the outcome is not known")
        held, _ = self._known()
        return absorb(self.principal, accrued, [state for _, state in held], price, scale)

    def penalty(self) -> Decimal | None:
        """The share of the most valuable collateral that an absorption keeps; None if not known."""
        held, complete = self._known()
        if not complete or not held:
            return None
        largest = max((state for _, state in held), key=collateral_value)
        return decimal_of(WAD - largest.liquidation_factor, 18)

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario; ``RuleError`` where a number that it needs was not read."""
        known, complete = self._known()
        if not complete:
            raise RuleError("a collateral was not read: the rule cannot be evaluated")
        terms = {held.key: state for held, state in known}
        return evaluate(terms, self.base.price, self.base.scale, legs, scenarios)

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters: integers as strings, null for what was not read."""
        held, base = self.collaterals, self.base
        return {
            "kind": KIND,
            "timestamp": self.timestamp,
            "unit": self.unit,
            "principal": _text(self.principal),
            "totals": None if self.totals is None else _texts(asdict(self.totals)),
            "rates": _rates_document(self.rates),
            "base": {"asset": base.key, "price": _text(base.price), "scale": _text(base.scale)},
            "collaterals": None if held is None else [_held_document(each) for each in held],
        }

    def _known(self) -> tuple[list[tuple[Held, Collateral]], bool]:
        """The collaterals that were read, and whether those are all."""
        held = self.collaterals or ()
        known = [(each, each.state) for each in held if each.state is not None]
        return known, self.collaterals is not None and len(known) == len(held)

    def _owed_value(self, totals: Totals | None) -> int | None:
        """The value of the debt at these totals; None where a part is missing."""
        base = self.base
        if self.principal is None or totals is None or base.price is None or base.scale is None:
            return None
        try:
            return -base_value(present_value(self.principal, totals), base.price, base.scale)
        except RuleError:
            return None

    def _values(self, *, borrow: bool) -> tuple[int, int, bool] | None:
        """Factored and whole value of the collaterals read, and whether those are all."""
        known, complete = self._known()
        try:
            whole = [(collateral_value(state), state) for _, state in known]
            counted = sum(
                factored(value, state.borrow_factor if borrow else state.liquidate_factor)
                for value, state in whole
            )
        except RuleError:
            return None
        return counted, sum(value for value, _ in whole), complete

    def _is_borrow_collateralized(self) -> bool | None:
        """The venue's view of the same name, on stored indices."""
        if self.principal is not None and self.principal >= 0:
            return True
        owed, values = self._owed_value(self.totals), self._values(borrow=True)
        if owed is None or values is None or not values[2]:
            return None
        return values[0] >= owed

    def _verdict(self, totals: Totals | None) -> Verdict:
        """The verdict at these totals."""
        if self.principal is not None and self.principal >= 0:
            # The contract looks at nothing else where nothing is owed.
            holds = self.principal > 0 or self.collaterals != ()
            return Verdict(Health(None, State.NO_DEBT if holds else State.EMPTY), False)
        owed, values = self._owed_value(totals), self._values(borrow=False)
        if owed is None or values is None:
            return Verdict.unknown()
        counted, whole, complete = values
        if not complete:
            # What was not read can only add to the collateral.
            low = decimal_of(counted * WAD // owed, 18) if owed else None
            return Verdict(replace(UNKNOWN, low=low), None)
        health = ratio_health(counted, owed, liquidatable=counted < owed, held=True)
        if owed > whole:
            health = replace(health, state=State.BAD_DEBT)
        return Verdict(health, counted < owed)

    def _actionable(self, accrued: Totals | None) -> Verdict:
        """The verdict of ``absorb``: a pause stops the call, the health stays what it is."""
        verdict = self._verdict(accrued)
        if verdict.liquidatable and self.is_absorb_paused:
            return replace(verdict, liquidatable=False)
        return verdict

    def _prices(self, accrued: Totals | None) -> tuple[LiquidationPrice, ...]:
        """The price of each collateral, and of a base quoted in USD, at which ``absorb`` works."""
        owed, values = self._owed_value(accrued), self._values(borrow=False)
        if accrued is None or not owed or values is None or not values[2] or self.principal is None:
            return ()
        counted, found = values[0], []
        for held, state in self._known()[0]:
            others = counted - factored(collateral_value(state), state.liquidate_factor)
            raw = liquidation_price(
                owed - others, state.balance, state.scale, state.liquidate_factor
            )
            found.append(LiquidationPrice(held.key, "down", raw, PRICE_DECIMALS, self.unit))
        if self.unit == "USD" and self.base.scale is not None:
            balance = -present_value(self.principal, accrued)
            raw = highest_healthy_base_price(balance, counted, self.base.scale)
            found.append(LiquidationPrice(self.base.key, "up", raw, PRICE_DECIMALS, self.unit))
        return tuple(found)


def _rates_document(rates: Rates | None) -> dict[str, object] | None:
    if rates is None:
        return None
    return {side: _texts(curve) for side, curve in asdict(rates).items()}


def _held_document(held: Held) -> dict[str, object]:
    state = None if held.state is None else _texts(asdict(held.state))
    return {"index": held.index, "asset": held.key, "state": state}


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _texts(numbers: Mapping[str, int]) -> dict[str, str]:
    return {name: str(number) for name, number in numbers.items()}
