"""What to read for an owner at the template venue: one round of three calls.

A plan yields a list of calls and is sent their replies. It never touches a network, so it is
tested by answering it from a recording.
"""

from __future__ import annotations

from decimal import Decimal

from ...core.book.health import VenueAnswer
from ...core.book.model import Asset, Debt, Leg, MarginAccount, RawAmount, Spot
from ...core.errors import Failure, Problem, Reason
from ...core.units import decimal_of
from ..base import ReadRequest, VenueSnapshot
from ..chain.call import Contract, ReadPlan
from .rule import TemplateRule

__all__ = ["read_snapshot"]

_VAULT = Contract("template", "Vault")


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's account; a failed read is named as a problem in its place, never taken as zero."""
    vault = request.deployment.contracts["vault"]
    position = _VAULT.all(vault, "account", request.owner)
    price = _VAULT.uint(vault, "price")
    limit = _VAULT.uint(vault, "borrowLimit", request.owner)
    replies = yield [position, price, limit]
    problems = tuple(
        Problem.of(failure, venue="template", action="read again")
        for _, failure in replies.failures((position, price, limit))
    )
    held = replies[position]
    if isinstance(held, Failure):
        # The owner may hold anything: an empty book would be a claim that nobody checked.
        return VenueSnapshot(problems=problems, complete=False)
    collateral, debt = held
    if collateral == 0 and debt == 0:
        return VenueSnapshot(problems=problems)
    account = _account(request, collateral, debt, replies[price], replies[limit])
    return VenueSnapshot(accounts=(account,), problems=problems)


def _account(
    request: ReadRequest, collateral: int, debt: int, price: int | Failure, limit: int | Failure
) -> MarginAccount:
    """The account with its legs, rule, verdict and the venue's own answer."""
    held, owed = _asset(request, "collateral"), _asset(request, "loan")
    rule = TemplateRule(
        collateral,
        debt,
        None if isinstance(price, Failure) else price,
        held.key,
        owed.key,
        18 + owed.decimals - held.decimals,
    )
    judgement = rule.judge()
    return MarginAccount(
        venue="template",
        id=request.deployment.market,
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=_legs(request, collateral, debt),
        rule=rule,
        judgement=judgement,
        venue_answer=limit
        if isinstance(limit, Failure)
        else VenueAnswer({"debt": debt, "limit": limit}, source="borrowLimit(owner)"),
        penalty=Decimal("0.05"),
        failure=_unpriced(price) if judgement.actionable.liquidatable is None else None,
    )


def _unpriced(price: int | Failure) -> Failure:
    """Why the account cannot be judged: no price, or one that the contract cannot compute with."""
    if isinstance(price, Failure):
        return Failure(Reason.NO_PRICE, price.code, price.detail)
    return Failure(Reason.BAD_RETURN_DATA, "overflow", f"price {price}")


def _legs(request: ReadRequest, collateral: int, debt: int) -> tuple[Leg, ...]:
    """Collateral and debt, each with the integer it came from; the debt's quantity is negative."""
    vault, call = request.deployment.contracts["vault"], "account(owner)"
    held, owed = _asset(request, "collateral"), _asset(request, "loan")
    legs = []
    if collateral:
        raw = RawAmount(collateral, held.decimals, vault, call)
        quantity = decimal_of(collateral, held.decimals)
        legs.append(Leg("collateral", Spot(held), quantity, raw=raw))
    if debt:
        raw = RawAmount(debt, owed.decimals, vault, call)
        legs.append(Leg("debt", Debt(owed), decimal_of(-debt, owed.decimals), raw=raw))
    return tuple(legs)


def _asset(request: ReadRequest, role: str) -> Asset:
    """The token in that role: here it is listed; read decimals() and symbol() of unlisted ones."""
    return request.tokens.at(request.deployment.chain_id, request.deployment.contracts[role])
