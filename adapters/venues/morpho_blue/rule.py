"""Morpho Blue's margin rule for one position in one market.

Healthy while ``maxBorrow >= borrowed`` (equality is healthy); the venue publishes no health, ours
is ``maxBorrow / borrowed``. Interest accrues only when somebody touches a market, so the stored
totals and the totals accrued to the block can disagree: both verdicts are given.
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
from ....core.units import to_float
from .maths import (
    ORACLE_PRICE_SCALE,
    MarketState,
    PositionState,
    accrue,
    liquidation_price,
    max_borrow,
    to_assets_down,
    to_assets_up,
)

__all__ = ["COLLATERAL", "DEBT", "KIND", "MEASURE", "SUPPLY", "VENUE", "MorphoRule", "Token"]

VENUE = KIND = "morpho-blue"
MEASURE = "max borrow / borrowed"

# The ids of an account's legs.
COLLATERAL, DEBT, SUPPLY = "collateral", "debt", "supply"


@dataclass(frozen=True, slots=True)
class Token:
    """A market's token: its asset key and decimals (None where they could not be read)."""

    key: str
    decimals: int | None


@dataclass(frozen=True, slots=True)
class MorphoRule:
    """One position, its market and the two numbers that judge it; None means not read.

    ``timestamp`` is the block's. ``oracle_price`` is raw loan per raw collateral (1e36),
    ``borrow_rate`` per second (1e18; 0 for a market without a rate model).
    """

    timestamp: int
    position: PositionState | None = None
    market: MarketState | None = None
    lltv: int | None = None
    oracle_price: int | None = None
    borrow_rate: int | None = None
    collateral: Token | None = None
    loan: Token | None = None

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    def judge(self) -> Judgement:
        """The exact verdicts on stored and accrued totals, with the figures that decide."""
        market, accrued = self.market, self._accrued()
        stored, actionable = self._verdict(market), self._verdict(accrued)
        figures = {} if accrued is None else self._amounts(accrued)
        limit = self._limit()
        if limit is not None:
            figures["maxBorrow"] = limit
        if actionable.liquidatable is not None:
            figures["healthy"] = int(not actionable.liquidatable)
        return Judgement(MEASURE, stored, actionable, figures, self._prices(accrued))

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """Health and margin in every scenario; the limit moves with collateral over loan.

        The amounts come from the legs, so that a changed leg changes the answer; at today's prices
        the limit is rounded as the contract rounds it. There is one limit: initial = maintenance.
        """
        _refuse_unread(self.position, legs)
        equity = scenarios.value.sum(axis=0)
        held, owed = self._collateral_leg(legs), _debt_leg(legs)
        # Everything supplied covers debt, but only lltv of the collateral counts for the limit.
        margin = np.where(scenarios.value > 0, scenarios.value, 0.0).sum(axis=0)
        if held is not None:
            margin = margin - scenarios.value[held] * to_float(self._require(self.lltv, "lltv"), 18)
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
            "position": _fields(self.position),
            "market": _fields(self.market),
            "lltv": _text(self.lltv),
            "oracle_price": _text(self.oracle_price),
            "borrow_rate": _text(self.borrow_rate),
            "collateral": _token(self.collateral),
            "loan": _token(self.loan),
        }

    def _accrued(self) -> MarketState | None:
        """The market at the block's time; None where it was not read or cannot be computed."""
        if self.market is None or self.borrow_rate is None:
            return None
        try:
            return accrue(self.market, self.borrow_rate, self.timestamp).market
        except RuleError:
            return None

    def _limit(self) -> int | None:
        """``maxBorrow`` of the position; None where a part is missing or the contract overflows."""
        if self.position is None or self.oracle_price is None or self.lltv is None:
            return None
        try:
            return max_borrow(self.position.collateral, self.oracle_price, self.lltv)
        except RuleError:
            return None

    def _amounts(self, market: MarketState) -> dict[str, int]:
        """What is owed and supplied at these totals, rounded as the contract would."""
        if self.position is None:
            return {}
        return {
            "borrowAssets": _borrowed(self.position, market),
            "supplyAssets": to_assets_down(
                self.position.supply_shares, market.total_supply_assets, market.total_supply_shares
            ),
            "collateral": self.position.collateral,
        }

    def _verdict(self, market: MarketState | None) -> Verdict:
        """The verdict at these totals."""
        position = self.position
        if position is None:
            return Verdict.unknown()
        if position.borrow_shares == 0:
            held = position.collateral > 0 or position.supply_shares > 0
            return Verdict(Health(None, State.NO_DEBT if held else State.EMPTY), False)
        limit = self._limit()
        if market is None or limit is None or self.oracle_price is None:
            return Verdict.unknown()
        borrowed = _borrowed(position, market)
        unhealthy = limit < borrowed
        health = ratio_health(limit, borrowed, liquidatable=unhealthy, held=True)
        if borrowed > position.collateral * self.oracle_price // ORACLE_PRICE_SCALE:
            health = replace(health, state=State.BAD_DEBT)
        return Verdict(health, unhealthy)

    def _prices(self, accrued: MarketState | None) -> tuple[LiquidationPrice, ...]:
        """The collateral's price in loan tokens at which the accrued position crosses."""
        position, held, owed = self.position, self.collateral, self.loan
        if position is None or accrued is None or self.lltv is None or not position.borrow_shares:
            return ()
        if held is None or owed is None or held.decimals is None or owed.decimals is None:
            return ()
        raw = liquidation_price(_borrowed(position, accrued), position.collateral, self.lltv)
        decimals = 36 + owed.decimals - held.decimals
        return (LiquidationPrice(held.key, "down", raw, decimals, owed.key),)

    def _scenario_health(
        self, legs: Sequence[Leg], scenarios: LegScenarios, held: int | None, owed: int
    ) -> FloatArray:
        """``maxBorrow / borrowed`` per scenario, from the legs' raw amounts.

        Both floors are kept, or a token of few decimals would cross at another price.
        """
        lltv = self._require(self.lltv, "lltv")
        price = self._require(self.oracle_price, "oracle price")
        borrowed = _raw(legs[owed], self.loan)
        collateral = 0 if held is None else _raw(legs[held], self.collateral)
        today = _ratio(max_borrow(collateral, price, lltv), borrowed)
        if held is None:
            return np.full(scenarios.value.shape[1], today)
        move = scenarios.factor[held] / scenarios.factor[owed]
        value = np.floor(to_float(collateral * price, 36) * move)
        # The nudge undoes the float product's own rounding where the exact product is a whole.
        limit = np.floor(value * to_float(lltv, 18) * (1 + 2**-51))
        return np.where(move == 1.0, today, limit / to_float(borrowed, 0))

    def _collateral_leg(self, legs: Sequence[Leg]) -> int | None:
        """The position of the collateral among the legs: in no other account does it count."""
        key = self.collateral.key if self.collateral is not None else ""
        for index, leg in enumerate(legs):
            held = leg.instrument
            if isinstance(held, Spot) and leg.id != SUPPLY and held.asset.key == key:
                return index
        return None

    def _require(self, value: int | None, name: str) -> int:
        if value is None:
            raise RuleError(f"the market's {name} was not read: the rule cannot be evaluated")
        return value


def _borrowed(position: PositionState, market: MarketState) -> int:
    """What the position owes at these totals, rounded up as the contract does."""
    return to_assets_up(
        position.borrow_shares, market.total_borrow_assets, market.total_borrow_shares
    )


def _refuse_unread(position: PositionState | None, legs: Sequence[Leg]) -> None:
    """A missing position or leg is no scenario answer: its quantity 0 would read as no debt."""
    unread = [leg.id for leg in legs if leg.failure is not None]
    if position is None or unread:
        what = ", ".join(unread) or "position"
        raise RuleError(f"not read, so the rule cannot be evaluated: {what}")


def _debt_leg(legs: Sequence[Leg]) -> int | None:
    """The position of the debt among the legs."""
    owed = (index for index, leg in enumerate(legs) if isinstance(leg.instrument, Debt))
    return next(owed, None)


def _raw(leg: Leg, token: Token | None) -> int:
    """The leg's amount as the venue holds it, whatever its sign."""
    if token is None or token.decimals is None:
        raise RuleError(f"the decimals of {leg.id} were not read: the rule cannot be evaluated")
    numerator, denominator = abs(leg.quantity).as_integer_ratio()
    return numerator * int(10**token.decimals) // denominator


def _ratio(limit: int, borrowed: int) -> float:
    """``limit / borrowed`` as a float that never rounds across 1, the boundary."""
    ratio = to_float(limit, 0) / to_float(borrowed, 0)
    return min(ratio, float(np.nextafter(1.0, 0.0))) if limit < borrowed else max(ratio, 1.0)


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _fields(state: MarketState | PositionState | None) -> dict[str, str] | None:
    return None if state is None else {name: str(value) for name, value in asdict(state).items()}


def _token(token: Token | None) -> dict[str, object] | None:
    return None if token is None else {"asset": token.key, "decimals": token.decimals}
