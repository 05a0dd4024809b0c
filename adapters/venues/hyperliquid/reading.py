"""What was read of HyperCore for one owner: each part a value, or the failure in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ....core.errors import Failure, Reason
from .island import DexSummary
from .maths import Tier
from .universe import Dex

__all__ = [
    "Booked",
    "DexReading",
    "PledgeReading",
    "PositionReading",
    "Reading",
    "Size",
    "Summary",
    "Terms",
    "booked",
]


@dataclass(frozen=True, slots=True)
class Size:
    """A row of ``position2``: raw size, entry notional and isolated USD (6 decimals), leverage."""

    size: int
    entry_notional: int
    isolated_usd: int
    leverage: int
    is_isolated: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """A perp's terms: its coin, size decimals, and the tiers of its margin table."""

    coin: str
    size_decimals: int
    tiers: tuple[Tier, ...] | Failure


@dataclass(frozen=True, slots=True)
class PositionReading:
    """A position whose size is not zero."""

    perp: int
    row: Size
    mark: int | Failure
    terms: Terms | Failure

    @property
    def failure(self) -> Failure | None:
        """Why the position cannot be judged; None where it can."""
        if isinstance(self.mark, Failure):
            return self.mark
        if isinstance(self.terms, Failure):
            return self.terms
        return self.terms.tiers if isinstance(self.terms.tiers, Failure) else None

    @property
    def value(self) -> int:
        """Size times mark, signed, USD with 6 decimals; 0 where the mark was not read."""
        return 0 if isinstance(self.mark, Failure) else self.row.size * self.mark


@dataclass(frozen=True, slots=True)
class Summary:
    """``accountMarginSummary`` of a dex: USD with 6 decimals. ``margin_used`` is the initial one."""

    account_value: int
    margin_used: int
    notional: int
    raw_usd: int


@dataclass(frozen=True, slots=True)
class DexReading:
    """One dex: its summary, the positions, why rows were not read, and money of empty rows."""

    dex: Dex
    summary: Summary | Failure
    positions: tuple[PositionReading, ...]
    unread: tuple[Failure, ...] = ()
    idle_usd: int = 0

    @property
    def cross(self) -> tuple[PositionReading, ...]:
        """The positions that share the account's margin."""
        return tuple(each for each in self.positions if not each.row.is_isolated)

    @property
    def isolated(self) -> tuple[PositionReading, ...]:
        """The positions with margin of their own."""
        return tuple(each for each in self.positions if each.row.is_isolated)


@dataclass(frozen=True, slots=True)
class PledgeReading:
    """A token that portfolio margin accepts: units held, USD per unit, loan to value."""

    token: int
    symbol: str
    amount: Fraction | Failure
    price: Fraction | Failure
    ltv: Fraction | Failure
    supply_cap: Fraction | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything read in one frame. ``balances`` are spot totals in units, by token."""

    evm_block: int
    l1_block: int
    dexes: tuple[DexReading, ...]
    balances: Mapping[int, Fraction | Failure]
    borrowed: Fraction | Failure | None = None
    pledges: tuple[PledgeReading, ...] = ()


@dataclass(frozen=True, slots=True)
class Booked:
    """The cash of a dex's cross account (USD, 6 decimals), and its summary with what it counts in."""

    cash: int
    summary: DexSummary


def booked(reading: DexReading) -> Booked | Failure:
    """The cross account's cash, where the summary proves that no position is missing.

    The summary's notional and value must be those of the positions read, to one raw unit each.
    Whether the precompile counts isolated positions in is not documented: it is seen from its own
    numbers, which fit only one of the two where there is an isolated position.
    """
    failed = [*reading.unread, *(each.mark for each in reading.positions)]
    for failure in failed:
        if isinstance(failure, Failure):
            return failure
    if isinstance(reading.summary, Failure):
        return reading.summary
    summary, dex = reading.summary, reading.dex
    for counted, others in (
        (reading.positions, reading.isolated),
        (reading.cross, ()),
    ):
        notional = sum(abs(each.value) for each in counted)
        value = summary.raw_usd + sum(each.value for each in counted)
        slack = len(counted)
        if abs(notional - summary.notional) <= slack and (
            abs(value - summary.account_value) <= slack
        ):
            isolated = sum(each.row.isolated_usd for each in others)
            # What an emptied isolated row still shows is no margin of the cross account.
            idle = reading.idle_usd if counted is reading.positions else 0
            other_value = sum(each.value for each in others)
            other_notional = sum(abs(each.value) for each in others)
            numbers = (summary.raw_usd, other_value, other_notional)
            return Booked(
                summary.raw_usd - isolated - idle, DexSummary(dex.index, dex.name, *numbers)
            )
    read = sum(abs(each.value) for each in reading.positions)
    detail = f"dex {dex.name}: a notional of {summary.notional} is summed up, {read} was read"
    return Failure(Reason.POSITIONS_INCOMPLETE, "summary_differs", detail)
