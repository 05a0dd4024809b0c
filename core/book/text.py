"""Risk figures as decimal text: one function per kind of number, with its rounding.

Documents carry decimal strings, never floats. The conversion is exact (a float is a dyadic
fraction) and the rounding deterministic, so the same book gives the same bytes everywhere.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from ..units import plain

__all__ = ["decimal_text", "money", "price_toward", "ratio", "ratio_value"]

_SIX = 6
_ROUNDINGS = {"floor": ROUND_FLOOR, "ceiling": ROUND_CEILING, "nearest": ROUND_HALF_EVEN}


def _at_least_two(amount: Decimal) -> str:
    """Plain notation with trailing zeros cut, but never below two decimals."""
    text = plain(amount)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def _rounded(value: float, decimals: int, rounding: str) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=_ROUNDINGS[rounding])


def money(usd: float) -> str:
    """USD with two to six decimals, rounded to nearest (half even) at the sixth."""
    return _at_least_two(_rounded(usd, _SIX, "nearest"))


def decimal_text(value: float, decimals: int = 8) -> str:
    """A quantity, a greek or a percentage: nearest, trailing zeros cut."""
    return plain(_rounded(value, decimals, "nearest"))


def ratio_value(value: float) -> Decimal:
    """A ratio whose danger lies below it: cut down to six decimals, more where 1 would be touched.

    1.0000003 stays 1.0000003 (cut to six decimals it would read "at the limit"), 0.9999999 stays
    below 1 by being cut down.
    """
    exact = Decimal(value)
    decimals = _SIX
    cut = _rounded(value, decimals, "floor")
    while cut == 1 and exact > 1:
        decimals += 1
        cut = _rounded(value, decimals, "floor")
    return cut


def ratio(value: Decimal) -> str:
    """A ratio that is already cut, in plain notation."""
    return plain(value)


def price_toward(price: float, spot: float) -> str:
    """A price in USD, two to six decimals, cut toward spot: the danger is shown sooner, not later."""
    side = "floor" if Fraction(price) > Fraction(spot) else "ceiling"
    return _at_least_two(_rounded(price, _SIX, side))
