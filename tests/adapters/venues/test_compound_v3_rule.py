"""Compound v3's arithmetic and rule by themselves: boundaries, accrual, absorption, documents."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.venues.compound_v3.document import rule_from_document
from crossmargin.adapters.venues.compound_v3.maths import (
    Collateral,
    Curve,
    Rates,
    Totals,
    absorb,
    accrue,
    entered_assets,
    present_value,
    principal_value,
    quote_collateral,
    utilisation,
)
from crossmargin.adapters.venues.compound_v3.rule import Base, CompoundRule, Held
from crossmargin.core.book.health import Health, State
from crossmargin.core.book.model import Asset, Debt, Leg, Spot
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import DocumentError, RuleError

WAD = 10**18
NOW = 1_800_000_000
CURVE = Curve(8 * WAD // 10, 5 * 10**8, 10**9, 5 * 10**10)
RATES = Rates(Curve(8 * WAD // 10, 0, 10**9, 4 * 10**10), CURVE)
TOTALS = Totals(10**15, 10**15, 10**13, 9 * 10**12, NOW)
ETH = Collateral(10 * WAD, 2000 * 10**8, WAD, 8 * WAD // 10, 85 * WAD // 100, 95 * WAD // 100)
DEBT_OF_ETH = 17_000 * 10**6  # 10 ETH at 2000 with 85%: exactly at the limit


def rule(principal: int = -DEBT_OF_ETH, **changes: Any) -> CompoundRule:
    """A borrower of USDC at 1 USD against 10 ETH, at its limit unless changed."""
    held = (Held(0, "WETH", ETH),)
    base = Base("USDC", 10**8, 10**6)
    return replace(CompoundRule(NOW, "USD", principal, TOTALS, RATES, base, held), **changes)


def with_price(of: CompoundRule, index: int, price: int) -> CompoundRule:
    """The rule with the price of one collateral replaced."""
    held = list(of.collaterals or ())
    state = held[index].state
    assert state is not None
    held[index] = replace(held[index], state=replace(state, price=price))
    return replace(of, collaterals=tuple(held))


def is_liquidatable(of: CompoundRule) -> bool | None:
    """What absorb would find."""
    return of.judge().actionable.liquidatable


collaterals = st.builds(
    Collateral,
    balance=st.integers(1, 10**27),
    price=st.integers(1, 10**14),
    scale=st.sampled_from([1, 100, 10**6, 10**8, 10**18]),
    borrow_factor=st.just(0),
    liquidate_factor=st.integers(1, 10**4).map(lambda bps: bps * 10**14),
    liquidation_factor=st.integers(0, 10**4).map(lambda bps: bps * 10**14),
)
accounts = st.builds(
    lambda owed, held, price, idle: rule(
        -owed,
        base=Base("USDC", price, 10**6),
        collaterals=tuple(Held(i, f"T{i}", state) for i, state in enumerate(held)),
        timestamp=NOW + idle,
    ),
    st.integers(1, 10**16),
    st.lists(collaterals, min_size=1, max_size=4),
    st.integers(1, 10**9),
    st.integers(0, 10**8),
)


def test_equality_is_healthy_and_one_unit_more_is_not():
    """Liquidatable is strictly below zero liquidity: the debt at the limit stands."""
    at, above = rule(), rule(-DEBT_OF_ETH - 1)
    assert (is_liquidatable(at), is_liquidatable(above)) == (False, True)
    assert at.judge().actionable.health == Health(Decimal(1).scaleb(0), State.OK)


@given(accounts)
def test_the_liquidation_price_is_where_the_verdict_flips(of):
    """At the price the account is healthy, one raw unit below it is not, one above it is."""
    for index, price in enumerate(of.judge().liquidation_prices[: len(of.collaterals)]):
        if price.raw is not None:
            verdicts = [is_liquidatable(with_price(of, index, price.raw + d)) for d in (-1, 0, 1)]
            assert verdicts == [True, False, False]


@given(accounts)
def test_the_base_price_flips_above_its_limit(of):
    """The debt's own price: healthy at the price given, liquidatable one raw unit above."""
    upper = of.judge().liquidation_prices[-1:]
    for price in (one for one in upper if one.side == "up"):
        verdicts = [
            is_liquidatable(replace(of, base=replace(of.base, price=price.raw + step)))
            for step in (0, 1)
        ]
        assert verdicts == [False, True]


def test_a_market_in_another_unit_has_no_price_of_its_base():
    """Where the base asset is the unit its price is a constant: only collaterals can move."""
    sides = [price.side for price in rule(unit="ETH").judge().liquidation_prices]
    assert sides == ["down"]


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_accrual_never_falls_with_time(first, second):
    """Both indices grow with the seconds since the last accrual, in one linear step."""
    early, late = sorted((first, second))
    at_early, at_late = (accrue(TOTALS, RATES, NOW + seconds) for seconds in (early, late))
    assert at_early.base_borrow_index <= at_late.base_borrow_index
    assert at_early.base_supply_index <= at_late.base_supply_index
    rate = RATES.borrow.rate(utilisation(TOTALS))
    assert at_late.base_borrow_index == 10**15 + 10**15 * rate * late // WAD


def test_a_curve_bends_at_its_kink():
    """The low slope counts up to the kink inclusive, the high slope only what lies above it."""
    at_kink = 5 * 10**8 + 8 * 10**8
    assert CURVE.rate(CURVE.kink) == at_kink
    assert CURVE.rate(CURVE.kink + WAD // 10) == at_kink + 5 * 10**9


def test_utilisation_of_an_empty_market_is_zero():
    """Nothing supplied: the contract answers 0, it does not divide."""
    assert utilisation(replace(TOTALS, total_supply_base=0)) == 0


@pytest.mark.parametrize(
    ("totals", "elapsed"),
    [(TOTALS, -1), (replace(TOTALS, base_borrow_index=2**64 - 1), 1), (TOTALS, 10**30)],
    ids=["before the last accrual", "index at its width", "beyond 64 bits"],
)
def test_accrual_refuses_what_the_contract_reverts_on(totals, elapsed):
    """A clock that runs backwards and an index beyond its width have no answer."""
    with pytest.raises(RuleError):
        accrue(totals, RATES, NOW + elapsed)


@given(st.integers(-(10**25), 10**25), st.integers(10**15, 10**16), st.integers(10**15, 10**16))
def test_principal_rounds_against_the_account(balance, supply_index, borrow_index):
    """A balance turned into principal and back is never better for the account."""
    totals = replace(TOTALS, base_supply_index=supply_index, base_borrow_index=borrow_index)
    again = present_value(principal_value(balance, totals), totals)
    assert again <= balance if balance >= 0 else abs(again) >= abs(balance)


def test_the_bits_reach_24_assets_only_with_the_extended_list():
    """Assets 16 to 23 stand in the reserved byte; an older implementation never looks there."""
    assert entered_assets(0b101, 0b10000001, 24, 24) == [0, 2, 16, 23]
    assert entered_assets(0b101, 0b10000001, 15, 15) == [0, 2]
    assert entered_assets(0b101, 0b10000001, 17, 24) == [0, 2, 16]


def test_absorb_credits_the_collateral_at_its_liquidation_factor():
    """10 ETH at 1900 and 95% pay 18,050 USDC: the debt of 17,000 is gone, 1,050 remain."""
    outcome = with_price(rule(), 0, 1900 * 10**8).absorption()
    assert outcome.seized == (10 * WAD,)
    assert outcome.balance == 1_050 * 10**6
    assert outcome.base_paid_out == 18_050 * 10**6
    assert outcome.value_of_base_paid_out == 18_050 * 10**8


def test_absorb_forgives_what_the_collateral_does_not_cover():
    """Bad debt: nothing remains, nothing is owed, and the state says bad debt."""
    sunk = with_price(rule(), 0, 1000 * 10**8)
    assert (sunk.absorption().principal, sunk.absorption().balance) == (0, 0)
    assert sunk.judge().actionable.health.state is State.BAD_DEBT


def test_absorb_of_a_healthy_account_is_refused():
    """The contract reverts; there is no outcome to state."""
    with pytest.raises(RuleError):
        rule().absorption()


def test_absorb_counts_the_interest_up_to_the_block():
    """The outcome starts from the accrued debt, not from the stored one."""
    idle = rule(timestamp=NOW + 86_400 * 60)
    accrued = accrue(TOTALS, RATES, idle.timestamp)
    outcome = absorb(-DEBT_OF_ETH, accrued, [ETH], 10**8, 10**6)
    assert idle.judge().stored.liquidatable is False
    assert idle.absorption() == outcome
    assert outcome.balance == 19_000 * 10**6 + present_value(-DEBT_OF_ETH, accrued)


def test_a_quote_of_seized_collateral_is_discounted():
    """Half of the 5% penalty goes to the buyer: 1,950 USDC buy one ETH at 2,000."""
    assert quote_collateral(ETH, 1_950 * 10**6, 10**8, 10**6, WAD // 2) == WAD


def test_the_penalty_is_what_the_largest_collateral_loses():
    """1 minus the liquidation factor of the most valuable collateral; unknown if one is."""
    small = replace(ETH, balance=WAD, liquidation_factor=0)
    two = rule(collaterals=(Held(0, "A", small), Held(1, "WETH", ETH)))
    assert two.penalty() == Decimal("0.05")
    assert rule(collaterals=(Held(0, "A", None), Held(1, "WETH", ETH))).penalty() is None


def test_a_debt_that_is_worth_nothing_is_not_liquidatable():
    """The value truncates toward zero: dust of an asset without a price unit is no debt."""
    dust = rule(-1, base=Base("X", 1, 10**18), collaterals=())
    assert is_liquidatable(dust) is False
    assert dust.judge().figures["borrowBalanceOf"] == 1


def test_no_collateral_with_a_debt_is_bad_debt_of_zero():
    """Nothing held and something owed: value 0, never an empty account."""
    health = rule(collaterals=()).judge().actionable.health
    assert health == Health(Decimal("0").scaleb(-18), State.BAD_DEBT)


@pytest.mark.parametrize(
    "missing",
    [
        {"principal": None},
        {"totals": None},
        {"rates": None},
        {"base": Base("USDC", None, 10**6)},
        {"base": Base("USDC", 10**8, None)},
        {"collaterals": None},
        {"collaterals": (Held(0, "WETH", None),)},
    ],
    ids=lambda missing: next(iter(missing)),
)
def test_whatever_is_missing_the_verdict_is_unknown(missing):
    """No absent number is taken as zero: absorb's verdict is unknown and evaluate refuses."""
    partial = rule(**missing)
    judgement = partial.judge()
    assert judgement.actionable.health.state is State.UNKNOWN
    assert judgement.actionable.liquidatable is None
    assert judgement.liquidation_prices == ()
    again = rule_from_document(json.loads(json.dumps(partial.document())))
    assert again == partial


@given(accounts)
def test_a_document_gives_the_rule_back(of):
    """Written to JSON and read again, a rule is equal."""
    assert rule_from_document(json.loads(json.dumps(of.document()))) == of


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("timestamp", None),
        ("unit", ""),
        ("principal", "1.5"),
        ("totals.base_supply_index", "-1"),
        ("totals.pause_flags", None),
        ("rates.borrow", None),
        ("rates.supply.kink", True),
        ("base", None),
        ("base.scale", "0"),
        ("base.price", "9" * 79),
        ("collaterals", "WETH"),
        ("collaterals.0.index", None),
        ("collaterals.0.asset", 7),
        ("collaterals.0.state.scale", 0),
        ("collaterals.0.state.balance", None),
    ],
)
def test_a_broken_document_names_its_field(path, value):
    """Every field is checked, and the error says which one is wrong."""
    document: Any = json.loads(json.dumps(rule().document()))
    *parents, last = path.split(".")
    place = document
    for parent in parents:
        place = place[int(parent) if parent.isdigit() else parent]
    place[last] = value
    with pytest.raises(DocumentError) as caught:
        rule_from_document(document)
    named = path.replace(".0", "[0]")
    assert caught.value.field.startswith(named.rsplit(".", 1)[0] if value is None else named)


def legs(owed: str = "17000") -> list[Leg]:
    """The rule's account as legs, with some base that is supplied elsewhere beside it."""
    usdc, weth = Asset("USDC", "USDC", "USDC", "stable", 6), Asset("WETH", "WETH", "ETH")
    return [
        Leg("base", Debt(usdc), -Decimal(owed)),
        Leg("collateral-0", Spot(weth), Decimal(10)),
        Leg("other", Spot(usdc), Decimal(5000)),
    ]


def scenarios(*moves: float) -> LegScenarios:
    """ETH moved by each factor, at 2000 USD, with USDC at 1 USD."""
    factor = np.array([np.ones(len(moves)), moves, np.ones(len(moves))])
    value = np.array([[-17000.0], [20000.0], [5000.0]]) * factor
    return LegScenarios(value, value, factor)


def test_scenarios_move_health_with_the_collateral_and_never_across_the_limit():
    """At the limit it is healthy to the last bit; 1% lower it is not, 1% higher it is."""
    result = rule().evaluate(legs(), scenarios(1.0, 0.99, 1.01))
    assert result.health.tolist() == pytest.approx([1.0, 0.99, 1.01], rel=1e-15)
    assert result.liquidatable.tolist() == [False, True, False]
    assert rule().evaluate(legs("17000.000001"), scenarios(1.0)).liquidatable.tolist() == [True]


def test_requirements_are_what_the_factors_leave_uncounted():
    """Initial uses the borrow factor, maintenance the liquidate factor; base supply backs nothing."""
    result = rule().evaluate(legs(), scenarios(1.0))
    assert result.equity.tolist() == [8000.0]
    assert result.initial.tolist() == pytest.approx([20000 * 0.20 + 5000])
    assert result.maintenance.tolist() == pytest.approx([20000 * 0.15 + 5000])


def test_without_a_debt_health_is_infinite():
    """Nothing is owed: no scenario can liquidate."""
    result = rule(10**6).evaluate(legs()[1:], scenarios(0.01))
    assert result.health.tolist() == [np.inf]
    assert result.liquidatable.tolist() == [False]


def test_evaluate_refuses_what_was_not_read():
    """A missing price or amount is an error, never a number."""
    for partial in (rule(base=Base("USDC", None, 10**6)), rule(collaterals=None)):
        with pytest.raises(RuleError):
            partial.evaluate(legs(), scenarios(1.0))
