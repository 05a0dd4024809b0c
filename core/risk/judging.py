"""States and health: of an account by its venue's rule, of the portfolio by the margin model.

What is missing never helps. An account with a leg that could not be read or valued is unknown; its
health is bounded by the leg's last known value, widened by the scenario band, where there is one.
The portfolio is unknown while any leg that its margin depends on is missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from ..book.health import UNKNOWN, Health, Judgement, State, Verdict
from ..book.model import Claim, Debt, Leg, MarginAccount, Spot
from ..book.report import AT_RISK, AtRiskBands
from ..book.rule import LegScenarios, RuleArrays
from ..book.text import ratio_value
from ..value.positions import Position
from .parameters import ModelParameters
from .valuation import Valued, unmoved

__all__ = [
    "AccountJudgement",
    "judge_account",
    "missing_bounds",
    "portfolio_health",
    "with_at_risk",
]

SPREAD_BAND = 0.01  # what closing the missing leg adds to LIQ, at most
FACTOR_BAND = 0.10  # an LST's ratio or a minor depeg on top of the underlying's range


@dataclass(frozen=True, slots=True)
class AccountJudgement:
    """An account by its venue's rule; USD figures are None where they are not known."""

    health: Health
    initial: float | None
    maintenance: float | None
    stored: Verdict | None
    actionable: Verdict | None


def judge_account(
    account: MarginAccount, valued: Sequence[Valued], parameters: ModelParameters
) -> AccountJudgement:
    """The exact judgement where the adapter made one, else the rule over the legs' values.

    The initial and maintenance requirements are always the rule's, in USD at the market's prices.
    """
    exact = account.judgement or account.rule.judge()
    stored = exact.stored if exact else None
    actionable = exact.actionable if exact else None
    if account.failure is not None or any(leg.failure for leg in account.legs):
        bounds = _bounded(account, valued, exact, parameters)
        return AccountJudgement(bounds, None, None, _unsure(stored), Verdict(bounds, None))
    positions = [held for held in valued if isinstance(held, Position)]
    if len(positions) < len(valued):
        if exact is None:
            bounds = _bounded(account, valued, None, parameters)
            return AccountJudgement(bounds, None, None, None, Verdict(bounds, None))
        return AccountJudgement(exact.actionable.health, None, None, stored, actionable)
    arrays = account.rule.evaluate(account.legs, unmoved(positions))
    initial, maintenance = float(arrays.initial[0]), float(arrays.maintenance[0])
    if exact is not None:
        return AccountJudgement(exact.actionable.health, initial, maintenance, stored, actionable)
    health = _health(account, arrays, positions)
    known = Verdict(health, health.state is State.LIQUIDATABLE or bool(arrays.liquidatable[0]))
    return AccountJudgement(health, initial, maintenance, None, known)


def _unsure(verdict: Verdict | None) -> Verdict | None:
    return None if verdict is None else Verdict.unknown()


def _health(account: MarginAccount, arrays: RuleArrays, positions: Sequence[Position]) -> Health:
    """A hand-written account's health today."""
    if not account.legs:
        return Health(None, State.EMPTY)
    value = float(arrays.health[0])
    if sum(held.value for held in positions) < 0:
        return Health(_ratio(value) or Decimal(0), State.BAD_DEBT)
    if bool(arrays.liquidatable[0]):
        return Health(_ratio(value), State.LIQUIDATABLE)
    if not math.isfinite(value):
        return Health(None, State.NO_DEBT)
    return Health(_ratio(value), State.OK)


def _ratio(value: float) -> Decimal | None:
    return ratio_value(max(value, 0.0)) if math.isfinite(value) else None


def _bounded(
    account: MarginAccount,
    valued: Sequence[Valued],
    exact: Judgement | None,
    parameters: ModelParameters,
) -> Health:
    """Unknown, with the health at the worst and the best value that the missing legs can have."""
    if exact is not None:
        given = exact.actionable.health
        return replace(UNKNOWN, low=given.low, high=given.high)
    ends = [_ends(leg, held, parameters) for leg, held in zip(account.legs, valued, strict=True)]
    found = [pair for pair in ends if pair is not None]
    if account.failure is not None or len(found) < len(ends) or not found:
        return UNKNOWN
    prices = [held.unit.price if isinstance(held, Position) else 1.0 for held in valued]
    price = np.repeat(np.array(prices).reshape(-1, 1), 2, axis=1)
    arrays = account.rule.evaluate(
        account.legs, LegScenarios(np.array(found), price, np.ones_like(price))
    )
    low, high = (_ratio(float(arrays.health[end])) for end in (0, 1))
    return replace(UNKNOWN, low=low, high=high)


def _ends(leg: Leg, held: Valued, parameters: ModelParameters) -> tuple[float, float] | None:
    """The leg's worst and best signed USD value; None where nothing bounds it."""
    if isinstance(held, Position):
        return held.value, held.value
    band = _band(leg, parameters)
    if leg.last_known is None or band is None:
        return None
    value = float(leg.last_known.value)
    if isinstance(leg.instrument, Debt):
        value = -abs(value)
    return value - band * abs(value), value + band * abs(value)


def _band(leg: Leg, parameters: ModelParameters) -> float | None:
    """How far the scenarios move the leg's value; None for what a last value does not bound."""
    if not isinstance(leg.instrument, Spot | Debt | Claim):
        return None
    asset = leg.instrument.asset
    if asset.kind == "stable":
        return 0.30
    if asset.kind == "usd":
        return 0.0
    extra = FACTOR_BAND if asset.kind == "lst" else 0.0
    return parameters.range_of(asset.underlying) + extra


def with_at_risk(health: Health, coverage: float | None, bands: AtRiskBands = AT_RISK) -> State:
    """The health's state, or ``at_risk`` where it is ``ok`` and a band says so."""
    if health.state is not State.OK:
        return health.state
    near = health.value is not None and health.value < Decimal(str(1 + bands.health_within))
    thin = coverage is not None and coverage < bands.coverage_below
    return State.AT_RISK if near or thin else State.OK


def portfolio_health(equity: float, maintenance: float, *, held: bool, liability: bool) -> Health:
    """``E / MM`` as rules 5 and 21 have it; never ``liquidatable``, which only a venue can say."""
    if not held:
        return Health(None, State.EMPTY)
    if not liability:
        return Health(None, State.NO_DEBT)
    if equity <= 0:
        return Health(Decimal(0), State.BAD_DEBT)
    if maintenance <= 0:
        return Health(None, State.NO_DEBT)
    return Health(ratio_value(equity / maintenance), State.OK)


def missing_bounds(
    legs: Sequence[Leg], equity: float, maintenance: float, parameters: ModelParameters
) -> tuple[Decimal | None, Decimal | None]:
    """Low and high of the portfolio's health over what the missing legs can be worth.

    CORE is sub-additive, so a missing leg moves MM by at most its own CORE, which its value times
    its band bounds. Nothing is bounded unless every missing leg's last value is.
    """
    low, high, risk = equity, equity, 0.0
    for leg in legs:
        band = _band(leg, parameters)
        if leg.last_known is None or band is None:
            return None, None
        value = abs(float(leg.last_known.value))
        sign = -1.0 if isinstance(leg.instrument, Debt) else 1.0
        low += sign * value - band * value
        high += sign * value + band * value
        risk += (band + SPREAD_BAND) * value * (1.0 + band)
    lowest = _ratio(low / (maintenance + risk)) if maintenance + risk > 0 else None
    highest = _ratio(high / (maintenance - risk)) if maintenance > risk else None
    if lowest is None:
        return None, None
    return lowest, highest
