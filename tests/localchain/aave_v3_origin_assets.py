"""The reserves and eMode categories of the Aave 3.6 test market; units as in ``aave_v3_assets``.

3.6 refuses tokens below 6 decimals. ``emode`` of a reserve only says here which prices move calmly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .aave_v3_assets import USD, Rates, Reserve
from .aave_v3_random import Palette

__all__ = ["FROZEN", "MODES", "PALETTE_36", "RESERVES_36", "Mode"]


@dataclass(frozen=True)
class Mode:
    """An eMode category. `ltvzero` are collaterals that lose their LTV once accounts are open."""

    number: int
    ltv: int
    threshold: int
    bonus: int
    collateral: Sequence[str]
    borrowable: Sequence[str]
    ltvzero: Sequence[str] = ()


_ETHER = Rates(8_000, 100, 380, 8_000)
_STABLE = Rates(9_000, 0, 400, 6_000)
_VOLATILE = Rates(4_500, 0, 700, 30_000)

# CRV ends with LTV 0, LINK frozen; EURS is isolated; GUSD is collateral in category 3 only.
RESERVES_36 = (
    Reserve("WETH", 18, 3_000 * USD, 8_000, 8_250, 10_500, _ETHER, 8_000, protocol_fee=1_000),
    Reserve("wstETH", 18, 3_512_34567890, 6_900, 7_900, 10_700, _ETHER, 2_000, factor=1_500),
    Reserve("WBTC", 8, 91_234_50000001, 7_000, 7_500, 10_625, _VOLATILE, 1_000, protocol_fee=1_000),
    Reserve(
        "USDC", 6, 99_987_123, 7_700, 7_900, 10_450, _STABLE, 8_800, emode=2,
        borrowable_in_isolation=True, protocol_fee=2_000,
    ),
    Reserve(
        "DAI", 18, 1_00_012_345, 7_500, 8_000, 10_500, _STABLE, 9_200, emode=2,
        borrowable_in_isolation=True, protocol_fee=1_000,
    ),
    Reserve("LINK", 18, 14_87654321, 5_300, 6_800, 10_700, _VOLATILE, 1_500, factor=2_000),
    Reserve("CRV", 18, 51_234_567, 0, 6_100, 10_830, _VOLATILE, 4_700, factor=3_500),
    Reserve("GUSD", 6, 1_00_100_000, 0, 0, 0, _STABLE, 6_000, emode=2),
    Reserve("EURS", 6, 1_08_250_000, 6_500, 7_000, 10_750, _STABLE, 3_000, debt_ceiling=5_000_000_00),
    Reserve("cbETH", 18, 3_277_00000000, 6_700, 7_400, 11_000, _ETHER, 1_000),
)  # fmt: skip

FROZEN = ("LINK",)

MODES = (
    Mode(1, 9_000, 9_300, 10_100, ("WETH", "wstETH", "cbETH"), ("WETH", "wstETH"), ("cbETH",)),
    Mode(2, 9_300, 9_500, 10_100, ("USDC", "DAI"), ("USDC", "DAI", "GUSD")),
    Mode(3, 8_500, 9_000, 10_300, ("GUSD", "wstETH", "LINK"), ("USDC", "WETH", "GUSD")),
)

PALETTE_36 = Palette(
    ordinary=("WETH", "wstETH", "WBTC", "USDC", "DAI", "LINK", "CRV", "GUSD", "cbETH"),
    emode_assets={mode.number: mode.collateral for mode in MODES},
    emode_debts={mode.number: mode.borrowable for mode in MODES},
)
