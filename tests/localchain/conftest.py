"""The local-chain fixtures, for the tests in this folder."""

from .fixtures import (
    aave,
    aave_anvil,
    anvil,
    anvil_process,
    eth_tester_chain,
    eth_tester_process,
    local_chain,
    morpho,
    morpho_anvil,
    node_packages,
)

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
