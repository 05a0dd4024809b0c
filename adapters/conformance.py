"""The suite that every adapter's test module inherits; it runs on recordings, never on a network.

    class TestMyVenue(AdapterConformance):
        @pytest.fixture
        def adapter(self): return ADAPTER
        @pytest.fixture
        def recordings(self): return load_recordings(FOLDER)

Record three accounts at least: an empty one, an ordinary one, an ugly one. The suite needs pytest,
which the package itself does not install.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from ..core.book.health import STATES_WORST_FIRST, LiquidationPrice, Parity, State, VenueAnswer
from ..core.book.model import Claim, Debt, Leg, MarginAccount, Perp, Spot
from ..core.book.rule import LegScenarios, Rule
from ..core.errors import Failure, Reason, Severity
from .address import checksum_address
from .base import Adapter, VenueSnapshot
from .facts import Facts
from .recordings import RecordedAccount, replay, summary

__all__ = ["AdapterConformance"]

INJECTED = Failure(Reason.RPC_UNAVAILABLE, "injected", "a fault of the conformance suite")
TOLERANCE = 1e-9
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CHAIN = re.compile(r"eip155:[1-9][0-9]*")


class AdapterConformance:
    """Behaviour that every adapter owes; a subclass supplies ``adapter`` and ``recordings``."""

    @pytest.fixture
    def adapter(self) -> Adapter:
        """The adapter under test."""
        raise NotImplementedError("override the fixture adapter")

    @pytest.fixture
    def recordings(self) -> Sequence[RecordedAccount]:
        """The recorded accounts."""
        raise NotImplementedError("override the fixture recordings")

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The asset's price in the unit of the account's liquidation prices; USD by default."""
        del account
        return next(price.value for price in snapshot.prices if price.asset.key == asset)

    def test_replay_gives_the_recorded_answer(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """A recorded account is answered as it was recorded, with no difference to the venue."""
        _expect(len(recordings) > 0, "there is no recording")
        for recording in recordings:
            snapshot = _read(adapter, recording)
            _expect(summary(snapshot) == recording.expected, f"{recording.name}: another answer")
            for account in snapshot.accounts:
                self._check_parity(adapter, recording, account)

    def _check_parity(
        self, adapter: Adapter, recording: RecordedAccount, account: MarginAccount
    ) -> None:
        """Where the venue answered and so did we, every common figure differs by 0."""
        parity = Parity.between(account.judgement, account.venue_answer)
        answered = isinstance(account.venue_answer, VenueAnswer) and account.failure is None
        allowed = {"exact"} if answered else {"exact", "unread", "view_only"}
        if adapter.capabilities.view_only:
            allowed.add("view_only")
        _expect(
            parity.status in allowed, f"{recording.name}, {account.id}: {parity.status} {parity}"
        )

    def test_a_failed_call_is_named_and_never_improves_the_answer(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """Whichever read fails, no answer is healthier than the truth and the failure has a place."""
        for recording, truth in _truths(adapter, recordings):
            for key in recording.replies:
                faulty = _read(adapter, recording.with_reply(key, INJECTED))
                where = f"{recording.name}, without the reply to {_shown(key)}"
                _expect_not_healthier(truth, faulty, where)
                _expect("injected" in set(_codes(faulty)), f"{where}: the failure is not named")

    def test_garbage_never_improves_the_answer(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """Whichever read returns garbage, no answer is healthier than the truth."""
        for recording, truth in _truths(adapter, recordings):
            for key, reply in recording.replies.items():
                if not isinstance(reply, bytes):
                    continue
                for garbage in (b"", b"\x01", b"\xff" * len(reply), reply[:-1]):
                    faulty = _read(adapter, recording.with_reply(key, garbage))
                    where = f"{recording.name}, {len(garbage)} bytes of garbage to {_shown(key)}"
                    _expect_not_healthier(truth, faulty, where)

    def test_a_warm_account_costs_no_more_rounds_than_declared(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """Once static facts are known, the sequential round trips are as few as declared."""
        for recording in recordings:
            facts = Facts()
            _read(adapter, recording, facts)
            _, rounds = replay(adapter.read(recording.request(facts)), recording.replies)
            allowed = adapter.capabilities.warm_rounds
            _expect(len(rounds) <= allowed, f"{recording.name}: {len(rounds)} rounds of {allowed}")

    def test_every_reply_of_a_recording_is_asked_for(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """A recording holds what the plan asks and nothing else, so that every fault is tried."""
        for recording in recordings:
            _, rounds = replay(adapter.read(recording.request(Facts())), recording.replies)
            asked = sum(len(set(batch)) for batch in rounds)
            _expect(asked >= len(recording.replies), f"{recording.name}: replies nobody asks for")

    def test_a_rule_survives_its_document(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """A rule written to JSON and read back gives an equal judgement."""
        for account, _ in _accounts(adapter, recordings):
            rule = account.rule
            again = adapter.rules[rule.kind](json.loads(json.dumps(rule.document())))
            _expect(again.judge() == rule.judge(), f"{account.id}: another judgement")
            _expect(again.document() == rule.document(), f"{account.id}: another document")

    def test_the_fast_rule_equals_the_exact_one_without_a_shock(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """With every price where it is, ``evaluate`` says what ``judge`` says."""
        for account, snapshot in _judged(adapter, recordings):
            verdict = account.judgement.actionable if account.judgement else None
            assert verdict is not None  # noqa: S101 - narrowed by _judged
            result = account.rule.evaluate(account.legs, _moved(snapshot, account.legs, "", [1.0]))
            _expect(
                bool(result.liquidatable[0]) == verdict.liquidatable, f"{account.id}: other verdict"
            )
            value = verdict.health.value
            if value is None:
                _expect(bool(np.isinf(result.health[0])), f"{account.id}: a health without a debt")
            else:
                off = abs(float(result.health[0]) - float(value))
                _expect(off <= TOLERANCE * max(float(value), TOLERANCE), f"{account.id}: {off}")

    def test_the_fast_rule_flips_where_the_exact_one_does(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """Bisecting ``evaluate`` over one asset's price finds the exact liquidation price."""
        checked = 0
        for account, snapshot in _judged(adapter, recordings):
            prices = account.judgement.liquidation_prices if account.judgement else ()
            for exact in prices:
                if exact.price is None or exact.price == 0:
                    continue
                today = self.price_today(snapshot, account, exact.asset)
                found = _bisect(account.rule, account.legs, snapshot, exact, today)
                # The exact price is a whole number of the oracle's steps; the crossing lies within one.
                step = 10.0**-exact.decimals
                off = abs(found - float(exact.price))
                allowed = step + TOLERANCE * float(exact.price)
                _expect(off <= allowed, f"{account.id}, {exact.asset}: {found} for {exact.price}")
                checked += 1
        _expect(checked > 0, "no recording has a liquidation price")

    def test_answers_hold_integers_decimals_and_known_states(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """No float, NaN or unknown word reaches an answer."""
        for account, _ in _accounts(adapter, recordings):
            for leg in account.legs:
                _expect(leg.quantity.is_finite(), f"{account.id}, {leg.id}: {leg.quantity}")
            _expect(len({leg.id for leg in account.legs}) == len(account.legs), "leg ids repeat")
            if account.judgement is None:
                continue
            figures = account.judgement.figures.values()
            _expect(all(type(figure) is int for figure in figures), f"{account.id}: {figures}")
            for verdict in (account.judgement.stored, account.judgement.actionable):
                state, value = verdict.health.state, verdict.health.value
                _expect(state in STATES_WORST_FIRST, f"{account.id}: state {state}")
                _expect(value is None or value.is_finite(), f"{account.id}: health {value}")
                valueless = state in {State.NO_DEBT, State.EMPTY, State.UNKNOWN}
                _expect((value is None) == valueless, f"{account.id}: {state} with {value}")
                known = verdict.liquidatable is not None
                _expect(known == (state is not State.UNKNOWN), f"{account.id}: {verdict}")

    def test_a_debt_without_assets_is_bad_debt(
        self, adapter: Adapter, recordings: Sequence[RecordedAccount]
    ) -> None:
        """Where something is owed and nothing held, the state says bad debt, with the value 0."""
        for account, _ in _judged(adapter, recordings):
            owed = any(isinstance(leg.instrument, Debt) for leg in account.legs)
            held = any(leg.quantity > 0 for leg in account.legs)
            if owed and not held and account.judgement is not None:
                health = account.judgement.actionable.health
                _expect(health.state is State.BAD_DEBT, f"{account.id}: {health.state}")
                _expect(health.value == 0, f"{account.id}: health {health.value}")

    def test_deployments_are_legal(self, adapter: Adapter) -> None:
        """Names are lower case and legal, addresses carry their checksum, none is there twice."""
        _expect(_NAME.fullmatch(adapter.name) is not None, f"name {adapter.name!r}")
        deployments = adapter.deployments()
        keys = {(deployment.chain_id, deployment.market) for deployment in deployments}
        _expect(len(keys) == len(deployments), "a deployment is there twice")
        for deployment in deployments:
            _expect(deployment.venue == adapter.name, f"{deployment}: another venue")
            _expect(_CHAIN.fullmatch(deployment.chain_id) is not None, deployment.chain_id)
            for role, address in deployment.contracts.items():
                _expect(checksum_address(address) == address, f"{role}: {address} is not EIP-55")

    def test_suites_and_rules_are_declared_soundly(self, adapter: Adapter) -> None:
        """Every declared suite can be computed, every declared rule kind read."""
        for name, suite in adapter.suites.items():
            _expect(_NAME.fullmatch(name.replace(".", "-")) is not None, f"suite {name!r}")
            _expect(callable(suite.compute), f"suite {name} computes nothing")
            _expect(isinstance(suite.tolerance, Fraction), f"suite {name}: inexact tolerance")
            _expect(suite.tolerance >= 0, f"suite {name}: negative tolerance")
        for kind, reader in adapter.rules.items():
            _expect(_NAME.fullmatch(kind) is not None and callable(reader), f"rule {kind!r}")


def _expect(held: bool, message: str) -> None:
    """Fail with the message unless it held; works without pytest's rewriting of asserts."""
    if not held:
        raise AssertionError(message)


def _read(
    adapter: Adapter, recording: RecordedAccount, facts: Facts | None = None
) -> VenueSnapshot:
    """The adapter's answer to a recording, on cold facts unless some are given."""
    plan = adapter.read(recording.request(Facts() if facts is None else facts))
    return replay(plan, recording.replies)[0]


def _truths(
    adapter: Adapter, recordings: Sequence[RecordedAccount]
) -> Iterator[tuple[RecordedAccount, VenueSnapshot]]:
    for recording in recordings:
        yield recording, _read(adapter, recording)


def _accounts(
    adapter: Adapter, recordings: Sequence[RecordedAccount]
) -> Iterator[tuple[MarginAccount, VenueSnapshot]]:
    for _, snapshot in _truths(adapter, recordings):
        for account in snapshot.accounts:
            yield account, snapshot


def _judged(
    adapter: Adapter, recordings: Sequence[RecordedAccount]
) -> Iterator[tuple[MarginAccount, VenueSnapshot]]:
    """The accounts that the exact rule could judge."""
    for account, snapshot in _accounts(adapter, recordings):
        judged = account.failure is None and account.judgement is not None
        if judged and all(leg.failure is None for leg in account.legs):
            yield account, snapshot


def _expect_not_healthier(truth: VenueSnapshot, faulty: VenueSnapshot, where: str) -> None:
    """The answer under a fault claims nothing better than the truth, account by account."""
    said_missing = any(problem.severity is Severity.READ for problem in faulty.problems)
    answers = {account.id: account for account in faulty.accounts}
    for account in truth.accounts:
        answer = answers.get(account.id)
        if answer is None:
            _expect(said_missing and not faulty.complete, f"{where}: {account.id} vanished")
            continue
        before, after = _state(account), _state(answer)
        worse = STATES_WORST_FIRST.index(after) <= STATES_WORST_FIRST.index(before)
        _expect(worse or after is State.UNKNOWN, f"{where}: {account.id} {before} became {after}")
        if after is not State.UNKNOWN:
            _expect_same_health(account, answer, where)
            _expect_legs(account.legs, answer.legs, f"{where}: {account.id}")


def _state(account: MarginAccount) -> State:
    """The state an account is shown with."""
    if account.failure is not None or account.judgement is None:
        return State.UNKNOWN
    return account.judgement.actionable.health.state


def _expect_same_health(account: MarginAccount, answer: MarginAccount, where: str) -> None:
    """The health that is still claimed is at most the true one."""
    before, after = account.judgement, answer.judgement
    if before is None or after is None:
        return
    true, claimed = before.actionable.health.value, after.actionable.health.value
    if true is not None and claimed is not None:
        _expect(claimed <= true, f"{where}: {account.id} rose from {true} to {claimed}")


def _expect_legs(truth: Sequence[Leg], legs: Sequence[Leg], where: str) -> None:
    """No debt vanishes and no asset grows, except under a failure that says so."""
    found = {leg.id: leg for leg in legs}
    for leg in truth:
        if isinstance(leg.instrument, Debt):
            _expect(leg.id in found, f"{where}: the debt {leg.id} vanished")
        answer = found.get(leg.id, leg)
        if answer.failure is None and leg.failure is None:
            _expect(answer.quantity <= leg.quantity, f"{where}: {leg.id} grew")


def _codes(snapshot: VenueSnapshot) -> Iterator[str]:
    """The code of every failure that the answer names."""
    for problem in snapshot.problems:
        yield problem.code
    for account in snapshot.accounts:
        places = (account.failure, account.venue_answer, *(leg.failure for leg in account.legs))
        yield from (place.code for place in places if isinstance(place, Failure))
        yield from (problem.code for problem in account.problems)


def _moved(
    snapshot: VenueSnapshot, legs: Sequence[Leg], asset: str, factors: Sequence[float]
) -> LegScenarios:
    """The legs with one asset's price scaled by each factor; a price nobody gave counts as 1."""
    known = {price.asset.key: float(price.value) for price in snapshot.prices}
    moves = np.asarray(factors, dtype=np.float64)
    factor = np.array([moves if _asset(leg) == asset else np.ones_like(moves) for leg in legs])
    factor = factor.reshape(len(legs), len(moves))
    price = np.array([known.get(_asset(leg), 1.0) for leg in legs]).reshape(-1, 1) * factor
    quantity = np.array([float(leg.quantity) for leg in legs]).reshape(-1, 1)
    return LegScenarios(quantity * price, price, factor)


def _asset(leg: Leg) -> str:
    """The key of the asset whose price moves the leg."""
    held = leg.instrument
    if isinstance(held, Spot | Debt | Claim):
        return held.asset.key
    return held.underlying if isinstance(held, Perp) else ""


def _bisect(
    rule: Rule,
    legs: Sequence[Leg],
    snapshot: VenueSnapshot,
    exact: LiquidationPrice,
    today: Decimal,
) -> float:
    """The price at which ``evaluate`` flips, within twice the tolerance of the exact one."""
    target = float(exact.price or 0)
    low, high = target / 2, target * 2
    for _ in range(80):
        middle = (low + high) / 2
        moved = _moved(snapshot, legs, exact.asset, [middle / float(today)])
        liquidatable = bool(rule.evaluate(legs, moved).liquidatable[0])
        if liquidatable == (exact.side == "down"):
            low = middle
        else:
            high = middle
    return high


def _shown(key: object) -> str:
    """A call site as a message names it."""
    if isinstance(key, tuple):
        target, data = key
        return f"{target} {data[:4].hex()}"
    return str(key)
