"""PMRM_2 and PMRM_2_1: scenario margin with discounting, skews, tails and many collaterals.

Source: v2-core ``PMRMLib_2.sol`` and ``PMRM_2.sol``. ``margin`` is net: value less requirement, so
that 0 and above is healthy. PMRM_2_1 differs only in whose parameters an account is judged by.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ....core.errors import RuleError
from ....core.units import WAD, div_toward_zero
from .black76 import prices
from .fixed_point import SECONDS_PER_YEAR, annualised, div, exp, ln, mul, sqrt
from .holdings import NO_PERP, ExpiryHolding, PerpHolding, naked_shorts
from .shocks import (
    BasisTerms,
    VolatilityTerms,
    basis_contingency,
    penalty_share,
    shocked_value,
    volatility_shocks,
)

__all__ = [
    "Collateral",
    "Direction",
    "MarginTerms",
    "OtherTerms",
    "Pmrm2Book",
    "Pmrm2Figures",
    "Pmrm2Terms",
    "Scenario",
    "SkewTerms",
    "figures",
]


class Direction(StrEnum):
    """What a scenario does to volatility; the order is the contract's enumeration."""

    NONE = "none"
    UP = "up"
    DOWN = "down"
    LINEAR = "linear"
    ABS = "abs"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A spot factor, a volatility direction, and the share of the result that counts."""

    spot: int
    direction: Direction
    damping: int = WAD


@dataclass(frozen=True, slots=True)
class MarginTerms:
    """Factors on the worst scenario, and the discounts of option value in scenarios."""

    im_factor: int
    mm_factor: int
    short_rate_multiply: int
    long_rate_multiply: int
    short_rate_add: int
    long_rate_add: int
    short_discount: int
    long_discount: int


@dataclass(frozen=True, slots=True)
class OtherTerms:
    """Charges for depegs, low confidence, perps and naked shorts."""

    peg_threshold: int
    peg_factor: int
    confidence_threshold: int
    confidence_margin: int
    mm_perp: int
    im_perp: int
    mm_option: int
    im_option: int


@dataclass(frozen=True, slots=True)
class SkewTerms:
    """How the skew scenarios turn the surface."""

    linear_cap: int
    abs_cap: int
    linear_slope: int
    abs_slope: int
    least_width: int
    width_scale: int
    volatility_static: int
    volatility_scale: int


@dataclass(frozen=True, slots=True)
class Pmrm2Terms:
    """The parameters of one library and the manager's scenarios."""

    basis: BasisTerms
    other: OtherTerms
    margin: MarginTerms
    volatility: VolatilityTerms
    skew: SkewTerms
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True, slots=True)
class Collateral:
    """A token held; only a risk-cancelling one moves in scenarios. ``key`` names its asset.

    ``shares_spot``: its price is the market's own spot feed.
    """

    amount: int
    price: int
    confidence: int
    is_risk_cancelling: bool
    mm_haircut: int
    im_haircut: int
    key: str = ""
    shares_spot: bool = False


@dataclass(frozen=True, slots=True)
class Pmrm2Book:
    """What the account holds, at the feeds' values."""

    cash: int
    spot: int
    spot_confidence: int
    stable: int
    perp: PerpHolding = NO_PERP
    collaterals: tuple[Collateral, ...] = ()
    expiries: tuple[ExpiryHolding, ...] = ()
    underlying: str = ""


@dataclass(frozen=True, slots=True)
class Pmrm2Figures:
    """The manager's answer, with its parts; ``worst`` is a scenario's index, or their number for
    the basis contingency."""

    initial: int
    maintenance: int
    mark_to_market: int
    worst: int
    basis: int
    mm_contingency: int
    im_contingency: int
    scenario_pnl: tuple[int, ...]
    option_value: int
    collateral_value: int


@dataclass(frozen=True, slots=True)
class _Expiry:
    """An expiry with what all scenarios share."""

    holding: ExpiryHolding
    discount: int
    now: int
    asset_discount: int
    debt_discount: int
    up: int
    down: int


def figures(book: Pmrm2Book, terms: Pmrm2Terms) -> Pmrm2Figures:
    """IM, MM and everything they are made of; ``RuleError`` where the contract reverts."""
    if not terms.scenarios:
        raise RuleError("the contract reverts: the manager has no scenarios")
    expiries = [_prepared(each, terms) for each in book.expiries]
    values = [_collateral_value(each, book.stable) for each in book.collaterals]
    pnl = tuple(_pnl(book, values, expiries, terms, each) for each in terms.scenarios)
    basis = sum(
        basis_contingency(terms.basis, each.holding, each.discount, each.now) for each in expiries
    )
    lowest = min(pnl)
    worst = pnl.index(lowest) if lowest < basis else len(pnl)
    mm_contingency, im_contingency = _contingencies(book, values, terms.other)
    option_value = sum(each.now for each in expiries)
    total = book.perp.unsettled + option_value + sum(values) + book.cash
    loss = min(basis, lowest)
    maintenance = mul(loss, terms.margin.mm_factor) - mm_contingency + total
    initial = mul(loss, _im_factor(book.stable, terms)) - im_contingency - mm_contingency + total
    return Pmrm2Figures(
        initial,
        maintenance,
        total,
        worst,
        basis,
        mm_contingency,
        im_contingency,
        pnl,
        option_value,
        sum(values),
    )


def _im_factor(stable: int, terms: Pmrm2Terms) -> int:
    """The factor on the worst scenario for IM, raised where the stablecoin lost its peg."""
    lost = max(terms.other.peg_threshold - stable, 0)
    return terms.margin.im_factor + mul(lost, terms.other.peg_factor)


def _collateral_value(collateral: Collateral, stable: int) -> int:
    """The value in the venue's cash."""
    if stable == 0:
        raise RuleError("the contract reverts: division by zero")
    return collateral.amount * collateral.price // stable


def _prepared(holding: ExpiryHolding, terms: Pmrm2Terms) -> _Expiry:
    rate = max(holding.rate, 0)
    discount = exp(div_toward_zero(-rate * holding.seconds, SECONDS_PER_YEAR))
    tenor, margin = annualised(holding.seconds), terms.margin
    long_rate = mul(rate, margin.long_rate_multiply) + margin.long_rate_add
    short_rate = mul(rate, margin.short_rate_multiply) + margin.short_rate_add
    debt_discount = div(margin.short_discount, exp(-mul(tenor, short_rate)))
    up, down = volatility_shocks(terms.volatility, holding.seconds)
    return _Expiry(
        holding,
        discount,
        shocked_value(holding, WAD, WAD, discount),
        mul(margin.long_discount, exp(-mul(tenor, long_rate))),
        min(div(WAD, discount), debt_discount),
        up,
        down,
    )


def _pnl(
    book: Pmrm2Book,
    values: list[int],
    expiries: list[_Expiry],
    terms: Pmrm2Terms,
    scenario: Scenario,
) -> int:
    """The scenario's result against today's value; a skew counts against every expiry."""
    move = scenario.spot - WAD
    total = mul(mul(book.perp.position, mul(move, book.perp.price)), scenario.damping)
    for expiry in expiries:
        value = _shocked(expiry, terms, scenario)
        value = mul(value, expiry.asset_discount if value >= 0 else expiry.debt_discount)
        change = mul(value - expiry.now, scenario.damping)
        skewed = scenario.direction in (Direction.LINEAR, Direction.ABS)
        total += -abs(change) if skewed else change
    for collateral, value in zip(book.collaterals, values, strict=True):
        if collateral.is_risk_cancelling:
            total += mul(mul(value, move), scenario.damping)
    return total


def _shocked(expiry: _Expiry, terms: Pmrm2Terms, scenario: Scenario) -> int:
    """The expiry's value in the scenario, before the static discounts."""
    if scenario.direction in (Direction.LINEAR, Direction.ABS):
        return _skewed(expiry, terms.skew, scenario.direction is Direction.LINEAR)
    factor, least = WAD, 0
    if scenario.direction is Direction.UP:
        factor, least = expiry.up, terms.volatility.least_up
    elif scenario.direction is Direction.DOWN:
        factor = expiry.down
    return shocked_value(expiry.holding, scenario.spot, factor, expiry.discount, least)


def _skewed(expiry: _Expiry, terms: SkewTerms, linear: bool) -> int:
    """The value with the surface's wings turned, at today's forward."""
    holding = expiry.holding
    root = sqrt(annualised(holding.seconds))
    slope, base = (
        (terms.linear_slope, terms.linear_cap) if linear else (terms.abs_slope, terms.abs_cap)
    )
    cap = mul(slope, root) + base
    width = mul(
        mul(root, terms.width_scale),
        terms.volatility_static + mul(root, terms.volatility_scale),
    )
    width = max(terms.least_width, width)
    total = 0
    for option in holding.options:
        factor = _skew_factor(ln(div(option.strike, holding.forward)), cap, width, linear)
        moved = mul(option.volatility, factor)
        call, put = prices(holding.seconds, moved, holding.forward, option.strike, expiry.discount)
        total += mul(call if option.is_call else put, option.amount)
    return total


def _skew_factor(distance: int, cap: int, width: int, linear: bool) -> int:
    """The factor on a strike's volatility, from its log distance to the forward."""
    if width == 0:
        raise RuleError("the contract reverts: division by zero")
    distance = distance if linear else abs(distance)
    turn = div_toward_zero(distance * cap, width)
    turn = min(cap, turn) if distance >= 0 else max(-cap, turn)
    return max(WAD + turn, 0)


def _contingencies(book: Pmrm2Book, values: list[int], terms: OtherTerms) -> tuple[int, int]:
    """The charges (MM, and what IM adds to it)."""
    perp, confidence = mul(abs(book.perp.position), book.spot), book.spot_confidence
    if book.perp.position:
        confidence = min(confidence, book.perp.confidence)
    mm, im = mul(perp, terms.mm_perp), mul(perp, terms.im_perp)
    im += _charge(terms, confidence, perp)
    for expiry in book.expiries:
        naked = mul(naked_shorts(expiry.options), book.spot)
        mm += mul(naked, terms.mm_option)
        im += mul(naked, terms.im_option)
        feeds = (expiry.forward_confidence, expiry.rate_confidence, expiry.volatility_confidence)
        im += _charge(terms, min(confidence, *feeds), mul(expiry.gross, book.spot))
    for collateral, value in zip(book.collaterals, values, strict=True):
        mm += mul(value, collateral.mm_haircut)
        im += mul(value, collateral.im_haircut)
        im += _charge(terms, min(collateral.confidence, book.spot_confidence), value)
    return mm, im


def _charge(terms: OtherTerms, confidence: int, notional: int) -> int:
    share = penalty_share(confidence, terms.confidence_threshold, terms.confidence_margin)
    return mul(share, notional)
