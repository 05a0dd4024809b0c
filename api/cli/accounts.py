"""Commands about one owner on chain: ``health``, ``portfolio``, ``parity``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ...adapters.chain.evidence import load_bundle, save_bundle
from ...core.errors import InputError, SourceError
from ..answers import Answer, Kind
from ..evidence import reopen
from ..pipeline import answer
from ..query import Query
from ..reading import Sources
from ..sources import open_chains, open_sources
from . import tables
from .options import (
    Address,
    Also,
    Block,
    BundleFile,
    DeploymentsFile,
    ExitZero,
    Json,
    MarketIds,
    Rpc,
    SaveBundle,
    ScanLogs,
    Tokens,
    Venues,
    build_query,
)
from .output import emit_json

__all__ = ["COMMANDS"]


def _command(kind: Kind, purpose: str) -> Callable[..., int]:
    """The command that answers that kind of question; all take the same options."""

    def command(
        address: Address,
        also: Also = None,
        rpc: Rpc = None,
        block: Block = "latest",
        venue: Venues = None,
        market: MarketIds = None,
        scan_logs: ScanLogs = False,
        token: Tokens = None,
        deployments: DeploymentsFile = None,
        bundle: BundleFile = None,
        save_bundle: SaveBundle = None,
        as_json: Json = False,
        exit_zero: ExitZero = False,
    ) -> int:
        sources = _open(rpc, bundle, deployments)
        query = build_query(address, also, block, venue, market, token, scan_logs, sources.adapters)
        return _run(kind, query, sources, save_bundle, as_json, exit_zero)

    command.__name__, command.__doc__ = kind, purpose
    return command


COMMANDS = (
    _command("health", "How safe one owner's book is: every venue's own health, and the whole."),
    _command("portfolio", "The normalised portfolio document of one owner, to keep or to feed on."),
    _command("parity", "Our figures against each venue's own view at the same block."),
)


def _open(rpc: list[str] | None, bundle: Path | None, deployments: Path | None) -> Sources:
    """The sources the options name: a bundle's recording, or live endpoints."""
    if bundle is not None and deployments is not None:
        raise InputError(
            "a bundle brings the deployments it was read from; leave --deployments out",
            field="deployments",
        )
    if bundle is not None:
        return reopen(load_bundle(bundle))[2]
    return open_sources(open_chains(rpc or ()), deployments=deployments)


def _run(
    kind: Kind,
    query: Query,
    sources: Sources,
    save_to: Path | None,
    as_json: bool,
    exit_zero: bool,
) -> int:
    given = asyncio.run(_answer(kind, query, sources))
    if not given.document["as_of"]:
        causes = (problem["detail"] for problem in given.document["problems"])
        raise SourceError(
            f"nothing could be read: {next(causes, 'no endpoint answered')}; "
            "check the address or give another endpoint with --rpc"
        )
    if save_to is not None and given.evidence is not None:
        save_bundle(given.evidence, save_to)
    if as_json:
        emit_json(given.document)
    else:
        tables.show(given)
    return 0 if exit_zero else int(given.exit)


async def _answer(kind: Kind, query: Query, sources: Sources) -> Answer:
    try:
        return await answer(kind, query, sources)
    finally:
        for chain in sources.chains.values():
            await chain.aclose()
