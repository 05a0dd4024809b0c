"""One owner's book: the accounts and wallet balances of every chain at its pinned block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..errors import Problem
from .market import Market
from .model import Instrument, Leg, MarginAccount

__all__ = ["BlockRef", "Book", "HedgeQuote", "Holder", "Portfolio", "Route"]


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block of one chain: CAIP-2 chain id, number, hash (0x…), Unix timestamp, finality.

    ``finality`` is ``latest``, ``safe``, ``finalized`` or ``unknown``; ``hash`` is empty only for
    hand-written documents.
    """

    chain_id: str
    number: int
    hash: str
    timestamp: int
    finality: str = "unknown"


@dataclass(frozen=True, slots=True)
class Holder:
    """An address whose positions are in the book.

    ``kind`` is ``account``, ``contract``, ``safe``, ``dsproxy`` or ``unknown``; ``found_by`` is
    ``given``, ``ens:NAME`` or the registry that named it. ``chain_id`` is empty for one that is
    read on every chain.
    """

    address: str
    kind: str
    found_by: str
    chain_id: str = ""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Everything an owner holds, as read. ``wallet`` legs count in equity and as rescue money.

    ``enumeration`` says per ``venue`` how the positions were found and whether completeness was
    proven. ``owners`` lists every address of the book, the first being ``owner``; ``holders`` says
    what each of them is and how it was found. ``implementations`` is what the venues' proxies run,
    by ``chain/proxy``.
    """

    owner: str
    owners: tuple[str, ...]
    as_of: tuple[BlockRef, ...]
    accounts: tuple[MarginAccount, ...]
    wallet: tuple[Leg, ...] = ()
    problems: tuple[Problem, ...] = ()
    enumeration: Mapping[str, str] = field(default_factory=dict)
    holders: tuple[Holder, ...] = ()
    implementations: Mapping[str, str] = field(default_factory=dict)

    @property
    def timestamp(self) -> int:
        """The Unix time everything is computed at: the latest block's."""
        return max((block.timestamp for block in self.as_of), default=0)

    @property
    def skew_seconds(self) -> int:
        """The age difference between the oldest and the newest block of the answer."""
        times = [block.timestamp for block in self.as_of]
        return max(times) - min(times) if times else 0


@dataclass(frozen=True, slots=True)
class Route:
    """A way for money to move: from and to are account ids or ``wallet``; ``fee`` is a share."""

    source: str
    target: str
    asset: str
    latency_seconds: int
    fee: Decimal
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class HedgeQuote:
    """A hedge that can be bought or sold: bid and ask in USD per unit, depth in units."""

    instrument: Instrument
    bid: Decimal
    ask: Decimal
    depth: Decimal
    fee: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Book:
    """What the risk core is given: the portfolio, the unified market, and the caller's overrides.

    ``model`` holds overrides of the margin model's parameters by name, as the document gave them;
    ``core.risk.parameters`` checks them. Without ``routes`` no money moves between accounts.
    """

    portfolio: Portfolio
    market: Market
    model: Mapping[str, object] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    hedges: tuple[HedgeQuote, ...] = ()
