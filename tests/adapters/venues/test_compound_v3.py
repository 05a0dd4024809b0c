"""Compound v3: conformance on accounts recorded from its real contracts, and its own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_abi import abi as eth_abi
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.base import Deployment, ReadRequest, VenueSnapshot
from crossmargin.adapters.chain.call import Contract, RawReply, Read
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import Recording, load_recordings, replay
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.adapters.venues.compound_v3 import ADAPTER
from crossmargin.adapters.venues.compound_v3.document import rule_from_document
from crossmargin.adapters.venues.compound_v3.maths import (
    Collateral,
    Curve,
    Rates,
    Totals,
    absorb,
    accrue,
    entered_assets,
    present_value,
    principal_value,
    quote_collateral,
    utilisation,
)
from crossmargin.adapters.venues.compound_v3.rule import Base, CompoundRule, Held
from crossmargin.core.book.health import Parity, State, VenueAnswer
from crossmargin.core.book.model import Asset, Debt, Leg, MarginAccount, Spot
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import DocumentError, Failure, Reason, RuleError, Severity
from crossmargin.core.units import MAX_UINT256

RECORDINGS = Path(__file__).parents[1] / "recordings" / "compound-v3"
WAD = 10**18
COMET = Contract("compound_v3", "Comet")


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
        prices[rule.base.key] = rule.base.price
        return Decimal(prices[asset]).scaleb(-8)
