"""Full revaluation: units x shocked states of one underlying, without a loop over states.

``States`` says what happened to an underlying in each of S states. A stablecoin is an underlying
whose move is its peg's; an LST or LRT rides on its underlying with a ratio of its own; a perp's
mark may leave the index at one venue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..book.rule import FloatArray, LegScenarios
from .positions import Position, Unit
from .pricing import black76

__all__ = ["States", "VolatilityRule", "leg_scenarios", "unit_profits", "venue_volatility"]

_NOTHING = np.zeros(1)


@dataclass(frozen=True, slots=True)
class States:
    """What happened to one underlying in each of S states; every array is [S].

    ``move``: return of the price (-0.16 = down 16%). ``vol``: -1 down, 0 same, +1 up. ``ratios``:
    return of an LST's ratio, by its key. ``marks``: mark over index of a venue's perp, as a share
    of the shocked price. ``funding``: what longs pay there, as a share of today's price.
    """

    move: FloatArray
    vol: FloatArray
    ratios: Mapping[str, FloatArray] = field(default_factory=dict)
    marks: Mapping[str, FloatArray] = field(default_factory=dict)
    funding: Mapping[str, FloatArray] = field(default_factory=dict)


VolatilityRule = Callable[[FloatArray, FloatArray, States], FloatArray]
"""(volatility [n,1], tenor in years [n,1], states) -> shocked volatility [n,S]."""


def unit_profits(
    units: Sequence[Unit], states: States, volatility_rule: VolatilityRule
) -> FloatArray:
    """USD gained by one unit of each in each state: [units, S]; all are of one underlying."""
    profits = np.zeros((len(units), len(states.move)))
    options = [index for index, unit in enumerate(units) if unit.kind == "option"]
    for index, unit in enumerate(units):
        if unit.kind != "option":
            profits[index] = _linear_profit(unit, states)
    if options:
        profits[options] = _option_profits([units[i] for i in options], states, volatility_rule)
    return profits


def leg_scenarios(
    positions: Sequence[Position],
    underlying: str,
    states: States,
    volatility_rule: VolatilityRule,
) -> LegScenarios:
    """One account's legs while one underlying moves and every other stands still."""
    moved = [index for index, held in enumerate(positions) if held.unit.underlying == underlying]
    count = len(states.move)
    value = np.repeat(np.array([[held.value] for held in positions]).reshape(-1, 1), count, axis=1)
    factor = np.ones((len(positions), count))
    volatility = np.ones_like(factor)
    units = [positions[index].unit for index in moved]
    if moved:
        quantity = np.array([[positions[index].quantity] for index in moved])
        value[moved] += quantity * unit_profits(units, states, volatility_rule)
        factor[moved] = [_price_factor(unit, states) for unit in units]
        volatility[moved] = _volatility_factors(units, states, volatility_rule)
    price = np.array([[held.unit.price] for held in positions]).reshape(-1, 1) * factor
    return LegScenarios(value, price, factor, volatility)


def venue_volatility(response: str) -> VolatilityRule:
    """How implied volatility follows the price in a venue's test: ``sticky`` or ``parametric``.

    Parametric: it rises by ``-1.2 ln(1+m)`` below today's price and ``0.5 ln(1+m)`` above, the
    factor kept within 0.7 and 2.5 (rule 7's stand-in until an index is given).
    """

    def rule(volatility: FloatArray, tenor_years: FloatArray, states: States) -> FloatArray:
        if response == "sticky":
            return volatility + 0.0 * states.move
        log_move = np.log1p(states.move)
        factor = np.exp(np.where(log_move < 0, -1.2 * log_move, 0.5 * log_move))
        return np.asarray(volatility * np.clip(factor, 0.7, 2.5))

    return rule


def _price_factor(unit: Unit, states: States) -> FloatArray:
    return np.asarray((1.0 + states.move) * (1.0 + states.ratios.get(unit.factor, _NOTHING)))


def _linear_profit(unit: Unit, states: States) -> FloatArray:
    """Profit of something whose value is its price: cash does not move, a perp's mark may leave."""
    if unit.kind == "cash":
        return np.zeros_like(states.move)
    if unit.kind == "perp":
        mark = states.marks.get(unit.venue, _NOTHING)
        paid = states.funding.get(unit.venue, _NOTHING)
        return np.asarray(unit.price * (states.move + (1.0 + states.move) * mark - paid))
    ratio = states.ratios.get(unit.factor, _NOTHING)
    return np.asarray(unit.price * (states.move + (1.0 + states.move) * ratio))


def _volatility_factors(
    units: Sequence[Unit], states: States, volatility_rule: VolatilityRule
) -> FloatArray:
    """Shocked over today's implied volatility, [units, S]; 1 for what is no option."""
    today = _column([unit.volatility for unit in units])
    shocked = volatility_rule(today, _column([unit.tenor_years for unit in units]), states)
    factors = np.ones_like(shocked)
    np.divide(shocked, today, out=factors, where=today > 0.0)
    return factors


def _column(values: Sequence[float]) -> FloatArray:
    return np.array(values, dtype=np.float64).reshape(-1, 1)


def _option_profits(
    units: Sequence[Unit], states: States, volatility_rule: VolatilityRule
) -> FloatArray:
    forward = _column([unit.price * unit.growth for unit in units])
    strike = _column([unit.strike for unit in units])
    tenor = _column([unit.tenor_years for unit in units])
    volatility = _column([unit.volatility for unit in units])
    call = np.array([[unit.call] for unit in units])
    discount = _column([1.0 / unit.growth for unit in units])
    shocked = black76(
        forward * (1.0 + states.move),
        strike,
        volatility_rule(volatility, tenor, states),
        tenor,
        call,
        discount,
    )
    return shocked - black76(forward, strike, volatility, tenor, call, discount)
