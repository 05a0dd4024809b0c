"""Revert data as failures that name themselves."""

from __future__ import annotations

from eth_abi.abi import encode

from crossmargin.adapters.chain.reverts import error_data, revert_failure
from crossmargin.core.errors import Failure, Reason


def test_a_revert_text_is_shown() -> None:
    """The author's words are the failure's detail."""
    assert revert_failure(error_data("position is healthy")) == Failure(
        Reason.CALL_REVERTED, "error", "position is healthy"
    )


def test_dirty_padding_behind_a_long_text_is_no_part_of_it() -> None:
    """Old compilers leave bytes behind a text; the text still reads."""
    text = "Dog/liquidation-limit-hit and some more words"
    clean = error_data(text)
    dirty = clean[:-5] + b"\xde\xad\xbe\xef\x01"
    assert encode(["string"], [text]) == clean[4:]
    assert revert_failure(dirty).detail == text


def test_revert_data_that_is_no_text_is_named_by_its_selector() -> None:
    """Garbage behind the selector of ``Error`` is bad data, not a crash."""
    assert revert_failure(error_data("x")[:20]).code == "bad_revert_data"
    assert revert_failure(b"").code == "no_data"
    assert revert_failure(bytes.fromhex("deadbeef")).code == "custom_error"
