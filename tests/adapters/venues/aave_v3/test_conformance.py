"""Aave v3 passes the suite that every adapter owes, on accounts of revisions 10 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from crossmargin.adapters.base import Adapter, VenueSnapshot
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.recordings import RecordedAccount, load_recordings
from crossmargin.adapters.venues.aave_v3 import ADAPTER
from crossmargin.core.book.model import MarginAccount

RECORDINGS = Path(__file__).parents[2] / "recordings" / "aave-v3"


class TestAaveV3(AdapterConformance):
    @pytest.fixture
    def adapter(self) -> Adapter:
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self) -> Sequence[RecordedAccount]:
        """Empty, ordinary, eMode with an asset of outside, liquidatable; ugly at revision 1."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The oracle's price; assets are named by their symbol."""
        return next(price.value for price in snapshot.prices if price.asset.symbol == asset)
