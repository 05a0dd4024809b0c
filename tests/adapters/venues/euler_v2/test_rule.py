"""Euler v2's rule: verdicts at the boundary, what blocks a liquidation, documents, scenarios."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.venues.euler_v2.document import rule_from_document
from crossmargin.adapters.venues.euler_v2.maths import Ltv, Seizure
from crossmargin.adapters.venues.euler_v2.position import Collateral, Token
from crossmargin.adapters.venues.euler_v2.rule import DEBT, EulerRule, figure
from crossmargin.core.book.health import State
from crossmargin.core.book.model import Asset, Debt, Leg, Spot
from crossmargin.core.book.rule import LegScenarios, Rule
from crossmargin.core.errors import DocumentError, RuleError

NOW = 1_800_000_000
WETH, DAI, USD = Token("WETH", 18), Token("DAI", 18), Token("USD", 18)
VAULT = "0x00000000000000000000000000000000000000AA"
CONTROLLER = "0x00000000000000000000000000000000000000BB"


def collateral(value: int, ltv: int = 8000, vault: str = VAULT, **changes: object) -> Collateral:
    """One whole token of collateral of that value, with a settled liquidation LTV."""
    terms = Ltv(max(ltv - 500, 0), ltv, 0, 1, 0)
    held = Collateral(vault, 10**18, 10**18, terms, value, value, WETH)
    return replace(held, **changes)  # type: ignore[arg-type]


def account(value: int, debt: int, **changes: object) -> EulerRule:
    """A debt of that many raw units, each worth one, against one collateral."""
    rule = EulerRule(
        timestamp=NOW,
        controller=CONTROLLER,
        collaterals=(collateral(value),),
        debt_exact=debt << 31,
        mid=debt,
        ask=debt,
        max_discount=1500,
        cool_off_until=0,
        loan=DAI,
        unit=USD,
    )
    return replace(rule, **changes)  # type: ignore[arg-type]


def test_a_rule_obeys_the_protocol() -> None:
    """It is what the core asks rules to be."""
    assert isinstance(account(100, 1), Rule)


@pytest.mark.parametrize(
    ("debt", "liquidatable", "value"),
    [(799, False, "1.001251564455569461"), (800, True, "1"), (801, True, "0.998751560549313358")],
)
def test_equality_is_liquidatable(debt: int, liquidatable: bool, value: str) -> None:
    """1000 at an LTV of 80% carries 799; 800 is liquidatable, and so is 801."""
    actionable = account(1000, debt).judge().actionable
    assert actionable.liquidatable is liquidatable
    assert actionable.health.value == Decimal(value)
    assert actionable.health.state is (State.LIQUIDATABLE if liquidatable else State.OK)


def test_a_healthy_account_is_never_shown_at_the_limit() -> None:
    """One unit in 10**30 above the limit would round to 1, which is liquidatable here."""
    health = account(0, 10**30, collaterals=(collateral(10**30 + 1, 10_000),)).judge().actionable
    assert (health.liquidatable, health.health.value) == (False, 1 + Decimal("1e-18"))


def test_a_borrow_is_checked_at_bid_and_ask() -> None:
    """The figures of the borrow check use the borrow LTV, the bid and the ask."""
    held = collateral(1000, 8000, bid=900)
    figures = account(0, 700, collaterals=(held,), ask=710).judge().figures
    assert figures[figure("accountLiquidity", "false", "collateralValue")] == 900 * 7500 // 10_000
    assert figures[figure("accountLiquidity", "false", "liabilityValue")] == 710
    assert figures[figure("accountLiquidity", "true", "collateralValue")] == 800


def test_a_cool_off_spares_the_account_for_now() -> None:
    """The view says liquidatable, the call reverts until the very second the cool-off ends."""
    cooling = account(1000, 900, cool_off_until=NOW + 1)
    assert (cooling.judge().stored.liquidatable, cooling.judge().actionable.liquidatable) == (
        True,
        False,
    )
    assert cooling.judge().actionable.health.state is State.AT_RISK
    assert cooling.seizure(collateral(1000)) is None
    assert account(1000, 900, cool_off_until=NOW).judge().actionable.liquidatable


def test_a_vault_that_disables_liquidation_spares_the_account() -> None:
    """The verdict of the view stays; the call has no way to be made."""
    judgement = account(1000, 900, disabled=True).judge()
    assert judgement.stored.liquidatable
    assert not judgement.actionable.liquidatable


def test_liabilities_above_all_collateral_are_bad_debt() -> None:
    """Above the full value, not the adjusted one; without collateral the health is zero."""
    assert account(1000, 1000).judge().actionable.health.state is State.LIQUIDATABLE
    assert account(1000, 1001).judge().actionable.health.state is State.BAD_DEBT
    bare = account(0, 5, collaterals=()).judge().actionable.health
    assert (bare.state, bare.value) == (State.BAD_DEBT, 0)


def test_an_ltv_of_zero_covers_nothing_and_can_be_seized() -> None:
    """It keeps an account from bad debt, and checkLiquidation offers it."""
    held = collateral(2000, 0)
    rule = account(0, 1000, collaterals=(held,))
    assert rule.judge().actionable.health.state is State.LIQUIDATABLE
    assert rule.seizure(held) == Seizure(1000, 10**18 * (1000 * 10**18 // (85 * 10**16)) // 2000)


def test_collateral_never_configured_cannot_be_seized() -> None:
    """The vault refuses it: it has no figure, and does not count against bad debt."""
    held = collateral(2000, ltv=0, mid=None, bid=None)
    held = replace(held, ltv=Ltv(0, 0, 0, 0, 0))
    rule = account(0, 1000, collaterals=(held,))
    assert rule.seizure(held) is None
    assert rule.judge().actionable.health.state is State.BAD_DEBT


def test_without_a_controller_nothing_is_owed() -> None:
    """Deposits alone are no_debt; nothing at all is empty."""
    assert EulerRule(NOW, "", (collateral(5),)).judge().actionable.health.state is State.NO_DEBT
    assert EulerRule(NOW, "", ()).judge().actionable.health.state is State.EMPTY


@pytest.mark.parametrize(
    "missing",
    [
        {"debt_exact": None},
        {"mid": None},
        {"collaterals": None},
        {"controller": None, "debt_exact": None},
        {"collaterals": (Collateral(VAULT, 1, 1, Ltv(1, 1, 0, 1, 0)),)},
        {"collaterals": (Collateral(VAULT, None, None, Ltv(1, 1, 0, 1, 0)),)},
        {"collaterals": (Collateral(VAULT, 1, 1, None, 9, 9),)},
    ],
)
def test_whatever_is_missing_makes_the_health_unknown(missing: dict[str, object]) -> None:
    """No part of the rule is guessed."""
    actionable = account(1000, 1, **missing).judge().actionable
    assert (actionable.health.state, actionable.liquidatable) == (State.UNKNOWN, None)


def test_a_vault_that_overflows_has_no_answer() -> None:
    """A quote beyond 256 bits makes the vault revert, and us say so."""
    actionable = account(2**255, 1).judge().actionable
    assert actionable.health.state is State.UNKNOWN


def test_the_liquidation_price_is_exact_to_one_unit() -> None:
    """At the price the account is healthy, one raw unit below it is not; for the debt, above."""
    rule = account(2500 * 10**18 + 7, 1500 * 10**18 + 3)
    prices = {price.asset: price for price in rule.judge().liquidation_prices}
    down, up = prices["WETH"].raw, prices["DAI"].raw
    assert down is not None
    assert up is not None
    for price, expected in ((down, False), (down - 1, True)):
        moved = replace(rule, collaterals=(collateral(price),))
        assert moved.judge().actionable.liquidatable is expected
    debt = 1500 * 10**18 + 3
    for price, expected in ((up, False), (up + 1, True)):
        moved = replace(rule, mid=debt * price // 10**18)
        assert moved.judge().actionable.liquidatable is expected


@given(st.integers(1, 10**24), st.integers(1, 10**24), st.integers(1, 10**24))
def test_one_price_moves_every_collateral_of_its_asset(first: int, second: int, debt: int) -> None:
    """Two vaults of one asset cross together, at a price exact to one unit."""
    parts = [
        collateral(first, 8000, assets=first, shares=first),
        collateral(second, 7000, vault=CONTROLLER, assets=second, shares=second),
    ]
    rule = account(0, debt, collaterals=tuple(parts))
    (down, *_) = rule.judge().liquidation_prices
    assert down.raw is not None
    for price, expected in ((down.raw, False), (down.raw - 1, True)):
        moved = tuple(replace(each, mid=(each.assets or 0) * price // 10**18) for each in parts)
        assert replace(rule, collaterals=moved).judge().stored.liquidatable is expected


def test_an_asset_on_both_sides_has_no_price() -> None:
    """Its price moves both values: no single limit describes it."""
    assert account(1000, 500, loan=WETH).judge().liquidation_prices == ()


def scenarios(factors: list[list[float]], values: list[float]) -> LegScenarios:
    """Legs of these USD values, moved by these factors."""
    factor = np.array(factors)
    price = np.ones_like(factor) * factor
    return LegScenarios(np.array(values).reshape(-1, 1) * factor, price, factor)


def legs(assets: str = "1", debt: str = "500e-18") -> list[Leg]:
    """The collateral's leg and the debt's."""
    weth, dai = Asset("WETH", "WETH", "ETH"), Asset("DAI", "DAI", "DAI", "stable")
    return [
        Leg(VAULT, Spot(weth), Decimal(assets)),
        Leg(DEBT, Debt(dai), -Decimal(debt)),
    ]


def test_scenarios_move_each_side_by_its_own_factor() -> None:
    """Health is the adjusted value over the liability; the limit itself is liquidatable."""
    rule = account(1000, 500)
    moves = scenarios([[1.0, 0.625, 0.5, 1.0], [1.0, 1.0, 1.0, 1.6]], [1000.0, -500.0])
    result = rule.evaluate(legs(), moves)
    assert result.health == pytest.approx([1.6, 1.0, 0.8, 1.0])
    assert list(result.liquidatable[[0, 2]]) == [False, True]
    assert result.equity == pytest.approx([500, 125, 0, 200])
    assert result.maintenance == pytest.approx([200, 125, 100, 200])
    assert result.initial == pytest.approx([250, 156.25, 125, 250])


def test_a_changed_leg_changes_the_answer() -> None:
    """Half the debt repaid doubles the health; no debt left is infinite."""
    rule, still = account(1000, 500), scenarios([[1.0], [1.0]], [1000.0, -500.0])
    assert rule.evaluate(legs(debt="250e-18"), still).health == pytest.approx([3.2])
    assert rule.evaluate(legs(debt="0"), still).health[0] == np.inf
    assert rule.evaluate(legs(assets="0.5"), still).health == pytest.approx([0.8])


def test_an_unread_account_cannot_be_evaluated() -> None:
    """Scenarios need what the verdict needs."""
    with pytest.raises(RuleError):
        account(1000, 500, mid=None).evaluate(legs(), scenarios([[1.0], [1.0]], [1.0, -1.0]))


@given(
    st.integers(1, 10**30),
    st.integers(1, 10**30),
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(0, 2 * 86400),
)
def test_a_rule_survives_its_document(
    value: int, debt: int, ltv: int, initial: int, remaining: int
) -> None:
    """Written as JSON and read back, it is the same rule with the same judgement."""
    terms = Ltv(0, ltv, initial, NOW + remaining, 2 * 86400)
    rule = account(0, debt, collaterals=(collateral(value, ltv=0, vault=VAULT),))
    rule = replace(rule, collaterals=(replace(collateral(value), ltv=terms),))
    again = rule_from_document(json.loads(json.dumps(rule.document())))
    assert (again, again.judge()) == (rule, rule.judge())


def test_an_unread_rule_survives_its_document_too() -> None:
    """Null stays null: it never becomes zero."""
    rule = EulerRule(NOW)
    assert rule_from_document(json.loads(json.dumps(rule.document()))) == rule


Change = Callable[[dict[str, object]], None]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", None),
        ("timestamp", -1),
        ("disabled", 1),
        ("controller", 5),
        ("collaterals", {}),
        ("collaterals", ["0x"]),
        ("collaterals", [{}]),
        ("debt_exact", "1.5"),
        ("debt_exact", str(2**256)),
        ("max_discount", 70000),
        ("mid", True),
        ("loan", {"asset": ""}),
        ("unit", {"asset": "USD", "decimals": 256}),
    ],
)
def test_a_broken_document_names_its_field(field: str, value: object) -> None:
    """Each wrong value is refused, with the place."""
    document = {**account(1000, 500).document(), field: value}
    with pytest.raises(DocumentError) as refused:
        rule_from_document(document)
    assert refused.value.field.startswith(field)


@pytest.mark.parametrize(
    "ltv", [[1, 2, 3], [0, 0, 0, 0, None], [0, 1, 2, NOW + 5, 0], "8000", [70000, 0, 0, 0, 0]]
)
def test_a_broken_ltv_names_its_place(ltv: object) -> None:
    """Five numbers of the contract's widths, and a ramp that runs has a duration."""
    document = json.loads(json.dumps(account(1000, 500).document()))
    document["collaterals"][0]["ltv"] = ltv
    with pytest.raises(DocumentError) as refused:
        rule_from_document(document)
    assert refused.value.field.startswith("collaterals[0].ltv")


def test_a_vault_twice_is_refused() -> None:
    """Its shares would count twice."""
    document = json.loads(json.dumps(account(1000, 500).document()))
    document["collaterals"] *= 2
    with pytest.raises(DocumentError):
        rule_from_document(document)
