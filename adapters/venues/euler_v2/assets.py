"""Tokens and amounts out of an account's answers: assets, units, what shares are worth."""

from __future__ import annotations

from typing import Any, TypeVar

from ....core.book.model import Asset
from ....core.errors import Failure
from .maths import to_assets_down
from .position import Token
from .reading import AccountReading, is_currency

__all__ = ["USD", "asset_at", "from_totals", "known", "token_of", "unit_token"]

T = TypeVar("T")

USD = f"0x{840:040x}"
_CURRENCY_DECIMALS = 18  # what the price oracles give a unit that is no token


def asset_at(reading: AccountReading, token: str) -> Asset:
    """The asset of a token, with what it says of itself where the registry does not list it."""
    request = reading.request
    symbol, decimals = reading.get(token, "symbol"), reading.get(token, "decimals")
    return request.tokens.at(
        request.deployment.chain_id,
        token,
        symbol=symbol if isinstance(symbol, str) else "",
        decimals=decimals if isinstance(decimals, int) else 18,
    )


def unit_token(reading: AccountReading) -> Token | None:
    """The unit that the controller counts in: a currency by its number, or a token."""
    unit = reading.get(reading.enabled.controller, "unitOfAccount")
    if not isinstance(unit, str):
        return None
    if is_currency(unit):
        return Token("USD" if unit == USD else unit, _CURRENCY_DECIMALS)
    return token_of(reading, unit)


def token_of(reading: AccountReading, address: Any) -> Token | None:
    """A token as the rule names it; without decimals where they could not be read."""
    if not isinstance(address, str):
        return None
    asset = asset_at(reading, address)
    read = asset.known or isinstance(reading.get(address, "decimals"), int)
    return Token(asset.key, asset.decimals if read else None)


def from_totals(reading: AccountReading, vault: str, shares: int) -> int | None:
    """The worth by the kit's own arithmetic; None for vaults of another make."""
    totals = [reading.get(vault, name) for name in ("cash", "totalBorrows", "totalSupply")]
    read = [total for total in totals if isinstance(total, int)]
    return to_assets_down(shares, *read) if len(read) == len(totals) else None


def known(value: T | Failure | None) -> T | None:
    """The value, or None where it was not read."""
    return None if isinstance(value, Failure) else value
