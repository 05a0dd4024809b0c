"""Euler v2 against the recorded answers of the venue's own contracts."""

from __future__ import annotations

from pathlib import Path

from crossmargin.adapters.venues.euler_v2 import ADAPTER
from crossmargin.api.verify import read_cases, verify


def test_every_recorded_account_is_exact(shared: Path) -> None:
    """Liquidity both ways and every liquidation preview equal the venue's, to the wei."""
    cases = list(read_cases([shared / "vectors" / "euler-v2.account.jsonl"]))
    (result,) = verify(cases, {ADAPTER.name: ADAPTER})
    assert result.mismatches == []
    assert (result.cases, result.exact, result.largest_difference) == (32, 32, 0)
