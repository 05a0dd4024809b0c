"""Risk figures as text: exact, deterministic, and never rounded across a limit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.core.book.text import cut_toward_zero, money, price_toward, ratio_value


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (1907.0, "1907.00"),
        (-4800.5, "-4800.50"),
        (0.1234567, "0.123457"),
        (1e-9, "0.00"),
        (12_345_678_901.25, "12345678901.25"),
        (2.0**100, "1267650600228229401496703205376.00"),
    ],
)
def test_money_has_two_to_six_decimals(usd, text):
    """USD is printed plainly, with at least cents and at most six decimals."""
    assert money(usd) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0000003, "1.0000003"),
        (0.9999999, "0.999999"),
        (1.0, "1.000000"),
        (0.83 * 30_000 / 15_000, "1.660000"),
        (13.4219999, "13.421999"),
    ],
)
def test_ratios_are_cut_toward_danger(value, text):
    """Ratios are cut down, without the float's noise, and keep the digits that separate from 1."""
    assert format(ratio_value(value), "f").startswith(text)


@given(st.floats(0, 1e6))
def test_a_ratio_never_crosses_or_reaches_one(value):
    """The printed ratio is on the same side of 1 as the value, exactly 1 only for 1."""
    printed = ratio_value(value)
    assert (printed > 1) == (value > 1)
    assert (printed < 1) == (value < 1)
    assert printed <= Decimal(value) * (1 + Decimal("1e-11"))


def test_prices_are_cut_toward_spot():
    """A price above spot is cut down, one below is raised: the danger is shown sooner."""
    assert price_toward(3446.23867664, 3000.0) == "3446.238676"
    assert price_toward(1807.22891566, 3000.0) == "1807.228916"


def test_distances_are_never_overstated():
    """Percentages are cut toward zero."""
    assert cut_toward_zero(14.87998, 4) == "14.8799"
    assert cut_toward_zero(-39.75909, 4) == "-39.759"
