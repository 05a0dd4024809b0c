"""Prices of a market's tokens: the caller's, else the venue's own Chainlink feed at the block.

Executions use reports that keepers bring along, which are not in the chain's state. The feeds are
what a block holds; most index tokens have none. Then there is no price, and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from ....core.errors import Failure, InputError, Reason
from ....core.units import raw_of
from ...chain.call import Call, Contract, selector
from .state import TokenPrice
from .tokens import GmxToken

__all__ = ["CALLER", "FEED", "GivenPrices", "feed_call", "feed_price"]

CALLER, FEED = "caller", "chainlink feed"

_PROVIDER = Contract("gmx_v2", "ChainlinkPriceFeedProvider")
# ``contracts/error/Errors.sol``: why the provider gives no price.
_NO_FEED = f"0x{selector('EmptyChainlinkPriceFeed(address)').hex()}"
_BAD_FEED = f"0x{selector('InvalidFeedPrice(address,int256)').hex()}"
_STALE = f"0x{selector('ChainlinkPriceFeedNotUpdated(address,uint256,uint256)').hex()}"


def feed_call(provider: str, token: str) -> Call[tuple[Any, ...]]:
    """The question for a token's price at the block."""
    return _PROVIDER.one(provider, "getOraclePrice", token, b"")


def feed_price(token: GmxToken, answer: tuple[Any, ...] | Failure) -> TokenPrice | Failure:
    """The provider's answer as a price, or why the token has none."""
    if isinstance(answer, Failure):
        return _no_price(token, answer)
    of, low, high = str(answer[0]).lower(), int(answer[1]), int(answer[2])
    if of != token.address or not 0 < low <= high:
        detail = f"the provider's price of {token.symbol}: {low} to {high} of {of}"
        return Failure(Reason.BAD_RETURN_DATA, "bad_price", detail)
    return TokenPrice(low, high)


def _no_price(token: GmxToken, failure: Failure) -> Failure:
    """A revert of the provider is a state of the token's price; other failures stay what they are."""
    if failure.reason is not Reason.CALL_REVERTED:
        return replace(failure, detail=f"price of {token.symbol}: {failure.detail}")
    if failure.detail.startswith(_STALE):
        detail = f"the feed of {token.symbol} is past its heartbeat"
        return Failure(Reason.STALE_PRICE, "feed_not_updated", detail)
    if failure.detail.startswith(_NO_FEED):
        detail = f"{token.symbol} has no feed on this chain: give its price in the option 'prices'"
        return Failure(Reason.NO_PRICE, "no_feed", detail)
    code = "invalid_feed_price" if failure.detail.startswith(_BAD_FEED) else failure.code
    return Failure(Reason.NO_PRICE, code or "call_reverted", f"{token.symbol}: {failure.detail}")


@dataclass(frozen=True, slots=True)
class GivenPrices:
    """The option ``prices``: by symbol or address, USD per token, or a pair of them.

    ``{"XRP": "0.52", "0x…": {"min": "0.519", "max": "0.521"}}``
    """

    pairs: Mapping[str, tuple[Decimal, Decimal]]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> GivenPrices:
        """The prices that the caller gave; ``InputError`` names the entry that is wrong."""
        given = options.get("prices", {})
        if not isinstance(given, Mapping):
            raise InputError("prices: expected an object, token to price", field="prices")
        return cls({str(name).lower(): _pair(str(name), value) for name, value in given.items()})

    def of_token(self, token: GmxToken) -> TokenPrice | Failure | None:
        """The token's price; None where the caller gave none."""
        pair = self.pairs.get(token.address) or self.pairs.get(token.symbol.lower())
        if pair is None:
            return None
        if token.decimals is None:
            detail = f"the decimals of {token.symbol} are not known: its price has no scale"
            return Failure(Reason.NO_PRICE, "token_decimals", detail)
        low, high = (_raw(token, usd) for usd in pair)
        return TokenPrice(low, high)


def _pair(name: str, value: object) -> tuple[Decimal, Decimal]:
    if isinstance(value, Mapping):
        low, high = _usd(name, value.get("min")), _usd(name, value.get("max"))
    else:
        low = high = _usd(name, value)
    if low > high:
        raise _wrong(name, "min is above max")
    return low, high


def _usd(name: str, value: object) -> Decimal:
    """A price above zero, written as text or as an integer."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise _wrong(name, "expected a decimal in quotes")
    try:
        usd = Decimal(value)
    except InvalidOperation as error:
        raise _wrong(name, f"{value!r} is no number") from error
    if not usd.is_finite() or usd <= 0:
        raise _wrong(name, "expected a price above zero")
    return usd


def _raw(token: GmxToken, usd: Decimal) -> int:
    """USD per token as the venue writes it: per smallest unit, with 30 decimals."""
    try:
        return raw_of(usd, 30 - (token.decimals or 0))
    except ValueError as error:
        raise _wrong(token.symbol, str(error)) from error


def _wrong(name: str, message: str) -> InputError:
    return InputError(f"prices.{name}: {message}", field=f"prices.{name}")
