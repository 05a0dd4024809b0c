"""The margin model on one book: the line from a ``Book`` to a ``Report``, readable top to bottom.

What is built: full revaluation over the structured grid (sets A, B, D, F1, F2), peg, LST and basis
rows, the gross floor, add-ons, IM and MM, health, two-day coverage, contributions, standalone sums.
What is not (``MISSING_PARTS``) is said in every answer's problems and its figures are null.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..book.portfolio import Book
from ..book.report import (
    AccountReport,
    AddOns,
    Contribution,
    Core,
    Report,
    Standalone,
    WorstScenario,
)
from ..book.rule import FloatArray
from ..errors import Problem, Reason, Severity
from ..value.positions import Position
from .accounts import account_report
from .addons import confidence, gas, liquidity
from .greeks import book_greeks
from .grid import GridLosses, grid_losses
from .judging import AccountJudgement, judge_account
from .parameters import ModelParameters, read_parameters
from .totals import Totals, coverage_of, totals_of
from .universe import universe_of
from .valuation import WALLET, Valuation, read_problems, valued_book

__all__ = ["MISSING_PARTS", "assess"]

MISSING_PARTS = {
    "filtered_history": "no expected shortfall: CORE is the larger of grid and floor",
    "fragmentation": "no fragmentation add-on: IM and MM leave it out",
    "first_passage": "no chance of liquidation within 1, 2, 7 and 30 days",
    "price_divergence": "the confidence add-on leaves out venue prices that differ from the market's",
    "technical_scenarios": "no technical scenarios and no resilience score",
}


def assess(book: Book, parameters: ModelParameters | None = None) -> Report:
    """The margin report of a book; a pure function of it, as of its latest block."""
    given = read_parameters(book.model) if parameters is None else parameters
    book, valuation = valued_book(book)
    losses = _losses(book, valuation, given)
    cores = [float(core) for core in np.maximum(losses.grid, given.phi * losses.gross)]
    judged = [judge_account(account, valued, given) for account, valued in valuation.accounts]
    add_ons, add_on_problems = _add_ons(book, valuation, given)
    accounts = _account_reports(book, valuation, judged, cores, given)
    totals = totals_of(book, valuation, cores[-1], add_ons, given)
    problems = (*read_problems(book, valuation), *add_on_problems, *_model_problems(book))
    known = totals.initial is not None
    return Report(
        owner=book.portfolio.owner,
        portfolio_health=totals.health,
        two_day_coverage=coverage_of(totals, accounts, valuation),
        equity=totals.equity,
        equity_non_recourse=totals.equity_non_recourse,
        haircut_equity=totals.haircut_equity,
        initial_margin=totals.initial,
        maintenance_margin=totals.maintenance,
        core=_core(losses, given) if known else None,
        add_ons=add_ons if known else None,
        standalone=_standalone(cores, judged, totals),
        accounts=accounts,
        contributions=_contributions(valuation, losses, given) if known else (),
        worst_scenarios=_worst(valuation, losses) if known else (),
        greeks=book_greeks(valuation.positions(), book.market) if known else {},
        as_of=book.portfolio.as_of,
        skew_seconds=book.portfolio.skew_seconds,
        complete=not any(problem.severity is Severity.READ for problem in problems),
        problems=problems,
        model_version=given.version,
        holders=book.portfolio.holders,
    )


def _losses(book: Book, valuation: Valuation, parameters: ModelParameters) -> GridLosses:
    entities = valuation.entities()
    held = [position for positions in entities for position in positions]
    universe = universe_of(held, book.market, book.portfolio.timestamp)
    return grid_losses(entities, universe, parameters)


def _core(losses: GridLosses, parameters: ModelParameters) -> Core:
    grid, gross = float(losses.grid[-1]), float(losses.gross[-1])
    floor = parameters.phi * gross
    return Core(max(grid, floor), grid, floor, gross, losses.gross_by_underlying)


def _add_ons(
    book: Book, valuation: Valuation, parameters: ModelParameters
) -> tuple[AddOns, tuple[Problem, ...]]:
    by_venue: dict[str, list[Position]] = {}
    for positions in valuation.entities():
        for held in positions:
            by_venue.setdefault(held.unit.venue, []).append(held)
    price_of_gas = gas(book.portfolio.accounts, book.portfolio.as_of, book.market, parameters)
    problem = Problem(
        Severity.MODEL,
        Reason.NO_PRICE,
        "gas_price",
        detail="the market quotes no ETH, so the gas add-on is left out",
        action="add ETH to market.spot, or give model.gas in USD",
    )
    add_ons = AddOns(
        liquidity(by_venue, parameters), price_of_gas or 0.0, confidence(valuation.positions())
    )
    return add_ons, (problem,) if price_of_gas is None else ()


def _account_reports(
    book: Book,
    valuation: Valuation,
    judged: Sequence[AccountJudgement],
    cores: Sequence[float],
    parameters: ModelParameters,
) -> tuple[AccountReport, ...]:
    return tuple(
        account_report(book, account, valued, judgement, float(core), parameters)
        for (account, valued), judgement, core in zip(
            valuation.accounts, judged, cores[:-2], strict=True
        )
    )


def _standalone(
    cores: Sequence[float], judged: Sequence[AccountJudgement], totals: Totals
) -> Standalone:
    """Sums over accounts and wallet; ratios are None where their base is 0 or unknown."""
    initials = [judgement.initial for judgement in judged]
    known = [initial for initial in initials if initial is not None]
    rule_sum = sum(known) if len(known) == len(initials) else None
    if totals.initial is None:
        return Standalone(None, None, rule_sum, None)
    core_sum = float(sum(cores[:-1]))
    benefit = 1.0 - float(cores[-1]) / core_sum if core_sum > 0 else None
    return Standalone(core_sum, benefit, rule_sum, totals.initial / rule_sum if rule_sum else None)


def _contributions(
    valuation: Valuation, losses: GridLosses, parameters: ModelParameters
) -> tuple[Contribution, ...]:
    """Each account's part of CORE at its active branch, and the wallet's where it has one."""
    core = _core(losses, parameters)
    parts = (
        losses.grid_contributions
        if core.active == "grid"
        else parameters.phi * losses.gross_contributions
    )
    return _parts(valuation, parts)


def _parts(valuation: Valuation, parts: FloatArray) -> tuple[Contribution, ...]:
    """[entities] as contributions: each account's in order, then the wallet's if there is one."""
    rows = tuple(
        Contribution(account.venue, account.id, float(part))
        for (account, _), part in zip(valuation.accounts, parts[:-1], strict=True)
    )
    wallet = Contribution(WALLET, WALLET, float(parts[-1]))
    return (*rows, wallet) if valuation.wallet else rows


def _worst(valuation: Valuation, losses: GridLosses) -> tuple[WorstScenario, ...]:
    """The rows that cost the book most, worst first."""
    return tuple(
        WorstScenario(
            losses.rows[row].id,
            losses.rows[row].family,
            losses.rows[row].reason,
            float(losses.losses[-1, row]),
            _parts(valuation, parts),
        )
        for row, parts in zip(losses.worst_rows, losses.worst_contributions, strict=True)
    )


def _model_problems(book: Book) -> tuple[Problem, ...]:
    """The parts of the model that are not built, and those that this book would have used."""
    missing = dict(MISSING_PARTS)
    if book.routes:
        missing["rescue_transfers"] = "routes are ignored: no money moves between accounts"
    return tuple(
        Problem(Severity.MODEL, Reason.NOT_SUPPORTED, code, detail=detail)
        for code, detail in missing.items()
    )
