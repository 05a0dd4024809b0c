"""What was read of one market for one owner: each part a value, or the failure in its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....core.errors import Failure, Reason
from .maths import Rates, Totals, entered_assets

__all__ = ["MOST_ASSETS", "AssetInfo", "CollateralReading", "MarketReading", "UserBasic"]

# The bits of ``userBasic`` reach this far; no implementation lists more.
MOST_ASSETS = 24


@dataclass(frozen=True, slots=True)
class UserBasic:
    """An account's principal and the bits that name its collaterals."""

    principal: int
    assets_in: int
    reserved: int


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """A collateral's terms as ``getAssetInfo`` returns them, without the supply cap."""

    asset: str
    price_feed: str
    scale: int
    borrow_factor: int
    liquidate_factor: int
    liquidation_factor: int


@dataclass(frozen=True, slots=True)
class CollateralReading:
    """One collateral that the bits name; balance and price fail with its info."""

    index: int
    info: AssetInfo | Failure
    balance: int | Failure
    price: int | Failure


@dataclass(frozen=True, slots=True)
class MarketReading:
    """Everything read of the market; the base price is None until it is asked for.

    ``changed`` are the collaterals whose terms are others than at the last answer.
    """

    user: UserBasic | Failure
    totals: Totals | Failure
    rates: Rates | Failure
    asset_count: int | Failure
    max_assets: int | Failure
    base_token: str | Failure
    base_scale: int | Failure
    views: Mapping[str, int] | Failure
    base_price: int | Failure | None = None
    collaterals: tuple[CollateralReading, ...] = ()
    changed: tuple[int, ...] = ()

    @property
    def layout_failure(self) -> Failure | None:
        """Why it is not known which bits name collaterals; None where it is."""
        if isinstance(self.asset_count, Failure):
            return self.asset_count
        if isinstance(self.max_assets, Failure):
            return self.max_assets
        if self.asset_count <= self.max_assets <= MOST_ASSETS:
            return None
        detail = f"{self.asset_count} of {self.max_assets} assets; known are at most {MOST_ASSETS}"
        return Failure(Reason.UNSUPPORTED_VERSION, "asset_layout", detail)

    def held(self) -> list[int]:
        """The indices of the collaterals to read: all that the bits can mean where that is open."""
        if isinstance(self.user, Failure):
            return []
        count, most = self.asset_count, self.max_assets
        if self.layout_failure is not None or isinstance(count, Failure):
            count = MOST_ASSETS
        if self.layout_failure is not None or isinstance(most, Failure):
            most = MOST_ASSETS
        return entered_assets(self.user.assets_in, self.user.reserved, count, most)

    @property
    def is_empty(self) -> bool:
        """Whether the owner is known to hold and owe nothing here."""
        user = self.user
        return not isinstance(user, Failure) and user.principal == 0 and not self.held()
