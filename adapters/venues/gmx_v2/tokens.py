"""What the tokens of GMX's markets are: symbols, decimals, and the economic underlying of an index.

A name is never taken from what a token says of itself: it is listed, or it is proven by the address
of a synthetic token, which is the hash of chain number and symbol. Any other token is its own
underlying, flagged, as in the token registry.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from ....core.book.model import Asset
from ...tokens import TokenRegistry
from .keys import synthetic_token

__all__ = ["GmxToken", "index_asset", "listed", "token_of"]


@dataclass(frozen=True, slots=True)
class GmxToken:
    """A token of a market: how it is shown, its scale (None: not known) and what moves it.

    ``asset`` is the token itself, as collateral; ``underlying`` what a perpetual on it is of.
    """

    address: str
    symbol: str
    decimals: int | None
    underlying: str
    asset: Asset


@dataclass(frozen=True, slots=True)
class _Listed:
    symbol: str
    decimals: int | None
    underlying: str


def listed(chain_id: str, address: str) -> tuple[str, int | None] | None:
    """The symbol and decimals of a token that we know by its address; None for others."""
    known = _known(chain_id).get(address.lower())
    return None if known is None else (known.symbol, known.decimals)


def token_of(
    registry: TokenRegistry, chain_id: str, address: str, decimals: int | None = None
) -> GmxToken:
    """The token at an address; ``decimals`` are what was read where nobody lists them."""
    known = _known(chain_id).get(address.lower())
    symbol = "" if known is None else known.symbol
    if known is not None and known.decimals is not None:
        decimals = known.decimals
    asset = registry.at(chain_id, address, symbol=symbol, decimals=decimals or 0)
    if asset.known:
        decimals = asset.decimals
    underlying = asset.underlying if asset.known or known is None else known.underlying
    return GmxToken(address.lower(), symbol or asset.symbol, decimals, underlying, asset)


def index_asset(registry: TokenRegistry, token: GmxToken) -> Asset:
    """The asset under whose name the index's price is given: the underlying itself."""
    if token.underlying == token.asset.key:
        return token.asset
    named = registry.named(token.underlying)
    return named if token.decimals is None else replace(named, decimals=token.decimals)


@cache
def _known(chain_id: str) -> Mapping[str, _Listed]:
    """Every token of a chain that has a name, by address."""
    number, tables = int(chain_id.rpartition(":")[2]), _tables()
    found = {}
    for table in tables.values():
        for symbol in table["synthetic"]:
            found[synthetic_token(number, symbol)] = _Listed(symbol, None, symbol)
    own = tables.get(chain_id, {"synthetic": {}, "tokens": {}})
    for symbol, decimals in own["synthetic"].items():
        found[synthetic_token(number, symbol)] = _Listed(symbol, int(decimals), symbol)
    for symbol, token in own["tokens"].items():
        address, decimals = str(token["address"]).lower(), int(token["decimals"])
        found[address] = _Listed(symbol, decimals, str(token.get("underlying", symbol)))
    return found


@cache
def _tables() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    text = files(__name__.rpartition(".")[0]).joinpath("tokens.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
