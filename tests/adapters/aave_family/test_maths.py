"""Indices, balances and account data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.aave_family.maths import (
    account_data,
    collateral_factors,
    compounded_interest,
    debt_balance,
    debt_value,
    price_of,
    supply_balance,
    supply_value,
)
from crossmargin.adapters.aave_family.position import Category, Position
from crossmargin.adapters.aave_family.profile import PROFILES
from crossmargin.core.units import MAX_UINT256, RAY
from tests.adapters.aave_family.positions import configuration, position, positions, reserve

COLLATERAL, BOTH = 0b10, 0b11
EXACT = tuple(name for name, profile in PROFILES.items() if profile.exact_health)


def reprice(held: Position, index: int, price: int) -> Position:
    """The position with one reserve's price changed."""
    changed = tuple(
        replace(entry, price=price) if entry.id == index else entry for entry in held.reserves
    )
    return replace(held, reserves=changed)


@given(positions(EXACT), st.integers(0, 3), st.integers(1, 10**13))
def test_health_rises_with_a_collateral_price(held: Position, index: int, price: int) -> None:
    """From 3.5, a higher price of what is only collateral never lowers the health factor."""
    entry = held.reserves[index % len(held.reserves)]
    if held.borrows(entry):
        return
    low, high = sorted((price, entry.price))
    at_low = account_data(reprice(held, entry.id, low)).health_factor
    assert at_low <= account_data(reprice(held, entry.id, high)).health_factor


@given(positions(), st.integers(0, 3), st.integers(1, 10**13))
def test_health_falls_with_a_debt_price(held: Position, index: int, price: int) -> None:
    """In every version, a higher price of what is only owed never raises the health factor."""
    entry = held.reserves[index % len(held.reserves)]
    if held.uses_as_collateral(entry):
        return
    low, high = sorted((price, entry.price))
    at_low = account_data(reprice(held, entry.id, low)).health_factor
    assert at_low >= account_data(reprice(held, entry.id, high)).health_factor


@given(st.sampled_from(sorted(PROFILES)), st.integers(0, 10 * RAY), st.integers(0, 10**8))
def test_compounding_is_at_least_linear(version: str, rate: int, seconds: int) -> None:
    """Compounded growth is never below simple interest, and is 1 where no time passed."""
    held = position(version, bitmap=0)
    growth = compounded_interest(held, rate, seconds)
    assert growth >= RAY + rate * seconds // 31_536_000
    assert compounded_interest(held, rate, 0) == RAY


@pytest.mark.parametrize(("version", "supply", "debt"), [("3.4", 2, 2), ("3.5", 1, 2)])
def test_balances_round_as_the_version_does(version: str, supply: int, debt: int) -> None:
    """Half a unit rounds up to 3.4; from 3.5 it rounds down for supply and up for debt."""
    entry = reserve(
        0, scaled_supply=1, scaled_debt=1, liquidity_index=3 * RAY // 2, borrow_index=3 * RAY // 2
    )
    held = position(version, entry, bitmap=BOTH)
    assert (supply_balance(held, entry), debt_balance(held, entry)) == (supply, debt)


@pytest.mark.parametrize(("version", "value"), [("3.4", 0), ("3.5", 1)])
def test_a_debt_below_one_base_unit_counts_from_3_5(version: str, value: int) -> None:
    """A debt worth less than a base unit is worth 0 up to 3.4 and 1 from 3.5."""
    entry = reserve(0, scaled_debt=1)
    assert debt_value(position(version, entry, bitmap=1), entry) == value


@pytest.mark.parametrize(("version", "debt"), [("3.1", 7), ("3.2", 0)])
def test_stable_debt_counts_up_to_3_1(version: str, debt: int) -> None:
    """Stable-rate debt is part of the debt only where the version has it."""
    entry = reserve(0, stable_debt=7)
    assert debt_balance(position(version, entry, bitmap=1), entry) == debt


@pytest.mark.parametrize(("virtual", "debt"), [(False, 40), (True, 50)])
def test_3_3_counts_a_reported_debt_without_virtual_accounting(virtual: bool, debt: int) -> None:
    """In 3.3 a reserve without virtual accounting owes what its debt token reports."""
    word = configuration(virtual=virtual)
    entry = reserve(0, configuration=word, scaled_debt=50, reported_debt=40)
    assert debt_balance(position("3.3", entry, bitmap=1), entry) == debt


@pytest.mark.parametrize(("version", "collateral"), [("3.5", 0), ("3.6", 10**8)])
def test_threshold_zero_collateral_counts_from_3_6(version: str, collateral: int) -> None:
    """Collateral with threshold 0 is left out up to 3.5 and counted, with threshold 0, from 3.6."""
    word = configuration(ltv=0, threshold=0)
    entry = reserve(0, configuration=word, scaled_supply=10**18)
    data = account_data(position(version, entry, bitmap=COLLATERAL))
    assert (data.collateral, data.threshold) == (collateral, 0)


def test_a_category_price_replaces_the_asset_price_up_to_3_1() -> None:
    """In eMode with a price source, assets of the category take its price, others their own."""
    inside = reserve(0, configuration=configuration(category=1), scaled_supply=10**18)
    outside = reserve(1, scaled_supply=10**18)
    mode = Category(1, 9300, 9500, 10100, price=5 * 10**8)
    held = position("3.1", inside, outside, bitmap=0b1010, category=mode)
    assert (price_of(held, inside), price_of(held, outside)) == (5 * 10**8, 10**8)
    assert supply_value(held, inside) == 5 * 10**8


@pytest.mark.parametrize(
    ("version", "ltv", "factors"),
    [("3.5", 0, (0, 9500)), ("3.5", 1, (9300, 9500)), ("3.6", 0, (9300, 9500))],
)
def test_ltv_zero_in_a_category(version: str, ltv: int, factors: tuple[int, int]) -> None:
    """Up to 3.5 a reserve's own LTV 0 wins; from 3.6 the category decides. Threshold stays."""
    entry = reserve(0, configuration=configuration(ltv=ltv), scaled_supply=1)
    mode = Category(1, 9300, 9500, 10100, collateral_bitmap=1)
    held = position(version, entry, bitmap=COLLATERAL, category=mode)
    assert collateral_factors(held, entry) == factors


@pytest.mark.parametrize("version", ["3.6", "3.7"])
@pytest.mark.parametrize(("bits", "ltv"), [(0b01, 0), (0b10, 9300)])
def test_a_category_can_zero_ltv_by_bitmap(version: str, bits: int, ltv: int) -> None:
    """From 3.6 a bit of the category sets LTV to 0 and leaves the category's threshold."""
    entry = reserve(0, scaled_supply=1)
    mode = Category(1, 9300, 9500, 10100, collateral_bitmap=0b01, ltvzero_bitmap=bits)
    held = position(version, entry, bitmap=COLLATERAL, category=mode)
    assert collateral_factors(held, entry) == (ltv, 9500)


@pytest.mark.parametrize(("version", "ltv"), [("3.6", 8000), ("3.7", 0)])
def test_an_isolated_category_zeroes_outside_ltv_from_3_7(version: str, ltv: int) -> None:
    """Collateral outside an isolated category keeps its threshold and, from 3.7, has LTV 0."""
    entry = reserve(0, scaled_supply=1)
    mode = Category(1, 9300, 9500, 10100, isolated=True)
    held = position(version, entry, bitmap=COLLATERAL, category=mode)
    assert collateral_factors(held, entry) == (ltv, 8250)


def test_no_debt_is_the_largest_word() -> None:
    """Without debt the health factor is the largest word, as the contract returns it."""
    entry = reserve(0, scaled_supply=10**18)
    data = account_data(position("3.7", entry, bitmap=COLLATERAL))
    assert data.health_factor == MAX_UINT256
    assert account_data(position("3.7", bitmap=0)).health_factor == MAX_UINT256
