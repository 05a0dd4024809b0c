"""The prices at which an account crosses its limit, one asset moving and all others fixed.

They hold where the oracle values an amount as ``amount * price`` rounded down, which the kit's
own adapters do to within a unit of the feed; the verdict itself never rests on them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ....core.book.health import LiquidationPrice
from ....core.units import BPS, div_up, mul_div_down
from .position import Collateral, Token

__all__ = ["PRICE_DECIMALS", "Exposure", "price_scale"]

# Prices are in the unit of account per whole asset, whatever the decimals of either.
PRICE_DECIMALS = 18


@dataclass(frozen=True, slots=True)
class Exposure:
    """An account that owes: ``debt`` raw, and both sides' values in the unit of account."""

    timestamp: int
    collaterals: Sequence[Collateral]
    loan: Token | None
    debt: int
    value: int
    liability: int

    def prices(self, unit: Token) -> tuple[LiquidationPrice, ...]:
        """One price per asset: the lowest healthy one of a collateral, the highest of the loan.

        An asset on both sides has none (its price moves both), nor has the unit itself.
        """
        assets = {each.asset for each in self.collaterals if each.asset is not None}
        fixed = {unit.key} | ({self.loan.key} if self.loan is not None else set())
        moving = sorted((a for a in assets if a.key not in fixed), key=lambda asset: asset.key)
        found = [self._down(asset, unit) for asset in moving]
        if self.loan is not None and self.loan not in assets and self.loan.key != unit.key:
            found.append(self._up(self.loan, unit))
        return tuple(price for price in found if price is not None)

    def _down(self, asset: Token, unit: Token) -> LiquidationPrice | None:
        """The smallest healthy price of a collateral's asset: one unit less is liquidatable."""
        scale = price_scale(asset, unit)
        held = [each for each in self.collaterals if each.asset == asset and self._counts(each)]
        parts = [(each.assets or 0, self._ltv(each)) for each in held]
        weight = sum(assets * ltv for assets, ltv in parts)
        if scale is None or weight == 0:
            return None
        rest = self.value - sum(each.value(self.timestamp) or 0 for each in held)
        missing = self.liability + 1 - rest
        if missing <= 0:
            return LiquidationPrice(asset.key, "down", None, PRICE_DECIMALS, unit.key)
        # Without its floors the value is linear; the two floors of a part take less than two units.
        low = missing * BPS * scale // weight
        high = div_up((missing + 2 * len(parts)) * BPS * scale, weight)
        raw = _smallest(low, high, lambda price: _worth(parts, price, scale) >= missing)
        return LiquidationPrice(asset.key, "down", raw, PRICE_DECIMALS, unit.key)

    def _up(self, loan: Token, unit: Token) -> LiquidationPrice | None:
        """The largest healthy price of the borrowed asset: one unit more is liquidatable."""
        scale = price_scale(loan, unit)
        if scale is None or self.debt == 0:
            return None
        raw = div_up(self.value * scale, self.debt) - 1
        return LiquidationPrice(loan.key, "up", raw if raw >= 0 else None, PRICE_DECIMALS, unit.key)

    def _counts(self, each: Collateral) -> bool:
        """Whether the collateral has a value that moves with its asset's price."""
        return bool(each.assets and each.shares) and self._ltv(each) > 0

    def _ltv(self, each: Collateral) -> int:
        return 0 if each.ltv is None else each.ltv.at(self.timestamp)


def price_scale(asset: Token, unit: Token) -> int | None:
    """Raw price of ``amount`` worth ``value`` is ``value * scale / amount``; None without decimals."""
    if asset.decimals is None or unit.decimals is None:
        return None
    exponent = PRICE_DECIMALS + asset.decimals - unit.decimals
    return int(10**exponent) if exponent >= 0 else None


def _worth(parts: Sequence[tuple[int, int]], price: int, scale: int) -> int:
    """What the parts count for at a price, with the oracle's and the vault's floors."""
    return sum(mul_div_down(assets * price // scale, ltv, BPS) for assets, ltv in parts)


def _smallest(low: int, high: int, enough: Callable[[int], bool]) -> int:
    """The smallest integer in [low, high] that is enough; ``high`` is known to be."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
