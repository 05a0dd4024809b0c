"""Where venues run: the layout of ``deployments.toml`` and of a caller's deployments file.

[[deployment]]
venue = "aave-v3"            # left out in a venue's own file
chain_id = "eip155:1"
market = "core"
[deployment.contracts]       # by role; lower case or with a right checksum
pool = "0x…"
[deployment.settings]        # whatever else the venue reads, for instance a start block
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..core.errors import AddressError, InputError
from .address import checksum_address
from .base import Deployment

__all__ = ["bundled_deployments", "load_deployments", "parse_deployments"]

_CHAIN = re.compile(r"eip155:[1-9][0-9]{0,31}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEYS = {"venue", "chain_id", "market", "contracts", "settings"}


@cache
def bundled_deployments(package: str, venue: str) -> tuple[Deployment, ...]:
    """The deployments of a venue's own ``deployments.toml``, beside its package."""
    text = files(package).joinpath("deployments.toml").read_text(encoding="utf-8")
    return parse_deployments(text, venue)


def load_deployments(path: Path, venue: str = "") -> tuple[Deployment, ...]:
    """The deployments of a caller's file; ``InputError`` where it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _wrong("deployments", f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise _wrong("deployments", f"{path} is not UTF-8 text") from error
    return parse_deployments(text, venue)


def parse_deployments(text: str, venue: str = "") -> tuple[Deployment, ...]:
    """The deployments of a TOML text; ``InputError`` names the field that is wrong.

    ``venue`` is that of a venue's own file; without it every deployment states its own.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong("deployments", f"not TOML: {error}") from error
    entries = document.pop("deployment", [])
    if document or not isinstance(entries, list):
        raise _wrong("deployments", "expected an array of [[deployment]] tables and nothing else")
    found = tuple(_deployment(entry, f"deployment[{i}]", venue) for i, entry in enumerate(entries))
    _refuse_duplicates(found)
    return found


def _deployment(entry: object, field: str, venue: str) -> Deployment:
    """One table of the array."""
    table = _table(entry, field)
    unknown = sorted(table.keys() - _KEYS)
    if unknown:
        raise _wrong(f"{field}.{unknown[0]}", f"unknown key; known are {', '.join(sorted(_KEYS))}")
    stated = table.get("venue", venue)
    if venue and stated != venue:
        raise _wrong(f"{field}.venue", f"expected {venue!r} or nothing in this file")
    contracts = _table(table.get("contracts"), f"{field}.contracts")
    if not contracts:
        raise _wrong(f"{field}.contracts", "expected at least one contract address by role")
    return Deployment(
        _text(stated, f"{field}.venue", _NAME, "a venue's name, for instance aave-v3"),
        _text(table.get("chain_id"), f"{field}.chain_id", _CHAIN, "a CAIP-2 id like eip155:1"),
        _text(table.get("market"), f"{field}.market", _NAME, "a name in lower case"),
        {role: _address(value, f"{field}.contracts.{role}") for role, value in contracts.items()},
        _table(table.get("settings", {}), f"{field}.settings"),
    )


def _table(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(field, "expected a table")
    return value


def _text(value: object, field: str, pattern: re.Pattern[str], expected: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _wrong(field, f"expected {expected}")
    return value


def _address(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise _wrong(field, "expected an address in quotes")
    try:
        return checksum_address(value, field=field)
    except AddressError as error:
        raise AddressError(f"{field}: {error}", field=field) from error


def _refuse_duplicates(deployments: tuple[Deployment, ...]) -> None:
    """Two deployments of one name would be read, and counted, twice."""
    seen: set[tuple[str, str, str]] = set()
    for index, deployment in enumerate(deployments):
        name = (deployment.venue, deployment.chain_id, deployment.market)
        if name in seen:
            raise _wrong(f"deployment[{index}]", f"{' '.join(name)} is there twice")
        seen.add(name)


def _wrong(field: str, message: str) -> InputError:
    return InputError(f"{field}: {message}", field=field)
