"""An in-process chain as an endpoint: an eth-tester instance behind the ``Transport`` protocol.

eth-tester is not imported here (it is a test tool, and importing it raises the recursion limit);
whoever has an instance has imported it.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from .jsonrpc import EndpointError, Kind, RefusedError
from .reverts import error_data

__all__ = ["EthTesterTransport"]

# How py-evm's own errors begin; any other text is the string that a contract reverted with.
_HALTS = (
    "Invalid opcode",
    "Invalid Jump",
    "Jump resulted",
    "Wanted ",
    "Insufficient stack",
    "Stack limit",
)


class EthTesterTransport:
    """JSON-RPC's reading methods over an ``EthereumTester``; blocks are pinned by number.

    Calls come from its first account (py-evm charges the caller) with ``gas`` at most. They run in
    the event loop's own thread: they block it, and a deadline can only be checked before them.
    """

    def __init__(self, tester: Any, *, gas: int = 20_000_000) -> None:
        self.name = "eth-tester"
        self.supports_hash: bool | None = False
        self._tester = tester
        self._gas = gas
        self._errors: Any = importlib.import_module("eth_tester.exceptions")
        self._methods: dict[str, Callable[..., Any]] = {
            "eth_chainId": lambda: hex(tester.backend.chain.chain_id),
            "eth_blockNumber": lambda: hex(tester.get_block_by_number("latest")["number"]),
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_call": self._call,
            "eth_getCode": lambda address, at: tester.get_code(address, _number(at)),
            "eth_getLogs": self._logs,
            "eth_getStorageAt": self._storage,
        }

    async def request(self, method: str, params: list[Any], deadline: float) -> Any:
        """See ``Transport``."""
        if asyncio.get_running_loop().time() >= deadline:
            raise EndpointError("timeout")
        served = self._methods.get(method)
        if served is None:
            raise RefusedError(-32601, Kind.METHOD_REFUSED)
        return served(*params)

    async def aclose(self) -> None:
        """Nothing to free."""

    def _call(self, message: dict[str, str], at: str) -> str:
        sender = self._tester.get_accounts()[0]
        gas = min(self._gas, self._tester.get_block_by_number("latest")["gas_limit"])
        call = {"from": sender, "to": message["to"], "data": message["data"], "gas": gas}
        try:
            return str(self._tester.call(call, _number(at)))
        except self._errors.BlockNotFound:
            kind, data = Kind.UNKNOWN_BLOCK, b""
        except self._errors.TransactionFailed as failed:
            kind, data = _failed(failed)
        raise RefusedError(3, kind, data)

    def _block_by_number(self, at: str, _full: bool) -> dict[str, str] | None:
        try:
            return _header(self._tester.get_block_by_number(_number(at)))
        except self._errors.BlockNotFound:
            return None

    def _block_by_hash(self, block_hash: str, _full: bool) -> dict[str, str] | None:
        try:
            return _header(self._tester.get_block_by_hash(block_hash))
        except self._errors.BlockNotFound:
            return None

    def _storage(self, address: str, slot: str, at: str) -> str:
        """eth-tester has no such method; its py-evm chain's state does."""
        chain = self._tester.backend.chain
        header = chain.get_canonical_block_header_by_number(int(at, 16))
        state = chain.get_vm(header).state if at != "latest" else chain.get_vm().state
        return f"{state.get_storage(bytes.fromhex(address[2:]), int(slot, 16)):#066x}"

    def _logs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        found = self._tester.get_logs(
            from_block=_number(query["fromBlock"]),
            to_block=_number(query["toBlock"]),
            address=query["address"],
            topics=query["topics"] or None,
        )
        return [
            {
                "address": log["address"],
                "topics": list(log["topics"]),
                "data": log["data"],
                "blockNumber": hex(log["block_number"]),
                "blockHash": log["block_hash"],
            }
            for log in found
        ]


def _header(block: Any) -> dict[str, str]:
    return {
        "number": hex(block["number"]),
        "hash": block["hash"],
        "parentHash": block["parent_hash"],
        "timestamp": hex(block["timestamp"]),
    }


def _number(at: str) -> int | str:
    return int(at, 16) if at.startswith("0x") else at


def _failed(failed: Exception) -> tuple[Kind, bytes]:
    """What a failed call was, from what eth-tester leaves of it: a decoded string or bytes' repr."""
    text = str(failed.args[0]) if failed.args else ""
    if text.startswith(("b'", 'b"')):
        return Kind.REVERTED, bytes(ast.literal_eval(text))
    if text.startswith("Out of gas"):
        return Kind.GAS_CAP, b""
    if text.startswith(_HALTS):
        return Kind.HALTED, b""
    return Kind.REVERTED, error_data(text)
