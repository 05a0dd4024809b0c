"""Keys of GMX's DataStore: everything the venue knows is one value under a hash.

A parameter's key is the hash of its name's hash and its arguments; a field of a position or market
has the key first. Source: gmx-synthetics ``contracts/data/Keys.sol``, ``PositionStoreUtils.sol``,
``MarketStoreUtils.sol`` and ``Position.getPositionKey``.
"""

from __future__ import annotations

from functools import cache, lru_cache

from eth_abi import abi as eth_abi
from eth_hash.auto import keccak

__all__ = [
    "account_positions_key",
    "data_key",
    "market_field_key",
    "name_key",
    "position_field_key",
    "position_key",
    "synthetic_token",
]


# Each round asks for the same few hundred keys again.
_keep = lru_cache(maxsize=8192, typed=True)


@cache
def name_key(name: str) -> bytes:
    """The hash of a parameter's name: its key where it takes no arguments."""
    return keccak(eth_abi.encode(["string"], [name]))


@_keep
def data_key(name: str, *args: bool | int | str | bytes) -> bytes:
    """The key of a parameter with arguments: flags, numbers, addresses (text) and hashes."""
    kinds = [_kind(arg) for arg in args]
    return keccak(eth_abi.encode(["bytes32", *kinds], [name_key(name), *args]))


def account_positions_key(account: str) -> bytes:
    """The set of an account's position keys."""
    return data_key("ACCOUNT_POSITION_LIST", account)


def position_key(account: str, market: str, collateral: str, *, is_long: bool) -> bytes:
    """A position's key: who holds it, where, backed by what, on which side."""
    kinds = ["address", "address", "address", "bool"]
    return keccak(eth_abi.encode(kinds, [account, market, collateral, is_long]))


@_keep
def position_field_key(key: bytes, field: str) -> bytes:
    """Where a field of a position is."""
    return keccak(key + name_key(field))


@_keep
def market_field_key(market: str, field: str) -> bytes:
    """Where a field of a market is."""
    return keccak(eth_abi.encode(["address", "bytes32"], [market, name_key(field)]))


def synthetic_token(chain_number: int, symbol: str) -> str:
    """The address that stands for an index token without a contract (``utils/token.ts``)."""
    return f"0x{keccak(eth_abi.encode(['uint256', 'string'], [chain_number, symbol]))[12:].hex()}"


def _kind(arg: bool | int | str | bytes) -> str:
    if isinstance(arg, bool):
        return "bool"
    if isinstance(arg, int):
        return "uint256"
    return "address" if isinstance(arg, str) else "bytes32"
