"""Chains by the names people type, as CAIP-2 identifiers."""

from __future__ import annotations

import re

from ..core.errors import ChainError

__all__ = ["CHAIN_NAMES", "chain_id_of", "chain_name"]

# Chain ids as registered in EIP-155's public chain list.
CHAIN_NAMES = {
    "ethereum": "eip155:1",
    "optimism": "eip155:10",
    "bnb": "eip155:56",
    "gnosis": "eip155:100",
    "unichain": "eip155:130",
    "polygon": "eip155:137",
    "sonic": "eip155:146",
    "zksync": "eip155:324",
    "derive": "eip155:957",
    "hyperevm": "eip155:999",
    "metis": "eip155:1088",
    "soneium": "eip155:1868",
    "botanix": "eip155:3637",
    "megaeth": "eip155:4326",
    "mantle": "eip155:5000",
    "base": "eip155:8453",
    "plasma": "eip155:9745",
    "anvil": "eip155:31337",
    "arbitrum": "eip155:42161",
    "celo": "eip155:42220",
    "avalanche": "eip155:43114",
    "ink": "eip155:57073",
    "linea": "eip155:59144",
    "scroll": "eip155:534352",
}


def chain_id_of(text: str, *, field: str = "chain") -> str:
    """The CAIP-2 id of ``eip155:1``, ``1`` or ``ethereum``; ``ChainError`` for anything else."""
    name = text.strip().lower()
    if name in CHAIN_NAMES:
        return CHAIN_NAMES[name]
    if re.fullmatch(r"[1-9][0-9]{0,17}", name):
        return f"eip155:{name}"
    if re.fullmatch(r"eip155:[1-9][0-9]{0,17}", name):
        return name
    known = ", ".join(CHAIN_NAMES)
    raise ChainError(
        f"unknown chain {text[:40]!r}: expected eip155:ID, a chain id, or one of {known}",
        field=field,
    )


def chain_name(chain_id: str) -> str:
    """The name people know a chain by; the CAIP-2 id itself where there is none."""
    return next((name for name, known in CHAIN_NAMES.items() if known == chain_id), chain_id)
