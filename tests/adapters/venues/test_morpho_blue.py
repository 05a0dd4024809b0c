"""Morpho Blue: conformance on accounts recorded from its real contracts, and its own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.base import VenueSnapshot
from crossmargin.adapters.chain.call import Call, Contract, Log, LogQuery, RawReply
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, load_recordings, replay
from crossmargin.adapters.venues.morpho_blue import ADAPTER
from crossmargin.adapters.venues.morpho_blue.discover import log_queries
from crossmargin.adapters.venues.morpho_blue.irm import adaptive_curve_rate
from crossmargin.adapters.venues.morpho_blue.maths import (
    MarketState,
    PositionState,
    accrue,
    liquidate_by_assets,
    liquidate_by_shares,
    liquidation_incentive_factor,
    liquidation_price,
    max_borrow,
    to_assets_up,
)
from crossmargin.adapters.venues.morpho_blue.rule import MorphoRule, Token
from crossmargin.core.book.health import Judgement, State, VenueAnswer
from crossmargin.core.book.model import Asset, Debt, Leg, MarginAccount, Spot
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import DocumentError, Failure, InputError, Reason, RuleError, Severity

RECORDINGS = Path(__file__).parents[1] / "recordings" / "morpho-blue"
WAD = 10**18
MORPHO = Contract("morpho_blue", "Morpho")


class TestMorphoBlue(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Four accounts of a local chain: empty, ordinary, stale and ugly."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The collateral's price in the loan token, from the rule's own oracle."""
        own = account.rule
        assert isinstance(own, MorphoRule)
        assert own.oracle_price is not None
        return Decimal(own.oracle_price).scaleb(-judged(account).liquidation_prices[0].decimals)


def recorded(name: str) -> RecordedAccount:
    """The recorded account of that name."""
    return next(one for one in load_recordings(RECORDINGS) if one.name == name)


def answer(recording: RecordedAccount, facts: Facts | None = None) -> VenueSnapshot:
    """What the adapter makes of a recording, on fresh facts unless some are given."""
    return replay(ADAPTER.read(recording.request(facts or Facts())), recording.replies)[0]


def judged(account: MarginAccount) -> Judgement:
    """The account's judgement, which must be there."""
    assert account.judgement is not None
    return account.judgement


def integers(value: Any) -> Any:
    """The expected values of a case with their decimal strings as integers."""
    if isinstance(value, Mapping):
        return {name: integers(inner) for name, inner in value.items()}
    return value if isinstance(value, bool) else int(value)


@pytest.mark.shared
def test_all_recorded_cases_are_exact(shared):
    """All 54 cases of the venue's contracts are reproduced: totals, rate, debt, limit, verdict."""
    lines = (shared / "vectors" / "morpho-blue.account.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    suite = ADAPTER.suites["account"]
    wrong = [
        case["case"]
        for case in cases
        if suite.compute(case["inputs"]) != integers(case["expected"])
    ]
    assert (len(cases), wrong) == (54, [])


@pytest.fixture
def mainnet(shared) -> tuple[RecordedAccount, Mapping[str, Any]]:
    """The mainnet account of five markets: its recorded calls, and what was recorded beside them."""
    entry = json.loads((shared / "data" / "positions" / "morpho_blue.json").read_text())[0]
    raw = entry["raw"]
    replies: dict[Any, RawReply] = {
        (call["to"].lower(), bytes.fromhex(call["data"][2:])): bytes.fromhex(call["result"][2:])
        for call in raw["calls"]
    }
    block = BlockRef("eip155:1", entry["block"], "0x" + "00" * 32, raw["block_timestamp"])
    deployment = next(one for one in ADAPTER.deployments() if one.chain_id == "eip155:1")
    recording = RecordedAccount("mainnet", entry["account"], block, deployment, replies, {})
    return recording, raw["markets"]


@pytest.mark.shared
def test_a_mainnet_account_owes_what_was_recorded_in_all_five_markets(mainnet):
    """Driven with the calls recorded at block 19425631, every debt is exact to the wei."""
    recording, markets = mainnet
    accounts = {account.id: account for account in answer(recording).accounts}
    expected = {market: int(one["derived"]["borrow_assets_up"]) for market, one in markets.items()}
    assert {id_: judged(account).figures["borrowAssets"] for id_, account in accounts.items()} == (
        expected
    )
    assert {
        market: -next(leg for leg in accounts[market].legs if leg.id == "debt").quantity
        for market in markets
    } == {
        market: Decimal(amount).scaleb(-(18 if "weth" in _loan(markets[market]) else 6))
        for market, amount in expected.items()
    }


def _loan(market: Mapping[str, Any]) -> str:
    """Which of the two kinds of loan token a recorded market has."""
    weth = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
    return "weth" if market["params"]["loanToken"] == weth else "dollars"


@pytest.mark.shared
def test_without_an_oracle_price_the_health_is_unknown(mainnet):
    """No price was recorded for the mainnet account: its health is unknown, with the reason."""
    for account in answer(mainnet[0]).accounts:
        assert account.failure is not None
        assert account.failure.reason is Reason.NO_PRICE
        assert judged(account).actionable.health.state is State.UNKNOWN
        assert judged(account).actionable.liquidatable is None


def test_a_revert_that_says_nothing_leaves_the_venues_verdict_open():
    """Only the known reasons are a verdict; after another one there is none, and a note says so."""
    recording = recorded("stale")
    key = next(
        key
        for key, reply in recording.replies.items()
        if isinstance(reply, Failure) and reply.reason is Reason.CALL_REVERTED
    )
    odd = Failure(Reason.CALL_REVERTED, "panic", "0x11 arithmetic overflow")
    (account,) = answer(recording.with_reply(key, odd)).accounts
    assert account.venue_answer == odd
    assert judged(account).actionable.liquidatable is True
    assert [(one.severity, one.code) for one in account.problems] == [(Severity.NOTE, "panic")]


@pytest.mark.parametrize("name", ["ordinary", "stale", "ugly"])
def test_a_whole_answer_has_no_problem(name):
    """Where everything was read, nothing is reported."""
    for account in answer(recorded(name)).accounts:
        assert account.problems == ()


@pytest.mark.shared
def test_curated_markets_are_noted_as_incomplete(mainnet):
    """Where only shipped ids were probed, a note says so and completeness is not claimed."""
    snapshot = answer(mainnet[0])
    (note,) = snapshot.problems
    assert (snapshot.enumeration, snapshot.complete) == ("curated", False)
    assert (note.severity, note.reason) == (Severity.NOTE, Reason.POSITIONS_INCOMPLETE)


def test_ids_from_the_caller_are_a_list_without_a_problem():
    """Ids that the caller gave are probed and nothing is noted."""
    snapshot = answer(recorded("ordinary"))
    assert (snapshot.enumeration, snapshot.complete, snapshot.problems) == ("list", True, ())


@pytest.mark.parametrize("markets", ["0x12", ["0x12"], [7], 7])
def test_a_malformed_market_id_is_refused(markets):
    """A market id that is not 32 bytes is an input error, not an empty answer."""
    recording = replace(recorded("empty"), options={"markets": markets})
    with pytest.raises(InputError, match="markets"):
        answer(recording)


def test_an_unknown_way_of_discovery_is_refused():
    """A misspelt option is an input error, not a narrower search."""
    with pytest.raises(InputError, match="discover"):
        answer(replace(recorded("empty"), options={"discover": "log"}))


def test_a_simulated_liquidation_is_asked_last():
    """Should it pass, its effects on the chain's state reach no other read of the batch."""
    recording = recorded("ugly")
    _, rounds = replay(ADAPTER.read(recording.request(Facts())), recording.replies)
    names = [one.function.signature.split("(")[0] for one in rounds[-1] if isinstance(one, Call)]
    assert names.count("liquidate") == 3
    assert set(names[-3:]) == {"liquidate"}


def test_an_id_that_is_no_market_is_noted():
    """An id that the deployment does not know is named instead of counting as no position."""
    unknown = "0x" + "ab" * 32
    recording = recorded("empty")
    morpho, key = recording.deployment.contracts["morpho"], bytes.fromhex(unknown[2:])
    calls = (
        (MORPHO.all(morpho, "position", key, recording.owner), 96),
        (MORPHO.all(morpho, "market", key), 192),
        (MORPHO.all(morpho, "idToMarketParams", key), 160),
    )
    replies = {(call.target, call.data): bytes(size) for call, size in calls}
    snapshot = answer(replace(recording, replies=replies, options={"markets": [unknown]}))
    assert snapshot.accounts == ()
    assert [problem.code for problem in snapshot.problems] == ["unknown_market"]


def with_logs(recording: RecordedAccount, found: RawReply) -> RecordedAccount:
    """The recording read by a log scan instead of a list; ``found`` answers the last query."""
    scanned = replace(recording, options={"discover": "logs"})
    queries = log_queries(scanned.request(Facts()))
    logs: dict[LogQuery, RawReply] = dict.fromkeys(queries, ())
    logs[queries[-1]] = found
    return replace(scanned, replies={**recording.replies, **logs})


def logs_of(recording: RecordedAccount, markets: Sequence[str]) -> tuple[Log, ...]:
    """One event per market, as the log scan would find them."""
    morpho = recording.deployment.contracts["morpho"].lower()
    return tuple(Log(morpho, ("0x" + "00" * 32, market), "0x", 1) for market in markets)


def test_a_log_scan_finds_every_position():
    """Markets named by the logs are read like those of a list, and completeness is proven."""
    recording = recorded("ugly")
    by_logs = answer(with_logs(recording, logs_of(recording, recording.options["markets"])))
    assert by_logs.accounts == answer(recording).accounts
    assert (by_logs.enumeration, by_logs.complete) == ("logs", True)


def test_a_failed_log_scan_makes_the_answer_incomplete():
    """A log scan that was wanted and failed is a read problem, never an empty book."""
    snapshot = answer(with_logs(recorded("ugly"), Failure(Reason.RPC_UNAVAILABLE, "timeout")))
    (problem,) = snapshot.problems
    assert (problem.severity, problem.reason) == (Severity.READ, Reason.POSITIONS_INCOMPLETE)
    assert not snapshot.complete


def test_the_log_scan_asks_for_the_owner_in_every_event():
    """Each query filters on the owner, and starts at the deployment's first block."""
    recording = recorded("empty")
    owner = "0x" + "00" * 12 + recording.owner[2:].lower()
    for query in log_queries(recording.request(Facts())):
        assert query.topics[-1] == owner


def test_a_warm_account_needs_two_rounds_and_no_parameters():
    """With parameters and tokens known, the second read asks for neither again."""
    recording, facts = recorded("ugly"), Facts()
    _, cold = replay(ADAPTER.read(recording.request(facts)), recording.replies)
    _, warm = replay(ADAPTER.read(recording.request(facts)), recording.replies)
    assert (len(cold), len(warm)) == (2, 2)
    assert sum(map(len, warm)) < sum(map(len, cold))


def test_stored_totals_can_call_a_liquidatable_account_healthy():
    """An idle market: healthy on stored totals, liquidatable once accrued, as the venue says."""
    (account,) = answer(recorded("stale")).accounts
    assert judged(account).stored.liquidatable is False
    assert judged(account).actionable.liquidatable is True
    assert isinstance(account.venue_answer, VenueAnswer)
    assert account.venue_answer.figures == {"healthy": 0}


def test_parameters_that_do_not_hash_to_the_id_are_refused():
    """Garbage in place of a market's parameters is caught by the id, which is their hash."""
    recording = recorded("stale")
    market = answer(recording).accounts[0].id
    call = MORPHO.all(
        recording.deployment.contracts["morpho"], "idToMarketParams", bytes.fromhex(market[2:])
    )
    true = recording.replies[call.target, call.data]
    assert isinstance(true, bytes)
    for garbage in (true[:-1] + b"\x01", bytes(len(true))):
        (account,) = answer(recording.with_reply((call.target, call.data), garbage)).accounts
        assert account.failure == Failure(
            Reason.BAD_RETURN_DATA, "id_mismatch", "the parameters do not hash to the id"
        )


def test_an_authorised_pre_liquidation_contract_is_noted():
    """Where a configured contract may act for the owner, the answer says so."""
    recording, closer = recorded("ordinary"), "0x" + "11" * 20
    deployment = replace(recording.deployment, settings={"pre_liquidation": [closer]})
    call = MORPHO.one(deployment.contracts["morpho"], "isAuthorized", recording.owner, closer)
    configured = replace(recording, deployment=deployment)
    allowed = configured.with_reply((call.target, call.data), (1).to_bytes(32, "big"))
    refused = configured.with_reply((call.target, call.data), bytes(32))
    assert [problem.code for problem in answer(allowed).problems] == ["pre_liquidation"]
    assert answer(refused).problems == ()


# The rule itself

MARKET = MarketState(2_000_000 * 10**6, 2_000_000 * 10**12, 10**12, 10**18, 1_000, 10**17)
TOKENS = (Token("WETH", 18), Token("USDC", 6))


def rule(held: PositionState, price: int, **changes: Any) -> MorphoRule:
    """The rule of a position in MARKET at this price, with changes."""
    whole = MorphoRule(1_000, held, MARKET, 86 * WAD // 100, price, 0, *TOKENS)
    return replace(whole, **changes)


def at_limit(collateral: int, price: int) -> PositionState:
    """A position whose debt is exactly what the collateral allows: shares are 1e6 an asset."""
    limit = max_borrow(collateral, price, 86 * WAD // 100)
    # One virtual asset and 1e6 virtual shares keep the share price at exactly 1e-6.
    shares = limit * 10**6
    assert to_assets_up(shares, MARKET.total_borrow_assets, MARKET.total_borrow_shares) == limit
    return PositionState(0, shares, collateral)


@given(st.integers(1, 10**24), st.integers(10**20, 10**28))
def test_equality_is_healthy_and_one_unit_more_is_not(collateral, price):
    """At the limit the account is healthy, with one raw unit of debt more it is liquidatable."""
    position = at_limit(collateral, price)
    more = replace(position, borrow_shares=position.borrow_shares + 10**6)
    assert rule(position, price).judge().actionable.liquidatable is False
    assert rule(more, price).judge().actionable.liquidatable is True


@given(
    st.integers(1, 10**24),
    st.integers(1, 10**15),
    st.integers(10**16, 98 * WAD // 100),
)
def test_the_liquidation_price_is_exact_on_both_sides(collateral, borrowed, lltv):
    """At the liquidation price the limit covers the debt, one raw unit below it does not."""
    price = liquidation_price(borrowed, collateral, lltv)
    assert price is not None
    assert max_borrow(collateral, price, lltv) >= borrowed
    assert max_borrow(collateral, price - 1, lltv) < borrowed


def test_no_price_saves_a_debt_without_collateral():
    """Without collateral, or where none counts, there is no liquidation price."""
    assert liquidation_price(1, 0, 86 * WAD // 100) is None
    assert liquidation_price(1, 10**18, 0) is None


def test_debt_without_collateral_is_bad_debt_of_value_zero():
    """Nothing held against a debt: bad debt, health 0, never unknown or empty."""
    health = rule(PositionState(0, 10**12, 0), 10**27).judge().actionable.health
    assert (health.state, health.value) == (State.BAD_DEBT, 0)


def test_supply_is_no_collateral():
    """What is lent out in the same market does not count for the health of a debt."""
    owing = PositionState(0, 10**15, 10**18)
    lending = replace(owing, supply_shares=10**20)
    price = 10**27
    assert rule(lending, price).judge().actionable == rule(owing, price).judge().actionable


@pytest.mark.parametrize(
    ("position", "state"),
    [
        (PositionState(0, 0, 0), State.EMPTY),
        (PositionState(5, 0, 0), State.NO_DEBT),
        (PositionState(0, 0, 5), State.NO_DEBT),
    ],
)
def test_without_debt_there_is_no_value(position, state):
    """An account that owes nothing has no health value, whatever else is unread."""
    verdict = rule(position, 0, oracle_price=None, borrow_rate=None, market=None).judge().actionable
    assert (verdict.health.state, verdict.health.value) == (state, None)
    assert verdict.liquidatable is False


@pytest.mark.parametrize("missing", ["market", "oracle_price", "lltv", "position"])
def test_a_missing_part_makes_both_verdicts_unknown(missing):
    """Whatever the judgement needs and does not have, it is unknown and never a number."""
    judgement = rule(PositionState(0, 10**15, 10**18), 10**27, **{missing: None}).judge()
    assert judgement.stored.health.state is State.UNKNOWN
    assert judgement.actionable.health.state is State.UNKNOWN


def test_a_missing_rate_leaves_only_the_stored_verdict():
    """Without the rate nothing can be accrued: the stored verdict stands, the other is unknown."""
    judgement = rule(PositionState(0, 10**15, 10**18), 10**27, borrow_rate=None).judge()
    assert judgement.stored.health.state is not State.UNKNOWN
    assert judgement.actionable.liquidatable is None


def test_a_price_that_overflows_the_contract_is_no_answer():
    """The contract reverts where collateral times price leaves 256 bits: the verdict is unknown."""
    judgement = rule(PositionState(0, 10**15, 10**18), 2**255).judge()
    assert judgement.actionable.liquidatable is None


def test_a_market_updated_after_the_block_is_refused():
    """A block older than the market's last update cannot be accrued to."""
    with pytest.raises(RuleError):
        accrue(MARKET, 1, MARKET.last_update - 1)


@pytest.mark.parametrize(
    ("lltv", "factor"),
    [
        (86 * WAD // 100, 1_043_841_336_116_910_229),
        (945 * WAD // 1000, 1_016_776_817_488_561_260),
        (385 * WAD // 1000, 115 * WAD // 100),
        (WAD, WAD),
    ],
)
def test_the_incentive_is_the_venues(lltv, factor):
    """The seized value per repaid value: 1 / (1 - 0.3 (1 - lltv)), at most 1.15."""
    assert liquidation_incentive_factor(lltv) == factor


def test_a_liquidation_moves_no_more_than_is_there():
    """Repaying more than is owed, or seizing more than is held, is refused as the contract does."""
    position, price, lltv = PositionState(0, 10**15, 10**15), 10**27, 86 * WAD // 100
    with pytest.raises(RuleError):
        liquidate_by_shares(MARKET, position, price, lltv, 10**15 + 1)
    with pytest.raises(RuleError):
        liquidate_by_assets(MARKET, position, price, lltv, 10**15 + 1)


def test_seizing_everything_writes_off_the_rest_of_the_debt():
    """Once no collateral is left, the unpaid debt is the lenders' loss at once."""
    position, price, lltv = PositionState(0, 10**15, 10**17), 10**27, 86 * WAD // 100
    done = liquidate_by_assets(MARKET, position, price, lltv, position.collateral)
    assert done.seized_assets == position.collateral
    assert done.repaid_shares + done.bad_debt_shares == position.borrow_shares
    assert done.bad_debt_assets > 0


@given(st.integers(1, 10**15))
def test_shares_and_assets_are_two_ways_to_one_liquidation(repaid):
    """Seizing what a repayment buys never costs more shares than that repayment."""
    position, price, lltv = PositionState(0, 10**15, 10**24), 10**27, 86 * WAD // 100
    by_shares = liquidate_by_shares(MARKET, position, price, lltv, repaid)
    by_assets = liquidate_by_assets(MARKET, position, price, lltv, by_shares.seized_assets)
    assert by_assets.repaid_shares <= max(repaid, 1) + 10**6


# Scenarios

WETH = Asset("WETH", "WETH", "ETH")
USDC = Asset("USDC", "USDC", "USDC", "stable", 6)


def legs() -> tuple[Leg, ...]:
    """One WETH against 500 USDC, and 100 USDC lent."""
    return (
        Leg("collateral", Spot(WETH), Decimal(1)),
        Leg("debt", Debt(USDC), Decimal(-500)),
        Leg("supply", Spot(USDC), Decimal(100)),
    )


def scenarios(weth: list[float], usdc: list[float]) -> LegScenarios:
    """The legs at these multiples of 1,000 and 1 USD."""
    factor = np.array([weth, usdc, usdc])
    price = factor * np.array([[1000.0], [1.0], [1.0]])
    return LegScenarios(price * np.array([[1.0], [-500.0], [100.0]]), price, factor)


def test_the_limit_moves_with_collateral_over_loan():
    """A dearer loan token hurts exactly as a cheaper collateral does."""
    whole = rule(PositionState(0, 500 * 10**12, 10**18), 10**27)
    result = whole.evaluate(legs(), scenarios([1.0, 0.5, 1.0], [1.0, 1.0, 2.0]))
    assert result.health.tolist() == pytest.approx([1.72, 0.86, 0.86], rel=1e-12)
    assert result.liquidatable.tolist() == [False, True, True]


def test_equity_over_maintenance_crosses_one_with_the_venue():
    """Supply included, equity equals maintenance where the venue liquidates, to its last unit."""
    whole = rule(PositionState(10**14, 500 * 10**12, 10**18), 10**27)
    at = 500 / 860
    result = whole.evaluate(legs(), scenarios([at], [1.0]))
    assert result.equity[0] == pytest.approx(result.maintenance[0], rel=1e-12)
    # The venue floors the limit twice, to whole units of a loan token with six decimals.
    assert 1 - 2 / (500 * 10**6) <= result.health[0] <= 1


def test_a_changed_leg_changes_the_answer():
    """A repaid half doubles the health: the scenarios follow the legs, not the stored position."""
    whole = rule(PositionState(0, 500 * 10**12, 10**18), 10**27)
    held, owed, lent = legs()
    repaid = (held, replace(owed, quantity=Decimal(-250)), lent)
    result = whole.evaluate(repaid, scenarios([1.0], [1.0]))
    assert result.health[0] == pytest.approx(3.44, rel=1e-12)


@pytest.mark.parametrize("unread", [0, 1, 2])
def test_an_unread_leg_has_no_scenario_answer(unread):
    """A leg that was not read is refused: its quantity 0 would read as nothing owed."""
    book = list(legs())
    book[unread] = replace(
        book[unread], quantity=Decimal(0), failure=Failure(Reason.RPC_UNAVAILABLE)
    )
    whole = rule(PositionState(0, 500 * 10**12, 10**18), 10**27)
    with pytest.raises(RuleError):
        whole.evaluate(book, scenarios([1.0], [1.0]))


def test_an_unread_position_has_no_scenario_answer():
    """An account whose position was not read has no legs, which does not make it healthy."""
    nothing = np.zeros((0, 1))
    with pytest.raises(RuleError):
        MorphoRule(1_000).evaluate((), LegScenarios(nothing, nothing, nothing))


def test_one_wei_over_the_limit_never_rounds_to_healthy():
    """A debt of 24 digits one unit over its limit is liquidatable in the float answer too."""
    price, collateral = 10**36, 10**24
    limit = max_borrow(collateral, price, 86 * WAD // 100)
    tokens = {"collateral": Token("WETH", 18), "loan": Token("USDC", 18)}
    whole = rule(PositionState(0, 1, collateral), price, **tokens)
    for owed, liquidatable in ((limit, False), (limit + 1, True)):
        book = (
            Leg("collateral", Spot(WETH), Decimal(collateral).scaleb(-18)),
            Leg("debt", Debt(USDC), -Decimal(owed).scaleb(-18)),
        )
        flat = np.ones((2, 1))
        result = whole.evaluate(book, LegScenarios(flat, flat, flat))
        assert result.liquidatable.tolist() == [liquidatable]


@pytest.mark.parametrize(
    "broken",
    [
        {"timestamp": None},
        {"market": {"fee": "1"}},
        {"market": 7},
        {"lltv": "-1"},
        {"lltv": True},
        {"oracle_price": "1e18"},
        {"oracle_price": "9" * 79},
        {"collateral": {"decimals": 18}},
    ],
)
def test_a_broken_rule_document_names_its_field(broken):
    """A rule that is not what we write is refused with the field that is wrong."""
    document = {**rule(PositionState(0, 1, 1), 1).document(), **broken}
    with pytest.raises(DocumentError) as caught:
        ADAPTER.rules["morpho-blue"](document)
    assert caught.value.field.startswith(next(iter(broken)))


# The rate model

YEAR = 365 * 86_400


def used(utilisation: float) -> MarketState:
    """A market of 1e18 lent, used to this share, last touched at 1,000."""
    return MarketState(10**18, 10**24, int(utilisation * 100) * 10**16, 10**24, 1_000, 0)


@pytest.mark.parametrize(("utilisation", "multiple"), [(0.0, 0.25), (0.9, 1.0), (1.0, 4.0)])
def test_a_new_market_starts_at_four_percent_on_its_curve(utilisation, multiple):
    """Before its first use the model's rate at target is 4% a year, a quarter to four times it."""
    yearly = adaptive_curve_rate(used(utilisation), 0, 1_000) * YEAR / WAD
    assert yearly == pytest.approx(0.04 * multiple, rel=1e-8)


def test_the_rate_at_target_stays_within_its_bounds():
    """However long a market is full or empty, the rate at target ends at 200% or 0.1% a year."""
    start, ages = 4 * WAD // 100 // YEAR, 1_000 + 50 * YEAR
    full = adaptive_curve_rate(used(1.0), start, ages) * YEAR / WAD
    idle = adaptive_curve_rate(used(0.0), start, ages) * YEAR / WAD
    # The average of start, end and twice the middle, where the last two are at the bound.
    assert full == pytest.approx(4 * (0.04 + 3 * 2.0) / 4, rel=1e-6)
    assert idle == pytest.approx(0.25 * (0.04 + 3 * 0.001) / 4, rel=1e-6)
