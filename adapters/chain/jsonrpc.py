"""JSON-RPC envelopes, read strictly: upstream answers are hostile input until they are checked.

What can be wrong is one of two exceptions:

    EndpointError     the endpoint did not answer properly: try another one
    RefusedError   it answered properly, with an error: ``kind`` says which, from a closed list

Neither ever holds a URL or a word of the reply's text; ``RefusedError.data`` (revert data) is bytes.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import orjson

from ...core.errors import SourceError

__all__ = ["MAX_DEPTH", "Kind", "EndpointError", "RefusedError", "request_body", "result_of"]

# A block header or a log list nests 4 deep; the rest is head room, and far below any parser's limit.
MAX_DEPTH = 32

# Objects, arrays and members in one reply: twice what a full body of logs holds. Without a bound
# a body of eight megabytes could be millions of values and seconds of work.
_MAX_ITEMS = 300_000

# Also matches a string without an end, so that a scan is linear whatever the bytes are.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_TOO_DEEP = b"[" * (MAX_DEPTH + 1)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


class EndpointError(SourceError):
    """An endpoint that did not answer: ``code`` says how, ``retry_after`` in seconds if it told."""

    def __init__(self, code: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"the endpoint did not answer: {code}")
        self.code = code
        self.retry_after = retry_after


class Kind(StrEnum):
    """What a node refused, as far as its code and text tell."""

    REVERTED = "reverted"  # the contract reverted
    HALTED = "halted"  # the EVM stopped: invalid opcode, bad jump, stack
    GAS_CAP = "gas_cap"  # out of gas, or above the node's cap
    TOO_LARGE = "too_large"  # a request, reply or log range above the node's limits
    UNKNOWN_BLOCK = "unknown_block"  # the node has no such block (any more, or yet)
    NO_STATE = "no_archive"  # the block is known, its state is not kept
    METHOD_REFUSED = "method_refused"  # the method is not served
    INVALID_PARAMS = "invalid_params"
    NODE_ERROR = "node_error"  # anything else


class RefusedError(SourceError):
    """A well-formed JSON-RPC error: its number, its kind, and revert data where it came with any."""

    def __init__(self, number: int, kind: Kind, data: bytes = b"") -> None:
        super().__init__(f"the node refused: {kind} ({number})")
        self.number = number
        self.kind = kind
        self.data = data


def request_body(identity: int, method: str, params: list[Any]) -> bytes:
    """The bytes of one JSON-RPC request."""
    return orjson.dumps({"jsonrpc": "2.0", "id": identity, "method": method, "params": params})


def result_of(body: bytes, identity: int) -> Any:
    """The result in the reply to request ``identity``; raises ``EndpointError`` or ``RefusedError``."""
    envelope = _parse(body)
    if not isinstance(envelope, dict) or envelope.get("jsonrpc") != "2.0":
        raise EndpointError("bad_envelope")
    found = envelope.get("id")
    # An error about a request that the node could not read carries a null id, by the standard.
    unread = found is None and bool(envelope.get("error")) and "result" not in envelope
    if not unread and (type(found) is not int or found != identity):
        raise EndpointError("bad_envelope")
    if "error" in envelope and envelope["error"] is not None:
        if envelope.get("result") is not None:
            raise EndpointError("bad_envelope")
        raise _refusal(envelope["error"])
    if "result" not in envelope:
        raise EndpointError("bad_envelope")
    return envelope["result"]


def _parse(body: bytes) -> Any:
    """The JSON value of a body whose depth and keys were checked; raises ``EndpointError``."""
    if body.count(b",") > _MAX_ITEMS:
        raise EndpointError("too_large")
    bare = _STRING.sub(b"", body)
    brackets = bare.translate(_BRACKETS, _NOT_BRACKETS)
    if len(brackets) > 2 * _MAX_ITEMS and _TOO_DEEP not in brackets:
        raise EndpointError("too_large")
    for _ in range(MAX_DEPTH):  # each pass takes away the innermost level
        if not brackets or _TOO_DEEP in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise EndpointError("bad_json")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:  # it holds the body, so it must not be this error's context
        value = _INVALID
    if value is _INVALID:
        raise EndpointError("bad_json")
    if _key_count(value) != bare.count(b":"):  # a key given twice: parsers disagree on which counts
        raise EndpointError("bad_envelope")
    return value


_INVALID = object()


def _key_count(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_key_count, value.values()))
    if isinstance(value, list):
        return sum(map(_key_count, value))
    return 0


def _refusal(error: Any) -> EndpointError | RefusedError:
    if not isinstance(error, dict) or type(error.get("code")) is not int:
        return EndpointError("bad_envelope")
    number, text = error["code"], str(error.get("message", "")).lower()[:1000]
    kind = _kind(number, text)
    if kind is None:
        return EndpointError("rate_limited")
    return RefusedError(number, kind, _revert_data(error.get("data")))


# Nodes agree on few numbers, so the text decides where it is plain. First match wins.
_TEXTS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.TOO_LARGE, ("query returned more than", "block range", "response size", "too large",
                      "limited to", "max results", "size exceeded", "too many results")),
    (Kind.GAS_CAP, ("outofgas", "out of gas", "gas required exceeds", "exceeds gas", "gas limit",
                    "gas cap", "execution timeout", "execution aborted", "memory limit",
                    "memorylimit", "memory oog")),
    (Kind.REVERTED, ("revert",)),
    (Kind.HALTED, ("invalid opcode", "opcode", "invalid jump", "invalidjump", "stack overflow",
                   "stack underflow", "stackunderflow", "stackoverflow", "bad instruction",
                   "evm error", "vm execution error")),
    (Kind.NO_STATE, ("missing trie node", "state not available", "state is not available",
                     "historical state", "pruned", "archive", "no state available",
                     "state unavailable")),
    (Kind.UNKNOWN_BLOCK, ("header not found", "unknown block", "block not found", "not canonical",
                          "not currently canonical", "resource not found", "header for hash",
                          "blockoutofrange", "block is out of range", "cannot query unfinalized")),
    (Kind.METHOD_REFUSED, ("method not found", "does not exist", "not available", "not whitelisted",
                           "method not supported", "unsupported method")),
    (Kind.INVALID_PARAMS, ("unmarshal", "invalid params", "invalid argument", "not supported",
                           "unsupported", "unknown field", "expected")),
)  # fmt: skip
_NUMBERS = {-32001: Kind.UNKNOWN_BLOCK, -32602: Kind.INVALID_PARAMS}
# What follows these words is the contract's own text: it must not be read as the node's.
_REVERT_FIRST = re.compile(
    r"(?:error: )?(?:execution reverted|vm exception while processing transaction: revert|revert)"
)
_RATE_TEXTS = ("rate limit", "too many requests", "capacity", "throttle", "request limit")


def _kind(number: int, text: str) -> Kind | None:
    """The kind of a refusal; None where it is about the rate of requests."""
    if number == 3 or _REVERT_FIRST.match(text):
        return Kind.REVERTED
    if number == 429 or any(word in text for word in _RATE_TEXTS):
        return None
    if number == -32601:
        return Kind.METHOD_REFUSED
    for kind, words in _TEXTS:
        if any(word in text for word in words):
            return kind
    if number == -32005:
        return None
    return _NUMBERS.get(number, Kind.NODE_ERROR)


def _revert_data(data: Any) -> bytes:
    """Revert data as nodes give it: hex text, behind a word, or one object deeper."""
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    if not isinstance(data, str):
        return b""
    last = data.rpartition(" ")[2]
    return bytes.fromhex(last[2:]) if _HEX.fullmatch(last) else b""
