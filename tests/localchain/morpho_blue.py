"""Morpho Blue on a local chain: the singleton compiled from its npm package, and seven markets.

Amounts are in the token's smallest unit. Collateral is one unit of the collateral token in the loan
token's unit, scaled by 1e36 (`price`). Users need no tokens, a rich account pays in their name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from eth_abi.abi import encode
from eth_hash.auto import keccak

from .chain import Contract, LocalChain, Receipt, Reverted
from .node import package_file
from .solc import compile_folder, compile_own

__all__ = [
    "MARKETS",
    "MarketTerms",
    "MorphoMarket",
    "MorphoPosition",
    "MorphoVenue",
    "deploy_morpho",
]

ZERO = "0x" + "00" * 20
WAD = 10**18
_RICH = 10**15
_NO_LIMIT = 2**256 - 1
_DEPTH_USD = 500_000_000
_LENT_BPS = 7_500


class MarketTerms(NamedTuple):
    """One market of the table: tokens by symbol, LLTV and fee in wad; without an IRM no interest."""

    loan: str
    collateral: str
    lltv: int
    fee: int = 0
    with_irm: bool = True


DECIMALS = {"USDC": 6, "WBTC": 8, "WETH": 18, "wstETH": 18, "DAI": 18}
USD = {"USDC": 1.0, "WBTC": 91_234.5, "WETH": 3_000.0, "wstETH": 3_512.3456789, "DAI": 1.00012345}

MARKETS = (
    MarketTerms("USDC", "WBTC", 860_000_000_000_000_000, fee=10**17),
    MarketTerms("USDC", "wstETH", 860_000_000_000_000_000),
    MarketTerms("WETH", "wstETH", 945_000_000_000_000_000, fee=25 * 10**16),
    MarketTerms("WBTC", "USDC", 770_000_000_000_000_000),
    MarketTerms("DAI", "WETH", 625_000_000_000_000_000, fee=10**15),
    MarketTerms("USDC", "DAI", 965_000_000_000_000_000),
    MarketTerms("WBTC", "WETH", 385_000_000_000_000_000, with_irm=False),
)


class MorphoPosition(NamedTuple):
    """`Morpho.position`."""

    supply_shares: int
    borrow_shares: int
    collateral: int


@dataclass(frozen=True)
class MorphoMarket:
    """A created market; `params` is the tuple that each function of Morpho takes."""

    terms: MarketTerms
    id: bytes
    params: tuple[str, str, str, str, int]
    oracle: Contract


@dataclass(frozen=True)
class MorphoVenue:
    """The singleton with its markets; the first account owns it and the fourth earns the fees."""

    chain: LocalChain
    morpho: Contract
    irm: Contract
    tokens: Mapping[str, Contract]
    markets: Sequence[MorphoMarket]
    payer: str
    liquidator: str

    @property
    def address(self) -> str:
        """The singleton's address."""
        return self.morpho.address

    def position(self, market: MorphoMarket, user: str, block: int | None = None) -> MorphoPosition:
        """The user's shares and collateral."""
        return MorphoPosition(*self.morpho.call("position", market.id, user, block=block))

    def totals(self, market: MorphoMarket, block: int | None = None) -> tuple[int, ...]:
        """Supply assets and shares, borrow assets and shares, last update, fee; as stored."""
        return tuple(self.morpho.call("market", market.id, block=block))

    def price(self, market: MorphoMarket) -> int:
        """The oracle's price."""
        return int(market.oracle.call("price"))

    def set_price(self, market: MorphoMarket, price: int) -> None:
        """Answer with this price from now on."""
        market.oracle.send("setPrice", price)

    def supply(self, market: MorphoMarket, user: str, assets: int) -> Receipt:
        """Lend in the user's name."""
        return self.morpho.send("supply", market.params, assets, 0, user, b"", sender=self.payer)

    def supply_collateral(self, market: MorphoMarket, user: str, assets: int) -> Receipt:
        """Post collateral in the user's name."""
        return self.morpho.send(
            "supplyCollateral", market.params, assets, user, b"", sender=self.payer
        )

    def borrow(self, market: MorphoMarket, user: str, assets: int) -> Receipt:
        """Borrow to the user."""
        return self.morpho.send("borrow", market.params, assets, 0, user, user, sender=user)

    def repay(self, market: MorphoMarket, user: str, assets: int = 0, shares: int = 0) -> Receipt:
        """Repay in the user's name, by assets or by shares."""
        return self.morpho.send(
            "repay", market.params, assets, shares, user, b"", sender=self.payer
        )

    def withdraw(self, market: MorphoMarket, user: str, assets: int) -> Receipt:
        """Take back what was lent."""
        return self.morpho.send("withdraw", market.params, assets, 0, user, user, sender=user)

    def withdraw_collateral(self, market: MorphoMarket, user: str, assets: int) -> Receipt:
        """Take back collateral."""
        return self.morpho.send(
            "withdrawCollateral", market.params, assets, user, user, sender=user
        )

    def accrue(self, market: MorphoMarket) -> Receipt:
        """Write the interest up to now."""
        return self.morpho.send("accrueInterest", market.params)

    def liquidate(
        self, market: MorphoMarket, borrower: str, repaid_shares: int = 0, seized: int = 0
    ) -> Receipt:
        """Liquidate by repaid shares or by seized collateral."""
        args = (market.params, borrower, seized, repaid_shares, b"")
        return self.morpho.send("liquidate", *args, sender=self.liquidator)

    def simulate_liquidate(
        self, market: MorphoMarket, borrower: str, repaid_shares: int = 1, block: int | None = None
    ) -> tuple[bool, str]:
        """Whether `liquidate` would pass, by `eth_call`, and the words of the refusal if not.

        Healthy is exactly "position is healthy": repaying more than the collateral is worth fails
        with a panic 0x11 although the position is unhealthy.
        """
        args = (market.params, borrower, 0, repaid_shares, b"")
        try:
            self.morpho.call("liquidate", *args, sender=self.liquidator, block=block)
        except Reverted as refused:
            return False, refused.reason
        return True, ""


def deploy_morpho(
    chain: LocalChain,
    via_ir: bool = False,
    tokens: Mapping[str, Contract] | None = None,
) -> MorphoVenue:
    """The singleton, its IRM, and the markets of the table with three quarters lent out.

    `tokens` are existing mintable ones by symbol, so that another venue can hold them too.
    `via_ir` compiles as the deployed singleton was: the same arithmetic, some ten seconds slower once.
    """
    built = compile_folder(
        package_file("@morpho-org/morpho-blue/src"), version="0.8.19", runs=999_999, via_ir=via_ir
    )
    morpho = chain.deploy(built["Morpho"], (chain.accounts[0],))
    irm = chain.deploy(built["IrmMock"])
    if tokens is None:
        token = compile_own()["Token"]
        tokens = {one: chain.deploy(token, (one, DECIMALS[one])) for one in DECIMALS}
    for one in (irm.address, ZERO):
        morpho.send("enableIrm", one)
    for lltv in dict.fromkeys(terms.lltv for terms in MARKETS):
        morpho.send("enableLltv", lltv)
    morpho.send("setFeeRecipient", chain.accounts[3])
    created: list[MorphoMarket] = []
    venue = MorphoVenue(chain, morpho, irm, tokens, created, chain.accounts[1], chain.accounts[2])
    for symbol in tokens:
        for rich in (venue.payer, venue.liquidator):
            tokens[symbol].send("mint", rich, _RICH * 10 ** DECIMALS[symbol])
            tokens[symbol].send("approve", morpho.address, _NO_LIMIT, sender=rich)
    for terms in MARKETS:
        oracle = chain.deploy(built["OracleMock"])
        created.append(_create(venue, terms, oracle))
    return venue


def _create(venue: MorphoVenue, terms: MarketTerms, oracle: Contract) -> MorphoMarket:
    params = (
        venue.tokens[terms.loan].address,
        venue.tokens[terms.collateral].address,
        oracle.address,
        venue.irm.address if terms.with_irm else ZERO,
        terms.lltv,
    )
    market_id = keccak(encode(["address", "address", "address", "address", "uint256"], params))
    market = MorphoMarket(terms, market_id, params, oracle)
    venue.morpho.send("createMarket", params)
    if terms.fee:
        venue.morpho.send("setFee", params, terms.fee)
    venue.set_price(market, listed_price(terms))
    depth = units(terms.loan, _DEPTH_USD)
    venue.supply(market, venue.payer, depth)
    venue.supply_collateral(market, venue.payer, units(terms.collateral, 4 * _DEPTH_USD))
    venue.borrow(market, venue.payer, depth * _LENT_BPS // 10_000)
    return market


def units(symbol: str, usd: float) -> int:
    """Token units worth that many dollars at the table's prices."""
    return int(usd / USD[symbol] * 10 ** DECIMALS[symbol])


def listed_price(terms: MarketTerms) -> int:
    """The opening oracle price: 36 + loan decimals - collateral decimals digits."""
    scale = 36 + DECIMALS[terms.loan] - DECIMALS[terms.collateral]
    ratio: int = int(USD[terms.collateral] / USD[terms.loan] * 10**12)
    zeros: int = 10 ** (scale - 12)
    return ratio * zeros
