"""The options that several commands share, and what they open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ...adapters.base import Adapter
from ...adapters.wallet import WALLET
from ..address import read_account, read_accounts
from ..inputs import check_block, check_markets, check_tokens, check_venues
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
    "ScanLogs",
    "Tokens",
    "Venues",
    "build_query",
]

Address = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="The owner: 0x and 40 hex digits, or an ENS name.")
]
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
Block = Annotated[str, typer.Option(help="A block number, a 0x hash, or latest, safe, finalized.")]
Venues = Annotated[
    list[str] | None, typer.Option("--venue", help="Ask only this venue; may be repeated.")
]
MarketIds = Annotated[
    list[str] | None,
    typer.Option("--market", help="A Morpho market id (0x…) to look into; may be repeated."),
]
Tokens = Annotated[
    list[str] | None,
    typer.Option(
        "--token",
        metavar="CHAIN:ADDRESS",
        help="A token or vault share to look for in the wallet, trusted as given; repeatable.",
    ),
]
ScanLogs = Annotated[
    bool,
    typer.Option(
        "--scan-logs", help="Find positions in the venues' logs where no call lists them; slow."
    ),
]
DeploymentsFile = Annotated[
    Path | None,
    typer.Option("--deployments", help="A deployments.toml instead of the bundled ones."),
]
BundleFile = Annotated[
    Path | None, typer.Option("--bundle", help="Answer from this evidence bundle, offline.")
]
SaveBundle = Annotated[
    Path | None, typer.Option(help="Write the evidence of the answer here (.json or .json.gz).")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
ExitZero = Annotated[
    bool,
    typer.Option("--exit-zero", help="Exit 0 for every answer; faults and bad input keep theirs."),
]


def build_query(
    address: str,
    also: list[str] | None,
    block: str,
    venues: list[str] | None,
    markets: list[str] | None,
    tokens: list[str] | None,
    scan_logs: bool,
    adapters: Mapping[str, Adapter],
) -> Query:
    """The query of a command line; ``InputError`` names the option that is wrong."""
    owners = (read_account(address), *read_accounts(also or (), field="also"))
    options: dict[str, dict[str, Any]] = {
        name: {"discover": "logs"}
        for name, adapter in adapters.items()
        if scan_logs and "logs" in adapter.capabilities.enumeration
    }
    if markets:
        options.setdefault("morpho-blue", {})["markets"] = list(check_markets(markets))
    if tokens:
        options[WALLET] = {"tokens": list(check_tokens(tokens))}
    return Query(
        tuple(dict.fromkeys(owners)),
        check_block(block),
        check_venues(venues or (), adapters),
        options,
    )
