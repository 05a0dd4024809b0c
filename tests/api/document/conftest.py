"""The worked document and what reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossmargin.adapters.tokens import TokenRegistry, bundled_tokens

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def worked() -> dict[str, Any]:
    """The specification's example of a portfolio document, fresh for each test."""
    text = (ROOT / "examples" / "worked.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.fixture
def tokens() -> TokenRegistry:
    """The registry that ships with the package."""
    return bundled_tokens()
