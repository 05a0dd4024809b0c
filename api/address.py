"""Addresses as people type them: an owner in, one checksummed form out."""

from __future__ import annotations

import re

from ..adapters.address import checksum_address
from ..core.errors import AddressError

__all__ = ["looks_like_address", "read_owner", "read_owners"]

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")


def looks_like_address(text: str) -> bool:
    """Whether the text has the shape of an address: 0x and 40 hexadecimal digits."""
    return _ADDRESS.fullmatch(text) is not None


def read_owner(text: str, *, field: str = "address") -> str:
    """The checksummed address that the text is; ``AddressError`` says what is wrong with it.

    One case throughout is accepted; mixed case must be the EIP-55 checksum, since that is how a
    mistyped digit shows.
    """
    trimmed = text.strip()
    if not looks_like_address(trimmed):
        raise AddressError(_shape_message(trimmed), field=field)
    return checksum_address(trimmed, field=field)


def read_owners(texts: list[str], *, field: str = "address") -> tuple[str, ...]:
    """The addresses of one book in the order given, each once."""
    return tuple(dict.fromkeys(read_owner(text, field=field) for text in texts))


def _shape_message(text: str) -> str:
    shown = text if len(text) <= 64 else f"{text[:64]}…"
    if not text:
        return "no address was given; expected 0x and 40 hexadecimal digits"
    if text.endswith(".eth"):
        return f"{shown} is a name; resolve it first and give the address (0x and 40 digits)"
    if text[:2] in {"0x", "0X"} and len(text) != 42:
        return f"{shown} has {len(text) - 2} digits after 0x; an address has 40"
    return f"{shown} is not an address; expected 0x and 40 hexadecimal digits"
