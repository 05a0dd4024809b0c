"""Deployment of the whole Aave v3 core (POOL_REVISION 1) from the artifacts of its npm package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .aave_v3_assets import EMODES, RESERVES, EMode, Rates, Reserve
from .abi import Artifact, load_artifact
from .chain import Contract, LocalChain
from .node import package_file
from .solc import compile_own

__all__ = ["Core", "ListedReserve", "deploy_core", "list_emodes", "list_reserves"]

ZERO = "0x" + "00" * 20
_RAY_PER_BPS = 10**23
_FOLDERS = {
    "AaveOracle": "misc",
    "AaveProtocolDataProvider": "misc",
    "ACLManager": "protocol/configuration",
    "PoolAddressesProvider": "protocol/configuration",
    "Pool": "protocol/pool",
    "PoolConfigurator": "protocol/pool",
    "DefaultReserveInterestRateStrategy": "protocol/pool",
    "AToken": "protocol/tokenization",
    "StableDebtToken": "protocol/tokenization",
    "VariableDebtToken": "protocol/tokenization",
}


@dataclass(frozen=True)
class Core:
    """The market's contracts; `pool` and `configurator` are the proxies."""

    chain: LocalChain
    provider: Contract
    pool: Contract
    configurator: Contract
    oracle: Contract
    data_provider: Contract
    acl: Contract


@dataclass(frozen=True)
class ListedReserve:
    """A reserve with its token, feed and the three tokens Aave made for it."""

    terms: Reserve
    token: Contract
    feed: Contract
    a_token: str
    stable_debt: str
    variable_debt: str


def deploy_core(chain: LocalChain) -> Core:
    """The provider and all that it provides, with the first account as every admin."""
    admin = chain.accounts[0]
    build = _Builder(chain)
    provider = build("PoolAddressesProvider", "local", admin)
    data_provider = build("AaveProtocolDataProvider", provider.address)
    provider.send("setPoolDataProvider", data_provider.address)
    provider.send("setACLAdmin", admin)
    acl = build("ACLManager", provider.address)
    provider.send("setACLManager", acl.address)
    acl.send("addPoolAdmin", admin)
    acl.send("addEmergencyAdmin", admin)
    oracle = build("AaveOracle", provider.address, [], [], ZERO, ZERO, 10**8)
    provider.send("setPriceOracle", oracle.address)
    pool = build("Pool", provider.address)
    configurator = build("PoolConfigurator")
    provider.send("setPoolImpl", pool.address)
    provider.send("setPoolConfiguratorImpl", configurator.address)
    return Core(
        chain,
        provider,
        Contract(chain, provider.call("getPool"), pool.artifact),
        Contract(chain, provider.call("getPoolConfigurator"), configurator.artifact),
        oracle,
        data_provider,
        acl,
    )


def list_reserves(core: Core, stable_borrowing: bool) -> Mapping[str, ListedReserve]:
    """All reserves of the table, initialised and configured, by symbol."""
    build, own = _Builder(core.chain), compile_own()
    tokens = [core.chain.deploy(own["Token"], (r.symbol, r.decimals)) for r in RESERVES]
    feeds = [core.chain.deploy(own["Feed"], (r.price,)) for r in RESERVES]
    core.oracle.send("setAssetSources", [t.address for t in tokens], [f.address for f in feeds])
    implementations = [
        build(name, core.pool.address).address
        for name in ("AToken", "StableDebtToken", "VariableDebtToken")
    ]
    strategies = {
        rates: build("DefaultReserveInterestRateStrategy", core.provider.address, *_curve(rates))
        for rates in dict.fromkeys(r.rates for r in RESERVES)
    }
    inputs = [
        _init_input(reserve, token.address, strategies[reserve.rates].address, implementations)
        for reserve, token in zip(RESERVES, tokens, strict=True)
    ]
    core.configurator.send("initReserves", inputs)
    for reserve, token in zip(RESERVES, tokens, strict=True):
        _configure(core, reserve, token.address, stable_borrowing)
    return {
        reserve.symbol: ListedReserve(
            reserve,
            token,
            feed,
            *core.data_provider.call("getReserveTokensAddresses", token.address),
        )
        for reserve, token, feed in zip(RESERVES, tokens, feeds, strict=True)
    }


def list_emodes(core: Core, reserves: Mapping[str, ListedReserve]) -> Mapping[int, Contract]:
    """The categories, with their assets; returns the feeds of those that have a price of their own."""
    feeds = {}
    for emode in EMODES:
        source = ZERO
        if emode.price is not None:
            source = f"0x{0xE0DE0000 + emode.number:040x}"
            feeds[emode.number] = core.chain.deploy(compile_own()["Feed"], (emode.price,))
            core.oracle.send("setAssetSources", [source], [feeds[emode.number].address])
        core.configurator.send("setEModeCategory", *_emode_terms(emode), source, emode.label)
    for listed in reserves.values():
        if listed.terms.emode:
            core.configurator.send(
                "setAssetEModeCategory", listed.token.address, listed.terms.emode
            )
    return feeds


class _Builder:
    """Deploys a named artifact, and the libraries it links once each."""

    def __init__(self, chain: LocalChain) -> None:
        self._chain = chain
        self._libraries: dict[str, str] = {}

    def __call__(self, name: str, *args: object) -> Contract:
        """A new contract of that name."""
        artifact = _artifact(name)
        for library in artifact.links:
            if library not in self._libraries:
                self._libraries[library] = self(library).address
        return self._chain.deploy(artifact, args, libraries=self._libraries)


def _artifact(name: str) -> Artifact:
    folder = _FOLDERS.get(name, "protocol/libraries/logic")
    return load_artifact(
        package_file(f"@aave/core-v3/artifacts/contracts/{folder}/{name}.sol/{name}.json")
    )


def _curve(rates: Rates) -> list[int]:
    """The strategy's arguments: the curve, then a stable rate a little above the variable one."""
    stable = [rates.slope1 // 5, rates.slope2, 100, 800, 2_000]
    return [
        bps * _RAY_PER_BPS
        for bps in (rates.optimal, rates.base, rates.slope1, rates.slope2, *stable)
    ]


def _init_input(
    reserve: Reserve, token: str, strategy: str, implementations: Sequence[str]
) -> tuple[object, ...]:
    names = [f"{prefix}{reserve.symbol}" for prefix in ("a", "a", "v", "v", "s", "s")]
    treasury = "0x" + "7e" * 20
    return (
        *implementations, reserve.decimals, strategy, token, treasury, ZERO, *names, b"",
    )  # fmt: skip


def _configure(core: Core, reserve: Reserve, token: str, stable_borrowing: bool) -> None:
    send = core.configurator.send
    if reserve.threshold:
        terms = (reserve.ltv, reserve.threshold, reserve.bonus)
        send("configureReserveAsCollateral", token, *terms)
    if reserve.debt_ceiling:
        send("setDebtCeiling", token, reserve.debt_ceiling)
    send("setReserveBorrowing", token, True)
    if stable_borrowing and reserve.threshold:
        send("setReserveStableRateBorrowing", token, True)
    send("setReserveFactor", token, reserve.factor)
    send("setReserveFlashLoaning", token, True)
    if reserve.protocol_fee:
        send("setLiquidationProtocolFee", token, reserve.protocol_fee)
    if reserve.borrowable_in_isolation:
        send("setBorrowableInIsolation", token, True)


def _emode_terms(emode: EMode) -> tuple[int, int, int, int]:
    return emode.number, emode.ltv, emode.threshold, emode.bonus
