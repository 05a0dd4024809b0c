"""A portfolio document becomes a ``Book``; whatever is wrong with it is a ``DocumentError``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from ...adapters.tokens import TokenRegistry
from ...core.book.health import Health, Judgement, State, VenueAnswer
from ...core.book.market import Market, Quote
from ...core.book.model import Leg, LiquidationTerms, MarginAccount
from ...core.book.portfolio import BlockRef, Book, HedgeQuote, Holder, Portfolio, Route
from ...core.book.rule import Rule
from ...core.errors import AddressError, DocumentError, Failure, Problem, Reason, Severity
from ...core.risk.rules import UnsupportedRule
from ..address import looks_like_address, read_owner
from . import schema as models
from .complaints import document_error
from .legs import read_failure, read_instrument, read_legs
from .rule_models import VenueRuleModel
from .rules import RuleReader, read_rule
from .text import child, parse

__all__ = ["read_document"]


def read_document(
    obj: object, tokens: TokenRegistry, rule_readers: Mapping[str, RuleReader]
) -> Book:
    """The book that a document describes.

    ``obj`` is JSON as bytes or text, or what a JSON parser made of it. ``rule_readers`` are the
    adapters' readers by rule kind. ``DocumentError.field`` is the path of the culprit.
    """
    document = parse(obj)
    if not isinstance(document, dict):
        raise DocumentError("the document must be a JSON object")
    try:
        model = models.PortfolioModel.model_validate(document)
    except ValidationError as error:
        raise document_error(error, document) from error
    owner = _person(model.owner, "owner")
    accounts = _accounts(model, document["accounts"], owner, tokens, rule_readers)
    portfolio = Portfolio(
        owner=owner,
        owners=_owners(model, owner),
        as_of=_blocks(model),
        accounts=accounts,
        wallet=read_legs(model.wallet, tokens, "wallet"),
        problems=_problems(model),
        enumeration=dict(model.enumeration),
        holders=_holders(model),
        implementations=dict(model.implementations),
    )
    _check_size(portfolio)
    _check_wallet(model)
    return Book(
        portfolio,
        _market(model.market),
        dict(document.get("model") or {}),
        _routes(model, accounts),
        _hedges(model, tokens),
    )


def _person(text: str, field: str) -> str:
    """An address in its checksummed form; any other text is a label of the author's."""
    if not looks_like_address(text):
        return text
    try:
        return read_owner(text, field=field)
    except AddressError as error:
        raise DocumentError(f"{field}: {error}", field=field) from error


def _owners(model: models.PortfolioModel, owner: str) -> tuple[str, ...]:
    listed = [_person(text, child("owners", index)) for index, text in enumerate(model.owners)]
    return tuple(dict.fromkeys([owner, *listed]))


def _holders(model: models.PortfolioModel) -> tuple[Holder, ...]:
    return tuple(
        Holder(
            _person(each.address, child(child("holders", index), "address")),
            each.kind,
            each.found_by,
            each.chain_id,
        )
        for index, each in enumerate(model.holders)
    )


def _blocks(model: models.PortfolioModel) -> tuple[BlockRef, ...]:
    counts = Counter(block.chain_id for block in model.as_of)
    for index, block in enumerate(model.as_of):
        if counts[block.chain_id] > 1:
            place = child(child("as_of", index), "chain_id")
            raise DocumentError(
                f"{place} {block.chain_id!r} is given twice; one block per chain", field=place
            )
    return tuple(
        BlockRef(
            block.chain_id, block.block_number, block.block_hash, block.timestamp, block.finality
        )
        for block in model.as_of
    )


def _accounts(
    model: models.PortfolioModel,
    raw: list[dict[str, Any]],
    owner: str,
    tokens: TokenRegistry,
    readers: Mapping[str, RuleReader],
) -> tuple[MarginAccount, ...]:
    chains = {block.chain_id for block in model.as_of}
    seen: set[tuple[str, str, str, str]] = set()
    accounts = []
    for index, account in enumerate(model.accounts):
        path = child("accounts", index)
        if account.chain_id and account.chain_id not in chains:
            place = child(path, "chain_id")
            raise DocumentError(
                f"{place} {account.chain_id!r} has no block in as_of; add one", field=place
            )
        holder = (account.holder or owner).lower()
        name = (account.venue, account.chain_id, account.id, holder)
        if name in seen:
            place = child(path, "id")
            raise DocumentError(
                f"{place} {account.id!r} is given twice for {account.venue}", field=place
            )
        seen.add(name)
        accounts.append(_account(account, raw[index]["rule"], owner, tokens, readers, path))
    return tuple(accounts)


def _account(
    model: models.AccountModel,
    raw_rule: Mapping[str, Any],
    owner: str,
    tokens: TokenRegistry,
    readers: Mapping[str, RuleReader],
    path: str,
) -> MarginAccount:
    legs = read_legs(model.legs, tokens, child(path, "legs"))
    pairs = list(zip(model.legs, legs, strict=True))
    rule = read_rule(model.rule, raw_rule, pairs, readers, path)
    failure = read_failure(model.failure)
    problems = tuple(_problem(problem) for problem in model.problems)
    if isinstance(rule, UnsupportedRule) and failure is None:
        failure = _unsupported(rule)
        action = "describe the account with another rule, or read its health from the venue"
        problem = Problem.of(failure, venue=model.venue, account=model.id, action=action)
        problems = (*problems, problem)
    return MarginAccount(
        venue=model.venue,
        id=model.id,
        chain_id=model.chain_id,
        holder=_holder(model.holder, owner, child(path, "holder")),
        legs=legs,
        rule=rule,
        judgement=_judgement(rule, failure, child(path, "rule")),
        venue_answer=_venue_answer(model.venue_answer, child(path, "venue_answer")),
        penalty=_penalty(model, path),
        terms=None if model.terms is None else LiquidationTerms(**dict(model.terms)),
        failure=failure,
        problems=problems,
        labels=dict(model.labels),
    )


def _holder(text: str | None, owner: str, field: str) -> str:
    """The holder as written (its checksum is checked); the owner where none is named."""
    if text is None:
        return owner
    _person(text, field)
    return text


def _unsupported(rule: UnsupportedRule) -> Failure:
    return Failure(
        Reason.NOT_SUPPORTED, "rule_not_built", f"margin rule {rule.kind} is not computed yet"
    )


def _judgement(rule: Rule, failure: Failure | None, path: str) -> Judgement | None:
    """What the rule says exactly; nothing for an account that could not be judged."""
    if failure is not None:
        return None
    try:
        return rule.judge()
    except (ArithmeticError, KeyError, ValueError) as error:
        # A reader may accept figures that no chain could have given, such as an index of zero.
        raise DocumentError(
            f"{path} cannot be evaluated: {type(error).__name__} {str(error)[:120]}", field=path
        ) from error


def _penalty(model: models.AccountModel, path: str) -> Decimal | None:
    """The penalty: on the rule for hand-written kinds, on the account for a venue's own."""
    on_rule = None if isinstance(model.rule, VenueRuleModel) else model.rule.penalty
    if on_rule is not None and model.penalty is not None and on_rule != model.penalty:
        place = child(path, "penalty")
        raise DocumentError(f"{place} differs from the rule's penalty; keep one", field=place)
    return model.penalty if on_rule is None else on_rule


def _venue_answer(model: models.VenueAnswerModel | None, path: str) -> VenueAnswer | Failure | None:
    if model is None:
        return None
    if model.failure is not None:
        if model.figures or model.health is not None:
            place = child(path, "failure")
            raise DocumentError(f"{place} excludes figures and health; keep one", field=place)
        return read_failure(model.failure)
    health = model.health
    return VenueAnswer(
        dict(model.figures),
        None
        if health is None
        else Health(health.value, State(health.state), health.low, health.high),
        model.source,
    )


def _problems(model: models.PortfolioModel) -> tuple[Problem, ...]:
    """The document's problems. One that says it is incomplete stays so, whatever it lists."""
    listed = tuple(_problem(problem) for problem in model.problems)
    if model.complete or any(problem.severity is Severity.READ for problem in listed):
        return listed
    unsaid = Failure(
        Reason.POSITIONS_INCOMPLETE, "incomplete_document", "the document says it is incomplete"
    )
    return (*listed, Problem.of(unsaid, action="read the owner's positions again"))


def _problem(model: models.ProblemModel) -> Problem:
    return Problem(
        model.severity,
        model.reason,
        model.code,
        model.venue,
        model.account,
        model.leg,
        model.detail,
        model.action,
    )


def _market(model: models.MarketModel) -> Market:
    return Market(
        spot={name: _quote(quote) for name, quote in model.spot.items()},
        vol={name: Quote(vol.atm, vol.source, vol.age_seconds) for name, vol in model.vol.items()},
        rate=Decimal(0) if model.rate is None else model.rate,
        strikes={
            name: tuple((item.strike, item.expiry) for item in listed)
            for name, listed in model.strikes.items()
        },
    )


def _quote(model: Decimal | models.QuoteModel) -> Quote:
    if isinstance(model, Decimal):
        return Quote(model)
    return Quote(model.value, model.source, model.age_seconds)


def _routes(model: models.PortfolioModel, accounts: tuple[MarginAccount, ...]) -> tuple[Route, ...]:
    ends = {"wallet", *(account.id for account in accounts)}
    for index, route in enumerate(model.routes):
        for name, end in (("from", route.source), ("to", route.target)):
            if end not in ends:
                place = child(child("routes", index), name)
                raise DocumentError(
                    f"{place} {end!r} is neither `wallet` nor the id of an account", field=place
                )
    return tuple(
        Route(
            route.source,
            route.target,
            route.asset,
            route.latency_seconds,
            Decimal(0) if route.fee is None else route.fee,
            route.limit,
        )
        for route in model.routes
    )


def _hedges(model: models.PortfolioModel, tokens: TokenRegistry) -> tuple[HedgeQuote, ...]:
    hedges = []
    for index, hedge in enumerate(model.hedges):
        path = child("hedges", index)
        if hedge.bid > hedge.ask:
            place = child(path, "bid")
            raise DocumentError(f"{place} is above the ask; are they swapped?", field=place)
        instrument = read_instrument(hedge.instrument, tokens, child(path, "instrument"))
        fee = Decimal(0) if hedge.fee is None else hedge.fee
        hedges.append(HedgeQuote(instrument, hedge.bid, hedge.ask, hedge.depth, fee))
    return tuple(hedges)


def _check_size(portfolio: Portfolio) -> None:
    held: list[Leg] = [leg for account in portfolio.accounts for leg in account.legs]
    total = len(held) + len(portfolio.wallet)
    if total > models.MAX_LEGS:
        raise DocumentError(
            f"accounts hold {total:,} legs with the wallet; at most {models.MAX_LEGS:,} are read",
            field="accounts",
        )


def _check_wallet(model: models.PortfolioModel) -> None:
    """The wallet has no rule, so its legs carry no terms of one."""
    for index, leg in enumerate(model.wallet):
        for name in ("liquidation_threshold", "ltv", "initial", "maintenance"):
            if getattr(leg, name) is not None:
                place = child(child("wallet", index), name)
                raise DocumentError(f"{place} belongs to an account's leg", field=place)
