"""The Aave v3 market on a local chain: its contracts, and the acts of users, admins and liquidators.

Amounts are in the token's smallest unit; users need no tokens, a rich account pays in their name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .aave_v3_deploy import Core, ListedReserve, deploy_core, list_emodes, list_reserves
from .chain import Contract, LocalChain, Receipt

__all__ = ["AaveMarket", "AccountData", "deploy_aave"]

VARIABLE, STABLE = 2, 1
_RICH = 10**15  # whole tokens of each asset for the accounts that pay and liquidate
_LIQUIDITY_USD = 2_000_000_000
_NO_LIMIT = 2**256 - 1


class AccountData(NamedTuple):
    """`Pool.getUserAccountData`: base currency with 8 decimals, bps, and a health factor in wad."""

    collateral: int
    debt: int
    available_borrows: int
    liquidation_threshold: int
    ltv: int
    health_factor: int


@dataclass(frozen=True)
class AaveMarket:
    """A deployed market. `reserves` are by symbol; `emode_feeds` by category."""

    chain: LocalChain
    core: Core
    reserves: Mapping[str, ListedReserve]
    emode_feeds: Mapping[int, Contract]
    payer: str
    liquidator: str

    @property
    def provider(self) -> str:
        """The PoolAddressesProvider's address."""
        return self.core.provider.address

    @property
    def pool(self) -> str:
        """The Pool proxy's address."""
        return self.core.pool.address

    @property
    def oracle(self) -> str:
        """The AaveOracle's address."""
        return self.core.oracle.address

    @property
    def data_provider(self) -> str:
        """The AaveProtocolDataProvider's address."""
        return self.core.data_provider.address

    def asset(self, symbol: str) -> str:
        """The underlying token's address."""
        return self.reserves[symbol].token.address

    def account_data(self, user: str, block: int | None = None) -> AccountData:
        """What the pool itself says about the account."""
        return AccountData(*self.core.pool.call("getUserAccountData", user, block=block))

    def price(self, symbol: str) -> int:
        """The oracle's price, 8 decimals."""
        return int(self.core.oracle.call("getAssetPrice", self.asset(symbol)))

    def set_price(self, symbol: str, price: int) -> None:
        """Answer with this price from now on; 0 or less makes the oracle revert."""
        self.reserves[symbol].feed.send("set", price)

    def set_emode_price(self, category: int, price: int) -> None:
        """Move the common price of a category; 0 makes the pool fall back to the assets' own."""
        self.emode_feeds[category].send("set", price)

    def set_ltv(self, symbol: str, ltv: int) -> None:
        """Change the LTV of a collateral, its threshold staying."""
        terms = self.reserves[symbol].terms
        self.core.configurator.send(
            "configureReserveAsCollateral", self.asset(symbol), ltv, terms.threshold, terms.bonus
        )

    def supply(self, user: str, symbol: str, amount: int) -> Receipt:
        """Supply in the user's name."""
        return self.core.pool.send("supply", self.asset(symbol), amount, user, 0, sender=self.payer)

    def withdraw(self, user: str, symbol: str, amount: int = _NO_LIMIT) -> Receipt:
        """Withdraw, everything by default."""
        return self.core.pool.send("withdraw", self.asset(symbol), amount, user, sender=user)

    def borrow(self, user: str, symbol: str, amount: int, mode: int = VARIABLE) -> Receipt:
        """Borrow at the variable rate, or the stable one where that is on."""
        return self.core.pool.send("borrow", self.asset(symbol), amount, mode, 0, user, sender=user)

    def repay(self, user: str, symbol: str, amount: int = 2**128, mode: int = VARIABLE) -> Receipt:
        """Repay in the user's name, everything by default."""
        return self.core.pool.send(
            "repay", self.asset(symbol), amount, mode, user, sender=self.payer
        )

    def set_emode(self, user: str, category: int) -> Receipt:
        """Enter a category; 0 leaves."""
        return self.core.pool.send("setUserEMode", category, sender=user)

    def use_as_collateral(self, user: str, symbol: str, use: bool = True) -> Receipt:
        """Switch a supply on or off as collateral."""
        return self.core.pool.send(
            "setUserUseReserveAsCollateral", self.asset(symbol), use, sender=user
        )

    def liquidate(self, user: str, collateral: str, debt: str, amount: int = _NO_LIMIT) -> Receipt:
        """Liquidate by symbols, as much as the close factor lets by default."""
        return self.core.pool.send(
            "liquidationCall", self.asset(collateral), self.asset(debt), user, amount, False,
            sender=self.liquidator,
        )  # fmt: skip


def deploy_aave(chain: LocalChain, stable_borrowing: bool = False) -> AaveMarket:
    """A whole market with deep liquidity in each reserve, partly lent out so that rates are real."""
    core = deploy_core(chain)
    reserves = list_reserves(core, stable_borrowing)
    feeds = list_emodes(core, reserves)
    payer, liquidator = chain.accounts[1], chain.accounts[2]
    market = AaveMarket(chain, core, reserves, feeds, payer, liquidator)
    for listed in reserves.values():
        for rich in (payer, liquidator):
            listed.token.send("mint", rich, _RICH * 10**listed.terms.decimals)
            listed.token.send("approve", core.pool.address, _NO_LIMIT, sender=rich)
    for symbol, listed in reserves.items():
        market.supply(payer, symbol, _liquidity(listed))
    for symbol, listed in reserves.items():
        market.borrow(payer, symbol, _liquidity(listed) * listed.terms.used // 10_000)
    return market


def _liquidity(listed: ListedReserve) -> int:
    return int(_LIQUIDITY_USD * 10**8 * 10**listed.terms.decimals // listed.terms.price)
