"""A chain in an anvil process of our own, spoken to in plain JSON-RPC over one kept connection."""

from __future__ import annotations

import atexit
import http.client
import json
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .chain import GENESIS_TIMESTAMP, LocalChain, Receipt, Reverted
from .multicall3 import MULTICALL3, multicall3_runtime
from .node import cache_folder, file_lock, package_file

__all__ = ["AnvilChain", "RpcError"]

_START_SECONDS = 20
_MINE_SECONDS = 60
_GAS_LIMIT = 2_000_000_000
_TRANSACTION_GAS = 200_000_000

# anvil and its old states on disk end with us, even when we are killed: the shell's stdin closes.
_SHELL = 'states=$1; shift; "$@" & child=$!; read -r _; kill $child; wait $child; rm -rf "$states"'


class RpcError(Exception):
    """A JSON-RPC error that is no revert."""


class AnvilChain(LocalChain):
    """Anvil with the Cancun rules (no gas cap per transaction) and every sender unlocked.

    Every block's state can be read later, some 200 kB of disk each once a market is deployed; for a
    long run that reads only the latest blocks say how many of them to keep.
    """

    def __init__(self, keep_blocks: int | None = None) -> None:
        # The lock keeps another worker from taking the port between its choice and its use.
        with file_lock(cache_folder() / "anvil-port.lock"):
            self.port = _free_port()
            self._process = _start(self.port, keep_blocks)
            atexit.register(self.close)
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
            self._await_start()
        self.url = f"http://127.0.0.1:{self.port}"
        self.chain_id = int(self.rpc("eth_chainId"), 16)
        self.accounts: Sequence[str] = tuple(self.rpc("eth_accounts"))
        self.multicall3 = MULTICALL3
        self._created = 0
        self.rpc("anvil_setCode", [MULTICALL3, "0x" + multicall3_runtime().hex()])
        self.rpc("anvil_setBlockTimestampInterval", [1])

    def transact(self, to: str | None, data: bytes, sender: str) -> Receipt:
        """Mine one transaction in its own block; raises `Reverted`."""
        transaction = _transaction(to, data, sender)
        receipt = self._receipt(self.rpc("eth_sendTransaction", [transaction]))
        block = int(receipt["blockNumber"], 16)
        if receipt["status"] != "0x1":
            self._raise_reason(to, data, sender, block)
        address = receipt["contractAddress"]
        return Receipt(
            receipt["transactionHash"],
            block,
            int(receipt["gasUsed"], 16),
            address.lower() if address else None,
            receipt["logs"],
        )

    def call_raw(self, to: str, data: bytes, sender: str, block: int | None = None) -> bytes:
        """The bytes an `eth_call` returns; raises `Reverted`."""
        at = "latest" if block is None else hex(block)
        answer = self.rpc("eth_call", [_transaction(to, data, sender), at])
        return bytes.fromhex(answer[2:])

    def mine(self, at_timestamp: int | None = None) -> int:
        """Mine an empty block; returns its timestamp."""
        if at_timestamp is not None:
            self.rpc("evm_setNextBlockTimestamp", [at_timestamp])
        self.rpc("evm_mine")
        return self.timestamp

    def new_account(self) -> str:
        """A fresh address; anvil impersonates whoever sends."""
        self._created += 1
        return f"0xacc0{self._created:036x}"

    def rpc(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of a JSON-RPC method; raises `Reverted` or `RpcError`."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = json.loads(self._post(json.dumps(request)))
        if "error" in answer:
            _raise_error(method, answer["error"])
        return answer["result"]

    def snapshot(self) -> Any:
        """A mark to come back to."""
        return self.rpc("evm_snapshot")

    def revert_to(self, mark: Any) -> None:
        """Come back to a mark; anvil forgets the mark and those after it.

        Anvil clears its pool of a mined transaction after it shows the receipt. Going back before
        that would let it drop the next transaction instead, which has the same sender and nonce.
        """
        while int(self.rpc("txpool_status")["pending"], 16):
            time.sleep(0.0002)
        if not self.rpc("evm_revert", [mark]):
            raise RpcError(f"anvil no longer has the snapshot {mark}")

    def close(self) -> None:
        """End the process; idempotent."""
        atexit.unregister(self.close)
        self._connection.close()
        if self._process.poll() is None:
            self._process.communicate(timeout=10)

    def _receipt(self, transaction_hash: str) -> Any:
        """The receipt, which is there at once or a moment later.

        `eth_sendTransactionSync` would say both in one, but misses blocks that are mined too soon.
        """
        deadline = time.monotonic() + _MINE_SECONDS
        while time.monotonic() < deadline:
            receipt = self.rpc("eth_getTransactionReceipt", [transaction_hash])
            if receipt is not None:
                return receipt
            time.sleep(0.0002)
        raise RpcError(f"anvil did not mine {transaction_hash} within {_MINE_SECONDS} s")

    def _post(self, body: str) -> bytes:
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return self._connection.getresponse().read()

    def _await_start(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                self.rpc("eth_chainId")
            except OSError:
                self._connection.close()
                time.sleep(0.02)
            else:
                return
        self.close()
        raise RuntimeError(f"anvil did not answer within {_START_SECONDS} s")

    def _raise_reason(self, to: str | None, data: bytes, sender: str, block: int) -> None:
        """Run a failed transaction again on the block before it, where the node tells why."""
        self.rpc("eth_call", [_transaction(to, data, sender), hex(block - 1)])
        raise Reverted(b"", "reverted, but not when called again a block earlier")


def _transaction(to: str | None, data: bytes, sender: str) -> dict[str, str]:
    body = {
        "from": sender,
        "data": "0x" + data.hex(),
        "gas": hex(_TRANSACTION_GAS),
        "gasPrice": "0x0",
    }
    return body if to is None else {**body, "to": to}


def _raise_error(method: str, error: Any) -> None:
    data = error.get("data")
    if error.get("code") == 3 or "revert" in error.get("message", ""):
        raise Reverted(bytes.fromhex(data[2:]) if isinstance(data, str) else b"")
    raise RpcError(f"{method}: {error}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _binary() -> Path:
    machine = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "amd64"
    return package_file(f"@foundry-rs/anvil-{sys.platform}-{machine}/bin/anvil")


def _start(port: int, keep_blocks: int | None) -> subprocess.Popen[bytes]:
    states = tempfile.mkdtemp(prefix="anvil-states-")
    options: dict[str, int | str] = {
        "--port": port,
        "--hardfork": "cancun",
        "--gas-limit": _GAS_LIMIT,
        "--block-base-fee-per-gas": 0,
        "--timestamp": GENESIS_TIMESTAMP,
        "--cache-path": states,
    }
    if keep_blocks is not None:
        options["--prune-history"] = keep_blocks
    flags = ["--quiet", "--auto-impersonate", "--disable-min-priority-fee", "--disable-console-log"]
    pairs = [str(part) for option in options.items() for part in option]
    return subprocess.Popen(
        ["sh", "-c", _SHELL, "sh", states, str(_binary()), *flags, *pairs],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
