"""Envelopes: what is accepted, what is refused, and of which kind a node's error is."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossmargin.adapters.chain.jsonrpc import (
    MAX_DEPTH,
    EndpointError,
    Kind,
    RefusedError,
    request_body,
    result_of,
)

GOOD = b'{"jsonrpc":"2.0","id":5,"result":"0x2a"}'


def test_a_right_reply_gives_its_result() -> None:
    """The result of an envelope with the request's id."""
    assert result_of(GOOD, 5) == "0x2a"


def test_a_request_is_a_json_rpc_object() -> None:
    """The request carries version, id, method and parameters."""
    assert json.loads(request_body(5, "eth_call", [{"to": "0x"}])) == {
        "jsonrpc": "2.0",
        "id": 5,
        "method": "eth_call",
        "params": [{"to": "0x"}],
    }


def test_brackets_inside_strings_are_no_nesting() -> None:
    """A string may hold any number of brackets, quotes and colons."""
    text = '[{"' * 500 + ":" * 9
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": text}).encode()
    assert result_of(body, 1) == text


@pytest.mark.parametrize(("depth", "accepted"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, False)])
def test_depth_is_bounded(depth: int, accepted: bool) -> None:
    """Nesting is accepted up to the bound and refused one level beyond it."""
    body = b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * depth + b"]" * depth + b"}"
    if accepted:
        result_of(body, 1)
    else:
        with pytest.raises(EndpointError, match="bad_json"):
            result_of(body, 1)


@given(st.binary(max_size=200))
@example(b'"\\')
@example(b'{"jsonrpc":"2.0","id":5,"error":{"code":3,"data":"0xzz"}}')
@example(b'{"jsonrpc":"2.0","id":5,"error":{"code":3,"message":7,"data":{"data":[]}}}')
def test_random_bytes_raise_only_the_two_classes(body: bytes) -> None:
    """Whatever the bytes are, the outcome is a result or one of the two exceptions."""
    with contextlib.suppress(EndpointError, RefusedError):
        result_of(body, 5)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_one_changed_byte_never_gives_another_type(place: int, byte: int) -> None:
    """A right reply with one byte changed is a string result or one of the two exceptions."""
    body = GOOD[:place] + bytes([byte]) + GOOD[place + 1 :]
    with contextlib.suppress(EndpointError, RefusedError):
        assert isinstance(result_of(body, 5), str)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 4_000_000 + b"]" * 4_000_000,
        b"[[]" * 2_700_000 + b"]" * 2_700_000,
        b"[" + b"[[[[[[]]]]]]," * 600_000 + b"0]",
        b'\\"' * 4_000_000,
        b'"' + b'\\"' * 4_000_000,
        b"[]," * 2_700_000,
        b"[" + b'{"":0},' * 1_000_000 + b"0]",
        b"[" + b'"",' * 2_500_000 + b"0]",
        b"[" + b'"",' * 290_000 + b"0]",
        b"[" + b"[[[[[[]]]]]]," * 48_000 + b"0]",
        b'{"a":' * 1_600_000,
    ],
)
def test_eight_hostile_megabytes_cost_little_time(body: bytes) -> None:
    """The checks are linear: a body at the cap cannot hold the process."""
    begun = time.process_time()
    with pytest.raises(EndpointError):
        result_of(body, 1)
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (3, "execution reverted: no", Kind.REVERTED),
        (-32000, "execution reverted", Kind.REVERTED),
        (-32000, "execution reverted: rate limit, out of gas, header not found", Kind.REVERTED),
        (-32603, "VM Exception while processing transaction: revert too large", Kind.REVERTED),
        (-32015, "VM execution error.", Kind.HALTED),
        (-32603, "EVM error InvalidFEOpcode", Kind.HALTED),
        (-32603, "EVM error OutOfGas", Kind.GAS_CAP),
        (-32000, "out of gas", Kind.GAS_CAP),
        (-32000, "gas required exceeds allowance (50000000)", Kind.GAS_CAP),
        (-32000, "execution aborted (timeout = 5s)", Kind.GAS_CAP),
        (-32005, "query returned more than 10000 results", Kind.TOO_LARGE),
        (-32602, "query exceeds max block range 10000", Kind.TOO_LARGE),
        (-32000, "header not found", Kind.UNKNOWN_BLOCK),
        (-32000, "hash 0x12 is not currently canonical", Kind.UNKNOWN_BLOCK),
        (-32001, "Resource not found", Kind.UNKNOWN_BLOCK),
        (-32602, "BlockOutOfRangeError: block height is 0", Kind.UNKNOWN_BLOCK),
        (-32000, "missing trie node 12ab (path )", Kind.NO_STATE),
        (-32601, "the method eth_call does not exist", Kind.METHOD_REFUSED),
        (-32602, "invalid argument 1: json: cannot unmarshal object", Kind.INVALID_PARAMS),
        (-32602, "unknown field `x`, expected one of", Kind.INVALID_PARAMS),
        (-32603, "internal error", Kind.NODE_ERROR),
    ],
)
def test_the_kind_of_a_refusal(code: int, message: str, kind: Kind) -> None:
    """Errors that nodes send, and what they are."""
    with pytest.raises(RefusedError) as caught:
        result_of(_error(code=code, message=message), 1)
    assert caught.value.kind is kind
    assert message not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [(429, "x"), (-32005, "limit exceeded"), (-32000, "Too Many Requests")],
)
def test_a_rate_limit_inside_a_reply(code: int, message: str) -> None:
    """A JSON-RPC error about the rate of requests is the endpoint's fault, not an answer."""
    with pytest.raises(EndpointError, match="rate_limited"):
        result_of(_error(code=code, message=message), 1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0x0102", b"\x01\x02"),
        ("Reverted 0x0102", b"\x01\x02"),
        ({"data": "0x0102"}, b"\x01\x02"),
        ({"result": "0x0102"}, b"\x01\x02"),
        (None, b""),
        (["0x01"], b""),
        ("0x1", b""),
    ],
)
def test_revert_data_in_the_forms_nodes_use(data: object, expected: bytes) -> None:
    """Hex text, hex behind a word, or one object deeper; anything else is no data."""
    with pytest.raises(RefusedError) as caught:
        result_of(_error(code=3, message="execution reverted", data=data), 1)
    assert caught.value.data == expected


def _error(**fields: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": fields}).encode()
