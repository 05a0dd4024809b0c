"""A book's legs, valued or failed, and what is missing from it.

What is missing never helps: ``missing_legs`` says which legs the portfolio cannot be judged
without, and ``read_problems`` names every one with its place in the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..book.model import Claim, Leg, LpRange, MarginAccount, Option, Perp, PerpetualOption, Spot
from ..book.portfolio import Book
from ..book.rule import LegScenarios
from ..errors import Failure, Problem, Reason, RuleError, Severity
from ..value.positions import Position, is_liability, positions_of

__all__ = [
    "WALLET",
    "Valuation",
    "Valued",
    "could_owe",
    "missing_legs",
    "read_problems",
    "value_of",
    "unmoved",
    "valued_book",
]

WALLET = "wallet"
Valued = Position | Failure


@dataclass(frozen=True, slots=True)
class Valuation:
    """The book's legs, valued or failed, by account in order; the wallet is apart."""

    accounts: tuple[tuple[MarginAccount, tuple[Valued, ...]], ...]
    wallet: tuple[Valued, ...]

    def positions(self) -> list[Position]:
        """Every leg that could be valued."""
        legs = [held for _, valued in self.accounts for held in valued] + list(self.wallet)
        return [held for held in legs if isinstance(held, Position)]

    def entities(self) -> list[list[Position]]:
        """What CORE nets: each account's credited legs, then the wallet's risk assets.

        An unknown token that is owned has no credit in the haircut equity, so no loss is charged
        on it either; a stablecoin in the wallet is rescue money, not a risk (section 6.3).
        """
        accounts = [
            [held for held in valued if isinstance(held, Position) and held.credited]
            for _, valued in self.accounts
        ]
        wallet = [
            held
            for held in self.wallet
            if isinstance(held, Position)
            and held.credited
            and held.unit.kind not in ("stable", "cash")
        ]
        return [*accounts, wallet]


def valued_book(book: Book) -> tuple[Book, Valuation]:
    """Every leg of the book at its market, as of its latest block.

    The book comes back with a failure on every account whose rule cannot judge the legs it holds.
    """
    portfolio = book.portfolio
    legs = [(account.venue, leg) for account in portfolio.accounts for leg in account.legs]
    legs += [(WALLET, leg) for leg in portfolio.wallet]
    valued = iter(positions_of(legs, book.market, portfolio.timestamp))
    by_account = [tuple(next(valued) for _ in account.legs) for account in portfolio.accounts]
    accounts = tuple(map(_with_rule_failure, portfolio.accounts, by_account))
    valuation = Valuation(tuple(zip(accounts, by_account, strict=True)), tuple(valued))
    return replace(book, portfolio=replace(portfolio, accounts=accounts)), valuation


def _with_rule_failure(account: MarginAccount, valued: Sequence[Valued]) -> MarginAccount:
    positions = [held for held in valued if isinstance(held, Position)]
    if account.failure is not None or len(positions) < len(valued):
        return account
    try:
        account.rule.evaluate(account.legs, unmoved(positions))
    except RuleError as error:
        failure = Failure(Reason.NOT_SUPPORTED, "margin_rule", str(error))
        return replace(account, failure=failure)
    return account


def unmoved(positions: Sequence[Position]) -> LegScenarios:
    """One scenario in which nothing happens."""
    value = np.array([[held.value] for held in positions]).reshape(-1, 1)
    price = np.array([[held.unit.price] for held in positions]).reshape(-1, 1)
    return LegScenarios(value, price, np.ones_like(price))


def value_of(valued: Sequence[Valued]) -> float:
    """The signed USD value of the legs that could be valued."""
    return sum(held.value for held in valued if isinstance(held, Position))


def missing_legs(book: Book, valuation: Valuation) -> tuple[list[Leg] | None, bool]:
    """Legs without which the portfolio cannot be judged, and whether one of them could owe.

    None instead of legs: something whose legs are not even listed is missing (an account, or
    whatever a read problem stands for). An unknown token that is owned is never missed: it has no
    credit in any case.
    """
    portfolio = book.portfolio
    problems = [*portfolio.problems, *(p for a in portfolio.accounts for p in a.problems)]
    if any(account.failure is not None for account in portfolio.accounts) or any(
        problem.severity is Severity.READ for problem in problems
    ):
        return None, True
    listed = [
        (leg, held)
        for account, valued in valuation.accounts
        for leg, held in zip(account.legs, valued, strict=True)
    ] + list(zip(portfolio.wallet, valuation.wallet, strict=True))
    missing = [
        leg for leg, held in listed if isinstance(held, Failure) and not _without_credit(leg)
    ]
    return missing, any(could_owe(leg) for leg in missing)


def _without_credit(leg: Leg) -> bool:
    asset = leg.instrument.asset if isinstance(leg.instrument, Spot | Claim) else None
    return asset is not None and not asset.known and leg.quantity >= 0


def could_owe(leg: Leg) -> bool:
    """Whether a leg that is missing may be a liability; a failed read has no sign to go by."""
    if isinstance(leg.instrument, PerpetualOption | Perp):
        return True
    if isinstance(leg.instrument, Option):
        return leg.failure is not None or leg.quantity < 0
    return is_liability(leg) and not isinstance(leg.instrument, LpRange)


def read_problems(book: Book, valuation: Valuation) -> tuple[Problem, ...]:
    """What was not read or could not be valued, each with its place."""
    found = list(book.portfolio.problems)
    for account, valued in valuation.accounts:
        found += account.problems
        if account.failure is not None:
            found.append(Problem.of(account.failure, venue=account.venue, account=account.id))
        found += [
            Problem.of(held, venue=account.venue, account=account.id, leg=leg.id)
            for leg, held in zip(account.legs, valued, strict=True)
            if isinstance(held, Failure)
        ]
    found += [
        Problem.of(held, venue=WALLET, leg=leg.id)
        for leg, held in zip(book.portfolio.wallet, valuation.wallet, strict=True)
        if isinstance(held, Failure)
    ]
    return tuple(dict.fromkeys(found))
