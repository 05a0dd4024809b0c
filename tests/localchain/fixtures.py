"""Fixtures for tests on a local chain; without Node they skip with one line that says what to do.

Starting is shared by the session, state is not: each test's transactions are taken back at its end.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .aave_v3 import AaveMarket, deploy_aave
from .anvil import AnvilChain
from .chain import LocalChain
from .eth_tester_chain import EthTesterChain
from .morpho_blue import MorphoVenue, deploy_morpho
from .multicall3 import MULTICALL3, multicall3_runtime
from .node import NodeMissing, packages

__all__ = [
    "aave",
    "aave_anvil",
    "anvil",
    "anvil_process",
    "eth_tester_chain",
    "eth_tester_process",
    "local_chain",
    "morpho",
    "morpho_anvil",
    "node_packages",
]


@pytest.fixture(scope="session")
def node_packages() -> None:
    """Skips unless the npm packages are there or can be fetched."""
    try:
        packages()
    except NodeMissing as missing:
        pytest.skip(f"no local chain: {missing}")


@pytest.fixture(scope="session")
def anvil_process(node_packages: None) -> Iterator[AnvilChain]:
    """An empty anvil for the session; use `anvil`."""
    yield from _started()


@pytest.fixture
def anvil(anvil_process: AnvilChain) -> Iterator[AnvilChain]:
    """An empty anvil chain."""
    with anvil_process.undone():
        yield anvil_process


@pytest.fixture(scope="session")
def eth_tester_process(node_packages: None) -> EthTesterChain:
    """An empty py-evm chain for the session; use `eth_tester_chain`."""
    return EthTesterChain({MULTICALL3: multicall3_runtime()})


@pytest.fixture
def eth_tester_chain(eth_tester_process: EthTesterChain) -> Iterator[EthTesterChain]:
    """An empty py-evm chain."""
    with eth_tester_process.undone():
        yield eth_tester_process


@pytest.fixture(params=["anvil", "eth_tester_chain"])
def local_chain(request: pytest.FixtureRequest) -> LocalChain:
    """Each kind of chain in turn."""
    chain: LocalChain = request.getfixturevalue(request.param)
    return chain


@pytest.fixture(scope="session")
def aave_anvil(node_packages: None) -> Iterator[AaveMarket]:
    """The Aave market on an anvil of its own, stable borrowing on; use `aave`."""
    for chain in _started():
        yield deploy_aave(chain, stable_borrowing=True)


@pytest.fixture
def aave(aave_anvil: AaveMarket) -> Iterator[AaveMarket]:
    """A freshly deployed Aave market."""
    with aave_anvil.chain.undone():
        yield aave_anvil


@pytest.fixture(scope="session")
def morpho_anvil(node_packages: None) -> Iterator[MorphoVenue]:
    """Morpho on an anvil of its own; use `morpho`."""
    for chain in _started():
        yield deploy_morpho(chain)


@pytest.fixture
def morpho(morpho_anvil: MorphoVenue) -> Iterator[MorphoVenue]:
    """A freshly deployed Morpho."""
    with morpho_anvil.chain.undone():
        yield morpho_anvil


def _started() -> Iterator[AnvilChain]:
    chain = AnvilChain()
    yield chain
    chain.close()
