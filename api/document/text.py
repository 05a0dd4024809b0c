"""JSON from strangers: parsed without losing a digit, bounded before anything is built.

``json`` alone would take the last of two equal keys, turn long numbers into floats and recurse as
deep as the sender likes. Here each of these is a ``DocumentError`` that names the place.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ...core.errors import DocumentError

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_ITEMS",
    "MAX_TEXT",
    "MAX_VALUES",
    "child",
    "parse",
]

MAX_BYTES = 10_000_000
MAX_DEPTH = 32
MAX_DIGITS = 100
MAX_ITEMS = 10_000
MAX_TEXT = 4_096
MAX_VALUES = 1_000_000

# A string (closed or not) or one bracket; possessive, so that no input makes it look twice.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A JSON token that no document may hold, kept until its path is known."""

    why: str


class _Repeated(dict[str, object]):
    """An object in which a key came twice."""

    def __init__(self, pairs: list[tuple[str, object]], key: str) -> None:
        super().__init__(pairs)
        self.key = key


def parse(document: object) -> object:
    """The document as plain JSON values; bytes and text are parsed, all is checked.

    ``DocumentError`` for anything too large, too deep, doubled, or written as a fraction instead
    of a decimal string.
    """
    if isinstance(document, str):
        document = document.encode("utf-8", "surrogatepass")
    if isinstance(document, bytes | bytearray):
        document = _decode(bytes(document))
    _check(document)
    return document


def child(path: str, name: str | int) -> str:
    """The path of a member: ``accounts[1].legs[0].quantity``."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    shown = name if len(name) <= 64 else f"{name[:64]}…"
    return f"{path}.{shown}" if path else shown


def _decode(data: bytes) -> object:
    if len(data) > MAX_BYTES:
        raise DocumentError(
            f"the document has {len(data):,} bytes; at most {MAX_BYTES:,} are read. "
            "Split it by owner."
        )
    _check_depth(data)
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_fraction,
            parse_int=_integer,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"the document is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"the document is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error


def _check_depth(data: bytes) -> None:
    depth = 0
    for match in _TOKEN.finditer(data):
        first = data[match.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep("")
        elif first in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    built = dict(pairs)
    if len(built) == len(pairs):
        return built
    counts = Counter(key for key, _ in pairs)
    return _Repeated(pairs, counts.most_common(1)[0][0])


def _fraction(text: str) -> _Refused:
    return _Refused(f'is the JSON number {text[:40]}; write amounts as decimal strings, "1.5"')


def _integer(text: str) -> int | _Refused:
    if len(text.lstrip("-")) > MAX_DIGITS:
        return _Refused(f"has {len(text):,} digits; at most {MAX_DIGITS} are read")
    return int(text)


def _constant(text: str) -> _Refused:
    return _Refused(f"is {text}, which is not a number; leave the field out if it is not known")


def _too_deep(path: str) -> DocumentError:
    return DocumentError(f"the document is nested deeper than {MAX_DEPTH} levels", field=path)


def _check(document: object) -> None:
    """Walk the values without recursion and refuse what no field may hold."""
    waiting: list[tuple[str, object, int]] = [("", document, 1)]
    values = 0
    while waiting:
        values += 1
        if values > MAX_VALUES:
            raise DocumentError(f"the document holds more than {MAX_VALUES:,} values")
        path, value, depth = waiting.pop()
        if isinstance(value, Mapping | list):
            if depth > MAX_DEPTH:
                raise _too_deep(path)
            members = _members(path, value)
            waiting.extend((name, member, depth + 1) for name, member in reversed(members))
        else:
            _check_scalar(path, value)


def _members(path: str, value: Mapping[object, object] | list[object]) -> list[tuple[str, object]]:
    if len(value) > MAX_ITEMS:
        raise _wrong(path, f"has {len(value):,} members; at most {MAX_ITEMS:,} are read")
    if isinstance(value, list):
        return [(child(path, index), member) for index, member in enumerate(value)]
    if isinstance(value, _Repeated):
        raise _wrong(child(path, value.key), "is given twice; keep one of them")
    members = []
    for name, member in value.items():
        if not isinstance(name, str):
            raise _wrong(path, f"has a key that is not a string: {str(name)[:40]}")
        _check_text(path, name)
        members.append((child(path, name), member))
    return members


def _check_scalar(path: str, value: object) -> None:
    if isinstance(value, _Refused):
        raise _wrong(path, value.why)
    if isinstance(value, float):
        raise _wrong(path, _fraction(repr(value)).why)
    if isinstance(value, str):
        _check_text(path, value)
    elif isinstance(value, int):
        if abs(value) >= 10**MAX_DIGITS:
            raise _wrong(path, f"is an integer of more than {MAX_DIGITS} digits")
    elif value is not None:
        raise _wrong(path, f"is a {type(value).__name__}, which JSON does not have")


def _check_text(path: str, text: str) -> None:
    if len(text) > MAX_TEXT:
        raise _wrong(path, f"has {len(text):,} characters; at most {MAX_TEXT:,} are read")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _wrong(path, "holds half of a surrogate pair; it is not text")


def _wrong(path: str, why: str) -> DocumentError:
    return DocumentError(f"{path or 'the document'} {why}", field=path)
