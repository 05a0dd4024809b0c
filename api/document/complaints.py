"""A pydantic complaint as a ``DocumentError``: the path in the document, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ...core.errors import DocumentError
from .text import child

__all__ = ["document_error"]

_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of the document; check its spelling or remove it",
    "union_tag_not_found": "must be an object with a `kind`",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_type": "must be a string",
}


def document_error(error: ValidationError, document: object) -> DocumentError:
    """The first complaint about the document, named by its place."""
    details = error.errors(include_url=False, include_input=False)
    first = details[0]
    path = _path(first, document)
    rest = f" ({len(details) - 1} more fields are wrong)" if len(details) > 1 else ""
    return DocumentError(f"{path or 'the document'} {_message(first)}{rest}", field=path)


def _path(detail: ErrorDetails, document: object) -> str:
    """The place in the document; pydantic's own names for the members of a union are skipped."""
    path = ""
    here: Any = document
    location: Sequence[str | int] = detail["loc"]
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if (isinstance(here, list) and isinstance(part, int) and part < len(here)) or (
            isinstance(here, dict) and isinstance(part, str) and part in here
        ):
            path, here = child(path, part), here[part]
        elif last and detail["type"] == "missing":
            path = child(path, part)
    if detail["type"].startswith("union_tag") and isinstance(here, dict):
        path = child(path, "kind")
    return path


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "union_tag_invalid":
        return f"{context['tag']!r} is not known; expected one of {context['expected_tags']}"
    text = detail["msg"]
    return _MESSAGES.get(kind, text[:1].lower() + text[1:])
