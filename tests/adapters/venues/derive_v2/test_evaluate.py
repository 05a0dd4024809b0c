"""The fast rule against the exact one, on the recorded books and on books at other prices."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.adapters.venues.derive_v2.books import markets, moved
from crossmargin.adapters.venues.derive_v2.rule import DeriveRule
from crossmargin.api.verify import read_cases
from crossmargin.core.units import to_float

from .books_of_cases import legs_of, rule_of_case, scenarios

# The contracts' wei in USD, as the cases' README allows the float path.
_USD = 1e-5


def _worst(rule: DeriveRule, factor: float) -> float:
    """The largest difference in USD between the fast and the exact rule with spots moved."""
    book = rule.settled_book()
    assert book is not None
    for market in markets(book):
        if factor != 1.0:
            spot = int(market.spot * factor)
            book = moved(book, market.underlying, spot)
    exact = rule.margins(book)
    assert exact is not None
    legs = legs_of(rule)
    fast = rule.evaluate(legs, scenarios(rule, legs, factor))
    equity = float(fast.equity[0])
    pairs = [
        (equity, exact.mark_to_market),
        (equity - float(fast.initial[0]), exact.initial),
        (equity - float(fast.maintenance[0]), exact.maintenance),
    ]
    return max(abs(ours - to_float(theirs, 18)) for ours, theirs in pairs)


@pytest.mark.parametrize("suite", ["pmrm2", "pmrm1", "standard"])
@pytest.mark.parametrize("factor", [1.0, 0.75, 1.5])
def test_the_fast_rule_is_within_a_thousandth_of_a_cent(
    shared: Path, suite: str, factor: float
) -> None:
    """Market value, IM and MM of every recorded book agree, at today's spot and away from it."""
    worst = {
        case.name: _worst(rule_of_case(suite, case.inputs), factor)
        for case in read_cases([shared / "vectors" / f"derive-v2.{suite}.jsonl"])
    }
    assert len(worst) >= 45
    assert {name: off for name, off in worst.items() if off > _USD} == {}
