"""Storage words: what a proxy runs, read at the pinned block on both EVMs and from a recording."""

from __future__ import annotations

import asyncio

import pytest

from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.chain.call import StorageQuery
from crossmargin.adapters.chain.recorded import RecordedChain, RecordingChain
from crossmargin.api.answers import Answer
from crossmargin.api.pipeline import answer
from crossmargin.api.query import Query
from crossmargin.core.errors import Failure
from tests.localchain.world import World, open_chain

# EIP-1967: keccak256("eip1967.proxy.implementation") - 1
IMPLEMENTATION = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC


@pytest.mark.parametrize("name", ["world", "py_evm_world"])
def test_a_proxys_implementation_is_read_and_recorded(
    name: str, request: pytest.FixtureRequest
) -> None:
    """The pool's slot holds a contract's address, a token's holds 0, and a replay says the same."""
    world: World = request.getfixturevalue(name)
    pool = StorageQuery(world.aave.pool, IMPLEMENTATION)
    token = StorageQuery(world.aave.asset("WETH"), IMPLEMENTATION)

    async def read() -> None:
        chain = RecordingChain(open_chain(world.chain))
        block = await chain.pin("latest")
        replies = await chain.fetch([pool, token], block)
        await chain.aclose()
        implementation = replies.word(pool)
        assert isinstance(implementation, int)
        assert len(world.chain.rpc("eth_getCode", [f"{implementation:#042x}", "latest"])) > 1_000
        assert replies.word(token) == 0
        again = await RecordedChain(chain.recording).fetch([pool, token], block)
        assert (again.word(pool), again.word(token)) == (implementation, 0)
        other = StorageQuery(world.aave.pool, 1)
        assert isinstance(
            (await RecordedChain(chain.recording).fetch([other], block)).word(other), Failure
        )

    asyncio.run(read())


def upgrade(world: World, proxy: str) -> None:
    """Point the proxy to the same code at another address."""
    rpc, slot = world.chain.rpc, f"{IMPLEMENTATION:#066x}"
    before = rpc("eth_getStorageAt", [proxy, slot, "latest"])
    other = "0x" + "5a" * 20
    rpc("anvil_setCode", [other, rpc("eth_getCode", ["0x" + before[-40:], "latest"])])
    rpc("anvil_setStorageAt", [proxy, slot, f"{int(other, 16):#066x}"])
    world.chain.mine()


def test_an_upgraded_pool_is_noticed(world: World) -> None:
    """The portfolio names what the pool runs; after an upgrade the next answer says so."""
    owner = checksum_address(world.chain.new_account())
    world.aave.supply(owner.lower(), "WETH", 10**18)
    core = world.aave.core

    async def read() -> tuple[Answer, Answer]:
        sources = world.sources()
        before = await answer("portfolio", Query((owner,)), sources)
        upgrade(world, core.pool.address)
        after = await answer("portfolio", Query((owner,)), sources)
        for chain in sources.chains.values():
            await chain.aclose()
        return before, after

    before, after = asyncio.run(read())
    pool = f"{world.chain_id}/{checksum_address(core.pool.address)}"
    ran, runs = (each.document["implementations"][pool] for each in (before, after))
    assert ran != runs
    codes = [problem.get("code") for problem in after.document["problems"]]
    assert codes.count("implementation") == 1
    assert after.complete
