"""Liquidation prices: the number flips exactly where the health factor does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.adapters.aave_family.liquidation_price import liquidation_prices
from crossmargin.adapters.aave_family.maths import account_data
from crossmargin.adapters.aave_family.position import Category, Position
from crossmargin.core.units import WAD
from tests.adapters.aave_family.positions import configuration, position, positions, reserve


def healthy(held: Position, label: str, price: int) -> bool:
    """Whether the account is healthy with one asset at this price."""
    changed = tuple(
        replace(entry, price=price) if entry.label == label else entry for entry in held.reserves
    )
    return account_data(replace(held, reserves=changed)).health_factor >= WAD


@settings(max_examples=300)
@given(positions())
def test_health_flips_one_unit_from_the_price(held: Position) -> None:
    """At the price and one unit to its safe side the account is healthy; one beyond, it is not."""
    for entry in liquidation_prices(held):
        if entry.raw is None:
            continue
        beyond = entry.raw - 1 if entry.side == "down" else entry.raw + 1
        assert healthy(held, entry.asset, entry.raw)
        assert not healthy(held, entry.asset, beyond)


@settings(max_examples=300)
@given(positions(), st.integers(1, 10**6), st.integers(1, 300))
def test_no_price_on_the_safe_side_is_liquidatable(held: Position, step: int, scale: int) -> None:
    """For an asset on one side of the account, everything beyond the price is healthy."""
    both = {entry.label for entry in held.reserves if entry.scaled_supply and entry.scaled_debt}
    for entry in liquidation_prices(held):
        if entry.raw is None or entry.asset in both:
            continue
        down = entry.side == "down"
        for price in (entry.raw + step, entry.raw * (scale + 100) // 100):
            if down:
                assert healthy(held, entry.asset, price)
        for price in (entry.raw - step, entry.raw * 100 // (scale + 100)):
            if not down and price >= 0:
                assert healthy(held, entry.asset, price)


@settings(max_examples=200)
@given(positions(), st.integers(1, 10**14))
def test_no_price_means_no_crossing(held: Position, price: int) -> None:
    """Where an asset has no liquidation price, no price of it changes the account's side."""
    for entry in liquidation_prices(held):
        if entry.raw is None:
            assert healthy(held, entry.asset, price) == healthy(held, entry.asset, 2 * price)


def test_bands_of_the_averaged_threshold_are_passed() -> None:
    """Up to 3.4 a rising price can lower health; the price lies above the highest such band."""
    cheap = reserve(0, configuration=configuration(ltv=0, threshold=5000), scaled_supply=10**18)
    dear = reserve(1, configuration=configuration(threshold=9000), scaled_supply=10**21)
    owed = reserve(2, scaled_debt=905 * 10**18)
    held = position("3.4", cheap, dear, owed, bitmap=0b011010)
    price = {entry.asset: entry.raw for entry in liquidation_prices(held)}["T0"]
    assert price is not None
    sides = [healthy(held, "T0", price + step * 10**5) for step in range(-3000, 3000)]
    assert True in sides[:3000], "no band below the price: the case tests nothing"
    assert all(sides[3000:])


def test_assets_of_a_category_price_move_together() -> None:
    """With an eMode price source the price is the category's, for all its assets at once."""
    word = configuration(category=1)
    supplied = reserve(0, configuration=word, scaled_supply=2 * 10**18)
    owed = reserve(1, scaled_debt=10**18)
    mode = Category(1, 9300, 9500, 10100, price=10**8)
    held = position("3.0", supplied, owed, bitmap=0b0110, category=mode)
    price = {entry.asset: entry.raw for entry in liquidation_prices(held)}["T0"]
    assert price is not None
    at = replace(held, category=replace(mode, price=price))
    below = replace(held, category=replace(mode, price=price - 1))
    assert account_data(at).health_factor >= WAD > account_data(below).health_factor


def test_without_debt_there_is_no_price() -> None:
    """An account that owes nothing has no liquidation prices."""
    entry = reserve(0, scaled_supply=10**18)
    assert liquidation_prices(position("3.7", entry, bitmap=0b10)) == ()
