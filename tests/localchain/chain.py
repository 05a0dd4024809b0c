"""A local chain: what the venue harnesses need of a node, and a contract bound to one.

Anyone may send from any address that `accounts` or `new_account` gave; gas is free and plentiful.
Time only moves by a second a block and by `mine` and `increase_time`, so a seeded run repeats.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .abi import Artifact, Function, FunctionLike, parse_signature, revert_reason

__all__ = ["GENESIS_TIMESTAMP", "Contract", "LocalChain", "Receipt", "Reverted"]

GENESIS_TIMESTAMP = 1_767_225_600  # 2026-01-01


class Reverted(Exception):  # noqa: N818 (named as what happened)
    """A call or a transaction that the contract refused; `reason` is its words, `data` its bytes."""

    def __init__(self, data: bytes, what: str = "") -> None:
        self.data = data
        self.reason = revert_reason(data)
        super().__init__(f"{what}: {self.reason}" if what else self.reason)


@dataclass(frozen=True)
class Receipt:
    """A transaction that succeeded. `logs` are as JSON-RPC gives them."""

    hash: str
    block_number: int
    gas_used: int
    contract_address: str | None
    logs: Sequence[Any]


class LocalChain(Protocol):
    """A chain of our own: four primitives from the node, the encoding on top of them."""

    chain_id: int
    accounts: Sequence[str]
    multicall3: str

    @abstractmethod
    def transact(self, to: str | None, data: bytes, sender: str) -> Receipt:
        """Mine one transaction in its own block; raises `Reverted`."""

    @abstractmethod
    def call_raw(self, to: str, data: bytes, sender: str, block: int | None = None) -> bytes:
        """The bytes an `eth_call` returns, at the latest block or a given one; raises `Reverted`."""

    @abstractmethod
    def mine(self, at_timestamp: int | None = None) -> int:
        """Mine an empty block, one second on or at that time; returns the block's timestamp."""

    @abstractmethod
    def new_account(self) -> str:
        """A fresh address that may send."""

    @abstractmethod
    def rpc(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of a JSON-RPC method."""

    @abstractmethod
    def snapshot(self) -> Any:
        """A mark to come back to, once."""

    @abstractmethod
    def revert_to(self, mark: Any) -> None:
        """Forget all that happened since the mark, time included."""

    @abstractmethod
    def close(self) -> None:
        """Free the chain; idempotent."""

    @property
    def block_number(self) -> int:
        """The latest block's number."""
        return int(self.rpc("eth_blockNumber"), 16)

    @property
    def timestamp(self) -> int:
        """The latest block's timestamp."""
        return int(self.rpc("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)

    def increase_time(self, seconds: int) -> int:
        """Mine a block that many seconds after the latest; returns its timestamp."""
        return self.mine(self.timestamp + seconds)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """A block of code whose transactions and time are taken back at its end."""
        mark = self.snapshot()
        try:
            yield
        finally:
            self.revert_to(mark)

    def deploy(
        self,
        artifact: Artifact,
        args: Sequence[Any] = (),
        sender: str | None = None,
        libraries: dict[str, str] | None = None,
    ) -> Contract:
        """A new contract of this artifact."""
        code = artifact.creation_code(args, libraries or {})
        address = self.transact(None, code, sender or self.accounts[0]).contract_address
        if address is None:
            raise RuntimeError(f"{artifact.name} got no address")
        return Contract(self, address, artifact)

    def send(
        self, to: str, function: FunctionLike, args: Sequence[Any] = (), sender: str | None = None
    ) -> Receipt:
        """Send to a function given as `name(type,...)`; raises `Reverted`."""
        data = _function(function).encode(args)
        return self.transact(to, data, sender or self.accounts[0])

    def call(
        self,
        to: str,
        function: FunctionLike,
        args: Sequence[Any] = (),
        sender: str | None = None,
        block: int | None = None,
    ) -> Any:
        """The decoded answer of a function given as `name(type,...)->(type,...)`."""
        one = _function(function)
        return one.decode(self.call_raw(to, one.encode(args), sender or self.accounts[0], block))


@dataclass(frozen=True)
class Contract:
    """A deployed contract with its ABI; functions go by name and number of arguments."""

    chain: LocalChain
    address: str
    artifact: Artifact

    def send(self, name: str, *args: Any, sender: str | None = None) -> Receipt:
        """Send to the function of that name."""
        return self.chain.send(self.address, self._function(name, args), args, sender)

    def call(
        self, name: str, *args: Any, sender: str | None = None, block: int | None = None
    ) -> Any:
        """The function's decoded answer; structs come as tuples."""
        return self.chain.call(self.address, self._function(name, args), args, sender, block)

    def _function(self, name: str, args: Sequence[Any]) -> Function:
        return self.artifact.function(name, len(args))


def _function(function: FunctionLike) -> Function:
    return parse_signature(function) if isinstance(function, str) else function
