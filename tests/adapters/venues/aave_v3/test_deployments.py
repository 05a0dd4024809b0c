"""The list of markets."""

from __future__ import annotations

import json
from pathlib import Path

from eth_hash.auto import keccak

from crossmargin.adapters.base import Adapter
from crossmargin.adapters.venues.aave_v3 import ADAPTER


def checksummed(address: str) -> str:
    """The address with the case that EIP-55 gives its letters."""
    digits = address[2:].lower()
    digest = keccak(digits.encode()).hex()
    upper = zip(digits, digest, strict=False)
    return "0x" + "".join(d.upper() if int(h, 16) > 7 else d for d, h in upper)


def test_the_adapter_follows_the_contract() -> None:
    """The adapter has everything that the contract asks for."""
    assert isinstance(ADAPTER, Adapter)


def test_markets_are_distinct_and_checksummed() -> None:
    """Every market has its own name on its chain and a provider with a valid checksum."""
    found = ADAPTER.deployments()
    names = [(entry.chain_id, entry.market) for entry in found]
    assert len(set(names)) == len(names) == 14
    for entry in found:
        provider = entry.contracts["pool_addresses_provider"]
        assert checksummed(provider) == provider


def test_every_known_market_is_listed(shared: Path) -> None:
    """Every provider of the published address list is a deployment."""
    listed = json.loads((shared / "abi" / "aave_v3_addresses.json").read_text())
    wanted = sorted(entry["POOL_ADDRESSES_PROVIDER"] for entry in listed.values())
    found = ADAPTER.deployments()
    assert sorted(entry.contracts["pool_addresses_provider"] for entry in found) == wanted
