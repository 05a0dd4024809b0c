"""The scenarios of the structured grid, as named data.

A ``Row`` depends on the model's version and parameters, the market and the time, never on the book
(rule 2). Rows are written only for factors that the book touches: a factor that nobody holds
changes no row's loss, so leaving it out changes no answer (the tests prove it).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal

from .parameters import RATED_GROUP, ModelParameters

__all__ = ["TAIL_MOVES", "Row", "Shock", "Term", "Universe", "scenario_rows"]

TAIL_MOVES = (-0.66, -0.50, -0.33, 0.33, 0.50, 1.00, 2.00, 4.00)
PEG_DEPTHS = {-0.05: 1.0, -0.12: 0.4, -0.30: 0.15, 0.02: 1.0}  # rule 9: move and weight
LST_DEPTHS = {-0.05: 1.0, -0.10: 0.5}
RELATIVE_MOVES = (("ETH", -0.105), ("ETH", 0.16), ("BTC", 0.117), ("BTC", -0.138))  # rule 4, B(ii)
FUNDING_PERIODS = 6  # two days of eight hours
_VOLS = (-1, 0, 1)
_VOL_WORDS = {-1: "volatility down", 0: "volatility unchanged", 1: "volatility up"}


@dataclass(frozen=True, slots=True)
class Universe:
    """The risk factors that rows are written for, each tuple sorted.

    ``volatile`` underlyings; ``stables`` (their peg is the factor); ``lsts`` as (key, underlying);
    ``perps`` as (underlying, venue); ``pins`` as (underlying, move) of strikes about to expire.
    """

    volatile: tuple[str, ...] = ()
    stables: tuple[str, ...] = ()
    lsts: tuple[tuple[str, str], ...] = ()
    perps: tuple[tuple[str, str], ...] = ()
    pins: tuple[tuple[str, float], ...] = ()

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """BTC and ETH together; every other underlying alone."""
        rated = tuple(name for name in self.volatile if name in RATED_GROUP)
        others = tuple((name,) for name in self.volatile if name not in RATED_GROUP)
        return ((rated,) if rated else ()) + others


@dataclass(frozen=True, slots=True)
class Shock:
    """What happens to one underlying: its return, its volatility (-1, 0, +1), and what sits on it.

    ``ratios``: (LST key, return of its ratio). ``marks``: (venue, mark over index). ``funding``:
    (venue, share of the price that longs pay over two days).
    """

    move: float
    vol: int = 0
    ratios: tuple[tuple[str, float], ...] = ()
    marks: tuple[tuple[str, float], ...] = ()
    funding: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One underlying's shock in a row, with the weight of its loss."""

    underlying: str
    shock: Shock
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario. ``combine`` says how the underlyings' losses become one:

    ``sum``: added. ``offsets``: within a group gains count at omega, between groups not at all
    (F2). ``worst``: each group at the worst of the shocks listed for it (F1).
    """

    id: str
    family: Literal["A", "B", "D", "F1", "F2", "peg", "lst", "basis"]
    terms: tuple[Term, ...]
    reason: str
    combine: Literal["sum", "offsets", "worst"] = "sum"


@lru_cache(maxsize=64)
def scenario_rows(universe: Universe, parameters: ModelParameters) -> tuple[Row, ...]:
    """Every row of the sets chosen, in a fixed order."""
    chosen = parameters.sets
    build = _Builder(universe, parameters)
    joint = list(build.same_direction())
    joint_tail = list(build.joint_tail())
    several = len(universe.groups) > 1  # with one group a joint row repeats the group's own
    rows: list[Row] = []
    if "A" in chosen:
        rows += build.grid()
    if "B" in chosen:
        rows += joint if several or "A" not in chosen else []
        rows += build.relative()
        rows += build.group_flips()
    if "D" in chosen:
        rows += build.tail()
        rows += joint_tail if several else []
    # With one underlying F repeats A and D row by row.
    if "F" in chosen and (len(universe.volatile) > 1 or not {"A", "D"} <= set(chosen)):
        rows += build.own_worst()
        rows += build.offsets_fail(joint + joint_tail)
    if "peg" in chosen:
        rows += build.pegs()
    if "lst" in chosen:
        rows += build.ratios()
    if "basis" in chosen:
        rows += build.marks_and_funding()
    return tuple(rows)


def _percent(move: float) -> str:
    return f"{move * 100:+.4g}%"


@dataclass(frozen=True, slots=True)
class _Builder:
    """The families of rows; each method is one family of rule 4, 9 or 10."""

    universe: Universe
    parameters: ModelParameters

    def mesh(self) -> list[float]:
        """Depths from -1 to 1, as shares of the range; 0 is exactly among them."""
        half = self.parameters.points // 2
        return [step / half for step in range(-half, half + 1)]

    def depths(self, group: Sequence[str]) -> list[float]:
        """The mesh, and the depth at which a member meets a strike that expires within two days."""
        pins = {
            move / self.parameters.range_of(name)
            for name, move in self.universe.pins
            if name in group
        }
        return sorted({*self.mesh(), *(depth for depth in pins if abs(depth) <= 1.0)})

    def terms(self, names: Iterable[str], depth: float, vol: int) -> tuple[Term, ...]:
        """Each of the underlyings at the depth of its own range."""
        return tuple(
            Term(name, Shock(depth * self.parameters.range_of(name), vol)) for name in names
        )

    def grid(self) -> list[Row]:
        """A: one group at a time, its members at the same share of their own ranges."""
        return [
            Row(
                f"A:{'+'.join(group)}:{depth:+.6g}:{vol:+d}",
                "A",
                self.terms(group, depth, vol),
                f"{' and '.join(group)} at {depth:+.4g} of the range, {_VOL_WORDS[vol]}",
            )
            for group in self.universe.groups
            for depth in self.depths(group)
            for vol in _VOLS
        ]

    def same_direction(self) -> list[Row]:
        """B(i): everything moves the same way by the same share of its own range."""
        return [
            Row(
                f"B:all:{depth:+.6g}:{vol:+d}",
                "B",
                self.terms(self.universe.volatile, depth, vol),
                f"everything at {depth:+.4g} of its range, {_VOL_WORDS[vol]}",
            )
            for depth in self.mesh()
            for vol in _VOLS
            if self.universe.volatile
        ]

    def relative(self) -> list[Row]:
        """B(ii): one of the majors alone, by the two-day band of their ratio."""
        return [
            Row(
                f"B:alone:{name}:{_percent(move)}",
                "B",
                (Term(name, Shock(move), self.weight(name, move)),),
                f"{name} {_percent(move)} while everything else stands still",
            )
            for name, move in RELATIVE_MOVES
            if name in self.universe.volatile
        ]

    def group_flips(self) -> list[Row]:
        """B(iii): the majors one way and the rest the other."""
        rated = [name for name in self.universe.volatile if name in RATED_GROUP]
        rest = [name for name in self.universe.volatile if name not in RATED_GROUP]
        if not rated or not rest:
            return []
        return [
            Row(
                f"B:flip:{sign:+.0f}",
                "B",
                self.terms(rated, sign, 1) + self.terms(rest, -sign, 1),
                f"majors {'up' if sign > 0 else 'down'} by their range, the rest the other way",
            )
            for sign in (1.0, -1.0)
        ]

    def weight(self, name: str, move: float) -> float:
        """Rule 3: a move beyond the range counts in inverse proportion to its size."""
        return min(1.0, self.parameters.range_of(name) / abs(move))

    def tail_terms(self, names: Iterable[str], move: float) -> tuple[Term, ...]:
        """The underlyings all at the same move, volatility up, weighted by rule 3."""
        return tuple(Term(name, Shock(move, 1), self.weight(name, move)) for name in names)

    def tail(self) -> list[Row]:
        """D: a group alone far outside its range."""
        return [
            Row(
                f"D:{'+'.join(group)}:{_percent(move)}",
                "D",
                self.tail_terms(group, move),
                f"{' and '.join(group)} {_percent(move)}, volatility up, weighted",
            )
            for group in self.universe.groups
            for move in TAIL_MOVES
        ]

    def joint_tail(self) -> list[Row]:
        """D: everything far outside its range at once."""
        return [
            Row(
                f"D:all:{_percent(move)}",
                "D",
                self.tail_terms(self.universe.volatile, move),
                f"everything {_percent(move)}, volatility up, weighted",
            )
            for move in TAIL_MOVES
            if self.universe.volatile
        ]

    def own_worst(self) -> list[Row]:
        """F1: all the same way, each group at the depth and volatility that hurt it most."""
        return [
            Row(
                f"F1:{'up' if sign > 0 else 'down'}",
                "F1",
                tuple(
                    term
                    for group in self.universe.groups
                    for depth in self.depths(group)
                    if depth * sign >= 0
                    for vol in _VOLS
                    for term in self.terms(group, depth, vol)
                ),
                f"everything {'up' if sign > 0 else 'down'}, each group at its own worst depth",
                "worst",
            )
            for sign in (1.0, -1.0)
            if self.universe.volatile
        ]

    def offsets_fail(self, joint: Iterable[Row]) -> list[Row]:
        """F2: the joint rows with gains counted at omega within a group and nowhere else."""
        return [
            Row(
                f"F2:{row.id}",
                "F2",
                row.terms,
                f"{row.reason}; gains offset losses only at omega within the majors",
                "offsets",
            )
            for row in joint
        ]

    def pegs(self) -> list[Row]:
        """Stablecoins: one issuer at a time and all together, while spot falls, stands or rises."""
        depths = self.parameters.peg_depths
        moves = tuple(PEG_DEPTHS) if depths is None else depths
        return [
            Row(
                f"peg:{'+'.join(names)}:{_percent(move)}:{depth:+.0f}",
                "peg",
                tuple(Term(name, Shock(move), weight) for name in names)
                + tuple(
                    Term(term.underlying, term.shock, weight)
                    for term in self.terms(self.universe.volatile, depth, 1)
                ),
                f"{' and '.join(names)} {_percent(move)}, everything else at {depth:+.0f} range",
            )
            for names in _one_and_all(self.universe.stables)
            for move in moves
            for weight in (PEG_DEPTHS.get(move, min(1.0, 0.05 / max(abs(move), 0.05))),)
            for depth in ((-1.0, 0.0, 1.0) if self.universe.volatile else (0.0,))
        ]

    def ratios(self) -> list[Row]:
        """LST and LRT: the ratio to the underlying falls, while spot falls, stands or rises."""
        parents = dict(self.universe.lsts)
        return [
            Row(
                f"lst:{'+'.join(keys)}:{_percent(move)}:{depth:+.0f}",
                "lst",
                tuple(
                    Term(
                        term.underlying,
                        Shock(
                            term.shock.move,
                            1,
                            ratios=tuple(
                                (key, move) for key in keys if parents[key] == term.underlying
                            ),
                        ),
                        weight,
                    )
                    for term in self.terms(self.universe.volatile, depth, 1)
                ),
                f"{' and '.join(keys)} {_percent(move)} to the underlying, at {depth:+.0f} range",
            )
            for keys in _one_and_all(tuple(parents))
            for move, weight in LST_DEPTHS.items()
            for depth in (-1.0, 0.0, 1.0)
        ]

    def marks_and_funding(self) -> list[Row]:
        """Perps: mark against index, and two days of funding; a venue alone, or a pair opposite.

        The two are rows of their own: a mark under the index comes with funding that shorts pay,
        so adding both against one side would be a state that does not occur.
        """
        rows: list[Row] = []
        for name in sorted({underlying for underlying, _ in self.universe.perps}):
            venues = [venue for underlying, venue in self.universe.perps if underlying == name]
            major = name in RATED_GROUP
            mark = 0.01 if major else 0.03
            paid = (0.001 if major else 0.003) * FUNDING_PERIODS
            for sides in _alone_and_opposite(venues):
                where = ", ".join(f"{venue}{sign:+.0f}" for venue, sign in sides)
                marks = tuple((venue, sign * mark) for venue, sign in sides)
                funding = tuple((venue, sign * paid) for venue, sign in sides)
                rows += [
                    Row(
                        f"basis:{name}:{where}",
                        "basis",
                        (Term(name, Shock(0.0, marks=marks)),),
                        f"perp mark {mark:.0%} off the {name} index: {where}",
                    ),
                    Row(
                        f"funding:{name}:{where}",
                        "basis",
                        (Term(name, Shock(0.0, funding=funding)),),
                        f"two days of {name} funding, longs paying where +: {where}",
                    ),
                ]
        return rows


def _one_and_all(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [(name,) for name in names] + ([names] if len(names) > 1 else [])


def _alone_and_opposite(venues: Sequence[str]) -> list[tuple[tuple[str, float], ...]]:
    alone = [((venue, sign),) for venue in venues for sign in (1.0, -1.0)]
    pairs = [
        ((first, sign), (second, -sign))
        for first, second in combinations(venues, 2)
        for sign in (1.0, -1.0)
    ]
    return [*alone, *pairs]
