"""How subaccounts are found and read, on recorded answers: logs, lists, rounds, other owners."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from crossmargin.adapters.base import VenueSnapshot
from crossmargin.adapters.chain.call import Log, LogQuery, RawReply
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, load_recordings, replay
from crossmargin.adapters.venues.derive_v2 import ADAPTER
from crossmargin.adapters.venues.derive_v2.discover import queries
from crossmargin.core.action.liquidation import liquidation_range
from crossmargin.core.book.market import Market, Quote
from crossmargin.core.book.model import Debt, MarginAccount, Option, Perp, Spot
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import Failure, InputError, Reason, Severity
from crossmargin.core.value.positions import Position, positions_of
from crossmargin.core.value.revalue import States, leg_scenarios, venue_volatility

RECORDINGS = Path(__file__).parents[2] / "recordings" / "derive-v2"


def _recording(name: str) -> RecordedAccount:
    (found,) = (each for each in load_recordings(RECORDINGS) if each.name == name)
    return found


def _read(recording: RecordedAccount, facts: Facts | None = None) -> tuple[VenueSnapshot, int]:
    """The answer, and the round trips that it took."""
    plan = ADAPTER.read(recording.request(facts or Facts()))
    snapshot, rounds = replay(plan, recording.replies)
    return snapshot, len(rounds)


def _by_logs(
    recording: RecordedAccount, deposited: RawReply, transferred: RawReply
) -> RecordedAccount:
    """The same owner without a list of ids: the logs tell them."""
    request = replace(recording, options={}).request(Facts())
    scans = dict(zip(queries(request), (deposited, transferred), strict=True))
    return replace(recording, options={}, replies={**recording.replies, **scans})


def _log(query_address: str, *ids: int, place: int) -> tuple[Log, ...]:
    def topics(number: int) -> tuple[str, ...]:
        words = ["0x" + "00" * 32] * 4
        words[place] = f"0x{number:064x}"
        return tuple(words)

    return tuple(Log(query_address, topics(number), "0x", 7) for number in ids)


def test_logs_find_what_matching_holds_and_what_the_owner_holds() -> None:
    """Deposits into Matching and transfers of NFTs together give both subaccounts."""
    recording = _recording("auction")
    first, second = sorted(int(each) for each in recording.options["subaccounts"])
    found = _by_logs(recording, _log("0x", first, place=1), _log("0x", second, place=3))
    snapshot, _ = _read(found)
    assert [account.id for account in snapshot.accounts] == [str(first), str(second)]
    assert (snapshot.enumeration, snapshot.complete) == ("logs", True)


def test_a_failed_log_scan_makes_the_answer_incomplete() -> None:
    """Without logs nobody knows what is missing, and the answer says so."""
    failure = Failure(Reason.RPC_UNAVAILABLE, "log_range", "too wide")
    snapshot, _ = _read(_by_logs(_recording("auction"), failure, ()))
    assert (snapshot.accounts, snapshot.complete) == ((), False)
    reads = [each for each in snapshot.problems if each.severity is Severity.READ]
    assert {each.reason for each in reads} == {Reason.POSITIONS_INCOMPLETE}


def test_an_nft_that_was_not_looked_at_is_missed() -> None:
    """The ledger's count of the owner's NFTs shows that a list left one out."""
    recording = _recording("auction")
    first = min(recording.options["subaccounts"], key=int)
    snapshot, _ = _read(replace(recording, options={"subaccounts": [first]}))
    assert [account.id for account in snapshot.accounts] == [first]
    assert snapshot.complete is False
    assert "unlisted_nft" in {problem.code for problem in snapshot.problems}


def test_another_owners_subaccount_is_left_out_and_named() -> None:
    """A listed id that is somebody else's is no position of the owner."""
    recording = _recording("ordinary")
    stranger = replace(recording, owner="0x00000000000000000000000000000000000000AA")
    snapshot, _ = _read(stranger)
    assert snapshot.accounts == ()
    assert "not_the_owner" in {problem.code for problem in snapshot.problems}


def test_a_warm_account_costs_one_round() -> None:
    """What the last answer asked is asked at once; nothing new is held, so nothing follows."""
    for recording in load_recordings(RECORDINGS):
        facts = Facts()
        cold, rounds = _read(recording, facts)
        warm, again = _read(recording, facts)
        assert rounds > 1
        assert again == 1
        assert warm == cold


@pytest.mark.parametrize("value", ["7", [0], ["0x7"], [True], [-1], ["9" * 30]])
def test_a_list_that_holds_no_ids_is_refused(value: object) -> None:
    """The caller is told which field is wrong before anything is asked."""
    recording = replace(_recording("ordinary"), options={"subaccounts": value})
    with pytest.raises(InputError) as caught:
        _read(recording)
    assert caught.value.field == "subaccounts"


def test_legs_are_what_the_venue_holds() -> None:
    """Cash with interest, perp, options and tokens, in the venue's own amounts."""
    (account,) = _read(_recording("portfolio"))[0].accounts
    kinds = [type(leg.instrument) for leg in account.legs]
    assert kinds == [Spot, Perp, Option, Option, Spot]
    cash, perp, *options, token = account.legs
    assert account.judgement is not None
    assert cash.raw is not None
    assert cash.raw.value == account.judgement.figures["cashWithInterest"]
    assert perp.quantity == 2
    assert sorted(leg.quantity for leg in options) == [-5, 3]
    assert all(leg.vol is not None and leg.vol > 0 for leg in options)
    assert token.quantity == 2000


def test_a_perps_value_at_the_venues_spot_is_its_unsettled_cash() -> None:
    """Entry, quantity and accrued cash add up to what settling would bring."""
    snapshot, _ = _read(_recording("ordinary"))
    (account,) = snapshot.accounts
    (perp,) = (leg for leg in account.legs if isinstance(leg.instrument, Perp))
    spot = next(each.value for each in snapshot.prices if each.asset.key == "ETH")
    assert perp.entry_price is not None
    assert account.judgement is not None
    value = perp.quantity * (spot - perp.entry_price) + perp.accrued
    assert value.scaleb(18) == account.judgement.figures["unsettledCash.ETH"]


def test_borrowed_cash_is_a_debt() -> None:
    """Negative cash is owed: a debt leg with a negative quantity."""
    (account,) = _read(_recording("ugly"))[0].accounts
    cash = next(leg for leg in account.legs if leg.id == "cash")
    assert isinstance(cash.instrument, Debt)
    assert cash.quantity < 0


def test_every_query_asks_for_the_owner() -> None:
    """Both scans filter by the owner's padded address."""
    request = _recording("ordinary").request(Facts())
    scans = queries(request)
    assert all(isinstance(each, LogQuery) for each in scans)
    assert {each.topics[2] for each in scans} == {f"0x{request.owner.lower()[2:]:0>64}"}


def _positions(recording: RecordedAccount) -> tuple[MarginAccount, list[Position], float]:
    """The account, its legs valued at the venue's own prices, and the price of ETH."""
    snapshot, _ = _read(recording)
    (account,) = snapshot.accounts
    spot = {each.asset.key: Quote(each.value) for each in snapshot.prices}
    legs = [(account.venue, leg) for leg in account.legs]
    valued = positions_of(legs, Market(spot), recording.block.timestamp)
    assert all(isinstance(each, Position) for each in valued)
    return (
        account,
        [each for each in valued if isinstance(each, Position)],
        float(spot["ETH"].value),
    )


def test_the_searched_liquidation_price_is_the_exact_one() -> None:
    """The search that serves every venue finds the price that integers give."""
    account, positions, spot = _positions(_recording("ordinary"))
    found = liquidation_range(account, positions, "ETH", spot, venue_volatility("sticky"))
    assert account.judgement is not None
    (exact,) = account.judgement.liquidation_prices
    assert exact.price is not None
    assert found.down == pytest.approx(float(exact.price), rel=1e-9)
    assert found.up is None


def test_a_rise_of_volatility_costs_a_short_option_book() -> None:
    """The scenario's factor on volatility reaches the marks: value falls, the requirement moves."""
    account, positions, _ = _positions(_recording("portfolio"))
    still = leg_scenarios(
        positions, "ETH", States(np.zeros(1), np.zeros(1)), venue_volatility("sticky")
    )
    assert still.volatility is not None
    options = np.array([[isinstance(leg.instrument, Option)] for leg in account.legs])
    risen = replace(still, volatility=np.where(options, 1.5, 1.0))
    before = account.rule.evaluate(account.legs, still)
    after = account.rule.evaluate(account.legs, risen)
    assert after.equity[0] < before.equity[0]
    assert after.health[0] < before.health[0]


def test_a_dust_position_keeps_its_requirement() -> None:
    """A perp of a few wei beside much cash has a finite health in floats too."""
    account, _, _ = _positions(_recording("ordinary"))
    legs = [
        replace(leg, quantity=Decimal("4E-17")) if isinstance(leg.instrument, Perp) else leg
        for leg in account.legs
        if leg.id == "cash" or isinstance(leg.instrument, Perp)
    ]
    flat = np.ones((len(legs), 1))
    found = account.rule.evaluate(legs, LegScenarios(flat, flat, flat))
    assert np.isfinite(found.health[0])
    assert found.maintenance[0] > 0
