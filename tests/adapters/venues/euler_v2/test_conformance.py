"""Euler v2 on accounts recorded from its real contracts: the conformance suite of every adapter."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from crossmargin.adapters.base import Adapter, VenueSnapshot
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.recordings import RecordedAccount, load_recordings
from crossmargin.adapters.venues.euler_v2 import ADAPTER
from crossmargin.adapters.venues.euler_v2.limits import PRICE_DECIMALS, price_scale
from crossmargin.adapters.venues.euler_v2.rule import EulerRule
from crossmargin.core.book.model import MarginAccount

RECORDINGS = Path(__file__).parents[2] / "recordings" / "euler-v2"


class TestEulerV2(AdapterConformance):
    @pytest.fixture
    def adapter(self) -> Adapter:
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self) -> Sequence[RecordedAccount]:
        """Four owners of a local chain: empty, ordinary, ugly and with a stale oracle."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The asset's price in the controller's unit of account, from its own oracle's quotes."""
        rule = account.rule
        assert isinstance(rule, EulerRule)
        amounts = [(each.asset, each.assets, each.mid) for each in rule.collaterals or ()]
        amounts.append((rule.loan, rule.debt, rule.mid))
        for token, amount, value in amounts:
            if token is not None and token.key == asset and amount and value:
                assert rule.unit is not None
                scale = price_scale(token, rule.unit)
                assert scale is not None
                return Decimal(value * scale) / Decimal(amount).scaleb(PRICE_DECIMALS)
        raise LookupError(asset)
