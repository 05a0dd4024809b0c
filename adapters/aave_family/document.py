"""A position as the ``rule`` object of a portfolio document, and back.

Integers are written as decimal strings, for they can be wider than 53 bits; both strings and
integers are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ...core.errors import DocumentError, Failure, Reason
from .position import Category, Position, Reserve
from .profile import BY_NAME

__all__ = ["failure_from_document", "position_document", "position_from_document"]

_TEXTS = frozenset({"label", "asset"})
_RESERVE_FIELDS = tuple(entry.name for entry in fields(Reserve))
_CATEGORY_FIELDS = tuple(entry.name for entry in fields(Category))
_WIDTHS = {"id": 16, "timestamp": 40, "last_update": 40, "grace_until": 40, "revision": 32}


def position_document(position: Position) -> dict[str, object]:
    """The position's raw numbers."""
    category = position.category
    return {
        "profile": position.profile.name,
        "revision": str(position.revision),
        "timestamp": str(position.timestamp),
        "bitmap": str(position.bitmap),
        "base_unit": str(position.base_unit),
        "base_currency": position.base_currency,
        "liquidation_allowed": position.liquidation_allowed,
        "category": None
        if category is None
        else {name: _written(getattr(category, name)) for name in _CATEGORY_FIELDS},
        "reserves": [
            {name: _written(getattr(reserve, name)) for name in _RESERVE_FIELDS}
            for reserve in position.reserves
        ],
    }


def _written(value: int | bool | str | None) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def position_from_document(document: Mapping[str, Any]) -> Position:
    """The position that ``position_document`` wrote; ``DocumentError`` names the wrong field."""
    name = document.get("profile")
    if not isinstance(name, str) or name not in BY_NAME:
        known = ", ".join(BY_NAME)
        raise DocumentError(f"rule.profile must be one of {known}", field="rule.profile")
    reserves = document.get("reserves")
    if not isinstance(reserves, list):
        raise DocumentError("rule.reserves must be a list", field="rule.reserves")
    category = document.get("category")
    timestamp = _uint(document, "timestamp", "rule")
    return Position(
        profile=BY_NAME[name],
        revision=_uint(document, "revision", "rule"),
        timestamp=timestamp,
        bitmap=_uint(document, "bitmap", "rule"),
        reserves=tuple(
            _reserve(entry, f"rule.reserves[{index}]", timestamp)
            for index, entry in enumerate(reserves)
        ),
        category=None if category is None else _category(category, "rule.category"),
        base_unit=_positive(document, "base_unit", "rule"),
        base_currency=_text(document, "base_currency", "rule"),
        liquidation_allowed=_allowed(document),
    )


def failure_from_document(document: Mapping[str, Any]) -> Failure:
    """The failure of a rule that could not be read."""
    entry = _object(document.get("failure"), "rule.failure")
    try:
        reason = Reason(_text(entry, "reason", "rule.failure"))
    except ValueError as error:
        field = "rule.failure.reason"
        raise DocumentError(f"{field} is not a known reason", field=field) from error
    code, detail = (_text(entry, key, "rule.failure") for key in ("code", "detail"))
    return Failure(reason, code, detail)


def _reserve(entry: object, path: str, timestamp: int) -> Reserve:
    found = _object(entry, path)
    values: dict[str, Any] = {}
    for name in _RESERVE_FIELDS:
        if name in _TEXTS:
            values[name] = _text(found, name, path)
        elif name == "grace_until" and found.get(name, 0) is None:
            values[name] = None
        else:
            values[name] = _uint(found, name, path)
    _positive(found, "price", path)
    if values["last_update"] > timestamp:
        field = f"{path}.last_update"
        raise DocumentError(f"{field} must not be after rule.timestamp", field=field)
    return Reserve(**values)


def _category(entry: object, path: str) -> Category:
    found = _object(entry, path)
    isolated = found.get("isolated")
    if not isinstance(isolated, bool):
        raise DocumentError(f"{path}.isolated must be true or false", field=f"{path}.isolated")
    numbers = {name: _uint(found, name, path) for name in _CATEGORY_FIELDS if name != "isolated"}
    return Category(**numbers, isolated=isolated)


def _allowed(document: Mapping[str, Any]) -> bool | None:
    allowed = document.get("liquidation_allowed")
    if allowed is not None and not isinstance(allowed, bool):
        field = "rule.liquidation_allowed"
        raise DocumentError(f"{field} must be true, false or null", field=field)
    return allowed


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise DocumentError(f"{path} must be an object", field=path)
    return value


def _text(document: Mapping[str, Any], name: str, path: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise DocumentError(f"{path}.{name} must be text", field=f"{path}.{name}")
    return value


def _uint(document: Mapping[str, Any], name: str, path: str) -> int:
    value = document.get(name)
    width = _WIDTHS.get(name, 256)
    if isinstance(value, str) and len(value) <= 78 and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << width:
        field = f"{path}.{name}"
        raise DocumentError(f"{field} must be an unsigned integer of {width} bits", field=field)
    return value


def _positive(document: Mapping[str, Any], name: str, path: str) -> int:
    value = _uint(document, name, path)
    if value == 0:
        raise DocumentError(f"{path}.{name} must not be 0", field=f"{path}.{name}")
    return value
