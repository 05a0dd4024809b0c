"""The worked document of the specification, end to end: document to report."""

import json
from dataclasses import replace

import pytest

from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.api.document import read_document
from crossmargin.core.book.health import State

from .books import USDC, assess


@pytest.fixture(scope="module")
def document(shared):
    """The portfolio document of design.md 6.3, its elided address and hash filled in."""
    text = (shared / "design.md").read_text(encoding="utf-8")
    section = text[text.index("### 6.3") :]
    start = section.index("```json") + len("```json")
    raw = json.loads(section[start : section.index("```", start)])
    raw["owner"] = "0x" + "11" * 20
    raw["as_of"][0]["block_hash"] = "0x" + "00" * 32
    return raw


@pytest.fixture(scope="module")
def book(document):
    """The document as a book; the stablecoin is declared, whatever the registry ships."""
    return read_document(document, bundled_tokens().extended([USDC]), {})


@pytest.fixture(scope="module")
def report(book):
    """The margin report of the worked book."""
    return assess(book)


def by_venue(report):
    """The report's accounts by venue."""
    return {account.venue: account for account in report.accounts}


def test_core_is_the_gross_floor(report):
    """The worst scenario is +400% with 1,802; 15% of 12,713 gross is more and sets CORE at 1,907."""
    assert report.worst_scenarios[0].loss == pytest.approx(1802, abs=1)
    assert "+400%" in report.worst_scenarios[0].reason
    assert report.core is not None
    assert report.core.grid == pytest.approx(1802, abs=1)
    assert report.core.gross == pytest.approx(12_713, abs=5)
    assert report.core.value == pytest.approx(1907, abs=1)
    assert report.core.active == "floor"


def test_worst_scenario_splits_into_accounts(report):
    """In the worst scenario Aave earns 4,800 while GMX, Derive and the vault lose."""
    parts = [part.value for part in report.worst_scenarios[0].contributions]
    assert parts == pytest.approx([-4800, 1920, 4641, 41], abs=1)
    assert sum(parts) == pytest.approx(report.worst_scenarios[0].loss, abs=1e-9)
    assert sum(part.value for part in report.contributions) == pytest.approx(
        report.core.value, abs=1e-9
    )


def test_equities_and_rule_requirements(report):
    """Equity is 15,000 / 2,000 / 5,019 / 1,027 and the venues ask 9,090 in total."""
    assert [account.equity for account in report.accounts] == pytest.approx(
        [15_000, 2_000, 5_019, 1_027], abs=1
    )
    assert report.equity == pytest.approx(23_046, abs=1)
    assert report.standalone.rule_initial_sum == pytest.approx(9_090, abs=1)
    assert [account.maintenance for account in report.accounts] == pytest.approx(
        [5_100, 187, 2_250, 0], abs=1
    )


def test_own_health_is_in_the_venues_measure(report):
    """Aave's native health factor is 1.66, GMX's equity over maintenance 10.68, Derive's 2.23."""
    found = by_venue(report)
    assert float(found["aave-v3"].health.value) == pytest.approx(1.66, abs=1e-9)
    assert float(found["gmx-v2"].health.value) == pytest.approx(10.68, abs=0.01)
    assert float(found["derive-v2"].health.value) == pytest.approx(2.23, abs=0.01)
    assert found["opyn-gamma"].health.state is State.NO_DEBT


def eth_range(account):
    """The account's liquidation prices along ETH."""
    return next(one for one in account.liquidation if one.underlying == "ETH")


def test_liquidation_prices(report):
    """Aave breaks at 1,807.2 down, GMX at 3,446.2 up, Derive (sticky volatility) at 3,487 up."""
    found = by_venue(report)
    aave, gmx = eth_range(found["aave-v3"]), eth_range(found["gmx-v2"])
    derive = eth_range(found["derive-v2"])
    assert aave.down == pytest.approx(1807.2, abs=1)
    assert aave.up is None
    assert gmx.up == pytest.approx(3446.2, abs=1)
    assert gmx.down is None
    assert derive.up == pytest.approx(3487, abs=1)
    assert derive.down is None
    assert gmx.percent(gmx.up) == pytest.approx(14.87, abs=0.01)
    assert gmx.sigmas(gmx.up) == pytest.approx(3.095, abs=0.01)
    assert found["opyn-gamma"].liquidation == ()


def test_parametric_volatility_breaks_derive_sooner(book):
    """When volatility follows the price, Derive breaks at 3,465."""
    report = assess(replace(book, model={**book.model, "vol_response": "parametric"}))
    assert eth_range(by_venue(report)["derive-v2"]).up == pytest.approx(3465, abs=1)


def test_standalone_cores_bind_gmx(report):
    """Each account's own CORE is met except GMX's, which names the two-day coverage.

    Without filtered history GMX's own CORE is grid and peg rows: 1,920 + 100.
    """
    assert [account.core for account in report.accounts] == pytest.approx(
        [4800, 2020, 4641, 952], abs=1
    )
    assert report.two_day_coverage.binding == "gmx-v2"
    assert report.two_day_coverage.value == pytest.approx(2000 / 2020, abs=1e-9)
    assert by_venue(report)["opyn-gamma"].coverage is None
    assert by_venue(report)["gmx-v2"].state is State.AT_RISK
    assert report.state is State.AT_RISK
    assert report.portfolio_health.state is State.OK


def test_greeks(report):
    """Net delta is +0.18 ETH and net vega -276 USD per 1.00 of volatility."""
    assert report.greeks["ETH"].delta == pytest.approx(0.18, abs=0.005)
    assert report.greeks["ETH"].vega == pytest.approx(-276, abs=1)


def test_missing_parts_are_said_and_do_not_make_it_incomplete(report):
    """Parts of the model that are not built are model problems; the answer is still complete."""
    codes = {problem.code for problem in report.problems}
    assert {"filtered_history", "fragmentation", "technical_scenarios"} <= codes
    assert report.complete


def test_margins_are_core_and_add_ons(report):
    """IM is CORE and the add-ons, MM is 80% of CORE and the add-ons."""
    add_ons = report.add_ons.total
    assert report.initial_margin == pytest.approx(report.core.value + add_ons)
    assert report.maintenance_margin == pytest.approx(0.8 * report.core.value + add_ons)
