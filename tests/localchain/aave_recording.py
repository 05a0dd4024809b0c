"""Recording an account of a local Aave market as if it stood on mainnet.

The tokens get their mainnet addresses, so that the registry knows them: a leg's name then never
depends on whether a symbol could be read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.base import Adapter, Deployment
from crossmargin.adapters.chain.call import Call
from crossmargin.adapters.recordings import RecordedAccount, record
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason

from .aave_v3 import AaveMarket
from .chain import Reverted

__all__ = ["keep", "recorded"]

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


def keep(folder: Path, recordings: Iterable[RecordedAccount]) -> None:
    """Write the recordings, numbered in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, recording in enumerate(recordings, start=1):
        text = json.dumps(recording.document(), indent=1) + "\n"
        (folder / f"{place}-{recording.name}.json").write_text(text)


def recorded(
    market: AaveMarket, adapter: Adapter, name: str, owner: str, source: str
) -> RecordedAccount:
    """The account at the chain's latest block, as the adapter reads it."""
    header = market.chain.rpc("eth_getBlockByNumber", ["latest", False])
    number = int(header["number"], 16)
    block = BlockRef(_CHAIN, number, header["hash"], int(header["timestamp"], 16), "latest")
    contracts = {"pool_addresses_provider": checksum_address(market.provider)}
    deployment = Deployment(adapter.name, _CHAIN, "main", contracts)
    blank = RecordedAccount(name, owner, block, deployment, {}, {}, {}, source)
    return record(blank, adapter, _asked(market, number))


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
        if symbol in market.reserves
    }


def _exchanged(data: bytes, addresses: Mapping[bytes, bytes]) -> bytes:
    for before, after in addresses.items():
        data = data.replace(before, after)
    return data
