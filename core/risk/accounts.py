"""One account's report: the venue's rule, our model on it alone, and where it would break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..action.liquidation import liquidation_range
from ..book.health import Parity
from ..book.model import MarginAccount
from ..book.portfolio import Book
from ..book.report import AccountReport, LiquidationRange
from ..errors import Failure
from ..value.positions import Position, is_liability
from ..value.revalue import venue_volatility
from .judging import AccountJudgement, with_at_risk
from .parameters import ModelParameters
from .valuation import Valued, value_of

__all__ = ["account_report", "can_be_liquidated"]


def can_be_liquidated(account: MarginAccount) -> bool:
    """Whether the account has a rule that liquidates and something that can come to owe."""
    return account.rule.kind != "none" and any(map(is_liability, account.legs))


def account_report(
    book: Book,
    account: MarginAccount,
    valued: Sequence[Valued],
    judged: AccountJudgement,
    core: float,
    parameters: ModelParameters,
) -> AccountReport:
    """The account's report. ``core`` is our model's on this account alone.

    Nothing is a number that a missing leg could have made better than the truth.
    """
    positions = [held for held in valued if isinstance(held, Position)]
    whole = account.failure is None and len(positions) == len(valued)
    equity = value_of(valued)
    covered = whole and can_be_liquidated(account) and core > 0
    coverage = equity / core if covered else None
    state = with_at_risk(judged.health, coverage)
    ranges = _ranges(book, account, positions, parameters) if whole else ()
    answer = account.venue_answer
    exact = account.judgement or account.rule.judge()
    return AccountReport(
        venue=account.venue,
        id=account.id,
        chain_id=account.chain_id,
        holder=account.holder,
        state=state,
        equity=equity if whole else None,
        initial=judged.initial,
        maintenance=judged.maintenance,
        health=replace(judged.health, state=state),
        measure=account.rule.measure,
        venue_health=None if answer is None or isinstance(answer, Failure) else answer.health,
        stored=judged.stored,
        actionable=judged.actionable,
        parity=Parity.between(exact, answer),
        core=core if whole else None,
        coverage=coverage,
        liquidation=ranges,
        exact_liquidation=exact.liquidation_prices if exact and account.failure is None else (),
        terms=account.terms,
    )


def _ranges(
    book: Book,
    account: MarginAccount,
    positions: Sequence[Position],
    parameters: ModelParameters,
) -> tuple[LiquidationRange, ...]:
    """Crossings along every underlying of the account; a peg is listed only where it matters."""
    if not can_be_liquidated(account):
        return ()
    response = venue_volatility(parameters.vol_response)
    found: list[LiquidationRange] = []
    for name in sorted({held.unit.underlying for held in positions if held.unit.kind != "cash"}):
        kinds = {held.unit.kind for held in positions if held.unit.underlying == name}
        spot = _spot(book, name, positions)
        one = liquidation_range(account, positions, name, spot, response, parameters.sigma_of(name))
        peg = kinds == {"stable"}
        if not peg or one.down or one.up or one.more:
            found.append(replace(one, peg=peg))
    return tuple(found)


def _spot(book: Book, name: str, positions: Sequence[Position]) -> float:
    """The underlying's price; where only a token on it is quoted, that token's."""
    price = book.market.underlying_price(name)
    if price is not None:
        return float(price)
    return next(held.unit.price for held in positions if held.unit.underlying == name)
