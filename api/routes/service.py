"""Liveness and readiness: ``/livez``, ``/readyz``."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from ...adapters.chain.client import Chain
from ...core.errors import BlockError, SourceError

__all__ = ["router"]

router = APIRouter(tags=["service"])

# A head older than this means that the endpoint lags; a recording has no age.
_OLDEST_HEAD_SECONDS = 300


@router.get("/livez", summary="The process answers", operation_id="livez")
async def livez() -> JSONResponse:
    """Always 200 while the process runs."""
    return JSONResponse({"status": "ok"})


@router.get(
    "/readyz",
    summary="Every chain can be read and its head is fresh",
    operation_id="readyz",
    responses={503: {"description": "A chain is unreachable or its head is too old."}},
)
async def readyz(request: Request) -> JSONResponse:
    """Per chain the newest block and its age; 503 where one is unreachable or too old."""
    state = request.app.state
    chains = [state.sources.chains[chain_id] for chain_id in sorted(state.sources.chains)]
    rows = await asyncio.gather(*(_readiness(chain, state.recorded) for chain in chains))
    ready = all(row["ready"] for row in rows)
    document = {"status": "ok" if ready else "unavailable", "chains": rows}
    return JSONResponse(document, 200 if ready else 503)


async def _readiness(chain: Chain, recorded: bool) -> dict[str, object]:
    try:
        block = await chain.pin("latest")
    except (SourceError, BlockError) as error:
        return {"chain_id": chain.chain_id, "ready": False, "detail": str(error)}
    age = None if recorded else max(0, int(time.time()) - block.timestamp)
    return {
        "chain_id": chain.chain_id,
        "ready": age is None or age <= _OLDEST_HEAD_SECONDS,
        "block_number": block.number,
        "block_age_seconds": age,
    }
