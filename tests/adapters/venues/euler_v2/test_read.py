"""The read plan, driven on answers encoded from recorded cases as the contracts would give them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_abi import abi as eth_abi

from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.base import Deployment, ReadRequest, VenueSnapshot
from crossmargin.adapters.chain.call import Contract, RawReply, selector
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import ReplyKey, replay
from crossmargin.adapters.tokens import TokenRegistry
from crossmargin.adapters.venues.euler_v2 import ADAPTER
from crossmargin.core.book.health import Parity, State
from crossmargin.core.book.model import Asset, Debt, MarginAccount
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, InputError, Reason

CHAIN = "eip155:1"
EVC, FACTORY = f"0x{0xE0:040x}", f"0x{0xFA:040x}"
CONTROLLER, ORACLE = f"0x{0xC0:040x}", f"0x{0x0A:040x}"
USDC, WETH, WBTC = (f"0x{number:040x}" for number in (0xA1, 0xA2, 0xA3))
USD, ZERO = f"0x{840:040x}", f"0x{0:040x}"
OWNER = f"0x{0x1234 << 8:040x}"
TOKENS = TokenRegistry(
    Asset(key, key, underlying, "volatile", decimals, CHAIN, address)
    for key, underlying, decimals, address in (
        ("USDC", "USDC", 6, USDC),
        ("WETH", "ETH", 18, WETH),
        ("WBTC", "BTC", 8, WBTC),
    )
)

_CONTRACTS = {name: Contract("euler_v2", name) for name in ("EVC", "EVault", "Oracle", "Factory")}


class Answers:
    """What the chain says; every sub-account is empty until a case is put into one."""

    def __init__(self, timestamp: int) -> None:
        self.timestamp = timestamp
        self.replies: dict[ReplyKey, RawReply] = {}
        self.say("EVC", EVC, "getAccountOwner", [OWNER], OWNER)
        for index in range(256):
            self.register(index, [], [])

    def say(
        self, contract: str, target: str, name: str, args: list[object], *outputs: object
    ) -> ReplyKey:
        """Put one answer in; the key under which it lies."""
        key = self.key(contract, target, name, args)
        types = _CONTRACTS[contract].function(name).outputs
        self.replies[key] = eth_abi.encode(types, outputs)
        return key

    def key(self, contract: str, target: str, name: str, args: list[object]) -> ReplyKey:
        """The key of a call's answer."""
        return target.lower(), _CONTRACTS[contract].function(name).encode(args)

    def register(self, index: int, controllers: list[str], collaterals: list[str]) -> None:
        """What the EVC has enabled for a sub-account."""
        self.say("EVC", EVC, "getControllers", [sub_account(index)], controllers)
        self.say("EVC", EVC, "getCollaterals", [sub_account(index)], collaterals)

    def put(self, index: int, case: Mapping[str, Any]) -> None:
        """A case's account as a sub-account, with the venue's own recorded answers."""
        inputs, expected = case["inputs"], case["expected"]
        vaults = [each["vault"].lower() for each in inputs["collaterals"]]
        self.register(index, [CONTROLLER], vaults)
        self._controller(index, inputs, expected)
        for asset, each in zip((WETH, WBTC), inputs["collaterals"], strict=True):
            self._collateral(index, asset, each, expected["checkLiquidation"][each["vault"]])

    def request(self, facts: Facts | None = None, **options: object) -> ReadRequest:
        """The read of the owner at the block."""
        block = BlockRef(CHAIN, 1, "0x" + "00" * 32, self.timestamp)
        deployment = Deployment("euler-v2", CHAIN, "main", {"evc": EVC, "factory": FACTORY})
        known = Facts() if facts is None else facts
        return ReadRequest(OWNER, block, deployment, TOKENS, known, options)

    def read(self, facts: Facts | None = None, **options: object) -> tuple[VenueSnapshot, int]:
        """The adapter's answer, and the number of its rounds."""
        snapshot, rounds = replay(ADAPTER.read(self.request(facts, **options)), self.replies)
        return snapshot, len(rounds)

    def _controller(
        self, index: int, inputs: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> None:
        whose, debt, value = sub_account(index), int(inputs["debt"]), int(inputs["liabilityValue"])
        for name, output in (("asset", USDC), ("oracle", ORACLE), ("unitOfAccount", USD)):
            self.say("EVault", CONTROLLER, name, [], output)
        self.say("EVault", CONTROLLER, "maxLiquidationDiscount", [], 1500)
        self.say("EVault", CONTROLLER, "liquidationCoolOffTime", [], 0)
        self.say("EVault", CONTROLLER, "hookConfig", [], ZERO, 0)
        self.say("EVault", CONTROLLER, "debtOf", [whose], debt)
        self.say("EVault", CONTROLLER, "debtOfExact", [whose], int(inputs["debtExact"]))
        self.say("EVC", EVC, "getLastAccountStatusCheckTimestamp", [whose], self.timestamp)
        for flag in (True, False):
            pair = map(int, expected[f"accountLiquidity_{str(flag).lower()}"])
            self.say("EVault", CONTROLLER, "accountLiquidity", [whose, flag], *pair)
        self.say("Oracle", ORACLE, "getQuote", [debt, USDC, USD], value)
        self.say("Oracle", ORACLE, "getQuotes", [debt, USDC, USD], value, value)

    def _collateral(
        self, index: int, asset: str, each: Mapping[str, Any], check: list[str]
    ) -> None:
        whose, vault = sub_account(index), each["vault"].lower()
        shares, quote = int(each["shares"]), int(each["quote"])
        names = ("borrowLTV", "liqLTV", "initialLiqLTV", "target", "ramp")
        terms = [each[name] for name in names]
        self.say("EVault", CONTROLLER, "LTVFull", [vault], *terms)
        self.say("EVault", CONTROLLER, "checkLiquidation", [ZERO, whose, vault], *map(int, check))
        self.say("EVault", vault, "balanceOf", [whose], shares)
        self.say("EVault", vault, "asset", [], asset)
        self.say("EVault", vault, "decimals", [], 18 if asset == WETH else 8)
        self.say("Factory", FACTORY, "isProxy", [vault], True)
        self.say("EVault", vault, "convertToAssets", [shares], int(each["assets"]))
        for name in ("cash", "totalSupply"):
            self.say("EVault", vault, name, [], 10**24)
        self.say("EVault", vault, "totalBorrows", [], 0)
        self.say("Oracle", ORACLE, "getQuote", [shares, vault, USD], quote)
        self.say("Oracle", ORACLE, "getQuotes", [shares, vault, USD], quote, quote)


def sub_account(index: int) -> str:
    """The owner's sub-account of that number."""
    return f"0x{int(OWNER, 16) ^ index:040x}"


@pytest.fixture
def recorded(shared: Path) -> list[dict[str, Any]]:
    """The recorded cases of the venue."""
    lines = (shared / "vectors" / "euler-v2.account.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def holding(case: Mapping[str, Any], *indices: int) -> Answers:
    """A chain on which these sub-accounts are all the case's account."""
    answers = Answers(case["inputs"]["timestamp"])
    for index in indices:
        answers.put(index, case)
    return answers


def only(snapshot: VenueSnapshot) -> MarginAccount:
    """The one account of a snapshot."""
    (account,) = snapshot.accounts
    return account


def test_every_recorded_case_read_through_the_plan_is_exact(recorded: list[dict[str, Any]]) -> None:
    """Encoded as calls and read again, each case equals the venue's answers in all its figures."""
    for case in recorded:
        account = only(holding(case, 0).read()[0])
        parity = Parity.between(account.judgement, account.venue_answer)
        assert (account.failure, account.problems) == (None, ())
        assert (parity.status, len(parity.differences)) == ("exact", 11)


def test_a_failure_of_any_call_is_named_and_never_improves(recorded: list[dict[str, Any]]) -> None:
    """Whatever fails, the account is unknown or exactly as healthy, and the failure is in it."""
    answers = holding(recorded[-1], 7)
    truth = only(answers.read()[0])
    assert truth.judgement is not None
    for key, reply in dict(answers.replies).items():
        answers.replies[key] = Failure(Reason.RPC_UNAVAILABLE, "injected")
        snapshot, _ = answers.read()
        answers.replies[key] = reply
        found = {account.id: account for account in snapshot.accounts}[truth.id]
        unknown = found.failure is not None
        same = found.judgement is not None and (
            found.judgement.actionable == truth.judgement.actionable
        )
        assert unknown or same
        problems = [*snapshot.problems, *(p for a in snapshot.accounts for p in a.problems)]
        assert "injected" in {problem.code for problem in problems}


def test_all_sub_accounts_are_probed_in_the_first_round(recorded: list[dict[str, Any]]) -> None:
    """Number 255 is found as number 0 is; each is an island with its own address and holder."""
    answers = holding(recorded[0], 0, 255)
    snapshot, rounds = answers.read()
    assert rounds == 3
    assert [account.id.lower() for account in snapshot.accounts] == [
        sub_account(0),
        sub_account(255),
    ]
    assert [account.labels["sub_account"] for account in snapshot.accounts] == ["0", "255"]
    assert {account.holder for account in snapshot.accounts} == {checksum_address(OWNER)}


def test_a_sub_account_that_is_asked_for_finds_its_owner(recorded: list[dict[str, Any]]) -> None:
    """The connector knows the owner: the same accounts come back under the same numbers."""
    answers = holding(recorded[0], 3)
    request = replace(answers.request(), owner=sub_account(9))
    answers.say("EVC", EVC, "getAccountOwner", [sub_account(9)], OWNER)
    snapshot, _ = replay(ADAPTER.read(request), answers.replies)
    account = only(snapshot)
    assert (account.id.lower(), account.labels["sub_account"]) == (sub_account(3), "3")
    assert account.holder == checksum_address(OWNER)


def test_a_warm_account_costs_two_rounds(recorded: list[dict[str, Any]]) -> None:
    """Accounts of the last answer are read while the register is."""
    answers, facts = holding(recorded[0], 1), Facts()
    cold, warm = answers.read(facts), answers.read(facts)
    assert (cold[1], warm[1]) == (3, 2)
    assert warm[0] == cold[0]


def test_an_account_that_changed_since_is_read_again(recorded: list[dict[str, Any]]) -> None:
    """The register decides: what was guessed from the last answer is dropped."""
    answers, facts = holding(recorded[0], 1), Facts()
    answers.read(facts)
    answers.register(1, [], [])
    answers.put(2, recorded[0])
    snapshot, rounds = answers.read(facts)
    assert rounds == 3
    assert only(snapshot).labels["sub_account"] == "2"


def test_legs_hold_the_assets_behind_the_shares(recorded: list[dict[str, Any]]) -> None:
    """Each vault is a leg of its asset with the raw shares; the debt is negative."""
    case = recorded[0]
    account = only(holding(case, 0).read()[0])
    weth, wbtc, debt = account.legs
    first, second = case["inputs"]["collaterals"]
    assert (weth.quantity, wbtc.quantity) == (
        Decimal(first["assets"]).scaleb(-18),
        Decimal(second["assets"]).scaleb(-8),
    )
    assert weth.raw is not None
    assert (weth.raw.value, weth.raw.contract.lower()) == (
        int(first["shares"]),
        first["vault"].lower(),
    )
    assert isinstance(debt.instrument, Debt)
    assert debt.quantity == -Decimal(case["inputs"]["debt"]).scaleb(-6)


def test_deposits_without_a_controller_owe_nothing(recorded: list[dict[str, Any]]) -> None:
    """A sub-account with collateral only is an account of its own, with no debt."""
    answers = holding(recorded[0], 4)
    vaults = [each["vault"].lower() for each in recorded[0]["inputs"]["collaterals"]]
    answers.register(4, [], vaults)
    account = only(answers.read()[0])
    assert account.judgement is not None
    assert account.judgement.actionable.health.state is State.NO_DEBT
    assert (len(account.legs), account.penalty) == (2, None)


def test_named_vaults_are_read_though_nothing_enabled_them(recorded: list[dict[str, Any]]) -> None:
    """The option lists deposits that the connector does not; they cover no debt."""
    answers = holding(recorded[0], 0)
    vaults = [each["vault"] for each in recorded[0]["inputs"]["collaterals"]]
    answers.register(0, [CONTROLLER], [vaults[0].lower()])
    account = only(answers.read(vaults=[vaults[1]])[0])
    assert [leg.id for leg in account.legs] == [*vaults, "debt"]
    assert account.labels["not_collateral"] == vaults[1]
    quote, ltv = 35369284009281669673228, 8700
    name = "accountLiquidity(true).collateralValue"
    assert account.judgement is not None
    assert account.judgement.figures[name] == quote * ltv // 10_000


@pytest.mark.parametrize("vaults", ["0x00", ["0x00"], 5])
def test_a_wrong_list_of_vaults_is_refused(vaults: object) -> None:
    """The caller must change it."""
    with pytest.raises(InputError):
        Answers(1).read(vaults=vaults)


def test_two_controllers_are_unknown(recorded: list[dict[str, Any]]) -> None:
    """Only inside a batch is that possible; no view answers, so neither do we."""
    answers = holding(recorded[0], 0)
    answers.register(0, [CONTROLLER, WETH], [])
    snapshot, _ = answers.read()
    failure = only(snapshot).failure
    assert failure is not None
    assert (failure.reason, snapshot.complete) == (Reason.MODE_UNKNOWN, False)


def test_a_silent_register_is_one_unknown_account() -> None:
    """A dead node is not an empty owner, nor 256 of them."""
    answers = Answers(1)
    answers.replies.clear()
    snapshot, _ = answers.read()
    account = only(snapshot)
    assert account.failure is not None
    assert "255 more" in account.failure.detail
    assert not snapshot.complete


def test_an_empty_owner_has_no_account_in_one_round() -> None:
    """Nothing enabled: nothing more to ask, and the answer is complete."""
    snapshot, rounds = Answers(1).read()
    assert (snapshot.accounts, snapshot.problems, snapshot.complete, rounds) == ((), (), True, 1)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("PriceOracle_TooStale(uint256,uint256)", Reason.STALE_PRICE),
        ("StalePrice()", Reason.STALE_PRICE),
        ("PriceOracle_NotSupported(address,address)", Reason.NO_PRICE),
    ],
)
def test_an_oracle_that_refuses_leaves_its_account_unknown(
    recorded: list[dict[str, Any]], error: str, reason: Reason
) -> None:
    """The reason is the oracle's; an account that needs no such price is judged as ever."""
    answers = holding(recorded[0], 0, 1)
    each = recorded[0]["inputs"]["collaterals"][1]
    vault = each["vault"].lower()
    answers.register(1, [CONTROLLER], [recorded[0]["inputs"]["collaterals"][0]["vault"].lower()])
    refused = Failure(Reason.CALL_REVERTED, "custom_error", f"0x{selector(error).hex()}00")
    for name in ("getQuote", "getQuotes"):
        answers.replies[answers.key("Oracle", ORACLE, name, [int(each["shares"]), vault, USD])] = (
            refused
        )
    first, second = answers.read()[0].accounts
    assert first.failure is not None
    assert (first.failure.reason, second.failure) == (reason, None)


def test_a_stale_price_of_what_covers_nothing_changes_no_verdict(
    recorded: list[dict[str, Any]],
) -> None:
    """With an LTV of 0 the vault does not ask for it: named, and the health stands."""
    case = recorded[0]
    answers = holding(case, 0)
    each = case["inputs"]["collaterals"][1]
    vault = each["vault"].lower()
    answers.say("EVault", CONTROLLER, "LTVFull", [vault], 0, 0, 0, 1, 0)
    key = answers.key("Oracle", ORACLE, "getQuote", [int(each["shares"]), vault, USD])
    answers.replies[key] = Failure(Reason.CALL_REVERTED, "custom_error", "0x00")
    account = only(answers.read()[0])
    assert account.failure is None
    assert account.labels["seizable_at_ltv_0"] == each["vault"]
    assert [problem.reason for problem in account.problems] == [Reason.NO_PRICE]


def test_a_refused_preview_in_the_cool_off_is_no_problem(recorded: list[dict[str, Any]]) -> None:
    """checkLiquidation reverts then by design: the label says until when."""
    case = recorded[-1]
    answers = holding(case, 0)
    answers.say("EVault", CONTROLLER, "liquidationCoolOffTime", [], 300)
    for each in case["inputs"]["collaterals"]:
        call = [ZERO, sub_account(0), each["vault"].lower()]
        answers.replies[answers.key("EVault", CONTROLLER, "checkLiquidation", call)] = Failure(
            Reason.CALL_REVERTED, "custom_error"
        )
    account = only(answers.read()[0])
    assert account.problems == ()
    assert account.labels["cool_off_until"] == str(case["inputs"]["timestamp"] + 300)
    assert account.judgement is not None
    assert account.judgement.stored.liquidatable
    assert not account.judgement.actionable.liquidatable


def test_a_check_in_the_future_is_refused(recorded: list[dict[str, Any]]) -> None:
    """A false time of the last check would hide a liquidation: the account counts as liquidatable."""
    answers = holding(recorded[-1], 0)
    name = "getLastAccountStatusCheckTimestamp"
    answers.say("EVC", EVC, name, [sub_account(0)], 2**40)
    account = only(answers.read()[0])
    assert account.judgement is not None
    assert account.judgement.actionable.liquidatable
    assert "out_of_range" in {problem.code for problem in account.problems}


def test_a_hook_without_a_target_disables_liquidation(recorded: list[dict[str, Any]]) -> None:
    """Only that forbids it for certain; a hook that runs code may let it pass."""
    answers = holding(recorded[-1], 0)
    for target, blocked in ((ZERO, True), (WETH, False)):
        answers.say("EVault", CONTROLLER, "hookConfig", [], target, 1 << 11)
        account = only(answers.read()[0])
        assert account.judgement is not None
        assert account.judgement.actionable.liquidatable is not blocked


def test_prices_are_given_only_in_usd(recorded: list[dict[str, Any]]) -> None:
    """A vault that counts in USD prices its assets; one that counts in a token prices nothing."""
    case = recorded[0]
    answers = holding(case, 0)
    prices = {price.asset.key: price.value for price in answers.read()[0].prices}
    assert set(prices) == {"USDC", "WETH", "WBTC"}
    assert prices["USDC"] == 1
    assert abs(prices["WETH"] - Decimal("2451.57")) < Decimal("0.01")
    for args in ("asset", "unitOfAccount"):
        answers.say("EVault", CONTROLLER, args, [], WETH)
    assert answers.read()[0].prices == ()


def test_the_penalty_is_the_highest_discount_of_what_is_repaid(
    recorded: list[dict[str, Any]],
) -> None:
    """15% off means that 1 / 0.85 is seized per unit repaid."""
    account = only(holding(recorded[0], 0).read()[0])
    assert account.penalty is not None
    assert abs(account.penalty - (1 / Decimal("0.85") - 1)) < Decimal("1e-20")


def test_where_it_runs() -> None:
    """Ethereum, Base and Arbitrum, each with its connector, factory and lens."""
    deployments = {one.chain_id: one for one in ADAPTER.deployments()}
    assert set(deployments) == {"eip155:1", "eip155:8453", "eip155:42161"}
    for one in deployments.values():
        assert set(one.contracts) == {"evc", "factory", "account_lens"}
