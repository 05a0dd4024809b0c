"""Checking what callers give, the same for the command line and HTTP: one clear line each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..adapters.address import checksum_address
from ..adapters.wallet import WALLET
from ..core.errors import InputError
from .chains import chain_id_of

__all__ = ["check_block", "check_markets", "check_tokens", "check_venues"]

_TAGS = {"latest", "safe", "finalized"}
_HASH = re.compile(r"0x[0-9a-f]{64}")
_MARKET = re.compile(r"0x[0-9a-fA-F]{64}")
_NUMBER = re.compile(r"[0-9]{1,19}")


def check_block(text: str) -> str:
    """A block as given if it is a number, a 32-byte hash or a tag; ``InputError`` otherwise."""
    name = text.strip().lower()
    if name in _TAGS or _HASH.fullmatch(name) or _NUMBER.fullmatch(name):
        return name
    raise InputError(
        f"{text[:80]!r} is not a block: expected a number, a 0x hash of 32 bytes, or latest, "
        "safe, finalized",
        field="block",
    )


def check_venues(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """The venues asked for, if all are installed; ``wallet`` counts as one of them.

    ``InputError`` names one that is not.
    """
    wanted, installed = tuple(dict.fromkeys(names)), sorted({*known, WALLET})
    for name in wanted:
        if name not in installed:
            raise InputError(
                f"unknown venue {name[:40]!r}: expected one of {', '.join(installed)}",
                field="venue",
            )
    return wanted


def check_markets(ids: Sequence[str]) -> tuple[str, ...]:
    """Market ids of 32 bytes, each once; ``InputError`` for anything else."""
    for text in ids:
        if not _MARKET.fullmatch(text):
            raise InputError(
                f"{text[:80]!r} is not a market id: expected 0x and 64 hexadecimal digits",
                field="market",
            )
    return tuple(dict.fromkeys(text.lower() for text in ids))


def check_tokens(texts: Iterable[str]) -> tuple[str, ...]:
    """Tokens given as ``CHAIN:ADDRESS``, in one form (``eip155:1:0x…``), each once."""
    found = []
    for text in texts:
        chain, _, address = text.rpartition(":")
        if not chain:
            raise InputError(
                f"{text[:80]!r} is not CHAIN:ADDRESS, for instance ethereum:0x…", field="token"
            )
        token = checksum_address(address.strip(), field="token").lower()
        found.append(f"{chain_id_of(chain)}:{token}")
    return tuple(dict.fromkeys(found))
