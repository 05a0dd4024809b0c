"""Makes Aave v3's recordings: accounts of a pool of revision 10, and of one of revision 1.

python -m tests.localchain.record_aave_v3 tests/adapters/recordings/aave-v3
"""

from __future__ import annotations

import sys
from pathlib import Path

from crossmargin.adapters.recordings import RecordedAccount
from crossmargin.adapters.venues.aave_v3 import ADAPTER

from .aave_recording import keep, recorded
from .aave_v3 import STABLE, AaveMarket, deploy_aave
from .aave_v3_origin import deploy_aave_origin
from .anvil import AnvilChain

__all__ = ["main"]

_MOVED = "run on a local chain, its tokens moved to their mainnet addresses"
_REVISION_10 = f"Aave v3 of npm @aave-dao/aave-v3-origin 3.6.0 (POOL_REVISION 10), {_MOVED}"
_REVISION_1 = f"Aave v3 core of npm @aave/core-v3 1.19.3 (POOL_REVISION 1), {_MOVED}"
_WAD = 10**18
_BTC = 10**8
_USDC = 10**6


def main(folder: Path) -> None:
    """Open the accounts on both pools and keep what the adapter reads."""
    keep(folder, [*_revision_10(), *_revision_1()])


def _revision_10() -> list[RecordedAccount]:
    """An empty account, an ordinary one, one in eMode with an asset of outside, one to liquidate."""
    chain = AnvilChain()
    try:
        market = deploy_aave_origin(chain)
        names = ("empty", "ordinary", "emode-outside", "liquidatable")
        owners = {name: chain.new_account() for name in names}
        _ordinary(market, owners["ordinary"])
        _emode_outside(market, owners["emode-outside"])
        _to_liquidate(market, owners["liquidatable"])
        chain.increase_time(3_000_000)
        market.set_price("WBTC", 84_000 * 10**8)
        return [
            recorded(market, ADAPTER, name, owner, _REVISION_10) for name, owner in owners.items()
        ]
    finally:
        chain.close()


def _revision_1() -> list[RecordedAccount]:
    """An account with everything that later versions dropped."""
    chain = AnvilChain()
    try:
        market = deploy_aave(chain, stable_borrowing=True)
        owner = chain.new_account()
        _ugly(market, owner)
        chain.increase_time(3_000_000)
        return [recorded(market, ADAPTER, "ugly", owner, _REVISION_1)]
    finally:
        chain.close()


def _ordinary(market: AaveMarket, owner: str) -> None:
    market.supply(owner, "WETH", 100 * _WAD + 7)
    market.borrow(owner, "USDC", 120_000 * _USDC + 1)


def _emode_outside(market: AaveMarket, owner: str) -> None:
    """Two collaterals, of which the category raises one; a debt in the category and one small."""
    market.supply(owner, "wstETH", 40 * _WAD + 3)
    market.supply(owner, "WBTC", 1 * _BTC)
    market.set_emode(owner, 1)
    market.borrow(owner, "WETH", 30 * _WAD)


def _to_liquidate(market: AaveMarket, owner: str) -> None:
    """Two collaterals and two debts; the fall of WBTC leaves health between 0.95 and 1."""
    market.supply(owner, "WBTC", 10 * _BTC + 3)
    market.supply(owner, "WETH", 20 * _WAD)
    market.borrow(owner, "USDC", 500_000 * _USDC)
    market.borrow(owner, "DAI", 181_500 * _WAD)


def _ugly(market: AaveMarket, owner: str) -> None:
    """Debt of both kinds, a supply that is no collateral, and a collateral whose LTV became 0."""
    market.supply(owner, "WETH", 50 * _WAD + 3)
    market.borrow(owner, "USDC", 30_000 * _USDC)
    market.borrow(owner, "DAI", 12_000 * _WAD, STABLE)
    market.supply(owner, "LINK", 1_000 * _WAD)
    market.use_as_collateral(owner, "LINK", False)
    market.set_ltv("WETH", 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
