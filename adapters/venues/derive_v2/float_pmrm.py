"""Both portfolio managers over many scenarios, in ``float64``; ``pmrm1.py``, ``pmrm2.py`` are exact."""

from __future__ import annotations

import math

import numpy as np

from ....core.book.rule import FloatArray
from ....core.units import WAD
from .floats import Base, ExpiryOptions, ShockedMarket, number
from .pmrm1 import Pmrm1Book, Pmrm1Terms
from .pmrm2 import Direction, OtherTerms, Pmrm2Book, Pmrm2Terms, Scenario, SkewTerms
from .shocks import BasisTerms, VolatilityTerms, volatility_shocks

__all__ = ["pmrm1_requirements", "pmrm2_requirements"]

Requirements = tuple[FloatArray, FloatArray, FloatArray]


def pmrm1_requirements(
    book: Pmrm1Book, terms: Pmrm1Terms, market: ShockedMarket, stable: FloatArray
) -> Requirements:
    """The market's (initial requirement, maintenance requirement, value), each [S]."""
    spot, size = market.spot, abs(market.position)
    amount = sum(each.amount for each in market.bases)
    base = amount * spot / stable
    expiries = market.options.expiries
    now = [_value(each, market, WAD, 1.0, 1.0) for each in expiries]
    unsettled = market.unsettled if size else np.zeros_like(spot)
    total = base + unsettled + sum(now, np.zeros_like(spot))
    basis = np.zeros_like(spot)
    for expiry, value in zip(expiries, now, strict=True):
        basis = basis + _basis(terms.basis, expiry, market, value, 1.0)
    worst = basis
    for scenario in terms.scenarios:
        move = number(scenario.spot) - 1.0
        pnl = base * move + market.position * move * market.perp_price
        for expiry, value in zip(expiries, now, strict=True):
            factor = _volatility_factor(terms.volatility, expiry, scenario.direction)
            shocked = _value(expiry, market, scenario.spot, factor, 1.0)
            discount = number(terms.static_discount) * _decay(
                expiry, terms.rate_multiply, terms.rate_add
            )
            pnl = pnl + np.where(shocked > 0.0, shocked * discount, shocked) - value
        worst = np.minimum(worst, pnl)
    static, doubt = _pmrm1_charges(book, terms, market, amount)
    loss = worst - static
    lost = np.maximum(number(terms.peg_threshold) - stable, 0.0)
    factor_im = number(terms.im_factor) + lost * number(terms.peg_factor)
    return doubt - loss * factor_im, -loss, total


def _pmrm1_charges(
    book: Pmrm1Book, terms: Pmrm1Terms, market: ShockedMarket, base: float
) -> tuple[FloatArray, FloatArray]:
    spot, size = market.spot, abs(market.position)
    confidence = _confidence(book, market)
    static = (size * number(terms.perp_share) + base * number(terms.base_share)) * spot
    threshold, margin = terms.confidence_threshold, terms.confidence_margin
    doubt = _doubt(confidence, threshold, margin) * (size + base) * spot
    for expiry in market.options.expiries:
        static = static + expiry.naked() * number(terms.option_share) * spot
        least = min(confidence, *_confidences(expiry))
        gross = float(np.abs(expiry.amount).sum())
        doubt = doubt + _doubt(least, threshold, margin) * gross * spot
    return np.asarray(static), np.asarray(doubt)


def pmrm2_requirements(
    book: Pmrm2Book, terms: Pmrm2Terms, market: ShockedMarket, stable: FloatArray
) -> Requirements:
    """The market's (initial requirement, maintenance requirement, value), each [S]."""
    spot = market.spot
    values = [(each, _collateral_value(book, each, market, stable)) for each in market.bases]
    expiries = [_Expiry(each, market, terms) for each in market.options.expiries]
    unsettled = market.unsettled if market.position else np.zeros_like(spot)
    total = unsettled + sum((each.now for each in expiries), np.zeros_like(spot))
    total = total + sum((value for _, value in values), np.zeros_like(spot))
    cancelling = {each.key for each in book.collaterals if each.is_risk_cancelling}
    riskless = sum((v for base, v in values if base.key in cancelling), np.zeros_like(spot))
    worst = np.zeros_like(spot)
    for each in expiries:
        worst = worst + _basis(terms.basis, each.options, market, each.now, each.discount)
    for scenario in terms.scenarios:
        move, damping = number(scenario.spot) - 1.0, number(scenario.damping)
        pnl = (market.position * market.perp_price + riskless) * move * damping
        for each in expiries:
            pnl = pnl + each.pnl(scenario)
        worst = np.minimum(worst, pnl)
    mm, im = _pmrm2_charges(book, terms.other, market, values)
    lost = np.maximum(number(terms.other.peg_threshold) - stable, 0.0)
    factor = number(terms.margin.im_factor) + lost * number(terms.other.peg_factor)
    return im + mm - worst * factor, mm - worst * number(terms.margin.mm_factor), total


def _collateral_value(
    book: Pmrm2Book, base: Base, market: ShockedMarket, stable: FloatArray
) -> FloatArray:
    today = next(each for each in book.collaterals if each.key == base.key)
    factor = market.factor if base.shares_spot else base.factor
    return np.asarray(base.amount * number(today.price) * factor / stable)


def _pmrm2_charges(
    book: Pmrm2Book,
    terms: OtherTerms,
    market: ShockedMarket,
    values: list[tuple[Base, FloatArray]],
) -> tuple[FloatArray, FloatArray]:
    """The charges (MM, and what IM adds to it)."""
    spot, confidence = market.spot, _confidence(book, market)
    threshold, margin = terms.confidence_threshold, terms.confidence_margin
    perp = abs(market.position) * spot
    mm = perp * number(terms.mm_perp)
    im = perp * (number(terms.im_perp) + _doubt(confidence, threshold, margin))
    for expiry in market.options.expiries:
        naked = expiry.naked() * spot
        mm, im = mm + naked * number(terms.mm_option), im + naked * number(terms.im_option)
        least = min(confidence, *_confidences(expiry))
        gross = float(np.abs(expiry.amount).sum())
        im = im + _doubt(least, threshold, margin) * gross * spot
    for base, value in values:
        held = next(each for each in book.collaterals if each.key == base.key)
        mm = mm + value * number(held.mm_haircut)
        least = min(held.confidence, book.spot_confidence)
        im = im + value * (number(held.im_haircut) + _doubt(least, threshold, margin))
    return np.asarray(mm), np.asarray(im)


class _Expiry:
    """An expiry under PMRM_2 with what all scenarios share."""

    def __init__(self, options: ExpiryOptions, market: ShockedMarket, terms: Pmrm2Terms) -> None:
        self.options, self._market, self._terms = options, market, terms
        rate = max(number(options.holding.rate), 0.0)
        self.discount = math.exp(-rate * options.tenor)
        self.now = _value(options, market, WAD, 1.0, self.discount)
        margin = terms.margin
        self._asset = number(margin.long_discount) * _decay(
            options, margin.long_rate_multiply, margin.long_rate_add
        )
        grown = number(margin.short_discount) / _decay(
            options, margin.short_rate_multiply, margin.short_rate_add
        )
        self._debt = min(grown, 1.0 / self.discount)

    def pnl(self, scenario: Scenario) -> FloatArray:
        """The scenario's damped result against today's value, [S]."""
        skew = scenario.direction in (Direction.LINEAR, Direction.ABS)
        if skew:
            linear = scenario.direction is Direction.LINEAR
            value = _skewed(self.options, self._market, self._terms.skew, linear, self.discount)
        else:
            terms = self._terms.volatility
            factor = _volatility_factor(terms, self.options, scenario.direction)
            least = number(terms.least_up) if scenario.direction is Direction.UP else 0.0
            value = _value(self.options, self._market, scenario.spot, factor, self.discount, least)
        value = value * np.where(value >= 0.0, self._asset, self._debt)
        change = (value - self.now) * number(scenario.damping)
        return -np.abs(change) if skew else change


def _value(
    options: ExpiryOptions,
    market: ShockedMarket,
    shock: int,
    volatility: float,
    discount: float,
    least: float = 0.0,
) -> FloatArray:
    """The expiry's value with the manager's shocks on top of the scenario, [S]."""
    moved = np.maximum(options.volatility * volatility, least)
    marks = options.marks(options.forward(market, number(shock)), moved, discount)
    return np.asarray(marks.sum(axis=0))


def _skewed(
    options: ExpiryOptions, market: ShockedMarket, terms: SkewTerms, linear: bool, discount: float
) -> FloatArray:
    """The value with the surface's wings turned, [S]."""
    root = math.sqrt(options.tenor)
    slope, base = (
        (terms.linear_slope, terms.linear_cap) if linear else (terms.abs_slope, terms.abs_cap)
    )
    cap = number(slope) * root + number(base)
    level = number(terms.volatility_static) + root * number(terms.volatility_scale)
    width = max(number(terms.least_width), root * number(terms.width_scale) * level)
    forward = options.forward(market)
    distance = np.log(options.strike / np.where(forward > 0.0, forward, np.nan))
    distance = distance if linear else np.abs(distance)
    turn = distance * cap / width
    turn = np.where(distance >= 0.0, np.minimum(cap, turn), np.maximum(-cap, turn))
    moved = options.volatility * np.maximum(1.0 + turn, 0.0)
    return np.asarray(options.marks(forward, moved, discount).sum(axis=0))


def _basis(
    terms: BasisTerms,
    options: ExpiryOptions,
    market: ShockedMarket,
    now: FloatArray,
    discount: float,
) -> FloatArray:
    up = _value(options, market, terms.spot_up, 1.0, discount)
    down = _value(options, market, terms.spot_down, 1.0, discount)
    share = number(terms.add) + number(terms.multiply) * options.tenor
    return np.asarray(np.minimum(np.minimum(up, down) - now, 0.0) * share)


def _volatility_factor(
    terms: VolatilityTerms, options: ExpiryOptions, direction: Direction
) -> float:
    up, down = volatility_shocks(terms, options.holding.seconds)
    return {Direction.UP: number(up), Direction.DOWN: number(down)}.get(direction, 1.0)


def _decay(options: ExpiryOptions, multiply: int, add: int) -> float:
    rate = max(number(options.holding.rate), 0.0) * number(multiply) + number(add)
    return math.exp(-options.tenor * rate)


def _confidence(book: Pmrm1Book | Pmrm2Book, market: ShockedMarket) -> int:
    if market.position:
        return min(book.spot_confidence, book.perp.confidence)
    return book.spot_confidence


def _confidences(options: ExpiryOptions) -> tuple[int, int, int]:
    held = options.holding
    return held.forward_confidence, held.rate_confidence, held.volatility_confidence


def _doubt(confidence: int, threshold: int, margin: int) -> float:
    """The share of notional that a feed below the threshold costs; compared as integers."""
    return number(WAD - confidence) * number(margin) if confidence < threshold else 0.0
