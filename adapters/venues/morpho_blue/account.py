"""A margin account from what was read of one market: legs, rule, verdicts and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from ....core.book.health import Judgement, VenueAnswer
from ....core.book.model import (
    Asset,
    Debt,
    Instrument,
    Leg,
    LiquidationTerms,
    MarginAccount,
    RawAmount,
    Spot,
)
from ....core.errors import Failure, Problem, Reason, Severity
from ....core.units import WAD, decimal_of
from ...base import ReadRequest
from .maths import MarketState, PositionState, liquidation_incentive_factor
from .rule import COLLATERAL, DEBT, SUPPLY, VENUE, MorphoRule, Token

__all__ = ["MarketParams", "MarketReading", "TokenReading", "build_account"]

T = TypeVar("T")

# The reasons that ``liquidate`` can revert with before and after its health check (ErrorsLib.sol).
_HEALTHY = "position is healthy"
_PAST_THE_CHECK = (
    "transfer reverted",
    "transfer returned false",
    "transferFrom reverted",
    "transferFrom returned false",
)


@dataclass(frozen=True, slots=True)
class MarketParams:
    """A market's immutable parameters, in the order of the contract's struct."""

    loan: str
    collateral: str
    oracle: str
    irm: str
    lltv: int

    def as_tuple(self) -> tuple[str, str, str, str, int]:
        """The ``MarketParams`` argument of a call."""
        return self.loan, self.collateral, self.oracle, self.irm, self.lltv


@dataclass(frozen=True, slots=True)
class TokenReading:
    """What an unlisted token's own contract says about it."""

    decimals: int
    symbol: str
    symbol_failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class MarketReading:
    """Everything read of one market for one owner; None is what there was no need to ask."""

    market_id: str
    position: PositionState | Failure
    market: MarketState | Failure
    params: MarketParams | Failure
    price: int | Failure | None = None
    rate: int | Failure | None = None
    liquidation: tuple[Any, ...] | Failure | None = None
    tokens: Mapping[str, TokenReading | Failure] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether the market was created, as far as is known."""
        return isinstance(self.market, Failure) or self.market.last_update > 0

    @property
    def is_empty(self) -> bool:
        """Whether the owner is known to hold nothing in the market."""
        return self.position == PositionState(0, 0, 0)


def build_account(request: ReadRequest, reading: MarketReading) -> MarginAccount:
    """The account of a market in which the owner has, or may have, a position."""
    params, position = reading.params, reading.position
    if isinstance(position, Failure) or isinstance(params, Failure):
        return _unread(request, reading)
    collateral = _Held(request, reading, params.collateral)
    loan = _Held(request, reading, params.loan)
    rule = MorphoRule(
        request.block.timestamp,
        position,
        _known(reading.market),
        params.lltv,
        _known(reading.price),
        0 if params.irm == "0x" + "00" * 20 else _known(reading.rate),
        Token(collateral.asset.key, collateral.decimals),
        Token(loan.asset.key, loan.decimals),
    )
    judgement = rule.judge()
    failure = _failure(reading, judgement)
    legs = _legs(request, reading, position, judgement, collateral, loan)
    venue_answer = _venue_answer(reading.liquidation)
    return MarginAccount(
        venue=VENUE,
        id=reading.market_id,
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=legs,
        rule=rule,
        judgement=judgement,
        venue_answer=venue_answer,
        penalty=_penalty(params),
        terms=LiquidationTerms(Decimal(1), _penalty(params), bad_debt="lenders"),
        failure=failure,
        problems=tuple(_problems(reading, legs, failure, venue_answer)),
        labels=_labels(params, collateral.asset, loan.asset),
    )


def _penalty(params: MarketParams) -> Decimal:
    """What is seized beyond the debt repaid: the incentive factor less 1."""
    return decimal_of(liquidation_incentive_factor(params.lltv) - WAD, 18)


def _unread(request: ReadRequest, reading: MarketReading) -> MarginAccount:
    """An account whose position or parameters are missing: it may hold anything."""
    position, params = reading.position, reading.params
    failures = [read for read in (position, params) if isinstance(read, Failure)]
    rule = MorphoRule(request.block.timestamp, _known(position), _known(reading.market))
    return MarginAccount(
        venue=VENUE,
        id=reading.market_id,
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=(),
        rule=rule,
        failure=failures[0],
        problems=tuple(_problem(reading, failure) for failure in failures),
    )


class _Held:
    """One of the market's tokens: its asset, and its decimals where they are known."""

    def __init__(self, request: ReadRequest, reading: MarketReading, address: str) -> None:
        chain = request.deployment.chain_id
        read = reading.tokens.get(address) or request.facts.get(chain, address, "token")
        self.failure = read if isinstance(read, Failure) else None
        told = read if isinstance(read, TokenReading) else TokenReading(18, "")
        self.asset = request.tokens.at(chain, address, symbol=told.symbol, decimals=told.decimals)
        self.decimals = None if self.failure is not None else self.asset.decimals

    def leg(
        self, name: str, instrument: Instrument, raw: int | Failure, contract: str, call: str
    ) -> Leg:
        """The leg of a raw amount: negative for a debt, failed where a part was not read."""
        failure = raw if isinstance(raw, Failure) else self.failure
        if isinstance(raw, Failure) or failure is not None:
            return Leg(name, instrument, Decimal(0), failure=failure)
        sign = -1 if isinstance(instrument, Debt) else 1
        amount = RawAmount(raw, self.asset.decimals, contract, call)
        return Leg(name, instrument, decimal_of(sign * raw, self.asset.decimals), raw=amount)


def _legs(
    request: ReadRequest,
    reading: MarketReading,
    position: PositionState,
    judgement: Judgement,
    collateral: _Held,
    loan: _Held,
) -> tuple[Leg, ...]:
    """Collateral as held, debt and supply accrued to the block; nothing for what is zero."""
    morpho, call = request.deployment.contracts["morpho"], f"position({reading.market_id})"
    figures, missing = judgement.figures, _accrual_failure(reading)
    legs = []
    if position.collateral:
        legs.append(
            collateral.leg(COLLATERAL, Spot(collateral.asset), position.collateral, morpho, call)
        )
    if position.borrow_shares:
        owed = figures.get("borrowAssets", missing)
        legs.append(loan.leg(DEBT, Debt(loan.asset), owed, morpho, call))
    if position.supply_shares:
        supplied = figures.get("supplyAssets", missing)
        legs.append(loan.leg(SUPPLY, Spot(loan.asset), supplied, morpho, call))
    return tuple(legs)


def _failure(reading: MarketReading, judgement: Judgement) -> Failure | None:
    """Why the account cannot be judged; None where it can be."""
    if judgement.actionable.liquidatable is not None:
        return None
    if isinstance(reading.price, Failure):
        detail = f"the oracle gave no price: {reading.price.detail or reading.price.reason}"
        return Failure(Reason.NO_PRICE, reading.price.code, detail)
    return _accrual_failure(reading)


def _accrual_failure(reading: MarketReading) -> Failure:
    """Why the accrued amounts are missing, should they be."""
    for read in (reading.market, reading.rate):
        if isinstance(read, Failure):
            return read
    return Failure(
        Reason.BAD_RETURN_DATA, "overflow", "the contract's own arithmetic reverts on these numbers"
    )


def _problems(
    reading: MarketReading,
    legs: tuple[Leg, ...],
    failure: Failure | None,
    answer: VenueAnswer | Failure | None,
) -> Iterator[Problem]:
    """Every failed read with its place; a note where nothing depends on it."""
    named: set[object] = {None, failure}
    if failure is not None:
        yield _problem(reading, failure)
    for leg in legs:
        if leg.failure is not None and leg.failure not in named:
            yield _problem(reading, leg.failure, leg=leg.id)
        named.add(leg.failure)
    if isinstance(answer, Failure):
        # A revert for another reason was read all right: it only leaves the venue's verdict open.
        reverted = answer.reason is Reason.CALL_REVERTED
        yield _problem(reading, answer, Severity.NOTE if reverted else Severity.READ)
    for spare in _unneeded(reading, failure):
        if spare not in named:
            yield _problem(reading, spare, Severity.NOTE)


def _unneeded(reading: MarketReading, failure: Failure | None) -> Iterator[Failure]:
    """Failed reads that may turn out to be unneeded, as where nothing is owed."""
    priceless = failure is not None and failure.reason is Reason.NO_PRICE
    reads: list[object] = [reading.market, reading.rate, None if priceless else reading.price]
    for token in reading.tokens.values():
        reads.append(token.symbol_failure if isinstance(token, TokenReading) else token)
    yield from (read for read in reads if isinstance(read, Failure))


def _problem(
    reading: MarketReading, failure: Failure, severity: Severity = Severity.READ, leg: str = ""
) -> Problem:
    action = "read again, or ask another endpoint" if severity is Severity.READ else ""
    return Problem.of(
        failure,
        venue=VENUE,
        account=reading.market_id,
        leg=leg,
        action=action,
        severity=severity,
    )


def _venue_answer(liquidation: tuple[Any, ...] | Failure | None) -> VenueAnswer | Failure | None:
    """The venue's verdict out of a simulated liquidation of one share of the debt.

    The health check comes before any transfer: a failing transfer already means unhealthy. Every
    other reason leaves the verdict open.
    """
    source = "liquidate(params, owner, 0, 1, 0x)"
    if liquidation is None:
        return None
    if not isinstance(liquidation, Failure):
        return VenueAnswer({"healthy": 0}, source=source)
    if liquidation.reason is Reason.CALL_REVERTED:
        if _HEALTHY in liquidation.detail:
            return VenueAnswer({"healthy": 1}, source=source)
        if any(reason in liquidation.detail for reason in _PAST_THE_CHECK):
            return VenueAnswer({"healthy": 0}, source=source)
    return liquidation


def _labels(params: MarketParams, collateral: Asset, loan: Asset) -> dict[str, str]:
    percent = Decimal(params.lltv) / Decimal(10**16)
    return {
        "market": f"{collateral.symbol}/{loan.symbol} {percent.normalize():f}%",
        "oracle": params.oracle,
        "irm": params.irm,
    }


def _known(value: T | Failure) -> T | None:
    return None if isinstance(value, Failure) else value
