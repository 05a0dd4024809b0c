"""What the tests of the outside share: the demo recording, a command runner, hand-written books."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crossmargin.adapters.chain.evidence import Bundle, load_bundle
from crossmargin.api.cli import main

DEMO = Path(__file__).resolve().parents[2] / "api" / "demo" / "recording.json.gz"


@dataclass(frozen=True)
class Run:
    """What one command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; fails where there is anything else."""
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Runs one command of the command line in this process."""

    def runner(*arguments: object) -> Run:
        code = main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return Run(code, written.out, written.err)

    return runner


@pytest.fixture(scope="session")
def recording() -> Path:
    """The bundle that the package ships."""
    return DEMO


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The same, opened."""
    return load_bundle(DEMO)


@pytest.fixture(scope="session")
def owner(bundle: Bundle) -> str:
    """Whose book it is."""
    first: str = bundle.request["query"]["owners"][0]
    return first


def lending(venue: str, debt: str, *, unread: bool = False) -> dict[str, Any]:
    """An account of 10 ETH at 3,000 USD, threshold 83%, against a debt in USDC."""
    collateral: dict[str, Any] = {
        "kind": "spot",
        "asset": "ETH",
        "liquidation_threshold": "0.83",
        "ltv": "0.8",
    }
    if unread:
        collateral["failure"] = {"reason": "call_reverted", "code": "", "detail": "balanceOf"}
    else:
        collateral["quantity"] = "10"
    legs = [collateral, {"kind": "debt", "asset": "USDC", "quantity": debt}]
    return {"venue": venue, "id": "main", "rule": {"kind": "lending"}, "legs": legs}


ACCOUNTS = {
    "ok": lending("safe", "1000"),
    "at_risk": lending("near", "24000"),
    "liquidatable": lending("crossed", "25000"),
    "bad_debt": lending("drowned", "31000"),
    "unknown": lending("unread", "1000", unread=True),
}


@pytest.fixture
def book() -> Callable[..., dict[str, Any]]:
    """A portfolio document with one account in each of the given states."""

    def write(*states: str) -> dict[str, Any]:
        return {
            "schema": "crossmargin/portfolio/1",
            "owner": "desk",
            "as_of": [
                {
                    "chain_id": "eip155:1",
                    "block_number": 1,
                    "block_hash": "0x" + "0" * 63 + "1",
                    "timestamp": "2026-01-01T00:00:00Z",
                }
            ],
            "market": {"spot": {"ETH": "3000", "USDC": "1"}},
            "accounts": [ACCOUNTS[state] for state in states],
        }

    return write


@pytest.fixture
def book_file(tmp_path: Path, book: Callable[..., dict[str, Any]]) -> Callable[..., Path]:
    """The same in a file."""

    def write(*states: str) -> Path:
        path = tmp_path / "book.json"
        path.write_text(json.dumps(book(*states)), encoding="utf-8")
        return path

    return write
