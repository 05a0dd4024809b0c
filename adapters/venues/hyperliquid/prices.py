"""What a perp's coin is in the unified market, and the marks as prices of it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ....core.book.model import Asset
from ....core.errors import Failure
from ....core.units import decimal_of
from ...base import Price, ReadRequest
from ...tokens import clean_symbol
from .maths import USD_DECIMALS
from .reading import Reading

__all__ = ["coin_asset", "coin_key", "collateral_asset", "mark_prices"]


def coin_asset(request: ReadRequest, dex: int, dex_name: str, coin: str) -> Asset:
    """The asset that a coin is. On dexes that anybody can open a coin is only its own.

    The main dex's coins are the venue's own listings: a known token's underlying is meant.
    """
    if dex == 0:
        known = request.tokens.named(coin)
        if known.known and known.kind == "volatile":
            return request.tokens.named(known.underlying)
        shown = clean_symbol(coin) or "unnamed"
        return Asset(shown, shown, shown, known=False)
    shown = clean_symbol(coin.removeprefix(f"{dex_name}:")) or "unnamed"
    return Asset(f"{dex_name}:{shown}", shown, f"{dex_name}:{shown}", known=False)


def coin_key(request: ReadRequest, dex: int, dex_name: str, coin: str) -> str:
    """The underlying that moves a perp on the coin."""
    return coin_asset(request, dex, dex_name, coin).key


def collateral_asset(request: ReadRequest, symbol: str) -> Asset:
    """A dex's collateral token, which the venue counts at its face."""
    return request.tokens.named(symbol)


def mark_prices(request: ReadRequest, reading: Reading) -> tuple[Price, ...]:
    """The mark of each coin held, and collateral at the 1 USD that the venue counts it at."""
    return (*_marks(request, reading), *_collaterals(request, reading))


def _marks(request: ReadRequest, reading: Reading) -> Iterator[Price]:
    for dex in reading.dexes:
        for each in dex.positions:
            if isinstance(each.mark, Failure) or isinstance(each.terms, Failure):
                continue
            asset = coin_asset(request, dex.dex.index, dex.dex.name, each.terms.coin)
            value = decimal_of(each.mark, USD_DECIMALS - each.terms.size_decimals)
            yield Price(asset, value, f"hyperliquid:{dex.dex.name} mark")
    for pledge in reading.pledges:
        if not isinstance(pledge.price, Failure):
            numerator, denominator = pledge.price.as_integer_ratio()
            value = Decimal(numerator) / Decimal(denominator)
            yield Price(coin_asset(request, 0, "", pledge.symbol), value, "hyperliquid spot price")


def _collaterals(request: ReadRequest, reading: Reading) -> Iterator[Price]:
    for symbol in dict.fromkeys(dex.dex.symbol for dex in reading.dexes):
        asset = collateral_asset(request, symbol)
        yield Price(asset, Decimal(1), "hyperliquid counts its collateral at 1 USD")
