"""The margin rule of one vault: safe while ``ink * spot >= art * rate``; equality is safe.

``stored`` judges the vat's own rate and spot. ``actionable`` judges what a keeper can bring about in
one transaction before it liquidates: fees collected by ``jug.drip`` and the feed's price written by
``spotter.poke``. The venue publishes no health; ours is ``ink * spot / (art * rate)``.
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
from ....core.book.model import Debt, Leg, Spot
from ....core.book.rule import FloatArray, LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import RAY, to_float
from .maths import Fee, IlkState, Urn, dripped_rate, is_safe, liquidation_price, poked_spot

__all__ = ["COLLATERAL", "DEBT", "KIND", "MEASURE", "UNLOCKED", "VENUE", "SkyRule"]

VENUE = KIND = "sky"
MEASURE = "collateral with safety margin / debt"

# The ids of an account's legs; what is unlocked secures nothing.
COLLATERAL, DEBT, UNLOCKED = "collateral", "debt", "unlocked"


@dataclass(frozen=True, slots=True)
class SkyRule:
    """One vault and the numbers that judge it; None means not read.

    ``timestamp`` is the block's. ``price`` is what the feed answers (wad; 0 where it has no value)
    and ``seen_spot`` the spot that a simulated poke left in the vat (ray): the feeds of most
    collaterals answer the spotter only, so either can be missing. ``unlocked`` is collateral in the
    vault's name that is not locked (wad). ``live`` is False once the whole system was shut down.
    """

    timestamp: int
    urn: Urn | None = None
    ilk: IlkState | None = None
    fee: Fee | None = None
    mat: int | None = None
    par: int | None = None
    price: int | None = None
    seen_spot: int | None = None
    live: bool | None = None
    unlocked: int = 0
    asset: str = ""

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    def judge(self) -> Judgement:
        """The exact verdicts before and after drip and poke, with the figures that decide."""
        rate, spot = self.actionable_rate(), self.actionable_spot()
        stored = self._verdict(self.ilk.rate, self.ilk.spot) if self.ilk else self._verdict()
        actionable = self._verdict(rate, spot)
        figures = {} if rate is None else {"rate": rate}
        if spot is not None:
            figures["spot"] = spot
        if self.urn is not None:
            figures |= {"ink": self.urn.ink, "art": self.urn.art}
            if rate is not None:
                figures["tab"] = self.urn.art * rate
        if actionable.liquidatable is not None:
            figures["safe"] = int(not actionable.liquidatable)
        return Judgement(MEASURE, stored, actionable, figures, self._prices(rate))

    def actionable_rate(self) -> int | None:
        """The rate after a drip at the block's time; None where it cannot be computed."""
        if self.ilk is None or self.fee is None:
            return None
        try:
            return dripped_rate(self.ilk.rate, self.fee, self.timestamp)
        except RuleError:
            return None

    def actionable_spot(self) -> int | None:
        """The spot after a poke: our own where the feed answers, else the simulated one."""
        if self.price is None:
            return self.seen_spot
        if self.par is None or self.mat is None:
            return None
        try:
            return poked_spot(self.price, self.par, self.mat)
        except RuleError:
            return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Health and margin in every scenario; the spot moves with collateral over debt.

        The amounts come from the legs, so that a changed leg changes the answer. There is one
        limit: initial = maintenance.
        """
        _refuse_unread(self.urn, legs)
        equity = scenarios.value.sum(axis=0)
        held, owed = _find(legs, COLLATERAL, self.asset), _debt_leg(legs)
        # Everything else held covers debt in full; of the collateral only 1/mat counts.
        margin = np.where(scenarios.value > 0, scenarios.value, 0.0).sum(axis=0)
        if held is not None:
            counted = to_float(RAY, 27) / to_float(self._require(self.mat, "mat"), 27)
            margin = margin - scenarios.value[held] * counted
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
            "urn": _fields(self.urn),
            "ilk": _fields(self.ilk),
            "fee": _fields(self.fee),
            "mat": _text(self.mat),
            "par": _text(self.par),
            "price": _text(self.price),
            "seen_spot": _text(self.seen_spot),
            "live": self.live,
            "unlocked": str(self.unlocked),
            "asset": self.asset,
        }

    def _verdict(self, rate: int | None = None, spot: int | None = None) -> Verdict:
        """The verdict at this rate and spot; a spot of 0 is a feed without a price."""
        urn = self.urn
        if urn is None:
            return Verdict.unknown()
        if urn.art == 0:
            held = urn.ink > 0 or self.unlocked > 0
            return Verdict(Health(None, State.NO_DEBT if held else State.EMPTY), False)
        if not self.live or not rate or not spot or not self.mat:
            return Verdict.unknown()
        try:
            unsafe = not is_safe(urn, rate, spot)
        except RuleError:
            return Verdict.unknown()
        tab = urn.art * rate
        health = ratio_health(urn.ink * spot, tab, liquidatable=unsafe, held=True)
        # spot * mat is the whole price: below it in debt, the collateral no longer covers.
        if tab * RAY > urn.ink * spot * self.mat:
            health = replace(health, state=State.BAD_DEBT)
        return Verdict(health, unsafe)

    def _prices(self, rate: int | None) -> tuple[LiquidationPrice, ...]:
        """The feed's price in USD at which the vault crosses, fees collected."""
        if self.urn is None or not self.urn.art or not rate or not self.par or not self.mat:
            return ()
        raw = liquidation_price(self.urn, rate, self.par, self.mat)
        return (LiquidationPrice(self.asset, "down", raw, 18, "USD"),)

    def _scenario_health(
        self, legs: Sequence[Leg], scenarios: LegScenarios, held: int | None, owed: int
    ) -> FloatArray:
        """``ink * spot / tab`` per scenario, from the legs' amounts."""
        spot = self._require(self.actionable_spot(), "spot")
        tab = _raw(legs[owed], 45)
        if held is None:
            return np.zeros(scenarios.value.shape[1])
        counted = _raw(legs[held], 18) * spot
        today = to_float(counted, 0) / to_float(tab, 0)
        # Never rounded across 1, the boundary.
        below = float(np.nextafter(1.0, 0.0))
        exact = min(today, below) if counted < tab else max(today, 1.0)
        move = scenarios.factor[held] / scenarios.factor[owed]
        return np.where(move == 1.0, exact, today * move)

    def _require(self, value: int | None, name: str) -> int:
        if not value:
            raise RuleError(f"the vault's {name} is not known: the rule cannot be evaluated")
        return value


def _refuse_unread(urn: Urn | None, legs: Sequence[Leg]) -> None:
    """A missing position or leg is no scenario answer: its quantity 0 would read as no debt."""
    unread = [leg.id for leg in legs if leg.failure is not None]
    if urn is None or unread:
        what = ", ".join(unread) or "vault"
        raise RuleError(f"not read, so the rule cannot be evaluated: {what}")


def _find(legs: Sequence[Leg], name: str, asset: str) -> int | None:
    """The position of the locked collateral among the legs."""
    for index, leg in enumerate(legs):
        held = leg.instrument
        if isinstance(held, Spot) and leg.id == name and held.asset.key == asset:
            return index
    return None


def _debt_leg(legs: Sequence[Leg]) -> int | None:
    """The position of the debt among the legs."""
    owed = (index for index, leg in enumerate(legs) if isinstance(leg.instrument, Debt))
    return next(owed, None)


def _raw(leg: Leg, decimals: int) -> int:
    """The leg's amount as the vat holds it, whatever its sign."""
    numerator, denominator = abs(leg.quantity).as_integer_ratio()
    return numerator * int(10**decimals) // denominator


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _fields(state: Urn | IlkState | Fee | None) -> dict[str, str] | None:
    return None if state is None else {name: str(value) for name, value in asdict(state).items()}
