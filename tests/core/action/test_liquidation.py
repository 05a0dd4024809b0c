"""Liquidation prices by scanning the venue's own rule, on accounts solved by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from crossmargin.core.action.liquidation import liquidation_range
from crossmargin.core.book.rule import RuleArrays
from crossmargin.core.value.positions import Position, position_of
from crossmargin.core.value.revalue import venue_volatility

from ..risk.books import (
    AS_OF,
    BTC,
    ETH,
    STETH,
    USD,
    USDC,
    account,
    debt,
    lending,
    market,
    option,
    perp,
    perps,
    spot,
)


def ranged(held, underlying="ETH", price=3000.0, sigma=None):
    """The account's crossings along one underlying, with sticky volatility."""
    valued = [position_of(leg, held.venue, market(), AS_OF) for leg in held.legs]
    positions = [one for one in valued if isinstance(one, Position)]
    assert len(positions) == len(held.legs)
    return liquidation_range(held, positions, underlying, price, venue_volatility("sticky"), sigma)


def test_a_loan_breaks_where_collateral_times_threshold_is_the_debt():
    """10 ETH at a threshold of 83% against 15,000: 15,000 / 8.3, to a billionth."""
    found = ranged(lending("v", spot("a", ETH, 10), debt("b", USDC, 15_000)))
    assert found.down == pytest.approx(15_000 / 8.3, rel=1e-9)
    assert found.up is None
    assert found.more == ()


def test_a_short_breaks_upward_and_a_long_downward():
    """Equity meets maintenance on the losing side only, at the price solved by hand."""
    short = ranged(perps("v", spot("c", USD, 2_000), perp("p", "ETH", -4, 3000)))
    assert short.up == pytest.approx((2_000 + 12_000) / (4 * 1.0156), rel=1e-9)
    assert short.down is None
    long = ranged(perps("v", spot("c", USD, 2_000), perp("p", "ETH", 4, 3000)))
    assert long.down == pytest.approx((12_000 - 2_000) / (4 * (1 - 0.0156)), rel=1e-9)
    assert long.up is None


def test_a_short_straddle_breaks_on_both_sides():
    """Both roots are found for an account that loses either way."""
    legs = (option("c", "call", 3000, -5), option("p", "put", 3000, -5), spot("m", USD, 9_000))
    found = ranged(perps("v", *legs))
    assert found.down is not None
    assert found.up is not None
    assert found.down < 3000 < found.up


def test_an_lst_falls_with_its_underlying():
    """stETH as collateral breaks at the ETH price that brings it down by the same share."""
    found = ranged(lending("v", spot("a", STETH, 10), debt("b", USDC, 15_000)))
    assert found.down == pytest.approx(3000 * 15_000 / (0.83 * 29_900), rel=1e-9)


def test_only_the_named_underlying_moves():
    """BTC collateral stands still while ETH moves."""
    held = lending("v", spot("a", BTC, "0.1"), spot("b", ETH, 1), debt("d", USDC, 6_000))
    found = ranged(held)
    assert found.down == pytest.approx((6_000 - 0.83 * 6_000) / 0.83, rel=1e-9)


def test_sigmas_and_percent_are_signed():
    """Distances carry the side's sign; without a sigma there is none."""
    held = lending("v", spot("a", ETH, 10), debt("b", USDC, 15_000))
    found = ranged(held, sigma=0.05)
    assert found.percent(found.down) == pytest.approx((15_000 / 8.3 / 3000 - 1) * 100)
    assert found.sigmas(found.down) == pytest.approx(np.log(15_000 / 8.3 / 3000) / 0.05)
    assert ranged(held).sigmas(found.down) is None
    assert found.percent(found.up) is None


@dataclass(frozen=True)
class Bands:
    """A rule that liquidates while ETH's price is inside any of the bands."""

    bands: Sequence[tuple[float, float]]
    kind: str = "bands"
    measure: str = "inside"

    def judge(self):
        """None: it has no venue."""
        return

    def evaluate(self, legs, scenarios):
        """Liquidatable inside the bands."""
        price = scenarios.price[0]
        inside = np.zeros(price.shape, np.bool_)
        for low, high in self.bands:
            inside |= (price >= low) & (price <= high)
        zero = np.zeros_like(price)
        return RuleArrays(zero, zero, zero, zero, inside)

    def document(self):
        """Never stored."""
        return {"kind": self.kind}


def test_further_roots_are_listed():
    """The nearest root on each side is the answer, every other crossing is in ``more``."""
    held = account("v", spot("a", ETH, 1), rule=Bands([(1000, 2000), (4000, 5000), (9000, 10000)]))
    found = ranged(held)
    assert found.down == pytest.approx(2000, rel=1e-9)
    assert found.up == pytest.approx(4000, rel=1e-9)
    assert found.more == pytest.approx([1000, 5000, 9000, 10000], rel=1e-9)


def test_what_is_liquidatable_now_has_no_first_price():
    """Liquidatable today: neither side has a price to wait for; the way back is in ``more``."""
    held = account("v", spot("a", ETH, 1), rule=Bands([(2500, 3500)]))
    found = ranged(held)
    assert found.down is found.up is None
    assert found.more == pytest.approx([2500, 3500], rel=1e-9)


def test_the_scan_reaches_from_minus_99_to_plus_1000_percent():
    """Crossings near both ends of the range are found."""
    held = account("v", spot("a", ETH, 1), rule=Bands([(0, 31), (32_500, 1e9)]))
    found = ranged(held)
    assert found.down == pytest.approx(31, rel=1e-9)
    assert found.up == pytest.approx(32_500, rel=1e-9)


def test_parametric_volatility_moves_with_the_price():
    """Volatility rises by the specified powers on both sides and is kept within 0.7 and 2.5."""
    from crossmargin.core.value.revalue import States

    moves = np.array([-0.99, -0.5, 0.0, 1.0, 10.0])
    rule = venue_volatility("parametric")
    vols = rule(np.array([[0.6]]), np.array([[0.1]]), States(moves, np.zeros(5)))
    assert vols[0] == pytest.approx(
        [0.6 * 2.5, 0.6 * 0.5**-1.2, 0.6, 0.6 * 2**0.5, 0.6 * 2.5], rel=1e-12
    )
