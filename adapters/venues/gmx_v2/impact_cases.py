"""The suite ``impact``: values of the impact arithmetic, and two stories of the venue's own tests.

The stories state a position but no parameters: theirs are the base configuration of the venue's
markets (gmx-synthetics ``config/markets.ts``), in a market that holds nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ....core.units import raw_of
from .accrual import as_stored
from .check import checked
from .fixed import FLOAT
from .impact import applied_impact
from .state import (
    Borrowing,
    Funding,
    Impact,
    Interest,
    Limits,
    Market,
    MarketPrices,
    Position,
    PositionFees,
    TokenPrice,
)

__all__ = ["impact_case"]


def impact_case(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The value or verdicts of a case, under the names of ``expected``."""
    given = inputs["input"]
    if "function" in inputs:
        names = ("diffUsd", "impactFactor", "exponentFactor")
        return {"value": applied_impact(*(_float(given[name]) for name in names))}
    if "entryCollateralPrice" not in given:
        index = Decimal(given["price"])
        return {"liquidatable": _is_liquidatable(given, index, Decimal(given["entryPrice"]), 1)}
    # The collateral's price halves, the index stays.
    index, entry = Decimal(given["indexPrice"]), int(given["entryCollateralPrice"])
    return {
        "value": [
            {
                "collateralPrice": str(price),
                "liquidatable": _is_liquidatable(given, index, index, price),
            }
            for price in (entry, entry // 2)
        ]
    }


def _is_liquidatable(
    given: Mapping[str, Any], index: Decimal, entry: Decimal, collateral_price: int
) -> bool:
    """The verdict on a fresh position; the index token has 18 decimals, prices have no spread."""
    size = Decimal(given["sizeInUsd"])
    is_long = given["side"] == "long"
    collateral_is_long = given["collateralToken"] != "USDC"
    digits, _, decimals = given["collateralAmount"].partition("e")
    position = Position(
        is_long,
        collateral_is_long,
        size_in_usd=raw_of(size, 30),
        size_in_tokens=raw_of(size / entry, 18),
        collateral_amount=int(digits) * 10 ** int(decimals),
        pending_impact_amount=0,
        borrowing_factor=0,
        funding_fee_amount_per_size=0,
    )
    backing = _price(Decimal(collateral_price), int(decimals))
    dollar, price = _price(Decimal(1), 6), _price(index, 18)
    prices = MarketPrices(price, backing if collateral_is_long else price, dollar)
    market = _market(position)
    return checked(market, position, prices, as_stored(market)).liquidatable


def _market(position: Position) -> Market:
    """The base configuration with this one position in it."""

    def interest(size: int) -> Interest:
        places = [(side, token) for side in (True, False) for token in (True, False)]
        own = (position.is_long, position.collateral_is_long)
        return Interest(*(size if place == own else 0 for place in places))

    return Market(
        is_single_token=False,
        is_disabled=False,
        in_tokens=False,
        skips_smaller_side=False,
        open_interest=interest(position.size_in_usd),
        open_interest_in_tokens=interest(position.size_in_tokens),
        borrowing=Borrowing(0, 0, 0, 0, 0, _float("0.00000000625"), FLOAT, _float("0.9")),
        funding=Funding(0, 0, _float("0.00000002"), FLOAT, 0, 0, 0, 0, 0, 0, 0),
        impact=Impact(
            _float("0.00000005"),
            _float("0.0000001"),
            FLOAT,
            2 * FLOAT,
            _float("0.004"),
            _float("0.005"),
            0,
            None,
        ),
        limits=Limits(0, _float("0.9"), FLOAT, _float("0.01"), 0, _float("0.01")),
        fees=PositionFees(_float("0.0004"), _float("0.0006"), 0, 0, _float("0.002")),
    )


def _price(usd: Decimal, decimals: int) -> TokenPrice:
    """A price without a spread."""
    raw = raw_of(usd, 30 - decimals)
    return TokenPrice(raw, raw)


def _float(text: str) -> int:
    """A number with 30 decimals."""
    return raw_of(Decimal(text), 30)
