"""The contracts of Aave v3.6 (POOL_REVISION 10), compiled once from the sources of its npm package."""

from __future__ import annotations

from collections.abc import Mapping

from .abi import Artifact
from .chain import Contract, LocalChain
from .node import package_file
from .solc import compile_entries

__all__ = ["Builder"]

_ENTRIES = (
    "instances/ATokenInstance",
    "instances/PoolConfiguratorInstance",
    "instances/PoolInstance",
    "instances/VariableDebtTokenInstance",
    "helpers/AaveProtocolDataProvider",
    "misc/AaveOracle",
    "misc/DefaultReserveInterestRateStrategyV2",
    "protocol/configuration/ACLManager",
    "protocol/configuration/PoolAddressesProvider",
)


class Builder:
    """Deploys a named contract, and the libraries it links once each."""

    def __init__(self, chain: LocalChain) -> None:
        self._chain = chain
        self._artifacts = _artifacts()
        self._libraries: dict[str, str] = {}

    def artifact(self, name: str) -> Artifact:
        """The compiled contract of that name."""
        return self._artifacts[name]

    def __call__(self, name: str, *args: object) -> Contract:
        """A new contract of that name."""
        artifact = self._artifacts[name]
        for library in artifact.links:
            if library not in self._libraries:
                self._libraries[library] = self(library).address
        return self._chain.deploy(artifact, args, libraries=self._libraries)


def _artifacts() -> Mapping[str, Artifact]:
    """Compiled as deployed: solc 0.8.27 for shanghai, 200 runs (some two minutes, then cached)."""
    return compile_entries(
        {
            "aave": package_file("@aave-dao/aave-v3-origin/src/contracts"),
            "openzeppelin-contracts/contracts": package_file("@openzeppelin/contracts"),
            "solidity-utils": package_file("@bgd-labs/solidity-utils/src"),
        },
        [f"aave/{entry}.sol" for entry in _ENTRIES],
        version="0.8.27",
        runs=200,
        evm="shanghai",
    )
