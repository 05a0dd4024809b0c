"""Hyperliquid read from precompiles: rounds, modes, dexes, golden accounts, what burns gas."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from eth_abi import abi as eth_abi

from crossmargin.adapters.base import VenueSnapshot
from crossmargin.adapters.chain.call import Call, RawReply, Read, Replies
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.adapters.venues.hyperliquid import ADAPTER
from crossmargin.adapters.venues.hyperliquid.maths import Tier
from crossmargin.adapters.venues.hyperliquid.universe import universe_of
from crossmargin.api.document import read_document, write_document
from crossmargin.core.book.health import Parity, State, VenueAnswer
from crossmargin.core.book.market import Market, Quote
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.book.portfolio import Book, Portfolio
from crossmargin.core.errors import InputError, Reason, Severity
from tests.localchain.hypercore import CONTRACTS, HyperCore, Position

from .accounts import ETH, OWNERS, USD, blank, state, told


def read(
    core: HyperCore, owner: str, facts: Facts | None = None, **options: Any
) -> tuple[VenueSnapshot, int]:
    """The adapter's answer on that state, and how many rounds it took."""
    recording = blank(core, owner, **options)
    plan = ADAPTER.read(recording.request(Facts() if facts is None else facts))
    ask, rounds = told(core), 0
    try:
        asked = next(plan)
        while True:
            rounds += 1
            answers: dict[Read, RawReply] = {
                call: ask(call) for call in asked if isinstance(call, Call)
            }
            asked = plan.send(Replies(answers))
    except StopIteration as done:
        return done.value, rounds


def accounts(core: HyperCore, name: str, **options: Any) -> dict[str, MarginAccount]:
    """The owner's accounts by id."""
    snapshot, _ = read(core, OWNERS[name], **options)
    return {account.id: account for account in snapshot.accounts}


def state_of(account: MarginAccount) -> State:
    """The state of an account that has a judgement."""
    assert account.judgement is not None
    return account.judgement.actionable.health.state


def test_a_warm_account_is_one_call_and_a_cold_one_three():
    """First the user, then sizes, then marks and terms of what is held; warm, all at once."""
    core, facts = state(), Facts()
    cold, cold_rounds = read(core, OWNERS["mixed"], facts, mode="standard")
    warm, warm_rounds = read(core, OWNERS["mixed"], facts, mode="standard")
    assert (cold_rounds, warm_rounds) == (3, 1)
    assert warm == cold


def test_a_position_opened_since_costs_one_more_frame():
    """Speculation on yesterday's positions never hides a new one."""
    core, facts = state(), Facts()
    read(core, OWNERS["short"], facts, mode="standard")
    core.positions[OWNERS["short"], ETH] = Position(10, 3_000_000)
    snapshot, rounds = read(core, OWNERS["short"], facts, mode="standard")
    assert rounds == 2
    assert [leg.id for leg in snapshot.accounts[0].legs] == ["collateral", "perp-1", "perp-12"]


def test_an_owner_whom_hypercore_does_not_know_has_nothing():
    """One round, and no precompile that would burn the gas for a stranger."""
    snapshot, rounds = read(state(), OWNERS["stranger"])
    assert (snapshot.accounts, snapshot.problems, rounds) == ((), (), 1)


def test_an_owner_without_positions_has_no_account():
    """A known user with empty rows."""
    snapshot, _ = read(state(), OWNERS["idle"])
    assert snapshot.accounts == ()


def test_the_answer_names_the_l1_block():
    """Both blocks are on every account."""
    account = accounts(state(), "short", mode="standard")["main:cross"]
    assert (account.labels["l1_block"], account.labels["evm_block"]) == ("900000001", "100")


@pytest.mark.parametrize("ahead", [0, 3])
def test_a_head_that_moved_on_is_said(ahead: int):
    """Three blocks later than the pin is fine, and a note says which block was read."""
    core = state()
    recording = blank(core, OWNERS["short"], mode="standard")
    core.block += ahead
    plan = ADAPTER.read(recording.request(Facts()))
    answer = driven(plan, core)
    notes = [problem.code for problem in answer.problems if problem.code == "latest_only"]
    assert notes == ["latest_only"] * (ahead > 0)
    assert answer.accounts[0].failure is None


def driven(plan: Any, core: HyperCore) -> VenueSnapshot:
    """The plan's answer on that state."""
    ask = told(core)
    try:
        asked = next(plan)
        while True:
            asked = plan.send(Replies({call: ask(call) for call in asked}))
    except StopIteration as done:
        answer: VenueSnapshot = done.value
        return answer


@pytest.mark.parametrize(("finality", "behind"), [("unknown", 3), ("latest", 500), ("latest", -1)])
def test_a_past_block_is_refused_and_not_answered_with_the_head(finality: str, behind: int):
    """Precompiles know no past: the answer is incomplete and says so."""
    core = state()
    recording = blank(core, OWNERS["short"], mode="standard")
    block = replace(recording.block, number=core.block - behind, finality=finality)
    answer = driven(ADAPTER.read(replace(recording, block=block).request(Facts())), core)
    (problem,) = answer.problems
    assert (problem.code, problem.severity, answer.complete) == (
        "latest_only",
        Severity.READ,
        False,
    )
    assert answer.accounts == ()


def test_cross_isolated_and_several_dexes_are_separate_accounts():
    """Each dex's cross account and each isolated position is judged alone; empty rows are nothing."""
    found = accounts(state(), "mixed", mode="standard")
    assert list(found) == ["main:cross", "xyz:cross", "hyna:cross", "main:isolated-12"]
    assert [leg.id for leg in found["main:cross"].legs] == ["collateral", "perp-0", "perp-1"]
    assert [state_of(account) for account in found.values()] == [
        State.OK,
        State.OK,
        State.OK,
        State.LIQUIDATABLE,
    ]
    assert all(account.failure is None for account in found.values())


def test_coins_of_builders_dexes_are_not_the_known_ones():
    """``hyna:BTC`` may be anything; only the main dex's BTC is BTC."""
    found = accounts(state(), "mixed", mode="standard")
    names = {
        leg.id: getattr(leg.instrument, "underlying", "") for a in found.values() for leg in a.legs
    }
    assert names["perp-0"] == "BTC"
    assert (names["perp-10002"], names["perp-20000"]) == ("xyz:NVDA", "hyna:BTC")


@pytest.mark.parametrize("counted", [True, False])
def test_the_summary_is_reproduced_whether_or_not_it_counts_isolated_positions(counted: bool):
    """Which of the two it is shows in its numbers; value and notional then differ by 0."""
    core = state()
    core.counts_isolated = counted
    found = accounts(core, "mixed", mode="standard")
    for name in ("main:cross", "xyz:cross", "hyna:cross"):
        account = found[name]
        parity = Parity.between(account.judgement, account.venue_answer)
        assert (parity.status, len(parity.differences)) == ("exact", 2), name
    assert (
        account_figure(found["main:cross"], "equity")
        == 30_000 * USD + 150_000 * 20_000 + 2_000 * USD
    )


def account_figure(account: MarginAccount, name: str) -> int:
    """One of our figures."""
    assert account.judgement is not None
    return account.judgement.figures[name]


def test_a_position_outside_the_list_is_seen_in_the_summary():
    """The dex sums up more than was read: its cross account is unknown, the isolated one stands."""
    core = state()
    core.perps[99] = ("NEW", 5, 0, 5, 10_000)
    core.positions[OWNERS["mixed"], 99] = Position(500, 5 * USD)
    found = accounts(core, "mixed", mode="standard")
    failure = found["main:cross"].failure
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.POSITIONS_INCOMPLETE, "summary_differs")
    assert state_of(found["main:cross"]) is State.UNKNOWN
    assert state_of(found["xyz:cross"]) is State.OK
    assert accounts(core, "mixed", mode="standard", perps=[99])["main:cross"].failure is None


def test_funding_paid_away_shows_in_the_verdict():
    """Entry equals mark, yet the cash that funding took leaves the account liquidatable."""
    found = accounts(state(), "funding", mode="standard")
    assert account_figure(found["main:cross"], "equity") == 3_500 * USD
    assert state_of(found["main:cross"]) is State.OK
    core = state()
    core.cross[OWNERS["funding"], 0] -= 1_001 * USD
    assert state_of(accounts(core, "funding", mode="standard")["main:cross"]) is State.LIQUIDATABLE


@pytest.mark.parametrize(("pending", "liquidatable"), [("-1001", True), ("1001", False)])
def test_funding_of_this_hour_that_the_caller_knows_is_in_the_leg_and_the_verdict(
    pending: str, liquidatable: bool
):
    """A payment that is due breaks the account on the actionable clock only."""
    given = {"BTC": pending}
    account = accounts(state(), "funding", mode="standard", pending_funding=given)["main:cross"]
    assert account.judgement is not None
    assert account.judgement.stored.liquidatable is False
    assert account.judgement.actionable.liquidatable is liquidatable
    assert {leg.accrued for leg in account.legs if leg.id == "perp-0"} == {Decimal(pending)}


def test_without_a_mode_cross_positions_are_unknown_and_isolated_ones_are_not():
    """No precompile tells the mode; an isolated position's margin is its own in every mode."""
    found = accounts(state(), "mixed")
    failure = found["main:cross"].failure
    assert failure is not None
    assert failure.reason is Reason.MODE_UNKNOWN
    assert state_of(found["main:cross"]) is State.UNKNOWN
    assert state_of(found["main:isolated-12"]) is State.LIQUIDATABLE


def test_a_unified_account_pools_the_dexes_of_a_token():
    """One island for USDC over two dexes; what backs it is the spot total less isolated margin."""
    found = accounts(state(), "pooled", mode="unifiedAccount")
    assert list(found) == ["unified:USDC", "main:isolated-1"]
    account = found["unified:USDC"]
    assert account_figure(account, "equity") == (12_000 - 700) * USD
    assert account_figure(account, "maintenanceMargin") == 50_000 * USD // 80 + 1_800 * USD // 40
    parity = Parity.between(account.judgement, account.venue_answer)
    assert (parity.status, len(parity.differences)) == ("exact", 4)


def test_a_unified_accounts_balance_moves_with_its_positions():
    """The balance counts the results in: the liquidation price is where maintenance reaches it."""
    account = accounts(state(), "pooled", mode="unified")["unified:USDC"]
    assert account.judgement is not None
    price = account.judgement.liquidation_prices[0]
    assert (price.asset, price.side) == ("BTC", "down")
    assert price.price is not None
    balance = Decimal(11_300) + (price.price - 100_000) / 2
    needed = price.price / 2 / 80 + 45
    assert 0 < balance - needed < Decimal("1e-9")


def test_a_live_unified_account_has_the_venues_own_available_balance():
    """The info endpoint's answer of 22 September 2026 for one account with an isolated long.

    Its ``tokenToAvailableAfterMaintenance`` of 172.99725228 USDC is our equity, for it has no cross
    position, and its ``liquidationPx`` of 0.0208842306 our price.
    """
    core, user = state(), OWNERS["pooled"]
    core.positions = {(user, 99): Position(75_000, 4_793_485_533, -1_305_264_414, 3)}
    core.perps[99] = ("MEGA", 3, 0, 3, 45_715)
    core.cross, core.spot = {(user, 0): 70_447_500}, {(user, 0): 229_635_783_828}
    found = accounts(core, "pooled", mode="unified", perps=[99])
    assert account_figure(found["unified:USDC"], "equity") == 172_997_252
    answer = found["unified:USDC"].venue_answer
    assert isinstance(answer, VenueAnswer)
    assert answer.figures["main.accountValue"] == 2_193_808_086
    isolated = found["main:isolated-99"]
    assert isolated.judgement is not None
    price = isolated.judgement.liquidation_prices[0].price
    assert float(price or 0) == pytest.approx(0.0208842306, rel=1e-8)


def test_a_portfolio_margin_account_has_the_documented_ratio():
    """Offset, maintenance and borrowing over the balance and the pledges at their threshold."""
    account = accounts(state(), "borrower", mode="portfolio")["portfolio"]
    assert account.labels["exactness"] == "documented formula"
    assert account.judgement is not None
    required = 20 + Decimal(50_000) / 80 + Decimal(1_800) / 40 + 9_000
    value = Decimal(11_300) + Decimal(1_000 * 40) * Decimal("0.75")
    health = account.judgement.actionable.health.value
    assert health is not None
    assert abs(health - Decimal("0.95") * value / required) < Decimal("1e-17")
    legs = {leg.id: leg.quantity for leg in account.legs}
    assert (legs["borrowed"], legs["pledge-150"]) == (-9_000, 1_000)


def test_an_account_that_never_borrowed_is_unknown_until_the_caller_says_so():
    """The precompile fails alike for "never borrowed" and "not read"; nothing else is lost by it."""
    account = accounts(state(), "broken", mode="portfolio")["portfolio"]
    assert account.failure is not None
    assert (account.failure.code, state_of(account)) == ("borrow_unread", State.UNKNOWN)
    told_so = accounts(state(), "broken", mode="portfolio", borrowed={"0": "0"})["portfolio"]
    assert (told_so.failure, state_of(told_so)) == (None, State.OK)


def test_an_index_that_burns_the_gas_is_left_out_and_its_dex_is_unknown():
    """A perp that the chain does not know costs one more frame and no other dex's answer."""
    core = state()
    snapshot, rounds = read(core, OWNERS["mixed"], mode="standard", perps=[7])
    found = {account.id: account for account in snapshot.accounts}
    failure = found["main:cross"].failure
    assert rounds == 4
    assert failure is not None
    assert (failure.code, state_of(found["main:cross"])) == ("gas_burned", State.UNKNOWN)
    assert state_of(found["xyz:cross"]) is State.OK
    assert state_of(found["main:isolated-12"]) is State.LIQUIDATABLE


def test_two_such_indices_leave_everything_behind_the_second_unknown():
    """Only one frame is spent on a guess that failed; what is behind is unread, never absent."""
    found = accounts(state(), "mixed", mode="standard", perps=[7, 8])
    unknown = [name for name, account in found.items() if state_of(account) is State.UNKNOWN]
    assert unknown == ["main:cross", "xyz:cross", "hyna:cross"]
    assert state_of(found["main:isolated-12"]) is State.LIQUIDATABLE  # its row came before


def test_every_single_unread_answer_leaves_its_island_unknown():
    """Each row of the frame in turn without an answer: no island gets better, the cause is named."""
    core = state()
    truth = accounts(core, "mixed", mode="standard")
    for place in range(frame_length(core)):
        found = with_row_lost(core, place)
        if isinstance(found, VenueSnapshot) and not found.complete and not found.accounts:
            assert any(problem.severity is Severity.READ for problem in found.problems)
            continue
        changed = 0
        for account in found.accounts:
            before = truth[account.id]
            if account.failure is None:
                assert account.judgement == before.judgement
            else:
                changed += 1
                assert state_of(account) is State.UNKNOWN
        assert changed > 0, place


def frame_length(core: HyperCore) -> int:
    """How many rows a warm frame of the mixed account has."""
    lengths: list[int] = []
    with_row_lost(core, -1, lengths)
    return lengths[-1]


def with_row_lost(core: HyperCore, place: int, lengths: list[int] | None = None) -> VenueSnapshot:
    """The warm answer with one row of the frame reverting with a word."""
    facts = Facts()
    read(core, OWNERS["mixed"], facts, mode="standard")
    recording = blank(core, OWNERS["mixed"], mode="standard")
    plan, ask = ADAPTER.read(recording.request(facts)), told(core)
    try:
        asked = next(plan)
        while True:
            (call,) = asked
            assert isinstance(call, Call)
            (rows,) = eth_abi.decode(["(bool,bytes)[]"], ask(call))
            if lengths is not None:
                lengths.append(len(rows))
            if place >= 0:
                rows = [*rows[:place], (False, b"\x01\x02\x03\x04"), *rows[place + 1 :]]
            asked = plan.send(Replies({call: eth_abi.encode(["(bool,bytes)[]"], [rows])}))
    except StopIteration as done:
        answer: VenueSnapshot = done.value
        return answer


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mixed", {"mode": "standard", "pending_funding": {"BTC": "-7.5"}}),
        ("mixed", {}),
        ("borrower", {"mode": "portfolio"}),
    ],
)
def test_a_portfolio_document_gives_back_the_same_accounts(name: str, options: dict[str, Any]):
    """Legs, rule and judgement survive the portfolio document, in every mode."""
    snapshot, _ = read(state(), OWNERS[name], **options)
    block = blank(state(), OWNERS[name]).block
    portfolio = Portfolio(OWNERS[name], (OWNERS[name],), (block,), snapshot.accounts)
    spot = {price.asset.key: Quote(price.value) for price in snapshot.prices}
    document = json.loads(json.dumps(write_document(Book(portfolio, Market(spot)))))
    again = read_document(document, bundled_tokens(), ADAPTER.rules)
    for before, after in zip(snapshot.accounts, again.portfolio.accounts, strict=True):
        assert after.rule == before.rule
        assert after.judgement == before.judgement or after.rule.judge() == before.judgement
        assert [(leg.id, leg.quantity, leg.accrued) for leg in after.legs] == [
            (leg.id, leg.quantity, leg.accrued) for leg in before.legs
        ]


def test_an_unknown_margin_table_is_named_and_unknown():
    """A tiered table that nobody configured cannot be made up."""
    core = state()
    core.perps[ETH] = ("ETH", 77, 4, 25, 300_000)
    account = accounts(core, "mixed", mode="standard")["main:cross"]
    assert account.failure is not None
    assert account.failure.code == "margin_table_unknown"
    given = {"77": [[0, 25], [100_000_000, 15]]}
    assert (
        accounts(core, "mixed", mode="standard", margin_tables=given)["main:cross"].failure is None
    )


def test_a_margin_table_that_the_chain_contradicts_is_refused():
    """The perp's maximum leverage is on chain: a table that begins elsewhere is out of date."""
    core = state()
    core.perps[ETH] = ("ETH", 55, 4, 20, 300_000)
    failure = accounts(core, "mixed", mode="standard")["main:cross"].failure
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.CODE_CHANGED, "margin_table_changed")


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "netting"},
        {"perps": ["0"]},
        {"perps": [50_000]},
        {"margin_tables": {"77": [[5, 10]]}},
        {"pending_funding": {"BTC": 1.5}},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]):
    """A wrong option is the caller's to mend, never silently dropped."""
    with pytest.raises(InputError):
        read(state(), OWNERS["mixed"], **options)


def test_the_bundled_deployment_asks_its_listed_perps_with_known_tables():
    """189 perps of the main dex, none that was delisted, one of xyz; every contract is stated."""
    (bundled,) = ADAPTER.deployments()
    assert {name: address.lower() for name, address in bundled.contracts.items()} == CONTRACTS
    assert bundled.chain_id == "eip155:999"
    request = replace(blank(state(), OWNERS["short"]).request(Facts()), deployment=bundled)
    universe = universe_of(request)
    main, xyz = universe.dexes
    assert (len(main.perps), xyz.perps) == (189, (10_002,))
    assert not {3, 20, 22, 30} & set(main.perps)  # MATIC, RNDR, FTM, MKR
    assert main.tiers(56, 40) == (Tier(0, 40), Tier(150_000_000, 20))


def test_a_deployments_file_may_hold_the_mode_per_owner():
    """Where a caller has no options to give, the deployment's settings name the mode."""
    recording = blank(state(), OWNERS["short"])
    settings = {**recording.deployment.settings, "modes": {OWNERS["short"]: "disabled"}}
    place = replace(recording.deployment, settings=settings)
    answer = driven(ADAPTER.read(replace(recording, deployment=place).request(Facts())), state())
    assert answer.accounts[0].failure is None


def test_dust_of_one_unit_per_position_is_no_missing_position():
    """The summary's own rounding is allowed one raw unit per position, and shows in the parity."""
    core = state()

    class Rounded(HyperCore):
        def summary(self, user: str, dex: int) -> tuple[int, int, int, int]:
            value, used, notional, cash = super().summary(user, dex)
            return value, used, notional + (1 if notional else 0), cash

    rounded = Rounded(**core.__dict__)
    account = accounts(rounded, "short", mode="standard")["main:cross"]
    parity = Parity.between(account.judgement, account.venue_answer)
    assert (account.failure, parity.largest) == (None, 1)
