"""Liquity v2: conformance on accounts recorded from the real contracts, and the venue's own rules."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.base import VenueSnapshot
from crossmargin.adapters.chain.call import Call, Contract, Log, RawReply, selector
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, load_recordings, replay
from crossmargin.adapters.venues.liquity_v2 import ADAPTER
from crossmargin.adapters.venues.liquity_v2.branch import Branch
from crossmargin.adapters.venues.liquity_v2.discover import trove_query
from crossmargin.adapters.venues.liquity_v2.maths import (
    ONE_YEAR,
    Batch,
    Gains,
    Trove,
    collateral_ratio,
    interest,
    interest_period,
    latest_debt,
    liquidation_price,
)
from crossmargin.adapters.venues.liquity_v2.rule import LiquityRule
from crossmargin.core.book.health import Judgement, State, VenueAnswer
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.errors import DocumentError, Failure, InputError, Reason, RuleError, Severity
from crossmargin.core.units import MAX_UINT256, WAD

RECORDINGS = Path(__file__).parents[1] / "recordings" / "liquity-v2"
TIMEOUT = Failure(Reason.RPC_UNAVAILABLE, "timeout")


class TestLiquityV2(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Five accounts of a local chain: empty, ordinary, stale, ugly, and of a closed branch."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The price that a liquidation would fetch, in USD, also where it is no source for others."""
        del snapshot, asset
        price = rule_of(account).price
        assert price is not None
        return Decimal(price).scaleb(-18)


def recorded(name: str) -> RecordedAccount:
    """The recorded account of that name."""
    return next(one for one in load_recordings(RECORDINGS) if one.name == name)


def answer(recording: RecordedAccount, facts: Facts | None = None) -> VenueSnapshot:
    """What the adapter makes of a recording, on fresh facts unless some are given."""
    known = Facts() if facts is None else facts
    return replay(ADAPTER.read(recording.request(known)), recording.replies)[0]


def judged(one: MarginAccount) -> Judgement:
    """The account's judgement, which must be there."""
    assert one.judgement is not None
    return one.judgement


def rule_of(one: MarginAccount) -> LiquityRule:
    """The account's own rule."""
    assert isinstance(one.rule, LiquityRule)
    return one.rule


def calls(recording: RecordedAccount, contract: str, name: str) -> list[Any]:
    """The recorded call sites of a function."""
    start = selector(Contract("liquity_v2", contract).function(name).signature)
    return [key for key in recording.replies if isinstance(key, tuple) and key[1][:4] == start]


def word(value: int) -> bytes:
    """An ABI word."""
    return value.to_bytes(32, "big")


def test_the_stored_price_can_call_a_liquidatable_trove_healthy():
    """Nobody fetched the fallen price yet: healthy at the last good one, liquidatable at the new."""
    snapshot = answer(recorded("stale"))
    assert [judged(one).stored.liquidatable for one in snapshot.accounts] == [False, False]
    assert [judged(one).actionable.liquidatable for one in snapshot.accounts] == [True, True]


def test_alone_in_a_batch_and_with_gains_the_debt_is_the_venues():
    """Simple interest, a batch's share with its fee, and redistributed debt are all exact."""
    kinds = set()
    for name in ("ordinary", "stale", "ugly", "shut-down"):
        for one in answer(recorded(name)).accounts:
            own, venue = judged(one).figures, one.venue_answer
            assert isinstance(venue, VenueAnswer)
            assert own == venue.figures
            gains = rule_of(one).gains
            assert gains is not None
            kinds.add((rule_of(one).in_batch, gains.debt > 0))
    assert kinds == {(False, False), (True, False), (False, True), (True, True)}


def test_a_trove_in_a_branch_that_was_shut_down_bears_no_interest_since():
    """Interest ends with the branch, and the answer says that it did."""
    snapshot = answer(recorded("shut-down"))
    assert "branch_shut_down" in {one.code for one in snapshot.problems}
    for one in snapshot.accounts:
        later = replace(rule_of(one), timestamp=rule_of(one).timestamp + ONE_YEAR)
        assert later.debt() == rule_of(one).debt()


def test_the_price_is_fetched_in_a_simulation_only():
    """Fetching the price changes the feed, so the call never joins a shared batch."""
    recording = recorded("ordinary")
    _, rounds = replay(ADAPTER.read(recording.request(Facts())), recording.replies)
    made = [one for batch in rounds for one in batch if isinstance(one, Call)]
    changing = {one.function.signature for one in made if one.changes_state}
    assert changing == {"fetchPrice()"}


def test_the_last_good_price_never_stands_in_for_a_price_that_was_not_fetched():
    """Without the fetched price the stored verdict stays and the actionable one is open."""
    recording = recorded("stale")
    (key,) = calls(recording, "PriceFeed", "fetchPrice")
    for one in answer(recording.with_reply(key, TIMEOUT)).accounts:
        assert judged(one).stored.liquidatable is False
        assert judged(one).actionable.liquidatable is None
        assert one.failure == TIMEOUT


def test_an_oracle_failure_is_named_and_its_price_is_no_source():
    """A liquidation would still run, at the last good price; nobody else should use that price."""
    recording = recorded("ordinary")
    (key,) = calls(recording, "PriceFeed", "fetchPrice")
    true = recording.replies[key]
    assert isinstance(true, bytes)
    snapshot = answer(recording.with_reply(key, true[:32] + word(1)))
    assert (snapshot.prices, len(answer(recording).prices)) == ((), 1)
    assert Reason.STALE_PRICE in {one.reason for one in snapshot.problems}
    assert snapshot.accounts[0].labels["price"] == "last good price"


def test_closed_and_foreign_troves_are_notes_and_no_positions():
    """Ids that are not open troves of the owner are named one by one."""
    snapshot = answer(recorded("ugly"))
    assert len(snapshot.accounts) == 3
    assert [one.code for one in snapshot.problems if one.account] == [
        "closed_trove",
        "not_the_owner",
    ]
    assert {one.severity for one in snapshot.problems} == {Severity.NOTE}


def test_a_trove_whose_owner_is_not_known_is_listed_as_unknown():
    """It may be the owner's: it is no "no position", and no health either."""
    recording = recorded("ordinary")
    (key,) = calls(recording, "TroveNFT", "ownerOf")
    (one,) = answer(recording.with_reply(key, TIMEOUT)).accounts
    assert one.failure == TIMEOUT


def test_the_rate_is_a_label_and_in_no_number():
    """Redemption goes by rate: the label shows it, and health does not depend on it."""
    (one,) = answer(recorded("ordinary")).accounts
    rule = rule_of(one)
    assert rule.trove is not None
    assert one.labels["annual_rate"] == "0.055"
    still = replace(rule, timestamp=rule.trove.last_update)
    dearer = replace(still, trove=replace(rule.trove, annual_rate=10**18))
    assert still.judge().actionable == dearer.judge().actionable


def test_the_penalty_is_the_redistributions_where_the_pool_does_not_cover():
    """5% while the stability pool covers the debt, else the branch's redistribution penalty."""
    (covered,) = answer(recorded("ordinary")).accounts
    assert covered.penalty == Decimal("0.05")
    assert {one.penalty for one in answer(recorded("ugly")).accounts} == {Decimal("0.2")}
    recording = recorded("ordinary")
    (key,) = calls(recording, "StabilityPool", "getTotalBoldDeposits")
    (unread,) = answer(recording.with_reply(key, TIMEOUT)).accounts
    assert unread.penalty == Decimal("0.1")


# Finding troves


def with_logs(recording: RecordedAccount, found: RawReply) -> RecordedAccount:
    """The recording read by a log scan instead of a list."""
    scanned = replace(recording, options={})
    query = trove_query(scanned.request(Facts()), branch_of(recording))
    return replace(scanned, replies={**recording.replies, query: found})


def branch_of(recording: RecordedAccount) -> Branch:
    """The branch as a read leaves it among the facts."""
    facts = Facts()
    answer(recording, facts)
    registry = recording.deployment.contracts["addresses_registry"]
    known = facts.get(recording.block.chain_id, registry, "branch")
    assert isinstance(known, Branch)
    return known


def logs_of(recording: RecordedAccount) -> tuple[Log, ...]:
    """One transfer to the owner per trove of the recording's list."""
    nft = branch_of(recording).trove_nft
    empty, owner = "0x" + "00" * 32, f"0x{recording.owner.lower()[2:]:0>64}"
    ids = [f"0x{int(one, 16):064x}" for one in recording.options["troves"]]
    return tuple(Log(nft, (empty, empty, owner, one), "0x", 1) for one in ids)


def test_a_log_scan_finds_every_trove_and_mentions_no_others():
    """Transfers discover, ownership and status decide: closed and sold troves are no notes then."""
    recording = recorded("ugly")
    by_logs = answer(with_logs(recording, logs_of(recording)))
    assert by_logs.accounts == answer(recording).accounts
    assert (by_logs.enumeration, by_logs.complete) == ("logs", True)
    assert by_logs.problems == tuple(one for one in answer(recording).problems if not one.account)


def test_a_failed_log_scan_makes_the_answer_incomplete():
    """A scan that failed is a read problem, never an empty book."""
    snapshot = answer(with_logs(recorded("ordinary"), TIMEOUT))
    (problem,) = snapshot.problems
    assert (problem.severity, problem.reason) == (Severity.READ, Reason.POSITIONS_INCOMPLETE)
    assert not snapshot.complete


def test_troves_found_before_are_asked_with_the_scan():
    """A warm scan costs two rounds: known ids are read beside it."""
    recording, facts = recorded("ugly"), Facts()
    scanned = with_logs(recording, logs_of(recording))
    _, cold = replay(ADAPTER.read(scanned.request(facts)), scanned.replies)
    _, warm = replay(ADAPTER.read(scanned.request(facts)), scanned.replies)
    assert (len(cold), len(warm)) == (4, 2)


def test_a_branch_that_was_not_read_makes_the_answer_incomplete():
    """Without the registry nothing is known: never an empty book."""
    recording = recorded("ordinary")
    (key,) = calls(recording, "AddressesRegistry", "troveManager")
    snapshot = answer(recording.with_reply(key, TIMEOUT))
    assert (snapshot.accounts, snapshot.complete) == ((), False)
    assert snapshot.problems[0].code == "timeout"


def test_a_ratio_that_no_branch_can_have_is_refused():
    """The registry allows ratios between 1 and 2 only; anything else is garbage, and not kept."""
    recording, facts = recorded("ordinary"), Facts()
    (key,) = calls(recording, "AddressesRegistry", "MCR")
    snapshot = answer(recording.with_reply(key, word(0)), facts)
    assert snapshot.problems[0].code == "bad_parameters"
    assert answer(recording, facts) == answer(recording)


@pytest.mark.parametrize("troves", ["0x12", [-1], ["trove"], [True], [2**256], 7])
def test_a_malformed_trove_id_is_refused(troves):
    """An id that is no number of 256 bits is an input error, not an empty answer."""
    with pytest.raises(InputError, match="troves"):
        answer(replace(recorded("empty"), options={"troves": troves}))


# The rule itself

MCR = 110 * WAD // 100
GAINS = Gains(0, 0)
WHOLE = LiquityRule(
    1_000, 0, Trove(2_000 * WAD, 2 * WAD, 1_000, 0, 0), False, None, GAINS, 1_500 * WAD, WAD, MCR
)


@given(st.integers(1, 10**27), st.integers(10**15, 10**26), st.integers(-1, 1))
def test_a_ratio_at_the_minimum_is_healthy_and_one_wei_below_is_not(debt, coll, offset):
    """The smallest healthy price and its neighbours: below it the trove is liquidatable."""
    price = liquidation_price(coll, debt, MCR)
    assert price is not None
    trove = Trove(debt, coll, 1_000, 0, 0)
    verdict = replace(WHOLE, trove=trove, price=price + offset).judge().actionable
    if price + offset > 0:
        assert verdict.liquidatable is (offset < 0)
        assert (collateral_ratio(coll, debt, price + offset) < MCR) is (offset < 0)


def test_exactly_at_the_minimum_the_health_is_one():
    """A ratio of exactly 110% is healthy with the value 1; one wei of debt more is liquidatable."""
    at = replace(WHOLE, trove=Trove(100 * WAD, WAD, 1_000, 0, 0), price=110 * WAD)
    assert at.judge().actionable.health.value == 1
    assert at.judge().actionable.liquidatable is False
    more = replace(at, trove=Trove(100 * WAD + 1, WAD, 1_000, 0, 0))
    assert more.judge().actionable.liquidatable is True


@given(
    st.integers(0, 10**26),
    st.integers(0, 25 * 10**17),
    st.integers(0, 10**9),
    st.integers(1, 10**24),
    st.integers(0, 10**24),
)
def test_a_batch_of_one_owes_like_a_trove_alone(debt, rate, seconds, shares, coll):
    """A trove that has all shares of a batch without fee owes what it would owe alone."""
    alone = latest_debt(Trove(debt, coll, 0, rate, 0), None, GAINS, seconds, 0)
    batch = Batch(debt, shares, rate, 0, 0)
    assert latest_debt(Trove(0, coll, 0, 0, shares), batch, GAINS, seconds, 0) == alone


@given(st.integers(1, 10**26), st.integers(0, 25 * 10**17), st.integers(0, ONE_YEAR))
def test_shares_of_a_batch_owe_no_more_than_the_batch(debt, rate, seconds):
    """Two halves of a batch never owe more than the whole, and at most two wei a part less."""
    batch = Batch(debt, 10, rate, 10**16, 0)
    halves = [
        latest_debt(Trove(0, 0, 0, 0, share), batch, GAINS, seconds, 0).entire for share in (3, 7)
    ]
    whole = latest_debt(Trove(0, 0, 0, 0, 10), batch, GAINS, seconds, 0).entire
    assert whole - 6 <= sum(halves) <= whole


@pytest.mark.parametrize(
    ("updated", "now", "shut", "period"),
    [(10, 30, 0, 20), (10, 30, 25, 15), (25, 30, 25, 0), (26, 30, 25, 0), (10, 10, 0, 0)],
)
def test_interest_runs_to_the_block_or_to_the_shutdown(updated, now, shut, period):
    """The contract's three cases, at their boundaries."""
    assert interest_period(updated, now, shut) == period


def test_a_block_before_the_last_update_is_refused():
    """The contract reverts where time runs backwards; so do we."""
    with pytest.raises(RuleError):
        interest_period(10, 9, 0)


def test_a_year_of_interest_is_the_rate():
    """Simple interest: a year at 5% on 1000 is 50."""
    assert interest(1_000 * WAD, 5 * WAD // 100, ONE_YEAR) == 50 * WAD


def test_debt_without_collateral_is_bad_debt_of_value_zero():
    """Nothing held against a debt: bad debt, health 0, and no price that saves it."""
    judgement = replace(WHOLE, trove=Trove(WAD, 0, 1_000, 0, 0)).judge()
    assert judgement.actionable.health.state is State.BAD_DEBT
    assert judgement.actionable.health.value == 0
    assert judgement.liquidation_prices[0].raw is None


def test_a_trove_without_debt_has_no_value():
    """A zombie whose debt was redeemed whole: no debt, whatever the price."""
    judgement = replace(WHOLE, trove=Trove(0, WAD, 1_000, 0, 0), price=None).judge()
    assert judgement.actionable.health.state is State.NO_DEBT
    assert collateral_ratio(WAD, 0, WAD) == MAX_UINT256


@pytest.mark.parametrize("missing", ["trove", "gains", "shutdown_time", "mcr"])
def test_a_missing_part_makes_both_verdicts_unknown(missing):
    """Whatever the judgement needs and does not have, it is unknown and never a number."""
    judgement = replace(WHOLE, **{missing: None}).judge()
    assert judgement.stored.health.state is State.UNKNOWN
    assert judgement.actionable.health.state is State.UNKNOWN


def test_a_batch_that_was_not_read_makes_the_debt_unknown():
    """A trove in a batch owes a share of it: without the batch nothing is known."""
    assert replace(WHOLE, in_batch=True).judge().actionable.liquidatable is None


def test_a_product_beyond_256_bits_is_no_answer():
    """The contract reverts on it: the verdict is unknown."""
    assert replace(WHOLE, price=2**255).judge().actionable.liquidatable is None


@pytest.mark.parametrize("field", ["trove", "timestamp", "in_batch", "asset", "mcr"])
def test_a_malformed_document_names_its_field(field):
    """A document that does not fit is refused with the path of what is wrong."""
    document = json.loads(json.dumps(WHOLE.document())) | {field: [-1]}
    with pytest.raises(DocumentError) as error:
        ADAPTER.rules["liquity-v2"](document)
    assert error.value.field == field
