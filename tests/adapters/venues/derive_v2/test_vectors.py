"""Derive v2 against the recorded answers of the venue's own contracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.adapters.venues.derive_v2 import ADAPTER
from crossmargin.api.verify import read_cases, verify


@pytest.mark.parametrize(
    ("suite", "cases", "not_counted"),
    [("pmrm2", 98, 0), ("pmrm1", 48, 0), ("standard", 47, 0), ("auction", 9, 2)],
)
def test_every_recorded_case_is_exact(
    shared: Path, suite: str, cases: int, not_counted: int
) -> None:
    """The contracts' figures are met to the wei, the asserted ones within the venue's allowances."""
    recorded = list(read_cases([shared / "vectors" / f"derive-v2.{suite}.jsonl"]))
    (result,) = verify(recorded, {ADAPTER.name: ADAPTER})
    assert result.mismatches == []
    assert (result.cases, result.not_counted) == (cases, not_counted)
    assert result.exact == cases - not_counted
