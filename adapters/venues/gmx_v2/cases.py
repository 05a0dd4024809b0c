"""The suites of recorded cases; here the whole check of one position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base import Suite
from .accrual import accrued_at, as_stored
from .check import Check, checked
from .impact import ImpactPool, pending_impact, total_impact
from .impact_cases import impact_case
from .parameters import Datum, Discounts, MarketTokens, Place, build_market, datum
from .state import Market, MarketPrices, Position, TokenPrice

__all__ = ["SUITES", "case_market", "case_place", "case_position", "case_prices", "case_tokens"]

_ABSENT: Mapping[str, object] = {"getBool": False, "getBytes32": bytes(32), "getAddress": ""}


def _position(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Both verdicts and the reader's figures, under the names of ``expected``."""
    market, position, prices = case_market(inputs), case_position(inputs), case_prices(inputs)
    stored = checked(market, position, prices, as_stored(market))
    accrued = accrued_at(market, position, prices, int(inputs["block_timestamp"]))
    fresh = checked(market, position, prices, accrued)
    required = {
        "minCollateralUsd": stored.minimum,
        "minCollateralUsdForLeverage": stored.minimum_for_leverage,
    }
    return {
        "reader_isPositionLiquidatable_stale": {**_verdict(stored), **required},
        "reader_getPositionInfo": _information(inputs, market, position, prices, fresh),
        "derived_fresh": _verdict(fresh),
    }


def _verdict(check: Check) -> dict[str, object]:
    return {
        "liquidatable": check.liquidatable,
        "reason": check.reason,
        "remainingCollateralUsd": check.remaining,
    }


def _information(
    inputs: Mapping[str, Any],
    market: Market,
    position: Position,
    prices: MarketPrices,
    check: Check,
) -> dict[str, object]:
    closing, pool = check.closing_impact, _impact_pool(inputs, market, prices)
    return {
        "fundingFeeAmount": check.fees.funding,
        "borrowingFeeAmount": check.fees.borrowing,
        "positionFeeAmount": check.fees.position,
        "totalCostAmount": check.fees.total,
        "priceImpactUsd": closing,
        "balanceWasImproved": check.balance_improved,
        "proportionalPendingImpactUsd": pending_impact(position, prices),
        "totalImpactUsd": total_impact(market, position, prices, closing, pool),
        "basePnlUsd": check.profit,
        "uncappedBasePnlUsd": check.uncapped_profit,
    }


def case_market(inputs: Mapping[str, Any]) -> Market:
    """The case's market; no referral and no pro tier, as the suite states."""
    place, tokens = case_place(inputs), case_tokens(inputs)
    return build_market(place, tokens, Discounts(), lambda one: _value(inputs, one))


def case_position(inputs: Mapping[str, Any]) -> Position:
    """The case's position."""
    held, tokens = inputs["position"], case_tokens(inputs)
    names = (
        "sizeInUsd",
        "sizeInTokens",
        "collateralAmount",
        "pendingImpactAmount",
        "borrowingFactor",
        "fundingFeeAmountPerSize",
    )
    place = case_place(inputs)
    return Position(
        place.is_long, place.collateral == tokens.long, *(int(held[name]) for name in names)
    )


def case_prices(inputs: Mapping[str, Any]) -> MarketPrices:
    """The case's prices."""
    pairs = (inputs["prices"][name] for name in ("index", "long", "short"))
    return MarketPrices(*(TokenPrice(int(low), int(high)) for low, high in pairs))


def case_place(inputs: Mapping[str, Any]) -> Place:
    """Where the case's position is."""
    held = inputs["position"]
    return Place(held["market"].lower(), held["collateralToken"].lower(), bool(held["isLong"]))


def case_tokens(inputs: Mapping[str, Any]) -> MarketTokens:
    """The tokens of the case's market."""
    market = inputs["market"]
    names = ("marketToken", "indexToken", "longToken", "shortToken")
    return MarketTokens(*(market[name].lower() for name in names))


def _value(inputs: Mapping[str, Any], one: Datum) -> Any:
    """A value of the case's store; what is absent is 0 or false."""
    kept = inputs["datastore"].get(f"0x{one.key.hex()}")
    if kept is None:
        return _ABSENT.get(one.getter, 0)
    kind, value = kept
    return bytes.fromhex(value[2:]) if kind == "bytes32" else value


def _impact_pool(inputs: Mapping[str, Any], market: Market, prices: MarketPrices) -> ImpactPool:
    """What the market could pay for a positive impact."""
    tokens = case_tokens(inputs)

    def uint(name: str, *args: str) -> int:
        return int(_value(inputs, datum("getUint", name, tokens.market, *args)))

    long, short = (
        uint("POOL_AMOUNT", token) // market.divisor for token in (tokens.long, tokens.short)
    )
    return ImpactPool(
        uint("POSITION_IMPACT_POOL_AMOUNT"),
        uint("LENT_POSITION_IMPACT_POOL_AMOUNT"),
        uint("MAX_LENDABLE_IMPACT_FACTOR"),
        uint("MAX_LENDABLE_IMPACT_USD"),
        long * prices.long.min + short * prices.short.min,
    )


SUITES: Mapping[str, Suite] = {"position": Suite(_position), "impact": Suite(impact_case)}
