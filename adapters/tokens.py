"""The token registry: which asset a contract address is, and what moves its price.

``tokens.toml`` beside this file lists well-known tokens per chain; a caller can add more. An
unknown token is its own underlying, flagged, under a key that no known token can have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from ..core.book.model import Asset

__all__ = ["TokenRegistry", "bundled_tokens", "clean_symbol"]

_Kind = Literal["volatile", "stable", "lst", "usd"]


class TokenRegistry:
    """Assets by (chain, address) and, for hand-written documents, by symbol."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._by_address: dict[tuple[str, str], Asset] = {}
        self._by_key: dict[str, Asset] = {}
        for asset in assets:
            self._by_address[asset.chain_id, asset.address.lower()] = asset
            self._by_key.setdefault(asset.key.upper(), replace(asset, chain_id="", address=""))

    def at(self, chain_id: str, address: str, *, symbol: str = "", decimals: int = 18) -> Asset:
        """The asset at an address. ``symbol`` and ``decimals`` describe a token nobody knows.

        An unknown token's key is its chain and address, its underlying is itself.
        """
        known = self._by_address.get((chain_id, address.lower()))
        if known is not None:
            return known
        key = f"{chain_id}/{address.lower()}"
        shown = clean_symbol(symbol) or address
        return Asset(key, shown, key, "volatile", decimals, chain_id, address.lower(), known=False)

    def named(self, symbol: str) -> Asset:
        """The asset a hand-written document means by a symbol; unknown names are flagged."""
        if symbol.upper() == "USD":
            return Asset("USD", "USD", "USD", "usd")
        known = self._by_key.get(symbol.upper())
        return known or Asset(symbol, clean_symbol(symbol), symbol, known=False)

    def extended(self, assets: Iterable[Asset]) -> TokenRegistry:
        """A registry with these assets added; they win over what was there."""
        registry = TokenRegistry(())
        registry._by_address = dict(self._by_address)
        registry._by_key = dict(self._by_key)
        for asset in assets:
            registry._by_address[asset.chain_id, asset.address.lower()] = asset
            registry._by_key[asset.key.upper()] = replace(asset, chain_id="", address="")
        return registry


@cache
def bundled_tokens() -> TokenRegistry:
    """The registry that ships with the package."""
    text = files(__name__.rpartition(".")[0]).joinpath("tokens.toml").read_text(encoding="utf-8")
    return TokenRegistry(read_tokens(tomllib.loads(text)))


def read_tokens(document: Mapping[str, Any]) -> list[Asset]:
    """The assets of a ``tokens.toml``: one table per asset, its addresses per chain inside."""
    assets = []
    for key, entry in document.items():
        kind = cast(_Kind, entry.get("kind", "volatile"))
        for chain_id, address in entry.get("addresses", {}).items():
            decimals = int(entry.get("decimals_on", {}).get(chain_id, entry.get("decimals", 18)))
            assets.append(
                Asset(
                    key,
                    str(entry.get("symbol", key)),
                    str(entry.get("underlying", key)),
                    kind,
                    decimals,
                    chain_id,
                    str(address).lower(),
                )
            )
        if not entry.get("addresses"):
            underlying = str(entry.get("underlying", key))
            assets.append(Asset(key, key, underlying, kind, int(entry.get("decimals", 18))))
    return assets


def clean_symbol(symbol: str, limit: int = 24) -> str:
    """A token's symbol as it may be shown: printable, one line, at most ``limit`` characters."""
    return "".join(character for character in symbol[: 4 * limit] if character.isprintable())[
        :limit
    ].strip()
