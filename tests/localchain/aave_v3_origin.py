"""The Aave 3.6 market on a local chain: the acts of ``AaveMarket`` on contracts of revision 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eth_abi.abi import encode

from .aave_v3 import AaveMarket, fund
from .aave_v3_assets import Rates, Reserve
from .aave_v3_deploy import Core, ListedReserve
from .aave_v3_origin_assets import FROZEN, MODES, PALETTE_36, RESERVES_36, Mode
from .aave_v3_origin_build import Builder
from .aave_v3_random import RandomAccount, random_accounts
from .chain import Contract, LocalChain, Receipt
from .solc import compile_own

__all__ = ["AaveOriginMarket", "deploy_aave_origin", "random_origin_accounts"]

ZERO = "0x" + "00" * 20
TREASURY = "0x" + "7e" * 20


@dataclass(frozen=True)
class AaveOriginMarket(AaveMarket):
    """A market of revision 10: no stable debt, categories with bitmaps, no price of their own."""

    def freeze(self, symbol: str) -> Receipt:
        """Freeze a reserve: LTV 0 for it, in every category that has it too."""
        return self.core.configurator.send("setReserveFreeze", self.asset(symbol), True)

    def set_ltvzero(self, symbol: str, category: int) -> Receipt:
        """Take a collateral's LTV inside one category."""
        asset = self.asset(symbol)
        return self.core.configurator.send("setAssetLtvzeroInEMode", asset, category, True)


def deploy_aave_origin(chain: LocalChain) -> AaveOriginMarket:
    """A whole market with deep liquidity in each reserve, partly lent out so that rates are real."""
    build = Builder(chain)
    core = _core(chain, build)
    reserves = _reserves(core, build)
    for mode in MODES:
        _category(core, reserves, mode)
    market = AaveOriginMarket(chain, core, reserves, {}, chain.accounts[1], chain.accounts[2])
    fund(market)
    return market


def random_origin_accounts(market: AaveOriginMarket, n: int, seed: int) -> Sequence[RandomAccount]:
    """Random accounts; afterwards the table's collaterals lose their LTV or are frozen."""
    opened = random_accounts(market, n, seed, palette=PALETTE_36)
    for mode in MODES:
        for symbol in mode.ltvzero:
            market.set_ltvzero(symbol, mode.number)
    for symbol in FROZEN:
        market.freeze(symbol)
    return opened


def _core(chain: LocalChain, build: Builder) -> Core:
    """The provider and all that it provides, with the first account as every admin."""
    admin = chain.accounts[0]
    provider = build("PoolAddressesProvider", "local", admin)
    provider.send("setACLAdmin", admin)
    acl = build("ACLManager", provider.address)
    provider.send("setACLManager", acl.address)
    acl.send("addPoolAdmin", admin)
    acl.send("addEmergencyAdmin", admin)
    oracle = build("AaveOracle", provider.address, [], [], ZERO, ZERO, 10**8)
    provider.send("setPriceOracle", oracle.address)
    strategy = build("DefaultReserveInterestRateStrategyV2", provider.address)
    pool = build("PoolInstance", provider.address, strategy.address)
    configurator = build("PoolConfiguratorInstance")
    provider.send("setPoolImpl", pool.address)
    provider.send("setPoolConfiguratorImpl", configurator.address)
    data_provider = build("AaveProtocolDataProvider", provider.address)
    provider.send("setPoolDataProvider", data_provider.address)
    return Core(
        chain,
        provider,
        Contract(chain, provider.call("getPool"), pool.artifact),
        Contract(chain, provider.call("getPoolConfigurator"), configurator.artifact),
        oracle,
        data_provider,
        acl,
    )


def _reserves(core: Core, build: Builder) -> Mapping[str, ListedReserve]:
    """All reserves of the table, initialised and configured, by symbol."""
    own, chain = compile_own(), core.chain
    tokens = [chain.deploy(own["Token"], (r.symbol, r.decimals)) for r in RESERVES_36]
    feeds = [chain.deploy(own["Feed"], (r.price,)) for r in RESERVES_36]
    core.oracle.send("setAssetSources", [t.address for t in tokens], [f.address for f in feeds])
    supply = build("ATokenInstance", core.pool.address, ZERO, TREASURY).address
    debt = build("VariableDebtTokenInstance", core.pool.address, ZERO).address
    listed = list(zip(RESERVES_36, tokens, feeds, strict=True))
    inputs = [_init_input(reserve, token.address, supply, debt) for reserve, token, _ in listed]
    core.configurator.send("initReserves", inputs)
    for reserve, token, _ in listed:
        _configure(core, reserve, token.address)
    return {
        reserve.symbol: ListedReserve(
            reserve,
            token,
            feed,
            *core.data_provider.call("getReserveTokensAddresses", token.address),
        )
        for reserve, token, feed in listed
    }


def _init_input(reserve: Reserve, token: str, supply: str, debt: str) -> tuple[object, ...]:
    names = [f"{prefix}{reserve.symbol}" for prefix in ("a", "a", "v", "v")]
    return (supply, debt, token, *names, b"", _curve(reserve.rates))


def _curve(rates: Rates) -> bytes:
    words = (rates.optimal, rates.base, rates.slope1, rates.slope2)
    return encode(["uint16", "uint32", "uint32", "uint32"], words)


def _configure(core: Core, reserve: Reserve, token: str) -> None:
    send = core.configurator.send
    if reserve.threshold:
        terms = (reserve.ltv, reserve.threshold, reserve.bonus)
        send("configureReserveAsCollateral", token, *terms)
    if reserve.debt_ceiling:
        send("setDebtCeiling", token, reserve.debt_ceiling)
    send("setReserveBorrowing", token, True)
    send("setReserveFactor", token, reserve.factor)
    send("setReserveFlashLoaning", token, True)
    if reserve.protocol_fee:
        send("setLiquidationProtocolFee", token, reserve.protocol_fee)
    if reserve.borrowable_in_isolation:
        send("setBorrowableInIsolation", token, True)


def _category(core: Core, reserves: Mapping[str, ListedReserve], mode: Mode) -> None:
    send = core.configurator.send
    label = f"category {mode.number}"
    send("setEModeCategory", mode.number, mode.ltv, mode.threshold, mode.bonus, label)
    for symbol in mode.collateral:
        send("setAssetCollateralInEMode", reserves[symbol].token.address, mode.number, True)
    for symbol in mode.borrowable:
        send("setAssetBorrowableInEMode", reserves[symbol].token.address, mode.number, True)
