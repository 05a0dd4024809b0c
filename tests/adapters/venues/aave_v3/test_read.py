"""Reading an account: against recorded cases, with every read lost in turn, with changed facts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crossmargin.adapters.aave_family.rule import AaveRule, UnreadRule
from crossmargin.adapters.venues.aave_v3 import ADAPTER
from crossmargin.core.book.health import Parity, State, VenueAnswer
from crossmargin.core.book.model import Debt, MarginAccount, Spot
from crossmargin.core.errors import Failure, Reason, Severity
from crossmargin.core.units import WAD
from tests.adapters.aave_family.case_chain import (
    BYTES_TOKEN,
    ORACLE,
    OWNER,
    POOL,
    PROVIDER,
    SCALED,
    SENTINEL,
    TOKEN,
    CaseChain,
    Key,
    address,
)
from tests.adapters.aave_family.positions import cases

Pick = Callable[[dict[str, Any]], bool]


def chain_of(shared: Path, pick: Pick, **changes: Any) -> CaseChain:
    """The chain of the first recorded account that ``pick`` accepts."""
    case = copy.deepcopy(next(case for case in cases(shared, "account") if pick(case)))
    return CaseChain(case["inputs"], case["expected"], **changes)


def borrows(case: dict[str, Any], version: int, mode: int | None = None) -> bool:
    """Whether the case is of the version and mode, owes something and has a supply."""
    held = case["inputs"]["position"]
    supplies = sum(1 for entry in held["scaledA"] if entry != "0")
    return (
        case["inputs"]["ver"] == version
        and int(case["expected"]["totalDebtBase"]) > 0
        and supplies >= 1
        and mode in {None, held["emode"]}
    )


def health(account: MarginAccount) -> Decimal | None:
    """The actionable health of our own judgement."""
    assert account.judgement is not None
    return account.judgement.actionable.health.value


def test_every_recorded_account_reads_exactly(shared: Path) -> None:
    """Cold and then warm, each case's account has the contract's six figures and parity exact."""
    for case in cases(shared, "account"):
        chain = CaseChain(case["inputs"], case["expected"])
        cold = chain.run(ADAPTER, include_empty=True)
        assert len(chain.rounds) <= 4, case["case"]
        warm = chain.run(ADAPTER, include_empty=True)
        assert len(chain.rounds) <= 2, case["case"]
        assert cold == warm
        (account,) = warm.accounts
        assert account.judgement is not None
        figures = {name: str(value) for name, value in account.judgement.figures.items()}
        assert figures == case["expected"], case["case"]
        assert isinstance(account.venue_answer, VenueAnswer)
        assert Parity.between(account.judgement, account.venue_answer).status == "exact"
        assert account.judgement.stored.health == account.venue_answer.health
        assert (account.failure, warm.complete) == (None, True)


def test_balances_become_legs(shared: Path) -> None:
    """Each supply is a positive spot leg and each debt a negative one, exact in token units."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    account = chain.account(ADAPTER)
    held = chain.inputs["position"]
    supplied = [index for index, scaled in enumerate(held["scaledA"]) if scaled != "0"]
    owed = [index for index, scaled in enumerate(held["scaledV"]) if scaled != "0"]
    ids = [f"supply:TK{index}" for index in supplied] + [f"debt:TK{index}" for index in owed]
    assert sorted(leg.id for leg in account.legs) == sorted(ids)
    for leg in account.legs:
        assert leg.raw is not None
        assert isinstance(leg.instrument, Spot if leg.quantity > 0 else Debt)
        assert abs(leg.quantity) == Decimal(leg.raw.value).scaleb(-leg.raw.decimals)


@pytest.mark.parametrize("version", [300, 360, 370])
@pytest.mark.parametrize("mode", [0, 1, 2])
def test_no_lost_read_makes_a_warm_account_healthier(shared: Path, version: int, mode: int) -> None:
    """With any one read of a warm account lost, health is the truth or unknown, and it is named."""
    chain = chain_of(shared, lambda case: borrows(case, version, mode))
    chain.run(ADAPTER)
    truth = chain.account(ADAPTER)
    asked = [key for batch in chain.rounds for key in batch]
    assert len(asked) > 20
    for key in asked:
        snapshot = chain.run(ADAPTER, lost=[key])
        (account,) = snapshot.accounts
        problems = [*snapshot.problems, *account.problems]
        named = [problem for problem in problems if problem.code == "injected"]
        assert named, key
        assert all(problem.venue == "aave-v3" and problem.account == "test" for problem in named)
        assert_not_healthier(account, truth)


@pytest.mark.parametrize("version", [300, 360, 370])
def test_no_lost_read_makes_a_cold_account_healthier(shared: Path, version: int) -> None:
    """With any one read of a cold account lost, it is unknown and named, or as if none was lost."""
    chain = chain_of(shared, lambda case: borrows(case, version, 1))
    truth = chain.account(ADAPTER)
    asked = [key for batch in chain.rounds for key in batch]
    for key in asked:
        chain.facts = type(chain.facts)()
        (account,) = chain.run(ADAPTER, lost=[key]).accounts
        named = any(problem.code == "injected" for problem in account.problems)
        assert named or relabelled(account) == relabelled(truth), key
        assert_not_healthier(account, truth)


def relabelled(account: MarginAccount) -> object:
    """What an account says, whatever its tokens are called: a lost symbol changes only names."""
    return (
        health(account),
        [leg.quantity for leg in account.legs],
        account.venue_answer,
        account.failure,
        account.penalty,
    )


def assert_not_healthier(account: MarginAccount, truth: MarginAccount) -> None:
    """Unknown, or the same health with every debt still there."""
    assert account.judgement is not None
    assert truth.judgement is not None
    if account.failure is not None:
        assert account.judgement.stored.health.state is State.UNKNOWN
        assert account.judgement.actionable.liquidatable is None
        assert isinstance(account.rule, UnreadRule)
    else:
        assert account.judgement.stored == truth.judgement.stored
        assert account.judgement.figures == truth.judgement.figures
        debts = [leg for leg in truth.legs if isinstance(leg.instrument, Debt)]
        kept = {leg.id for leg in account.legs}
        names_kept = all(
            leg.id.startswith(("debt:TK", "stable:TK"))
            for leg in account.legs
            if isinstance(leg.instrument, Debt)
        )
        assert not names_kept or {leg.id for leg in debts} <= kept


@pytest.mark.parametrize("version", [300, 360, 370])
def test_garbage_is_a_failure(shared: Path, version: int) -> None:
    """Bytes that do not fit the ABI blank the account with their reason, like a lost read."""
    chain = chain_of(shared, lambda case: borrows(case, version, 1))
    chain.run(ADAPTER)
    key = (chain.pool, POOL.function("getUserConfiguration").encode((OWNER,)))
    chain.answers[key] = b"\x01\x02"
    account = chain.account(ADAPTER)
    assert account.failure is not None
    assert account.failure.reason is Reason.BAD_RETURN_DATA
    assert health(account) is None


def test_a_lost_venue_answer_leaves_our_judgement(shared: Path) -> None:
    """Without getUserAccountData our own figures stand, parity is unread and the read is named."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    truth = chain.account(ADAPTER)
    lost = (chain.pool, POOL.function("getUserAccountData").encode((OWNER,)))
    account = chain.account(ADAPTER, lost=[lost])
    assert account.judgement == truth.judgement
    assert Parity.between(account.judgement, account.venue_answer).status == "unread"
    assert ["getUserAccountData" in problem.detail for problem in account.problems] == [True]


def test_a_missing_price_keeps_the_legs_and_the_venue_answer(shared: Path) -> None:
    """An asset whose feed reverts has no health of ours; its legs and the venue's word stay."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    truth = chain.account(ADAPTER)
    index = next(i for i, scaled in enumerate(chain.inputs["position"]["scaledV"]) if scaled != "0")
    del chain.answers[chain.oracle, ORACLE.function("getAssetPrice").encode((chain.asset(index),))]
    account = chain.account(ADAPTER)
    assert account.failure is not None
    assert account.failure.reason is Reason.NO_PRICE
    assert health(account) is None
    assert account.legs == truth.legs
    assert account.venue_answer == truth.venue_answer


def test_a_zero_price_is_no_price(shared: Path) -> None:
    """A price of 0 is a missing price: a debt never becomes free."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    index = next(i for i, scaled in enumerate(chain.inputs["position"]["scaledV"]) if scaled != "0")
    chain.put(ORACLE, chain.oracle, "getAssetPrice", (chain.asset(index),), 0)
    account = chain.account(ADAPTER)
    assert account.failure is not None
    assert (account.failure.reason, account.failure.code) == (Reason.NO_PRICE, "zero_price")


@pytest.mark.parametrize("revision", [12, 10**6])
def test_an_unknown_revision_is_unsupported(shared: Path, revision: int) -> None:
    """A pool of an unknown version has an unknown health and the venue's answer beside it."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    truth = chain.account(ADAPTER)
    chain.put(POOL, chain.pool, "POOL_REVISION", (), revision)
    snapshot = chain.run(ADAPTER)
    (account,) = snapshot.accounts
    assert account.failure is not None
    assert account.failure.reason is Reason.UNSUPPORTED_VERSION
    assert account.venue_answer == truth.venue_answer
    assert snapshot.complete is False


def test_a_difference_to_the_venue_is_not_trusted(shared: Path) -> None:
    """When the venue's word differs from ours by one unit, health is unknown and both are shown."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    words = [int(chain.expected[name]) for name in ADAPTER.capabilities.exact]
    words[1] += 1
    chain.put(POOL, chain.pool, "getUserAccountData", (OWNER,), *words)
    account = chain.account(ADAPTER)
    assert account.failure is not None
    assert (account.failure.reason, account.failure.code) == (
        Reason.CODE_CHANGED,
        "parity_mismatch",
    )
    assert health(account) is None
    assert (
        Parity.between(account.judgement, account.venue_answer).differences["totalDebtBase"] == -1
    )


def test_changed_tokens_are_read_again(shared: Path) -> None:
    """If a reserve's tokens moved since they were cached, the new ones are read, never the old."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    truth = chain.account(ADAPTER)
    index = next(i for i, scaled in enumerate(chain.inputs["position"]["scaledA"]) if scaled != "0")
    old = address(0x1000 + 16 * index)
    chain.put_reserve(chain.pool, index, tokens=0x9000)
    chain.put(SCALED, old, "scaledBalanceOf", (OWNER,), 10**30)
    account = chain.account(ADAPTER)
    assert account.judgement == truth.judgement
    assert old not in {leg.raw.contract for leg in account.legs if leg.raw is not None}


def test_a_changed_pool_is_read_again(shared: Path) -> None:
    """If the provider names another pool than the cached one, the account is read from it."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    truth = chain.account(ADAPTER)
    chain.put(POOL, chain.pool, "getUserConfiguration", (OWNER,), (0,))
    chain.put(PROVIDER, chain.provider, "getPool", (), address(0xA9))
    chain.put_pool(address(0xA9))
    account = chain.account(ADAPTER)
    assert account.judgement == truth.judgement
    assert account.labels["pool"] == address(0xA9)


def test_a_new_reserve_is_found(shared: Path) -> None:
    """A reserve listed after the facts were cached is read before the answer is given."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    truth = chain.account(ADAPTER)
    chain.facts = type(chain.facts)()
    used = next(i for i, scaled in enumerate(chain.inputs["position"]["scaledV"]) if scaled != "0")
    short = [chain.asset(index) for index in range(7) if index != used]
    held = chain.inputs["position"]
    chain.put(POOL, chain.pool, "getReservesList", (), short)
    chain.put(POOL, chain.pool, "getUserConfiguration", (OWNER,), (0,))
    chain.run(ADAPTER, include_empty=True)
    chain.put_pool(chain.pool)
    assert int(held["bitmap"]) > 0
    assert chain.account(ADAPTER).judgement == truth.judgement


def test_a_reserve_from_the_future_is_a_failure(shared: Path) -> None:
    """Indices updated after the block come from another block: nothing is computed from them."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    index = next(i for i, scaled in enumerate(chain.inputs["position"]["scaledV"]) if scaled != "0")
    chain.inputs["reserves"][index]["last"] = int(chain.inputs["timestamp"]) + 1
    chain.put_reserve(chain.pool, index)
    account = chain.account(ADAPTER)
    assert account.failure is not None
    assert account.failure.code == "future_update"
    assert f"debt:TK{index}" in {leg.id for leg in account.legs if leg.failure}


def test_stable_debt_is_a_leg_of_its_own(shared: Path) -> None:
    """In 3.0 a stable-rate debt is owed beside the variable one, and counts."""
    chain = chain_of(shared, lambda case: borrows(case, 300))
    truth = chain.account(ADAPTER)
    index = next(i for i, scaled in enumerate(chain.inputs["position"]["scaledV"]) if scaled != "0")
    chain.put(TOKEN, address(0x1001 + 16 * index), "balanceOf", (OWNER,), 10**20)
    account = chain.account(ADAPTER)
    (leg,) = [leg for leg in account.legs if leg.id == f"stable:TK{index}"]
    assert leg.quantity < 0
    assert account.judgement is not None
    assert truth.judgement is not None
    owed = account.judgement.figures["totalDebtBase"]
    assert owed > truth.judgement.figures["totalDebtBase"]


def test_a_changed_price_source_is_read_again(shared: Path) -> None:
    """In 3.0 a category that got another price source is priced by it, never by the cached one."""
    chain = chain_of(shared, lambda case: borrows(case, 300, 2))
    truth = chain.account(ADAPTER)
    mode = chain.inputs["emodes"]["2"]
    chain.put(ORACLE, chain.oracle, "getAssetPrice", (chain.source,), 1)
    chain.source = address(0xA5)
    chain.put_category(chain.pool, 2, mode)
    assert chain.account(ADAPTER).judgement == truth.judgement


def test_supply_that_is_not_collateral_is_seen(shared: Path) -> None:
    """A supply whose collateral bit is off is a leg and does not enter health."""
    chain = chain_of(shared, lambda case: borrows(case, 370, 0))
    truth = chain.account(ADAPTER)
    spare = next(
        i
        for i in range(7)
        if not int(chain.inputs["position"]["bitmap"]) >> 2 * i & 3
        and chain.inputs["position"]["scaledA"][i] == "0"
    )
    chain.put(SCALED, address(0x1000 + 16 * spare), "scaledBalanceOf", (OWNER,), 10**20)
    account = chain.account(ADAPTER)
    assert health(account) == health(truth)
    assert f"supply:TK{spare}" in {leg.id for leg in account.legs}
    assert account.labels["not_collateral"] == f"TK{spare}"


def test_a_lost_spare_supply_is_a_failed_leg(shared: Path) -> None:
    """A supply that does not count and was not read is a failed leg; health stays, incomplete."""
    chain = chain_of(shared, lambda case: borrows(case, 370, 0))
    truth = chain.account(ADAPTER)
    bitmap = int(chain.inputs["position"]["bitmap"])
    spare = next(i for i in range(7) if not bitmap >> 2 * i & 3)
    token = address(0x1000 + 16 * spare)
    lost: Key = (token, SCALED.function("scaledBalanceOf").encode((OWNER,)))
    snapshot = chain.run(ADAPTER, lost=[lost])
    (account,) = snapshot.accounts
    assert health(account) == health(truth)
    assert [leg.id for leg in account.legs if leg.failure] == [f"supply:TK{spare}"]
    assert snapshot.complete is False


def test_an_empty_account_is_no_account_unless_asked(shared: Path) -> None:
    """Nothing held and nothing lost is no account, or an empty one where the caller asks for it."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    held = chain.inputs["position"]
    held["bitmap"], held["emode"] = "0", 0
    held["scaledA"] = held["scaledV"] = ["0"] * 7
    zeros = dict.fromkeys(chain.expected, "0") | {"healthFactor": str(2**256 - 1)}
    chain = CaseChain(chain.inputs, zeros)
    assert chain.run(ADAPTER).accounts == ()
    account = chain.account(ADAPTER, include_empty=True)
    assert account.judgement is not None
    assert account.judgement.stored.health.state is State.EMPTY


def test_prices_are_the_venues_in_usd(shared: Path) -> None:
    """The snapshot quotes every held reserve at the oracle's price, and none in another unit."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    prices = chain.run(ADAPTER).prices
    quoted = {price.asset.symbol: price.value for price in prices}
    for index, entry in enumerate(chain.inputs["reserves"]):
        if f"TK{index}" in quoted:
            assert quoted[f"TK{index}"] == Decimal(int(entry["price"])).scaleb(-8)
    assert quoted
    assert {price.source for price in prices} == {"aave-v3:test"}
    chain = chain_of(shared, lambda case: borrows(case, 370))
    chain.put(ORACLE, chain.oracle, "BASE_CURRENCY", (), address(0xC0))
    assert chain.run(ADAPTER).prices == ()


def test_symbols_cannot_lie(shared: Path) -> None:
    """A bytes32 symbol is read, a hostile one is cleaned, colliding ones carry their address."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    for index in range(7):
        chain.put(TOKEN, chain.asset(index), "symbol", (), "USDC\n\u202e")
    supplied = [i for i, scaled in enumerate(chain.inputs["position"]["scaledA"]) if scaled != "0"]
    legacy, broken = supplied[0], supplied[1]
    chain.put(BYTES_TOKEN, chain.asset(legacy), "symbol", (), b"MKR".ljust(32, b"\0"))
    key = (chain.asset(broken).lower(), TOKEN.function("symbol").encode(()))
    chain.answers[key] = b"\xff" * 32
    account = chain.account(ADAPTER)
    ids = [leg.id for leg in account.legs]
    assert "supply:MKR" in ids
    assert f"supply:{chain.asset(broken).lower()}" in ids
    assert len(set(ids)) == len(ids)
    assert all(
        not leg.instrument.asset.known for leg in account.legs if isinstance(leg.instrument, Spot)
    )
    assert account.failure is None


def liquidatable(shared: Path, version: int) -> CaseChain:
    """The chain of a recorded liquidation: its account is below the limit, above 0.95."""
    for case in cases(shared, "liquidation"):
        factor = int(case["expected"]["healthFactor"])
        if case["inputs"]["ver"] == version and 95 * WAD // 100 < factor < WAD:
            figures = ADAPTER.suites["account"].compute(case["inputs"])
            return CaseChain(copy.deepcopy(case["inputs"]), {k: str(v) for k, v in figures.items()})
    raise AssertionError("no such case")


def block_grace(chain: CaseChain) -> None:
    """Every reserve in its grace period."""
    for index in range(7):
        until = int(chain.inputs["timestamp"])
        chain.put(POOL, chain.pool, "getLiquidationGracePeriod", (chain.asset(index),), until)


def block_paused(chain: CaseChain) -> None:
    """Every reserve paused."""
    for index, entry in enumerate(chain.inputs["reserves"]):
        entry["conf"] = str(int(entry["conf"]) | 1 << 60)
        chain.put_reserve(chain.pool, index)


def block_sentinel(chain: CaseChain) -> None:
    """A sentinel that refuses."""
    chain.put(PROVIDER, chain.provider, "getPriceOracleSentinel", (), address(0xD0))
    chain.put(SENTINEL, address(0xD0), "isLiquidationAllowed", (), False)


@pytest.mark.parametrize(
    ("version", "block", "why"),
    [
        (370, block_grace, "grace period"),
        (360, block_grace, "grace period"),
        (370, block_paused, "paused"),
        (300, block_paused, "paused"),
        (360, block_sentinel, "sentinel"),
        (300, block_sentinel, "sentinel"),
    ],
)
def test_a_blocked_liquidation_is_stored_but_not_actionable(
    shared: Path, version: int, block: Callable[[CaseChain], None], why: str
) -> None:
    """Below the limit but blocked: liquidatable by the venue's rule, not by its call, with why."""
    chain = liquidatable(shared, version)
    free = chain.account(ADAPTER)
    assert free.judgement is not None
    assert free.judgement.actionable.liquidatable is True
    block(chain)
    account = chain.account(ADAPTER)
    assert account.judgement is not None
    assert account.judgement.stored == free.judgement.stored
    assert account.judgement.actionable.liquidatable is False
    notes = [problem for problem in account.problems if problem.severity is Severity.NOTE]
    assert [why in note.detail for note in notes] == [True]


def test_the_sentinel_is_not_asked_from_3_7(shared: Path) -> None:
    """From 3.7 the pool has no sentinel: a refusing one changes nothing."""
    chain = liquidatable(shared, 370)
    block_sentinel(chain)
    account = chain.account(ADAPTER)
    assert account.judgement is not None
    assert account.judgement.actionable.liquidatable is True


def test_an_unread_sentinel_is_not_known(shared: Path) -> None:
    """A sentinel that does not answer leaves the actionable verdict open, and is named."""
    chain = liquidatable(shared, 360)
    block_sentinel(chain)
    del chain.answers[address(0xD0), SENTINEL.function("isLiquidationAllowed").encode(())]
    account = chain.account(ADAPTER)
    assert account.judgement is not None
    assert account.judgement.stored.liquidatable is True
    assert account.judgement.actionable.liquidatable is None
    assert [problem.severity for problem in account.problems] == [Severity.READ]


def outside_mode(case: dict[str, Any]) -> bool:
    """In eMode, with collateral inside the category and outside it."""
    held = case["inputs"]["position"]
    if case["inputs"]["ver"] == 300 or not held["emode"]:
        return False
    bitmap = int(case["inputs"]["emodes"][str(held["emode"])]["collateral_bitmap"])
    used = [i for i in range(7) if int(held["bitmap"]) >> 2 * i + 1 & 1]
    inside = [bool(bitmap >> i & 1) for i in used]
    return True in inside and False in inside


def ltv_zero(case: dict[str, Any]) -> bool:
    """Collateral 6 with a threshold and, at this time, LTV 0."""
    held, word = case["inputs"]["position"], int(case["inputs"]["reserves"][6]["conf"])
    return bool(int(held["bitmap"]) >> 13 & 1 and not word & 0xFFFF and word >> 16 & 0xFFFF)


def frozen(case: dict[str, Any]) -> bool:
    """Collateral in a frozen reserve."""
    held, reserves = case["inputs"]["position"], case["inputs"]["reserves"]
    return any(
        int(held["bitmap"]) >> 2 * i + 1 & 1 and int(entry["conf"]) >> 57 & 1
        for i, entry in enumerate(reserves)
    )


def isolated_mode(case: dict[str, Any]) -> bool:
    """In an isolated category of 3.7."""
    held = case["inputs"]["position"]
    modes = case["inputs"]["emodes"]
    return bool(held["emode"] and modes[str(held["emode"])].get("isolated"))


@pytest.mark.parametrize(
    ("pick", "label", "text"),
    [
        (outside_mode, "emode", ""),
        (ltv_zero, "ltv_zero", "TK6"),
        (frozen, "frozen", "TK2"),
        (isolated_mode, "isolated", "emode"),
    ],
)
def test_golden_modes(shared: Path, pick: Pick, label: str, text: str) -> None:
    """Accounts in eMode, with an outside asset, LTV 0, frozen, isolated: exact, and labelled."""
    chosen = [case for case in cases(shared, "account") if pick(case)]
    assert chosen
    for case in chosen:
        account = CaseChain(case["inputs"], case["expected"]).account(ADAPTER)
        assert Parity.between(account.judgement, account.venue_answer).status == "exact"
        assert text in account.labels[label]


def test_evidence_is_labelled(shared: Path) -> None:
    """A version that was run says so; one only read says so, with a note until parity is exact."""
    chain = chain_of(shared, lambda case: borrows(case, 300, 0))
    assert chain.account(ADAPTER).labels["profile_evidence"] == "ran"
    chain = chain_of(shared, lambda case: borrows(case, 300, 0), revision=2)
    account = chain.account(ADAPTER)
    assert account.labels["profile_evidence"] == "source_read"
    assert account.problems == ()
    lost = (chain.pool, POOL.function("getUserAccountData").encode((OWNER,)))
    codes = [problem.code for problem in chain.account(ADAPTER, lost=[lost]).problems]
    assert codes == ["injected", "source_read"]


def test_an_unread_provider_is_one_unknown_account(shared: Path) -> None:
    """Without the provider's answer there is one account of unknown health, and a named problem."""
    chain = chain_of(shared, lambda case: borrows(case, 370))
    lost = (chain.provider, PROVIDER.function("getPool").encode(()))
    snapshot = chain.run(ADAPTER, lost=[lost])
    (account,) = snapshot.accounts
    assert isinstance(account.failure, Failure)
    assert isinstance(account.venue_answer, Failure)
    assert snapshot.complete is False
    assert [problem.code for problem in account.problems] == ["injected"]


def test_the_read_rule_survives_its_document(shared: Path) -> None:
    """The rule of a read account is rebuilt from its document by the adapter's own reader."""
    chain = chain_of(shared, lambda case: borrows(case, 360, 1))
    account = chain.account(ADAPTER)
    assert isinstance(account.rule, AaveRule)
    read = ADAPTER.rules["aave-v3"](account.rule.document())
    assert read.judge() == account.judgement
