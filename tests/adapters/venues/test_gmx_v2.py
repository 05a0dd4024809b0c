"""GMX v2 read from chain: conformance on accounts recorded from the real contracts, and what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_abi import abi as eth_abi

from crossmargin.adapters.base import VenueSnapshot
from crossmargin.adapters.chain.call import Contract, RawReply, selector
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, ReplyKey, load_recordings, replay
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.adapters.venues.gmx_v2 import ADAPTER
from crossmargin.adapters.venues.gmx_v2.keys import (
    data_key,
    position_field_key,
    position_key,
    synthetic_token,
)
from crossmargin.adapters.venues.gmx_v2.prices import GivenPrices
from crossmargin.adapters.venues.gmx_v2.rule import GmxRule
from crossmargin.adapters.venues.gmx_v2.tokens import listed, token_of
from crossmargin.core.book.health import Judgement, Parity, State, VenueAnswer
from crossmargin.core.book.model import MarginAccount, Perp, Spot
from crossmargin.core.errors import Failure, InputError, Reason, Severity

RECORDINGS = Path(__file__).parents[1] / "recordings" / "gmx-v2"
STORE, READER = Contract("gmx_v2", "DataStore"), Contract("gmx_v2", "Reader")
REFERRALS = Contract("gmx_v2", "ReferralStorage")
TIMEOUT = Failure(Reason.RPC_UNAVAILABLE, "timeout")
ARBITRUM = "eip155:42161"


class TestGmxV2(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Six accounts of a local chain with the venue's own contracts."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The side of the price that the position is judged by: lower unless rises are the worse."""
        del snapshot
        rule = rule_of(account)
        assert rule.prices is not None
        assert rule.position is not None
        if asset == rule.naming.underlying:
            price, decimals = rule.prices.index, rule.naming.index_decimals
            raw = price.min if rule.position.is_long else price.max
        else:
            decimals = rule.naming.collateral_decimals
            is_long = rule.position.collateral_is_long
            raw = (rule.prices.long if is_long else rule.prices.short).min
        assert decimals is not None
        return Decimal(raw).scaleb(decimals - 30)


def recorded(name: str) -> RecordedAccount:
    """The recorded account of that name."""
    return next(one for one in load_recordings(RECORDINGS) if one.name == name)


def answer(recording: RecordedAccount, facts: Facts | None = None) -> VenueSnapshot:
    """What the adapter makes of a recording, on fresh facts unless some are given."""
    known = Facts() if facts is None else facts
    return replay(ADAPTER.read(recording.request(known)), recording.replies)[0]


def only(snapshot: VenueSnapshot) -> MarginAccount:
    """The one account of the answer."""
    (account,) = snapshot.accounts
    return account


def judged(account: MarginAccount) -> Judgement:
    """Our judgement of the account."""
    assert account.judgement is not None
    return account.judgement


def rule_of(account: MarginAccount) -> GmxRule:
    """The account's own rule."""
    assert isinstance(account.rule, GmxRule)
    return account.rule


def store_key(recording: RecordedAccount, getter: str, key: bytes) -> ReplyKey:
    """Where the recording keeps a value of the DataStore."""
    store = recording.deployment.contracts["data_store"]
    return store.lower(), STORE.one(store, getter, key).data


def with_value(recording: RecordedAccount, getter: str, key: bytes, value: Any) -> RecordedAccount:
    """The recording with another value in the DataStore."""
    place = store_key(recording, getter, key)
    assert place in recording.replies
    outputs = STORE.function(getter).outputs
    return recording.with_reply(place, eth_abi.encode(outputs, [value]))


def views(recording: RecordedAccount, name: str) -> list[ReplyKey]:
    """Where the recording keeps the replies of a function of the reader."""
    start = selector(READER.function(name).signature)
    return [key for key in recording.replies if isinstance(key, tuple) and key[1][:4] == start]


def without_views(recording: RecordedAccount) -> RecordedAccount:
    """The recording with a reader that answers nothing: no judge."""
    for name in ("isPositionLiquidatable", "getPositionInfo"):
        for key in views(recording, name):
            recording = recording.with_reply(key, TIMEOUT)
    return recording


def test_an_owner_without_positions_costs_one_question():
    """An empty list is the whole answer."""
    recording = recorded("empty")
    snapshot, rounds = replay(ADAPTER.read(recording.request(Facts())), recording.replies)
    assert (snapshot.accounts, snapshot.complete) == ((), True)
    assert [len(batch) for batch in rounds] == [1]


def test_each_position_is_an_account_of_its_own():
    """Two positions of one owner are two islands, whose ids are the venue's own keys."""
    snapshot = answer(recorded("ordinary"))
    assert len(snapshot.accounts) == 2
    for account in snapshot.accounts:
        labels = account.labels
        tokens = {"WBTC.e": "0x2f2a2543b76a4166549f7aab2e75bef0aefc5b0f"}
        tokens["USDC"] = "0xaf88d065e77c8cc2239327c5edb3a432268e5831"
        key = position_key(
            account.holder,
            labels["market_token"],
            tokens[labels["collateral"]],
            is_long=labels["side"] == "long",
        )
        assert account.id == f"0x{key.hex()}"
        assert "bounded" in labels["loss"]


def test_legs_are_the_perpetual_on_the_economic_underlying_and_the_collateral_as_it_lies():
    """A long of WETH is of ETH, a short of synthetic BTC is of BTC and negative; fees are cash."""
    by_side = {a.labels["side"]: a for a in answer(recorded("ordinary")).accounts}
    perp, collateral = by_side["long"].legs
    assert perp.instrument == Perp("ETH")
    assert perp.quantity == Decimal("20.000000000000000000")
    assert perp.entry_price == 3000
    assert isinstance(collateral.instrument, Spot)
    assert (collateral.instrument.asset.key, collateral.quantity) == ("USDC", 7500)
    fees = rule_of(by_side["long"]).actionable().fees
    owed = Decimal(fees.borrowing + fees.funding).scaleb(-6)  # USDC is at 1
    assert owed > 0
    assert perp.accrued == -owed
    short, backing = by_side["short"].legs
    assert short.instrument == Perp("BTC")
    assert short.quantity < 0
    assert isinstance(backing.instrument, Spot)
    assert backing.instrument.asset.key == "WBTC"


def test_every_figure_is_the_venues_own():
    """All fifteen figures of both views are ours too, in every recording that is priced."""
    compared = 0
    for recording in load_recordings(RECORDINGS):
        for account in answer(recording).accounts:
            if account.failure is None:
                parity = Parity.between(judged(account), account.venue_answer)
                assert (parity.status, len(parity.differences)) == ("exact", 15)
                compared += 1
    assert compared == 6


def test_a_position_can_be_alive_on_stored_totals_only():
    """The view calls it healthy; a liquidation accrues first and takes it, for a stated reason."""
    account = only(answer(recorded("stale")))
    assert judged(account).stored.liquidatable is False
    assert judged(account).actionable.liquidatable is True
    assert account.labels["stored_reason"] == "none"
    assert account.labels["actionable_reason"] == "min collateral for leverage"
    assert judged(account).actionable.health.state is State.LIQUIDATABLE


def test_a_loss_beyond_the_collateral_is_bad_debt_of_the_pool():
    """What remains is negative: health 0, the first of the venue's reasons, the lenders' loss."""
    accounts = answer(recorded("ugly")).accounts
    assert {a.labels["actionable_reason"] for a in accounts} == {"min collateral"}
    for account in accounts:
        health = judged(account).actionable.health
        assert (health.state, health.value) == (State.BAD_DEBT, 0)
        assert account.terms is not None
        assert account.terms.bad_debt == "lenders"


def test_a_token_without_a_feed_has_no_price_and_nothing_is_guessed():
    """XRP has no feed: the position is listed, unknown, and the failure says what to do."""
    snapshot = answer(recorded("no-price"))
    account = only(snapshot)
    assert account.failure is not None
    assert (account.failure.reason, account.failure.code) == (Reason.NO_PRICE, "no_feed")
    assert "'prices'" in account.failure.detail
    assert judged(account).actionable.liquidatable is None
    assert judged(account).actionable.health.state is State.UNKNOWN
    assert [leg.quantity for leg in account.legs] == [Decimal("-36363.636363"), Decimal(4000)]
    assert "XRP" not in {price.asset.key for price in snapshot.prices}


def test_a_price_of_the_callers_judges_where_there_is_no_feed():
    """With a price for XRP the same position is exact, and the answer says whose price it is."""
    snapshot = answer(recorded("caller-price"))
    account = only(snapshot)
    assert account.failure is None
    assert Parity.between(judged(account), account.venue_answer).status == "exact"
    assert account.labels["index_price"] == "caller"
    assert account.labels["collateral_price"] == "chainlink feed"
    sources = {price.asset.key: price.source for price in snapshot.prices}
    assert sources["XRP"] == "gmx-v2 caller"
    prices = rule_of(account).prices
    assert prices is not None
    assert (prices.index.min, prices.index.max) == (5612 * 10**20, 5619 * 10**20)


def test_a_feed_past_its_heartbeat_is_stale_and_never_a_number():
    """The provider's own refusal is the reason; the position is unknown."""
    recording = recorded("ordinary")
    index = "82af49447d8a07e3bd95bd0d56f35241523fbab1"
    stale = selector("ChainlinkPriceFeedNotUpdated(address,uint256,uint256)").hex()
    refusal = Failure(Reason.CALL_REVERTED, "custom_error", f"0x{stale}{'0' * 24}{index}")
    start = selector("getOraclePrice(address,bytes)")
    (place,) = [
        key
        for key in recording.replies
        if isinstance(key, tuple) and key[1][:4] == start and index in key[1].hex()
    ]
    faulty = answer(recording.with_reply(place, refusal))
    states = {a.labels.get("market"): a.failure for a in faulty.accounts}
    failure = states["WETH/USD [WETH-USDC]"]
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.STALE_PRICE, "feed_not_updated")
    assert states["BTC/USD [WBTC.e-USDC]"] is None


def test_a_disabled_market_stops_the_liquidation_but_heals_nothing():
    """No order executes in the market: the state stays, the verdict says no, a note says why."""
    recording = recorded("stale")
    market = only(answer(recording)).labels["market_token"]
    key = data_key("IS_MARKET_DISABLED", market)
    account = only(answer(with_value(recording, "getBool", key, True)))
    assert judged(account).actionable.liquidatable is False
    assert judged(account).actionable.health.state is State.LIQUIDATABLE
    notes = [(p.code, p.severity) for p in account.problems]
    assert notes == [("liquidation_blocked", Severity.NOTE)]


def test_a_referral_and_a_tier_lower_the_fee_as_the_venue_lowers_it():
    """One owner's referral gives 10% less, another's tier 15%; the reader agrees to the unit."""
    for name, share in (("ordinary", 10), ("ugly", 15)):
        for account in answer(recorded(name)).accounts:
            fees = rule_of(account).actionable().fees
            assert fees.discount == fees.position * share // 100
            assert isinstance(account.venue_answer, VenueAnswer)
            assert account.venue_answer.figures["totalDiscountAmount"] == fees.discount


def test_a_figure_that_differs_from_the_readers_makes_the_position_unknown():
    """A minus one in the place of the funding rate is a legal number; the judge finds it wrong."""
    recording = recorded("stale")
    market = only(answer(recording)).labels["market_token"]
    key = data_key("SAVED_FUNDING_FACTOR_PER_SECOND", market)
    account = only(answer(with_value(recording, "getInt", key, -(10**22))))
    assert account.failure is not None
    assert account.failure.code == "parity_mismatch"
    assert "fundingFeeAmount" in account.failure.detail
    assert judged(account).actionable.liquidatable is None


def test_the_position_is_judged_without_the_reader():
    """The reader is only the judge: with none, every verdict is the same and parity is unread."""
    for name in ("ordinary", "stale", "ugly"):
        recording = recorded(name)
        truth, alone = answer(recording), answer(without_views(recording))
        for one, other in zip(truth.accounts, alone.accounts, strict=True):
            assert other.failure is None
            assert judged(one) == judged(other)
            assert isinstance(other.venue_answer, Failure)


def test_a_reader_that_refuses_one_figure_still_judges_the_rest():
    """``getPositionInfo`` can revert for one position: a note, and the verdict is compared alone."""
    recording = recorded("stale")
    (key,) = views(recording, "getPositionInfo")
    refused = Failure(Reason.CALL_REVERTED, "custom_error", "0xc6822aa6")
    account = only(answer(recording.with_reply(key, refused)))
    assert account.failure is None
    parity = Parity.between(judged(account), account.venue_answer)
    assert (parity.status, len(parity.differences)) == ("exact", 5)
    assert [p.severity for p in account.problems] == [Severity.NOTE]


def test_fields_that_do_not_hash_to_the_positions_key_are_not_believed():
    """A side that was read wrongly is found by the key: the position is unknown, not turned around."""
    recording = recorded("stale")
    account = only(answer(recording))
    field = position_field_key(bytes.fromhex(account.id[2:]), "IS_LONG")
    faulty = only(answer(with_value(recording, "getBool", field, True)))
    assert faulty.failure is not None
    assert (faulty.failure.reason, faulty.failure.code) == (Reason.BAD_RETURN_DATA, "position_key")
    assert faulty.legs == ()


def test_without_the_list_nothing_is_claimed():
    """A failed list is an incomplete answer with a read problem, not an owner without positions."""
    recording = recorded("ordinary")
    first = next(iter(recording.replies))
    snapshot = answer(recording.with_reply(first, TIMEOUT))
    assert (snapshot.accounts, snapshot.complete) == ((), False)
    assert [(p.severity, p.code) for p in snapshot.problems] == [(Severity.READ, "timeout")]


def test_a_warm_owner_is_asked_for_in_two_rounds_and_answered_alike():
    """What was remembered only lets questions be asked early; the second answer is the first."""
    for name in ("ordinary", "ugly", "caller-price"):
        recording, facts = recorded(name), Facts()
        cold, first = replay(ADAPTER.read(recording.request(facts)), recording.replies)
        warm, second = replay(ADAPTER.read(recording.request(facts)), recording.replies)
        assert (len(first), len(second)) == (5, 2)
        assert warm == cold


def test_what_is_remembered_is_not_believed():
    """An owner whose position was closed since has none, whatever was there before."""
    recording, facts = recorded("stale"), Facts()
    assert len(answer(recording, facts).accounts) == 1
    first = next(iter(recording.replies))
    emptied = recording.with_reply(first, eth_abi.encode(["bytes32[]"], [[]]))
    assert answer(emptied, facts).accounts == ()


def test_a_chain_without_a_referral_storage_says_that_discounts_are_not_counted():
    """The reader is then asked without one too; a note says so."""
    recording = recorded("no-price")
    contracts = dict(recording.deployment.contracts)
    del contracts["referral_storage"]
    deployment = replace(recording.deployment, contracts=contracts)
    snapshot = answer(replace(recording, deployment=deployment))
    assert [(p.code, p.severity) for p in snapshot.problems] == [
        ("no_referral_storage", Severity.NOTE)
    ]


def test_the_list_is_cut_only_with_a_warning():
    """A thousand positions are the most; the answer is then not called complete."""
    recording = recorded("empty")
    first = next(iter(recording.replies))
    keys = [number.to_bytes(32, "big") for number in range(1000)]
    many: Mapping[ReplyKey, RawReply] = {first: eth_abi.encode(["bytes32[]"], [keys])}
    snapshot = answer(replace(recording, replies=many))
    assert snapshot.complete is False
    assert "too_many_positions" in {p.code for p in snapshot.problems}
    assert {a.failure is not None for a in snapshot.accounts} == {True}


@pytest.mark.parametrize(
    "given",
    [
        {"XRP": "0"},
        {"XRP": "-1"},
        {"XRP": "NaN"},
        {"XRP": 0.5},
        {"XRP": {"min": "2", "max": "1"}},
        {"XRP": {"min": "2"}},
        ["XRP"],
    ],
)
def test_a_price_that_is_none_is_refused(given):
    """Zero, negative, no number, a float, a spread upside down: each names its place."""
    with pytest.raises(InputError, match="prices"):
        GivenPrices.of({"prices": given})


def test_a_price_finer_than_the_venue_writes_is_refused():
    """Prices have 30 decimals less the token's: XRP's have 24."""
    token = token_of(bundled_tokens(), ARBITRUM, synthetic_token(42161, "XRP"))
    given = GivenPrices.of({"prices": {"xrp": "0.1" + "0" * 23 + "1"}})
    with pytest.raises(InputError, match="XRP"):
        given.of_token(token)


def test_a_given_price_is_found_by_address_too():
    """The address of a synthetic token names it as well as its symbol does."""
    token = token_of(bundled_tokens(), ARBITRUM, synthetic_token(42161, "XRP"))
    price = GivenPrices.of({"prices": {token.address.upper().replace("X", "x"): 2}}).of_token(token)
    assert not isinstance(price, Failure | None)
    assert price.min == price.max == 2 * 10**24


def test_a_synthetic_tokens_address_is_its_chain_and_symbol():
    """Bitcoin's on Arbitrum is the one the venue's markets name."""
    address = "0x47904963fc8b2340414262125af798b9655e58cd"
    assert synthetic_token(42161, "BTC") == address
    assert listed(ARBITRUM, address) == ("BTC", 8)
    assert token_of(bundled_tokens(), ARBITRUM, address).underlying == "BTC"


def test_a_name_nobody_proves_is_no_underlying():
    """A token that is neither listed nor a known synthetic is its own underlying, flagged."""
    token = token_of(bundled_tokens(), ARBITRUM, "0x" + "12" * 20, decimals=18)
    assert token.underlying == f"{ARBITRUM}/0x{'12' * 20}"
    assert token.asset.known is False


def test_a_synthetic_of_an_unlisted_chain_is_named_by_its_address_and_scaled_on_chain():
    """On MegaETH the symbol is proven by the hash; its decimals are not assumed from elsewhere."""
    token = token_of(bundled_tokens(), "eip155:4326", synthetic_token(4326, "DOGE"))
    assert (token.underlying, token.decimals) == ("DOGE", None)
    assert token_of(bundled_tokens(), "eip155:4326", token.address, decimals=8).decimals == 8


def test_deployments_cover_the_four_chains():
    """Arbitrum, Avalanche, Botanix and MegaETH; a DataStore, a provider and a judge on each."""
    deployments = ADAPTER.deployments()
    chains = {int(each.chain_id.rpartition(":")[2]) for each in deployments}
    assert chains == {42161, 43114, 3637, 4326}
    for each in deployments:
        assert {"data_store", "reader", "price_feed_provider"} <= each.contracts.keys()
