"""The controller's last step: health out of what its AMM says about the loan.

From ``Controller._health`` of curve-stablecoin (tag v1 and 2.0 agree). It serves to check that
the parts that were read belong together; the judgement stays the controller's own figure.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.units import WAD

__all__ = ["LoanState", "banded_health", "full_health", "health_slope"]


@dataclass(frozen=True, slots=True)
class LoanState:
    """A loan with an AMM's view of it; raw integers, prices in stablecoin per collateral (1e18).

    ``x_down`` is the stablecoin that the bands would give on the way down; ``upper_price`` the
    upper edge of the loan's bands, which begin at ``first_band``.
    """

    collateral: int
    debt: int
    x_down: int
    price: int
    upper_price: int
    first_band: int
    active_band: int
    collateral_decimals: int
    borrowed_decimals: int

    @property
    def above_bands(self) -> bool:
        """Whether nothing of the loan is in soft liquidation and the price is above its bands."""
        return self.first_band > self.active_band and self.price > self.upper_price


def full_health(loan: LoanState, discount: int) -> int:
    """``health(user, true)``, signed, 1e18; ``discount`` 0 asks what the collateral covers."""
    health = banded_health(loan, discount)
    return health + _over_debt(loan, loan.price - loan.upper_price) if loan.above_bands else health


def banded_health(loan: LoanState, discount: int) -> int:
    """``health(user, false)``: only what the bands would give."""
    return loan.x_down * (WAD - discount) // loan.debt - WAD


def health_slope(loan: LoanState) -> int | None:
    """How fast the health falls with the price above the bands; None inside them."""
    return _over_debt(loan, loan.price) if loan.above_bands else None


def _over_debt(loan: LoanState, price: int) -> int:
    """The collateral's value at a price over the debt, 1e18."""
    value = price * loan.collateral * int(10 ** (18 - loan.collateral_decimals))
    return value // (loan.debt * int(10 ** (18 - loan.borrowed_decimals)))
