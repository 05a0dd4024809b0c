"""The rule: states, verdicts, scenarios and its document."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given

from crossmargin.adapters.aave_family.maths import debt_balance, price_of, supply_balance
from crossmargin.adapters.aave_family.position import Position
from crossmargin.adapters.aave_family.rule import AaveRule, UnreadRule, leg_id, rule_from_document
from crossmargin.adapters.aave_family.suites import position_of_case
from crossmargin.core.book.health import State
from crossmargin.core.book.model import Asset, Debt, Leg, Spot
from crossmargin.core.book.rule import LegScenarios, Rule
from crossmargin.core.errors import DocumentError, Failure, Reason, RuleError
from crossmargin.core.units import WAD, decimal_of, to_float
from tests.adapters.aave_family.positions import (
    cases,
    configuration,
    position,
    positions,
    reserve,
)


def legs_of(held: Position) -> tuple[list[Leg], LegScenarios]:
    """The legs of a position and one scenario: the venue's own prices today."""
    legs, values = [], []
    for entry in held.reserves:
        asset = Asset(entry.label, entry.label, entry.label)
        decimals, price = entry.config.decimals, to_float(price_of(held, entry), 8)
        supply, owed = supply_balance(held, entry), debt_balance(held, entry)
        legs.append(Leg(leg_id("supply", entry.label), Spot(asset), decimal_of(supply, decimals)))
        legs.append(Leg(leg_id("debt", entry.label), Debt(asset), decimal_of(-owed, decimals)))
        values += [to_float(supply, decimals) * price, -to_float(owed, decimals) * price]
    value = np.array(values).reshape(len(legs), 1)
    return legs, LegScenarios(value, np.ones_like(value), np.ones_like(value))


def pair(supply: int, debt: int, **changes: Any) -> AaveRule:
    """One collateral with threshold 82.5% against one debt, tokens of 1 USD."""
    held = reserve(0, scaled_supply=supply, **changes)
    owed = reserve(1, scaled_debt=debt)
    return AaveRule(position("3.7", held, owed, bitmap=0b0110))


@pytest.mark.parametrize(
    ("supply", "debt", "state", "liquidatable"),
    [
        (0, 0, State.EMPTY, False),
        (10**18, 0, State.NO_DEBT, False),
        (10**20, 82 * 10**18, State.OK, False),
        (10**20, 83 * 10**18, State.LIQUIDATABLE, True),
        (10**20, 101 * 10**18, State.BAD_DEBT, True),
    ],
)
def test_states(supply: int, debt: int, state: State, liquidatable: bool) -> None:
    """The state follows the health factor's limit and the collateral's full value."""
    judgement = pair(supply, debt).judge()
    assert judgement.stored.health.state is state
    assert judgement.stored.liquidatable is judgement.actionable.liquidatable is liquidatable


def test_debt_without_collateral_is_bad_debt_at_zero() -> None:
    """Without collateral health is 0, the state is bad debt, and there is nothing to seize."""
    judgement = pair(0, 10**18).judge()
    assert judgement.stored.health.state is State.BAD_DEBT
    assert judgement.stored.health.value == 0
    assert (judgement.stored.liquidatable, judgement.actionable.liquidatable) == (True, False)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_the_limit_to_one_base_unit(offset: int) -> None:
    """At the threshold the account is healthy; one base unit of debt more, and it is not."""
    rule = pair(10**26, 0)
    owed = reserve(1, configuration=configuration(decimals=8), scaled_debt=825 * 10**13 + offset)
    held = replace(rule.position, reserves=(rule.position.reserves[0], owed))
    judgement = AaveRule(held).judge()
    assert judgement.stored.liquidatable is (offset > 0)
    assert (judgement.figures["healthFactor"] < WAD) is (offset > 0)


def test_a_paused_reserve_is_stored_but_not_actionable() -> None:
    """A paused collateral leaves the venue's state and stops the liquidation."""
    rule = pair(10**20, 83 * 10**18, configuration=configuration(flags=1 << 60))
    judgement = rule.judge()
    assert judgement.stored.liquidatable is True
    assert judgement.actionable.liquidatable is False
    assert judgement.actionable.health.state is State.LIQUIDATABLE
    assert rule.liquidation_blocks() == ["reserve paused"]


def test_an_unread_grace_period_is_not_known() -> None:
    """Where a block may exist but was not read, the actionable verdict is not known."""
    judgement = pair(10**20, 83 * 10**18, grace_until=None).judge()
    assert judgement.stored.liquidatable is True
    assert judgement.actionable.liquidatable is None


def test_the_penalty_is_the_bonus_of_the_largest_collateral() -> None:
    """The penalty is a share of the debt repaid: a bonus of 10500 is 0.05."""
    assert pair(10**20, 10**18).penalty() == Decimal("0.05")
    assert pair(0, 10**18).penalty() is None


def test_scenarios_agree_with_the_recorded_answers(shared: Path) -> None:
    """At today's prices the scenario arithmetic is the contract's health factor to 2e-4.

    The rest is the integer rounding of the average threshold (a basis point up to 3.4).
    """
    compared = 0
    for case in cases(shared, "account"):
        held = position_of_case(case["inputs"])
        found = AaveRule(held).evaluate(*legs_of(held))
        expected = int(case["expected"]["healthFactor"])
        if expected < 10**24:
            compared += 1
            assert found.health[0] == pytest.approx(to_float(expected, 18), rel=2e-4)
            assert bool(found.liquidatable[0]) is (expected < WAD)
    assert compared > 150


@given(positions(("3.5", "3.6", "3.7")))
def test_maintenance_gives_the_same_health(held: Position) -> None:
    """Assets less maintenance over debt is the health factor, and equity is assets less debt."""
    legs, scenarios = legs_of(held)
    found = AaveRule(held).evaluate(legs, scenarios)
    debt = -scenarios.value[scenarios.value < 0].sum()
    assume(debt > 0)
    equity, maintenance = found.equity[0], found.maintenance[0]
    assert (equity + debt - maintenance) / debt == pytest.approx(
        found.health[0], rel=1e-9, abs=1e-6
    )
    assert found.initial[0] >= maintenance - 1e-9 * abs(equity)


def test_scenarios_without_debt_are_infinitely_healthy() -> None:
    """Where nothing is owed health is infinite and nothing is liquidatable."""
    rule = pair(10**18, 0)
    legs, scenarios = legs_of(rule.position)
    found = rule.evaluate(legs, scenarios)
    assert found.health[0] == np.inf
    assert not found.liquidatable[0]


@given(positions())
def test_a_document_rebuilds_the_rule(held: Position) -> None:
    """A rule written as JSON and read back is the same rule with the same judgement."""
    rule = AaveRule(held)
    assert isinstance(rule, Rule)
    read = rule_from_document(json.loads(json.dumps(rule.document())))
    assert read == rule
    assert read.judge() == rule.judge()


def test_an_unread_rule_survives_its_document() -> None:
    """A rule that could not be read says why, before and after its document."""
    rule = UnreadRule(Failure(Reason.NO_PRICE, "call_reverted", "getAssetPrice"))
    read = rule_from_document(json.loads(json.dumps(rule.document())))
    assert read == rule
    judged = rule.judge()
    assert (judged.stored.health.state, judged.actionable.liquidatable) == (State.UNKNOWN, None)
    nothing = np.empty((0, 1))
    with pytest.raises(RuleError, match="no_price"):
        rule.evaluate([], LegScenarios(nothing, nothing, nothing))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("kind",), "morpho", "rule.kind"),
        (("profile",), "9.9", "rule.profile"),
        (("bitmap",), "-1", "rule.bitmap"),
        (("bitmap",), 1.5, "rule.bitmap"),
        (("bitmap",), True, "rule.bitmap"),
        (("bitmap",), str(1 << 256), "rule.bitmap"),
        (("bitmap",), "9" * 10_000, "rule.bitmap"),
        (("base_unit",), "0", "rule.base_unit"),
        (("liquidation_allowed",), "yes", "rule.liquidation_allowed"),
        (("reserves",), {}, "rule.reserves"),
        (("reserves", 0), [], "rule.reserves[0]"),
        (("reserves", 1, "price"), None, "rule.reserves[1].price"),
        (("reserves", 1, "price"), "0", "rule.reserves[1].price"),
        (("reserves", 1, "last_update"), str(1 << 39), "rule.reserves[1].last_update"),
        (("reserves", 1, "label"), 7, "rule.reserves[1].label"),
        (("category",), [], "rule.category"),
        (("category",), {"id": "1"}, "rule.category.isolated"),
        (("failure",), "no", "rule.failure"),
        (("failure",), {"reason": "bored"}, "rule.failure.reason"),
    ],
)
def test_a_broken_document_names_its_field(
    path: tuple[str | int, ...], value: object, field: str
) -> None:
    """A document with a wrong field is refused with the field's path."""
    document = json.loads(json.dumps(pair(10**18, 10**17).document()))
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(DocumentError) as refused:
        rule_from_document(document)
    assert refused.value.field == field
