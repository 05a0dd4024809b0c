"""One account of an Aave v3 pool as the chain holds it: raw integers, nothing computed.

Units: indices and rates are ray (1e27, rates a year), balances raw token units or scaled by the
index, prices raw units of the base currency per whole token, ratios basis points.
"""

from __future__ import annotations

from dataclasses import dataclass

from .profile import Profile

__all__ = ["Category", "Configuration", "Position", "Reserve"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A reserve's configuration word, by the bits of ReserveConfiguration.sol."""

    word: int

    def _bits(self, start: int, length: int) -> int:
        return self.word >> start & (1 << length) - 1

    @property
    def ltv(self) -> int:
        """Loan to value, in bps."""
        return self._bits(0, 16)

    @property
    def threshold(self) -> int:
        """Liquidation threshold, in bps."""
        return self._bits(16, 16)

    @property
    def bonus(self) -> int:
        """Liquidation bonus, in bps of what is repaid: 10500 is 5% on top."""
        return self._bits(32, 16)

    @property
    def decimals(self) -> int:
        """Decimals of the token."""
        return self._bits(48, 8)

    @property
    def active(self) -> bool:
        """Whether the reserve works at all."""
        return bool(self._bits(56, 1))

    @property
    def frozen(self) -> bool:
        """Whether new supply and new borrows are refused; health is unaffected."""
        return bool(self._bits(57, 1))

    @property
    def paused(self) -> bool:
        """Whether everything is refused, liquidation too."""
        return bool(self._bits(60, 1))

    @property
    def protocol_fee(self) -> int:
        """The protocol's share of a liquidation bonus, in bps."""
        return self._bits(152, 16)

    @property
    def category(self) -> int:
        """The eMode category (up to 3.1 only)."""
        return self._bits(168, 8)

    @property
    def debt_ceiling(self) -> int:
        """The isolation-mode debt ceiling (up to 3.6 only); 0 is not isolated."""
        return self._bits(212, 40)

    @property
    def virtual_accounting(self) -> bool:
        """Whether the reserve tracks its balance virtually (from 3.1)."""
        return bool(self._bits(252, 1))


@dataclass(frozen=True, slots=True)
class Reserve:
    """One reserve with the user's balances in it. ``label`` names it in leg ids.

    ``stable_debt`` is the balance of the stable debt token at the block; ``reported_debt`` the
    variable debt token's own ``balanceOf``, used by profiles that count it. ``grace_until`` is
    None where it was not read (0 where the pool has no grace periods).
    """

    id: int
    label: str
    asset: str
    configuration: int
    liquidity_index: int
    liquidity_rate: int
    borrow_index: int
    borrow_rate: int
    last_update: int
    price: int
    scaled_supply: int
    scaled_debt: int
    stable_debt: int = 0
    reported_debt: int = 0
    grace_until: int | None = 0

    @property
    def config(self) -> Configuration:
        """The configuration word, by name."""
        return Configuration(self.configuration)

    @property
    def unit(self) -> int:
        """Raw units of one whole token."""
        return int(10**self.config.decimals)


@dataclass(frozen=True, slots=True)
class Category:
    """An eMode category: bps, and either a price (0: none) or bitmaps by reserve id."""

    id: int
    ltv: int
    threshold: int
    bonus: int
    price: int = 0
    collateral_bitmap: int = 0
    ltvzero_bitmap: int = 0
    isolated: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """An account: the user's bitmap and eMode, and every reserve in which something is held.

    ``bitmap`` has bit ``2 * id`` for borrowing and ``2 * id + 1`` for use as collateral.
    ``category`` is None outside eMode. ``liquidation_allowed`` is the sentinel's word: True where
    there is none, None where it was not read. ``base_unit`` is one unit
    of the base currency, which is ``USD`` or a token's address.
    """

    profile: Profile
    revision: int
    timestamp: int
    bitmap: int
    reserves: tuple[Reserve, ...]
    category: Category | None = None
    base_unit: int = 10**8
    base_currency: str = "USD"
    liquidation_allowed: bool | None = True

    @property
    def holds_anything(self) -> bool:
        """Whether any supply or debt is held."""
        return any(
            reserve.scaled_supply or reserve.scaled_debt or reserve.stable_debt
            for reserve in self.reserves
        )

    def borrows(self, reserve: Reserve) -> bool:
        """Whether the user's borrowing bit of the reserve is set."""
        return bool(self.bitmap >> 2 * reserve.id & 1)

    def uses_as_collateral(self, reserve: Reserve) -> bool:
        """Whether the user's collateral bit of the reserve is set."""
        return bool(self.bitmap >> 2 * reserve.id + 1 & 1)
