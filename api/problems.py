"""RFC 9457 problem documents: every error of the HTTP API, validation errors included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..core.errors import (
    BlockError,
    ChainError,
    CrossmarginError,
    DocumentError,
    InputError,
    SourceError,
)

__all__ = ["PROBLEM_RESPONSES", "TooLargeError", "install_problem_handlers", "problem_response"]

_MEDIA_TYPE = "application/problem+json"
_FAULT = "a fault of this program; nothing was answered"
_TYPES: tuple[tuple[type[CrossmarginError], int, str], ...] = (
    (BlockError, 404, "block-not-found"),
    (ChainError, 422, "unknown-chain"),
    (DocumentError, 422, "invalid-document"),
    (InputError, 422, "invalid-input"),
    (SourceError, 503, "source-unreachable"),
)


class TooLargeError(InputError):
    """The body is larger than the API accepts."""


def problem_response(
    status: int,
    kind: str,
    detail: str,
    *,
    field: str = "",
    problems: Sequence[Mapping[str, Any]] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """One problem document. ``kind`` completes its type; ``field`` names the culprit, if one is.

    ``problems`` are the rows of the answer that was not given.
    """
    body: dict[str, Any] = {
        "type": f"urn:crossmargin:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field:
        body["field"] = field
    if problems:
        body["problems"] = list(problems)
    return Response(orjson.dumps(body), status, headers, _MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of the app a problem document."""

    @app.exception_handler(CrossmarginError)
    async def ours(request: Request, error: CrossmarginError) -> Response:
        return _of(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return problem_response(422, "invalid-input", f"{field}: {first['msg']}", field=field)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        detail = f"{request.method} {request.url.path[:80]} is not served; see /openapi.json"
        if error.status_code not in (404, 405):
            detail = str(error.detail)
        headers = dict(error.headers or {})
        return problem_response(error.status_code, kind, detail, headers=headers)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        return problem_response(500, "fault", _FAULT)


def _of(error: CrossmarginError) -> Response:
    field = error.field if isinstance(error, InputError) else ""
    if isinstance(error, TooLargeError):
        return problem_response(413, "too-large", str(error), field=field)
    for kind, status, name in _TYPES:
        if isinstance(error, kind):
            return problem_response(status, name, str(error), field=field)
    return problem_response(500, "fault", _FAULT)


_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "problems": {"type": "array", "items": {"type": "object"}},
    },
}


def _documented(description: str) -> dict[str, Any]:
    return {"description": description, "content": {_MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}}}


# What each route documents beside its answer.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: _documented("The block or route does not exist."),
    413: _documented("The body is larger than 10 MB."),
    422: _documented("The input is wrong; `field` names what to change."),
    503: _documented("With require_complete=true: something could not be read."),
}
