"""What every test may use: where the specification folder is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The specification folder beside the checkout; the test skips where it is absent."""
    named = os.environ.get("CROSSMARGIN_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no specification folder at {folder}; set CROSSMARGIN_SHARED to its path")
    return folder
