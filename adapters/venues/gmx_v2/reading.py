"""What was read of one position: each part a value, or the failure in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....core.errors import Failure
from .parameters import MarketTokens, Place
from .state import Market, MarketPrices, Position, TokenPrice
from .tokens import GmxToken

__all__ = ["PositionReading", "PricedToken", "TokenReading"]


@dataclass(frozen=True, slots=True)
class PricedToken:
    """A token of a market with its price at the block; ``source`` says whose price it is."""

    token: GmxToken
    price: TokenPrice | Failure
    source: str


@dataclass(frozen=True, slots=True)
class TokenReading:
    """The three tokens of a market."""

    index: PricedToken
    long: PricedToken
    short: PricedToken

    @property
    def prices(self) -> MarketPrices | Failure:
        """All three prices, or why one is missing."""
        found = []
        for each in (self.index, self.long, self.short):
            if isinstance(each.price, Failure):
                return each.price
            found.append(each.price)
        return MarketPrices(*found)


@dataclass(frozen=True, slots=True)
class PositionReading:
    """One position of the owner's list. What depends on a failed part has its failure too.

    ``view`` are the figures of the reader's ``isPositionLiquidatable``, ``information`` those of
    its ``getPositionInfo``.
    """

    key: bytes
    place: Place | Failure
    market_tokens: MarketTokens | Failure
    position: Position | Failure
    market: Market | Failure
    tokens: TokenReading | Failure
    view: Mapping[str, int] | Failure
    information: Mapping[str, int] | Failure
