"""How near a recomputed figure has to be: one tolerance per suite, or one per figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import pytest

from crossmargin.adapters.base import Adapter, Suite, Tolerance
from crossmargin.api.verify import Case, SuiteResult, verify


@dataclass(frozen=True)
class _Venue:
    """An adapter whose one suite echoes what a case's inputs say."""

    suites: Mapping[str, Suite]


def _echo(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return inputs


def _result(suite: Suite, expected: Mapping[str, Any], computed: Mapping[str, Any]) -> SuiteResult:
    case = Case("venue", "suite", "one", computed, expected, "file:1")
    adapter = cast(Adapter, _Venue({"suite": suite}))
    return verify([case], {"venue": adapter})[0]


@pytest.mark.parametrize(("difference", "exact"), [("0.01", 1), ("0.0101", 0)])
def test_a_figures_own_tolerance_replaces_the_suites(difference: str, exact: int) -> None:
    """A named figure may be off by its allowance and not by more."""
    tolerances = {"asserted": Tolerance(absolute=Fraction(1, 100))}
    expected = {"asserted": {"a": "5"}, "chain": 7}
    computed = {"asserted": {"a": Fraction(5) + Fraction(difference)}, "chain": 7}
    assert _result(Suite(_echo, tolerances=tolerances), expected, computed).exact == exact


def test_the_longest_name_decides() -> None:
    """A tolerance of a figure counts before that of what it is part of, list entries included."""
    tolerances = {"a": Tolerance(absolute=Fraction(1)), "a.b": Tolerance()}
    suite = Suite(_echo, tolerances=tolerances)
    assert _result(suite, {"a": {"c": 1, "bb": [1]}}, {"a": {"c": 2, "bb": [2]}}).exact == 1
    assert _result(suite, {"a": {"b": [1]}}, {"a": {"b": [2]}}).exact == 0


def test_an_absolute_allowance_can_be_for_small_values_only() -> None:
    """Above ``absolute_below`` only the relative allowance is left."""
    tolerance = Tolerance(Fraction(0), Fraction(1, 10), Fraction(1))
    suite = Suite(_echo, tolerances={"x": tolerance})
    assert _result(suite, {"x": "0"}, {"x": "0.1"}).exact == 1
    assert _result(suite, {"x": "1"}, {"x": "1.1"}).exact == 0


def test_one_figure_of_one_case_can_be_left_out() -> None:
    """Only the named figure of the named case does not count."""
    suite = Suite(_echo, not_counted=frozenset({"one:pnl[1]"}))
    assert _result(suite, {"pnl": [1, 2]}, {"pnl": [1, 3]}).exact == 1
    assert _result(suite, {"pnl": [1, 2]}, {"pnl": [2, 2]}).mismatches[0]["figure"] == "pnl[0]"


def test_the_largest_difference_counts_what_is_within_the_tolerance_too() -> None:
    """A tally that is exact under its tolerance still says how far the furthest figure was."""
    suite = Suite(lambda inputs: inputs, tolerance=Fraction(1, 100))
    adapters = {"echo": cast("Adapter", _Venue({"near": suite}))}
    case = Case("echo", "near", "one", {"a": 1000, "b": 7}, {"a": 1003, "b": 7}, "here:1")
    (result,) = verify([case], adapters)
    assert (result.exact, result.ok, result.largest_difference) == (1, True, Fraction(3))
