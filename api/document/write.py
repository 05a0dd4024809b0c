"""A ``Book`` becomes a portfolio document of plain JSON values, from which it can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import cast

from ...core.book.documents import holder_document, terms_document
from ...core.book.health import Health, VenueAnswer
from ...core.book.market import Market, Quote
from ...core.book.model import MarginAccount
from ...core.book.portfolio import BlockRef, Book, HedgeQuote, Portfolio, Route
from ...core.errors import Failure, Problem
from ...core.units import plain
from .legs import write_failure, write_instrument, write_leg
from .rule_models import HAND_WRITTEN
from .schema import SCHEMA
from .values import iso_time

__all__ = ["write_document"]


def write_document(book: Book) -> dict[str, object]:
    """The document of a book; ``read_document`` gives back an equal one."""
    portfolio = book.portfolio
    document: dict[str, object] = {
        "schema": SCHEMA,
        "owner": portfolio.owner,
        "owners": list(portfolio.owners),
        "as_of": [_block(block) for block in portfolio.as_of],
        "market": _market(book.market),
        "wallet": [write_leg(leg, {}) for leg in portfolio.wallet],
        "accounts": [_account(account) for account in portfolio.accounts],
    }
    optional = {
        "model": _json(book.model),
        "routes": [_route(route) for route in book.routes],
        "hedges": [_hedge(hedge) for hedge in book.hedges],
        **_trail(portfolio),
    }
    return document | {name: value for name, value in optional.items() if value}


def _trail(portfolio: Portfolio) -> dict[str, object]:
    """How the book was found and what was not read."""
    return {
        "problems": _problems(portfolio.problems),
        "enumeration": dict(portfolio.enumeration),
        "implementations": dict(portfolio.implementations),
        "holders": [holder_document(holder) for holder in portfolio.holders],
    }


def _block(block: BlockRef) -> dict[str, object]:
    return {
        "chain_id": block.chain_id,
        "block_number": block.number,
        "block_hash": block.hash,
        "timestamp": iso_time(block.timestamp),
        "finality": block.finality,
    }


def _account(account: MarginAccount) -> dict[str, object]:
    rule = dict(cast("dict[str, object]", _json(account.rule.document())))
    by_hand = rule.get("kind") in HAND_WRITTEN
    terms = cast("dict[str, dict[str, object]]", rule.pop("legs", {}) if by_hand else {})
    written: dict[str, object] = {
        "venue": account.venue,
        "chain_id": account.chain_id,
        "id": account.id,
        "holder": account.holder,
        "rule": rule,
        "legs": [write_leg(leg, terms.get(leg.id, {})) for leg in account.legs],
    }
    if account.penalty is not None:
        (rule if by_hand else written)["penalty"] = plain(account.penalty)
    if account.terms is not None:
        written["terms"] = terms_document(account.terms)
    if account.venue_answer is not None:
        written["venue_answer"] = _venue_answer(account.venue_answer)
    if account.failure is not None:
        written["failure"] = write_failure(account.failure)
    if account.problems:
        written["problems"] = _problems(account.problems)
    if account.labels:
        written["labels"] = dict(account.labels)
    return written


def _venue_answer(answer: VenueAnswer | Failure) -> dict[str, object]:
    if isinstance(answer, Failure):
        return {"failure": write_failure(answer)}
    written: dict[str, object] = {
        "figures": {name: str(figure) for name, figure in answer.figures.items()},
        "source": answer.source,
    }
    if answer.health is not None:
        written["health"] = _health(answer.health)
    return written


def _health(health: Health) -> dict[str, object]:
    return {
        "value": _plain_or_none(health.value),
        "state": str(health.state),
        "low": _plain_or_none(health.low),
        "high": _plain_or_none(health.high),
    }


def _plain_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def _problems(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [
        {
            item.name: str(getattr(problem, item.name))
            for item in fields(Problem)
            if getattr(problem, item.name)
        }
        for problem in problems
    ]


def _market(market: Market) -> dict[str, object]:
    return {
        "spot": {name: _quote(quote) for name, quote in market.spot.items()},
        "vol": {
            name: {"atm": plain(quote.value), **_source(quote)}
            for name, quote in market.vol.items()
        },
        "rate": plain(market.rate),
        "strikes": {
            name: [
                {"strike": plain(strike), "expiry": iso_time(expiry)} for strike, expiry in listed
            ]
            for name, listed in market.strikes.items()
        },
    }


def _quote(quote: Quote) -> str | dict[str, object]:
    source = _source(quote)
    return {"value": plain(quote.value), **source} if source else plain(quote.value)


def _source(quote: Quote) -> dict[str, object]:
    """Where a number came from, unless it came from a document without a time."""
    if quote.source == "document" and quote.age_seconds is None:
        return {}
    return {"source": quote.source, "age_seconds": quote.age_seconds}


def _route(route: Route) -> dict[str, object]:
    return {
        "from": route.source,
        "to": route.target,
        "asset": route.asset,
        "latency_seconds": route.latency_seconds,
        "fee": plain(route.fee),
        "limit": _plain_or_none(route.limit),
    }


def _hedge(hedge: HedgeQuote) -> dict[str, object]:
    return {
        "instrument": write_instrument(hedge.instrument),
        "bid": plain(hedge.bid),
        "ask": plain(hedge.ask),
        "depth": plain(hedge.depth),
        "fee": plain(hedge.fee),
    }


def _json(value: object) -> object:
    """Plain JSON values of a rule's or an override's figures; a decimal becomes its string."""
    match value:
        case Decimal():
            return plain(value)
        case Mapping():
            return {str(name): _json(member) for name, member in value.items()}
        case list() | tuple():
            return [_json(member) for member in value]
        case _:
            return value
