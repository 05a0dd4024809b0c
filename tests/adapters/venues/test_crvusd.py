"""crvUSD: conformance on loans recorded from its real contracts, and its own rules."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from crossmargin.adapters.chain.call import Contract
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, load_recordings, replay
from crossmargin.adapters.venues.crvusd import ADAPTER
from crossmargin.adapters.venues.crvusd.maths import LoanState, full_health
from crossmargin.adapters.venues.crvusd.rule import CrvusdRule
from crossmargin.adapters.viewed.rule import Counted
from crossmargin.core.book.health import Parity, State
from crossmargin.core.book.model import Asset, Debt, Leg, MarginAccount, Spot
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import DocumentError, Reason, RuleError
from crossmargin.core.units import WAD

RECORDINGS = Path(__file__).parents[1] / "recordings" / "crvusd"
CONTROLLER = Contract("crvusd", "Controller")


class TestCrvusd(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Five owners of a local chain: empty, ordinary, converting, liquidatable, bad debt."""
        return load_recordings(RECORDINGS)

    def test_the_fast_rule_flips_where_the_exact_one_does(self, adapter, recordings):
        """Exempt, never to be had: the venue's health depends on the path of prices, so that no
        exact liquidation price exists. No recording may claim one."""
        for recording in recordings:
            for account in answer(recording).accounts:
                assert account.judgement is not None
                assert account.judgement.liquidation_prices == ()


def recorded(name: str) -> RecordedAccount:
    """The recorded owner of that name."""
    return next(one for one in load_recordings(RECORDINGS) if one.name == name)


def answer(recording: RecordedAccount):
    """What the adapter makes of a recording, on cold facts."""
    return replay(ADAPTER.read(recording.request(Facts())), recording.replies)[0]


def only(name: str) -> MarginAccount:
    """The only account of a recording."""
    (account,) = answer(recorded(name)).accounts
    return account


def test_a_view_only_account_says_so():
    """What the venue's view said is repeated, and the comparison is labelled view_only."""
    account = only("3-soft-liquidation")
    assert Parity.between(account.judgement, account.venue_answer).status == "view_only"


def test_soft_liquidation_is_a_status_and_its_legs_are_what_the_controller_says():
    """A loan that is being converted holds collateral, stablecoin and debt as user_state has them."""
    account = only("3-soft-liquidation")
    assert account.labels["status"] == "soft_liquidation"
    recording = recorded("3-soft-liquidation")
    call = CONTROLLER.one(account.id.lower(), "user_state", recording.owner)
    reply = recording.replies[call.target, call.data]
    assert isinstance(reply, bytes)
    raw = {leg.id: leg.raw.value for leg in account.legs if leg.raw is not None}
    state = [int.from_bytes(reply[at : at + 32], "big") for at in range(0, 96, 32)]
    assert [raw["collateral"], raw["stablecoin"], raw["debt"]] == state


def test_a_loan_above_its_bands_is_not_in_soft_liquidation():
    """Two markets, one of a token with 8 decimals: both loans are whole and healthy."""
    accounts = answer(recorded("2-ordinary")).accounts
    assert [account.labels["status"] for account in accounts] == ["above_bands"] * 2
    assert {account.labels["pair"] for account in accounts} == {"WETH/crvUSD", "WBTC/crvUSD"}


def test_an_answer_that_does_not_fit_its_parts_is_unknown():
    """A health that does not follow from the AMM's own parts is no judgement."""
    recording = recorded("4-liquidatable")
    (truth,) = answer(recording).accounts
    call = CONTROLLER.one(truth.id.lower(), "health", recording.owner, True)
    lie = (WAD).to_bytes(32, "big")
    (account,) = answer(recording.with_reply((call.target, call.data), lie)).accounts
    assert account.failure is not None
    assert account.failure.reason is Reason.RPC_INCONSISTENT
    assert account.judgement is not None
    assert account.judgement.actionable.health.state is State.UNKNOWN


def test_the_health_is_liquidatable_below_zero_and_healthy_at_it():
    """One wei of health below 0 can be liquidated; 0 cannot."""
    verdicts = [rule(WAD + health).judge().actionable for health in (-1, 0, 1)]
    assert [one.liquidatable for one in verdicts] == [True, False, False]


def test_a_collateral_above_the_bands_counts_beyond_them():
    """The controller's formula: what the bands give, discounted, and the surplus price above them."""
    loan = LoanState(
        collateral=10**8,
        debt=50_000 * WAD,
        x_down=50_000 * WAD,
        price=60_000 * WAD,
        upper_price=55_000 * WAD,
        first_band=3,
        active_band=2,
        collateral_decimals=8,
        borrowed_decimals=18,
    )
    assert full_health(loan, WAD // 10) == 0


def rule(health: int, slope: int | None = None, banded: int | None = None) -> CrvusdRule:
    """A rule over one WETH and 1,000 crvUSD owed."""
    counted = (Counted("collateral", WAD, 18), Counted("debt", 1_000 * WAD, 18, owed=True))
    return CrvusdRule("crvusd", "m", health, True, True, counted, slope=slope, banded=banded)


def legs(debt: int = 1_000) -> tuple[Leg, ...]:
    """The legs of ``rule``."""
    weth, stable = Asset("WETH", "WETH", "ETH"), Asset("crvUSD", "crvUSD", "crvUSD", "stable")
    return (
        Leg("collateral", Spot(weth), Decimal(1)),
        Leg("debt", Debt(stable), Decimal(-debt)),
    )


def moved(*factors: float, debt: int = 1_000) -> LegScenarios:
    """WETH at 2,000 USD times each factor."""
    factor = np.array([factors, np.ones(len(factors))])
    price = np.array([[2_000.0], [1.0]]) * factor
    return LegScenarios(np.array([[1.0], [-float(debt)]]) * price, price, factor)


def test_above_the_bands_the_health_moves_on_the_venues_line():
    """Health 1.5, worth twice the debt: a tenth of the price is 0.2, whichever the direction."""
    health = rule(3 * WAD // 2, 2 * WAD, 6 * WAD // 5).evaluate(legs(), moved(1.1, 1.0, 0.9)).health
    assert health == pytest.approx([1.7, 1.5, 1.3])


def test_below_the_bands_edge_the_health_is_scaled_from_the_edge():
    """The edge is at 85% of the price, where the bands give 1.2; half of that price gives 0.6."""
    health = rule(3 * WAD // 2, 2 * WAD, 6 * WAD // 5).evaluate(legs(), moved(0.85, 0.425)).health
    assert health == pytest.approx([1.2, 0.6])


def test_inside_the_bands_the_health_is_scaled_by_what_the_collateral_is_worth():
    """Without a line of its own the health moves with the value, whichever the direction."""
    health = rule(6 * WAD // 5).evaluate(legs(), moved(1.0, 0.5, 1.1)).health
    assert health == pytest.approx([1.2, 0.6, 1.32])


def test_a_smaller_debt_is_a_better_health():
    """Half the debt of what the venue judged doubles the health; none leaves nothing to judge."""
    one = rule(6 * WAD // 5)
    assert one.evaluate(legs(500), moved(1.0, debt=500)).health == pytest.approx([2.4])
    assert np.isinf(one.evaluate(legs(0), moved(1.0, debt=0)).health).all()


def test_a_leg_that_the_venue_judged_cannot_be_left_out():
    """A scenario without the collateral is refused, not answered."""
    with pytest.raises(RuleError):
        rule(WAD).evaluate(legs()[1:], LegScenarios(*(np.array([[-1.0]]),) * 3))


def test_a_document_with_a_wrong_field_names_it():
    """Every integer of the rule is checked where it is read back."""
    document = json.loads(json.dumps(rule(WAD, WAD, WAD).document()))
    for field, value in (("slope", "-1"), ("health", 1.5), ("owed", "yes"), ("counted", {})):
        with pytest.raises(DocumentError) as refused:
            ADAPTER.rules["crvusd"]({**document, field: value})
        assert refused.value.field == field
