"""``margin``, ``venues`` and ``verify``: what needs no chain."""

from __future__ import annotations

import io
import json
import sys

import pytest

from crossmargin.adapters.registry import installed_adapters

# Written out by hand: no interest accrued, 100 shares a unit, so that every figure is visible.
CASE = {
    "venue": "morpho-blue",
    "suite": "account",
    "case": "by-hand",
    "source": "arithmetic",
    "inputs": {
        "timestamp": 1_700_000_000,
        "lltv": "800000000000000000",
        "oracle_price": "2" + "0" * 36,
        "market": {
            "tsa": "0",
            "tss": "0",
            "tba": "0",
            "tbs": "0",
            "last": "1700000000",
            "fee": "0",
        },
        "rateAtTarget": "1268391679",
        "position": {"supplyShares": "0", "borrowShares": "0", "collateral": "1000"},
    },
    "expected": {"borrowAssets": "0", "maxBorrow": "1600", "healthy": True, "supplyAssets": "0"},
}


def cases_file(tmp_path, **changes):
    """A file with one case, some of its expected figures changed."""
    path = tmp_path / "cases.jsonl"
    case = {**CASE, "expected": {**CASE["expected"], **changes}}
    path.write_text(json.dumps(case) + "\n")
    return path


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["ok"], 0),
        (["ok", "at_risk"], 10),
        (["ok", "liquidatable"], 11),
        (["ok", "bad_debt"], 12),
        (["ok", "unknown"], 20),
        (["at_risk", "unknown"], 20),
        (["unknown", "liquidatable", "at_risk"], 11),
        (["liquidatable", "bad_debt", "unknown"], 12),
    ],
)
def test_the_exit_code_is_the_worst_thing_in_the_book(run, book_file, states, code):
    """Bad debt 12, liquidatable 11, something unread 20, at risk 10, else 0: the first that holds."""
    assert run("margin", book_file(*states)).code == code
    assert run("margin", book_file(*states), "--exit-zero").code == 0


def test_an_unread_leg_is_named_and_counts_for_nothing(run, book_file):
    """An unread asset makes the book incomplete and adds nothing to its equity."""
    given = run("margin", book_file("ok", "unknown"), "--json")
    assert given.document["complete"] is False
    assert given.document["equity"] == "28000.00"  # 29,000 of the account that was read, less 1,000
    assert [p["venue"] for p in given.document["problems"] if p["severity"] == "read"] == ["unread"]
    assert "INCOMPLETE" in run("margin", book_file("ok", "unknown")).out


def test_a_document_may_come_from_stdin(run, book, monkeypatch):
    """``-`` reads the same document as a file does."""
    content = json.dumps(book("ok")).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    given = run("margin", "-", "--json")
    assert (given.code, given.document["schema"]) == (0, "crossmargin/margin/1")


def test_an_incomplete_document_stays_incomplete(run, book, tmp_path):
    """A document that says ``complete: false`` is never judged as if everything had been read."""
    path = tmp_path / "book.json"
    path.write_text(json.dumps({**book("ok"), "complete": False}))
    assert run("margin", path).code == 20


def test_venues_lists_what_is_exact_and_where(run):
    """Every installed adapter has at least one deployment and one exact or viewed figure."""
    venues = run("venues", "--json").document["venues"]
    assert {row["venue"] for row in venues} == set(installed_adapters().adapters)
    assert all(row["deployments"] and (row["exact"] or row["view_only"]) for row in venues)
    table = run("venues").out
    assert all(row["venue"] in table for row in venues)


def test_verify_accepts_a_right_case(run, tmp_path):
    """A case whose figures are right is exact and exits 0."""
    given = run("verify", cases_file(tmp_path), "--json")
    suite = given.document["suites"][0]
    assert (given.code, given.document["ok"]) == (0, True)
    assert (suite["cases"], suite["exact"], suite["largest_difference"]) == (1, 1, "0")


def test_verify_names_what_differs(run, tmp_path):
    """One unit too much is a mismatch: exit 4, with the case, the figure and both numbers."""
    given = run("verify", cases_file(tmp_path, maxBorrow="1601"), "--json")
    suite = given.document["suites"][0]
    assert (given.code, given.document["ok"], suite["largest_difference"]) == (4, False, "1")
    assert suite["mismatches"] == [
        {"case": "by-hand", "figure": "maxBorrow", "expected": "1601", "computed": "1600"}
    ]
    assert "MISMATCH morpho-blue case=by-hand" in run("verify", cases_file(tmp_path, healthy=0)).out


def test_verify_of_nothing_is_no_success(run, tmp_path):
    """A file without cases proves nothing."""
    path = tmp_path / "empty.jsonl"
    path.write_text("\n")
    assert run("verify", path).code == 4


@pytest.mark.parametrize("line", ["{", "[]", '{"venue": "aave-v3"}', "nonsense", "\x00"])
def test_verify_names_the_line_that_is_no_case(run, tmp_path, line):
    """A line that is no case is bad input, named by file and line."""
    path = tmp_path / "cases.jsonl"
    path.write_text("\n" + line + "\n")
    given = run("verify", path)
    assert (given.code, given.err.count("\n")) == (2, 1)
    assert "cases.jsonl:2" in given.err


def test_verify_lists_the_suites_it_knows(run, tmp_path):
    """An unknown suite is bad input; the message lists the known ones."""
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({**CASE, "suite": "nope"}))
    given = run("verify", path)
    assert given.code == 2
    assert "morpho-blue.nope" in given.err
    assert "morpho-blue.account" in given.err


def test_every_recorded_case_of_the_installed_venues_is_exact(run, shared):
    """All recorded answers of the venues' own contracts are recomputed to the unit."""
    known = [
        shared / "vectors" / f"{name}.{suite}.jsonl"
        for name, adapter in installed_adapters().adapters.items()
        for suite in adapter.suites
    ]
    given = run("verify", *(path for path in known if path.is_file()), "--json")
    suites = given.document["suites"]
    assert given.code == 0
    assert all(row["exact"] + row["not_counted"] == row["cases"] for row in suites)
    assert sum(row["exact"] for row in suites) >= 506
