"""Multicall3's ``aggregate3``: many calls in one ``eth_call``, each allowed to fail alone.

Source of the signature: github.com/mds1/multicall3, ``src/Multicall3.sol``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from eth_abi import abi as eth_abi
from eth_abi.exceptions import DecodingError

from .call import Call, selector
from .jsonrpc import EndpointError

__all__ = ["MULTICALL3", "chunks", "decode_aggregate", "encode_aggregate"]

MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"  # the same on every public chain

_AGGREGATE3 = selector("aggregate3((address,bool,bytes)[])")
_MAX_CALLDATA = 64 * 1024  # bytes of calldata in one chunk; public nodes cap requests near 128 KiB

C = TypeVar("C", bound=Call[Any])


def chunks(calls: Sequence[C], most: int) -> list[list[C]]:
    """The calls in order, in groups of at most ``most`` calls and 64 KiB of calldata."""
    groups: list[list[C]] = []
    size = 0
    for call in calls:
        if not groups or len(groups[-1]) >= most or size + len(call.data) > _MAX_CALLDATA:
            groups.append([])
            size = 0
        groups[-1].append(call)
        size += len(call.data)
    return groups


def encode_aggregate(calls: Sequence[Call[Any]]) -> bytes:
    """The calldata of ``aggregate3`` with ``allowFailure`` set for every call."""
    rows = [(call.target, True, call.data) for call in calls]
    return _AGGREGATE3 + eth_abi.encode(["(address,bool,bytes)[]"], [rows])


def decode_aggregate(returned: bytes, count: int) -> list[tuple[bool, bytes]]:
    """Success and return data of each of ``count`` calls; ``EndpointError`` if they are not that."""
    try:
        (rows,) = eth_abi.decode(["(bool,bytes)[]"], returned)
    except (DecodingError, OverflowError, ValueError):
        rows = ()
    if len(rows) != count:
        raise EndpointError("bad_shape")
    return [(bool(success), bytes(data)) for success, data in rows]
