"""What is held: assets, instruments, legs and the accounts in which a venue nets them.

Nothing here knows a market price. Sign convention, said once: ``Leg.quantity`` is positive for what
is owned or long and negative for what is owed or short. (The portfolio document writes a debt as a
positive quantity owed; the document reader turns it around.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from ..errors import Failure, Problem

if TYPE_CHECKING:
    from .health import Judgement, VenueAnswer
    from .rule import Rule

__all__ = [
    "Asset",
    "Claim",
    "Debt",
    "Instrument",
    "LastKnown",
    "Leg",
    "LiquidationTerms",
    "LpRange",
    "MarginAccount",
    "Option",
    "Perp",
    "PerpetualOption",
    "RawAmount",
    "Spot",
]


@dataclass(frozen=True, slots=True)
class Asset:
    """A token, and the risk factors that move it.

    ``key`` names it in a ``Market``: the symbol for tokens of the registry and for hand-written
    documents, ``eip155:1/0x…`` for a token nobody knows (so that a hostile symbol can never borrow
    a known token's price). ``underlying`` is the economic risk factor: ETH, WETH and stETH share
    ``ETH``; every stablecoin is its own. ``kind`` says which factor sits on top of it.
    """

    key: str
    symbol: str
    underlying: str
    kind: Literal["volatile", "stable", "lst", "usd"] = "volatile"
    decimals: int = 18
    chain_id: str = ""
    address: str = ""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Spot:
    """A unit of a token that is owned: collateral, a supply, a wallet balance."""

    asset: Asset


@dataclass(frozen=True, slots=True)
class Debt:
    """A unit of a token that is owed; the leg's quantity is negative."""

    asset: Asset


@dataclass(frozen=True, slots=True)
class Perp:
    """A perpetual future on one unit of the underlying; value is ``(mark - entry)`` per unit."""

    underlying: str


@dataclass(frozen=True, slots=True)
class Option:
    """A European option on one unit of the underlying, settled at 08:00 UTC of its expiry day.

    ``expiry`` is in Unix seconds; ``strike`` in USD per unit; ``multiplier`` in units per contract.
    """

    underlying: str
    right: Literal["call", "put"]
    strike: Decimal
    expiry: int
    settlement_asset: str = "USD"
    settlement: Literal["cash", "physical"] = "cash"
    multiplier: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class LpRange:
    """A concentrated-liquidity position: raw liquidity ``L`` between two ticks of a pool."""

    token0: Asset
    token1: Asset
    liquidity: int
    tick_lower: int
    tick_upper: int
    fees0: Decimal = Decimal(0)
    fees1: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class PerpetualOption:
    """One Panoptic leg: width in ticks around a strike tick; ``premium`` streamed so far."""

    pool: str
    asset: Asset
    strike_tick: int
    width: int
    side: Literal["long", "short"]
    token_type: Literal[0, 1]
    size: Decimal
    premium: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Claim:
    """A share of something else (ERC-4626, receipt token): one share is worth ``assets_per_share``."""

    share: str
    asset: Asset
    assets_per_share: Decimal


Instrument = Spot | Debt | Perp | Option | LpRange | PerpetualOption | Claim


@dataclass(frozen=True, slots=True)
class RawAmount:
    """The integer a quantity came from: raw value, decimals, the contract and call that gave it."""

    value: int
    decimals: int
    contract: str = ""
    call: str = ""


@dataclass(frozen=True, slots=True)
class LastKnown:
    """The last USD value of a leg that could not be read now, and how old it is."""

    value: Decimal
    age_seconds: int


@dataclass(frozen=True, slots=True)
class Leg:
    """A signed quantity of one instrument in one account; ``id`` is unique within the account.

    ``entry_price`` (USD per unit) is set where the venue keeps one (perps). ``vol`` is the option's
    own implied volatility (annual, 0.6 = 60%). ``accrued`` is cash in USD that the venue would add
    (negative: take) when the leg is closed: funding and borrow fees. A leg that could not be read
    carries a ``failure`` and perhaps ``last_known``; its quantity is then meaningless.
    """

    id: str
    instrument: Instrument
    quantity: Decimal
    entry_price: Decimal | None = None
    vol: Decimal | None = None
    accrued: Decimal = Decimal(0)
    raw: RawAmount | None = None
    failure: Failure | None = None
    last_known: LastKnown | None = None
    status: Literal["live", "expired_unsettled", "settled"] = "live"


@dataclass(frozen=True, slots=True)
class LiquidationTerms:
    """How the venue would liquidate this account now: data for the cascade and for keepers.

    ``close_factor`` is the largest share of one debt (of the position, for perps) that one call may
    close; ``penalty`` what the account loses beyond it, as a share of ``penalty_base``.
    ``seizes_all`` says that one call takes every collateral (Comet, auctions of whole vaults).
    ``minimum_usd`` is the smallest leftover the venue accepts. Until ``grace_until`` (Unix seconds)
    nothing can be liquidated. ``bad_debt`` is who bears what the collateral does not cover.
    """

    close_factor: Decimal
    penalty: Decimal
    penalty_base: Literal["debt", "notional", "collateral"] = "debt"
    seizes_all: bool = False
    minimum_usd: Decimal | None = None
    grace_until: int | None = None
    bad_debt: Literal["lenders", "reserves", "protocol", "insurance", "owner"] = "reserves"


@dataclass(frozen=True, slots=True)
class MarginAccount:
    """The island in which a venue nets and liquidates, with everything known about it.

    ``judgement`` is our exact answer from the venue's raw numbers (None for hand-written accounts,
    which are judged from their legs); ``venue_answer`` is what the venue's own view said at the
    same block, or why there is none. ``failure`` set means the account could not be judged: its
    health is unknown whatever else is filled in. ``penalty`` is the share of the liquidated
    notional (of debt, for lending) that a liquidation costs; ``terms`` is the venue's whole
    procedure for this account, where the adapter knows it.
    """

    venue: str
    id: str
    chain_id: str
    holder: str
    legs: tuple[Leg, ...]
    rule: Rule
    judgement: Judgement | None = None
    venue_answer: VenueAnswer | Failure | None = None
    penalty: Decimal | None = None
    terms: LiquidationTerms | None = None
    failure: Failure | None = None
    problems: tuple[Problem, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
