"""The accounts that the tests read: one HyperCore state with an owner for each kind of trouble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossmargin.adapters.base import Deployment
from crossmargin.adapters.chain.call import Call
from crossmargin.adapters.recordings import RecordedAccount
from crossmargin.adapters.venues.hyperliquid import ADAPTER
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason
from tests.localchain.hypercore import CONTRACTS, HyperCore, Position

__all__ = ["OWNERS", "USD", "blank", "deployment", "state", "told"]

USD = 10**6
CHAIN = "eip155:31337"
TABLES = {"51": [[0, 10], [3_000_000, 5]], "55": [[0, 25], [100_000_000, 15]],
          "56": [[0, 40], [150_000_000, 20]]}  # fmt: skip
BTC, ETH, DOGE, NVDA, TSLA, HYNA = 0, 1, 12, 10_002, 10_003, 20_000

OWNERS = {
    name: f"0x{number:040x}"
    for number, name in enumerate(
        ("stranger", "idle", "short", "mixed", "funding", "pooled", "borrower", "broken"), 0xA11CE0
    )
}


def deployment(contracts: Mapping[str, str] = CONTRACTS) -> Deployment:
    """Three dexes: the main one, xyz in USDC, hyna in USDE."""
    dexes = [
        {"index": 0, "name": "main", "collateral": 0, "symbol": "USDC",
         "perps": [BTC, ETH, DOGE], "margin_tables": TABLES},
        {"index": 1, "name": "xyz", "collateral": 0, "symbol": "USDC", "perps": [NVDA, TSLA]},
        {"index": 2, "name": "hyna", "collateral": 235, "symbol": "USDE", "perps": [HYNA]},
    ]  # fmt: skip
    pledges = [{"token": 150, "symbol": "HYPE", "spot": 107, "supply_cap": "50000"}]
    margin = {"token": 0, "borrow_cap": "1000000", "pledges": pledges}
    settings: dict[str, Any] = {"dexes": dexes, "portfolio_margin": margin}
    return Deployment(ADAPTER.name, CHAIN, "hypercore", dict(contracts), settings)


def state() -> HyperCore:
    """BTC at 100,000, ETH at 3,000, DOGE at 0.2, NVDA at 180, TSLA at 400, hyna's coin at 25."""
    core = HyperCore(dexes=(0, 1, 2))
    core.users = {address for name, address in OWNERS.items() if name != "stranger"}
    core.perps = {
        BTC: ("BTC", 56, 5, 40, 1_000_000),
        ETH: ("ETH", 55, 4, 25, 300_000),
        DOGE: ("DOGE", 51, 0, 10, 200_000),
        NVDA: ("xyz:NVDA", 20, 3, 20, 180_000),
        TSLA: ("xyz:TSLA", 10, 3, 10, 400_000),
        HYNA: ("hyna:BTC", 5, 2, 5, 250_000),
    }
    core.tokens = {0: ("USDC", 8, 8), 150: ("HYPE", 2, 8), 235: ("USDE", 2, 8)}
    core.pairs, core.reserves = {107: 40_000_000}, {0: 0, 150: 5_000}
    _short(core)
    _mixed(core)
    _funding(core)
    _pooled(core)
    return core


def _hold(core: HyperCore, user: str, perp: int, size: int, *, entry: int | None = None,
          margin: int | None = None, leverage: int = 5) -> None:  # fmt: skip
    """A position entered at a raw price; ``margin`` (USD, 6 decimals) makes it isolated."""
    price = core.perps[perp][4] if entry is None else entry
    isolated = None if margin is None else margin - size * price
    core.positions[user, perp] = Position(size, abs(size) * price, isolated, leverage)
    if margin is None:
        dex = perp // 10_000
        core.cross[user, dex] = core.cross.get((user, dex), 0) - size * price


def _short(core: HyperCore) -> None:
    """One cross short, healthy."""
    user = OWNERS["short"]
    core.cross[user, 0] = 520 * USD
    _hold(core, user, DOGE, -12_500, entry=199_000)


def _mixed(core: HyperCore) -> None:
    """Cross and isolated on three dexes, a row of size zero, one isolated position liquidatable."""
    user = OWNERS["mixed"]
    core.cross |= {(user, 0): 30_000 * USD, (user, 1): 4_000 * USD, (user, 2): 900 * USD}
    _hold(core, user, BTC, 150_000, entry=980_000, leverage=10)
    _hold(core, user, ETH, -200_000, entry=310_000, leverage=20)
    _hold(core, user, DOGE, 40_000, entry=230_000, margin=1_300 * USD, leverage=5)
    _hold(core, user, NVDA, 60_000, entry=170_000)
    _hold(core, user, HYNA, -9_000, entry=240_000)
    core.positions[user, TSLA] = Position(0, 0, 7 * USD, 3)


def _funding(core: HyperCore) -> None:
    """Most of the margin was paid away as funding: entries look fine, the cash is gone."""
    user = OWNERS["funding"]
    core.cross[user, 0] = (40_000 - 36_500) * USD
    _hold(core, user, BTC, 200_000, leverage=20)
    _hold(core, user, ETH, 30_000, margin=(9_000 + 20_000) * USD)


def _pooled(core: HyperCore) -> None:
    """Shared balances: one of a unified account, one of a portfolio-margin account."""
    for name in ("pooled", "borrower", "broken"):
        user = OWNERS[name]
        _hold(core, user, BTC, 50_000, entry=990_000, leverage=20)
        _hold(core, user, NVDA, -10_000, entry=185_000)
        _hold(core, user, ETH, 10_000, margin=700 * USD)
        core.spot |= {(user, 0): 12_000 * 10**8, (user, 150): 1_000 * 10**8}
    core.borrowed[OWNERS["borrower"], 0] = 9_000 * 10**8


def told(core: HyperCore) -> Any:
    """How a chain with that state answers an adapter's calls."""

    def ask(call: Call[Any]) -> bytes | Failure:
        if not call.at_head:
            return Failure(Reason.RPC_UNAVAILABLE, "no_archive", "only the head is served")
        return core.frame(call.target, call.data)

    return ask


def blank(core: HyperCore, owner: str, **options: Any) -> RecordedAccount:
    """A recording to be filled, at the state's block."""
    block = BlockRef(CHAIN, core.block, "0x" + "11" * 32, core.timestamp, "latest")
    name = next((name for name, address in OWNERS.items() if address == owner), "account")
    return RecordedAccount(name, owner, block, deployment(), {}, {}, options, "")
