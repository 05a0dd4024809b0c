"""Losses of entities over the rows of the grid, the gross floor, and who contributes what.

An *entity* is an account, the wallet, or any other set of positions. Arrays are [entities, rows]
or [entities, states]; a loss is positive. The last entity is always the whole book, the sum of the
others, so that one pass gives the unified and the standalone measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..book.rule import FloatArray
from ..value.positions import Position, Unit
from ..value.revalue import States, VolatilityRule, unit_profits
from .parameters import ModelParameters
from .scenario import Row, Shock, Universe, scenario_rows

__all__ = ["GridLosses", "grid_losses", "grid_volatility"]

WORST_ROWS = 10
TIE = 1e-9  # rule 20: rows within this share of the worst loss are tied
_IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Terms:
    """One underlying's part in the rows of one kind: row, state and weight of each term."""

    rows: _IntArray
    states: _IntArray
    weights: FloatArray


@dataclass(frozen=True, slots=True)
class _Worst:
    """F1: the row, and for each group the terms of each candidate shock of its members.

    ``groups`` holds, per group, a mapping from member to its states, in candidate order.
    """

    row: int
    groups: tuple[Mapping[str, _IntArray], ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The rows compiled to array indices; depends on universe and parameters only."""

    rows: tuple[Row, ...]
    groups: tuple[tuple[str, ...], ...]
    states: Mapping[str, States]
    sums: Mapping[str, _Terms]
    offsets: Mapping[str, _Terms]
    worst: tuple[_Worst, ...]
    weighted: Mapping[str, tuple[_IntArray, FloatArray]]  # distinct (state, weight) for the floor


@dataclass(frozen=True, slots=True)
class GridLosses:
    """The measures of every entity; the last is the whole book."""

    rows: tuple[Row, ...]
    losses: FloatArray  # [entities, rows]
    gross: FloatArray  # [entities], over netting keys
    gross_by_underlying: Mapping[str, float]  # the whole book's
    grid_contributions: FloatArray  # [entities - 1], sums to the book's worst row loss
    gross_contributions: FloatArray  # [entities - 1], sums to the book's gross
    worst_rows: tuple[int, ...]  # indices of the book's losing rows, worst first
    worst_contributions: FloatArray  # [len(worst_rows), entities - 1], each sums to the row's loss

    @property
    def grid(self) -> FloatArray:
        """R_grid of each entity: its worst row, never negative."""
        if not self.rows:
            return np.zeros(len(self.losses))
        return np.asarray(np.maximum(self.losses.max(axis=1), 0.0))


def grid_volatility(parameters: ModelParameters) -> VolatilityRule:
    """The grid's volatility rule under these parameters."""
    return _GridVolatility(parameters)


@dataclass(frozen=True, slots=True)
class _GridVolatility:
    """Each option's own volatility times ``1 +- range (30 / max(DTE, 1))^p``; up has a floor."""

    parameters: ModelParameters

    def __call__(
        self, volatility: FloatArray, tenor_years: FloatArray, states: States
    ) -> FloatArray:
        given = self.parameters
        days = np.maximum(tenor_years * 365.0, 1.0)
        power = np.where(tenor_years * 365.0 < 30.0, given.vol_power_short, given.vol_power_long)
        scale = (30.0 / days) ** power
        up = np.maximum(volatility * (1.0 + given.vol_up * scale), given.vol_floor)
        down = volatility * np.maximum(1.0 - given.vol_down * scale, 0.0)
        return np.where(states.vol > 0, up, np.where(states.vol < 0, down, volatility))


def grid_losses(
    entities: Sequence[Sequence[Position]], universe: Universe, parameters: ModelParameters
) -> GridLosses:
    """Every row's loss for each entity and for the whole book."""
    plan = _plan(universe, parameters)
    by_underlying = _holdings(entities)
    losses: dict[str, FloatArray] = {}
    gross = np.zeros(len(entities) + 1)
    gross_parts = np.zeros(len(entities))
    gross_by: dict[str, float] = {}
    for name, (units, quantities) in by_underlying.items():
        states = plan.states.get(name)
        if states is None:  # cash, or nothing shocks it
            continue
        profits = unit_profits(units, states, _GridVolatility(parameters))
        losses[name] = -quantities @ profits
        slopes = _gross_slopes(quantities, profits, *plan.weighted[name])
        gross += (np.abs(quantities) * slopes[0]).sum(axis=1)
        gross_parts += (quantities[:-1] * slopes[1]).sum(axis=1)
        gross_by[name] = float((np.abs(quantities[-1]) * slopes[0][-1]).sum())
    table = _row_losses(plan, losses, len(entities) + 1, parameters.omega)
    worst = _worst_rows(table[-1])
    parts = [
        _row_contributions(plan, row, losses, parameters.omega, len(entities)) for row in worst
    ]
    return GridLosses(
        plan.rows,
        table,
        gross,
        gross_by,
        _grid_contributions(plan, losses, table, parameters.omega),
        gross_parts,
        worst,
        np.array(parts).reshape(len(worst), len(entities)),
    )


def _worst_rows(book: FloatArray) -> tuple[int, ...]:
    """The rows that cost the book most, worst first; ties in the rows' own order."""
    order = np.argsort(-book, kind="stable")[:WORST_ROWS]
    return tuple(int(row) for row in order if book[row] > 0)


def _holdings(
    entities: Sequence[Sequence[Position]],
) -> dict[str, tuple[list[Unit], FloatArray]]:
    """Distinct units per underlying, with each entity's net quantity: [entities + 1, units]."""
    found: dict[str, dict[Unit, int]] = {}
    for positions in entities:
        for held in positions:
            units = found.setdefault(held.unit.underlying, {})
            units.setdefault(held.unit, len(units))
    result: dict[str, tuple[list[Unit], FloatArray]] = {}
    for name, units in sorted(found.items()):
        quantities = np.zeros((len(entities) + 1, len(units)))
        for row, positions in enumerate(entities):
            for held in positions:
                if held.unit.underlying == name:
                    quantities[row, units[held.unit]] += held.quantity
        quantities[-1] = quantities[:-1].sum(axis=0)
        result[name] = list(units), quantities
    return result


def _gross_slopes(
    quantities: FloatArray, profits: FloatArray, states: _IntArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Worst weighted loss per unit held, for each entity's own side; and the book's signed slope.

    The signed slope is what one more unit adds to the book's gross: positive for a long book.
    """
    weighted = profits[:, states] * weights
    if_long = np.maximum(-weighted.min(axis=1, initial=0.0), 0.0)
    if_short = np.maximum(weighted.max(axis=1, initial=0.0), 0.0)
    own = np.where(quantities > 0, if_long, if_short)
    book = np.sign(quantities[-1]) * own[-1]
    return own, book


def _row_losses(
    plan: _Plan, losses: Mapping[str, FloatArray], entities: int, omega: float
) -> FloatArray:
    """[entities, rows]: the underlyings' losses combined as each row says."""
    table = np.zeros((entities, len(plan.rows)))
    for name, terms in plan.sums.items():
        if name in losses:
            table[:, terms.rows] += losses[name][:, terms.states] * terms.weights
    for group in plan.groups:
        # Every offset row has a term of every underlying, so a group's parts line up by column.
        parts = [
            np.maximum(weighted, omega * weighted)
            for weighted in (
                losses[name][:, plan.offsets[name].states] * plan.offsets[name].weights
                for name in group
                if name in losses and name in plan.offsets
            )
        ]
        if parts:
            table[:, plan.offsets[group[0]].rows] += np.maximum(sum(parts), 0.0)
    for worst in plan.worst:
        for members in worst.groups:
            candidates = _candidates(members, losses)
            if candidates is not None:
                table[:, worst.row] += np.maximum(candidates.max(axis=1), 0.0)
    return table


def _candidates(
    members: Mapping[str, _IntArray], losses: Mapping[str, FloatArray]
) -> FloatArray | None:
    """[entities, candidates]: a group's loss at each depth and volatility listed for it."""
    parts = [losses[name][:, states] for name, states in members.items() if name in losses]
    return None if not parts else np.asarray(sum(parts))


def _grid_contributions(
    plan: _Plan, losses: Mapping[str, FloatArray], table: FloatArray, omega: float
) -> FloatArray:
    """Each entity's share of the book's worst row, averaged over tied rows (rule 20)."""
    total = np.zeros(len(table) - 1)
    if not plan.rows:
        return total
    book = table[-1]
    worst = float(book.max())
    if worst <= 0:
        return total
    tied = np.flatnonzero(book >= worst - TIE * worst)
    for row in tied:
        total += _row_contributions(plan, int(row), losses, omega, len(total))
    return total / len(tied)


def _row_contributions(
    plan: _Plan, row: int, losses: Mapping[str, FloatArray], omega: float, count: int
) -> FloatArray:
    """The gradient of one row's loss along each entity."""
    total = np.zeros(count)
    combine = plan.rows[row].combine
    if combine == "worst":
        worst = next(item for item in plan.worst if item.row == row)
        for members in worst.groups:
            candidates = _candidates(members, losses)
            if candidates is not None and candidates[-1].max() > 0:
                total += candidates[:-1, int(candidates[-1].argmax())]
        return total
    source = plan.sums if combine == "sum" else plan.offsets
    weighted: dict[str, FloatArray] = {}
    for name, terms in source.items():
        found = np.flatnonzero(terms.rows == row)
        if name in losses and len(found):
            at = int(found[0])
            weighted[name] = losses[name][:, terms.states[at]] * terms.weights[at]
    if combine == "sum":
        return np.asarray(sum(weighted.values(), np.zeros(count + 1))[:-1])
    for group in plan.groups:
        sloped = [
            loss * (1.0 if loss[-1] > 0 else omega)
            for loss in (weighted[name] for name in group if name in weighted)
        ]
        if sloped and sum(loss[-1] for loss in sloped) > 0:
            total += sum(loss[:-1] for loss in sloped)
    return total


@lru_cache(maxsize=64)
def _plan(universe: Universe, parameters: ModelParameters) -> _Plan:
    rows = scenario_rows(universe, parameters)
    index: dict[str, dict[Shock, int]] = {}
    sums: dict[str, list[tuple[int, int, float]]] = {}
    offsets: dict[str, list[tuple[int, int, float]]] = {}
    worst: list[_Worst] = []
    pairs: dict[str, set[tuple[int, float]]] = {}
    for number, row in enumerate(rows):
        found: list[tuple[str, int]] = []
        for term in row.terms:
            shocks = index.setdefault(term.underlying, {})
            state = shocks.setdefault(term.shock, len(shocks))
            pairs.setdefault(term.underlying, set()).add((state, term.weight))
            found.append((term.underlying, state))
            target = {"sum": sums, "offsets": offsets}.get(row.combine)
            if target is not None:
                target.setdefault(term.underlying, []).append((number, state, term.weight))
        if row.combine == "worst":
            worst.append(_Worst(number, _by_group(universe.groups, found)))
    return _Plan(
        rows,
        universe.groups,
        {name: _states(list(shocks)) for name, shocks in index.items()},
        {name: _terms(items) for name, items in sums.items()},
        {name: _terms(items) for name, items in offsets.items()},
        tuple(worst),
        {name: _pairs(found) for name, found in pairs.items()},
    )


def _by_group(
    groups: Sequence[tuple[str, ...]], found: Sequence[tuple[str, int]]
) -> tuple[Mapping[str, _IntArray], ...]:
    return tuple(
        {
            name: np.array([state for other, state in found if other == name], dtype=np.intp)
            for name in group
        }
        for group in groups
    )


def _terms(items: Sequence[tuple[int, int, float]]) -> _Terms:
    rows, states, weights = zip(*items, strict=True)
    return _Terms(np.array(rows, dtype=np.intp), np.array(states, dtype=np.intp), np.array(weights))


def _pairs(found: set[tuple[int, float]]) -> tuple[_IntArray, FloatArray]:
    states, weights = zip(*sorted(found), strict=True)
    return np.array(states, dtype=np.intp), np.array(weights)


def _states(shocks: Sequence[Shock]) -> States:
    """The shocks as arrays, in order; a factor that a shock does not name stays at 0."""

    def spread(field: str) -> dict[str, FloatArray]:
        arrays: dict[str, FloatArray] = {}
        for number, shock in enumerate(shocks):
            for key, value in getattr(shock, field):
                arrays.setdefault(key, np.zeros(len(shocks)))[number] = value
        return arrays

    return States(
        np.array([shock.move for shock in shocks]),
        np.array([float(shock.vol) for shock in shocks]),
        spread("ratios"),
        spread("marks"),
        spread("funding"),
    )
