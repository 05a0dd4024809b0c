"""The portfolio's own figures: equity, margins, health, and the two-day coverage.

Coverage shares one rescue pool (rule 22); without routes no money moves, so it is the smallest of
``E_h / IM`` and each account's ``E_v / CORE_v``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..book.health import UNKNOWN, Health, State
from ..book.portfolio import Book
from ..book.report import AccountReport, AddOns, Coverage
from ..value.positions import is_liability
from .accounts import can_be_liquidated
from .judging import missing_bounds, portfolio_health, with_at_risk
from .parameters import ModelParameters
from .valuation import Valuation, missing_legs, value_of

__all__ = ["Totals", "coverage_of", "totals_of"]


@dataclass(frozen=True, slots=True)
class Totals:
    """The portfolio's own figures; None where a missing leg could make them better than the truth."""

    health: Health
    equity: float | None
    equity_non_recourse: float | None
    haircut_equity: float | None
    initial: float | None
    maintenance: float | None


def totals_of(
    book: Book, valuation: Valuation, core: float, add_ons: AddOns, parameters: ModelParameters
) -> Totals:
    """Equity with missing assets at 0; nothing that a missing leg could flatter is a number."""
    by_account = [value_of(valued) for _, valued in valuation.accounts]
    wallet = value_of(valuation.wallet)
    equity = sum(by_account) + wallet
    haircut = equity - sum(
        held.value for held in valuation.positions() if not held.credited and held.value > 0
    )
    floored = sum(max(value, 0.0) for value in by_account) + max(wallet, 0.0)
    maintenance = parameters.kappa * core + add_ons.total
    initial = max(core + add_ons.total, maintenance)
    missing, may_owe = missing_legs(book, valuation)
    if missing is None or missing:
        low, high = (
            (None, None)
            if missing is None
            else missing_bounds(missing, haircut, maintenance, parameters)
        )
        health = replace(UNKNOWN, low=low, high=high)
        if may_owe:
            return Totals(health, None, None, None, None, None)
        return Totals(health, equity, floored, haircut, None, None)
    legs = [leg for account in book.portfolio.accounts for leg in account.legs]
    health = portfolio_health(
        haircut,
        maintenance,
        held=bool(legs or book.portfolio.wallet),
        liability=any(map(is_liability, [*legs, *book.portfolio.wallet])),
    )
    thin = haircut / initial if initial > 0 else None
    health = replace(health, state=with_at_risk(health, thin))
    return Totals(health, equity, floored, haircut, initial, maintenance)


def coverage_of(
    totals: Totals, accounts: Sequence[AccountReport], valuation: Valuation
) -> Coverage:
    """The smallest coverage and its name; one unknown account leaves the minimum unknown."""
    candidates: list[tuple[float, str]] = []
    for report, (account, _) in zip(accounts, valuation.accounts, strict=True):
        if report.state is State.UNKNOWN and (
            account.failure is not None or can_be_liquidated(account)
        ):
            return Coverage(None, _name(report, accounts))
        if report.coverage is not None:
            candidates.append((report.coverage, _name(report, accounts)))
    if totals.health.state is State.UNKNOWN:
        return Coverage(None, "portfolio")
    unneeded = totals.health.state in (State.NO_DEBT, State.EMPTY)
    if totals.haircut_equity is not None and totals.initial and not unneeded:
        candidates.append((max(totals.haircut_equity, 0.0) / totals.initial, "portfolio"))
    return Coverage(*min(candidates)) if candidates else Coverage(None)


def _name(report: AccountReport, accounts: Sequence[AccountReport]) -> str:
    """The venue; with the id, and then the holder, where that does not say which account."""
    peers = [other for other in accounts if other.venue == report.venue]
    if len(peers) == 1:
        return report.venue
    name = f"{report.venue}/{report.id}"
    holders = {other.holder for other in peers if other.id == report.id}
    return name if len(holders) == 1 else f"{name}/{report.holder}"
