"""A node that is scripted: JSON-RPC over real loopback sockets, with faults of every kind.

It stands for someone else's node. It runs ``aggregate3`` by decoding the calldata and looking each
call up in a dict, so what is tested is our own code against bytes on a wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from eth_abi import abi as eth_abi

from crossmargin.adapters.chain.call import Call, Function, selector
from crossmargin.adapters.chain.client import RpcChain
from crossmargin.adapters.chain.multicall import MULTICALL3
from crossmargin.adapters.chain.reverts import error_data
from crossmargin.adapters.chain.transport import HttpTransport

__all__ = [
    "CANARY",
    "FAULTS",
    "PROBE",
    "Node",
    "NodeError",
    "RevertedError",
    "block_hash",
    "chain_of",
    "http",
    "number_call",
    "raw_result",
    "revert_with",
    "run",
    "sends",
    "target",
    "word",
]

CANARY = "canary5ecret"
UINT = Function("value()", (), ("uint256",))
AGGREGATE = selector("aggregate3((address,bool,bytes)[])")


def word(number: int) -> bytes:
    """A uint256 as a contract returns it."""
    return number.to_bytes(32, "big")


def target(number: int) -> str:
    """An address."""
    return f"0x{number:040x}"


def number_call(at: int, argument: int = 0) -> Call[int]:
    """A call that decodes to one integer."""
    return Call(target(at), selector("value()") + word(argument), UINT, lambda out: int(out[0]))


def block_hash(number: int, branch: int = 0) -> str:
    """The hash of a block on a branch of the scripted chain."""
    return f"0x{branch:032x}{number:032x}"


class RevertedError(Exception):
    """What a scripted contract raises; ``data`` is its revert data."""

    def __init__(self, data: bytes) -> None:
        super().__init__("reverted")
        self.data = data


class NodeError(Exception):
    """A JSON-RPC error of the node itself."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Node:
    """A node at block 100 of chain 1. ``answer(target, data, branch)`` is its whole state.

    ``fault`` is written instead of the answer to the methods in ``faulty``.
    """

    def __init__(self, *, pins_by_hash: bool = True, most_calls: int = 10_000) -> None:
        self.chain_id = 1
        self.head = 100
        self.branch = 0
        self.pins_by_hash = pins_by_hash
        self.ignores_the_hash = False
        self.most_calls = most_calls
        self.most_logs_span = 10**9
        self.has_multicall = True
        self.fault: Fault | None = None
        self.faulty = {"eth_call"}
        self.posts: list[str] = []
        self.logs: list[dict[str, Any]] = []
        self.before: Callable[[str, int], None] = lambda method, count: None
        self.answer: Callable[[str, bytes, int], bytes] = lambda to, data, branch: word(
            int(to, 16) * 1000 + int.from_bytes(data[4:36], "big") + branch
        )
        self._open: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Node:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://user:{CANARY}@127.0.0.1:{port}/v2/{CANARY}?key={CANARY}"
        self.plain_name = f"http://***@127.0.0.1:{port}/***"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while await self._one(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r")[0])
        request = json.loads(await reader.readexactly(length))
        self.posts.append(request["method"])
        self.before(request["method"], self.posts.count(request["method"]))
        if self.fault is not None and request["method"] in self.faulty:
            await self.fault(writer, request)
            await writer.drain()
            return False
        writer.write(http(self.reply(request)))
        await writer.drain()
        return True

    def reply(self, request: dict[str, Any]) -> bytes:
        """The right answer to a request."""
        envelope: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            envelope["result"] = self._result(request["method"], request["params"])
        except RevertedError as reverted:
            data = "0x" + reverted.data.hex()
            envelope["error"] = {"code": 3, "message": "execution reverted", "data": data}
        except NodeError as refused:
            envelope["error"] = {"code": refused.code, "message": refused.message}
        return json.dumps(envelope).encode()

    def _result(self, method: str, params: list[Any]) -> Any:
        if method == "eth_chainId":
            return hex(self.chain_id)
        if method == "eth_getBlockByNumber":
            at = params[0]
            return self._header(int(at, 16) if at.startswith("0x") else self.head, self.branch)
        if method == "eth_getBlockByHash":
            branch, number = int(params[0][2:34], 16), int(params[0][34:], 16)
            return self._header(number, branch)
        if method == "eth_getLogs":
            return self._logs(params[0])
        if method == "eth_call":
            return "0x" + self._call(params[0], self._branch_at(params[1])).hex()
        raise NodeError(-32601, "the method does not exist")

    def _branch_at(self, at: Any) -> int:
        if not isinstance(at, dict) or self.ignores_the_hash:
            return self.branch
        if not self.pins_by_hash:
            raise NodeError(-32602, "cannot unmarshal object into Go value of type string")
        if at["blockHash"] != block_hash(int(at["blockHash"][34:], 16), self.branch):
            raise NodeError(-32000, "header not found")
        return self.branch

    def _call(self, message: dict[str, str], branch: int) -> bytes:
        to, data = message["to"], bytes.fromhex(message["data"][2:])
        if to != MULTICALL3:
            return self.answer(to, data, branch)
        if not self.has_multicall:
            return b""
        (rows,) = eth_abi.decode(["(address,bool,bytes)[]"], data[4:])
        if len(rows) > self.most_calls:
            raise NodeError(-32000, "out of gas: gas cap reached")
        return eth_abi.encode(
            ["(bool,bytes)[]"], [[self._inner(row[0], row[2], branch) for row in rows]]
        )

    def _inner(self, to: str, data: bytes, branch: int) -> tuple[bool, bytes]:
        try:
            return True, self.answer(to, data, branch)
        except RevertedError as reverted:
            return False, reverted.data

    def _header(self, number: int, branch: int) -> dict[str, str] | None:
        if number > self.head:
            return None
        return {
            "number": hex(number),
            "hash": block_hash(number, branch),
            "timestamp": hex(1_700_000_000 + number),
        }

    def _logs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if last - first + 1 > self.most_logs_span:
            raise NodeError(-32005, "query exceeds max block range")
        return [log for log in self.logs if first <= int(log["blockNumber"], 16) <= last]


Fault = Callable[[asyncio.StreamWriter, dict[str, Any]], Awaitable[None]]


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    """An HTTP response."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def sends(content: bytes) -> Fault:
    """A fault that writes these bytes and closes."""

    async def fault(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
        writer.write(content)

    return fault


def envelope(**fields: Any) -> Fault:
    """A fault that answers with a JSON object; ``id`` is the request's unless given."""

    async def fault(writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        content = {"jsonrpc": "2.0", "id": request["id"], **fields}
        writer.write(http(json.dumps(content).encode()))

    return fault


def raw_result(result: bytes) -> Fault:
    """A fault whose envelope is right and whose result is this JSON text."""

    async def fault(writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        body = b'{"jsonrpc":"2.0","id":%d,"result":%s}' % (request["id"], result)
        writer.write(http(body))

    return fault


async def hang(_writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
    """Accept, and never answer."""
    await asyncio.sleep(3600)


async def drip(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
    """One byte of a long body every 20 ms."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100_000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def huge(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
    """64 MB of hexadecimal digits."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 64000000\r\n\r\n")
    for _ in range(64):
        writer.write(b"0" * 1_000_000)
        await writer.drain()


async def reset(writer: asyncio.StreamWriter, _request: dict[str, Any]) -> None:
    """Drop the connection without a word."""
    writer.transport.abort()


# Every way in which an endpoint can answer wrongly, and the code that a reply then carries.
FAULTS: dict[str, tuple[Fault, str]] = {
    "hang": (hang, "timeout"),
    "drip": (drip, "timeout"),
    "reset": (reset, "disconnected"),
    "closes": (sends(b""), "disconnected"),
    "429": (sends(http(b"slow down", "429 Too Many", "Retry-After: 7\r\n")), "rate_limited"),
    "429 in a 200": (envelope(error={"code": 429, "message": "too fast"}), "rate_limited"),
    "limit in a 200": (envelope(error={"code": -32005, "message": "limit"}), "rate_limited"),
    "502": (sends(http(b"<html>bad</html>", "502 Bad Gateway")), "http_502"),
    "503 with a wait": (sends(http(b"", "503 No", "Retry-After: 1\r\n")), "rate_limited"),
    "401": (sends(http(b"no", "401 Unauthorized")), "http_401"),
    "redirect": (sends(http(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n")), "http_302"),
    "html": (sends(http(b"<html>welcome</html>")), "bad_json"),
    "empty body": (sends(http(b"")), "bad_json"),
    "not HTTP": (sends(b"\x00\xff\x00garbage\r\n\r\n"), "transport"),
    "truncated": (sends(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"js'), "transport"),
    "wrong id": (envelope(id=999_999, result="0x" + word(1).hex()), "bad_envelope"),
    "text id": (envelope(id="1", result="0x" + word(1).hex()), "bad_envelope"),
    "no id": (envelope(id=None, result="0x" + word(1).hex()), "bad_envelope"),
    "neither": (envelope(), "bad_envelope"),
    "both": (envelope(result="0x01", error={"code": 1, "message": ""}), "bad_envelope"),
    "no version": (envelope(jsonrpc=None, result="0x01"), "bad_envelope"),
    "odd error": (envelope(error="no"), "bad_envelope"),
    "null": (envelope(result=None), "bad_shape"),
    "number": (envelope(result=7), "bad_shape"),
    "half a byte": (envelope(result="0x123"), "bad_shape"),
    "not hex": (envelope(result="0xzz"), "bad_shape"),
    "not ASCII": (envelope(result="0x१२"), "bad_shape"),
    "array": (sends(http(b"[]")), "bad_envelope"),
    "same key twice": (raw_result(b'"0x01","result":"0x02"'), "bad_envelope"),
    "NaN": (raw_result(b"NaN"), "bad_json"),
    "bad UTF-8": (raw_result(b'"\xff\xfe"'), "bad_json"),
    "deep": (sends(http(b"[" * 100_000 + b"]" * 100_000)), "bad_json"),
    "deep and open": (sends(http(b'{"a":' * 100_000)), "bad_json"),
    "huge": (huge, "too_large"),
    "gzip": (
        sends(http(gzip.compress(b"{}"), headers="Content-Encoding: gzip\r\n")),
        "compressed",
    ),
    "no such method": (envelope(error={"code": -32601, "message": "no"}), "method_refused"),
    "pruned": (envelope(error={"code": -32000, "message": "missing trie node"}), "no_archive"),
    "unknown block": (
        envelope(error={"code": -32000, "message": "header not found"}),
        "unknown_block",
    ),
    "inner fault": (envelope(error={"code": -32603, "message": "oops"}), "node_error"),
}


def chain_of(*nodes: Node, **options: Any) -> RpcChain:
    """Our client over these nodes, in order."""
    return RpcChain("eip155:1", [HttpTransport(node.url) for node in nodes], **options)


def revert_with(text: str) -> RevertedError:
    """``revert("text")``."""
    return RevertedError(error_data(text))


# An endpoint's first use asks it for a call at a block that cannot exist.
PROBE = 1


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario on a loop of its own."""
    asyncio.run(scenario)
