"""Addresses and names as people type them: an owner in, one form out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..adapters.address import checksum_address
from ..adapters.holders import looks_like_name
from ..core.errors import AddressError

__all__ = ["looks_like_address", "read_account", "read_accounts", "read_owner"]

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


def read_account(text: str, *, field: str = "address") -> str:
    """The checksummed address, or the ENS name, that the text is; ``AddressError`` otherwise.

    A name must be normalised already (ENSIP-15) and ASCII: look-alike letters are refused.
    """
    trimmed = text.strip()
    if "." not in trimmed:
        return read_owner(trimmed, field=field)
    if looks_like_name(trimmed):
        return trimmed
    raise AddressError(
        f"{trimmed[:64]!r} is not an ENS name that can be read: lower-case ASCII letters, digits, "
        "hyphens and dots",
        field=field,
    )


def read_accounts(texts: Iterable[str], *, field: str = "address") -> tuple[str, ...]:
    """The addresses and names of one book in the order given, each once."""
    return tuple(dict.fromkeys(read_account(text, field=field) for text in texts))


def _shape_message(text: str) -> str:
    shown = text if len(text) <= 64 else f"{text[:64]}…"
    if not text:
        return "no address was given; expected 0x and 40 hexadecimal digits"
    if looks_like_name(text):
        return f"{shown} is a name; here only an address is read (0x and 40 digits)"
    if text[:2] in {"0x", "0X"} and len(text) != 42:
        return f"{shown} has {len(text) - 2} digits after 0x; an address has 40"
    return f"{shown} is not an address; expected 0x and 40 hexadecimal digits"
