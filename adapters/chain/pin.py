"""Which block is meant, and whether a header is that block.

A selector is a number, a 0x hash of 32 bytes, or a tag: ``latest``, ``safe``, ``finalized``.
"""

from __future__ import annotations

import re
from typing import Any

from ...core.book.portfolio import BlockRef
from ...core.errors import BlockError
from .jsonrpc import EndpointError

__all__ = ["TAGS", "block_ref", "is_hash", "quantity", "selector_of"]

TAGS = ("latest", "safe", "finalized")

_HASH = re.compile(r"0x[0-9a-f]{64}")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")


def selector_of(block: int | str) -> int | str:
    """The selector in one form: int, lower-case hash, or tag; ``BlockError`` otherwise."""
    if isinstance(block, str):
        text = block.strip().lower()
        if text.isascii() and text.isdigit() and len(text) < 19:
            return int(text)
        if text in TAGS or is_hash(text):
            return text
    elif block >= 0:
        return block
    raise BlockError(
        f"{str(block)[:80]!r} is no block: give a number, a 0x hash of 32 bytes, or one of {TAGS}",
        field="block",
    )


def is_hash(text: object) -> bool:
    """Whether the text is a lower-case block hash."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def quantity(text: object) -> int:
    """A JSON-RPC quantity as an integer below 2**64; ``EndpointError`` if it is none."""
    if not isinstance(text, str) or not _QUANTITY.fullmatch(text):
        raise EndpointError("bad_shape")
    return int(text, 16)


def block_ref(chain_id: str, header: Any, wanted: int | str) -> BlockRef:
    """The block in a header that must be the wanted one; ``EndpointError`` if it is another."""
    if not isinstance(header, dict) or not isinstance(header.get("hash"), str):
        raise EndpointError("bad_shape")
    number, block_hash = quantity(header.get("number")), header["hash"].lower()
    if not is_hash(block_hash) or (wanted not in TAGS and wanted not in (number, block_hash)):
        raise EndpointError("bad_header")
    finality = str(wanted) if wanted in TAGS else "unknown"
    return BlockRef(chain_id, number, block_hash, quantity(header.get("timestamp")), finality)
