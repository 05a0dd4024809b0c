"""Makes SparkLend's recordings: accounts of an Aave 3.0 pool, which is what SparkLend runs.

python -m tests.localchain.record_sparklend tests/adapters/recordings/sparklend
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from eth_abi import abi as eth_abi

from crossmargin.adapters.aave_family.maths import account_data
from crossmargin.adapters.aave_family.profile import DIRECTED
from crossmargin.adapters.aave_family.rule import AaveRule
from crossmargin.adapters.chain.call import Contract
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, replay, summary
from crossmargin.adapters.venues.spark import ADAPTER

from .aave_recording import keep, recorded
from .aave_v3 import STABLE, AaveMarket, deploy_aave
from .anvil import AnvilChain

__all__ = ["main"]

_SOURCE = (
    "Aave v3 core of npm @aave/core-v3 1.19.3 (POOL_REVISION 1), run on a local chain, "
    "its tokens moved to their mainnet addresses"
)
_WAD = 10**18
_BTC = 10**8
_POOL = Contract("aave_v3", "Pool")


def main(folder: Path) -> None:
    """Open the accounts, let a crash pass over them, and keep what the adapter reads."""
    chain = AnvilChain()
    try:
        market = deploy_aave(chain, stable_borrowing=True)
        owners = {name: chain.new_account() for name in ("empty", "ordinary", "ugly")}
        _ordinary(market, owners["ordinary"])
        _ugly(market, owners["ugly"])
        chain.increase_time(3_000_000)
        market.set_price("wstETH", 2_800 * 10**8)
        made = [recorded(market, ADAPTER, name, owner, _SOURCE) for name, owner in owners.items()]
    finally:
        chain.close()
    keep(folder, [*made, _directed(made[1])])


def _ordinary(market: AaveMarket, owner: str) -> None:
    market.supply(owner, "WETH", 100 * _WAD + 7)
    market.borrow(owner, "WBTC", 2 * _BTC + 1)


def _ugly(market: AaveMarket, owner: str) -> None:
    """In eMode, debt of both kinds, a supply that is no collateral; the crash makes it liquidatable."""
    market.supply(owner, "wstETH", 50 * _WAD + 3)
    market.set_emode(owner, 1)
    market.borrow(owner, "cbETH", 30 * _WAD)
    market.borrow(owner, "WETH", 12 * _WAD, STABLE)
    market.supply(owner, "LINK", 1_000 * _WAD)
    market.use_as_collateral(owner, "LINK", False)


def _directed(base: RecordedAccount) -> RecordedAccount:
    """The ordinary account as the backported rounding would answer, by our own arithmetic."""
    (account,) = replay(ADAPTER.read(base.request(Facts())), base.replies)[0].accounts
    assert isinstance(account.rule, AaveRule)
    data = account_data(replace(account.rule.position, profile=DIRECTED))
    function = _POOL.function("getUserAccountData")
    words = eth_abi.encode(function.outputs, list(data.figures().values()))
    key = (account.labels["pool"], function.encode((base.owner,)))
    source = f"{_SOURCE}; getUserAccountData replaced by the arithmetic of {DIRECTED.name}"
    changed = replace(base.with_reply(key, words), name="directed", source=source)
    snapshot = replay(ADAPTER.read(changed.request(Facts())), changed.replies)[0]
    return replace(changed, expected=summary(snapshot))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
