"""A margin account from what was read of one loan: legs, the controller's verdict, its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ....core.book.health import VenueAnswer
from ....core.book.model import Asset, Leg, LiquidationTerms, MarginAccount
from ....core.errors import Failure, Problem, Reason
from ....core.units import WAD, decimal_of
from ...address import checksum_address
from ...base import ReadRequest
from ...viewed.rule import Counted
from ...viewed.tokens import asset_leg
from .maths import LoanState, banded_health, full_health, health_slope
from .rule import KIND, MEASURE, VENUE, CrvusdRule

__all__ = ["Market", "Reading", "build_account", "unread_account"]

COLLATERAL, STABLECOIN, DEBT = "collateral", "stablecoin", "debt"


@dataclass(frozen=True, slots=True)
class Market:
    """A market's contracts, none of which ever changes; lower-case addresses."""

    controller: str
    amm: str
    borrowed: str
    collateral: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one loan: the controller's state, the parts of its health, the tokens."""

    market: Market
    state: tuple[int, ...]
    parts: Mapping[str, Any]
    collateral: Asset | Failure
    borrowed: Asset | Failure


@dataclass(frozen=True, slots=True)
class _Loan:
    """A loan whose health was read and found to fit its parts."""

    health: int
    discount: int
    state: LoanState


def build_account(request: ReadRequest, reading: Reading) -> MarginAccount:
    """The account of a loan: the controller's own health is the judgement."""
    controller, amounts = reading.market.controller, _amounts(reading)
    legs = tuple(_legs(reading))
    loan = _checked(reading) if amounts[DEBT] else None
    failure = loan if isinstance(loan, Failure) else None
    known = loan if isinstance(loan, _Loan) else None
    rule = _rule(reading, known)
    judgement = rule.judge()
    answer: VenueAnswer | Failure | None = failure
    if known is not None:
        figures = amounts | {"health": known.health}
        answer = VenueAnswer(figures, judgement.actionable.health, "health(owner, true)")
    missing = [leg for leg in legs if leg.failure is not None]
    return MarginAccount(
        venue=VENUE,
        id=checksum_address(controller),
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=legs,
        rule=rule,
        judgement=judgement,
        venue_answer=answer,
        penalty=None if known is None else decimal_of(known.discount, 18),
        terms=None if known is None else _terms(known),
        failure=failure,
        problems=(
            *(() if failure is None else (_problem(controller, failure),)),
            *(_problem(controller, leg.failure, leg.id) for leg in missing if leg.failure),
        ),
        labels=_labels(request, reading, known),
    )


def _amounts(reading: Reading) -> dict[str, int]:
    """The raw amounts of ``user_state`` by leg."""
    return dict(zip((COLLATERAL, STABLECOIN, DEBT), reading.state, strict=False))


def _legs(reading: Reading) -> Iterator[Leg]:
    """Collateral, converted stablecoin and debt as the controller says; nothing for a zero."""
    source = (reading.market.controller, "user_state(owner)")
    for name, raw in _amounts(reading).items():
        if raw:
            asset = reading.collateral if name == COLLATERAL else reading.borrowed
            yield asset_leg(name, asset, raw, source, owed=name == DEBT)


def unread_account(request: ReadRequest, controller: str, failure: Failure) -> MarginAccount:
    """A loan in a market whose contracts could not be read."""
    return MarginAccount(
        venue=VENUE,
        id=checksum_address(controller),
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=(),
        rule=CrvusdRule(KIND, MEASURE, None, None),
        failure=failure,
        problems=(_problem(controller, failure),),
    )


def _checked(reading: Reading) -> _Loan | Failure:
    """The health with its parts, or why they cannot be relied on.

    The controller's figure must follow from the AMM's parts, and both must agree on the amounts:
    one answer that does not fit the others is not taken for the truth.
    """
    tokens = (reading.collateral, reading.borrowed)
    for part in (*reading.parts.values(), *tokens):
        if isinstance(part, Failure):
            return part
    if isinstance(reading.collateral, Failure) or isinstance(reading.borrowed, Failure):
        return _misfit("a token")
    parts = reading.parts
    collateral, stablecoin, debt = reading.state[:3]
    if max(reading.collateral.decimals, reading.borrowed.decimals) > 18:
        return Failure(Reason.UNSUPPORTED_VERSION, "decimals", "a token of more than 18 decimals")
    state = LoanState(
        collateral,
        debt,
        parts["x_down"],
        parts["price"],
        parts["prices"][0],
        parts["bands"][0],
        parts["active_band"],
        reading.collateral.decimals,
        reading.borrowed.decimals,
    )
    if tuple(parts["sum_xy"]) != (stablecoin, collateral):
        return _misfit("user_state and get_sum_xy")
    if parts["discount"] > WAD or full_health(state, parts["discount"]) != parts["health"]:
        return _misfit("health and its parts")
    return _Loan(parts["health"], parts["discount"], state)


def _misfit(what: str) -> Failure:
    return Failure(Reason.RPC_INCONSISTENT, "misfit", f"{what} do not fit each other")


def _rule(reading: Reading, loan: _Loan | None) -> CrvusdRule:
    collateral, stablecoin, debt = reading.state[:3]
    decimals = {
        name: 18 if isinstance(asset, Failure) else asset.decimals
        for name, asset in ((COLLATERAL, reading.collateral), (STABLECOIN, reading.borrowed))
    }
    counted = (
        Counted(COLLATERAL, collateral, decimals[COLLATERAL]),
        Counted(STABLECOIN, stablecoin, decimals[STABLECOIN]),
        Counted(DEBT, debt, decimals[STABLECOIN], owed=True),
    )
    if loan is None:
        return CrvusdRule(KIND, MEASURE, None, debt > 0, counted=counted)
    return CrvusdRule(
        KIND,
        MEASURE,
        WAD + loan.health,
        True,
        covered=full_health(loan.state, 0) >= 0,
        counted=counted,
        slope=health_slope(loan.state),
        banded=WAD + banded_health(loan.state, loan.discount),
    )


def _terms(loan: _Loan) -> LiquidationTerms:
    """One call may close all of it; the liquidator keeps what the collateral fetches above it."""
    return LiquidationTerms(
        close_factor=Decimal(1),
        penalty=decimal_of(loan.discount, 18),
        penalty_base="collateral",
        seizes_all=True,
        bad_debt="lenders",
    )


def _labels(request: ReadRequest, reading: Reading, loan: _Loan | None) -> dict[str, str]:
    labels = {"market": request.deployment.market, "amm": checksum_address(reading.market.amm)}
    if not isinstance(reading.collateral, Failure) and not isinstance(reading.borrowed, Failure):
        labels["pair"] = f"{reading.collateral.symbol}/{reading.borrowed.symbol}"
    if loan is not None:
        converting = reading.state[1] > 0 or loan.state.first_band <= loan.state.active_band
        labels["status"] = "soft_liquidation" if converting else "above_bands"
        labels["bands"] = "{}..{}".format(*reading.parts["bands"])
        labels["upper_price"] = str(decimal_of(loan.state.upper_price, 18))
    return labels


def _problem(controller: str, failure: Failure, leg: str = "") -> Problem:
    return Problem.of(
        failure,
        venue=VENUE,
        account=checksum_address(controller),
        leg=leg,
        action="read again, or ask another endpoint",
    )
