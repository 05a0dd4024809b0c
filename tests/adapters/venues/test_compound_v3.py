"""Compound v3 read from chain: conformance on recorded accounts, and plans driven on cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_abi import abi as eth_abi

from crossmargin.adapters.base import Deployment, VenueSnapshot
from crossmargin.adapters.chain.call import Contract, RawReply, selector
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, ReplyKey, load_recordings, replay
from crossmargin.adapters.venues.compound_v3 import ADAPTER
from crossmargin.adapters.venues.compound_v3.maths import ABSORB_PAUSED, Collateral
from crossmargin.adapters.venues.compound_v3.rule import CompoundRule
from crossmargin.core.book.health import Judgement, Parity, State, VenueAnswer
from crossmargin.core.book.model import Debt, MarginAccount
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason, Severity

RECORDINGS = Path(__file__).parents[1] / "recordings" / "compound-v3"
COMET = Contract("compound_v3", "Comet")
MARKET = "0xc3d688B66703497DAA19211EEdff47f25384cdc3"
OWNER = "0x" + "ab" * 20
BASE_TOKEN, BASE_FEED = "0x" + "b0" * 20, "0x" + "bf" * 20
REVERTED = Failure(Reason.CALL_REVERTED, "reverted", "BadPrice()")

Replies = dict[ReplyKey, RawReply]


class TestCompoundV3(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Accounts of both implementations on a local chain, 60 days after the last accrual."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The feed's price in the market's own unit, which need not be USD."""
        rule = account.rule
        assert isinstance(rule, CompoundRule)
        prices = {held.key: held.state.price for held in rule.collaterals or () if held.state}
        raw = prices.get(asset, rule.base.price)
        assert raw is not None
        return Decimal(raw).scaleb(-8)


def recorded(name: str) -> RecordedAccount:
    """The recorded account of that name."""
    return next(one for one in load_recordings(RECORDINGS) if one.name == name)


def answer(recording: RecordedAccount, facts: Facts | None = None) -> VenueSnapshot:
    """What the adapter makes of a recording, on fresh facts unless some are given."""
    return replay(
        ADAPTER.read(recording.request(Facts() if facts is None else facts)), recording.replies
    )[0]


def key(name: str, *args: object) -> tuple[str, bytes]:
    """Where the reply to a call on the market is kept."""
    return MARKET.lower(), COMET.one(MARKET, name, *args).data


class Chain:
    """The contents of a market, encoded as its contract would return them."""

    def __init__(self, case: Mapping[str, Any], max_assets: int = 24) -> None:
        self.inputs, self.expected = case["inputs"], case["expected"]
        self.replies: Replies = {}
        self._put_market(max_assets)
        for index in range(len(self.inputs["assets"])):
            self.put_asset(index)
        user = self.inputs["user"]
        basic = (int(user["principal"]), 0, 0, int(user["assetsIn"]), int(user["reserved"]))
        self.put("userBasic", basic, OWNER)
        for name, value in self._views().items():
            self.put(name, (value,), OWNER)

    def put(self, name: str, outputs: tuple[object, ...], *args: object) -> None:
        """Let a call return these values."""
        self.replies[key(name, *args)] = eth_abi.encode(COMET.function(name).outputs, outputs)

    def feed(self, index: int) -> str:
        """The address of an asset's price feed."""
        return f"0x{index + 1:02x}" + "fe" * 19

    def put_asset(self, index: int, feed: str = "") -> None:
        """One collateral: its terms, its price and the owner's balance."""
        asset, feed = self.inputs["assets"][index], feed or self.feed(index)
        terms = (asset["asset"], feed, *(int(asset[n]) for n in ("scale", "bcf", "lcf", "lf")))
        self.put("getAssetInfo", ((index, *terms, 2**100),), index)
        self.put("getPrice", (int(asset["price"]),), feed)
        balance = int(self.inputs["user"]["collateral"][index])
        self.put("userCollateral", (balance, 0), OWNER, asset["asset"])

    def recording(self, unit: str = "USD") -> RecordedAccount:
        """The account as a recording."""
        block = BlockRef("eip155:1", 1, "0x" + "11" * 32, self.inputs["timestamp"])
        deployment = Deployment(
            "compound-v3", "eip155:1", "usdc", {"comet": MARKET}, {"price_unit": unit}
        )
        return RecordedAccount("case", OWNER, block, deployment, dict(self.replies), {})

    def _put_market(self, max_assets: int) -> None:
        totals, rates = self.inputs["totalsBasic"], self.inputs["rates"]
        names = ("bsi", "bbi", "tsi", "tbi", "tsb", "tbb", "last", "flags")
        self.put("totalsBasic", (tuple(int(totals[name]) for name in names),))
        self.put("numAssets", (len(self.inputs["assets"]),))
        self.put("maxAssets", (max_assets,))
        self.put("baseToken", (BASE_TOKEN,))
        self.put("baseTokenPriceFeed", (BASE_FEED,))
        self.put("baseScale", (int(self.inputs["baseScale"]),))
        self.put("getPrice", (int(self.inputs["basePrice"]),), BASE_FEED)
        for side in ("supply", "borrow"):
            self.put(f"{side}Kink", (int(rates[f"{side[0]}k"]),))
            for part, short in (("Base", "b"), ("SlopeLow", "l"), ("SlopeHigh", "h")):
                name = f"{side}PerSecondInterestRate{part}"
                self.put(name, (int(rates[side[0] + short]),))

    def _views(self) -> dict[str, object]:
        said = self.expected
        return {
            "balanceOf": int(said["balanceOf"]),
            "borrowBalanceOf": int(said["borrowBalanceOf"]),
            "isLiquidatable": said["isLiquidatable_view"],
            "isBorrowCollateralized": said["isBorrowCollateralized_view"],
        }


@pytest.fixture(scope="session")
def cases(shared: Path) -> list[Mapping[str, Any]]:
    """Every case of the venue's own contracts."""
    lines = (shared / "vectors" / "compound-v3.account.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def borrower(cases):
    """A healthy borrower with several collaterals, one of them above index 15."""
    return next(
        case
        for case in cases
        if case["expected"]["borrowBalanceOf"] != "0"
        and not case["expected"]["absorbable_now"]
        and int(case["inputs"]["user"]["reserved"])
    )


def is_empty(case: Mapping[str, Any]) -> bool:
    """Whether the case's account holds and owes nothing."""
    user = case["inputs"]["user"]
    return (user["principal"], int(user["assetsIn"]), int(user["reserved"])) == ("0", 0, 0)


def only(snapshot: VenueSnapshot) -> MarginAccount:
    """The one account of the answer."""
    (account,) = snapshot.accounts
    return account


def judged(account: MarginAccount) -> Judgement:
    """Our judgement of the account."""
    assert account.judgement is not None
    return account.judgement


def failed(account: MarginAccount) -> Failure:
    """Why the account could not be judged."""
    assert account.failure is not None
    return account.failure


def states(account: MarginAccount) -> dict[int, Collateral]:
    """The collaterals that were read, by their index in the market."""
    rule = account.rule
    assert isinstance(rule, CompoundRule)
    return {held.index: held.state for held in rule.collaterals or () if held.state is not None}


def places(recording: RecordedAccount, name: str) -> list[tuple[str, bytes]]:
    """Where the recording keeps the replies of one function."""
    function = selector(COMET.function(name).signature)
    calls = [place for place in recording.replies if isinstance(place, tuple)]
    return [place for place in calls if place[1][:4] == function]


def test_every_case_is_exact(cases):
    """All 72 cases of the venue's contracts are reproduced: balances, liquidities, verdicts."""
    suite = ADAPTER.suites["account"]
    wrong = []
    for case in cases:
        computed = suite.compute(case["inputs"])
        found = {k: v if isinstance(v, bool) else str(v) for k, v in computed.items()}
        if found != case["expected"]:
            wrong.append(case["case"])
    assert (len(cases), wrong) == (72, [])


def test_every_case_read_through_the_plan_is_exact(cases):
    """Read from encoded answers, each account has the venue's figures and both its verdicts."""
    holders = [case for case in cases if not is_empty(case)]
    assert len(holders) == 69
    for case in holders:
        account = only(answer(Chain(case).recording()))
        judgement, said = judged(account), case["expected"]
        assert account.failure is None, case["case"]
        parity = Parity.between(judgement, account.venue_answer)
        assert (parity.status, len(parity.differences)) == ("exact", 4), case["case"]
        assert judgement.stored.liquidatable == said["isLiquidatable_view"]
        assert judgement.actionable.liquidatable == said["absorbable_now"]


def test_the_cases_with_nothing_in_them_give_no_account(cases):
    """An account without principal and bits is not an account."""
    empty = [case for case in cases if is_empty(case)]
    assert len(empty) == 3
    assert [answer(Chain(case).recording()).accounts for case in empty] == [()] * len(empty)


def test_legs_are_the_accrued_base_and_the_collaterals_that_the_bits_name(borrower):
    """The debt is negative and accrued to the block; each entered asset is one leg."""
    account = only(answer(Chain(borrower).recording()))
    user = borrower["inputs"]["user"]
    held = [i for i, balance in enumerate(user["collateral"]) if balance != "0"]
    assert [leg.id for leg in account.legs] == ["base", *(f"collateral-{i}" for i in held)]
    base, *collaterals = account.legs
    assert isinstance(base.instrument, Debt)
    owed = Decimal(borrower["expected"]["borrowBalanceOf"]).scaleb(-6)
    assert base.quantity == -owed
    amounts = [str(leg.raw.value) for leg in collaterals if leg.raw]
    assert amounts == [user["collateral"][i] for i in held]


def test_an_implementation_of_fifteen_assets_ignores_the_reserved_bits(borrower):
    """Without the extended list the account holds only what ``assetsIn`` names."""
    case = json.loads(json.dumps(borrower))
    case["inputs"]["assets"] = case["inputs"]["assets"][:15]
    account = only(answer(Chain(case, max_assets=15).recording()))
    assert all(int(leg.id.split("-")[1]) < 15 for leg in account.legs[1:])
    assert account.failure is None


def test_an_unknown_layout_is_unsupported_and_unknown(borrower):
    """A market that may list more assets than the bits reach is not judged."""
    chain = Chain(borrower, max_assets=32)
    account = only(answer(chain.recording()))
    assert failed(account).reason is Reason.UNSUPPORTED_VERSION
    assert judged(account).actionable.health.state is State.UNKNOWN


def test_a_reverting_feed_makes_only_holders_of_that_asset_unknown(borrower):
    """One broken feed leaves its holder unknown, with a floor, and everybody else exact."""
    chain = Chain(borrower)
    held = [i for i, raw in enumerate(borrower["inputs"]["user"]["collateral"]) if raw != "0"]
    other = next(i for i in range(len(borrower["inputs"]["assets"])) if i not in held)
    truth = judged(only(answer(chain.recording()))).actionable.health

    chain.replies[key("getPrice", chain.feed(other))] = REVERTED
    assert judged(only(answer(chain.recording()))).actionable.health == truth

    chain.replies[key("getPrice", chain.feed(held[0]))] = REVERTED
    account = only(answer(chain.recording()))
    health = judged(account).actionable.health
    assert (failed(account).reason, health.state) == (Reason.NO_PRICE, State.UNKNOWN)
    assert health.low is not None
    assert truth.value is not None
    assert health.low < truth.value
    assert all(leg.failure is None for leg in account.legs)


def test_a_failed_account_read_is_an_unknown_account():
    """Whether an owner holds anything is not known: the account is there, and unknown."""
    recording = recorded("empty")
    (place,) = places(recording, "userBasic")
    lost = Failure(Reason.RPC_UNAVAILABLE, "timeout")
    account = only(answer(recording.with_reply(place, lost)))
    assert failed(account).code == "timeout"
    assert judged(account).actionable.health.state is State.UNKNOWN


def test_an_empty_account_costs_one_round_and_gives_no_account():
    """Nothing is asked about prices or collaterals where nothing is held."""
    recording = recorded("empty")
    snapshot, rounds = replay(ADAPTER.read(recording.request(Facts())), recording.replies)
    assert (snapshot.accounts, snapshot.problems, len(rounds)) == ((), (), 1)


def test_collaterals_cost_a_third_round_only_the_first_time():
    """Token and feed of a collateral are remembered, so its amounts are asked in round two."""
    facts, recording = Facts(), recorded("full")
    counts = [
        len(replay(ADAPTER.read(recording.request(facts)), recording.replies)[1]) for _ in range(2)
    ]
    assert counts == [3, 2]


def test_changed_terms_are_noticed_and_the_new_ones_used(borrower):
    """A new implementation with another feed is read anew in the same answer, and said."""
    facts, chain = Facts(), Chain(borrower)
    answer(chain.recording(), facts)
    index = next(i for i, raw in enumerate(borrower["inputs"]["user"]["collateral"]) if raw != "0")
    feed = "0x" + "ee" * 20
    chain.put_asset(index, feed)
    chain.put("getPrice", (1,), feed)
    chain.replies[key("getPrice", chain.feed(index))] = REVERTED

    account = only(answer(chain.recording(), facts))
    (note,) = account.problems
    assert (states(account)[index].price, account.failure) == (1, None)
    assert (note.severity, note.reason) == (Severity.NOTE, Reason.CODE_CHANGED)
    assert note.leg == f"collateral-{index}"


def test_an_idle_market_shows_healthy_by_the_view_and_liquidatable_by_absorb():
    """60 days after the last accrual the stored and the actionable verdict disagree; both stand."""
    account = only(answer(recorded("stale")))
    stored, actionable = judged(account).stored, judged(account).actionable
    assert (stored.liquidatable, actionable.liquidatable) == (False, True)
    assert isinstance(account.venue_answer, VenueAnswer)
    assert account.venue_answer.figures["isLiquidatable"] == 0
    assert (stored.health.value or 0) > 1 > (actionable.health.value or 2)


def test_a_paused_absorb_is_a_note_and_no_better_state():
    """A pause stops the call, not the condition: the state stays and the note says why."""
    recording = recorded("stale")
    (place,) = places(recording, "totalsBasic")
    outputs, returned = COMET.function("totalsBasic").outputs, recording.replies[place]
    assert isinstance(returned, bytes)
    (totals,) = eth_abi.decode(outputs, returned)
    paused = eth_abi.encode(outputs, ((*totals[:7], ABSORB_PAUSED),))
    account = only(answer(recording.with_reply(place, paused)))
    actionable = judged(account).actionable
    assert (actionable.health.state, actionable.liquidatable) == (State.LIQUIDATABLE, False)
    notes = [(note.severity, note.code) for note in account.problems]
    assert notes == [(Severity.NOTE, "liquidation_blocked")]


def test_only_markets_quoted_in_usd_give_usd_prices(borrower):
    """A market whose feeds quote ETH gives no price to the unified market."""
    chain = Chain(borrower)
    in_usd, in_eth = answer(chain.recording("USD")), answer(chain.recording("ETH"))
    assert {price.asset.address for price in in_usd.prices} >= {BASE_TOKEN}
    assert in_eth.prices == ()
    assert {price.unit for price in judged(only(in_eth)).liquidation_prices} == {"ETH"}


def test_a_supplier_owes_nothing_and_needs_no_price():
    """Without a debt the verdict stands whatever the feeds do; the failure is a note."""
    recording = recorded("supplier")
    for place in places(recording, "getPrice"):
        recording = recording.with_reply(place, REVERTED)
    account = only(answer(recording))
    assert account.failure is None
    assert judged(account).actionable.health.state is State.NO_DEBT
    assert {problem.severity for problem in account.problems} == {Severity.NOTE}


def test_one_address_on_two_chains_is_two_markets():
    """Deployments are told apart by chain and market, never by address alone."""
    deployments = ADAPTER.deployments()
    shared = [one for one in deployments if one.contracts["comet"].startswith("0x9c4ec768")]
    assert {(one.chain_id, one.market) for one in shared} == {
        ("eip155:42161", "usdc"),
        ("eip155:8453", "usdbc"),
    }
    assert len(deployments) == 18
    assert all(one.settings["price_unit"] for one in deployments)


def test_a_view_that_disagrees_is_a_mismatch(borrower):
    """Our figures do not follow the venue's views: a difference is published."""
    chain = Chain(borrower)
    chain.put("borrowBalanceOf", (int(borrower["expected"]["borrowBalanceOf"]) + 1,), OWNER)
    account = only(answer(chain.recording()))
    parity = Parity.between(account.judgement, account.venue_answer)
    assert (parity.status, parity.differences["borrowBalanceOf"]) == ("mismatch", -1)


def test_a_block_before_the_last_accrual_has_no_actionable_answer(borrower):
    """A timestamp that the market cannot have seen is refused, not computed backwards."""
    recording = Chain(borrower).recording()
    early = replace(recording, block=replace(recording.block, timestamp=1))
    account = only(answer(early))
    assert judged(account).actionable.liquidatable is None
    assert failed(account).code == "overflow"
