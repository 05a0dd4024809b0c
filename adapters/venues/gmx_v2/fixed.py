"""GMX's fixed-point arithmetic: factors of 1e30, powers by PRBMath, and Solidity's checks.

USD amounts and factors have 30 decimals; a token price is USD per smallest unit, so that amount
times price is USD. What the contract's checked arithmetic would revert on is a ``RuleError`` here.
Sources: gmx-synthetics ``contracts/utils/Precision.sol`` and ``Calc.sol``; prb-math 2.4.3
``PRBMathUD60x18.sol`` (``pow``, ``log2``) and ``PRBMath.sol`` (``exp2``).
"""

from __future__ import annotations

from math import isqrt

from ....core.errors import RuleError
from ....core.units import MAX_UINT256, WAD, div_up, mul_div_down, mul_div_up

__all__ = [
    "FLOAT",
    "PER_SIZE",
    "applied",
    "exponentiated",
    "factor_of",
    "signed",
    "up_magnitude",
    "unsigned",
]

FLOAT = 10**30
# Funding is kept in token units per 1e-15 USD of size, times 1e30.
PER_SIZE = 10**45

_FLOAT_TO_WEI = 10**12
_MAX_INT256 = 2**255 - 1
_HALF_WAD = WAD // 2


def unsigned(value: int) -> int:
    """The value, where a ``uint256`` can hold it; the contract reverts where it cannot."""
    if not 0 <= value <= MAX_UINT256:
        raise RuleError("the contract's own arithmetic reverts: a uint256 cannot hold a result")
    return value


def signed(value: int) -> int:
    """The value, where an ``int256`` can hold it; the contract reverts where it cannot."""
    if not -_MAX_INT256 - 1 <= value <= _MAX_INT256:
        raise RuleError("the contract's own arithmetic reverts: an int256 cannot hold a result")
    return value


def applied(value: int, factor: int) -> int:
    """``value * factor / 1e30`` of unsigned values, rounded down (``Precision.applyFactor``)."""
    return unsigned(mul_div_down(value, factor, FLOAT))


def factor_of(value: int, divisor: int) -> int:
    """``value / divisor`` as a factor, rounded down (``Precision.toFactor``)."""
    if value == 0:
        return 0
    if divisor == 0:
        raise RuleError("the contract's own arithmetic reverts: a division by zero")
    return unsigned(mul_div_down(value, FLOAT, divisor))


def up_magnitude(value: int, numerator: int, divisor: int) -> int:
    """``ceil(ceil(value * 1e45 / divisor) / numerator)``: a charge per size, in token units."""
    if numerator == 0:
        raise RuleError("the contract's own arithmetic reverts: a division by zero")
    return div_up(unsigned(mul_div_up(value, PER_SIZE, divisor)), numerator)


def exponentiated(value: int, exponent: int) -> int:
    """``value ** exponent`` with 30 decimals (``Precision.applyExponentFactor``).

    0 below one; the power itself has 18 decimals, so both operands are cut to that.
    """
    if value < FLOAT:
        return 0
    if exponent == FLOAT:
        return value
    power = _mul(_log2(value // _FLOAT_TO_WEI), exponent // _FLOAT_TO_WEI)
    return unsigned(_exp2(power) * _FLOAT_TO_WEI)


def _mul(a: int, b: int) -> int:
    """``a * b / 1e18``, rounded half up (``PRBMath.mulDivFixedPoint``)."""
    return unsigned((a * b + _HALF_WAD) // WAD)


def _log2(x: int) -> int:
    """The binary logarithm of a value of at least 1e18, by repeated squaring."""
    whole = (x // WAD).bit_length() - 1
    result, y = whole * WAD, x >> whole
    if y == WAD:
        return result
    delta = _HALF_WAD
    while delta:
        y = y * y // WAD
        if y >= 2 * WAD:
            result += delta
            y >>= 1
        delta >>= 1
    return result


def _exp2(x: int) -> int:
    """Two to the power of a value with 18 decimals: one factor for each bit of its fraction."""
    if x >= 192 * WAD:
        raise RuleError("the contract's own arithmetic reverts: an exponent of 192 or more")
    exponent = (x << 64) // WAD
    result = 1 << 191
    for place, root in enumerate(_ROOTS):
        if exponent >> (63 - place) & 1:
            result = result * root >> 64
    return result * WAD >> (191 - (exponent >> 64))


def _roots() -> tuple[int, ...]:
    """2**(1/2), 2**(1/4), … with 64 fractional bits, each rounded half up: PRBMath's 64 factors."""
    precise, roots = 2 << 512, []
    for _ in range(64):
        precise = isqrt(precise << 512)
        roots.append((precise + (1 << 447)) >> 448)
    return tuple(roots)


_ROOTS = _roots()
