"""The health and margin documents: names, text numbers, and the sentence of each state."""

import json
from dataclasses import replace

import pytest

from crossmargin.core.book.documents import health_document, margin_document
from crossmargin.core.errors import Failure, Reason

from ..risk.books import ETH, USD, USDC, account, assess, book, debt, lending, perp, perps, spot

HEALTHY = lending("aave-v3", spot("a", ETH, 10), debt("b", USDC, 10_000))
SHORT = perps("gmx-v2", spot("c", USD, 20_000), perp("p", "ETH", -4, 3000))


def numbers(value):
    """Every float inside a JSON value."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in numbers(item)]
    if isinstance(value, list):
        return [found for item in value for found in numbers(item)]
    return [value] if isinstance(value, float) else []


def test_the_margin_document_has_the_contracts_names():
    """Every field that tools outside rely on is present."""
    document = margin_document(assess(book(HEALTHY, SHORT)))
    assert document["schema"] == "crossmargin/margin/1"
    assert {
        "owner", "state", "equity", "haircut_equity", "initial_margin", "maintenance_margin",
        "buffer", "health", "two_day_coverage", "core", "add_ons", "standalone", "accounts",
        "contributions", "worst_scenarios", "greeks", "as_of", "skew_seconds", "complete",
        "problems", "model_version", "evidence_id", "sentence",
    } <= document.keys()  # fmt: skip
    assert {"value", "grid", "expected_shortfall", "floor", "active"} <= document["core"].keys()
    assert document["core"]["expected_shortfall"] is None
    assert document["add_ons"]["fragmentation_2d"] is None
    assert {
        "venue", "id", "holder", "state", "equity", "initial", "maintenance", "health",
        "venue_health", "verdicts", "parity", "core", "coverage", "liquidation",
        "hit_probability",
    } <= document["accounts"][0].keys()  # fmt: skip
    assert document["accounts"][0]["health"]["measure"] == "health factor"
    assert document["accounts"][0]["hit_probability"] == dict.fromkeys(("1d", "2d", "7d", "30d"))


def test_the_health_document_has_no_risk_figures():
    """The short answer carries states and health, and leaves the model's account figures out."""
    document = health_document(assess(book(HEALTHY)))
    assert document["schema"] == "crossmargin/health/1"
    assert document["portfolio_health"]["state"] == "ok"
    assert not {"core", "coverage", "liquidation"} & document["accounts"][0].keys()


def test_documents_hold_no_float_and_are_strict_json():
    """Amounts are text; neither NaN nor Infinity can appear."""
    for held in ((), (HEALTHY,), (HEALTHY, SHORT), (account("w", spot("a", ETH, 1)),)):
        report = assess(book(*held))
        for document in (health_document(report), margin_document(report)):
            assert numbers(document) == []
            json.dumps(document, allow_nan=False)


def test_contributions_in_text_sum_to_core():
    """The printed contributions add up to the printed CORE within the last digit of each."""
    document = margin_document(assess(book(HEALTHY, SHORT)))
    total = sum(float(part["value"]) for part in document["contributions"])
    assert total == pytest.approx(float(document["core"]["value"]), abs=3e-6)


def failed(held):
    """The account as it is when its venue could not be read."""
    return replace(held, failure=Failure(Reason.RPC_UNAVAILABLE, "timeout"))


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        (
            [HEALTHY],
            "Nothing can be liquidated now. First to go: Aave v3, if ETH falls to 1,204.9 (-59.8%).",
        ),
        (
            [SHORT],
            "Nothing can be liquidated now. First to go: GMX v2, if ETH rises to 7,877.1 (+162.5%).",
        ),
        (
            [lending("aave-v3", spot("a", ETH, 10), debt("b", USDC, 26_000))],
            "Aave v3 can be liquidated now.",
        ),
        (
            [lending("aave-v3", spot("a", ETH, 1), debt("b", USDC, 5_000)), HEALTHY],
            "Aave v3 (1) owes more than it holds: short by $2,000.00.",
        ),
        (
            [HEALTHY, failed(SHORT)],
            "Nothing we could read can be liquidated now. GMX v2 is unknown.",
        ),
        ([account("w", spot("a", ETH, 1))], "Nothing borrowed or short."),
        ([], "No position found."),
    ],
)
def test_the_answer_in_words(accounts, expected):
    """Each state has its sentence, with the nearest crossing where nothing is broken yet."""
    assert health_document(assess(book(*accounts)))["sentence"] == expected


def test_nothing_unknown_is_printed_as_a_number():
    """With an unread venue the totals are null and the problem names its place."""
    document = margin_document(assess(book(HEALTHY, failed(SHORT))))
    assert document["state"] == "unknown"
    assert document["complete"] is False
    for name in ("equity", "initial_margin", "maintenance_margin", "buffer", "free", "score"):
        assert document[name] is None
    assert document["core"]["value"] is None
    assert document["two_day_coverage"] == {"value": None, "binding": "gmx-v2"}
    problem = next(item for item in document["problems"] if item["severity"] == "read")
    assert (problem["venue"], problem["reason"]) == ("gmx-v2", "rpc_unavailable")
