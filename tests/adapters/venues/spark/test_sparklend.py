"""SparkLend: conformance on recorded accounts, and which of its two arithmetics an account gets."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crossmargin.adapters.aave_family.maths import AccountData, account_data
from crossmargin.adapters.aave_family.profile import DIRECTED, PROFILES
from crossmargin.adapters.aave_family.rule import AaveRule
from crossmargin.adapters.aave_family.suites import position_of_case
from crossmargin.adapters.base import Adapter, VenueSnapshot
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.recordings import RecordedAccount, load_recordings
from crossmargin.adapters.venues.spark import ADAPTER
from crossmargin.core.book.health import Parity, State
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.errors import Reason, Severity
from tests.adapters.aave_family.case_chain import OWNER, POOL, CaseChain
from tests.adapters.aave_family.positions import cases

RECORDINGS = Path(__file__).parents[2] / "recordings" / "sparklend"


class TestSparkLend(AdapterConformance):
    @pytest.fixture
    def adapter(self) -> Adapter:
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self) -> Sequence[RecordedAccount]:
        """Four accounts: empty, ordinary, ugly, and the ordinary one with the backport's answer."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The oracle's price; assets are named by their symbol."""
        return next(price.value for price in snapshot.prices if price.asset.symbol == asset)


def spark_cases(shared: Path) -> Iterator[dict[str, Any]]:
    """The recorded accounts of POOL_REVISION 1, free to be changed."""
    return (copy.deepcopy(case) for case in cases(shared, "account") if is_spark(case))


def is_spark(case: dict[str, Any]) -> bool:
    """Whether the case ran the arithmetic that SparkLend forked."""
    return bool(case["inputs"]["ver"] == 300)


def directed_answer(case: dict[str, Any]) -> dict[str, str]:
    """What the pool would answer under the backport, by our own arithmetic."""
    position = replace(position_of_case(case["inputs"]), profile=DIRECTED)
    return {name: str(value) for name, value in account_data(position).figures().items()}


def read(case: dict[str, Any], answer: dict[str, str]) -> MarginAccount:
    """The account of a case whose pool gives this answer."""
    return CaseChain(case["inputs"], answer).account(ADAPTER, include_empty=True)


def profile_notes(account: MarginAccount) -> list[str]:
    """The codes of the notes on the account's profile."""
    codes = [problem.code for problem in account.problems if problem.severity is Severity.NOTE]
    return [code for code in codes if code.startswith("profile")]


def test_the_pools_of_today_are_the_base_profile(shared: Path) -> None:
    """Every recorded 3.0 account is judged as 3.0, exactly and without a remark."""
    for case in spark_cases(shared):
        account = read(case, case["expected"])
        assert account.labels["profile"] == "3.0", case["case"]
        assert Parity.between(account.judgement, account.venue_answer).status == "exact"
        assert (account.failure, profile_notes(account)) == (None, [])


def test_the_backported_rounding_is_a_profile_and_is_said(shared: Path) -> None:
    """An answer that only the backport explains is judged by it, with a label and a note."""
    changed = 0
    for case in spark_cases(shared):
        answer = directed_answer(case)
        account = read(case, answer)
        same = answer == case["expected"]
        assert account.labels["profile"] == ("3.0" if same else "3.0-directed"), case["case"]
        assert account.judgement is not None
        figures = {name: str(value) for name, value in account.judgement.figures.items()}
        assert figures == answer
        assert account.failure is None
        assert profile_notes(account) == ([] if same else ["profile_changed"])
        assert account.judgement == account.rule.judge()
        changed += not same
    assert changed > 20


def test_legs_round_as_the_profile_does(shared: Path) -> None:
    """Under the backport a supply's leg is the balance rounded down and a debt's rounded up."""
    moved = 0
    for case in spark_cases(shared):
        base = {leg.id: leg.quantity for leg in read(case, case["expected"]).legs}
        account = read(case, directed_answer(case))
        if account.labels["profile"] != "3.0-directed":
            continue
        for leg in account.legs:
            assert leg.quantity <= base[leg.id]
            moved += leg.quantity < base[leg.id]
    assert moved > 0


@pytest.mark.parametrize("figure", range(len(AccountData.NAMES)))
def test_an_answer_that_neither_explains_is_not_trusted(shared: Path, figure: int) -> None:
    """One unit off in any figure under both profiles: unknown, code changed, no price blamed."""
    case = next(case for case in spark_cases(shared) if int(case["expected"]["totalDebtBase"]))
    name = AccountData.NAMES[figure]
    wrong = case["expected"] | {name: str(int(case["expected"][name]) + 10**6)}
    account = read(case, wrong)
    assert account.failure is not None
    assert (account.failure.reason, account.failure.code) == (
        Reason.CODE_CHANGED,
        "parity_mismatch",
    )
    assert account.judgement is not None
    assert account.judgement.actionable.health.state is State.UNKNOWN
    assert profile_notes(account) == []


def test_a_lost_answer_takes_the_lower_health(shared: Path) -> None:
    """With the pool's answer lost, health is the lower of both profiles and the doubt is noted."""
    doubted = 0
    for case in spark_cases(shared):
        chain = CaseChain(case["inputs"], case["expected"])
        lost = (chain.pool, POOL.function("getUserAccountData").encode((OWNER,)))
        account = chain.account(ADAPTER, lost=[lost], include_empty=True)
        assert account.judgement is not None
        both = (int(case["expected"]["healthFactor"]), int(directed_answer(case)["healthFactor"]))
        assert account.judgement.figures["healthFactor"] == min(both)
        differ = directed_answer(case) != case["expected"]
        assert profile_notes(account) == (["profile_unverified"] if differ else [])
        doubted += differ
    assert doubted > 20


@pytest.mark.parametrize("revision", [4, 10, 12])
def test_a_later_revision_is_unsupported(shared: Path, revision: int) -> None:
    """SparkLend's own code is known up to revision 3; Aave's later ones are not assumed for it."""
    case = next(case for case in spark_cases(shared) if int(case["expected"]["totalDebtBase"]))
    chain = CaseChain(case["inputs"], case["expected"])
    chain.put(POOL, chain.pool, "POOL_REVISION", (), revision)
    account = chain.account(ADAPTER)
    assert account.failure is not None
    assert account.failure.reason is Reason.UNSUPPORTED_VERSION


def test_the_backports_rule_survives_its_document(shared: Path) -> None:
    """A rule judged by the backport is read back from its document with the same judgement."""
    case = next(case for case in spark_cases(shared) if directed_answer(case) != case["expected"])
    account = read(case, directed_answer(case))
    assert isinstance(account.rule, AaveRule)
    again = ADAPTER.rules["sparklend"](account.rule.document())
    assert again == account.rule
    assert again.judge() == account.judgement


def test_the_backport_changes_rounding_only() -> None:
    """The variant differs from 3.0 in four things, and liquidates as 3.0 does."""
    base = PROFILES["3.0"]
    changed = replace(
        base,
        name="3.0-directed",
        ran=frozenset(),
        directed_balances=True,
        debt_value_up=True,
        exact_health=True,
    )
    assert changed == DIRECTED
    assert not DIRECTED.available_down
