"""PMRM, the first portfolio manager: one market's options, perp and base token in 23 scenarios.

Source: v2-core ``PMRMLib.sol`` and ``PMRM.sol``. ``margin`` is net: value less requirement.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import WAD
from .fixed_point import annualised, div, exp, mul
from .holdings import NO_PERP, ExpiryHolding, PerpHolding, naked_shorts
from .pmrm2 import Direction, Scenario
from .shocks import (
    BasisTerms,
    VolatilityTerms,
    basis_contingency,
    penalty_share,
    shocked_value,
    volatility_shocks,
)

__all__ = ["Pmrm1Book", "Pmrm1Figures", "Pmrm1Terms", "figures"]


@dataclass(frozen=True, slots=True)
class Pmrm1Terms:
    """The library's parameters and the manager's scenarios (without damping)."""

    peg_threshold: int
    peg_factor: int
    confidence_threshold: int
    confidence_margin: int
    base_share: int
    perp_share: int
    option_share: int
    im_factor: int
    static_discount: int
    rate_multiply: int
    rate_add: int
    basis: BasisTerms
    volatility: VolatilityTerms
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True, slots=True)
class Pmrm1Book:
    """What the account holds, at the feeds' values; ``base`` is an amount of the base token."""

    cash: int
    spot: int
    spot_confidence: int
    stable: int
    perp: PerpHolding = NO_PERP
    base: int = 0
    expiries: tuple[ExpiryHolding, ...] = ()
    underlying: str = ""
    base_key: str = ""


@dataclass(frozen=True, slots=True)
class Pmrm1Figures:
    """The manager's answer with its parts; ``mark_to_market`` holds the cash too."""

    initial: int
    maintenance: int
    mark_to_market: int
    worst: int
    basis: int
    static_contingency: int


def figures(book: Pmrm1Book, terms: Pmrm1Terms) -> Pmrm1Figures:
    """IM, MM and what they are made of; ``RuleError`` where the contract reverts."""
    if not terms.scenarios:
        raise RuleError("the contract reverts: the manager has no scenarios")
    now = [shocked_value(each, WAD, WAD, WAD) for each in book.expiries]
    pnl = [_pnl(book, now, terms, scenario) for scenario in terms.scenarios]
    basis = sum(
        basis_contingency(terms.basis, expiry, WAD, value)
        for expiry, value in zip(book.expiries, now, strict=True)
    )
    lowest = min(pnl)
    worst = pnl.index(lowest) if lowest < basis else len(pnl)
    static, confidence = _contingencies(book, terms)
    total = _base_value(book, WAD) + book.perp.unsettled + sum(now) + book.cash
    loss = min(basis, lowest) - static
    factor = terms.im_factor + mul(max(terms.peg_threshold - book.stable, 0), terms.peg_factor)
    initial = mul(loss, factor) - confidence + total
    return Pmrm1Figures(initial, loss + total, total, worst, basis, static)


def _base_value(book: Pmrm1Book, shock: int) -> int:
    """The base token's value in the venue's cash."""
    return div(mul(mul(book.base, book.spot), shock), book.stable) if book.base else 0


def _pnl(book: Pmrm1Book, now: list[int], terms: Pmrm1Terms, scenario: Scenario) -> int:
    """The scenario's result against today's value; gains of option value are discounted."""
    total = 0
    for expiry, value in zip(book.expiries, now, strict=True):
        up, down = volatility_shocks(terms.volatility, expiry.seconds)
        factor = {Direction.UP: up, Direction.DOWN: down}.get(scenario.direction, WAD)
        shocked = shocked_value(expiry, scenario.spot, factor, WAD)
        if shocked > 0:
            shocked = mul(shocked, _static_discount(expiry, terms))
        total += shocked - value
    total += _base_value(book, scenario.spot) - _base_value(book, WAD)
    return total + mul(book.perp.position, mul(scenario.spot - WAD, book.perp.price))


def _static_discount(expiry: ExpiryHolding, terms: Pmrm1Terms) -> int:
    rate = mul(max(expiry.rate, 0), terms.rate_multiply) + terms.rate_add
    return mul(terms.static_discount, exp(-mul(annualised(expiry.seconds), rate)))


def _contingencies(book: Pmrm1Book, terms: Pmrm1Terms) -> tuple[int, int]:
    """The charges (static, confidence)."""
    perp, confidence = abs(book.perp.position), book.spot_confidence
    if book.perp.position:
        confidence = min(confidence, book.perp.confidence)
    static = mul(mul(perp, terms.perp_share) + mul(book.base, terms.base_share), book.spot)
    doubt = _charge(terms, confidence, perp + book.base, book.spot)
    for expiry in book.expiries:
        static += mul(mul(naked_shorts(expiry.options), terms.option_share), book.spot)
        feeds = (expiry.forward_confidence, expiry.rate_confidence, expiry.volatility_confidence)
        doubt += _charge(terms, min(confidence, *feeds), expiry.gross, book.spot)
    return static, doubt


def _charge(terms: Pmrm1Terms, confidence: int, amount: int, spot: int) -> int:
    share = penalty_share(confidence, terms.confidence_threshold, terms.confidence_margin)
    return mul(mul(share, amount), spot)
