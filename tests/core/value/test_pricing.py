"""Black-76 against an independent high-precision reference, and at its edges."""

import math

import mpmath
import numpy as np
import pytest

from crossmargin.core.value.pricing import black76, black76_greeks


def reference(forward, strike, vol, tenor, call):
    """The formula in 50 digits."""
    with mpmath.workdps(50):
        f, k = mpmath.mpf(forward), mpmath.mpf(strike)
        deviation = mpmath.mpf(vol) * mpmath.sqrt(mpmath.mpf(tenor))
        d1 = mpmath.log(f / k) / deviation + deviation / 2
        value = f * mpmath.ncdf(d1) - k * mpmath.ncdf(d1 - deviation)
        return float(value if call else value - f + k)


def test_random_options_agree_with_fifty_digits():
    """Over 2,000 random options the error stays within 1e-14 of the larger of forward and strike."""
    random = np.random.default_rng(1)
    forward = np.exp(random.uniform(math.log(0.01), math.log(1e5), 2000))
    strike = forward * np.exp(random.uniform(-3, 3, 2000))
    vol, tenor = random.uniform(0.01, 3, 2000), np.exp(random.uniform(-9, 1, 2000))
    call = random.random(2000) < 0.5
    ours = black76(forward, strike, vol, tenor, call)
    exact = [reference(*row) for row in zip(forward, strike, vol, tenor, call, strict=True)]
    assert np.all(np.abs(ours - exact) <= 1e-14 * np.maximum(forward, strike))


def test_published_table_values():
    """Haug's tables, their spot examples turned into forwards, come out to the printed digits."""

    def from_spot(spot, strike, carry, rate, tenor, vol, call):
        forward = spot * math.exp((rate - carry) * tenor)
        return float(black76(forward, strike, vol, tenor, call, math.exp(-rate * tenor)))

    assert from_spot(60, 65, 0, 0.08, 0.25, 0.30, True) == pytest.approx(2.1334, abs=5e-5)
    assert from_spot(100, 95, 0.05, 0.10, 0.5, 0.20, False) == pytest.approx(2.4648, abs=5e-5)
    assert from_spot(75, 70, 0.05, 0.10, 0.5, 0.35, False) == pytest.approx(4.0870, abs=5e-5)
    assert from_spot(19, 19, 0.10, 0.10, 0.75, 0.28, True) == pytest.approx(1.7011, abs=5e-5)


@pytest.mark.parametrize(("vol", "tenor"), [(0.0, 0.1), (0.6, 0.0), (0.6, -0.1)])
def test_without_time_or_volatility_an_option_is_worth_its_intrinsic_value(vol, tenor):
    """At expiry, after it and at zero volatility only the intrinsic value is left."""
    greeks = black76_greeks([90.0, 100.0, 110.0], 100.0, vol, tenor, [[True], [False]])
    assert greeks.value.tolist() == [[0, 0, 10], [10, 0, 0]]
    assert greeks.delta.tolist() == [[0, 0.5, 1], [-1, -0.5, 0]]
    assert not greeks.gamma.any()
    assert not greeks.vega.any()
    assert not greeks.theta.any()


def test_extreme_strikes_and_prices_stay_finite():
    """A strike or a forward of zero, and moneyness of 1e12, give bounds and no warning."""
    assert black76(100.0, 0.0, 0.6, 1.0, [True, False]).tolist() == [100, 0]
    assert black76(0.0, 100.0, 0.6, 1.0, [True, False]).tolist() == [0, 100]
    assert black76(1e-6, 1e6, 0.6, 1.0, [True, False]).tolist() == [0, 1e6 - 1e-6]
    assert black76(1e6, 1e-6, 0.6, 1.0, [True, False]).tolist() == [1e6 - 1e-6, 0]


def test_greeks_agree_with_bumped_values():
    """Delta, gamma, vega and theta are the slopes of the value."""
    point = (3000.0, 3300.0, 0.6, 30 / 365, True)
    greeks = black76_greeks(*point)

    def value(forward=3000.0, vol=0.6, tenor=30 / 365):
        return float(black76(forward, 3300.0, vol, tenor, True))

    assert float(greeks.delta) == pytest.approx((value(3000.01) - value(2999.99)) / 0.02, rel=1e-6)
    assert float(greeks.gamma) == pytest.approx(
        (value(3003) - 2 * value() + value(2997)) / 9, rel=1e-5
    )
    assert float(greeks.vega) == pytest.approx(
        (value(vol=0.60001) - value(vol=0.59999)) / 2e-5, rel=1e-6
    )
    year = 1e-6
    assert float(greeks.theta) == pytest.approx(
        (value(tenor=30 / 365 - year) - value(tenor=30 / 365 + year)) / (2 * year), rel=1e-6
    )
