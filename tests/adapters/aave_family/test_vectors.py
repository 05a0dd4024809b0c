"""The family's arithmetic against the answers of the venue's own contracts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crossmargin.adapters.aave_family.suites import SUITES

COUNTS = {"account": 224, "liquidation": 228}


@pytest.mark.parametrize("suite", sorted(COUNTS))
def test_every_case_is_exact(shared: Path, suite: str) -> None:
    """Every figure of every case equals what the contracts returned, to the last unit."""
    lines = (shared / "vectors" / f"aave-v3.{suite}.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    mismatches = {}
    for case in cases:
        computed = SUITES[suite].compute(case["inputs"])
        found = {name: str(value) for name, value in computed.items()}
        if found != case["expected"]:
            mismatches[case["case"]] = (found, case["expected"])
    assert mismatches == {}
    assert len(cases) == COUNTS[suite]
