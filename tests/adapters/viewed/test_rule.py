"""The rule of a health that was read: its boundary, its scaling, its document."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pytest

from crossmargin.adapters.viewed.document import rule_reader
from crossmargin.adapters.viewed.rule import Counted, PriceAnchor, ViewedRule
from crossmargin.core.book.health import State
from crossmargin.core.book.model import Asset, Debt, Leg, Spot
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import DocumentError, Failure, Reason, RuleError
from crossmargin.core.units import WAD

ETH, BTC = Asset("ETH", "ETH", "ETH"), Asset("BTC", "BTC", "BTC")
USDC = Asset("USDC", "USDC", "USDC", "stable")
LEGS = (
    Leg("a", Spot(ETH), Decimal(1)),
    Leg("b", Spot(BTC), Decimal(1)),
    Leg("c", Debt(USDC), Decimal(-10_000)),
)
PRICES = np.array([[3_000.0], [60_000.0], [1.0]])


def rule(health: int | None, *, owed: bool | None = True, covered: bool = True) -> ViewedRule:
    """One ETH counting 80%, one BTC counting 50%, and 10,000 USDC owed."""
    counted = (
        Counted("a", WAD, 18, 8 * WAD // 10),
        Counted("b", 10**8, 8, WAD // 2),
        Counted("c", 10_000 * 10**6, 6, owed=True),
    )
    anchor = PriceAnchor("ETH", 3_000 * 10**8, 8, "USD")
    return ViewedRule("k", "m", health, owed, covered, counted, anchor)


def scenarios(*columns: tuple[float, float, float]) -> LegScenarios:
    """Factors of ETH, BTC and USDC per scenario."""
    factor = np.array(columns).T
    quantity = np.array([[1.0], [1.0], [-10_000.0]])
    return LegScenarios(quantity * PRICES * factor, PRICES * factor, factor)


def test_the_fast_rule_never_rounds_across_the_limit():
    """A wei above, at and below the limit are told apart although a float cannot."""
    still = scenarios((1.0, 1.0, 1.0))
    verdicts = [bool(rule(WAD + off).evaluate(LEGS, still).liquidatable[0]) for off in (-1, 0, 1)]
    assert verdicts == [True, False, False]


def test_each_collateral_moves_the_health_by_what_it_counts():
    """The limit is 2,400 of ETH and 30,000 of BTC: half of BTC takes 15,000 of 32,400."""
    health = rule(2 * WAD).evaluate(LEGS, scenarios((1, 1, 1), (1, 0.5, 1), (1, 1, 2))).health
    assert health == pytest.approx([2.0, 2 * 17_400 / 32_400, 1.0])


def test_what_is_left_after_the_margin_is_the_health_over_the_debt():
    """Equity less maintenance is what the venue would still let be owed."""
    result = rule(2 * WAD).evaluate(LEGS, scenarios((1.0, 1.0, 1.0)))
    assert result.equity - result.maintenance == pytest.approx([10_000.0])


def test_an_uncovered_debt_is_bad_debt():
    """The venue's own values decide, not the ratio."""
    assert rule(WAD // 2, covered=False).judge().actionable.health.state is State.BAD_DEBT
    assert rule(WAD // 2).judge().actionable.health.state is State.LIQUIDATABLE


def test_nothing_owed_is_no_debt_and_what_is_not_known_is_unknown():
    """The three ways in which there is no number."""
    assert rule(None, owed=False).judge().actionable.health.state is State.NO_DEBT
    assert rule(None).judge().actionable.health.state is State.UNKNOWN
    assert rule(None, owed=None).judge().actionable.health.state is State.UNKNOWN


def test_the_only_collaterals_price_at_the_limit_is_rounded_up():
    """3,000 over a health of 1.1 is 2,727.27…: the lowest healthy price."""
    (price,) = rule(11 * WAD // 10).judge().liquidation_prices
    assert price.raw == 272_727_272_728


def test_an_unread_leg_refuses_every_scenario():
    """A missing amount is not zero."""
    lost = Leg("c", Debt(USDC), Decimal(0), failure=Failure(Reason.RPC_UNAVAILABLE))
    with pytest.raises(RuleError):
        rule(WAD).evaluate((*LEGS[:2], lost), scenarios((1.0, 1.0, 1.0)))


def test_the_document_gives_the_rule_back():
    """Every parameter survives JSON, the unread ones as null."""
    read = rule_reader("k", "m")
    for one in (rule(2 * WAD), rule(None, owed=None), rule(0, covered=False)):
        assert read(json.loads(json.dumps(one.document()))) == one


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("health", "1e18", "health"),
        ("health", "9" * 79, "health"),
        ("owed", 1, "owed"),
        ("empty", "no", "empty"),
        ("counted", [{"leg": "a", "raw": None, "decimals": 18}], "counted[0].raw"),
        ("counted", [{"leg": "", "raw": "1", "decimals": 18}], "counted[0].leg"),
        ("counted", [{"leg": "a", "raw": "1", "decimals": "18"}], "counted[0].decimals"),
        ("anchor", [], "anchor"),
    ],
)
def test_a_wrong_field_is_named(field, value, named):
    """A document that cannot be the rule's says where."""
    with pytest.raises(DocumentError) as refused:
        rule_reader("k", "m")({**rule(WAD).document(), field: value})
    assert refused.value.field == named
