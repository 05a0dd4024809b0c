"""The rows of the structured grid, their weights and their number."""

from decimal import Decimal

import pytest

from crossmargin.core.risk.parameters import ModelParameters, read_parameters
from crossmargin.core.risk.scenario import Universe, scenario_rows
from crossmargin.core.risk.universe import universe_of
from crossmargin.core.value.positions import Position, position_of

from .books import AS_OF, ETH, STETH, USDC, market, perp, spot

MAJORS = Universe(volatile=("BTC", "ETH"))


def rows(universe, family, **overrides):
    """The rows of one family."""
    return [
        row for row in scenario_rows(universe, read_parameters(overrides)) if row.family == family
    ]


def moves(row):
    """Each underlying's move in the row."""
    return {term.underlying: term.shock.move for term in row.terms}


def test_the_default_mesh_has_33_points_and_three_volatilities():
    """One group: 33 depths with 0 exactly among them, each with volatility down, same and up."""
    grid = rows(MAJORS, "A")
    assert len(grid) == 99
    assert {term.shock.vol for row in grid for term in row.terms} == {-1, 0, 1}
    assert any(moves(row) == {"BTC": 0.0, "ETH": 0.0} for row in grid)
    deepest = moves(grid[0])
    assert deepest == {"BTC": -0.16, "ETH": -0.18}


def test_nine_points_by_override():
    """``points`` sets the mesh."""
    assert len(rows(MAJORS, "A", points=9)) == 27


def test_groups_move_one_at_a_time_on_the_grid():
    """BTC and ETH are one group, SOL another: no row of A moves both."""
    universe = Universe(volatile=("BTC", "ETH", "SOL"))
    assert {tuple(moves(row)) for row in rows(universe, "A")} == {("BTC", "ETH"), ("SOL",)}


def test_tail_weights_are_the_range_over_the_move():
    """Beyond the range a row counts by range / |move|, for each underlying by its own."""
    up = next(row for row in rows(MAJORS, "D") if row.id.endswith("+400%"))
    assert {term.underlying: term.weight for term in up.terms} == {
        "BTC": pytest.approx(0.04),
        "ETH": pytest.approx(0.045),
    }
    assert all(term.shock.vol == 1 for term in up.terms)
    assert len(rows(MAJORS, "D")) == 8


def test_relative_rows_move_one_major_alone():
    """B(ii): ETH -10.5% or +16%, BTC +11.7% or -13.8%, the rest at 0."""
    alone = [moves(row) for row in rows(MAJORS, "B") if "alone" in row.id]
    assert alone == [{"ETH": -0.105}, {"ETH": 0.16}, {"BTC": 0.117}, {"BTC": -0.138}]


def test_group_flips_need_both_groups():
    """B(iii): majors one way, the rest the other, volatility up; with one group there are none."""
    flips = [row for row in rows(Universe(volatile=("ETH", "SOL")), "B") if "flip" in row.id]
    assert [moves(row) for row in flips] == [
        {"ETH": 0.18, "SOL": -0.25},
        {"ETH": -0.18, "SOL": 0.25},
    ]
    assert not [row for row in rows(MAJORS, "B") if "flip" in row.id]


def test_peg_rows_by_default_and_by_override():
    """Four depths with three spot moves for each issuer and for all; one depth by override."""
    universe = Universe(volatile=("ETH",), stables=("USDC", "USDT"))
    assert len(rows(universe, "peg")) == 4 * 3 * 3
    weights = {moves(row)["USDC"]: row.terms[0].weight for row in rows(universe, "peg")[:12]}
    assert weights == {-0.05: 1.0, -0.12: 0.4, -0.30: 0.15, 0.02: 1.0}
    one = rows(Universe(volatile=("ETH",), stables=("USDC",)), "peg", peg_depths=["-0.05"])
    assert [moves(row) for row in one] == [
        {"USDC": -0.05, "ETH": depth * 0.18} for depth in (-1.0, 0.0, 1.0)
    ]


def test_basis_rows_are_by_venue_and_by_opposite_pair():
    """Two venues: each alone up and down, and the pair opposite both ways; funding likewise."""
    universe = Universe(volatile=("ETH",), perps=(("ETH", "a"), ("ETH", "b")))
    shocks = [row.terms[0].shock for row in rows(universe, "basis")]
    assert {shock.marks for shock in shocks if shock.marks} == {
        (("a", 0.01),),
        (("a", -0.01),),
        (("b", 0.01),),
        (("b", -0.01),),
        (("a", 0.01), ("b", -0.01)),
        (("a", -0.01), ("b", 0.01)),
    }
    rates = [abs(rate) for shock in shocks for _, rate in shock.funding]
    assert rates == pytest.approx([0.006] * 8)


def test_lst_rows_move_the_ratio_alone():
    """The ratio falls 5% or 10% while spot falls, stands or rises."""
    universe = Universe(volatile=("ETH",), lsts=(("stETH", "ETH"),))
    found = rows(universe, "lst")
    assert {(row.terms[0].shock.ratios, row.terms[0].weight) for row in found} == {
        ((("stETH", -0.05),), 1.0),
        ((("stETH", -0.10),), 0.5),
    }
    assert len(found) == 6


def test_sets_pick_rows():
    """Only the sets that were chosen have rows."""
    universe = Universe(("ETH", "SOL"), ("USDC",), (("stETH", "ETH"),), (("ETH", "a"),))
    chosen = scenario_rows(universe, read_parameters({"sets": ["A", "D", "peg"]}))
    assert {row.family for row in chosen} == {"A", "D", "peg"}
    every = scenario_rows(universe, ModelParameters())
    assert {row.family for row in every} == {"A", "B", "D", "F1", "F2", "peg", "lst", "basis"}


def test_row_names_are_unique():
    """A row's id names it within an answer."""
    universe = Universe(
        ("BTC", "ETH", "SOL"),
        ("USDC", "USDT"),
        (("stETH", "ETH"),),
        (("BTC", "a"), ("ETH", "a"), ("ETH", "b")),
        (("ETH", 0.0301), ("ETH", -0.07)),
    )
    names = [row.id for row in scenario_rows(universe, ModelParameters())]
    assert len(names) == len(set(names))


def test_strikes_about_to_expire_are_pins_whoever_holds_them():
    """The market's strikes within two days of expiry become depths of the group's grid."""
    strikes = {
        "ETH": (
            (Decimal(3090), AS_OF + 86_400),
            (Decimal(2800), AS_OF + 9 * 86_400),
            (Decimal(9000), AS_OF + 86_400),
            (Decimal(3100), AS_OF - 1),
        )
    }
    quotes = market(strikes=strikes)
    held = position_of(spot("a", ETH, 1), "v", quotes, AS_OF)
    assert isinstance(held, Position)
    universe = universe_of([held], quotes, AS_OF)
    pinned = {moves(row)["ETH"] for row in rows(universe, "A")}
    plain = {moves(row)["ETH"] for row in rows(Universe(volatile=("ETH",)), "A")}
    assert sorted(pinned - plain) == pytest.approx([0.03])


def test_the_universe_is_what_the_positions_touch():
    """Stablecoins are pegs, LSTs ride on their underlying, perps belong to their venue."""
    quotes = market()
    legs = [spot("a", STETH, 1), spot("b", USDC, 1), perp("c", "BTC", 1, 60000)]
    positions = [position_of(leg, "v", quotes, AS_OF) for leg in legs]
    universe = universe_of([held for held in positions if isinstance(held, Position)], quotes, 1)
    assert universe == Universe(
        volatile=("BTC", "ETH"),
        stables=("USDC",),
        lsts=(("stETH", "ETH"),),
        perps=(("BTC", "v"),),
    )
