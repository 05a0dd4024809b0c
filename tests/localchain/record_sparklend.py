"""Makes SparkLend's recordings: accounts of an Aave 3.0 pool, which is what SparkLend runs.

The tokens get their mainnet addresses, so that the registry knows them: a leg's name then never
depends on whether a symbol could be read.

python -m tests.localchain.record_sparklend tests/adapters/recordings/sparklend
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_abi import abi as eth_abi

from crossmargin.adapters.aave_family.maths import account_data
from crossmargin.adapters.aave_family.profile import DIRECTED
from crossmargin.adapters.aave_family.rule import AaveRule
from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.base import Deployment
from crossmargin.adapters.chain.call import Call, Contract
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, record, replay, summary
from crossmargin.adapters.venues.spark import ADAPTER
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason

from .aave_v3 import STABLE, AaveMarket, deploy_aave
from .anvil import AnvilChain
from .chain import Reverted

__all__ = ["main"]

_SOURCE = (
    "Aave v3 core of npm @aave/core-v3 1.19.3 (POOL_REVISION 1), run on a local chain, "
    "its tokens moved to their mainnet addresses"
)
_CHAIN = "eip155:1"
_MAINNET = {
    "WETH": "c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
    "wstETH": "7f39c581f595b53c5cb19bd0b3f8da6c935e2ca0",
    "WBTC": "2260fac5e5542a773aa44fbcfedf7c193bc2c599",
    "USDC": "a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48",
    "DAI": "6b175474e89094c44da98b954eedeac495271d0f",
    "LINK": "514910771af9ca656af840dff83e8264ecf986ca",
    "CRV": "d533a949740bb3306d119cc777fa900ba034cd52",
    "cbETH": "be9895146f7af43049ca1c1ae358b0541ea49704",
}
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
        made = [_recorded(market, name, owner) for name, owner in owners.items()]
    finally:
        chain.close()
    for place, recording in enumerate([*made, _directed(made[1])], start=1):
        text = json.dumps(recording.document(), indent=1) + "\n"
        (folder / f"{place}-{recording.name}.json").write_text(text)


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


def _recorded(market: AaveMarket, name: str, owner: str) -> RecordedAccount:
    header = market.chain.rpc("eth_getBlockByNumber", ["latest", False])
    number = int(header["number"], 16)
    block = BlockRef(_CHAIN, number, header["hash"], int(header["timestamp"], 16), "latest")
    contracts = {"pool_addresses_provider": checksum_address(market.provider)}
    deployment = Deployment(ADAPTER.name, _CHAIN, "main", contracts)
    blank = RecordedAccount(name, owner, block, deployment, {}, {}, {}, _SOURCE)
    return record(blank, ADAPTER, _asked(market, number))


def _asked(market: AaveMarket, block: int) -> Callable[[Call[Any]], bytes | Failure]:
    """Answers of the local chain, with the tokens' addresses exchanged both ways."""
    local = _moved(market)
    mainnet = {there: here for here, there in local.items()}

    def ask(call: Call[Any]) -> bytes | Failure:
        target = _exchanged(bytes.fromhex(call.target[2:]), mainnet)
        data = _exchanged(call.data, mainnet)
        try:
            answer = market.chain.call_raw(f"0x{target.hex()}", data, market.liquidator, block)
        except Reverted as refused:
            return Failure(Reason.CALL_REVERTED, "error", refused.reason)
        return _exchanged(answer, local)

    return ask


def _moved(market: AaveMarket) -> Mapping[bytes, bytes]:
    """Local to mainnet address of every token of the table."""
    return {
        bytes.fromhex(market.asset(symbol)[2:]): bytes.fromhex(address)
        for symbol, address in _MAINNET.items()
    }


def _exchanged(data: bytes, addresses: Mapping[bytes, bytes]) -> bytes:
    for before, after in addresses.items():
        data = data.replace(before, after)
    return data


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
