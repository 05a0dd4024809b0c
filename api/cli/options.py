"""The options that several commands share, and what they open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...adapters.address import checksum_address
from ...core.errors import BlockError, InputError
from ..query import Query

__all__ = [
    "Address",
    "Also",
    "Block",
    "BundleFile",
    "DeploymentsFile",
    "ExitZero",
    "Json",
    "MarketIds",
    "Rpc",
    "SaveBundle",
    "Venues",
    "build_query",
]

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="The owner: 0x and 40 hex digits.")]
Also = Annotated[
    list[str] | None, typer.Option(help="A further address of the same book; may be repeated.")
]
Rpc = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CHAIN=URL",
        envvar="CROSSMARGIN_RPC",
        help="An endpoint, e.g. ethereum=https://…; repeat for more chains or for failover.",
    ),
]
Block = Annotated[
    str, typer.Option(help="A block number, a 0x hash, or latest, safe, finalized.")
]
Venues = Annotated[
    list[str] | None, typer.Option("--venue", help="Ask only this venue; may be repeated.")
]
MarketIds = Annotated[
    list[str] | None,
    typer.Option("--market", help="A Morpho market id (0x…) to look into; may be repeated."),
]
DeploymentsFile = Annotated[
    Path | None, typer.Option("--deployments", help="A deployments.toml instead of the bundled ones.")
]
BundleFile = Annotated[
    Path | None, typer.Option("--bundle", help="Answer from this evidence bundle, offline.")
]
SaveBundle = Annotated[
    Path | None, typer.Option(help="Write the evidence of the answer here (.json or .json.gz).")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ExitZero = Annotated[
    bool, typer.Option("--exit-zero", help="Exit 0 for every answer; faults and bad input keep theirs.")
]


def build_query(
    address: str,
    also: list[str] | None,
    block: str,
    venues: list[str] | None,
    markets: list[str] | None,
    known_venues: list[str],
) -> Query:
    """The query of a command line; ``InputError`` names the option that is wrong."""
    owners = tuple(dict.fromkeys(checksum_address(text) for text in (address, *(also or ()))))
    unknown = [venue for venue in venues or () if venue not in known_venues]
    if unknown:
        known = ", ".join(sorted(known_venues))
        raise InputError(f"unknown venue {unknown[0][:40]!r}: expected one of {known}", field="venue")
    options = {"morpho-blue": {"markets": tuple(markets)}} if markets else {}
    return Query(owners, check_block(block), tuple(venues or ()), options)


def check_block(text: str) -> str:
    """A block as given, if it is a number, a 32-byte hash or a tag; ``BlockError`` otherwise."""
    name = text.strip().lower()
    is_hash = name.startswith("0x") and len(name) == 66
    if is_hash:
        try:
            bytes.fromhex(name[2:])
        except ValueError:
            is_hash = False
    if is_hash or name in {"latest", "safe", "finalized"} or (name.isdecimal() and len(name) < 20):
        return name
    raise BlockError(
        f"{text[:80]!r} is not a block: expected a number, a 0x hash of 32 bytes, or latest, "
        "safe, finalized",
        field="block",
    )
