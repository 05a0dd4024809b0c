"""Derive v2 on subaccounts recorded from its real contracts: the conformance suite of every adapter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from crossmargin.adapters.base import Adapter, VenueSnapshot
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, load_recordings, replay
from crossmargin.adapters.venues.derive_v2 import ADAPTER
from crossmargin.core.book.health import Parity, State
from crossmargin.core.book.model import MarginAccount, Option
from crossmargin.core.errors import Reason

RECORDINGS = Path(__file__).parents[2] / "recordings" / "derive-v2"


class TestDeriveV2(AdapterConformance):
    @pytest.fixture
    def adapter(self) -> Adapter:
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self) -> Sequence[RecordedAccount]:
        """Owners of a local chain: empty, ordinary, portfolio, ugly, expired, auction, stale."""
        return load_recordings(RECORDINGS)


def _snapshot(name: str) -> VenueSnapshot:
    (recording,) = (each for each in load_recordings(RECORDINGS) if each.name == name)
    return replay(ADAPTER.read(recording.request(Facts())), recording.replies)[0]


def _account(name: str) -> MarginAccount:
    return _snapshot(name).accounts[0]


def test_interest_makes_an_account_liquidatable_that_the_view_calls_healthy() -> None:
    """Stored cash keeps the margin above zero; with interest ``startAuction`` would work."""
    judgement = _account("ugly").judgement
    assert judgement is not None
    assert (judgement.stored.liquidatable, judgement.actionable.liquidatable) == (False, True)
    assert judgement.figures["maintenanceMargin"] > 0


def test_an_account_with_its_own_library_is_judged_by_it() -> None:
    """Under PMRM_2_1 the figures of an account with an override equal the venue's."""
    ugly, portfolio = _account("ugly"), _account("portfolio")
    assert ugly.labels["manager_address"] == portfolio.labels["manager_address"]
    assert ugly.labels["library"] != portfolio.labels["library"]
    for account in (ugly, portfolio):
        parity = Parity.between(account.judgement, account.venue_answer)
        assert parity.status == "exact"
        assert {"initialMargin", "maintenanceMargin", "markToMarket"} <= parity.differences.keys()


def test_an_expired_option_with_a_fixed_price_does_not_block_its_account() -> None:
    """The manager's view reverts on it; it counts as the cash that settling brings."""
    account = _account("expired")
    assert account.failure is None
    assert account.judgement is not None
    assert account.judgement.stored.health.state is State.UNKNOWN
    assert account.judgement.actionable.health.state is State.OK
    options = [leg for leg in account.legs if isinstance(leg.instrument, Option)]
    settled = [leg for leg in options if leg.status == "settled"]
    assert len(options) == 2
    assert [leg.failure for leg in settled] == [None]


def test_a_stale_feed_is_named_and_the_account_is_unknown() -> None:
    """Feeds beyond their heartbeat revert: no figure, the reason is a stale price."""
    account = _account("stale")
    assert account.failure is not None
    assert account.failure.reason is Reason.STALE_PRICE
    assert account.judgement is not None
    assert account.judgement.actionable.health.state is State.UNKNOWN


def test_subaccounts_held_directly_and_by_matching_are_found() -> None:
    """Both are the owner's; a running auction is told with its price."""
    first, second = _snapshot("auction").accounts
    assert (first.labels["nft"], second.labels["nft"]) == ("matching", "owner")
    assert first.labels["auction"] == "insolvent"
    assert float(first.labels["auction_price"]) < 0
