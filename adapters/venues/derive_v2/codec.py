"""Frozen dataclasses of integers as JSON objects and back: how a rule travels in a document.

Integers are decimal strings, tuples are lists, a union is tagged by its class. Reading back is
strict: a missing field, a stray type or a number beyond 256 bits is a ``DocumentError``.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from ....core.errors import DocumentError

__all__ = ["decoded", "encoded"]

T = TypeVar("T")

_TAG = "type"
# 78 digits are 256 bits: more cannot have come from a chain.
_MOST_DIGITS = 78
_MOST_ITEMS = 4096


def encoded(value: object) -> dict[str, object]:
    """The dataclass as an object."""
    return {item.name: _plain(getattr(value, item.name)) for item in fields(cast("Any", value))}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | StrEnum):
        return value.value if isinstance(value, StrEnum) else value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if is_dataclass(value):
        return {_TAG: type(value).__name__, **encoded(value)}
    return str(value)


def decoded(kind: type[T], document: Mapping[str, Any], field: str = "") -> T:
    """The dataclass of an object; ``DocumentError`` names the field that is wrong."""
    hints, found = typing.get_type_hints(kind), {}
    for item in fields(cast("Any", kind)):
        place = f"{field}.{item.name}" if field else item.name
        if item.name in document:
            found[item.name] = _value(hints[item.name], document[item.name], place)
        elif item.default is MISSING:
            raise _wrong(place, "missing")
    return kind(**found)


def _value(kind: Any, value: object, field: str) -> object:
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return _union(typing.get_args(kind), value, field)
    if typing.get_origin(kind) is tuple:
        return _items(typing.get_args(kind)[0], value, field)
    if kind is bool:
        if not isinstance(value, bool):
            raise _wrong(field, "expected true or false")
        return value
    if kind is int:
        return _integer(value, field)
    if kind is str:
        if not isinstance(value, str):
            raise _wrong(field, "expected a text")
        return value
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in [each.value for each in kind]:
            raise _wrong(field, f"expected one of {', '.join(each.value for each in kind)}")
        return kind(str(value))
    if not isinstance(value, Mapping):
        raise _wrong(field, "expected an object")
    return decoded(kind, value, field)


def _union(kinds: tuple[Any, ...], value: object, field: str) -> object:
    """None, the one other kind, or the class that the tag names."""
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    if len(others) == 1:
        return _value(others[0], value, field)
    named = value.get(_TAG) if isinstance(value, Mapping) else None
    for kind in others:
        if kind.__name__ == named:
            return _value(kind, value, field)
    raise _wrong(field, f"expected an object of type {', '.join(kind.__name__ for kind in others)}")


def _items(kind: Any, value: object, field: str) -> tuple[object, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > _MOST_ITEMS:
        raise _wrong(field, "expected a list")
    return tuple(_value(kind, each, f"{field}[{place}]") for place, each in enumerate(value))


def _integer(value: object, field: str) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    digits = text.removeprefix("-") if isinstance(text, str) else ""
    if not digits.isascii() or not digits.isdecimal() or len(digits) > _MOST_DIGITS:
        raise _wrong(field, "expected an integer of at most 256 bits")
    return int(str(text))


def _wrong(field: str, message: str) -> DocumentError:
    return DocumentError(f"{field}: {message}", field=field)
