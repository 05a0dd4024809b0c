"""Liquidation terms: the close factor and penalty that a liquidator would meet now."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from crossmargin.adapters.aave_family.liquidation import liquidatable_debt
from crossmargin.adapters.aave_family.maths import account_data, debt_balance
from crossmargin.adapters.aave_family.position import Position
from crossmargin.adapters.aave_family.terms import terms_of
from tests.adapters.aave_family.positions import configuration, position, reserve

USD = 10**8


def account(profile: str, supply: int, debt: int) -> Position:
    """One collateral (threshold 80%, bonus 5%) and one debt, both at 1 USD, in whole tokens."""
    word = configuration(ltv=7500, threshold=8000, bonus=10500)
    held = reserve(0, configuration=word, scaled_supply=supply * 10**18, price=USD)
    owed = reserve(1, configuration=word, scaled_debt=debt * 10**18, price=USD)
    return position(profile, held, owed, bitmap=0b0110)


@pytest.mark.parametrize(
    ("profile", "supply", "debt", "close_factor"),
    [
        ("3.0", 1_000, 500, "0.5"),  # half of the reserve's debt above health 0.95
        ("3.0", 1_000, 900, "1"),  # health 0.89
        ("3.6", 1_000, 810, "1"),  # small positions are closed whole
        ("3.6", 100_000, 80_500, "0.5"),  # health 0.994, both sides large
        ("3.7", 100_000, 90_000, "1"),  # health 0.889
    ],
)
def test_the_close_factor_is_the_versions(
    profile: str, supply: int, debt: int, close_factor: str
) -> None:
    """Half or all, by version, size and health; the penalty is the bonus."""
    terms = terms_of(account(profile, supply, debt))
    assert terms is not None
    assert (terms.close_factor, terms.penalty) == (Decimal(close_factor), Decimal("0.05"))
    assert terms.minimum_usd == (None if profile == "3.0" else Decimal(1_000))
    assert terms.bad_debt == ("lenders" if profile == "3.0" else "reserves")


def test_a_liquidatable_account_has_the_close_factor_of_the_call() -> None:
    """Below the limit the share is exactly what the liquidation call would repay at most."""
    held = account("3.6", 100_000, 80_500)
    collateral, debt = held.reserves
    health = account_data(held).health_factor
    most = liquidatable_debt(held, collateral, debt, health)
    terms = terms_of(held)
    assert terms is not None
    assert terms.close_factor == Decimal(most) / Decimal(debt_balance(held, debt))


def test_a_grace_period_ahead_is_stated() -> None:
    """Until it ends nothing is liquidated; one that has passed is not mentioned."""
    held = account("3.6", 1_000, 810)
    ends = held.timestamp + 60
    waiting = replace(held, reserves=tuple(replace(r, grace_until=ends) for r in held.reserves))
    passed = replace(held, reserves=tuple(replace(r, grace_until=1) for r in held.reserves))
    known = [terms_of(each) for each in (waiting, passed)]
    assert [None if each is None else each.grace_until for each in known] == [ends, None]


def test_a_grace_period_of_one_pair_does_not_cover_another() -> None:
    """While some collateral can be seized now no time is stated: nothing waits for the others."""
    held = account("3.6", 1_000, 810)
    collateral, debt = held.reserves
    waiting = replace(collateral, grace_until=held.timestamp + 60)
    spare = replace(collateral, id=2, label="T2", asset="0x3", scaled_supply=10**18)
    both = replace(held, reserves=(waiting, debt, spare), bitmap=0b100110)
    later = replace(spare, grace_until=held.timestamp + 30)
    known = [terms_of(both), terms_of(replace(both, reserves=(waiting, debt, later)))]
    found = [None if each is None else each.grace_until for each in known]
    assert found == [None, held.timestamp + 30]


def test_the_minimum_is_stated_in_usd_only_where_it_is() -> None:
    """In a pool of another base currency the contract's 1000 are not dollars."""
    terms = terms_of(replace(account("3.6", 1_000, 810), base_currency="0xc0"))
    assert terms is not None
    assert terms.minimum_usd is None


@pytest.mark.parametrize(("profile", "penalty"), [("3.5", "0.05"), ("3.6", "0.1")])
def test_a_collateral_that_cannot_be_seized_sets_no_penalty(profile: str, penalty: str) -> None:
    """Up to 3.5 the largest collateral is passed over where its threshold is 0, later it is not."""
    held = account(profile, 1_000, 810)
    word = configuration(ltv=0, threshold=0, bonus=11000)
    dead = reserve(2, configuration=word, scaled_supply=10**22, price=USD)
    terms = terms_of(replace(held, reserves=(*held.reserves, dead), bitmap=0b100110))
    assert terms is not None
    assert terms.penalty == Decimal(penalty)


def test_without_debt_there_are_no_terms() -> None:
    """Nothing to liquidate."""
    assert terms_of(account("3.6", 1_000, 0)) is None
