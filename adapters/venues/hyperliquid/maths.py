"""Hyperliquid's documented margin formulas, in exact rationals of USD: nothing is rounded.

Sources: hyperliquid.gitbook.io, "Margining", "Margin tiers", "Liquidations", "Account abstraction
modes" and "Portfolio margin". The engine is closed: these are its documented rules, and how it
rounds is not known. Sizes are signed (positive: long), prices are USD per unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "LIQUIDATION_PRICE_DECIMALS",
    "MIN_BORROW_OFFSET",
    "PM_LIMIT",
    "USD_DECIMALS",
    "Line",
    "Pledge",
    "Tier",
    "boundary",
    "in_raw",
    "initial_margin",
    "liquidation_threshold",
    "liquidation_value",
    "maintenance_lines",
    "maintenance_margin",
    "single_tier",
    "size_of",
]

USD_DECIMALS = 6
LIQUIDATION_PRICE_DECIMALS = 10  # as many as the venue's own liquidationPx is printed with

MIN_BORROW_OFFSET = Fraction(20)  # USDC
PM_LIMIT = Fraction(95, 100)  # a portfolio margin ratio above this is liquidatable


@dataclass(frozen=True, slots=True)
class Tier:
    """From ``lower`` USD of notional on, positions may have at most this leverage."""

    lower: int
    max_leverage: int


@dataclass(frozen=True, slots=True)
class Line:
    """One tier's maintenance margin as a line in the notional: ``rate * notional - deduction``."""

    rate: Fraction
    deduction: Fraction


@dataclass(frozen=True, slots=True)
class Pledge:
    """A token that backs borrowing under portfolio margin; amounts in units, price in USD."""

    amount: Fraction
    price: Fraction
    ltv: Fraction
    supply_cap: Fraction | None = None

    @property
    def counted(self) -> Fraction:
        """Its value at the liquidation threshold, up to the supply cap."""
        amount = self.amount if self.supply_cap is None else min(self.amount, self.supply_cap)
        return amount * self.price * liquidation_threshold(self.ltv)


def single_tier(max_leverage: int) -> tuple[Tier, ...]:
    """The table of a perp without tiers: an id below 50 is its maximum leverage."""
    return (Tier(0, max_leverage),)


def size_of(raw: int, size_decimals: int) -> Fraction:
    """A position's size in units."""
    return Fraction(raw, 10**size_decimals)


def maintenance_lines(tiers: Sequence[Tier]) -> tuple[Line, ...]:
    """Each tier's line. The deduction makes the margin continuous where one tier meets the next."""
    lines: list[Line] = []
    for tier in tiers:
        rate = Fraction(1, 2 * tier.max_leverage)
        deduction = Fraction(0)
        if lines:
            deduction = lines[-1].deduction + tier.lower * (rate - lines[-1].rate)
        lines.append(Line(rate, deduction))
    return tuple(lines)


def maintenance_margin(notional: Fraction, tiers: Sequence[Tier]) -> Fraction:
    """The maintenance margin of a notional (not negative): half the initial one at most leverage.

    Rates rise from tier to tier, so the tier that holds is the highest of the lines.
    """
    return max(line.rate * notional - line.deduction for line in maintenance_lines(tiers))


def initial_margin(notional: Fraction, leverage: int) -> Fraction:
    """What opening takes at the leverage that the user chose."""
    return notional / leverage


def boundary(
    size: Fraction, rest: Fraction, tiers: Sequence[Tier], *, liquidatable_at_limit: bool
) -> int | None:
    """The liquidation price, raw with ``LIQUIDATION_PRICE_DECIMALS``; None where there is none.

    ``rest`` is what the account has for this position beside its value: the equity without it,
    less the maintenance of all others. For a long it is the lowest price that is healthy, for a
    short the highest. The surplus over the requirement is the least of one line per tier, rising
    for a long and falling for a short, so it crosses zero once, at the last of the lines' roots.
    """
    roots = [
        -(rest + line.deduction) / (size - abs(size) * line.rate)
        for line in maintenance_lines(tiers)
    ]
    root = _scaled(max(roots) if size > 0 else min(roots), LIQUIDATION_PRICE_DECIMALS)
    if root < 0 or (root == 0 and not liquidatable_at_limit):
        return None
    if size > 0:
        return math.floor(root) + 1 if liquidatable_at_limit else math.ceil(root)
    return math.ceil(root) - 1 if liquidatable_at_limit else math.floor(root)


def liquidation_threshold(ltv: Fraction) -> Fraction:
    """The share of a pledge's value that counts before liquidation: halfway from its LTV to 1."""
    return Fraction(1, 2) + ltv / 2


def liquidation_value(
    balance: Fraction, pledges: Iterable[Pledge], borrow_cap: Fraction | None
) -> Fraction:
    """Portfolio margin's liquidation value: the balance, and what the pledges would let borrow."""
    pledged = sum((pledge.counted for pledge in pledges), Fraction(0))
    return balance + (pledged if borrow_cap is None else min(borrow_cap, pledged))


def in_raw(amount: Fraction, decimals: int = USD_DECIMALS) -> int:
    """The amount as a raw integer, rounded toward minus infinity."""
    return math.floor(_scaled(amount, decimals))


def _scaled(amount: Fraction, decimals: int) -> Fraction:
    return amount * Fraction(10**decimals)
