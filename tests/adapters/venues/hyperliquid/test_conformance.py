"""The conformance suite on accounts recorded from stand-ins of the precompiles on a local chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.recordings import load_recordings
from crossmargin.adapters.venues.hyperliquid import ADAPTER

RECORDINGS = Path(__file__).parents[2] / "recordings" / "hyperliquid"


class TestHyperliquid(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """A stranger, a short, three dexes with isolated rows, due funding, both pooled modes."""
        return load_recordings(RECORDINGS)
