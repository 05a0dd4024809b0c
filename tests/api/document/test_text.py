"""JSON from strangers: every hostile form is a ``DocumentError``, and quickly."""

import json
import time

import pytest

from crossmargin.api.document import read_document
from crossmargin.core.errors import DocumentError


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", ""),
        ("null", ""),
        ("[]", ""),
        ('"x"', ""),
        ("{", ""),
        ('{"a": 1,}', ""),
        (b"\xff\xfe", ""),
        ('{"owner": "a", "owner": "b"}', "owner"),
        ('{"market": {"spot": {"ETH": "1", "ETH": "2"}}}', "market.spot.ETH"),
        ('{"a": [0, 1.5]}', "a[1]"),
        ('{"a": NaN}', "a"),
        ('{"a": -Infinity}', "a"),
        ('{"a": 1e400}', "a"),
        ('{"owner": "\\ud800"}', "owner"),
        ('{"a": %s}' % ("9" * 101), "a"),
        ('{"a": %s}' % ("9" * 1_000_000), "a"),
        ('{"a": "%s"}' % ("x" * 5_000), "a"),
        ('{"a": [0' + ",0" * 10_000 + "]}", "a"),
        ('{"%s": 1}' % ("k" * 300_000), ""),
        ("[" * 200_000, ""),
        ("[" * 100_000 + "]" * 100_000, ""),
        ('{"a":' * 40_000, ""),
        ('"' + '\\"' * 100_000, ""),
        ("\\" * 200_000, ""),
        (" " * 10_000_001, ""),
    ],
)
def test_hostile_text_is_refused_quickly(tokens, text, field):
    """Nothing hostile takes a second, and each refusal names its place."""
    started = time.perf_counter()
    with pytest.raises(DocumentError) as caught:
        read_document(text, tokens, {})
    assert time.perf_counter() - started < 1.0
    assert caught.value.field == field
    assert len(str(caught.value)) < 500


def test_brackets_inside_strings_are_text(tokens, worked):
    """Depth counts brackets of the structure only."""
    worked["accounts"][0]["labels"] = {"note": '[[[[{{{{"\\' * 50}
    book = read_document(json.dumps(worked), tokens, {})
    assert book.portfolio.accounts[0].labels == worked["accounts"][0]["labels"]


def test_objects_that_json_cannot_hold_are_refused(tokens, worked):
    """A Python object is held to the same rules as text."""
    for value in ((1, 2), {1: "x"}, b"x", object(), 1.0):
        worked["accounts"][0]["labels"] = value
        with pytest.raises(DocumentError) as caught:
            read_document(worked, tokens, {})
        assert caught.value.field.startswith("accounts[0].labels")


def test_deep_objects_are_refused(tokens):
    """An object nested ten thousand deep is refused without recursion."""
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    with pytest.raises(DocumentError, match="nested"):
        read_document({"a": deep}, tokens, {})
