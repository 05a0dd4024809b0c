"""Both venues of a wallet on one chain, holding the same tokens, read by the product itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from crossmargin.adapters.base import Deployment
from crossmargin.adapters.chain.client import Chain, RpcChain
from crossmargin.adapters.chain.tester import EthTesterTransport
from crossmargin.adapters.chain.transport import HttpTransport, Transport
from crossmargin.api.reading import Sources
from crossmargin.api.sources import open_sources
from crossmargin.core.book.model import Asset

from .aave_v3 import AaveMarket, deploy_aave
from .anvil import AnvilChain
from .chain import LocalChain
from .eth_tester_chain import EthTesterChain
from .morpho_blue import DECIMALS, MorphoMarket, MorphoVenue, deploy_morpho

__all__ = ["World", "aave_sources", "deploy_world", "open_chain", "tokens_of"]

_KINDS = {"USDC": "stable", "DAI": "stable", "GUSD": "stable", "wstETH": "lst", "cbETH": "lst"}
_UNDERLYINGS = {"WETH": "ETH", "wstETH": "ETH", "cbETH": "ETH", "WBTC": "BTC"}


@dataclass(frozen=True)
class World:
    """An Aave market and a Morpho singleton over the same tokens."""

    chain: LocalChain
    aave: AaveMarket
    morpho: MorphoVenue

    @property
    def chain_id(self) -> str:
        """The chain in CAIP-2 form."""
        return f"eip155:{self.chain.chain_id}"

    def market(self, loan: str, collateral: str) -> MorphoMarket:
        """The Morpho market of that pair."""
        pair = (loan, collateral)
        return next(m for m in self.morpho.markets if (m.terms.loan, m.terms.collateral) == pair)

    def deployments(self) -> list[Deployment]:
        """Where the two venues run, as a deployments file would say."""
        ids = ["0x" + market.id.hex() for market in self.morpho.markets]
        provider = {"pool_addresses_provider": self.aave.provider}
        return [
            Deployment("aave-v3", self.chain_id, "local", provider),
            Deployment(
                "morpho-blue",
                self.chain_id,
                "local",
                {"morpho": self.morpho.address},
                {"markets": ids, "start_block": 0},
            ),
        ]

    def tokens(self) -> list[Asset]:
        """The tokens that a registry would know."""
        return tokens_of(self.aave)

    def sources(self, chain: Chain | None = None) -> Sources:
        """The product's sources over this world, cold."""
        opened = chain or open_chain(self.chain)
        bare = open_sources({self.chain_id: opened})
        tokens = tuple(self.tokens())
        return replace(bare, deployments=self.deployments()).with_tokens(tokens)


def tokens_of(market: AaveMarket) -> list[Asset]:
    """The market's tokens as a registry would know them."""
    return [
        Asset(
            symbol,
            symbol,
            _UNDERLYINGS.get(symbol, symbol),
            _KINDS.get(symbol, "volatile"),  # type: ignore[arg-type]
            listed.terms.decimals,
            f"eip155:{market.chain.chain_id}",
            listed.token.address.lower(),
        )
        for symbol, listed in market.reserves.items()
    ]


def aave_sources(market: AaveMarket) -> Sources:
    """The product's sources over one Aave market alone, cold."""
    chain = open_chain(market.chain)
    provider = {"pool_addresses_provider": market.provider}
    deployment = Deployment("aave-v3", chain.chain_id, "local", provider)
    bare = replace(open_sources({chain.chain_id: chain}), deployments=[deployment])
    return bare.with_tokens(tuple(tokens_of(market)))


def open_chain(chain: LocalChain) -> Chain:
    """The product's chain client over a local chain."""
    transport: Transport
    if isinstance(chain, EthTesterChain):
        transport = EthTesterTransport(chain.tester)
    else:
        assert isinstance(chain, AnvilChain)
        transport = HttpTransport(chain.url)
    return RpcChain(
        f"eip155:{chain.chain_id}", [transport], multicall=chain.multicall3, budget_seconds=60.0
    )


def deploy_world(chain: LocalChain, stable_borrowing: bool = False) -> World:
    """Both venues on one chain, with the same tokens."""
    aave = deploy_aave(chain, stable_borrowing)
    tokens = {symbol: aave.reserves[symbol].token for symbol in DECIMALS}
    return World(chain, aave, deploy_morpho(chain, tokens=tokens))
