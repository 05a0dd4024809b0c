"""The reserves and eMode categories of the Aave test market: a table, with the odd ones on purpose.

Prices are USD with 8 decimals, ratios basis points, and so are rates per year.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EMODES", "RESERVES", "EMode", "Rates", "Reserve"]

USD = 10**8


@dataclass(frozen=True)
class Rates:
    """An interest-rate curve, in basis points a year."""

    optimal: int
    base: int
    slope1: int
    slope2: int


@dataclass(frozen=True)
class Reserve:
    """One reserve as it is listed. A debt ceiling (USD, 2 decimals) makes it an isolated collateral."""

    symbol: str
    decimals: int
    price: int
    ltv: int
    threshold: int
    bonus: int
    rates: Rates
    used: int  # the share of the liquidity that is lent out at the start, basis points
    emode: int = 0
    factor: int = 1_000
    protocol_fee: int = 0
    debt_ceiling: int = 0
    borrowable_in_isolation: bool = False


@dataclass(frozen=True)
class EMode:
    """A category; with a `price` its assets are all priced by that one feed."""

    number: int
    ltv: int
    threshold: int
    bonus: int
    label: str
    price: int | None = None


_ETHER = Rates(8_000, 100, 380, 8_000)
_STABLE = Rates(9_000, 0, 400, 6_000)
_VOLATILE = Rates(4_500, 0, 700, 30_000)

# CRV is accepted as collateral but has LTV 0; GUSD is no collateral at all; EURS is isolated.
RESERVES = (
    Reserve("WETH", 18, 3_000 * USD, 8_000, 8_250, 10_500, _ETHER, 8_000, emode=1, protocol_fee=1_000),
    Reserve("wstETH", 18, 3_512_34567890, 6_900, 7_900, 10_700, _ETHER, 2_000, emode=1, factor=1_500),
    Reserve("WBTC", 8, 91_234_50000001, 7_000, 7_500, 10_625, _VOLATILE, 1_000, protocol_fee=1_000),
    Reserve(
        "USDC", 6, 99_987_123, 7_700, 7_900, 10_450, _STABLE, 8_800, emode=2, borrowable_in_isolation=True
    ),
    Reserve(
        "DAI", 18, 1_00_012_345, 7_500, 8_000, 10_500, _STABLE, 9_200, emode=2,
        borrowable_in_isolation=True, protocol_fee=1_000,
    ),
    Reserve("LINK", 18, 14_87654321, 5_300, 6_800, 10_700, _VOLATILE, 1_500, factor=2_000),
    Reserve("CRV", 18, 51_234_567, 0, 6_100, 10_830, _VOLATILE, 4_700, factor=3_500),
    Reserve("GUSD", 2, 1_00_100_000, 0, 0, 0, _STABLE, 6_000, emode=2),
    Reserve("EURS", 2, 1_08_250_000, 6_500, 7_000, 10_750, _STABLE, 3_000, debt_ceiling=5_000_000_00),
    Reserve("cbETH", 18, 3_277_00000000, 6_700, 7_400, 11_000, _ETHER, 1_000, emode=1),
)  # fmt: skip

EMODES = (
    EMode(1, 9_000, 9_300, 10_100, "ETH correlated"),
    EMode(2, 9_300, 9_500, 10_100, "Stablecoins", price=1_00_005_000),
)
