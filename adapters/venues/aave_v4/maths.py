"""The spoke's account data and the provisional arithmetic behind it, in the venue's integers.

Values are USD with 26 decimals (a price of 8 decimals times a wad). From
``Spoke._processUserAccountData`` and ``SpokeUtils.toValue`` of the public source history: the
later version keeps the debt's value in rays (27 decimals more), the earlier one does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....core.errors import Failure, Reason
from ....core.units import MAX_UINT256, RAY, WAD

__all__ = ["AccountData", "ReserveState", "account_data", "collateral_value", "health_factor"]

_SCALES = {"ray": RAY, "plain": 1}
_BPS_TO_WAD = 10**14
# A spoke has far fewer reserves: larger counts are not counts.
_MOST_RESERVES = 2_000


@dataclass(frozen=True, slots=True)
class AccountData:
    """``getUserAccountData`` with the scale of its debt: 1e27, 1, or None where nothing tells."""

    average_factor: int
    health_factor: int
    collateral: int
    debt: int
    scale: int | None

    @property
    def owes(self) -> bool:
        """Whether anything is owed."""
        return self.debt > 0

    @property
    def is_covered(self) -> bool:
        """Whether the collateral is worth the debt; nothing covers no collateral's debt."""
        return self.collateral * (self.scale or 1) >= self.debt


@dataclass(frozen=True, slots=True)
class ReserveState:
    """One reserve of the user as the health factor counts it; all raw, ``price`` with 8 decimals."""

    supplied: int
    factor_bps: int
    drawn_shares: int
    premium_shares: int
    premium_offset_ray: int
    drawn_index: int
    price: int
    decimals: int

    @property
    def debt_ray(self) -> int:
        """Drawn debt and premium in rays of raw units, not rounded."""
        premium = self.premium_shares * self.drawn_index - self.premium_offset_ray
        return self.drawn_shares * self.drawn_index + premium


def account_data(values: Sequence[int], stated: str | None) -> AccountData | Failure:
    """The account data, if its own figures fit each other at a documented scale.

    ``stated`` (``ray`` or ``plain``) pins the scale. The health factor times the debt and the
    average factor times the collateral are the same sum, up to the rounding of either division.
    """
    _, average, health, collateral, debt, active, borrows = values
    if average > WAD or max(active, borrows) > _MOST_RESERVES:
        return _misfit("a factor above 1, or more reserves than any spoke has")
    if debt == 0:
        if health != MAX_UINT256 or borrows > 0:
            return _misfit("no debt, and yet a health factor or a borrowed reserve")
        return AccountData(average, health, collateral, debt, None)
    wanted = _SCALES if stated is None else {stated: _SCALES[stated]}
    fitting = [
        scale
        for scale in wanted.values()
        if average * collateral * scale <= (health + 1) * debt
        and health * debt <= (average + 1) * collateral * scale
    ]
    if not fitting:
        return _misfit("the health factor follows from the totals at no documented scale")
    # Without collateral both scales fit, and nothing depends on which it is.
    scale = fitting[0] if len(fitting) == 1 else None
    if scale is None and collateral * RAY >= debt:
        return _misfit("the totals fit both documented scales")
    return AccountData(average, health, collateral, debt, scale)


def collateral_value(reserves: Sequence[ReserveState]) -> int:
    """``totalCollateralValue``: the supplies that count, without any rounding."""
    return sum(_value(one, one.supplied) for one in reserves if one.factor_bps > 0)


def health_factor(reserves: Sequence[ReserveState]) -> int:
    """``healthFactor`` as the later version computes it; the sentinel where nothing is owed."""
    weighted = sum(one.factor_bps * _value(one, one.supplied) for one in reserves)
    debt_ray = sum(_value(one, one.debt_ray) for one in reserves)
    return MAX_UINT256 if debt_ray == 0 else weighted * _BPS_TO_WAD * RAY // debt_ray


def _value(reserve: ReserveState, amount: int) -> int:
    return amount * reserve.price * int(10 ** (18 - reserve.decimals))


def _misfit(detail: str) -> Failure:
    return Failure(Reason.UNSUPPORTED_VERSION, "account_data", detail)
