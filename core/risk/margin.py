"""The margin model on one book: the line from a ``Book`` to a ``Report``, readable top to bottom.

What is built: full revaluation over the structured grid (sets A, B, D, F1, F2), peg, LST and basis
rows, the gross floor, add-ons, IM and MM, health, two-day coverage, contributions, standalone sums.
What is not (``MISSING_PARTS``) is said in every answer's problems and its figures are null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..action.liquidation import liquidation_range
from ..book.health import UNKNOWN, Health, Parity, State
from ..book.model import Claim, Leg, LpRange, MarginAccount, Option, Perp, PerpetualOption, Spot
from ..book.portfolio import Book
from ..book.report import (
    AccountReport,
    AddOns,
    Contribution,
    Core,
    Coverage,
    LiquidationRange,
    Report,
    Standalone,
    WorstScenario,
)
from ..errors import Failure, Problem, Reason, Severity
from ..value.positions import Position, is_liability, position_of
from ..value.revalue import venue_volatility
from .addons import confidence, gas, liquidity
from .greeks import book_greeks
from .grid import GridLosses, grid_losses
from .judging import (
    AccountJudgement,
    Valued,
    judge_account,
    missing_bounds,
    portfolio_health,
    with_at_risk,
)
from .parameters import ModelParameters, read_parameters
from .universe import universe_of

__all__ = ["MISSING_PARTS", "assess"]

WORST_SCENARIOS = 10
WALLET = "wallet"
MISSING_PARTS = {
    "filtered_history": "no expected shortfall: CORE is the larger of grid and floor",
    "fragmentation": "no fragmentation add-on: IM and MM leave it out",
    "first_passage": "no chance of liquidation within 1, 2, 7 and 30 days",
    "technical_scenarios": "no technical scenarios and no resilience score",
}


@dataclass(frozen=True, slots=True)
class _Valuation:
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


def assess(book: Book, parameters: ModelParameters | None = None) -> Report:
    """The margin report of a book; a pure function of it, as of its latest block."""
    given = read_parameters(book.model) if parameters is None else parameters
    valuation = _valued(book)
    entities = valuation.entities()
    universe = universe_of(
        [held for positions in entities for held in positions],
        book.market,
        book.portfolio.timestamp,
    )
    losses = grid_losses(entities, universe, given)
    cores = [
        max(grid, given.phi * gross) for grid, gross in zip(losses.grid, losses.gross, strict=True)
    ]
    judged = [judge_account(account, valued, given) for account, valued in valuation.accounts]
    add_ons, add_on_problems = _add_ons(book, valuation, given)
    accounts = _account_reports(book, valuation, judged, cores, given)
    totals = _totals(book, valuation, float(cores[-1]), add_ons, given)
    problems = (*_problems(book, valuation), *add_on_problems, *_model_problems(book))
    standalone = _standalone(cores, judged, totals)
    return Report(
        owner=book.portfolio.owner,
        portfolio_health=totals.health,
        two_day_coverage=_coverage(totals, accounts, valuation),
        equity=totals.equity,
        equity_floored=totals.equity_floored,
        haircut_equity=totals.haircut_equity,
        initial_margin=totals.initial,
        maintenance_margin=totals.maintenance,
        core=None if totals.initial is None else _core(losses, given),
        add_ons=add_ons,
        standalone=standalone,
        accounts=accounts,
        contributions=() if totals.initial is None else _contributions(valuation, losses, given),
        worst_scenarios=_worst(losses),
        greeks=book_greeks(valuation.positions()),
        as_of=book.portfolio.as_of,
        skew_seconds=book.portfolio.skew_seconds,
        complete=not any(problem.severity is Severity.READ for problem in problems),
        problems=problems,
        model_version=given.version,
    )


def _valued(book: Book) -> _Valuation:
    market, as_of = book.market, book.portfolio.timestamp
    return _Valuation(
        tuple(
            (account, tuple(position_of(leg, account.venue, market, as_of) for leg in account.legs))
            for account in book.portfolio.accounts
        ),
        tuple(position_of(leg, WALLET, market, as_of) for leg in book.portfolio.wallet),
    )


def _core(losses: GridLosses, parameters: ModelParameters) -> Core:
    grid, gross = float(losses.grid[-1]), float(losses.gross[-1])
    floor = parameters.phi * gross
    return Core(max(grid, floor), grid, floor, gross, losses.gross_by_underlying)


def _add_ons(
    book: Book, valuation: _Valuation, parameters: ModelParameters
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


@dataclass(frozen=True, slots=True)
class _Totals:
    """The portfolio's own figures; None where a missing leg could make them better than the truth."""

    health: Health
    equity: float | None
    equity_floored: float | None
    haircut_equity: float | None
    initial: float | None
    maintenance: float | None


def _totals(
    book: Book, valuation: _Valuation, core: float, add_ons: AddOns, parameters: ModelParameters
) -> _Totals:
    """Equity with missing assets at 0; nothing that a missing leg could flatter is a number."""
    by_account = [_value(valued) for _, valued in valuation.accounts]
    wallet = _value(valuation.wallet)
    equity = sum(by_account) + wallet
    haircut = equity - sum(
        held.value for held in valuation.positions() if not held.credited and held.value > 0
    )
    floored = sum(max(value, 0.0) for value in by_account) + max(wallet, 0.0)
    maintenance = parameters.kappa * core + add_ons.total
    initial = max(core + add_ons.total, maintenance)
    missing, could_owe = _missing(book, valuation)
    if missing is None or missing:
        low, high = (
            (None, None)
            if missing is None
            else missing_bounds(missing, haircut, maintenance, parameters)
        )
        health = replace(UNKNOWN, low=low, high=high)
        if could_owe:
            return _Totals(health, None, None, None, None, None)
        return _Totals(health, equity, floored, haircut, None, None)
    legs = [leg for account in book.portfolio.accounts for leg in account.legs]
    health = portfolio_health(
        haircut,
        maintenance,
        held=bool(legs or book.portfolio.wallet),
        liability=any(map(is_liability, [*legs, *book.portfolio.wallet])),
    )
    thin = haircut / initial if initial > 0 else None
    health = replace(health, state=with_at_risk(health, thin))
    return _Totals(health, equity, floored, haircut, initial, maintenance)


def _value(valued: Sequence[Valued]) -> float:
    return sum(held.value for held in valued if isinstance(held, Position))


def _missing(book: Book, valuation: _Valuation) -> tuple[list[Leg] | None, bool]:
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
    return missing, any(_could_owe(leg) for leg in missing)


def _without_credit(leg: Leg) -> bool:
    asset = leg.instrument.asset if isinstance(leg.instrument, Spot | Claim) else None
    return asset is not None and not asset.known and leg.quantity >= 0


def _could_owe(leg: Leg) -> bool:
    """Whether a leg that is missing may be a liability; a failed read has no sign to go by."""
    if isinstance(leg.instrument, PerpetualOption | Perp):
        return True
    if isinstance(leg.instrument, Option):
        return leg.failure is not None or leg.quantity < 0
    return is_liability(leg) and not isinstance(leg.instrument, LpRange)


def _can_be_liquidated(account: MarginAccount) -> bool:
    return account.rule.kind != "none" and any(map(is_liability, account.legs))


def _account_reports(
    book: Book,
    valuation: _Valuation,
    judged: Sequence[AccountJudgement],
    cores: Sequence[float],
    parameters: ModelParameters,
) -> tuple[AccountReport, ...]:
    return tuple(
        _account_report(book, account, valued, judgement, float(core), parameters)
        for (account, valued), judgement, core in zip(
            valuation.accounts, judged, cores[:-2], strict=True
        )
    )


def _account_report(
    book: Book,
    account: MarginAccount,
    valued: Sequence[Valued],
    judged: AccountJudgement,
    core: float,
    parameters: ModelParameters,
) -> AccountReport:
    positions = [held for held in valued if isinstance(held, Position)]
    whole = account.failure is None and len(positions) == len(valued)
    equity = _value(valued)
    covered = whole and _can_be_liquidated(account) and core > 0
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
    )


def _ranges(
    book: Book,
    account: MarginAccount,
    positions: Sequence[Position],
    parameters: ModelParameters,
) -> tuple[LiquidationRange, ...]:
    """Crossings along every underlying of the account; a peg is listed only where it matters."""
    if not _can_be_liquidated(account):
        return ()
    response = venue_volatility(parameters.vol_response)
    found: list[LiquidationRange] = []
    for name in sorted({held.unit.underlying for held in positions if held.unit.kind != "cash"}):
        kinds = {held.unit.kind for held in positions if held.unit.underlying == name}
        spot = _spot(book, name, positions)
        one = liquidation_range(account, positions, name, spot, response, parameters.sigma_of(name))
        if kinds != {"stable"} or one.down or one.up or one.more:
            found.append(one)
    return tuple(found)


def _spot(book: Book, name: str, positions: Sequence[Position]) -> float:
    """The underlying's price; where only a token on it is quoted, that token's."""
    price = book.market.underlying_price(name)
    if price is not None:
        return float(price)
    return next(held.unit.price for held in positions if held.unit.underlying == name)


def _coverage(
    totals: _Totals, accounts: Sequence[AccountReport], valuation: _Valuation
) -> Coverage:
    """The smallest coverage and its name; one unknown account leaves the minimum unknown."""
    candidates: list[tuple[float, str]] = []
    for report, (account, _) in zip(accounts, valuation.accounts, strict=True):
        if report.state is State.UNKNOWN and (
            account.failure is not None or _can_be_liquidated(account)
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
    alone = sum(other.venue == report.venue for other in accounts) == 1
    return report.venue if alone else f"{report.venue}/{report.id}"


def _standalone(
    cores: Sequence[float], judged: Sequence[AccountJudgement], totals: _Totals
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
    valuation: _Valuation, losses: GridLosses, parameters: ModelParameters
) -> tuple[Contribution, ...]:
    """Each account's part of CORE at its active branch, and the wallet's where it has one."""
    core = _core(losses, parameters)
    parts = (
        losses.grid_contributions
        if core.active == "grid"
        else parameters.phi * losses.gross_contributions
    )
    rows = [
        Contribution(account.venue, account.id, float(part))
        for (account, _), part in zip(valuation.accounts, parts[:-1], strict=True)
    ]
    return (*rows, Contribution(WALLET, WALLET, float(parts[-1]))) if valuation.wallet else (*rows,)


def _worst(losses: GridLosses) -> tuple[WorstScenario, ...]:
    """The rows that cost the book most, worst first; ties in the rows' own order."""
    book = losses.losses[-1]
    order = sorted(range(len(losses.rows)), key=lambda row: (-book[row], row))
    return tuple(
        WorstScenario(
            losses.rows[row].id, losses.rows[row].family, losses.rows[row].reason, float(book[row])
        )
        for row in order[:WORST_SCENARIOS]
        if book[row] > 0
    )


def _problems(book: Book, valuation: _Valuation) -> tuple[Problem, ...]:
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


def _model_problems(book: Book) -> tuple[Problem, ...]:
    """The parts of the model that are not built, and those that this book would have used."""
    missing = dict(MISSING_PARTS)
    if book.routes:
        missing["rescue_transfers"] = "routes are ignored: no money moves between accounts"
    return tuple(
        Problem(Severity.MODEL, Reason.NOT_SUPPORTED, code, detail=detail)
        for code, detail in missing.items()
    )
