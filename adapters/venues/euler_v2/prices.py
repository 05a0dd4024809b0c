"""USD prices out of the quotes of a vault that counts in USD; other units give none."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ....core.units import decimal_of
from ...base import Price
from .answers import VENUE
from .assets import USD, asset_at
from .maths import debt_of
from .reading import AccountReading

__all__ = ["usd_prices"]

_DECIMALS = 18
# Below a billionth of a dollar a quote's own rounding would spoil the price.
_SMALLEST_QUOTE = 10**9


def usd_prices(reading: AccountReading) -> Iterator[Price]:
    """The price of each asset that the account holds or owes, as its controller's oracle says."""
    controller = reading.enabled.controller
    oracle = reading.get(controller, "oracle")
    if reading.get(controller, "unitOfAccount") != USD or not isinstance(oracle, str):
        return
    asset = reading.get(controller, "asset")
    exact = reading.get(controller, "debtOfExact")
    amounts = [(asset, asset, debt_of(exact) if isinstance(exact, int) else None)]
    for vault in reading.enabled.collaterals:
        amounts.append((reading.asset_of(vault), vault, reading.get(vault, "convertToAssets")))
    for token, base, amount in amounts:
        quote = reading.get(oracle, "getQuote", base) if isinstance(base, str) else None
        if isinstance(token, str) and isinstance(amount, int) and isinstance(quote, int):
            price = _price(reading, token, amount, quote)
            if price is not None:
                yield price


def _price(reading: AccountReading, token: str, amount: int, quote: int) -> Price | None:
    """USD per whole token; None where the amount is too small to tell, or has no known scale."""
    asset = asset_at(reading, token)
    scaled = asset.known or isinstance(reading.get(token, "decimals"), int)
    if not scaled or amount == 0 or quote < _SMALLEST_QUOTE:
        return None
    value: Decimal = decimal_of(quote, _DECIMALS) / decimal_of(amount, asset.decimals)
    return Price(asset, value, f"{VENUE}:{reading.request.deployment.market} oracle")
