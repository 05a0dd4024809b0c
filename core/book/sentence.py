"""The answer in one sentence: what can be liquidated now, and what goes first at which price."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .health import State
from .report import AccountReport, LiquidationRange, Report

__all__ = ["sentence", "venue_name"]

_MOST_NAMED = 4

_WORDS = {
    "aave": "Aave",
    "crvusd": "crvUSD",
    "derive": "Derive",
    "euler": "Euler",
    "gmx": "GMX",
    "opyn": "Opyn",
    "morpho": "Morpho",
}


def venue_name(venue: str) -> str:
    """A venue as people write it: ``gmx-v2`` is ``GMX v2``."""
    first, *rest = venue.split("-")
    tail = [word if word.startswith("v") and word[1:].isdigit() else word.title() for word in rest]
    return " ".join([_WORDS.get(first, first.title()), *tail])


def sentence(report: Report) -> str:
    """One or two short sentences for the report's state; the worst thing comes first."""
    state = report.state
    concerned = [account for account in report.accounts if account.state is state]
    names = _listed(_name(account, report) for account in concerned)
    if state is State.BAD_DEBT:
        return _bad_debt(report, concerned)
    if state is State.LIQUIDATABLE:
        return f"{names} can be liquidated now."
    if state is State.UNKNOWN:
        verb = "are" if len(concerned) > 1 else "is"
        who = f"{names} {verb}" if concerned else "The health of the whole portfolio is"
        return f"Nothing we could read can be liquidated now. {who} unknown."
    unread = "" if report.complete else " Not everything could be read."
    if state is State.NO_DEBT:
        return f"Nothing borrowed or short.{unread}"
    if state is State.EMPTY:
        return f"No position found.{unread}"
    return f"Nothing can be liquidated now.{_first_to_go(report)}{unread}"


def _bad_debt(report: Report, accounts: list[AccountReport]) -> str:
    short = [(account.equity, _name(account, report)) for account in accounts if account.equity]
    if short:
        equity, name = min(short)
        return f"{name} owes more than it holds: short by ${-equity:,.2f}."
    if accounts:
        return f"{_name(accounts[0], report)} owes more than it holds."
    gap = -(report.haircut_equity or 0.0)
    return f"The portfolio owes more than it holds: short by ${gap:,.2f}."


def _first_to_go(report: Report) -> str:
    """The nearest liquidation price of any account, in relative distance; a peg only for want of it."""
    crossings = [
        (one.peg, abs(math.log(price / one.spot)), one.underlying, price, one, account)
        for account in report.accounts
        for one in account.liquidation
        for price in (one.down, one.up)
        if price is not None and price > 0
    ]
    if not crossings:
        return ""
    _, _, underlying, price, one, account = min(crossings, key=lambda found: found[:4])
    verb = "rises" if price > one.spot else "falls"
    return (
        f" First to go: {_name(account, report)}, if {underlying} {verb} to"
        f" {_shown_price(price, one)} ({_shown_percent(price, one)})."
    )


def _name(account: AccountReport, report: Report) -> str:
    name = venue_name(account.venue)
    peers = [other for other in report.accounts if other.venue == account.venue]
    if len(peers) == 1:
        return name
    holders = {other.holder for other in peers if other.id == account.id}
    shown = f"{name} ({_short(account.id)})"
    return shown if len(holders) == 1 else f"{shown[:-1]} of {_short(account.holder)})"


def _short(name: str) -> str:
    """A long id by its two ends."""
    return name if len(name) <= 20 else f"{name[:8]}…{name[-6:]}"


def _listed(names: Iterable[str]) -> str:
    known = [*names]
    if len(known) > _MOST_NAMED:
        known[_MOST_NAMED - 1 :] = [f"{len(known) - _MOST_NAMED + 1} more"]
    *first, last = known or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _shown_price(price: float, one: LiquidationRange) -> str:
    """Cut toward spot, with about five figures."""
    decimals = max(0, min(6, 4 - math.floor(math.log10(price))))
    scaled = round(price * 10**decimals, 6)
    cut = math.floor(scaled) if price > one.spot else math.ceil(scaled)
    return f"{cut / 10**decimals:,.{decimals}f}"


def _shown_percent(price: float, one: LiquidationRange) -> str:
    """Signed and cut toward zero, so that the distance is never overstated."""
    percent = one.percent(price) or 0.0
    return f"{math.trunc(percent * 10) / 10:+.1f}%"
