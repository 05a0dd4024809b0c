"""Recomputing files of cases: our answer against the venue's recorded one, number by number.

A case is one JSON object a line: ``venue, suite, case, source, inputs, expected``. Integers wider
than 53 bits are decimal strings. A suite is compared under the tolerance that its adapter states;
for on-chain figures that is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson

from ..adapters.base import Adapter, Suite, Tolerance
from ..core.errors import BundleError, CrossmarginError

__all__ = ["Case", "SuiteResult", "read_cases", "verify", "verify_document"]

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded case and where it stands (``file:line``)."""

    venue: str
    suite: str
    name: str
    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    place: str


@dataclass(slots=True)
class SuiteResult:
    """The tally of one venue's suite. ``largest_difference`` is absolute, in raw units."""

    venue: str
    suite: str
    cases: int = 0
    exact: int = 0
    not_counted: int = 0
    largest_difference: Fraction = Fraction(0)
    mismatches: list[dict[str, str]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True where every case that counts is exact, and at least one counts."""
        return self.exact > 0 and self.exact + self.not_counted == self.cases

    def document(self) -> dict[str, object]:
        """The suite's row of the ``verify`` answer."""
        return {
            "venue": self.venue,
            "suite": self.suite,
            "cases": self.cases,
            "exact": self.exact,
            "not_counted": self.not_counted,
            "largest_difference": _number(self.largest_difference),
            "mismatches": self.mismatches,
        }


def read_cases(paths: Iterable[Path]) -> Iterator[Case]:
    """Every case of the files, in order. ``BundleError`` names the file and line that is wrong."""
    for path in paths:
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise BundleError(f"cannot read {path}: {error.strerror}", field="cases") from error
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield _case(line, f"{path.name}:{number}")


def _case(line: bytes, place: str) -> Case:
    try:
        case = orjson.loads(line)
        return Case(
            case["venue"], case["suite"], case["case"], case["inputs"], case["expected"], place
        )
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BundleError(
            f"{place}: not a case: expected one JSON object a line with venue, suite, case, "
            f"inputs and expected ({error})",
            field="cases",
        ) from error


def verify(cases: Iterable[Case], adapters: Mapping[str, Adapter]) -> list[SuiteResult]:
    """Recompute every case with its venue's adapter. ``BundleError`` for an unknown suite."""
    results: dict[tuple[str, str], SuiteResult] = {}
    for case in cases:
        suite = _suite(case, adapters)
        key = (case.venue, case.suite)
        _tally(results.setdefault(key, SuiteResult(*key)), case, suite)
    return list(results.values())


def _suite(case: Case, adapters: Mapping[str, Adapter]) -> Suite:
    adapter = adapters.get(case.venue)
    if adapter is None or case.suite not in adapter.suites:
        known = sorted(
            f"{name}.{suite}" for name, each in adapters.items() for suite in each.suites
        )
        raise BundleError(
            f"{case.place}: no adapter recomputes {case.venue}.{case.suite}; known suites: "
            + ", ".join(known),
            field="cases",
        )
    return adapter.suites[case.suite]


def _tally(result: SuiteResult, case: Case, suite: Suite) -> None:
    result.cases += 1
    if case.name in suite.not_counted:
        result.not_counted += 1
        return
    try:
        computed = suite.compute(case.inputs)
    except (CrossmarginError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        compared = [_Compared("", "an answer", f"{type(error).__name__}: {error}", False)]
    else:
        compared = [
            each
            for each in _compared(case.expected, computed, suite, "")
            if f"{case.name}:{each.figure}" not in suite.not_counted
        ]
    worst = max((_distance(each.ours, each.theirs) for each in compared), default=Fraction(0))
    result.largest_difference = max(result.largest_difference, worst)
    wrong = [each for each in compared if not each.near]
    if not wrong:
        result.exact += 1
    elif len(result.mismatches) < _MOST_SHOWN:
        first = wrong[0]
        result.mismatches.append(
            {
                "case": case.name,
                "figure": first.figure,
                "expected": str(first.theirs),
                "computed": str(first.ours),
            }
        )


@dataclass(frozen=True, slots=True)
class _Compared:
    """One figure: the venue's, ours, and whether they are equal under the suite's tolerance."""

    figure: str
    theirs: Any
    ours: Any
    near: bool


def _compared(expected: Any, computed: Any, suite: Suite, path: str) -> Iterator[_Compared]:
    """Every figure of the case that counts."""
    if isinstance(expected, Mapping):
        for key, value in expected.items():
            if key in suite.not_counted:
                continue
            name = f"{path}.{key}" if path else key
            if not isinstance(computed, Mapping) or key not in computed:
                yield _Compared(name, value, "nothing", False)
            else:
                yield from _compared(value, computed[key], suite, name)
    elif _is_list(expected) and _is_list(computed) and len(expected) == len(computed):
        for index, (theirs, ours) in enumerate(zip(expected, computed, strict=True)):
            yield from _compared(theirs, ours, suite, f"{path}[{index}]")
    else:
        near = _equal(expected, computed, suite.tolerance_of(path))
        yield _Compared(path, expected, computed, near)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _equal(expected: object, computed: object, tolerance: Tolerance) -> bool:
    if isinstance(expected, bool) or isinstance(computed, bool):
        return expected is computed
    theirs, ours = _fraction(expected), _fraction(computed)
    if theirs is None or ours is None:
        return expected == computed
    return tolerance.allows(theirs, abs(theirs - ours))


def _fraction(value: object) -> Fraction | None:
    """The value as an exact number; None where it is not one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction):
        return None
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


def _distance(ours: object, theirs: object) -> Fraction:
    left, right = _fraction(ours), _fraction(theirs)
    return Fraction(0) if left is None or right is None else abs(left - right)


def _number(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6g}"


def verify_document(results: Sequence[SuiteResult]) -> dict[str, object]:
    """The ``verify`` answer; ``ok`` is False where anything differs or nothing was compared."""
    return {
        "schema": "crossmargin/verify/1",
        "suites": [result.document() for result in results],
        "ok": bool(results) and all(result.ok for result in results),
    }
