"""Sky vaults: conformance on accounts recorded from the real contracts, and the venue's own rules."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_abi import abi as eth_abi
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.base import VenueSnapshot
from crossmargin.adapters.chain.call import Call, Contract, selector
from crossmargin.adapters.chain.reverts import error_data
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, load_recordings, replay
from crossmargin.adapters.venues.sky import ADAPTER
from crossmargin.adapters.venues.sky.maths import (
    Fee,
    IlkState,
    Limits,
    Urn,
    bark,
    dripped_rate,
    is_safe,
    liquidation_price,
    poked_spot,
    rpow,
)
from crossmargin.adapters.venues.sky.rule import SkyRule
from crossmargin.core.book.health import Judgement, State, VenueAnswer
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.errors import DocumentError, Failure, Reason, RuleError, Severity
from crossmargin.core.units import RAY, WAD

RECORDINGS = Path(__file__).parents[1] / "recordings" / "sky"
RAD = 10**45


def price_now(rule: SkyRule) -> Decimal:
    """The price in USD that the rule's spot after a poke stands for."""
    spot = rule.actionable_spot()
    assert spot is not None
    assert rule.mat is not None
    assert rule.par is not None
    return Decimal(spot * rule.mat * rule.par) / Decimal(RAY**3)


class TestSky(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Four accounts of a local chain: empty, ordinary (with a proxy), stale and ugly."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The collateral's price in USD as a poke would take it."""
        del snapshot, asset
        assert isinstance(account.rule, SkyRule)
        return price_now(account.rule)


def recorded(name: str) -> RecordedAccount:
    """The recorded account of that name."""
    return next(one for one in load_recordings(RECORDINGS) if one.name == name)


def answer(recording: RecordedAccount, facts: Facts | None = None) -> VenueSnapshot:
    """What the adapter makes of a recording, on fresh facts unless some are given."""
    known = Facts() if facts is None else facts
    return replay(ADAPTER.read(recording.request(known)), recording.replies)[0]


def account(snapshot: VenueSnapshot, ilk: str) -> MarginAccount:
    """The snapshot's only account of a collateral type."""
    return next(one for one in snapshot.accounts if one.labels["ilk"] == ilk)


def judged(one: MarginAccount) -> Judgement:
    """The account's judgement, which must be there."""
    assert one.judgement is not None
    return one.judgement


def calls(recording: RecordedAccount, contract: str, name: str) -> list[Any]:
    """The recorded call sites of a function."""
    start = selector(Contract("sky", contract).function(name).signature)
    return [key for key in recording.replies if isinstance(key, tuple) and key[1][:4] == start]


def test_stored_and_actionable_differ_where_nobody_dripped_or_poked():
    """Idle vaults: safe as stored, liquidatable after drip and poke, as a simulated bark says."""
    for one in answer(recorded("stale")).accounts:
        assert judged(one).stored.liquidatable is False
        assert judged(one).actionable.liquidatable is True
        assert isinstance(one.venue_answer, VenueAnswer)
        assert one.venue_answer.figures["safe"] == 0


def test_fees_alone_make_a_vault_unsafe():
    """With the price unchanged only the drip separates the two clocks."""
    one = account(answer(recorded("stale")), "USDX-B")
    assert isinstance(one.rule, SkyRule)
    assert one.rule.ilk is not None
    assert one.rule.actionable_spot() == one.rule.ilk.spot
    assert judged(one).stored.liquidatable is False
    assert judged(one).actionable.liquidatable is True


def test_the_proxys_vaults_are_listed_under_the_proxy():
    """A vault of the owner's proxy is found, and its holder is the proxy."""
    snapshot = answer(recorded("ordinary"))
    holders = {one.labels["ilk"]: one.holder.lower() for one in snapshot.accounts}
    assert holders["USDX-B"] == recorded("ordinary").owner.lower()
    assert holders["ETH-A"] != recorded("ordinary").owner.lower()
    assert snapshot.complete


def test_a_proxy_that_was_given_away_holds_nothing_of_the_owner():
    """The registry still names it, but its owner is another: its vaults are not listed."""
    recording = recorded("ugly")
    assert len(calls(recording, "Proxy", "owner")) == 1
    holders = {one.holder.lower() for one in answer(recording).accounts}
    assert holders == {recording.owner.lower()}


def test_vaults_that_nobody_could_list_make_the_answer_incomplete():
    """A failed list is a read problem, never an empty book."""
    recording = recorded("stale")
    (key,) = calls(recording, "GetCdps", "getCdpsAsc")
    snapshot = answer(recording.with_reply(key, Failure(Reason.RPC_UNAVAILABLE, "timeout")))
    assert snapshot.accounts == ()
    assert not snapshot.complete
    assert {(one.severity, one.reason) for one in snapshot.problems} == {
        (Severity.READ, Reason.POSITIONS_INCOMPLETE)
    }


def test_collateral_that_is_not_locked_secures_nothing():
    """What an auction left in a vault's name is a leg of its own, outside the safe test."""
    one = account(answer(recorded("ugly")), "USDX-B")
    legs = {leg.id: leg.quantity for leg in one.legs}
    assert (legs["unlocked"], judged(one).figures["ink"]) == (7, 30_000 * WAD)
    assert legs["collateral"] == 30_000


def test_a_liquidation_that_the_dog_refuses_is_noted_and_stays_unsafe():
    """No room for an auction: the vault is unsafe all the same, with the refusal as a note."""
    one = account(answer(recorded("ugly")), "ETH-A")
    assert judged(one).actionable.liquidatable is True
    assert one.labels["blocked"] == "Dog/dusty-auction-from-partial-liquidation"
    assert "liquidation_blocked" in {problem.code for problem in one.problems}


def test_the_terms_are_those_of_an_auction_of_the_whole_vault():
    """The penalty is chop - 1 of the debt, and what may be left of a debt is at least dust."""
    terms = account(answer(recorded("ordinary")), "ETH-A").terms
    assert terms is not None
    assert (terms.close_factor, terms.penalty, terms.seizes_all) == (1, Decimal("0.12"), True)
    assert terms.minimum_usd == 2_000


def test_a_penalty_that_was_not_read_changes_no_verdict():
    """Without the dog's parameters the terms are unknown and the judgement stands."""
    recording = recorded("ordinary")
    broken = recording
    for key in calls(recording, "Dog", "ilks"):
        # Vat, spotter, jug and dog name it alike; only the dog answers four words.
        reply = recording.replies[key]
        if isinstance(reply, bytes) and len(reply) == 4 * 32:
            broken = broken.with_reply(key, Failure(Reason.RPC_UNAVAILABLE, "timeout"))
    one = account(answer(broken), "ETH-A")
    assert (one.terms, one.penalty) == (None, None)
    assert judged(one) == judged(account(answer(recording), "ETH-A"))
    assert [problem.code for problem in one.problems] == ["timeout"]


def test_the_price_of_a_closed_feed_comes_from_a_simulated_poke():
    """The security module answers the spotter only: the spot is read, and said to be so."""
    one = account(answer(recorded("ordinary")), "ETH-A")
    assert one.labels["price"] == "simulated poke"
    assert isinstance(one.venue_answer, VenueAnswer)
    assert "spot" not in one.venue_answer.figures


def test_an_open_feeds_spot_is_recomputed_and_equals_the_vats():
    """Where the feed answers anybody, the spot is our own and is compared."""
    one = account(answer(recorded("ordinary")), "USDX-B")
    assert one.labels["price"] == "feed"
    assert isinstance(one.venue_answer, VenueAnswer)
    assert one.venue_answer.figures["spot"] == judged(one).figures["spot"]


def test_without_a_price_the_stored_spot_is_never_taken_instead():
    """A simulation that failed leaves the actionable verdict open, however safe the stored one is."""
    recording = recorded("stale")
    broken = recording
    for key in calls(recording, "Multicall3", "aggregate3"):
        broken = broken.with_reply(key, Failure(Reason.RPC_UNAVAILABLE, "timeout"))
    one = account(answer(broken), "ETH-A")
    assert judged(one).stored.liquidatable is False
    assert judged(one).actionable.liquidatable is None
    assert one.failure == Failure(Reason.RPC_UNAVAILABLE, "timeout")


def test_an_open_feed_needs_no_simulation():
    """Where the feed answers, the verdict stands without the simulated liquidation."""
    recording = recorded("stale")
    broken = recording
    for key in calls(recording, "Multicall3", "aggregate3"):
        broken = broken.with_reply(key, Failure(Reason.RPC_UNAVAILABLE, "timeout"))
    one = account(answer(broken), "USDX-B")
    assert one.failure is None
    assert judged(one) == judged(account(answer(recording), "USDX-B"))


def test_figures_unlike_the_contracts_make_the_account_unknown():
    """Where our rate is not what the drip gave, the code is not the one we know."""
    recording = recorded("ordinary")
    (key,) = calls(recording, "Jug", "base")
    wrong = recording.with_reply(key, _word(1))
    for one in answer(wrong).accounts:
        assert one.failure is not None
        assert one.failure.reason is Reason.CODE_CHANGED
        assert judged(one).actionable.liquidatable is None


def test_a_system_that_was_shut_down_is_not_judged():
    """After global settlement there are no liquidations: pending settlement, not a health."""
    recording = recorded("ordinary")
    (key,) = calls(recording, "Vat", "live")
    for one in answer(recording.with_reply(key, bytes(32))).accounts:
        assert one.failure is not None
        assert one.failure.reason is Reason.PENDING_SETTLEMENT


def test_a_feed_that_stopped_is_noted():
    """A security module that was not updated for hours is named."""
    codes = {one.code for one in account(answer(recorded("ugly")), "ETH-A").problems}
    assert "feed_stopped" in codes


def test_the_next_price_is_noted_where_anybody_may_see_it():
    """A next price that would make the vault unsafe is said beforehand and changes no number."""
    recording = recorded("ordinary")
    feed = calls(recording, "Feed", "peek")
    peeps = calls(recording, "Feed", "peep")
    for key in peeps:
        recording = recording.with_reply(key, _word(5 * 10**17) + _word(1))
    one = account(answer(recording), "USDX-B")
    (note,) = [problem for problem in one.problems if problem.code == "next_price"]
    assert "0.5 USD: the vault is then unsafe" in note.detail
    assert (note.severity, len(feed)) == (Severity.NOTE, len(peeps))
    assert judged(one) == judged(account(answer(recorded("ordinary")), "USDX-B"))


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def test_a_warm_account_needs_two_rounds():
    """With proxy, tokens and feeds known, three rounds fewer are asked."""
    recording, facts = recorded("ordinary"), Facts()
    _, cold = replay(ADAPTER.read(recording.request(facts)), recording.replies)
    _, warm = replay(ADAPTER.read(recording.request(facts)), recording.replies)
    assert (len(cold), len(warm)) == (4, 2)


def test_a_simulation_is_never_put_into_a_shared_batch():
    """The simulated liquidation changes state, so it is marked as a simulation."""
    recording = recorded("stale")
    _, rounds = replay(ADAPTER.read(recording.request(Facts())), recording.replies)
    made = [one for batch in rounds for one in batch if isinstance(one, Call)]
    changing = {one.function.signature.split("(")[0] for one in made if one.changes_state}
    assert changing == {"aggregate3"}


# The rule itself

ILK = IlkState(RAY, 1000 * RAY, 2000 * RAD)
WHOLE = SkyRule(
    1_000, Urn(WAD, WAD), ILK, Fee(RAY, 0, 1_000), 15 * RAY // 10, RAY, None, ILK.spot, True
)


@given(
    st.integers(1, 10**26), st.integers(RAY, 3 * RAY), st.integers(1, 10**33), st.integers(-1, 1)
)
def test_equality_is_safe_and_one_unit_less_is_not(art, rate, spot, offset):
    """The smallest collateral that covers the debt is safe; with one wei less the vault is not."""
    ink = -(-art * rate // spot) + offset
    verdict = replace(WHOLE, urn=Urn(ink, art), ilk=replace(ILK, rate=rate, spot=spot))
    assert verdict.judge().stored.liquidatable is (offset < 0)
    exact = replace(WHOLE, urn=Urn(rate, art), ilk=replace(ILK, rate=rate, spot=art))
    assert exact.judge().stored.health.value == 1
    assert exact.judge().stored.liquidatable is False


@given(
    st.integers(10**12, 10**26),
    st.integers(1, 10**26),
    st.integers(RAY, 3 * RAY),
    st.integers(RAY, 3 * RAY),
    st.integers(RAY // 2, 2 * RAY),
)
def test_the_liquidation_price_is_exact_on_both_sides(ink, art, rate, mat, par):
    """At the liquidation price the poked vault is safe, one wei below it is not."""
    urn = Urn(ink, art)
    price = liquidation_price(urn, rate, par, mat)
    assert price is not None
    assert is_safe(urn, rate, poked_spot(price, par, mat))
    assert not is_safe(urn, rate, poked_spot(price - 1, par, mat))


@given(st.integers(0, 10**8))
def test_a_rate_without_a_fee_stays(seconds):
    """A fee of exactly one ray per second compounds to one."""
    assert rpow(RAY, seconds) == RAY


@given(st.integers(RAY, RAY + 10**20), st.integers(0, 10**7))
def test_compounding_is_near_the_exact_power(duty, seconds):
    """Rounding at every squaring stays within a few thousand units of the exact power."""
    with_fractions = Decimal(duty).scaleb(-27) ** seconds
    assert abs(Decimal(rpow(duty, seconds)).scaleb(-27) / with_fractions - 1) < Decimal("1e-18")


def test_zero_to_the_zero_is_one():
    """The contract's corner: 0 to the power 0 is one ray, to any other power 0."""
    assert (rpow(0, 0), rpow(0, 5)) == (RAY, 0)


def test_a_block_before_the_last_drip_is_refused():
    """The contract reverts where time runs backwards; so do we."""
    with pytest.raises(RuleError):
        dripped_rate(RAY, Fee(RAY, 0, 10), 9)


def test_debt_without_collateral_is_bad_debt_of_value_zero():
    """Nothing locked against a debt: bad debt, health 0."""
    health = replace(WHOLE, urn=Urn(0, WAD)).judge().actionable.health
    assert (health.state, health.value) == (State.BAD_DEBT, 0)
    assert liquidation_price(Urn(0, WAD), RAY, RAY, RAY) is None


def test_bad_debt_begins_where_the_whole_price_no_longer_covers():
    """At a debt of ink * price exactly the vault is liquidatable, one wei more is bad debt."""
    whole = 1000 * 15 // 10
    at = replace(WHOLE, urn=Urn(WAD, whole * WAD)).judge().actionable.health
    above = replace(WHOLE, urn=Urn(WAD, whole * WAD + 1)).judge().actionable.health
    assert (at.state, above.state) == (State.LIQUIDATABLE, State.BAD_DEBT)


@pytest.mark.parametrize(
    ("urn", "unlocked", "state"),
    [(Urn(0, 0), 0, State.EMPTY), (Urn(5, 0), 0, State.NO_DEBT), (Urn(0, 0), 5, State.NO_DEBT)],
)
def test_without_debt_there_is_no_value(urn, unlocked, state):
    """A vault that owes nothing has no health value, whatever else is unread."""
    bare = SkyRule(1_000, urn, unlocked=unlocked)
    assert bare.judge().actionable.health.state is state
    assert bare.judge().actionable.health.value is None


@pytest.mark.parametrize("missing", ["urn", "ilk", "mat", "live"])
def test_a_missing_part_makes_both_verdicts_unknown(missing):
    """Whatever the judgement needs and does not have, it is unknown and never a number."""
    judgement = replace(WHOLE, **{missing: None}).judge()
    assert judgement.stored.health.state is State.UNKNOWN
    assert judgement.actionable.health.state is State.UNKNOWN


@pytest.mark.parametrize("missing", ["fee", "seen_spot"])
def test_a_missing_fee_or_price_leaves_only_the_stored_verdict(missing):
    """What the vat has stored can be judged; what a keeper would find cannot."""
    judgement = replace(WHOLE, **{missing: None}).judge()
    assert judgement.stored.liquidatable is False
    assert judgement.actionable.liquidatable is None


def test_a_spot_of_zero_is_no_price():
    """A feed without a value makes the spot 0, at which nothing can be barked at: unknown."""
    assert replace(WHOLE, price=0).judge().actionable.liquidatable is None


def test_a_product_beyond_256_bits_is_no_answer():
    """The contract reverts on it, so neither clock has a verdict."""
    assert replace(WHOLE, urn=Urn(2**255, WAD)).judge().stored.liquidatable is None


def test_the_room_of_the_auctions_decides_how_much_is_taken():
    """Whole with room, in part without, whole again where the rest would be dust, else refused."""
    urn, dust = Urn(30 * WAD, 30_000 * WAD), 2_000 * RAD
    wide = Limits(WAD, 10**9 * RAD, 0, 10**9 * RAD, 0)
    assert bark(urn, RAY, dust, wide).lot == urn.ink
    part = bark(urn, RAY, dust, replace(wide, hole=10_000 * RAD))
    assert (part.dart, part.lot) == (10_000 * WAD, 10 * WAD)
    assert bark(urn, RAY, dust, replace(wide, hole=28_001 * RAD)).dart == urn.art
    with pytest.raises(RuleError, match="dusty"):
        bark(urn, RAY, dust, replace(wide, hole=1_999 * RAD))
    with pytest.raises(RuleError, match="limit-hit"):
        bark(urn, RAY, dust, replace(wide, dirt=10**9 * RAD))


@pytest.mark.parametrize("field", ["urn", "timestamp", "live", "asset", "mat"])
def test_a_malformed_document_names_its_field(field):
    """A document that does not fit is refused with the path of what is wrong."""
    document = json.loads(json.dumps(WHOLE.document())) | {field: [-1]}
    with pytest.raises(DocumentError) as error:
        ADAPTER.rules["sky"](document)
    assert error.value.field == field


def test_an_aggregate_of_another_length_is_a_failure():
    """An aggregate that answers fewer calls than were asked is garbage, not a verdict."""
    recording = recorded("stale")
    short = _word(32) + bytes(32)
    for key in calls(recording, "Multicall3", "aggregate3"):
        recording = recording.with_reply(key, short)
    one = account(answer(recording), "ETH-A")
    assert one.failure is not None
    assert one.failure.reason is Reason.BAD_RETURN_DATA


# What a simulated liquidation can say


def with_rows(recording: RecordedAccount, **changes: tuple[bool, bytes]) -> RecordedAccount:
    """The recording with rows of every simulated aggregate replaced: poke, drip, ilks or bark."""
    places = {"poke": 0, "drip": 1, "ilks": 2, "bark": 3}
    for key in calls(recording, "Multicall3", "aggregate3"):
        true = recording.replies[key]
        assert isinstance(true, bytes)
        rows = list(eth_abi.decode(("(bool,bytes)[]",), true)[0])
        for name, row in changes.items():
            rows[places[name]] = row
        recording = recording.with_reply(key, eth_abi.encode(("(bool,bytes)[]",), (rows,)))
    return recording


def test_where_the_spotter_refuses_a_poke_the_stored_price_decides():
    """A refused poke is no missing price: liquidations then use what is stored, and a note says so."""
    snapshot = answer(with_rows(recorded("stale"), poke=(False, b"")))
    for one in snapshot.accounts:
        assert one.labels["price"] == "stored"
        assert "poke_refused" in {problem.code for problem in one.problems}
        assert judged(one).actionable.liquidatable is True


def test_a_dog_that_is_switched_off_leaves_the_venues_verdict_open():
    """A refusal from before the safe test is no verdict: ours stands, with nothing to compare."""
    snapshot = answer(with_rows(recorded("stale"), bark=(False, error_data("Dog/not-live"))))
    for one in snapshot.accounts:
        assert isinstance(one.venue_answer, VenueAnswer)
        assert "safe" not in one.venue_answer.figures
        assert judged(one).actionable.liquidatable is True


def test_a_verdict_unlike_the_contracts_makes_the_account_unknown():
    """Where bark calls safe what we call unsafe, neither is shown as the truth."""
    snapshot = answer(with_rows(recorded("stale"), bark=(False, error_data("Dog/not-unsafe"))))
    for one in snapshot.accounts:
        assert one.failure is not None
        assert (one.failure.reason, one.failure.code) == (Reason.CODE_CHANGED, "parity_mismatch")


@pytest.mark.parametrize("words", ["Clipper/stopped-incorrect", "Dog/liquidation-limit-hit"])
def test_a_refusal_after_the_test_is_a_verdict_of_its_own(words):
    """Whatever is refused after the safe test has failed it: unsafe, and blocked for now."""
    for one in answer(with_rows(recorded("stale"), bark=(False, error_data(words)))).accounts:
        assert one.labels["blocked"] == words
        assert isinstance(one.venue_answer, VenueAnswer)
        assert one.venue_answer.figures["safe"] == 0


def test_a_long_refusal_is_read_whatever_stands_behind_it():
    """Compilers of that time leave other bytes behind a text that is longer than a word."""
    words = "Dog/dusty-auction-from-partial-liquidation"
    dirty = error_data(words)[:-22] + b"\xab" * 12 + bytes(10)
    for one in answer(with_rows(recorded("stale"), bark=(False, dirty))).accounts:
        assert one.labels["blocked"] == words
