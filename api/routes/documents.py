"""Routes about documents and the service itself: ``POST /v1/margin``, ``GET /v1/venues``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from ..document.text import MAX_BYTES
from ..pipeline import judge
from ..problems import PROBLEM_RESPONSES, TooLargeError
from ..schemas import answer_schema, reference
from ..venues import venues_document
from .accounts import respond_with

__all__ = ["router"]

router = APIRouter(prefix="/v1")

_Complete = Annotated[bool, Query(description="503 instead of an answer that is incomplete.")]


@router.post(
    "/margin",
    tags=["documents"],
    summary="The unified margin of a posted portfolio document",
    operation_id="margin",
    responses={200: answer_schema("margin"), **PROBLEM_RESPONSES},
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference("PortfolioModel")}},
        }
    },
)
async def margin(request: Request, require_complete: _Complete = False) -> Response:
    """The same margin as for an owner on chain, for a document; nothing is read or stored."""
    content = await _body(request)
    return respond_with(judge("margin", content, request.app.state.sources), require_complete)


@router.get(
    "/venues",
    tags=["service"],
    summary="The venues, where they run, what is exact and what is view-only",
    operation_id="venues",
)
async def venues(request: Request) -> JSONResponse:
    """Every installed adapter with its deployments and capabilities."""
    return JSONResponse(venues_document(request.app.state.sources))


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is known to be too large."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BYTES:
            raise TooLargeError("the document is larger than 10 MB", field="body")
        parts.append(part)
    return b"".join(parts)
