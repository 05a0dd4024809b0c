"""Aave v4: conformance on synthetic answers of a spoke, its two layouts, and its boundary."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from crossmargin.adapters.chain.call import Contract
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, load_recordings, replay
from crossmargin.adapters.venues.aave_v4 import ADAPTER
from crossmargin.adapters.viewed.rule import ViewedRule
from crossmargin.core.book.health import Parity, State, VenueAnswer
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import Failure, InputError, Reason, RuleError, Severity

from .aave_v4_answers import MAX, RAY, USDC, WBTC, WETH, Reserve, account, recording

RECORDINGS = Path(__file__).parents[1] / "recordings" / "aave-v4"
SPOKE = Contract("aave_v4", "Spoke")


class TestAaveV4(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Synthetic owners: empty, ordinary, many reserves, supply only, liquidatable, bad debt."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot, account, asset):
        """The collateral's price in USD, from the rule's own anchor."""
        assert isinstance(account.rule, ViewedRule)
        assert account.rule.anchor is not None
        return Decimal(account.rule.anchor.raw).scaleb(-account.rule.anchor.decimals)


ETHER = Reserve(WETH, 18, 3_000 * 10**8, supplied=10 * 10**18)
DOLLARS = Reserve(USDC, 6, 10**8, drawn_shares=20_000 * 10**6)
LIMIT = 24_000 * 10**6  # what 10 WETH at 3,000 USD and a factor of 80% allow


def only(one: RecordedAccount) -> MarginAccount:
    """The account of a recording."""
    (found,) = replay(ADAPTER.read(one.request(Facts())), one.replies)[0].accounts
    return found


def state_of(found: MarginAccount) -> State:
    """The state by the venue's rule."""
    assert found.judgement is not None
    return found.judgement.actionable.health.state


def owing(raw: int) -> RecordedAccount:
    """Ten WETH and this much USDC owed."""
    return recording("", [ETHER, replace(DOLLARS, drawn_shares=raw)])


def test_a_raw_unit_of_debt_above_the_limit_can_be_liquidated():
    """The health factor's limit itself is healthy."""
    states = [state_of(only(owing(LIMIT + off))) for off in (-1, 0, 1)]
    assert states == [State.OK, State.OK, State.LIQUIDATABLE]


def test_debt_above_the_collaterals_value_is_bad_debt():
    """One raw unit beyond what the spoke says the collateral is worth."""
    assert state_of(only(owing(30_000 * 10**6))) is State.LIQUIDATABLE
    assert state_of(only(owing(30_000 * 10**6 + 1))) is State.BAD_DEBT


def test_both_layouts_of_the_account_data_are_understood():
    """The debt in rays and the debt in plain values give the same verdict, each under its name."""
    reserves = [ETHER, DOLLARS]
    later, earlier = (only(recording("", reserves, account(reserves, s))) for s in (RAY, 1))
    assert isinstance(later.venue_answer, VenueAnswer)
    assert isinstance(earlier.venue_answer, VenueAnswer)
    assert "totalDebtValueRay" in later.venue_answer.figures
    assert "totalDebtValue" in earlier.venue_answer.figures
    assert state_of(later) is state_of(earlier) is State.OK
    assert later.judgement == earlier.judgement


def test_account_data_that_fits_no_documented_scale_is_unsupported():
    """A debt in another unit is not guessed at: the account is unknown."""
    reserves = [ETHER, DOLLARS]
    values = list(account(reserves))
    for field, value in ((4, values[4] // 10**9), (2, MAX), (1, 2 * 10**18), (2, 10**18)):
        data = tuple(value if at == field else one for at, one in enumerate(values))
        found = only(recording("", reserves, data))
        assert found.failure is not None
        assert found.failure.reason is Reason.UNSUPPORTED_VERSION
        assert state_of(found) is State.UNKNOWN


def test_a_stated_layout_refuses_the_other():
    """Where the deployment pins the scale, account data at the other one is not taken."""
    reserves = [ETHER, DOLLARS]
    found = only(recording("", reserves, account(reserves, 1), {"debt_value": "ray"}))
    assert found.failure is not None
    assert found.failure.reason is Reason.UNSUPPORTED_VERSION
    with pytest.raises(InputError):
        recording("", reserves, None, {"debt_value": "wad"})


def test_the_comparison_is_view_only_and_the_recomputation_is_beside_it():
    """Nothing of ours is compared; that our own arithmetic agrees is a label."""
    found = only(recording("", [ETHER, DOLLARS]))
    assert Parity.between(found.judgement, found.venue_answer).status == "view_only"
    assert found.labels["recomputed"] == "equal"


def test_a_recomputation_that_differs_is_a_note_and_never_the_judgement():
    """The spoke counts a factor of 75% where its config says 80%: its own answer stands."""
    said = account([replace(ETHER, factor=7_500), DOLLARS])
    found = only(recording("", [ETHER, DOLLARS], said))
    assert found.judgement is not None
    assert found.judgement.actionable.health.value == Decimal("1.125")
    assert [(one.severity, one.code) for one in found.problems] == [
        (Severity.NOTE, "recomputed_differs")
    ]
    assert found.judgement.liquidation_prices == ()


def test_positions_and_account_data_must_agree_on_a_debt():
    """A drawn position beside account data without a debt is no healthy account."""
    found = only(recording("", [ETHER, DOLLARS], account([ETHER])))
    assert found.failure is not None
    assert found.failure.reason is Reason.RPC_INCONSISTENT
    assert state_of(found) is State.UNKNOWN


def test_a_supply_that_the_hub_contradicts_is_a_failed_leg():
    """The hub's value of the shares is the second opinion on what was supplied."""
    one = recording("", [ETHER, DOLLARS])
    spoke = one.deployment.contracts["spoke"]
    call = SPOKE.uint(spoke, "getUserSuppliedAssets", 0, one.owner)
    lie = (11 * 10**18).to_bytes(32, "big")
    legs = {leg.id: leg for leg in only(one.with_reply((call.target, call.data), lie)).legs}
    assert isinstance(legs["supply-0"].failure, Failure)
    assert legs["debt-1"].failure is None


def test_premium_debt_is_part_of_what_is_owed():
    """Drawn debt and premium, each rounded up by the spoke, are one leg."""
    reserve = replace(DOLLARS, premium_shares=1_000, premium_offset=999 * RAY + 1)
    legs = {leg.id: leg for leg in only(recording("", [ETHER, reserve])).legs}
    assert legs["debt-1"].quantity == Decimal("-20000.000001")


def test_a_supply_that_is_no_collateral_counts_nothing():
    """It is a leg, and moves no health."""
    idle = Reserve(WBTC, 8, 60_000 * 10**8, supplied=10**8, collateral=False)
    found = only(recording("", [ETHER, DOLLARS, idle]))
    assert [leg.id for leg in found.legs] == ["supply-0", "debt-1", "supply-2"]
    quantity = np.array([[float(leg.quantity)] for leg in found.legs])
    factor = np.array([[1.0], [1.0], [0.5]])
    price = np.array([[3_000.0], [1.0], [60_000.0]]) * factor
    result = found.rule.evaluate(found.legs, LegScenarios(quantity * price, price, factor))
    assert result.health == pytest.approx([1.2])


def test_an_unread_collateral_factor_refuses_scenarios_but_not_the_verdict():
    """The spoke's own health factor stands; how it would move is not known."""
    one = recording("", [ETHER, DOLLARS])
    call = SPOKE.one(one.deployment.contracts["spoke"], "getDynamicReserveConfig", 0, 3)
    lost = Failure(Reason.RPC_UNAVAILABLE, "timeout")
    found = only(one.with_reply((call.target, call.data), lost))
    assert state_of(found) is State.OK
    assert [problem.severity for problem in found.problems] == [Severity.READ]
    ones = np.ones((2, 1))
    with pytest.raises(RuleError):
        found.rule.evaluate(found.legs, LegScenarios(ones, ones, ones))


def test_the_known_reserves_are_read_in_two_rounds():
    """Cold: count, positions, details, hub. Warm: everything in two."""
    one = recording("", [ETHER, DOLLARS])
    facts = Facts()
    rounds = [len(replay(ADAPTER.read(one.request(facts)), one.replies)[1]) for _ in range(2)]
    assert rounds == [4, 2]
