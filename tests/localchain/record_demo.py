"""Makes the demo's recording: a wallet on real contracts while ETH falls 30% and recovers.

python -m tests.localchain.record_demo api/demo/recording.json.gz           reads it all again
python -m tests.localchain.record_demo api/demo/recording.json.gz --answer  only answers it again
"""

from __future__ import annotations

import asyncio
import math
import sys
from dataclasses import replace
from pathlib import Path

from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.chain.evidence import Bundle, load_bundle, save_bundle
from crossmargin.adapters.facts import Facts
from crossmargin.api.evidence import record, reopen
from crossmargin.api.pipeline import answer
from crossmargin.api.query import Query

from .anvil import AnvilChain
from .world import World, deploy_world

__all__ = ["answer_again", "record_demo"]

_BLOCKS = 48
_SECONDS_A_BLOCK = 1_800
_WAD = 10**18
_USDC = 10**6
_ETH_TOP, _FALL = 3_000.0, 0.30
_OWNER = "0xDe30000000000000000000000000000000000001"
_SHOP = "0xDe30000000000000000000000000000000000002"


def eth_path(step: int) -> float:
    """ETH in USD at a block: flat, a fall of 30% by the middle, back by the end."""
    phase = min(1.0, max(0.0, (step - 3) / (_BLOCKS - 7)))
    return _ETH_TOP * (1 - _FALL * math.sin(math.pi * phase) ** 2)


async def record_demo(path: Path) -> None:
    """Run the local chain block by block and keep what the adapters read."""
    chain = AnvilChain()
    try:
        world = deploy_world(chain)
        owner = _open_positions(world)
        bundle = await _record(world, owner)
    finally:
        chain.close()
    save_bundle(bundle, path)


def _open_positions(world: World) -> str:
    """Collateral in two tokens and a debt on Aave, a second loan on Morpho, most of both spent."""
    owner = _OWNER.lower()
    world.chain.rpc("anvil_setBalance", [owner, hex(_WAD // 2)])
    world.aave.supply(owner, "WETH", 10 * _WAD)
    world.aave.supply(owner, "wstETH", 4 * _WAD)
    world.aave.supply(owner, "USDC", 2_000 * _USDC)
    world.aave.borrow(owner, "USDC", 29_000 * _USDC)
    market = world.market("DAI", "WETH")
    world.morpho.supply_collateral(market, owner, 8 * _WAD)
    world.morpho.borrow(market, owner, 10_400 * _WAD)
    for symbol, spent in (("USDC", 27_500 * _USDC), ("DAI", 10_000 * _WAD)):
        world.aave.reserves[symbol].token.send("transfer", _SHOP, spent, sender=owner)
    return owner


async def _record(world: World, owner: str) -> Bundle:
    query = Query((checksum_address(owner),))
    evidence = record("health", query, world.sources())
    last = None
    for step in range(_BLOCKS):
        _move_prices(world, eth_path(step))
        # Once as a process that knows nothing yet reads it, once as one that has read before.
        last = await answer("health", query, replace(evidence.sources, facts=Facts()))
        await answer("health", query, evidence.sources)
    for opened in evidence.sources.chains.values():
        await opened.aclose()
    assert last is not None
    return replace(evidence.bundle(), answer=last.text.decode())


def _move_prices(world: World, eth: float) -> None:
    """One step in time with ETH and what follows it at this price, at both venues."""
    world.chain.increase_time(_SECONDS_A_BLOCK)
    world.aave.set_price("WETH", int(eth * 10**8))
    world.aave.set_price("wstETH", int(eth * 1.1708 * 10**8))
    world.aave.set_price("cbETH", int(eth * 1.0923 * 10**8))
    market = world.market("DAI", "WETH")
    world.morpho.set_price(market, int(eth * 10**12) * 10**24)


async def answer_again(path: Path) -> None:
    """Keep the recording and store the answer that the present code gives."""
    bundle = load_bundle(path)
    kind, query, sources = reopen(bundle)
    given = await answer(kind, query, sources)
    save_bundle(replace(bundle, answer=given.text.decode()), path)


if __name__ == "__main__":
    job = answer_again if "--answer" in sys.argv[2:] else record_demo
    asyncio.run(job(Path(sys.argv[1])))
