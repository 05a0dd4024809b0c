"""Integer arithmetic with the rounding in the name, and the one door from integers to floats.

Everything read from a chain stays an ``int`` up to ``to_float``; nothing else in the package turns
a raw amount into a float. Amounts that are printed go through ``Decimal`` and lose no digit.
"""

from __future__ import annotations

from decimal import Context, Decimal

__all__ = [
    "BPS",
    "MAX_UINT256",
    "RAY",
    "WAD",
    "decimal_of",
    "div_half_up",
    "div_toward_zero",
    "div_up",
    "mul_div_down",
    "mul_div_half_up",
    "mul_div_up",
    "plain",
    "ratio_of",
    "raw_of",
    "to_float",
]

WAD = 10**18
RAY = 10**27
BPS = 10_000
MAX_UINT256 = 2**256 - 1

_RATIO = Context(prec=60)


def mul_div_down(a: int, b: int, denominator: int) -> int:
    """``a * b / denominator``, rounded toward minus infinity (for unsigned values: down)."""
    return a * b // denominator


def mul_div_up(a: int, b: int, denominator: int) -> int:
    """``a * b / denominator``, rounded up."""
    return -(-a * b // denominator)


def mul_div_half_up(a: int, b: int, denominator: int) -> int:
    """``a * b / denominator`` for unsigned values, rounded to nearest and halves up."""
    return (a * b + denominator // 2) // denominator


def div_up(a: int, denominator: int) -> int:
    """``a / denominator``, rounded up."""
    return -(-a // denominator)


def div_half_up(a: int, denominator: int) -> int:
    """``a / denominator`` for unsigned values, rounded to nearest and halves up."""
    return (a + denominator // 2) // denominator


def div_toward_zero(a: int, denominator: int) -> int:
    """``a / denominator`` as Solidity divides signed integers: toward zero."""
    quotient = abs(a) // abs(denominator)
    return quotient if (a < 0) == (denominator < 0) else -quotient


def decimal_of(raw: int, decimals: int) -> Decimal:
    """``raw * 10**-decimals`` exactly, whatever the number of digits."""
    sign, digits = (1, -raw) if raw < 0 else (0, raw)
    return Decimal((sign, tuple(int(digit) for digit in str(digits)), -decimals))


def ratio_of(amount: Decimal, per: Decimal) -> Decimal:
    """``amount / per`` to 60 digits: ``per`` times it, rounded to the token's unit, is ``amount``."""
    return _RATIO.divide(amount, per)


def raw_of(amount: Decimal, decimals: int) -> int:
    """The raw integer of an amount; ``ValueError`` if it has more digits than the token."""
    numerator, denominator = amount.as_integer_ratio()
    raw, rest = divmod(numerator * int(10**decimals), denominator)
    if rest:
        raise ValueError(f"{amount} has more than {decimals} decimals")
    return raw


def to_float(raw: int, decimals: int) -> float:
    """The one door: a raw amount as the nearest ``float64``."""
    return float(decimal_of(raw, decimals))


def plain(amount: Decimal) -> str:
    """A decimal in plain notation without trailing zeros: ``1E+3`` is printed ``1000``."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
