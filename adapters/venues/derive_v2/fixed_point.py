"""The venue's fixed-point functions: every number is an integer of 18 decimals, as on chain.

Products and quotients truncate toward zero. ``exp``, ``ln`` and ``normal_cdf`` are rational
approximations whose last digits matter: they follow lyra-utils ``math/FixedPointMathLib.sol``, whose
constants they carry over, so that an answer equals the contract's to the wei.
"""

from __future__ import annotations

from math import isqrt

from ....core.errors import RuleError
from ....core.units import WAD, div_toward_zero

__all__ = [
    "SECONDS_PER_YEAR",
    "annualised",
    "div",
    "exp",
    "ln",
    "mul",
    "normal_cdf",
    "power",
    "sqrt",
]

SECONDS_PER_YEAR = 365 * 24 * 3600

# exp(x) is 0 at and below the first, and reverts at and above the second.
_EXP_ZERO = -42139678854452767551
_EXP_LIMIT = 135305999368893231589
_LN2 = 54916777467707473351141471128  # ln(2) * 2**96
_FIVE_18 = 5**18

# Hart's rational approximation of the normal tail, coefficients times 2**64.
_TAIL_TOP = (
    650478250178244362,
    12919787143353136591,
    117578849504046139487,
    625581961353917287603,
    2067498006223917203771,
    4080670594171652639712,
    4062099735652764000328,
)
_TAIL_BOTTOM = (
    1630477228166597028,
    32386342837845824709,
    296331772558254578451,
    1600821957476871612085,
    5470644798650576484341,
    11756730424506726822413,
    14643514515380871948050,
    8124199471305528000657,
)
_TAIL_SWITCH = 130438178253327725388  # 7.07... * 2**64
_THIRTEEN_TWENTIETHS = 11990383647911208550
_ROOT_TWO_PI = 46239130270042206915


def mul(a: int, b: int) -> int:
    """The product, truncated toward zero."""
    return div_toward_zero(a * b, WAD)


def div(a: int, b: int) -> int:
    """The quotient, truncated toward zero; ``RuleError`` where the contract divides by zero."""
    if b == 0:
        raise RuleError("the contract reverts: division by zero")
    return div_toward_zero(a * WAD, b)


def sqrt(x: int) -> int:
    """The square root, rounded down."""
    return isqrt(x * WAD)


def annualised(seconds: int) -> int:
    """Seconds as years of 365 days."""
    return seconds * WAD // SECONDS_PER_YEAR


def power(base: int, exponent: int) -> int:
    """``base ** exponent`` by way of ``exp`` and ``ln``."""
    return exp(mul(ln(base), exponent))


def ln(x: int) -> int:
    """The natural logarithm; ``RuleError`` where the contract reverts (zero and below)."""
    if x <= 0:
        raise RuleError("the contract reverts: logarithm of a number that is not positive")
    k = x.bit_length() - 1 - 96
    x = (x << (159 - k)) >> 159
    p = x + 3273285459638523848632254066296
    for term in (
        24828157081833163892658089445524,
        43456485725739037958740375743393,
        -11111509109440967052023855526967,
        -45023709667254063763336534515857,
        -14706773417378608786704636184526,
    ):
        p = ((p * x) >> 96) + term
    p = p * x - (795164235651350426258249787498 << 96)
    q = x + 5573035233440673466300451813936
    for term in (
        71694874799317883764090561454958,
        283447036172924575727196451306956,
        401686690394027663651624208769553,
        204048457590392012362485061816622,
        31853899698501571402653359427138,
        909429971244387300277376558375,
    ):
        q = ((q * x) >> 96) + term
    r = div_toward_zero(p, q) * 1677202110996718588342820967067443963516166
    r += 16597577552685614221487285958193947469193820559219878177908093499208371 * k
    r += 600920179829731861736702779321621459595472258049074101567377883020018308
    return r >> 174


def exp(x: int) -> int:
    """The exponential, 0 where it is below half a wei; ``RuleError`` where it does not fit."""
    if x <= _EXP_ZERO:
        return 0
    if x >= _EXP_LIMIT:
        raise RuleError("the contract reverts: exponential too large")
    x = div_toward_zero(x << 78, _FIVE_18)
    k = (div_toward_zero(x << 96, _LN2) + 2**95) >> 96
    x -= k * _LN2
    p = x + 2772001395605857295435445496992
    p = ((p * x) >> 96) + 44335888930127919016834873520032
    p = ((p * x) >> 96) + 398888492587501845352592340339721
    p = ((p * x) >> 96) + 1993839819670624470859228494792842
    p = p * x + (4385272521454847904632057985693276 << 96)
    z = x + 750530180792738023273180420736
    z = ((z * x) >> 96) + 32788456221302202726307501949080
    w = x - 2218138959503481824038194425854
    w = ((w * z) >> 96) + 892943633302991980437332862907700
    q = z + w - 78174809823045304726920794422040
    q = ((q * w) >> 96) + 4203224763890128580604056984195872
    r = div_toward_zero(p, q) * 3822833074963236453042738258902158003155416615667
    return r >> (195 - k)


def normal_cdf(x: int) -> int:
    """The standard normal distribution function, within about 1e-15."""
    z = abs(x)
    if z > 37 * WAD:
        return 0 if x <= 0 else WAD
    density = (exp(-((z >> 1) * z // WAD)) << 46) // _FIVE_18
    z = (z << 46) // _FIVE_18
    tail = _near_tail(z, density) if z < _TAIL_SWITCH else _far_tail(z, density)
    tail = (tail * _FIVE_18) >> 46
    return tail if x <= 0 else WAD - tail


def _near_tail(z: int, density: int) -> int:
    """The tail below 7.07 deviations, on a grid of 2**64."""
    return _polynomial(_TAIL_TOP, z) * density // _polynomial(_TAIL_BOTTOM, z)


def _far_tail(z: int, density: int) -> int:
    """The tail beyond, by a continued fraction."""
    f = _THIRTEEN_TWENTIETHS
    for term in (4, 3, 2, 1):
        f = (term << 128) // (z + f)
    return (density << 64) // (((f + z) * _ROOT_TWO_PI) >> 64)


def _polynomial(coefficients: tuple[int, ...], z: int) -> int:
    """Horner's scheme on the 2**64 grid."""
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = ((value * z) >> 64) + coefficient
    return value
