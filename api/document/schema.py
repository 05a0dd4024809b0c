"""The shape of ``crossmargin/portfolio/1``, as pydantic models; its JSON Schema is made from them.

Unknown fields are refused everywhere except inside a venue's own rule, whose raw parameters only
the venue's adapter understands. What one field says about another is checked by the reader.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictBool, StringConstraints, Tag

from ...core.errors import Reason, Severity
from .leg_models import FailureModel, InstrumentModel, LegModel, Strict, object_or
from .rule_models import RuleModel
from .values import (
    Amount,
    ChainId,
    Count,
    Integer,
    Name,
    PositiveAmount,
    Share,
    Text,
    Timestamp,
    UnsignedAmount,
    Volatility,
)

__all__ = [
    "MAX_LEGS",
    "SCHEMA",
    "AccountModel",
    "BlockModel",
    "HealthModel",
    "HedgeModel",
    "MarketModel",
    "PortfolioModel",
    "ProblemModel",
    "QuoteModel",
    "RouteModel",
    "VenueAnswerModel",
    "VolModel",
    "json_schema",
]

SCHEMA = "crossmargin/portfolio/1"
MAX_ACCOUNTS = 2_000
MAX_LEGS = 10_000


class ProblemModel(Strict):
    """One entry of ``problems``: what is missing, where, and what to do about it."""

    severity: Severity
    reason: Reason
    code: Text = ""
    venue: Text = ""
    account: Text = ""
    leg: Text = ""
    detail: Text = ""
    action: Text = ""


class HealthModel(Strict):
    """A health value with its state; null where it has none."""

    value: Amount | None = None
    state: Literal["bad_debt", "liquidatable", "unknown", "at_risk", "ok", "no_debt", "empty"]
    low: Amount | None = None
    high: Amount | None = None


class VenueAnswerModel(Strict):
    """What the venue's own view said at the block: raw figures, or why there are none."""

    figures: dict[Name, Integer] = Field(default_factory=dict, max_length=1_000)
    health: HealthModel | None = None
    source: Text = ""
    failure: FailureModel | None = None


class TermsModel(Strict):
    """How the venue would liquidate the account now; shares are decimals (0.05 is 5%)."""

    close_factor: Share
    penalty: Amount
    penalty_base: Literal["debt", "notional", "collateral"] = "debt"
    seizes_all: StrictBool = False
    minimum_usd: Amount | None = None
    grace_until: Count | None = None
    bad_debt: Literal["lenders", "reserves", "protocol", "insurance", "owner"] = "reserves"


class AccountModel(Strict):
    """The island in which a venue nets and liquidates."""

    venue: Name
    id: Name
    chain_id: ChainId = ""
    holder: Text | None = None
    rule: RuleModel
    legs: Annotated[tuple[LegModel, ...], Field(max_length=MAX_LEGS)]
    penalty: Share | None = None
    terms: TermsModel | None = None
    venue_answer: VenueAnswerModel | None = None
    failure: FailureModel | None = None
    problems: Annotated[tuple[ProblemModel, ...], Field(max_length=MAX_LEGS)] = ()
    labels: dict[Name, Text] = Field(default_factory=dict, max_length=1_000)


class HolderModel(Strict):
    """An address of the book: what it is, how it was found, and where if not on every chain."""

    address: Name
    kind: Literal["account", "contract", "safe", "dsproxy", "unknown"] = "unknown"
    found_by: Text = "given"
    chain_id: ChainId = ""


class BlockModel(Strict):
    """The block of one chain that everything is computed at."""

    chain_id: ChainId = ""
    block_number: Count = 0
    block_hash: Annotated[
        str, StringConstraints(strict=True, pattern="^(0x[0-9a-fA-F]{64}|0x…)?$")
    ] = ""
    timestamp: Timestamp
    finality: Literal["latest", "safe", "finalized", "unknown"] = "unknown"


class QuoteModel(Strict):
    """A price with its source and age."""

    value: PositiveAmount
    source: Text = "document"
    age_seconds: Count | None = None


class VolModel(Strict):
    """At-the-money volatility, yearly: 0.6 is 60%."""

    atm: Volatility
    source: Text = "document"
    age_seconds: Count | None = None


class StrikeModel(Strict):
    """A listed option: its strike and expiry."""

    strike: PositiveAmount
    expiry: Timestamp


QuoteField = Annotated[
    Annotated[PositiveAmount, Tag("number")] | Annotated[QuoteModel, Tag("quote")],
    Discriminator(object_or("number", "quote")),
]


class MarketModel(Strict):
    """USD prices by asset key or underlying, volatilities by underlying, the USD rate."""

    spot: dict[Name, QuoteField] = Field(max_length=MAX_LEGS)
    vol: dict[Name, VolModel] = Field(default_factory=dict, max_length=MAX_LEGS)
    rate: Amount | None = None
    strikes: dict[Name, Annotated[tuple[StrikeModel, ...], Field(max_length=MAX_LEGS)]] = Field(
        default_factory=dict, max_length=1_000
    )


_PerName = Annotated[
    Annotated[Amount, Tag("one")] | Annotated[dict[Name, Amount], Tag("each")],
    Discriminator(object_or("one", "each")),
]


class OverridesModel(Strict):
    """Parameters of the margin model by name; the model itself checks their ranges."""

    range: _PerName | None = None
    vol_up: _PerName | None = None
    vol_down: _PerName | None = None
    vol_power_short: _PerName | None = None
    vol_power_long: _PerName | None = None
    vol_floor: _PerName | None = None
    phi: Amount | None = None
    alpha: Amount | None = None
    kappa: Amount | None = None
    omega: _PerName | None = None
    sigma: _PerName | None = None
    points: Count | None = None
    sets: (
        Annotated[
            tuple[Literal["A", "B", "D", "E", "F", "peg", "lst", "basis"], ...], Field(max_length=8)
        ]
        | None
    ) = None
    peg_depths: Annotated[tuple[Amount, ...], Field(max_length=100)] | None = None
    seed: Count | None = None
    vol_response: Literal["sticky", "parametric"] | None = None
    depth: _PerName | None = None
    half_spread: _PerName | None = None
    impact: _PerName | None = None
    gas: _PerName | None = None


class RouteModel(Strict):
    """A way for money to move between accounts; ``from`` and ``to`` are account ids or wallet."""

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")
    asset: Name
    latency_seconds: Count
    fee: Share | None = None
    limit: UnsignedAmount | None = None


class HedgeModel(Strict):
    """A hedge that can be traded: USD per unit, depth in units."""

    instrument: InstrumentModel
    bid: UnsignedAmount
    ask: UnsignedAmount
    depth: UnsignedAmount
    fee: Share | None = None


class PortfolioModel(Strict):
    """One owner's accounts, the market they are valued in, and the model's overrides."""

    schema_name: Literal["crossmargin/portfolio/1"] = Field(alias="schema")
    owner: Name
    owners: Annotated[tuple[Name, ...], Field(max_length=1_000)] = ()
    holders: Annotated[tuple[HolderModel, ...], Field(max_length=1_000)] = ()
    as_of: Annotated[tuple[BlockModel, ...], Field(min_length=1, max_length=1_000)]
    market: MarketModel
    model: OverridesModel | None = None
    wallet: Annotated[tuple[LegModel, ...], Field(max_length=MAX_LEGS)] = ()
    accounts: Annotated[tuple[AccountModel, ...], Field(max_length=MAX_ACCOUNTS)]
    routes: Annotated[tuple[RouteModel, ...], Field(max_length=MAX_LEGS)] = ()
    hedges: Annotated[tuple[HedgeModel, ...], Field(max_length=MAX_LEGS)] = ()
    problems: Annotated[tuple[ProblemModel, ...], Field(max_length=MAX_LEGS)] = ()
    enumeration: dict[Name, Text] = Field(default_factory=dict, max_length=1_000)
    implementations: dict[Name, Name] = Field(default_factory=dict, max_length=10_000)
    # What an answer states beside the document. Only `complete` is read back: an incomplete
    # document stays one.
    complete: StrictBool = True
    skew_seconds: Count | None = None
    evidence_id: Text | None = None
    model_version: Text | None = None
    sentence: Text | None = None


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that the package publishes as ``schema/portfolio-1.json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        **PortfolioModel.model_json_schema(by_alias=True),
    }
