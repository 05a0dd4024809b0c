"""Commands about files, without a network: ``margin``, ``verify``, ``replay``, ``venues``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...adapters.chain.evidence import load_bundle
from ...core.errors import BundleError, InputError
from ..document.text import MAX_BYTES
from ..evidence import reopen
from ..exits import Exit
from ..pipeline import answer, judge
from ..sources import open_sources
from ..venues import venues_document
from ..verify import read_cases, verify, verify_document
from . import tables
from .options import DeploymentsFile, ExitZero, Json
from .output import emit_json, note

__all__ = ["COMMANDS"]


def margin(
    document: Annotated[str, typer.Argument(metavar="FILE|-", help="A portfolio document.")],
    as_json: Json = False,
    exit_zero: ExitZero = False,
) -> int:
    """The unified margin of a portfolio document; no network."""
    given = judge("margin", _content(document), open_sources({}))
    if as_json:
        emit_json(given.document)
    else:
        tables.show(given)
    return 0 if exit_zero else int(given.exit)


def verify_cases(
    cases: Annotated[
        list[Path], typer.Argument(metavar="CASES...", help="Files of cases (JSONL).")
    ],
    as_json: Json = False,
) -> int:
    """Recompute files of cases and compare with the venue's own answers, to the unit."""
    results = verify(read_cases(cases), open_sources({}).adapters)
    document = verify_document(results)
    if as_json:
        emit_json(document)
    else:
        tables.show_suites(document)
    return int(Exit.OK if document["ok"] else Exit.MISMATCH)


def replay(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A saved evidence bundle.")],
    as_json: Json = False,
) -> int:
    """Recompute a saved answer offline and compare it byte by byte."""
    saved = load_bundle(bundle)
    if saved.answer is None:
        raise BundleError(f"{bundle.name} holds no answer to compare with", field="bundle")
    kind, query, sources = reopen(saved)
    given = asyncio.run(answer(kind, query, sources))
    same = given.text.decode() == saved.answer
    document: dict[str, Any] = {
        "schema": "crossmargin/replay/1",
        "ok": same,
        "evidence_id": saved.evidence_id,
        "code_version": saved.code_version,
    }
    if as_json:
        emit_json({**document, "answer": given.document})
    else:
        tables.show(given)
        note("replay: the same bytes" if same else "replay: the bytes DIFFER")
    return int(Exit.OK if same else Exit.MISMATCH)


def venues(as_json: Json = False, deployments: DeploymentsFile = None) -> int:
    """The venues: where they run, what is exact and what is view-only."""
    document = venues_document(open_sources({}, deployments=deployments))
    if as_json:
        emit_json(document)
    else:
        tables.show_venues(document)
    return int(Exit.OK)


verify_cases.__name__ = "verify"
COMMANDS = (margin, verify_cases, replay, venues)


def _content(document: str) -> bytes:
    """The bytes of a file, or of stdin for ``-``; ``InputError`` where they cannot be had."""
    try:
        with sys.stdin.buffer if document == "-" else Path(document).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {document}: {error.strerror}", field="document") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{document} is larger than 10 MB", field="document")
    return content
