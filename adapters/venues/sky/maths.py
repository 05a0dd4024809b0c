"""The vault engine's arithmetic in the contracts' integers: fees, prices, the safe test, auctions.

Units, as the contracts name them: wad 1e18, ray 1e27, rad 1e45. The contracts revert where a product
leaves 256 bits; the functions raise ``RuleError`` there, because the venue has no answer either.
Source: makerdao/dss, ``src/vat.sol``, ``src/jug.sol``, ``src/spot.sol`` and ``src/dog.sol``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import MAX_UINT256, RAY, WAD, mul_div_up

__all__ = [
    "Auction",
    "Fee",
    "IlkState",
    "Limits",
    "Urn",
    "bark",
    "dripped_rate",
    "is_safe",
    "liquidation_price",
    "poked_spot",
    "rpow",
]

# A feed's wad price becomes a ray (spot.sol, ``poke``).
_WAD_TO_RAY = 10**9


@dataclass(frozen=True, slots=True)
class Urn:
    """A vault: ``ink`` collateral locked (wad), ``art`` normalised debt (wad)."""

    ink: int
    art: int


@dataclass(frozen=True, slots=True)
class IlkState:
    """A collateral type as ``vat.ilks`` gives it: ``rate`` and ``spot`` (ray), ``dust`` (rad)."""

    rate: int
    spot: int
    dust: int


@dataclass(frozen=True, slots=True)
class Fee:
    """A collateral type's stability fee: ``duty`` and ``base`` per second (ray), time of last drip."""

    duty: int
    base: int
    rho: int


@dataclass(frozen=True, slots=True)
class Limits:
    """``dog.ilks`` with the global limits: ``chop`` (wad), room of the ilk and of all (rad)."""

    chop: int
    hole: int
    dirt: int
    global_hole: int
    global_dirt: int


@dataclass(frozen=True, slots=True)
class Auction:
    """What ``bark`` starts: collateral ``lot`` (wad), debt taken ``dart`` (wad), ``tab`` (rad)."""

    lot: int
    dart: int
    tab: int


def rpow(base: int, exponent: int) -> int:
    """``base ** exponent`` in rays: squaring with a half-up rounding at every product."""
    if base == 0:
        return RAY if exponent == 0 else 0
    result = base if exponent % 2 else RAY
    exponent //= 2
    while exponent:
        base = _checked(_checked(base * base) + RAY // 2) // RAY
        if exponent % 2:
            result = _checked(_checked(result * base) + RAY // 2) // RAY
        exponent //= 2
    return result


def dripped_rate(rate: int, fee: Fee, timestamp: int) -> int:
    """The rate after ``jug.drip`` at this time (ray); a product rounded down."""
    elapsed = timestamp - fee.rho
    if elapsed < 0:
        raise RuleError("the block is older than the last drip")
    return _checked(rpow(_checked(fee.base + fee.duty), elapsed) * rate) // RAY


def poked_spot(price: int, par: int, mat: int) -> int:
    """The spot after ``spotter.poke`` with this feed price (wad): price / par / mat, both floored."""
    if par == 0 or mat == 0:
        raise RuleError("par and the liquidation ratio must be above 0")
    per_par = _checked(_checked(price * _WAD_TO_RAY) * RAY) // par
    return _checked(per_par * RAY) // mat


def is_safe(urn: Urn, rate: int, spot: int) -> bool:
    """Whether ``ink * spot >= art * rate``: equality is safe."""
    return _checked(urn.ink * spot) >= _checked(urn.art * rate)


def liquidation_price(urn: Urn, rate: int, par: int, mat: int) -> int | None:
    """The smallest feed price (wad) at which the vault is safe once poked; None without collateral.

    The floors of ``poked_spot`` are inverted with ceilings, so one wei less is unsafe.
    """
    if urn.ink == 0:
        return None
    spot = mul_div_up(urn.art, rate, urn.ink)
    return mul_div_up(mul_div_up(spot, mat, RAY), par, _WAD_TO_RAY * RAY)


def bark(urn: Urn, rate: int, dust: int, limits: Limits) -> Auction:
    """The auction of an unsafe vault: whole, or the part that the limits leave room for.

    ``RuleError`` where the contract refuses.
    """
    room = min(limits.global_hole - limits.global_dirt, limits.hole - limits.dirt)
    if room <= 0:
        raise RuleError("Dog/liquidation-limit-hit")
    dart = min(urn.art, _checked(room * WAD) // rate // limits.chop)
    if urn.art > dart:
        if _checked((urn.art - dart) * rate) < dust:
            dart = urn.art
        elif _checked(dart * rate) < dust:
            raise RuleError("Dog/dusty-auction-from-partial-liquidation")
    lot = _checked(urn.ink * dart) // urn.art
    if lot == 0:
        raise RuleError("Dog/null-auction")
    return Auction(lot, dart, _checked(_checked(dart * rate) * limits.chop) // WAD)


def _checked(value: int) -> int:
    """The value, if the contract can hold it in 256 bits."""
    if value > MAX_UINT256:
        raise RuleError("the contract's arithmetic overflows 256 bits on these numbers")
    return value
