"""A margin account from what was read of one trove: legs, rule, both answers, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from ....core.book.health import Judgement, Parity, VenueAnswer, Verdict
from ....core.book.model import Asset, Debt, Leg, LiquidationTerms, MarginAccount, RawAmount, Spot
from ....core.errors import Failure, Problem, Reason, Severity
from ....core.units import WAD, decimal_of, plain
from ...base import Price, ReadRequest
from .branch import Branch, BranchReading
from .reading import Status, TroveReading
from .rule import COLLATERAL, DEBT, VENUE, LiquityRule

__all__ = ["account_id", "branch_problems", "build_account", "price_of"]

T = TypeVar("T")

# The stability pool keeps this much (Constants.sol, MIN_BOLD_IN_SP).
_KEPT_IN_POOL = WAD

_OVERFLOW = Failure(
    Reason.BAD_RETURN_DATA, "overflow", "the contract's own arithmetic reverts on these numbers"
)


def account_id(request: ReadRequest, one: TroveReading) -> str:
    """The account's id: the branch and the trove."""
    return f"{request.deployment.market}/0x{one.trove_id:064x}"


def build_account(
    request: ReadRequest, branch: Branch, state: BranchReading, one: TroveReading
) -> MarginAccount:
    """The account of an open trove, or of one that may be."""
    asset = _collateral(request, branch)
    rule = _rule(request, branch, state, one, asset)
    judgement, venue_answer = rule.judge(), _venue_answer(one)
    failure = _failure(state, one, rule, judgement)
    parity = Parity.between(judgement, venue_answer)
    if failure is None and parity.status == "mismatch":
        failure = _mismatch(parity)
        unknown = Verdict.unknown()
        judgement = replace(judgement, stored=unknown, actionable=unknown)
    where = account_id(request, one)
    causes = dict.fromkeys([*([failure] if failure else ()), *_failed(state, one)])
    penalty = _penalty(branch, state, rule)
    return MarginAccount(
        venue=VENUE,
        id=where,
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=tuple(_legs(request, branch, one, rule, asset)),
        rule=rule,
        judgement=judgement,
        venue_answer=venue_answer,
        penalty=penalty,
        terms=LiquidationTerms(Decimal(1), penalty, "debt", bad_debt="lenders"),
        failure=failure,
        problems=tuple(_problem(cause, where) for cause in causes),
        labels=_labels(request, state, one),
    )


def price_of(request: ReadRequest, branch: Branch, state: BranchReading) -> Price | None:
    """The collateral's price in USD, unless fetching it found the oracle failed."""
    if isinstance(state.price, Failure) or state.oracle_failed or state.price == 0:
        return None
    source = f"{VENUE}:{request.deployment.market} price feed"
    return Price(_collateral(request, branch), decimal_of(state.price, 18), source)


def branch_problems(
    branch: Branch, state: BranchReading, held: Sequence[TroveReading]
) -> list[Problem]:
    """What holds for the whole branch: failed reads nobody needed, and what may happen to it."""
    unneeded = [state.deposits, state.coll, state.debt]
    if not held:
        unneeded += [state.price, state.stored_price, state.shutdown_time]
    failed = [read for read in unneeded if isinstance(read, Failure)]
    notes = [note for note in (_oracle(state), _shutdown(branch, state)) if note and held]
    causes = dict.fromkeys([*failed, *notes])
    return [Problem.of(cause, venue=VENUE, severity=Severity.NOTE) for cause in causes]


def _oracle(state: BranchReading) -> Failure | None:
    if not state.oracle_failed:
        return None
    detail = "the oracle failed: fetching the price shuts the branch down at the last good price"
    return Failure(Reason.STALE_PRICE, "oracle_failed", detail)


def _shutdown(branch: Branch, state: BranchReading) -> Failure | None:
    """Whether the branch was shut down, or anybody could do it now."""
    if isinstance(state.shutdown_time, int) and state.shutdown_time:
        detail = "the branch was shut down: no interest since, urgent redemptions are open"
        return Failure(Reason.NOT_SUPPORTED, "branch_shut_down", detail)
    coll, debt, price = state.coll, state.debt, state.price
    if isinstance(coll, Failure) or isinstance(debt, Failure) or isinstance(price, Failure):
        return None
    if debt and coll * price // debt < branch.scr:
        detail = "the branch's ratio is below its shutdown ratio: anybody can shut it down"
        return Failure(Reason.NOT_SUPPORTED, "branch_below_scr", detail)
    return None


def _collateral(request: ReadRequest, branch: Branch) -> Asset:
    chain, market = request.deployment.chain_id, request.deployment.market
    return request.tokens.at(chain, branch.coll_token, symbol=market, decimals=18)


def _rule(
    request: ReadRequest, branch: Branch, state: BranchReading, one: TroveReading, asset: Asset
) -> LiquityRule:
    latest = _known(one.latest)
    return LiquityRule(
        request.block.timestamp,
        _known(state.shutdown_time),
        _known(one.trove),
        bool(one.manager),
        None if one.batch is None else _known(one.batch),
        None if latest is None else latest.gains,
        _known(state.price),
        _known(state.stored_price),
        branch.mcr,
        asset.key,
    )


def _venue_answer(one: TroveReading) -> VenueAnswer | Failure:
    """The venue's own accrued figures and ratio."""
    latest, ratio = one.latest, one.ratio
    if isinstance(latest, Failure):
        return latest
    if isinstance(ratio, Failure):
        return ratio
    figures = {
        "entireDebt": latest.debt,
        "entireColl": latest.coll,
        "accruedInterest": latest.interest,
        "accruedBatchManagementFee": latest.fee,
    }
    if ratio is not None:
        figures["ICR"] = ratio
    return VenueAnswer(figures, source="getLatestTroveData, getCurrentICR at fetchPrice")


def _failure(
    state: BranchReading, one: TroveReading, rule: LiquityRule, judgement: Judgement
) -> Failure | None:
    """Why the trove cannot be judged; None where it can be. Without its owner it may be another's."""
    if isinstance(one.owner, Failure):
        return one.owner
    if judgement.actionable.liquidatable is not None and isinstance(one.status, Status):
        return None
    needed = (one.status, one.trove, one.latest, one.batch, state.shutdown_time, state.price)
    for read in needed:
        if isinstance(read, Failure):
            return read
    if rule.price == 0:
        return Failure(Reason.NO_PRICE, "zero_price", "the feed's price is 0")
    return _OVERFLOW


def _failed(state: BranchReading, one: TroveReading) -> Iterator[Failure]:
    """Every failed read of the trove and of the numbers that judge it."""
    reads = (
        one.owner,
        one.status,
        one.trove,
        one.latest,
        one.batch,
        one.ratio,
        state.shutdown_time,
        state.price,
        state.stored_price,
    )
    yield from (read for read in reads if isinstance(read, Failure))


def _mismatch(parity: Parity) -> Failure:
    """Our figures differ from the venue's: its arithmetic is not the one we know."""
    differing = ", ".join(f"{name} {off:+d}" for name, off in parity.differences.items() if off)
    return Failure(Reason.CODE_CHANGED, "parity_mismatch", f"ours minus the venue's: {differing}")


def _legs(
    request: ReadRequest, branch: Branch, one: TroveReading, rule: LiquityRule, asset: Asset
) -> Iterator[Leg]:
    """Collateral and debt up to the block, with what liquidations of others moved here."""
    coll, debt = rule.coll(), rule.debt()
    missing = next(
        (read for read in (one.trove, one.latest, one.batch) if isinstance(read, Failure)),
        _OVERFLOW,
    )
    manager, call = branch.trove_manager, f"Troves({one.trove_id})"
    if coll is None:
        yield Leg(COLLATERAL, Spot(asset), Decimal(0), failure=missing)
    elif coll:
        raw = RawAmount(coll, 18, manager, call)
        yield Leg(COLLATERAL, Spot(asset), decimal_of(coll, 18), raw=raw)
    chain = request.deployment.chain_id
    bold = Debt(request.tokens.at(chain, branch.bold_token, symbol="BOLD", decimals=18))
    if debt is None:
        yield Leg(DEBT, bold, Decimal(0), failure=missing)
    elif debt.entire:
        raw = RawAmount(debt.entire, 18, manager, call)
        yield Leg(DEBT, bold, decimal_of(-debt.entire, 18), raw=raw)


def _penalty(branch: Branch, state: BranchReading, rule: LiquityRule) -> Decimal:
    """The penalty's share of the debt: the pool's where it covers all, else the redistribution's."""
    debt = rule.debt()
    covered = (
        debt is not None
        and isinstance(state.deposits, int)
        and state.deposits - _KEPT_IN_POOL >= debt.entire
    )
    return decimal_of(branch.penalty_pool if covered else branch.penalty_redistribution, 18)


def _labels(request: ReadRequest, state: BranchReading, one: TroveReading) -> dict[str, str]:
    """What the numbers do not say: rate, batch, status. Troves of low rates are redeemed first."""
    labels = {"branch": request.deployment.market, "trove": str(one.trove_id)}
    batch = _known(one.batch) if one.batch is not None else None
    trove = _known(one.trove)
    if one.manager:
        labels["batch"] = one.manager
    rate = (
        batch.annual_rate if batch else None if trove is None or one.manager else trove.annual_rate
    )
    if rate is not None:
        labels["annual_rate"] = plain(decimal_of(rate, 18))
    if one.status is Status.ZOMBIE:
        labels["status"] = "zombie"
    if state.oracle_failed:
        labels["price"] = "last good price"
    return labels


def _problem(failure: Failure, where: str) -> Problem:
    action = "read again, or ask another endpoint"
    return Problem.of(failure, venue=VENUE, account=where, action=action)


def _known(value: T | Failure) -> T | None:
    return None if isinstance(value, Failure) else value
