"""The rule of a portfolio document read back: the inverse of ``EulerRule.document``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import DocumentError
from .maths import Ltv
from .position import Collateral, Token
from .rule import EulerRule

__all__ = ["rule_from_document"]

# The widths of the contract's own fields, and of a word of the chain.
_UINT16, _UINT32, _UINT48, _UINT256 = 16, 32, 48, 256
_LTV_BITS = (_UINT16, _UINT16, _UINT16, _UINT48, _UINT32)


def rule_from_document(document: Mapping[str, Any]) -> EulerRule:
    """The rule; ``DocumentError`` names the field that is wrong."""
    timestamp = _integer(document.get("timestamp"), "timestamp", _UINT48)
    if timestamp is None:
        raise _wrong("timestamp", "expected the block's Unix time")
    disabled = document.get("disabled", False)
    if not isinstance(disabled, bool):
        raise _wrong("disabled", "expected true or false")
    return EulerRule(
        timestamp=timestamp,
        controller=_text(document.get("controller"), "controller"),
        collaterals=_collaterals(document.get("collaterals"), timestamp),
        debt_exact=_integer(document.get("debt_exact"), "debt_exact"),
        mid=_integer(document.get("mid"), "mid"),
        ask=_integer(document.get("ask"), "ask"),
        max_discount=_integer(document.get("max_discount"), "max_discount", _UINT16),
        cool_off_until=_integer(document.get("cool_off_until"), "cool_off_until"),
        disabled=disabled,
        loan=_token(document.get("loan"), "loan"),
        unit=_token(document.get("unit"), "unit"),
    )


def _collaterals(value: object, timestamp: int) -> tuple[Collateral, ...] | None:
    """The list of collaterals, each vault once; None for null."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise _wrong("collaterals", "expected a list or null")
    found = tuple(_collateral(each, f"collaterals[{i}]") for i, each in enumerate(value))
    if len({each.vault for each in found}) != len(found):
        raise _wrong("collaterals", "a vault is there twice")
    for index, each in enumerate(found):
        if each.ltv is not None and not each.ltv.possible_at(timestamp):
            raise _wrong(f"collaterals[{index}].ltv", "a ramp that runs needs a duration")
    return found


def _collateral(value: object, field: str) -> Collateral:
    table = _table(value, field)
    vault = _text(table.get("vault"), f"{field}.vault")
    if not vault:
        raise _wrong(f"{field}.vault", "expected the vault's address")
    return Collateral(
        vault=vault,
        shares=_integer(table.get("shares"), f"{field}.shares"),
        assets=_integer(table.get("assets"), f"{field}.assets"),
        ltv=_ltv(table.get("ltv"), f"{field}.ltv"),
        mid=_integer(table.get("mid"), f"{field}.mid"),
        bid=_integer(table.get("bid"), f"{field}.bid"),
        asset=_token(table.get("asset"), f"{field}.asset"),
    )


def _ltv(value: object, field: str) -> Ltv | None:
    """The five numbers of ``LTVFull``; a ramp that runs must have a duration."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != len(_LTV_BITS):
        raise _wrong(field, "expected the five numbers of LTVFull, or null")
    numbers = [
        _integer(number, f"{field}[{index}]", bits)
        for index, (number, bits) in enumerate(zip(value, _LTV_BITS, strict=True))
    ]
    known = [number for number in numbers if number is not None]
    if len(known) != len(numbers):
        raise _wrong(field, "all five numbers are needed")
    return Ltv(*known)


def _token(value: object, field: str) -> Token | None:
    if value is None:
        return None
    table = _table(value, field)
    key = _text(table.get("asset"), f"{field}.asset")
    if not key:
        raise _wrong(f"{field}.asset", "expected an asset's key")
    return Token(key, _integer(table.get("decimals"), f"{field}.decimals", 8))


def _table(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(field, "expected an object")
    return value


def _text(value: object, field: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _wrong(field, "expected text or null")
    return value


def _integer(value: object, field: str, bits: int = _UINT256) -> int | None:
    """A non-negative integer, written as a number or as a decimal string; None for null."""
    if value is None:
        return None
    digits = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdecimal():
        raise _wrong(field, "expected a non-negative integer")
    # 78 digits are 256 bits: more are refused before they are parsed.
    if len(digits) > 78 or int(digits) >= 1 << bits:
        raise _wrong(field, f"more than {bits} bits")
    return int(digits)


def _wrong(field: str, message: str) -> DocumentError:
    return DocumentError(f"{field}: {message}", field=field)
