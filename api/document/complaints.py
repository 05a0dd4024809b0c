"""A pydantic complaint as a ``DocumentError``: the path in the document, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

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
    path, here = "", document
    location: Sequence[str | int] = detail["loc"]
    for part in location:
        found = _member(here, part)
        if found is not None:
            path, here = child(path, part), found[0]
    if detail["type"] == "missing":
        path = child(path, location[-1])
    if detail["type"].startswith("union_tag") and isinstance(here, dict):
        path = child(path, "kind")
    return path


def _member(here: object, part: str | int) -> tuple[object] | None:
    """The member of that name or index, in a tuple; None where there is none."""
    if isinstance(here, list) and isinstance(part, int) and part < len(here):
        return (cast("list[object]", here)[part],)
    if isinstance(here, dict) and isinstance(part, str) and part in here:
        return (cast("dict[str, object]", here)[part],)
    return None


def _message(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "union_tag_invalid":
        return (
            f"{str(context['tag'])[:64]!r} is not known; expected one of {context['expected_tags']}"
        )
    text = detail["msg"]
    return _MESSAGES.get(kind, text[:1].lower() + text[1:])
