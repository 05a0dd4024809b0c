"""Risk figures as decimal text: one function per kind of number, with its rounding.

Documents carry decimal strings, never floats. The conversion is exact (a float is a dyadic
fraction) and the rounding deterministic, so the same book gives the same bytes everywhere.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from ..units import plain

__all__ = ["cut_toward_zero", "decimal_text", "money", "price_toward", "ratio_value"]

_SIX = 6
# Every digit of the largest float: a garbled balance must be printed, not end the whole answer.
_EXACT = Context(prec=400)
_ROUNDINGS = {
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
    "nearest": ROUND_HALF_EVEN,
    "zero": ROUND_DOWN,
}


def _at_least_two(amount: Decimal) -> str:
    """Plain notation with trailing zeros cut, but never below two decimals."""
    text = plain(amount)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def _rounded(value: float, decimals: int, rounding: str) -> Decimal:
    return _at(Decimal(value), decimals, _ROUNDINGS[rounding])


def _at(amount: Decimal, decimals: int, rounding: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=rounding, context=_EXACT)


def money(usd: float) -> str:
    """USD with two to six decimals, rounded to nearest (half even) at the sixth."""
    return _at_least_two(_rounded(usd, _SIX, "nearest"))


def decimal_text(value: float, decimals: int = 8) -> str:
    """A quantity, a greek or a percentage: nearest, trailing zeros cut."""
    return plain(_rounded(value, decimals, "nearest"))


def ratio_value(value: float) -> Decimal:
    """A ratio whose danger lies below it: cut down to six decimals, more where 1 would be touched.

    Noise of the float's last digits is taken off first, so that 1.66 does not read 1.659999.
    Neither step crosses or reaches 1: 1.0000003 and 0.9999999 keep the digits that say so.
    """
    exact = Decimal(value)
    clean = Decimal(f"{value:.12g}")
    if (clean > 1) != (exact > 1) or (clean < 1) != (exact < 1):
        clean = exact
    decimals = _SIX
    cut = _at(clean, decimals, ROUND_FLOOR)
    while cut == 1 and clean > 1:
        decimals += 1
        cut = _at(clean, decimals, ROUND_FLOOR)
    return cut


def cut_toward_zero(value: float, decimals: int) -> str:
    """A distance, which is never overstated."""
    return plain(_rounded(value, decimals, "zero"))


def price_toward(price: float, spot: float) -> str:
    """A price in USD, two to six decimals, cut toward spot: the danger is shown sooner, not later."""
    side = "floor" if Fraction(price) > Fraction(spot) else "ceiling"
    return _at_least_two(_rounded(price, _SIX, side))
