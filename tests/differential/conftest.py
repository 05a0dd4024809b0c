"""Both venues on one chain; without Node every test here skips with a line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localchain.anvil import AnvilChain
from tests.localchain.eth_tester_chain import EthTesterChain
from tests.localchain.fixtures import (
    eth_tester_process,
    morpho,
    morpho_anvil,
    node_packages,
)
from tests.localchain.world import World, deploy_world

__all__ = [
    "eth_tester_process",
    "morpho",
    "morpho_anvil",
    "node_packages",
    "py_evm_world",
    "world",
    "world_anvil",
]


@pytest.fixture(scope="session")
def world_anvil(node_packages: None) -> Iterator[World]:
    """Aave with stable borrowing and Morpho on one anvil; use `world`."""
    chain = AnvilChain()
    yield deploy_world(chain, stable_borrowing=True)
    chain.close()


@pytest.fixture
def world(world_anvil: World) -> Iterator[World]:
    """Both venues as freshly deployed."""
    with world_anvil.chain.undone():
        yield world_anvil


@pytest.fixture
def py_evm_world(eth_tester_process: EthTesterChain) -> Iterator[World]:
    """Both venues on the other EVM."""
    with eth_tester_process.undone():
        yield deploy_world(eth_tester_process, stable_borrowing=True)
