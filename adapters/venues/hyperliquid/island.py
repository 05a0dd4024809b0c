"""One island that Hyperliquid nets and liquidates, as numbers: cash, positions at their marks, pledges.

Everything is exact: raw integers as the chain gives them, rationals of USD where they meet. None is
what was not read, or is not configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from .maths import (
    MIN_BORROW_OFFSET,
    PM_LIMIT,
    USD_DECIMALS,
    Pledge,
    Tier,
    initial_margin,
    liquidation_value,
    maintenance_margin,
    size_of,
)

__all__ = [
    "BORROWED",
    "Borrowing",
    "Columns",
    "DexSummary",
    "HeldPerp",
    "Island",
    "Mode",
    "PledgedLeg",
]

# The id of the leg that is owed under portfolio margin.
BORROWED = "borrowed"

Mode = Literal["cross", "isolated", "unified", "portfolio", "unknown"]


@dataclass(frozen=True, slots=True)
class HeldPerp:
    """A position: raw size, entry notional (USD, 6 decimals) and mark, with its perp's terms.

    A mark has ``6 - size_decimals`` decimals, so that size times mark is USD with 6. None is what
    was not read, or is not configured.
    """

    leg_id: str
    key: str
    dex: int
    size: int
    size_decimals: int
    entry_notional: int
    leverage: int
    mark: int | None
    tiers: tuple[Tier, ...] | None

    @property
    def units(self) -> Fraction:
        """The signed size in units of the underlying."""
        return size_of(self.size, self.size_decimals)

    @property
    def mark_usd(self) -> Fraction | None:
        """The mark in USD per unit."""
        if self.mark is None:
            return None
        return Fraction(self.mark * 10**self.size_decimals, 10**USD_DECIMALS)

    @property
    def value(self) -> int | None:
        """Size times mark, signed: USD with 6 decimals."""
        return None if self.mark is None else self.size * self.mark

    @property
    def entry_value(self) -> int:
        """What the size was entered at, signed as the size: USD with 6 decimals."""
        return self.entry_notional if self.size > 0 else -self.entry_notional


@dataclass(frozen=True, slots=True)
class DexSummary:
    """What ``accountMarginSummary`` says beside the positions of this account.

    ``raw_usd`` is the venue's; ``other_value`` (signed) and ``other_notional`` are of the isolated
    positions that the venue counts in. All USD with 6 decimals.
    """

    dex: int
    name: str
    raw_usd: int
    other_value: int = 0
    other_notional: int = 0


@dataclass(frozen=True, slots=True)
class PledgedLeg:
    """A pledge with the id and the asset of its leg."""

    leg_id: str
    key: str
    pledge: Pledge


@dataclass(frozen=True, slots=True)
class Borrowing:
    """Portfolio margin's terms: what is borrowed (USD), what is pledged, the most it can borrow."""

    borrowed: Fraction
    pledged: tuple[PledgedLeg, ...]
    borrow_cap: Fraction | None


@dataclass(frozen=True, slots=True)
class Columns:
    """The two sides of a verdict: what is there and what is needed."""

    equity: Fraction
    maintenance: Fraction
    numerator: Fraction
    denominator: Fraction
    whole: Fraction  # what everything would fetch, less what is borrowed


@dataclass(frozen=True, slots=True)
class Island:
    """One island. ``cash`` (raw, ``cash_decimals``) plus every size at its mark is its equity.

    ``pending`` is funding of the current hour that the caller knows of, USD with 6 decimals: the
    venue has not booked it.
    """

    mode: Mode
    cash: int | None = None
    cash_decimals: int = USD_DECIMALS
    positions: tuple[HeldPerp, ...] | None = None
    pending: int = 0
    summaries: tuple[DexSummary, ...] = ()
    borrowing: Borrowing | None = None

    @property
    def liquidatable_at_limit(self) -> bool:
        """Whether a health of exactly 1 can be liquidated."""
        return self.mode == "unified"

    @property
    def needs_nothing(self) -> bool:
        """Whether there is nothing to liquidate for: no position, nothing borrowed."""
        if self.positions != ():
            return False
        if self.mode != "portfolio":
            return True
        return self.borrowing is not None and self.borrowing.borrowed == 0

    def columns(self, pending: int) -> Columns | None:
        """Both sides of the verdict with so much funding booked; None where a part is missing."""
        if self.cash is None or self.positions is None:
            return None
        equity = Fraction(self.cash, 10**self.cash_decimals) + Fraction(pending, 10**USD_DECIMALS)
        maintenance = Fraction(0)
        for held in self.positions:
            if held.value is None or held.tiers is None:
                return None
            value = Fraction(held.value, 10**USD_DECIMALS)
            equity += value
            maintenance += maintenance_margin(abs(value), held.tiers)
        if self.mode != "portfolio":
            return Columns(equity, maintenance, equity, maintenance, equity)
        return None if self.borrowing is None else _portfolio(equity, maintenance, self.borrowing)

    def initial(self) -> Fraction:
        """The margin in use at the leverages that the user chose, of the positions read."""
        used = Fraction(0)
        for held in self.positions or ():
            value = Fraction(abs(held.value or 0), 10**USD_DECIMALS)
            used += initial_margin(value, max(held.leverage, 1))
        return used


def _portfolio(equity: Fraction, maintenance: Fraction, borrowing: Borrowing) -> Columns:
    """The documented ratio turned around: what it is compared with over what is required."""
    pledges = [each.pledge for each in borrowing.pledged]
    value = liquidation_value(equity, pledges, borrowing.borrow_cap)
    required = MIN_BORROW_OFFSET + maintenance + borrowing.borrowed
    whole = equity + sum((each.amount * each.price for each in pledges), Fraction(0))
    return Columns(equity, maintenance, PM_LIMIT * value, required, whole - borrowing.borrowed)
