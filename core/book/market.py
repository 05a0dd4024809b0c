"""What things are worth: spots, volatilities and rates, each with its source and age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from .model import Asset

__all__ = ["Market", "Quote"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A number with where it came from; ``age_seconds`` None means that the source gives no time."""

    value: Decimal
    source: str = "document"
    age_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Market:
    """Prices of one moment. ``spot`` is USD per unit by ``Asset.key`` or underlying.

    ``vol`` is the at-the-money volatility per underlying (annual, 0.6 = 60%); ``rate`` the
    continuous USD rate a year; ``strikes`` those listed per underlying with their expiry in Unix
    seconds (they set the pin nodes of the grid, whether or not the book holds them).
    """

    spot: Mapping[str, Quote]
    vol: Mapping[str, Quote] = field(default_factory=dict)
    rate: Decimal = Decimal(0)
    strikes: Mapping[str, tuple[tuple[Decimal, int], ...]] = field(default_factory=dict)

    def price(self, asset: Asset) -> Decimal | None:
        """USD per unit of the asset; None where nobody quotes it (never a guess).

        A token that is its underlying under another name (WETH) takes the underlying's price. An
        LST or a stablecoin never does: its ratio is a risk factor of its own.
        """
        if asset.kind == "usd":
            return Decimal(1)
        quote = self.spot.get(asset.key)
        if quote is None and asset.kind == "volatile" and asset.known:
            quote = self.spot.get(asset.underlying)
        return None if quote is None else quote.value

    def underlying_price(self, underlying: str) -> Decimal | None:
        """USD per unit of an underlying; None where nobody quotes it."""
        quote = self.spot.get(underlying)
        return None if quote is None else quote.value
