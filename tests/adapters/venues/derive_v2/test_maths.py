"""The venue's fixed-point functions at their edges; the recorded cases prove the rest to the wei."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.venues.derive_v2.accrual import (
    CashMarket,
    Funding,
    PerpPosition,
    RateModel,
    cash_with_interest,
    unsettled_cash,
)
from crossmargin.adapters.venues.derive_v2.black76 import prices
from crossmargin.adapters.venues.derive_v2.fixed_point import exp, ln, mul, normal_cdf, sqrt
from crossmargin.adapters.venues.derive_v2.holdings import (
    ExpiryHolding,
    OptionHolding,
    moved_expiry,
    naked_shorts,
)
from crossmargin.adapters.venues.derive_v2.reading import option_of
from crossmargin.adapters.venues.derive_v2.shocks import VolatilityTerms, volatility_shocks
from crossmargin.adapters.venues.derive_v2.svi import Svi, volatility
from crossmargin.core.errors import RuleError
from crossmargin.core.units import WAD

_DAY = 86_400
_MODEL = RateModel(WAD // 50, 8 * WAD // 100, 9 * WAD // 10, 85 * WAD // 100)


@given(st.floats(-40, 40))
def test_the_functions_are_the_real_ones(x: float) -> None:
    """exp, ln, sqrt and the normal distribution are theirs, as far as floats can tell."""
    raw = int(x * WAD)
    assert exp(raw) / WAD == pytest.approx(math.exp(raw / WAD), rel=2e-14, abs=2e-18)
    assert normal_cdf(raw) / WAD == pytest.approx(math.erfc(-x / math.sqrt(2)) / 2, abs=3e-15)
    if exp(raw):
        assert ln(exp(raw)) == pytest.approx(raw, abs=max(10, 2 * WAD // exp(raw)))
    assert sqrt(raw * raw // WAD) == pytest.approx(abs(raw), abs=2 * 10**9)


@pytest.mark.parametrize("bad", [0, -1])
def test_a_logarithm_of_nothing_reverts(bad: int) -> None:
    """Where the contract reverts there is no number."""
    with pytest.raises(RuleError):
        ln(bad)
    with pytest.raises(RuleError):
        exp(136 * WAD)


def test_products_truncate_toward_zero_on_both_sides() -> None:
    """A negative product loses its fraction toward zero, as Solidity divides."""
    assert (mul(3, WAD // 2), mul(-3, WAD // 2)) == (1, -1)


@pytest.mark.parametrize(
    ("seconds", "vol", "forward", "strike", "expected"),
    [
        (0, WAD, 3000, 2800, (200, 0)),
        (0, WAD, 3000, 3000, (0, 0)),
        (_DAY, 0, 3000, 3100, (0, 100)),
        (_DAY, WAD, 3000, 0, (3000, 0)),
        (_DAY, WAD, 0, 3000, (0, 3000)),
        (365 * _DAY, 30 * WAD, 3000, 4000, (3000, 4000)),
    ],
)
def test_options_at_their_edges(
    seconds: int, vol: int, forward: int, strike: int, expected: tuple[int, int]
) -> None:
    """At expiry, without volatility, at strike or forward 0, and at boundless volatility."""
    call, put = prices(seconds, vol, forward * WAD, strike * WAD, WAD)
    assert call / WAD == pytest.approx(expected[0], abs=1e-8)
    assert put / WAD == pytest.approx(expected[1], abs=1e-8)


def test_the_shock_changes_its_power_after_thirty_days() -> None:
    """Thirty days to the second still take the short power; a second more the long one."""
    terms = VolatilityTerms(WAD // 2, WAD, 3 * WAD // 10, 13 * WAD // 100, _DAY)
    # The contract's own power of 1 is one wei short of 1.
    assert volatility_shocks(terms, 30 * _DAY) == (WAD + WAD // 2 - 1, 1)
    assert volatility_shocks(terms, 60 * _DAY)[0] / WAD == pytest.approx(1 + 0.5 * 0.5**0.13)
    assert volatility_shocks(terms, 10) == volatility_shocks(terms, _DAY)
    assert volatility_shocks(terms, _DAY)[0] / WAD == pytest.approx(1 + 0.5 * 30**0.3)


def test_the_surface_is_sticky_by_strike() -> None:
    """Volatility is the fitted curve's at the fitted forward and tenor, and reverts below 0."""
    curve = Svi(WAD // 100, WAD // 10, -WAD // 5, 0, WAD // 5, 3000 * WAD, WAD // 10)
    at_money = math.sqrt((0.01 + 0.1 * 0.2) / 0.1)
    assert volatility(curve, 3000 * WAD) / WAD == pytest.approx(at_money, rel=1e-12)
    assert volatility(curve, 2000 * WAD) > volatility(curve, 3000 * WAD)
    assert volatility(curve, 0) == 0
    with pytest.raises(RuleError):
        volatility(Svi(-WAD, WAD // 10, 0, 0, WAD // 5, 3000 * WAD, WAD // 10), 3000 * WAD)


@pytest.mark.parametrize(
    ("call", "put", "naked"),
    [(-3, -2, 5), (-3, 5, 0), (-5, 3, 2), (4, -6, 2), (2, 3, 0), (-4, None, 4), (4, None, 0)],
)
def test_a_long_option_covers_a_short_of_either_right(
    call: int, put: int | None, naked: int
) -> None:
    """At one strike a call and a put offset each other; two shorts add up."""
    held = [OptionHolding(3000, True, call, 0)]
    if put is not None:
        held.append(OptionHolding(3000, False, put, 0))
    assert naked_shorts(tuple(held)) == naked
    apart = (OptionHolding(2900, True, 5, 0), OptionHolding(3000, True, -5, 0))
    assert naked_shorts(apart) == 5


def test_the_fixed_part_of_a_forward_does_not_move() -> None:
    """Before the last half hour the difference to spot stays, in it only the open part moves."""
    early = ExpiryHolding(_DAY, 0, 3010 * WAD, WAD, WAD, ())
    assert moved_expiry(early, 3000 * WAD, 2000 * WAD).forward == 2010 * WAD
    late = ExpiryHolding(900, 1500 * WAD, 1500 * WAD, WAD, WAD, ())
    assert moved_expiry(late, 3000 * WAD, 2000 * WAD).forward == 2500 * WAD


def test_a_sub_id_holds_expiry_strike_and_right() -> None:
    """32 bits of expiry, 63 of strike in hundred-millionths, one for a call."""
    sub_id = (1 << 95) | ((3000 * 10**8) << 32) | 1_800_000_000
    assert option_of(sub_id) == (1_800_000_000, 3000 * WAD, True)
    assert option_of(sub_id - (1 << 95)) == (1_800_000_000, 3000 * WAD, False)


def test_interest_runs_from_the_last_touch_and_costs_more_than_it_pays() -> None:
    """A debt grows by the borrow index, a balance by the supply index, which a fee lowers."""
    market = CashMarket(WAD, WAD, 0, 100 * WAD, 50 * WAD, 0, WAD // 5)
    owed = cash_with_interest(market, _MODEL, 365 * _DAY, -10 * WAD, WAD)
    paid = cash_with_interest(market, _MODEL, 365 * _DAY, 10 * WAD, WAD)
    assert owed / WAD == pytest.approx(-10 * math.exp(0.06), rel=1e-12)
    assert paid / WAD == pytest.approx(10 * (1 + math.expm1(0.06) * 0.5 * 0.8), rel=1e-12)
    assert cash_with_interest(market, _MODEL, 0, -10 * WAD, WAD) == -10 * WAD
    assert cash_with_interest(market, _MODEL, _DAY, 7, 0) == 7


def test_longs_pay_positive_funding_within_its_bounds() -> None:
    """A premium beyond the cap costs the cap; a disabled perp pays nothing more."""
    position = PerpPosition(3000 * WAD, -WAD, 2 * WAD, 0)
    funding = Funding(
        0, 0, 3000 * WAD, 3300 * WAD, 3301 * WAD, 8 * WAD, 0, 4 * WAD // 1000, -4 * WAD // 1000
    )
    found = unsettled_cash(position, funding, 2 * WAD, 3010 * WAD, 3600)
    assert found == (20 - 2 * 12 - 1 + 2) * WAD
    stopped = Funding(0, 0, 0, 0, 0, 8 * WAD, 0, 0, 0, disabled=True)
    assert unsettled_cash(position, stopped, 2 * WAD, 3010 * WAD, 10**9) == 21 * WAD
    crossed = Funding(0, 0, WAD, 2 * WAD, WAD, 8 * WAD, 0, WAD, -WAD)
    with pytest.raises(RuleError):
        unsettled_cash(position, crossed, WAD, WAD, 1)
