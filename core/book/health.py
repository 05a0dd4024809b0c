"""Health is never a bare number: its states, the venue's clocks, and the difference to the venue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ..errors import Failure
from ..units import WAD, decimal_of

__all__ = [
    "STATES_WORST_FIRST",
    "UNKNOWN",
    "Health",
    "Judgement",
    "LiquidationPrice",
    "Parity",
    "State",
    "VenueAnswer",
    "Verdict",
    "ratio_health",
    "worst_state",
]


class State(StrEnum):
    """The one list of states; ``STATES_WORST_FIRST`` is their order."""

    BAD_DEBT = "bad_debt"  # liabilities above the collateral's value
    LIQUIDATABLE = "liquidatable"  # by the venue's own rule, now
    UNKNOWN = "unknown"  # something needed for the judgement is missing
    AT_RISK = "at_risk"  # within the bands of core.book.report
    OK = "ok"
    NO_DEBT = "no_debt"  # nothing owed: value is None
    EMPTY = "empty"  # nothing held: value is None


STATES_WORST_FIRST = tuple(State)


def worst_state(states: Iterable[State]) -> State:
    """The worst of the states; ``empty`` where there is none."""
    return min(states, key=STATES_WORST_FIRST.index, default=State.EMPTY)


@dataclass(frozen=True, slots=True)
class Health:
    """A health value in its venue's measure, with its state.

    ``value`` is None for ``no_debt``, ``empty`` and ``unknown``. ``low`` and ``high`` bound the
    health when a leg is stale or missing; None means that nothing bounds it on that side.
    """

    value: Decimal | None
    state: State
    low: Decimal | None = None
    high: Decimal | None = None


UNKNOWN = Health(None, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One clock's judgement of an account; ``liquidatable`` None means it is not known."""

    health: Health
    liquidatable: bool | None

    @classmethod
    def unknown(cls) -> Verdict:
        """The verdict when something needed for it is missing."""
        return cls(UNKNOWN, None)


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """The exact price of one asset at which the account crosses, all others fixed.

    ``price`` is in the venue's own unit (``unit`` names it): for ``down`` the highest price that
    is liquidatable lies one raw unit below it, for ``up`` one above. None: no such price.
    """

    asset: str
    side: str
    raw: int | None
    decimals: int
    unit: str

    @property
    def price(self) -> Decimal | None:
        """The price as a decimal in the venue's unit."""
        return None if self.raw is None else decimal_of(self.raw, self.decimals)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Our own exact answer for an account, from the venue's raw numbers.

    ``stored`` is what the venue's view says, ``actionable`` what its liquidation call would do
    after accruing to the block; ``actionable`` decides. ``figures`` are the numbers that the venue
    publishes too, under the venue's own names, as raw integers. ``measure`` names the health.
    """

    measure: str
    stored: Verdict
    actionable: Verdict
    figures: Mapping[str, int]
    liquidation_prices: tuple[LiquidationPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class VenueAnswer:
    """What the venue's own contract said at the block: raw figures and its verdict."""

    figures: Mapping[str, int]
    health: Health | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Parity:
    """Our figures minus the venue's, per figure; exact when every common figure differs by 0."""

    differences: Mapping[str, int] = field(default_factory=dict)
    failure: Failure | None = None
    view_only: bool = False

    @classmethod
    def between(cls, ours: Judgement | None, venue: VenueAnswer | Failure | None) -> Parity:
        """The comparison of our judgement with the venue's answer."""
        if isinstance(venue, Failure):
            return cls(failure=venue)
        if venue is None or ours is None:
            return cls(view_only=venue is not None)
        common = ours.figures.keys() & venue.figures.keys()
        differences = {name: ours.figures[name] - venue.figures[name] for name in sorted(common)}
        # A judgement that repeats the venue's view has nothing of its own to compare.
        return cls(differences, view_only=not common)

    @property
    def largest(self) -> int:
        """The largest absolute difference, in raw units of its figure."""
        return max(map(abs, self.differences.values()), default=0)

    @property
    def status(self) -> str:
        """``exact``, ``mismatch``, ``view_only`` or ``unread``."""
        if self.differences:
            return "exact" if self.largest == 0 else "mismatch"
        return "view_only" if self.view_only else "unread"


def ratio_health(numerator: int, denominator: int, *, liquidatable: bool, held: bool) -> Health:
    """The health ``numerator / denominator`` (limit 1), both raw and in the same unit.

    ``denominator`` is what is owed. The value is floored at 18 decimals, as venues publish it. The
    state comes from the venue's own comparison (``liquidatable``), never from the rounded value;
    whether it is ``bad_debt`` only the caller can say, who knows the collateral's full value.
    """
    if denominator == 0:
        return Health(None, State.NO_DEBT if held else State.EMPTY)
    value = decimal_of(numerator * WAD // denominator, 18)
    return Health(value, State.LIQUIDATABLE if liquidatable else State.OK)
