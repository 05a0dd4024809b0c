"""The contract between a venue and the rest: what an adapter is, asks and returns.

An adapter does no I/O. ``Adapter.read`` is a generator: it yields the reads it needs (a list of
``Call`` values), is sent their replies, and returns a ``VenueSnapshot``. The driver in
``chain/rounds.py`` advances all venues of a chain in lockstep, so that one round trip serves them
all; a venue needs at most two rounds for an account whose static facts are cached.

A new venue is one package under ``adapters/venues`` (or anywhere, see ``registry.py``) whose
``ADAPTER`` follows this protocol. It edits nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol, runtime_checkable

from ..core.book.model import Asset, MarginAccount
from ..core.book.portfolio import BlockRef
from ..core.book.rule import Rule
from ..core.errors import Problem
from .chain.call import ReadPlan
from .facts import Facts
from .tokens import TokenRegistry

__all__ = [
    "Adapter",
    "Capabilities",
    "Deployment",
    "Price",
    "ReadRequest",
    "RuleCard",
    "Suite",
    "Tolerance",
    "VenueSnapshot",
]


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place where the venue runs: a chain, a market name, and its contracts by role.

    ``contracts`` holds checksummed addresses; ``settings`` whatever else the venue's
    ``deployments.toml`` states (start block for logs, curated ids).
    """

    venue: str
    chain_id: str
    market: str
    contracts: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What one read is about: an owner, at a block, on one deployment.

    ``options`` are the venue's own, as the caller gave them (``{"markets": [...]}`` for Morpho).
    """

    owner: str
    block: BlockRef
    deployment: Deployment
    tokens: TokenRegistry
    facts: Facts
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Price:
    """A USD price that a venue's oracle gave: usable as the unified market's declared source."""

    asset: Asset
    value: Decimal
    source: str
    age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class VenueSnapshot:
    """What one deployment holds for the owner at the block.

    ``enumeration`` says how positions were found: ``state`` (the venue lists them itself; proven
    complete), ``list`` (ids the caller gave), ``curated`` (ids we ship, probed) or ``logs``.
    ``complete`` is False where positions may be missing; a problem then says so. ``contracts`` are
    the proxies that judged the accounts beside those of the deployment: their code is watched.
    """

    accounts: tuple[MarginAccount, ...] = ()
    prices: tuple[Price, ...] = ()
    problems: tuple[Problem, ...] = ()
    enumeration: str = "state"
    complete: bool = True
    contracts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter does, for ``crossmargin venues`` and the conformance suite.

    ``exact`` lists figures proven equal to the contract; ``view_only`` those only read.
    ``comparator`` is the venue's boundary: ``healthy_at_limit`` or ``liquidatable_at_limit``.
    ``warm_rounds`` is the number of sequential round trips for a warm account.
    """

    kinds: tuple[str, ...]
    exact: tuple[str, ...]
    view_only: tuple[str, ...] = ()
    comparator: str = "healthy_at_limit"
    enumeration: tuple[str, ...] = ("state",)
    warm_rounds: int = 2
    notes: tuple[str, ...] = ()
    rule_card: RuleCard | None = None


@dataclass(frozen=True, slots=True)
class RuleCard:
    """How the venue liquidates, as data: the card in the docs is generated from it.

    ``trigger`` is the venue's own comparison; ``clocks`` says when ``stored`` and ``actionable``
    differ. Shares are decimals (0.05 is 5%), None where they differ per account or market (then
    the note says how). ``sources`` are the contract and function each fact was read in.
    """

    trigger: str
    clocks: str
    oracle: str
    close_factor: Decimal | None
    close_factor_note: str
    penalty: Decimal | None
    penalty_note: str
    seizes: str
    minimum: str
    grace: str
    bad_debt: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a figure may be from the expected one: the larger of both allowances.

    ``relative`` is a share of the expected value. ``absolute`` counts only where the expected value
    is smaller than ``absolute_below`` (None: everywhere).
    """

    relative: Fraction = Fraction(0)
    absolute: Fraction = Fraction(0)
    absolute_below: Fraction | None = None

    def allows(self, expected: Fraction, difference: Fraction) -> bool:
        """Whether the difference (not negative) is within the tolerance."""
        size = abs(expected)
        near = self.absolute_below is None or size < self.absolute_below
        return difference <= max(self.relative * size, self.absolute if near else Fraction(0))


@dataclass(frozen=True, slots=True)
class Suite:
    """How one suite of cases is recomputed: inputs -> outputs under the names of ``expected``.

    ``tolerance`` is relative (0: equal); ``tolerances`` replace it for a figure and everything
    under it (``asserted``, ``asserted.im``), the longest name first. ``not_counted`` names keys,
    cases, or one figure of one case (``case:asserted.pnl[3]``) that do not count.
    """

    compute: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    tolerance: Fraction = Fraction(0)
    not_counted: frozenset[str] = frozenset()
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)

    def tolerance_of(self, figure: str) -> Tolerance:
        """The tolerance of the figure at that path of ``expected``."""
        named = [
            name
            for name in self.tolerances
            if figure == name or figure.startswith((f"{name}.", f"{name}["))
        ]
        return self.tolerances[max(named, key=len)] if named else Tolerance(self.tolerance)


@runtime_checkable
class Adapter(Protocol):
    """A venue. Everything here is a pure function of its arguments."""

    @property
    def name(self) -> str:
        """The venue's name in documents, cases and entry points: ``aave-v3``."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What is exact, what is only viewed, how positions are found."""
        ...

    @property
    def suites(self) -> Mapping[str, Suite]:
        """The suites of cases that the adapter can recompute, by suite name."""
        ...

    @property
    def rules(self) -> Mapping[str, Callable[[Mapping[str, Any]], Rule]]:
        """Rule kinds it writes into documents, and how to read each back (``DocumentError``)."""
        ...

    def deployments(self) -> Sequence[Deployment]:
        """Where the venue runs, from its ``deployments.toml``."""
        ...

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's accounts; see the module docstring."""
        ...
