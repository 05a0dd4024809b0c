"""The model's parameters: defaults, overrides, and what is refused by name."""

import pytest

from crossmargin.core.errors import DocumentError
from crossmargin.core.risk.parameters import ModelParameters, read_parameters


def test_defaults_are_the_specifications():
    """Ranges 16% BTC, 18% ETH, 25% large caps, 40% the rest; phi .15, kappa .8, 33 points."""
    given = read_parameters({})
    assert given == ModelParameters()
    assert [given.range_of(name) for name in ("BTC", "ETH", "SOL", "0xunknown")] == [
        0.16,
        0.18,
        0.25,
        0.40,
    ]
    assert (given.phi, given.kappa, given.omega, given.points) == (0.15, 0.8, 0.6, 33)
    assert (given.vol_up, given.vol_down, given.vol_floor) == (0.5, 0.25, 0.5)
    assert given.vol_response == "parametric"


def test_overrides_are_decimals_or_numbers():
    """Decimal text and JSON numbers read the same."""
    text = read_parameters({"range": {"ETH": "0.16"}, "phi": "0.2", "points": "9"})
    number = read_parameters({"range": {"ETH": 0.16}, "phi": 0.2, "points": 9})
    assert text == number
    assert text.range_of("ETH") == 0.16
    assert text.range_of("BTC") == 0.16


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"volup": "0.5"}, "model.volup"),
        ({"phi": "a lot"}, "model.phi"),
        ({"phi": "NaN"}, "model.phi"),
        ({"phi": True}, "model.phi"),
        ({"omega": "1.1"}, "model.omega"),
        ({"range": "0.16"}, "model.range"),
        ({"range": {"ETH": "0"}}, "model.range.ETH"),
        ({"range": {"ETH": "1"}}, "model.range.ETH"),
        ({"points": 8}, "model.points"),
        ({"points": 9.5}, "model.points"),
        ({"sets": "A"}, "model.sets"),
        ({"sets": ["A", "Z"]}, "model.sets"),
        ({"peg_depths": ["-2"]}, "model.peg_depths[0]"),
        ({"vol_response": "other"}, "model.vol_response"),
        ({"gas": None}, "model.gas"),
    ],
)
def test_what_is_wrong_is_named(overrides, field):
    """A wrong override is a document error at its field that says what was expected."""
    with pytest.raises(DocumentError) as caught:
        read_parameters(overrides)
    assert caught.value.field == field
    assert "expected" in str(caught.value)
