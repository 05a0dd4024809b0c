"""Morpho Blue's arithmetic, in the contract's integers: accrual, shares, limits, liquidation.

Totals and shares are raw. ``price`` is the oracle's, scaled by 1e36: raw loan units per raw
collateral unit. The contract reverts where an intermediate product leaves 256 bits or a total
leaves 128; the functions raise ``RuleError`` there, because the venue has no answer either.
Source: morpho-org/morpho-blue 1.0.0, ``src/Morpho.sol`` and ``src/libraries/``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ....core.errors import RuleError
from ....core.units import MAX_UINT256, WAD, mul_div_down, mul_div_up

__all__ = [
    "ORACLE_PRICE_SCALE",
    "Accrual",
    "Liquidation",
    "MarketState",
    "PositionState",
    "accrue",
    "bad_debt",
    "liquidate_by_assets",
    "liquidate_by_shares",
    "liquidation_incentive_factor",
    "liquidation_price",
    "max_borrow",
    "to_assets_down",
    "to_assets_up",
    "to_shares_down",
    "to_shares_up",
]

ORACLE_PRICE_SCALE = 10**36
VIRTUAL_SHARES = 10**6
VIRTUAL_ASSETS = 1
MAX_UINT128 = 2**128 - 1
LIQUIDATION_CURSOR = 3 * WAD // 10
MAX_LIQUIDATION_INCENTIVE_FACTOR = 115 * WAD // 100


@dataclass(frozen=True, slots=True)
class MarketState:
    """A market's totals as ``market(id)`` returns them; ``fee`` is a share of interest (1e18)."""

    total_supply_assets: int
    total_supply_shares: int
    total_borrow_assets: int
    total_borrow_shares: int
    last_update: int
    fee: int


@dataclass(frozen=True, slots=True)
class PositionState:
    """One owner's position in a market as ``position(id, owner)`` returns it."""

    supply_shares: int
    borrow_shares: int
    collateral: int


@dataclass(frozen=True, slots=True)
class Accrual:
    """A market after accrual, and the shares minted to the fee recipient on the way."""

    market: MarketState
    fee_shares: int


@dataclass(frozen=True, slots=True)
class Liquidation:
    """What ``liquidate`` moves: collateral seized, loan repaid, debt written off (all raw)."""

    seized_assets: int
    repaid_assets: int
    repaid_shares: int
    bad_debt_assets: int
    bad_debt_shares: int


def to_assets_down(shares: int, total_assets: int, total_shares: int) -> int:
    """The assets that these shares are worth, rounded down."""
    return mul_div_down(shares, total_assets + VIRTUAL_ASSETS, total_shares + VIRTUAL_SHARES)


def to_assets_up(shares: int, total_assets: int, total_shares: int) -> int:
    """The assets that these shares are worth, rounded up: what a borrower owes."""
    return mul_div_up(shares, total_assets + VIRTUAL_ASSETS, total_shares + VIRTUAL_SHARES)


def to_shares_down(assets: int, total_assets: int, total_shares: int) -> int:
    """The shares of these assets, rounded down."""
    return mul_div_down(assets, total_shares + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


def to_shares_up(assets: int, total_assets: int, total_shares: int) -> int:
    """The shares of these assets, rounded up."""
    return mul_div_up(assets, total_shares + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


def accrue(market: MarketState, borrow_rate: int, timestamp: int) -> Accrual:
    """The market with interest up to ``timestamp``; ``borrow_rate`` is per second (1e18).

    A market without a rate model has ``borrow_rate`` 0: only its clock moves.
    """
    elapsed = timestamp - market.last_update
    if elapsed < 0:
        raise RuleError("the block is older than the market's last update")
    growth = _taylor_compounded(borrow_rate, elapsed)
    interest = _checked(market.total_borrow_assets * growth) // WAD
    supply = market.total_supply_assets + interest
    # The fee's own assets are taken out first: the total already holds the whole interest.
    fee_assets = _checked(interest * market.fee) // WAD
    fee_shares = to_shares_down(fee_assets, supply - fee_assets, market.total_supply_shares)
    accrued = replace(
        market,
        total_supply_assets=_narrow(supply),
        total_supply_shares=_narrow(market.total_supply_shares + fee_shares),
        total_borrow_assets=_narrow(market.total_borrow_assets + interest),
        last_update=timestamp,
    )
    return Accrual(accrued, fee_shares)


def _taylor_compounded(rate: int, elapsed: int) -> int:
    """``exp(rate * elapsed) - 1`` to its third term (1e18): ``MathLib.wTaylorCompounded``."""
    first = _checked(rate * elapsed)
    second = _checked(first * first) // (2 * WAD)
    third = _checked(second * first) // (3 * WAD)
    return first + second + third


def max_borrow(collateral: int, price: int, lltv: int) -> int:
    """The debt that the collateral allows, in raw loan units: two floors, in the contract's order."""
    return _checked(_checked(collateral * price) // ORACLE_PRICE_SCALE * lltv) // WAD


def liquidation_price(borrowed: int, collateral: int, lltv: int) -> int | None:
    """The smallest oracle price at which the position is healthy; None where none is.

    Both floors of ``max_borrow`` are inverted with a ceiling, so one unit less is liquidatable.
    """
    if collateral == 0 or lltv == 0:
        return None
    collateral_value = mul_div_up(borrowed, WAD, lltv)
    return mul_div_up(collateral_value, ORACLE_PRICE_SCALE, collateral)


def liquidation_incentive_factor(lltv: int) -> int:
    """Collateral seized per loan repaid, in value (1e18): ``min(1.15, 1 / (1 - 0.3 (1 - lltv)))``."""
    discount = mul_div_down(LIQUIDATION_CURSOR, WAD - lltv, WAD)
    return min(MAX_LIQUIDATION_INCENTIVE_FACTOR, WAD * WAD // (WAD - discount))


def liquidate_by_shares(
    market: MarketState, position: PositionState, price: int, lltv: int, repaid_shares: int
) -> Liquidation:
    """``liquidate(…, 0, repaidShares)`` on an accrued market; the whole debt may be repaid."""
    repaid_value = to_assets_down(
        repaid_shares, market.total_borrow_assets, market.total_borrow_shares
    )
    quoted = mul_div_down(repaid_value, liquidation_incentive_factor(lltv), WAD)
    if price == 0:
        raise RuleError("at a price of zero the contract cannot say what is seized")
    seized = mul_div_down(quoted, ORACLE_PRICE_SCALE, price)
    return _liquidation(market, position, seized, repaid_shares)


def liquidate_by_assets(
    market: MarketState, position: PositionState, price: int, lltv: int, seized_assets: int
) -> Liquidation:
    """``liquidate(…, seizedAssets, 0)`` on an accrued market."""
    quoted = mul_div_up(seized_assets, price, ORACLE_PRICE_SCALE)
    repaid_value = mul_div_up(quoted, WAD, liquidation_incentive_factor(lltv))
    repaid_shares = to_shares_up(
        repaid_value, market.total_borrow_assets, market.total_borrow_shares
    )
    return _liquidation(market, position, seized_assets, repaid_shares)


def _liquidation(
    market: MarketState, position: PositionState, seized: int, repaid_shares: int
) -> Liquidation:
    """The outcome once both sides are known: no more than held or owed can move."""
    if repaid_shares > position.borrow_shares or seized > position.collateral:
        raise RuleError("a liquidation cannot repay more than is owed or seize more than is held")
    total_assets, total_shares = market.total_borrow_assets, market.total_borrow_shares
    repaid = to_assets_up(repaid_shares, total_assets, total_shares)
    left = replace(
        market,
        total_borrow_assets=max(total_assets - repaid, 0),
        total_borrow_shares=total_shares - repaid_shares,
    )
    owed = position.borrow_shares - repaid_shares
    lost_shares = owed if seized == position.collateral else 0
    return Liquidation(seized, repaid, repaid_shares, bad_debt(left, lost_shares), lost_shares)


def bad_debt(market: MarketState, shares: int) -> int:
    """The assets that lenders lose when a debt of ``shares`` has no collateral left."""
    owed = to_assets_up(shares, market.total_borrow_assets, market.total_borrow_shares)
    return min(market.total_borrow_assets, owed)


def _checked(product: int) -> int:
    """The product, if the contract can hold it in 256 bits."""
    if product > MAX_UINT256:
        raise RuleError("the contract's arithmetic overflows 256 bits on these numbers")
    return product


def _narrow(total: int) -> int:
    """The total, if the contract can store it in 128 bits."""
    if total > MAX_UINT128:
        raise RuleError("the market's total overflows 128 bits on these numbers")
    return total
