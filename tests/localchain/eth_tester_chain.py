"""A chain inside this process: py-evm behind eth-tester's backend, with no node and no socket.

Ten times slower than anvil, but a second implementation of the EVM. It keeps its own genesis (gas
limit, code, time) and mines each transaction at once, one second after the last block.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .chain import GENESIS_TIMESTAMP, LocalChain, Receipt, Reverted
from .multicall3 import MULTICALL3

_recursion_limit = sys.getrecursionlimit()
from eth.vm.forks.cancun import CancunVM  # noqa: E402
from eth.vm.spoof import SpoofTransaction  # noqa: E402
from eth_keys.datatypes import PrivateKey  # noqa: E402
from eth_tester.backends.pyevm.main import PyEVMBackend  # noqa: E402
from eth_tester.main import EthereumTester  # noqa: E402

sys.setrecursionlimit(_recursion_limit)  # py-evm raises it for everyone

__all__ = ["EthTesterChain"]

_GAS_LIMIT = 2_000_000_000
_TRANSACTION_GAS = 200_000_000
_BALANCE = 10**30
_MAX_FEE = 10**10
_ACCOUNTS = 10
_SPARE_ACCOUNTS = 1_000


class EthTesterChain(LocalChain):
    """py-evm with the Cancun rules; `code` is put at its addresses in the genesis block."""

    multicall3 = MULTICALL3

    def __init__(self, code: Mapping[str, bytes] | None = None) -> None:
        self._keys = {_address(key): key for key in map(_key, range(1, _ACCOUNTS + 1))}
        self._created = _ACCOUNTS
        self._backend: Any = PyEVMBackend(  # its types say less than it can do
            genesis_parameters=PyEVMBackend.generate_genesis_params(
                {"gas_limit": _GAS_LIMIT, "timestamp": GENESIS_TIMESTAMP}
            ),
            genesis_state=_genesis_state(tuple(self._keys), code or {}),
            vm_configuration=((0, CancunVM),),
        )
        self.accounts: Sequence[str] = tuple(self._keys)
        self.chain_id: int = self._backend.chain.chain_id
        self.tester: Any = EthereumTester(self._backend)  # the same chain as its users know it

    def transact(self, to: str | None, data: bytes, sender: str) -> Receipt:
        """Mine one transaction in its own block; raises `Reverted`."""
        chain = self._backend.chain
        chain.header = chain.header.copy(timestamp=self.timestamp + 1)
        unsigned = self._unsigned(chain.get_vm().state, to, data, sender)
        signed = unsigned.as_signed_transaction(self._keys[sender.lower()])
        _, receipt, computation = chain.apply_transaction(signed)
        self._backend.mine_blocks(1)
        if computation.is_error:
            raise Reverted(_revert_data(computation))
        return self._receipt(signed, computation, receipt.gas_used)

    def call_raw(self, to: str, data: bytes, sender: str, block: int | None = None) -> bytes:
        """The bytes a call returns; raises `Reverted`."""
        state = self._state(block)
        snapshot = state.snapshot()
        state.set_balance(_bytes(sender), _BALANCE)  # a caller pays no gas, py-evm charges it
        unsigned = self._unsigned(state, to, data, sender)
        computation = state.apply_transaction(SpoofTransaction(unsigned, from_=_bytes(sender)))
        state.revert(snapshot)
        if computation.is_error:
            raise Reverted(_revert_data(computation))
        return bytes(computation.output)

    def mine(self, at_timestamp: int | None = None) -> int:
        """Mine an empty block; returns its timestamp."""
        chain = self._backend.chain
        at = self.timestamp + 1 if at_timestamp is None else at_timestamp
        chain.header = chain.header.copy(timestamp=at)
        self._backend.mine_blocks(1)
        return at

    def new_account(self) -> str:
        """A fresh address with a key of ours."""
        if self._created == _SPARE_ACCOUNTS:
            raise RuntimeError(f"the genesis block funded only {_SPARE_ACCOUNTS} accounts")
        self._created += 1
        key = _key(self._created)
        self._keys[_address(key)] = key
        return _address(key)

    @property
    def block_number(self) -> int:
        """The latest block's number."""
        return int(self._backend.chain.header.block_number) - 1

    @property
    def timestamp(self) -> int:
        """The latest block's timestamp."""
        return int(
            self._backend.chain.get_canonical_block_header_by_number(self.block_number).timestamp
        )

    def rpc(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The result of the few methods that an adapter reads by."""
        if method == "eth_chainId":
            return hex(self.chain_id)
        if method == "eth_blockNumber":
            return hex(self.block_number)
        if method == "eth_getBlockByNumber":
            return self._header(_block(params[0]))
        if method == "eth_getCode":
            return "0x" + self._state(_block(params[1])).get_code(_bytes(params[0])).hex()
        if method == "eth_call":
            request = params[0]
            data = bytes.fromhex(request["data"].removeprefix("0x"))
            sender = request.get("from", self.accounts[0])
            return "0x" + self.call_raw(request["to"], data, sender, _block(params[1])).hex()
        raise NotImplementedError(f"{method} on the in-process chain; use anvil for it")

    def snapshot(self) -> Any:
        """A mark to come back to."""
        return self._backend.take_snapshot()

    def revert_to(self, mark: Any) -> None:
        """Come back to a mark."""
        self._backend.revert_to_snapshot(mark)

    def close(self) -> None:
        """Nothing to free."""

    def _unsigned(self, state: Any, to: str | None, data: bytes, sender: str) -> Any:
        return self._backend.chain.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=self.chain_id,
            nonce=state.get_nonce(_bytes(sender)),
            max_priority_fee_per_gas=0,
            max_fee_per_gas=_MAX_FEE,
            gas=_TRANSACTION_GAS,
            to=_bytes(to) if to else b"",
            value=0,
            data=data,
            access_list=(),
        )

    def _state(self, block: int | None) -> Any:
        number = self.block_number if block is None else block
        header = self._backend.chain.get_canonical_block_header_by_number(number)
        return self._backend.chain.get_vm(at_header=header).state

    def _header(self, block: int | None) -> dict[str, str]:
        number = self.block_number if block is None else block
        header = self._backend.chain.get_canonical_block_header_by_number(number)
        return {
            "number": hex(header.block_number),
            "hash": "0x" + header.hash.hex(),
            "parentHash": "0x" + header.parent_hash.hex(),
            "timestamp": hex(header.timestamp),
        }

    def _receipt(self, signed: Any, computation: Any, gas_used: int) -> Receipt:
        created = computation.msg.storage_address.hex() if computation.msg.is_create else None
        logs = [
            {"address": "0x" + address.hex(), "topics": [f"0x{t:064x}" for t in topics],
             "data": "0x" + data.hex()}
            for address, topics, data in computation.get_log_entries()
        ]  # fmt: skip
        return Receipt(
            "0x" + signed.hash.hex(),
            self.block_number,
            gas_used,
            "0x" + created if created else None,
            logs,
        )


def _genesis_state(
    addresses: Sequence[str], code: Mapping[str, bytes]
) -> dict[bytes, dict[str, Any]]:
    """Rich accounts, also those that `new_account` will hand out, and the given code."""
    spare = tuple(_address(_key(n)) for n in range(_ACCOUNTS + 1, _SPARE_ACCOUNTS + 1))
    empty: dict[str, Any] = {"balance": 0, "nonce": 0, "code": b"", "storage": {}}
    rich = {_bytes(one): {**empty, "balance": _BALANCE} for one in (*addresses, *spare)}
    return {**rich, **{_bytes(at): {**empty, "code": code[at]} for at in code}}


def _revert_data(computation: Any) -> bytes:
    return bytes(computation.output)


def _key(number: int) -> PrivateKey:
    return PrivateKey(number.to_bytes(32, "big"))


def _address(key: PrivateKey) -> str:
    return str(key.public_key.to_address())


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address.removeprefix("0x"))


def _block(tag: str) -> int | None:
    return None if tag == "latest" else int(tag, 16)
