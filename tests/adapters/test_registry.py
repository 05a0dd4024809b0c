"""The registry: installed adapters are found, a broken one is named and stops nobody."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from crossmargin.adapters.registry import ENTRY_POINT_GROUP, installed_adapters, load_adapters
from crossmargin.adapters.venues.morpho_blue import ADAPTER
from crossmargin.core.errors import InputError, Severity

GOOD = EntryPoint(
    "morpho-blue", "crossmargin.adapters.venues.morpho_blue:ADAPTER", ENTRY_POINT_GROUP
)


def test_an_installed_adapter_is_found_by_name():
    """The entry point of the package itself leads to the adapter."""
    assert installed_adapters().adapter("morpho-blue") is ADAPTER


def test_an_unknown_venue_is_an_input_error_that_lists_the_known():
    """Asking for a venue that nobody provides says which there are."""
    with pytest.raises(InputError, match="morpho-blue"):
        load_adapters([GOOD]).adapter("nowhere")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gone", "no_such_package:ADAPTER"),
        ("gone", "crossmargin.adapters.venues.morpho_blue:NO_SUCH_NAME"),
        ("gone", "this is not an entry point"),
        ("wrong", "crossmargin.core.units:WAD"),
        ("other-name", GOOD.value),
    ],
)
def test_a_broken_adapter_is_a_problem_and_stops_nobody(name, value):
    """What cannot be imported, is no adapter or has another name is reported; the rest load."""
    registry = load_adapters([EntryPoint(name, value, ENTRY_POINT_GROUP), GOOD])
    assert list(registry.adapters) == ["morpho-blue"]
    (problem,) = registry.problems
    assert (problem.venue, problem.code, problem.severity) == (
        name,
        "adapter_broken",
        Severity.READ,
    )


def test_an_adapter_whose_import_raises_anything_is_a_problem(tmp_path, monkeypatch):
    """A stranger's package may raise whatever it likes while it is imported."""
    (tmp_path / "exploding_adapter.py").write_text("raise KeyError('boom')\n")
    monkeypatch.syspath_prepend(tmp_path)
    broken = EntryPoint("exploding", "exploding_adapter:ADAPTER", ENTRY_POINT_GROUP)
    registry = load_adapters([broken, GOOD])
    assert "boom" in registry.problems[0].detail
    assert list(registry.adapters) == ["morpho-blue"]


def test_two_packages_for_one_venue_are_a_problem():
    """The first stays, the second is reported: which one answers is never a matter of luck."""
    registry = load_adapters([GOOD, GOOD])
    assert len(registry.adapters) == len(registry.problems) == 1
