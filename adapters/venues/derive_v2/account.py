"""A margin account from what was read of one subaccount: legs, rule, both answers, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from ....core.book.health import Health, Judgement, Parity, State, VenueAnswer, Verdict
from ....core.book.model import MarginAccount
from ....core.errors import Failure, Problem, Reason, Severity
from ....core.units import decimal_of, plain
from ...base import Price, ReadRequest
from .assemble import Naming, book_of, legs_of, prices_of
from .auction import bid_price, discount_at
from .rule import VENUE, DeriveRule
from .subaccount import SubaccountReading

__all__ = ["build_account", "is_the_owners", "spot_prices"]

_OVERFLOW = Failure(
    Reason.BAD_RETURN_DATA, "overflow", "the contract's own arithmetic reverts on these numbers"
)

_NO_MANAGER = Failure(Reason.MODE_UNKNOWN, "no_manager", "the manager was not read")


def is_the_owners(request: ReadRequest, reading: SubaccountReading) -> bool | Failure:
    """Whether the subaccount is the owner's, held directly or by the Matching contract."""
    owner, matching = request.owner.lower(), request.deployment.contracts["matching"].lower()
    if isinstance(reading.held_by, Failure):
        burnt = reading.held_by.reason is Reason.CALL_REVERTED
        return False if burnt else reading.held_by
    if reading.held_by != matching:
        return reading.held_by == owner
    return reading.owner if isinstance(reading.owner, Failure) else reading.owner == owner


def build_account(request: ReadRequest, reading: SubaccountReading) -> MarginAccount | None:
    """The account; None where the subaccount is known to hold nothing."""
    naming = Naming(request)
    if reading.balances == () and reading.live is None:
        return None
    failure = _missing(request, reading)
    rule = _rule(request, reading, naming)
    judgement, venue = rule.judge(), _venue_answer(reading, naming)
    if failure is None and judgement.actionable.liquidatable is None:
        failure = _OVERFLOW
    parity = Parity.between(judgement, venue)
    if failure is None and parity.status == "mismatch":
        failure = _mismatch(parity)
    if failure is not None:
        unknown = Verdict.unknown()
        judgement = replace(judgement, stored=unknown, actionable=unknown, liquidation_prices=())
    return MarginAccount(
        venue=VENUE,
        id=str(reading.number),
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=tuple(legs_of(request, reading, naming)),
        rule=rule,
        judgement=judgement,
        venue_answer=venue,
        failure=failure,
        problems=tuple(_problems(reading, rule, failure)),
        labels=_labels(request, reading, rule, judgement),
    )


def spot_prices(request: ReadRequest, reading: SubaccountReading) -> tuple[Price, ...]:
    """The USD prices of the feeds that were read for this subaccount."""
    return tuple(prices_of(request, reading, Naming(request)))


def _rule(request: ReadRequest, reading: SubaccountReading, naming: Naming) -> DeriveRule:
    book, terms = book_of(reading, naming)
    reverts = any(
        not isinstance(expiry, Failure) and expiry.holding is None
        for market in reading.markets
        for _, _, expiry in market.expiries
    )
    payout = sum(
        paid or 0
        for market in reading.markets
        for _, _, expiry in market.expiries
        if not isinstance(expiry, Failure) and expiry.holding is None
        for paid in expiry.payouts.values()
    )
    live = None if isinstance(reading.live, Failure) else reading.live
    return DeriveRule(
        timestamp=request.block.timestamp,
        book=book,
        terms=terms,
        cash_now=None if isinstance(reading.cash_now, Failure) else reading.cash_now,
        payout=payout,
        view_reverts=reverts,
        auction=None if isinstance(reading.auction, Failure) else reading.auction,
        live=live,
        can_start=reading.can_start is True,
        holds=reading.balances != (),
        cash_key=naming.cash.key,
    )


def _missing(request: ReadRequest, reading: SubaccountReading) -> Failure | None:
    """The first part without which the account cannot be judged."""
    owned = is_the_owners(request, reading)
    parts: list[object] = [owned, reading.balances, reading.manager, reading.positions]
    parts += [failure for _, _, _, failure in reading.strangers]
    for market in reading.markets:
        parts += market.failures()
    manager = reading.manager
    if not isinstance(manager, Failure):
        parts += [manager.stable, manager.terms, manager.depeg]
        parts += (manager.haircuts or {}).values()
        parts += (manager.standard or {}).values()
    parts += [reading.cash_now, reading.live, reading.can_start]
    if reading.live is not None:
        parts.append(reading.auction)
    return next((part for part in parts if isinstance(part, Failure)), None)


def _venue_answer(reading: SubaccountReading, naming: Naming) -> VenueAnswer | Failure:
    """The venue's own figures, as far as it answers; its verdict is on stored cash.

    Where the manager's view reverts, the cash and the perps are still compared.
    """
    views = dict(reading.views)
    for market in reading.markets:
        if market.perp is not None and not isinstance(market.perp[1], Failure):
            views[f"unsettledCash.{naming.underlying(market)}"] = market.perp[1].venue
    figures = {name: value for name, value in views.items() if isinstance(value, int)}
    margin = views.get("maintenanceMargin")
    if not figures:
        missing = margin or next(iter(views.values()))
        return missing if isinstance(missing, Failure) else _NO_MANAGER
    health = None
    if isinstance(margin, int):
        health = Health(None, State.LIQUIDATABLE if margin < 0 else State.OK)
    return VenueAnswer(figures, health, "getMargin, getMarginAndMarkToMarket")


def _mismatch(parity: Parity) -> Failure:
    """Our figures differ from the venue's: its arithmetic is not the one we know."""
    differing = ", ".join(f"{name} {off:+d}" for name, off in parity.differences.items() if off)
    return Failure(Reason.CODE_CHANGED, "parity_mismatch", f"ours minus the venue's: {differing}")


def _problems(
    reading: SubaccountReading, rule: DeriveRule, failure: Failure | None
) -> Iterator[Problem]:
    """What is worth knowing beyond the account's own failure."""
    where = str(reading.number)
    if failure is not None:
        yield Problem.of(failure, venue=VENUE, account=where, action="read again")
    if rule.view_reverts:
        detail = "expired options await settleOptions: the manager's own view reverts on them"
        yield Problem(
            Severity.NOTE, Reason.PENDING_SETTLEMENT, "view_reverts", VENUE, where, detail=detail
        )
    if reading.can_start is False:
        detail = "auctions of this manager's accounts cannot start now"
        yield Problem(
            Severity.NOTE, Reason.NOT_SUPPORTED, "liquidation_blocked", VENUE, where, detail=detail
        )
    if rule.live is not None:
        kind = "insolvent" if rule.live.insolvent else "solvent"
        detail = f"a {kind} auction runs since {rule.live.start}"
        yield Problem(
            Severity.NOTE, Reason.NOT_SUPPORTED, "auction_runs", VENUE, where, detail=detail
        )


def _labels(
    request: ReadRequest, reading: SubaccountReading, rule: DeriveRule, judgement: Judgement
) -> dict[str, str]:
    """What the numbers do not say: manager, library, who holds the NFT, the auction's price."""
    labels = {"subaccount": str(reading.number)}
    manager = reading.manager
    if not isinstance(manager, Failure):
        labels |= {"manager": manager.kind.value, "manager_address": manager.address}
        if manager.lib:
            labels["library"] = manager.lib
    if isinstance(reading.held_by, str):
        matching = request.deployment.contracts["matching"].lower()
        labels["nft"] = "matching" if reading.held_by == matching else "owner"
    return labels | _auction_labels(request, rule, judgement)


def _auction_labels(request: ReadRequest, rule: DeriveRule, judgement: Judgement) -> dict[str, str]:
    """The running auction's discount and the price of the whole account."""
    live, terms = rule.live, rule.auction
    figures = judgement.figures
    if live is None or terms is None or "maintenanceMargin" not in figures:
        return {}
    elapsed = request.block.timestamp - live.start
    value, margin = figures["markToMarket"], figures["maintenanceMargin"]
    labels = {"auction": "insolvent" if live.insolvent else "solvent"}
    if not live.insolvent:
        labels["auction_discount"] = plain(decimal_of(discount_at(terms, elapsed), 18))
    if live.insolvent or live.reserved <= value:
        price = bid_price(
            terms,
            insolvent=live.insolvent,
            elapsed=elapsed,
            value=value,
            margin=margin,
            reserved=live.reserved,
        )
        labels["auction_price"] = plain(decimal_of(price, 18) + Decimal(0))
    return labels
