"""EVM addresses as text: checked on the way in, with their EIP-55 checksum on the way out."""

from __future__ import annotations

import re

from eth_hash.auto import keccak

from ..core.errors import AddressError

__all__ = ["checksum_address"]

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")


def checksum_address(text: str, *, field: str = "") -> str:
    """The address with its EIP-55 checksum; ``AddressError`` where the text is none.

    One case throughout is accepted as it is; mixed case must be the right checksum, because it is
    the only protection against a mistyped digit.
    """
    if not _ADDRESS.fullmatch(text):
        raise AddressError(
            f"{_shown(text)} is not an address: expected 0x and 40 hexadecimal digits", field=field
        )
    digits = text[2:]
    checked = _checksummed(digits.lower())
    if digits not in (digits.lower(), digits.upper(), checked):
        raise AddressError(
            f"0x{digits} has a wrong checksum: a digit or its case is mistyped", field=field
        )
    return f"0x{checked}"


def _checksummed(digits: str) -> str:
    """The 40 digits, upper case where the hash of the lower-case text says so (EIP-55)."""
    marks = keccak(digits.encode()).hex()
    return "".join(
        digit.upper() if int(mark, 16) >= 8 else digit
        for digit, mark in zip(digits, marks, strict=False)
    )


def _shown(text: str, limit: int = 60) -> str:
    """The text as an error message may repeat it: quoted, one line, not too long."""
    return repr(text if len(text) <= limit else f"{text[:limit]}…")
