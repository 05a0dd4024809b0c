"""Euler v2's arithmetic: properties, and the edges where the contract rounds or gives up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.venues.euler_v2.maths import (
    Ltv,
    Seizure,
    VaultState,
    accrue,
    check_liquidation,
    debt_of,
    discount_factor,
    owed_exact,
    rpow,
    to_assets_down,
    total_value,
)
from crossmargin.core.errors import RuleError
from crossmargin.core.units import BPS, RAY, WAD

AMOUNT = st.integers(1, 2**100)
RATE = st.integers(0, 291867278914945094175)  # the contract's highest rate per second


def vault(**changes: int) -> VaultState:
    """A vault with a million lent out of two, at about 10% a year, as stored at second 1000."""
    state = {
        "cash": 10**12,
        "total_shares": 2 * 10**12,
        "total_borrows_exact": 10**12 << 31,
        "accumulated_fees": 0,
        "interest_accumulator": RAY,
        "interest_rate": 3 * 10**18,
        "interest_fee": 1000,
        "last_update": 1000,
    }
    return VaultState(**(state | changes))


def test_a_power_is_rounded_half_up_at_each_step() -> None:
    """1.5 ** 3 in tenths: 15 * 15 = 225 becomes 23, and 23 * 15 = 345 becomes 35."""
    assert rpow(15, 3, 10) == 35
    assert (rpow(15, 0, 10), rpow(0, 0, 10), rpow(0, 3, 10)) == (10, 10, 0)


def test_a_power_that_overflows_has_no_value() -> None:
    """The contract reports an overflow where a square or a product leaves 256 bits."""
    assert rpow(2**128, 2, RAY) is None
    assert rpow(3 * RAY, 10**6, RAY) is None


@given(RATE, st.integers(0, 10**9))
def test_a_rate_never_shrinks_a_debt(rate: int, elapsed: int) -> None:
    """Where the power exists it is at least one."""
    power = rpow(RAY + rate, elapsed, RAY)
    assert power is None or power >= RAY


def test_no_time_changes_nothing_and_the_past_is_refused() -> None:
    """Accrual needs time to pass; a block before the last update is an error."""
    assert accrue(vault(), 1000) == vault()
    with pytest.raises(RuleError):
        accrue(vault(), 999)


def test_a_year_of_interest_raises_debt_and_accumulator_alike() -> None:
    """Borrows grow with the accumulator; the fee's shares dilute the lenders by less than that."""
    after = accrue(vault(), 1000 + 31_556_952)
    assert after.interest_accumulator // 10**23 == 10992
    assert after.total_borrows_exact == (10**12 << 31) * after.interest_accumulator // RAY
    interest = debt_of(after.total_borrows_exact) - 10**12
    minted = after.total_shares - vault().total_shares
    assert after.accumulated_fees == minted
    assets = after.cash + debt_of(after.total_borrows_exact)
    assert minted * assets // after.total_shares in range(interest // 10 - 2, interest // 10 + 2)


def test_an_accumulator_that_overflows_stays_where_it_was() -> None:
    """The contract would rather charge nothing than lock the vault."""
    frozen = vault(interest_accumulator=2**255)
    after = accrue(frozen, 5000)
    assert after.interest_accumulator == frozen.interest_accumulator
    assert after.total_borrows_exact == frozen.total_borrows_exact
    assert after.last_update == 5000


def test_debts_beyond_the_contracts_width_are_not_accrued() -> None:
    """Where the grown debt leaves 143 bits the vault keeps its old state and clock."""
    full = vault(total_borrows_exact=(2**112 - 1) << 31)
    assert accrue(full, 10**7) == full


@given(AMOUNT, st.integers(RAY, 10**30), st.integers(RAY, 10**30))
def test_a_debt_grows_with_the_accumulator(owed: int, one: int, other: int) -> None:
    """Accrued from an older accumulator to a newer, a debt is never less than it was."""
    older, newer = sorted((one, other))
    assert owed_exact(owed << 31, newer, older) >= owed << 31
    assert debt_of(owed << 31) == owed
    assert debt_of((owed << 31) + 1) == owed + 1


@given(AMOUNT, AMOUNT, AMOUNT, AMOUNT)
def test_shares_are_worth_their_part_with_the_virtual_deposit(
    shares: int, cash: int, borrows: int, total: int
) -> None:
    """The floor of shares times (assets + 1e6) over (shares + 1e6), the contract's words."""
    worth = to_assets_down(shares, cash, borrows, total)
    exact = shares * (cash + borrows + 10**6)
    assert worth * (total + 10**6) <= exact < (worth + 1) * (total + 10**6)


def test_a_lowered_limit_falls_linearly_and_a_raised_one_at_once() -> None:
    """Half-way the LTV is half-way, floored; a target below the initial LTV is needed to ramp."""
    falling = Ltv(7500, 8000, 8701, 2000, 1000)
    assert [falling.at(time) for time in (1000, 1500, 1999, 2000, 9000)] == [
        8701,
        8350,
        8000,
        8000,
        8000,
    ]
    assert Ltv(7500, 9000, 8700, 2000, 1000).at(1500) == 9000


def test_a_ramp_over_no_time_is_impossible() -> None:
    """Only a false vault returns it: the contract would divide by zero."""
    broken = Ltv(0, 1, 2, 2000, 0)
    assert not broken.possible_at(1999)
    assert broken.possible_at(2000)
    with pytest.raises(RuleError):
        broken.at(1999)


@given(st.lists(st.tuples(AMOUNT, st.integers(0, BPS)), max_size=10))
def test_adjusted_value_is_never_above_the_full_value(pairs: list[tuple[int, int]]) -> None:
    """An LTV of at most one takes value away, and each part is floored by less than one unit."""
    total = total_value(pairs)
    exact = sum(quote * ltv for quote, ltv in pairs)
    assert exact - len(pairs) * BPS <= total * BPS <= exact


def test_values_beyond_256_bits_are_refused() -> None:
    """The contract's checked multiplication reverts: there is no answer."""
    with pytest.raises(RuleError):
        total_value([(2**256 - 1, 2)])


def test_at_the_limit_the_discount_is_nothing_and_it_stops_at_the_maximum() -> None:
    """The discount is one minus the health, at most the vault's maximum."""
    assert discount_factor(100, 100, 1500) == WAD
    assert discount_factor(90, 100, 1500) == WAD * 90 // 100
    assert discount_factor(10, 100, 1500) == WAD * 85 // 100


def test_equality_is_liquidatable_and_one_more_is_not() -> None:
    """At value = liability all may be repaid, at no discount; one unit above, nothing."""
    assert check_liquidation(100, 100, 1500, debt=50, shares=80, quote=200) == Seizure(50, 40)
    assert check_liquidation(101, 100, 1500, debt=50, shares=80, quote=200) == Seizure(0, 0)


def test_worthless_collateral_is_seized_for_nothing() -> None:
    """The contract hands over shares that the oracle values at zero, for no repayment."""
    assert check_liquidation(0, 100, 1500, debt=50, shares=80, quote=0) == Seizure(0, 80)


def test_nothing_owed_is_never_liquidated() -> None:
    """Neither without a debt nor with one worth nothing."""
    assert check_liquidation(0, 0, 1500, debt=1, shares=80, quote=5) == Seizure(0, 0)
    assert check_liquidation(0, 9, 1500, debt=0, shares=80, quote=5) == Seizure(0, 0)


@given(AMOUNT, AMOUNT, st.integers(0, 9999), AMOUNT, AMOUNT, AMOUNT)
def test_a_liquidator_never_takes_more_than_there_is(
    value: int, liability: int, discount: int, debt: int, shares: int, quote: int
) -> None:
    """Repay is at most the debt, yield at most the shares held."""
    seized = check_liquidation(value, liability, discount, debt, shares, quote)
    assert 0 <= seized.repay <= debt
    assert 0 <= seized.yield_shares <= shares
    if value > liability:
        assert seized == Seizure(0, 0)
