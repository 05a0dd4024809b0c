"""What accrues between two touches of an account: interest on cash, funding on perps.

Sources: v2-core ``CashAsset.sol`` (``_accrueInterest``), ``InterestRateModel.sol`` and
``PerpAsset.sol``. Rates and indices have 18 decimals, amounts too.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import WAD, div_toward_zero
from .fixed_point import SECONDS_PER_YEAR, div, exp, mul

__all__ = [
    "CashMarket",
    "Funding",
    "PerpPosition",
    "RateModel",
    "cash_with_interest",
    "unsettled_cash",
]


@dataclass(frozen=True, slots=True)
class RateModel:
    """The borrow rate as a function of utilisation, with one kink; per year."""

    least: int
    slope: int
    high_slope: int
    kink: int


@dataclass(frozen=True, slots=True)
class CashMarket:
    """The cash asset's totals and indices as last accrued at ``last``."""

    borrow_index: int
    supply_index: int
    last: int
    supply: int
    borrow: int
    net_settled: int
    fee_share: int


def cash_with_interest(
    market: CashMarket, model: RateModel, now: int, balance: int, index: int
) -> int:
    """An account's cash at ``now``; ``index`` is the one at its last touch, 0 for never."""
    if not index or not balance:
        return balance
    borrow_index, supply_index = _indices(market, model, now)
    return mul(div(borrow_index if balance < 0 else supply_index, index), balance)


def _indices(market: CashMarket, model: RateModel, now: int) -> tuple[int, int]:
    """The (borrow, supply) indices at ``now``; burned cash counts as supplied for the rate."""
    elapsed = now - market.last
    if not elapsed or not market.borrow:
        return market.borrow_index, market.supply_index
    rate = _borrow_rate(model, market.supply + max(-market.net_settled, 0), market.borrow)
    accrued = mul(market.borrow, exp(elapsed * rate // SECONDS_PER_YEAR) - WAD)
    borrow = market.borrow + accrued
    supply = market.supply + accrued - mul(accrued, market.fee_share)
    return (
        mul(div(borrow, market.borrow), market.borrow_index),
        mul(div(supply, market.supply), market.supply_index),
    )


def _borrow_rate(model: RateModel, supply: int, borrow: int) -> int:
    used = min(div(borrow, supply), WAD) if borrow and supply else 0
    low = mul(min(used, model.kink), model.slope) + model.least
    return low + mul(max(used - model.kink, 0), model.high_slope)


@dataclass(frozen=True, slots=True)
class Funding:
    """A perp market's funding: total paid per contract up to ``last``, and what sets the rate.

    Rates are per hour; ``convergence`` is in hours. A ``disabled`` perp pays none any more.
    """

    total: int
    last: int
    index: int
    bid: int
    ask: int
    convergence: int
    static_rate: int
    most: int
    least: int
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class PerpPosition:
    """What the perp asset stores of an account; ``last_total`` is the funding up to its touch."""

    last_mark: int
    funding: int
    result: int
    last_total: int


def unsettled_cash(
    position: PerpPosition, funding: Funding, size: int, price: int, now: int
) -> int:
    """The cash that settling the position would bring (negative: take), in USD."""
    total = funding.total
    if not funding.disabled:
        hours = div_toward_zero(_rate(funding) * (now - funding.last), 3600)
        total += mul(hours, funding.index)
    owed = mul(-size, total - position.last_total)
    earned = mul(price - position.last_mark, size)
    return owed + earned + position.funding + position.result


def _rate(funding: Funding) -> int:
    """The hourly rate that longs pay, within its bounds."""
    if funding.ask < funding.bid:
        raise RuleError("the contract reverts: the impact prices cross")
    bid, ask = max(funding.bid - funding.index, 0), max(funding.index - funding.ask, 0)
    premium = div(bid - ask, funding.index)
    rate = _rounded(premium, funding.convergence) + funding.static_rate
    return max(min(rate, funding.most), funding.least)


def _rounded(a: int, b: int) -> int:
    """The quotient rounded to nearest, halves away from zero, by way of one more digit."""
    if b == 0:
        raise RuleError("the contract reverts: division by zero")
    tenths = div_toward_zero(a * WAD * 10, b)
    rest = abs(tenths) % 10
    step = 10 if rest >= 5 else 0
    return div_toward_zero(tenths + (step if tenths >= 0 else -step), 10)
