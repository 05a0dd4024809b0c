"""The shapes of the answers, for OpenAPI: documents are built elsewhere and checked against these.

Amounts are decimal strings (USD unless the name says otherwise), never JSON numbers; None means
"not known", never zero.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from ..core.book.health import State
from ..core.errors import Reason, Severity
from .answers import Kind
from .document.schema import PortfolioModel

__all__ = ["HealthAnswer", "MarginAnswer", "answer_schema", "components", "reference"]

Amount = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["23046.19"])]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HealthValue(_Answer):
    """A health value with its state; value None for no_debt, empty and unknown."""

    value: Amount | None
    state: State
    low: Amount | None
    high: Amount | None


class MeasuredHealth(HealthValue):
    """Our health of an account, in the venue's own measure."""

    measure: str = Field(examples=["health factor"])


class Verdict(_Answer):
    """One clock's judgement; liquidatable None means unknown."""

    health: HealthValue
    liquidatable: bool | None


class Verdicts(_Answer):
    """What the venue's view says (stored) and what its liquidation call would do (actionable)."""

    stored: Verdict | None
    actionable: Verdict | None


class ParityRow(_Answer):
    """Our figures minus the venue's own at the same block, in raw units."""

    status: Literal["exact", "mismatch", "view_only", "unread"]
    differences: dict[str, str]
    largest: str | None


class Coverage(_Answer):
    """Equity over a two-day core: the smallest of all accounts and the portfolio, and whose."""

    value: Amount | None
    binding: str | None


class Block(_Answer):
    """A pinned block."""

    chain_id: str = Field(examples=["eip155:1"])
    block_number: int
    block_hash: str
    timestamp: str
    finality: str


class HolderRow(_Answer):
    """An address of the book; one with an empty ``chain_id`` was read on every chain."""

    address: str
    kind: Literal["account", "contract", "safe", "dsproxy", "unknown"]
    found_by: str = Field(examples=["given", "ens:name.eth", "proxy_registry"])
    chain_id: str


class ProblemRow(_Answer):
    """What is missing from the answer, where, and what to do about it."""

    severity: Severity
    reason: Reason
    code: str
    venue: str
    account: str
    leg: str
    detail: str
    action: str


class Terms(_Answer):
    """How the venue would liquidate the account now: data for a cascade or a keeper."""

    close_factor: Amount
    penalty: Amount
    penalty_base: Literal["debt", "notional", "collateral"]
    seizes_all: bool
    minimum_usd: Amount | None
    grace_until: int | None
    bad_debt: Literal["lenders", "reserves", "protocol", "insurance", "owner"]


class ExactLiquidation(_Answer):
    """The price of one asset, in the venue's own unit, at which the venue's own rule flips."""

    asset: str
    side: Literal["down", "up"]
    price: Amount | None
    raw: str | None
    decimals: int
    unit: str


class Account(_Answer):
    """One margin account: our answer beside the venue's own."""

    venue: str
    chain_id: str
    id: str
    holder: str
    state: State
    equity: Amount | None
    initial: Amount | None
    maintenance: Amount | None
    health: MeasuredHealth
    venue_health: HealthValue | None
    verdicts: Verdicts
    parity: ParityRow
    terms: Terms | None
    exact_liquidation: list[ExactLiquidation]


class LiquidationRow(_Answer):
    """Where an account crosses its limit as one underlying moves alone."""

    underlying: str
    down: Amount | None
    up: Amount | None
    down_percent: Amount | None
    up_percent: Amount | None
    down_sigmas: Amount | None
    up_sigmas: Amount | None
    more: list[Amount]


class RiskAccount(Account):
    """An account with its figures under the unified model."""

    core: Amount | None
    coverage: Amount | None
    liquidation: list[LiquidationRow]
    hit_probability: dict[Literal["1d", "2d", "7d", "30d"], Amount | None]


class _Framed(_Answer):
    """What every answer carries."""

    schema_name: str = Field(alias="schema")
    owner: str
    state: State
    complete: bool
    two_day_coverage: Coverage
    equity: Amount | None
    holders: list[HolderRow]
    as_of: list[Block]
    skew_seconds: int
    problems: list[ProblemRow]
    evidence_id: str | None
    model_version: str
    sentence: str


class HealthAnswer(_Framed):
    """``crossmargin/health/1``."""

    portfolio_health: HealthValue
    accounts: list[Account]


class Contribution(_Answer):
    """An account's part of a total; negative: it hedges."""

    venue: str
    id: str
    value: Amount


class WorstScenario(_Answer):
    """A scenario with the book's weighted loss in it."""

    id: str
    family: str
    reason: str
    loss: Amount
    contributions: list[Contribution]


class CoreFigures(_Answer):
    """CORE and its branches; expected_shortfall None until there is filtered history."""

    value: Amount | None
    grid: Amount | None
    expected_shortfall: Amount | None
    floor: Amount | None
    active: str | None
    gross: Amount | None
    gross_by_underlying: dict[str, Amount]


class AddOnFigures(_Answer):
    """What is added to CORE."""

    liquidity: Amount | None
    gas: Amount | None
    confidence: Amount | None
    fragmentation_1d: Amount | None
    fragmentation_2d: Amount | None


class StandaloneFigures(_Answer):
    """What the accounts would need one by one."""

    core_sum: Amount | None
    diversification_benefit: Amount | None
    rule_initial_sum: Amount | None
    capital_efficiency: Amount | None


class GreekFigures(_Answer):
    """Sensitivities to one underlying."""

    delta: Amount
    gamma: Amount
    vega: Amount
    theta: Amount


class MarginAnswer(_Framed):
    """``crossmargin/margin/1``."""

    equity_non_recourse: Amount | None
    haircut_equity: Amount | None
    initial_margin: Amount | None
    maintenance_margin: Amount | None
    buffer: Amount | None
    free: Amount | None
    score: Amount | None
    health: HealthValue
    core: CoreFigures
    add_ons: AddOnFigures
    standalone: StandaloneFigures
    accounts: list[RiskAccount]
    contributions: list[Contribution]
    worst_scenarios: list[WorstScenario]
    greeks: dict[str, GreekFigures]


_ANSWERS: dict[Kind, str] = {
    "portfolio": "PortfolioAnswer",
    "health": "HealthAnswer",
    "margin": "MarginAnswer",
}
_REFERENCE = "#/components/schemas/{model}"
_FRAME = ("complete", "skew_seconds", "problems", "evidence_id", "model_version", "sentence")


def answer_schema(kind: Kind) -> dict[str, Any]:
    """How OpenAPI documents the 200 of that kind of answer."""
    return {
        "description": f"The {kind} answer.",
        "content": {"application/json": {"schema": reference(_ANSWERS[kind])}},
    }


def reference(name: str) -> dict[str, str]:
    """A reference to one of ``components``."""
    return {"$ref": _REFERENCE.format(model=name)}


def components() -> dict[str, Any]:
    """Every named schema of the OpenAPI description."""
    models: list[type[BaseModel]] = [HealthAnswer, MarginAnswer, PortfolioModel]
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template=_REFERENCE
    )
    named: dict[str, Any] = found["$defs"]
    return {**named, "PortfolioAnswer": _portfolio_answer(named["PortfolioModel"])}


def _portfolio_answer(document: dict[str, Any]) -> dict[str, Any]:
    """The document as an answer: it states its frame, and its blocks may be none."""
    blocks = {
        name: value for name, value in document["properties"]["as_of"].items() if name != "minItems"
    }
    return {
        **document,
        "title": "PortfolioAnswer",
        "required": [*document["required"], *_FRAME],
        "properties": {**document["properties"], "as_of": blocks},
    }
