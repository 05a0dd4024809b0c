"""The answer as data: what is printed, served and stored is made from this and nothing else.

USD amounts are floats (positive: owned, required or lost, as the field says); None means that the
figure is not known, never zero. The document forms are in ``core.book.documents``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import Problem
from .health import Health, LiquidationPrice, Parity, State, Verdict, worst_state
from .model import LiquidationTerms
from .portfolio import BlockRef, Holder

__all__ = [
    "AT_RISK",
    "AccountReport",
    "AddOns",
    "AtRiskBands",
    "Contribution",
    "Core",
    "Coverage",
    "Greeks",
    "LiquidationRange",
    "Report",
    "Standalone",
    "WorstScenario",
]


@dataclass(frozen=True, slots=True)
class AtRiskBands:
    """When something that cannot be liquidated is nevertheless called at risk."""

    coverage_below: float = 1.0
    health_within: float = 0.05  # of its limit, which is 1


AT_RISK = AtRiskBands()


@dataclass(frozen=True, slots=True)
class Coverage:
    """The smallest coverage of a bad two days, and the name of what binds it.

    ``binding`` is ``portfolio``, a venue, ``venue/id`` where the venue holds several accounts, or
    ``venue/id/holder`` where several holders have that one.
    """

    value: float | None
    binding: str = ""


@dataclass(frozen=True, slots=True)
class Core:
    """CORE and its branches, USD; ``expected_shortfall`` is None without filtered history."""

    value: float
    grid: float
    floor: float
    gross: float
    gross_by_underlying: Mapping[str, float]
    expected_shortfall: float | None = None

    @property
    def active(self) -> str:
        """The branch that sets CORE: ``grid``, ``floor``, or ``none`` where nothing can be lost."""
        if self.value <= 0:
            return "none"
        return "grid" if self.grid >= self.floor else "floor"


@dataclass(frozen=True, slots=True)
class AddOns:
    """Add-ons, USD; fragmentation is None without filtered history."""

    liquidity: float = 0.0
    gas: float = 0.0
    confidence: float = 0.0
    fragmentation_1d: float | None = None
    fragmentation_2d: float | None = None

    @property
    def total(self) -> float:
        """What both margins add to CORE, fragmentation left out."""
        return self.liquidity + self.gas + self.confidence


@dataclass(frozen=True, slots=True)
class Standalone:
    """What the accounts would need one by one: the same model on each, and the venues' own rules."""

    core_sum: float | None
    diversification_benefit: float | None
    rule_initial_sum: float | None
    capital_efficiency: float | None


@dataclass(frozen=True, slots=True)
class Contribution:
    """An account's part of CORE; negative: it hedges. All parts sum to CORE."""

    venue: str
    id: str
    value: float


@dataclass(frozen=True, slots=True)
class WorstScenario:
    """A row of the grid with the book's weighted loss in it, and each account's part of that."""

    id: str
    family: str
    reason: str
    loss: float
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True, slots=True)
class Greeks:
    """The book's sensitivity to one underlying.

    ``delta`` in units, ``gamma`` in units per USD, ``vega`` in USD per 1.00 of volatility,
    ``theta`` in USD per day.
    """

    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0


@dataclass(frozen=True, slots=True)
class LiquidationRange:
    """Where an account crosses its limit as one underlying moves alone.

    ``down`` and ``up`` are the first prices (USD) at which it is liquidatable below and above
    today's, None where there is none within the range scanned; ``more`` are further crossings, in
    either direction, sorted. An account that is liquidatable now has neither: its crossings back
    are in ``more``. Percentages are signed; sigmas are ``ln(price / spot)`` over a day's sigma.
    """

    underlying: str
    spot: float
    down: float | None = None
    up: float | None = None
    more: tuple[float, ...] = ()
    sigma: float | None = None
    peg: bool = False

    def percent(self, price: float | None) -> float | None:
        """The signed move from today's price, in percent."""
        return None if price is None else (price / self.spot - 1.0) * 100.0

    def sigmas(self, price: float | None) -> float | None:
        """The signed move in daily standard deviations; None where sigma is not known."""
        if price is None or self.sigma is None:
            return None
        return math.log(price / self.spot) / self.sigma


@dataclass(frozen=True, slots=True)
class AccountReport:
    """One account's answer. ``health`` is ours in the venue's measure, ``venue_health`` the venue's.

    ``initial`` and ``maintenance`` are the venue's rule's, ``core`` our model's on this account
    alone; ``coverage`` is None for an account that cannot be liquidated or is not known.
    ``liquidation`` are the crossings of the whole rule along each underlying, in USD at our prices;
    ``exact_liquidation`` the venue's own, to the raw unit of its oracle, one asset at a time.
    """

    venue: str
    id: str
    chain_id: str
    holder: str
    state: State
    equity: float | None
    initial: float | None
    maintenance: float | None
    health: Health
    measure: str
    venue_health: Health | None = None
    stored: Verdict | None = None
    actionable: Verdict | None = None
    parity: Parity = field(default_factory=Parity)
    core: float | None = None
    coverage: float | None = None
    liquidation: tuple[LiquidationRange, ...] = ()
    exact_liquidation: tuple[LiquidationPrice, ...] = ()
    terms: LiquidationTerms | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer for one owner. ``equity_non_recourse`` is the non-recourse equity of rule 21."""

    owner: str
    portfolio_health: Health
    two_day_coverage: Coverage
    equity: float | None
    equity_non_recourse: float | None
    haircut_equity: float | None
    initial_margin: float | None
    maintenance_margin: float | None
    core: Core | None
    add_ons: AddOns | None
    standalone: Standalone
    accounts: tuple[AccountReport, ...]
    contributions: tuple[Contribution, ...]
    worst_scenarios: tuple[WorstScenario, ...]
    greeks: Mapping[str, Greeks]
    as_of: tuple[BlockRef, ...]
    skew_seconds: int
    complete: bool
    problems: tuple[Problem, ...]
    model_version: str
    evidence_id: str | None = None
    holders: tuple[Holder, ...] = ()

    @property
    def state(self) -> State:
        """The worst account's state, or the portfolio's own if worse."""
        states = [account.state for account in self.accounts]
        return worst_state([*states, self.portfolio_health.state])

    @property
    def buffer(self) -> float | None:
        """Haircut equity above maintenance."""
        if self.haircut_equity is None or self.maintenance_margin is None:
            return None
        return self.haircut_equity - self.maintenance_margin

    @property
    def free(self) -> float | None:
        """Haircut equity above initial, never negative."""
        if self.haircut_equity is None or self.initial_margin is None:
            return None
        return max(0.0, self.haircut_equity - self.initial_margin)

    @property
    def score(self) -> float | None:
        """``E / (E + MM)`` in [0, 1]; 0.5 is a health of 1; None where both are 0 or unknown."""
        equity, needed = self.haircut_equity, self.maintenance_margin
        if equity is None or needed is None or equity == needed == 0:
            return None
        return 0.0 if equity <= 0 else equity / (equity + needed)
