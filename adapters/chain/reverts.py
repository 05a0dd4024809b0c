"""Revert data as a ``Failure``: Solidity's Error(string) and Panic(uint256), custom errors, nothing.

A revert string is whatever the contract's author wrote: it is shown printable and short.
"""

from __future__ import annotations

from eth_abi import abi as eth_abi
from eth_abi.exceptions import DecodingError

from ...core.errors import Failure, Reason
from .call import selector

__all__ = ["error_data", "revert_failure"]

_ERROR = selector("Error(string)")
_PANIC = selector("Panic(uint256)")
_MAX_TEXT = 200

# docs.soliditylang.org, "Panic via assert and Error via require"
_PANICS = {
    0x00: "generic",
    0x01: "assertion",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "bad enum value",
    0x22: "bad storage bytes",
    0x31: "pop of an empty array",
    0x32: "index out of bounds",
    0x41: "too much memory",
    0x51: "uninitialised function",
}


def error_data(text: str) -> bytes:
    """The revert data of ``Error(text)``."""
    return _ERROR + eth_abi.encode(["string"], [text])


def revert_failure(data: bytes) -> Failure:
    """Why a call reverted: code ``error``, ``panic``, ``custom_error`` or ``no_data``."""
    if not data:
        return Failure(Reason.CALL_REVERTED, "no_data")
    try:
        if data[:4] == _ERROR:
            return Failure(Reason.CALL_REVERTED, "error", _shown(_decode("string", data[4:])))
        if data[:4] == _PANIC:
            number = int(_decode("uint256", data[4:]))
            name = _PANICS.get(number, "unknown")
            return Failure(Reason.CALL_REVERTED, "panic", f"{number:#04x} {name}")
    except (DecodingError, OverflowError, ValueError):
        return Failure(Reason.CALL_REVERTED, "bad_revert_data", f"0x{data[:4].hex()}")
    return Failure(Reason.CALL_REVERTED, "custom_error", f"0x{data[:36].hex()}")


def _decode(kind: str, data: bytes) -> str:
    # Old compilers leave dirty padding behind a text of more than 32 bytes: it is no part of it.
    return str(eth_abi.decode([kind], data, strict=False)[0])


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_MAX_TEXT])
