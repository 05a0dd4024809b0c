"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The specification folder beside the checkout; the test skips where it is absent."""
    folder = Path(os.environ.get("CROSSMARGIN_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no specification folder: put it beside the checkout or set CROSSMARGIN_SHARED")
    return folder
