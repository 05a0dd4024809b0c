"""The token registry: which asset a contract address is, and what moves its price.

``tokens.toml`` beside this file lists well-known tokens per chain, ``receipts.toml`` the shares that
redeem for one of them; a caller can add more. An unknown token is its own underlying, flagged,
under a key that no known token can have.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from ..core.book.model import Asset

__all__ = ["Receipt", "TokenRegistry", "bundled_tokens", "clean_symbol"]

_Kind = Literal["volatile", "stable", "lst", "usd"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """A token that redeems for another; ``kind`` says how to ask how much of it.

    ``erc4626`` is a share, whose contract also says which token it is; ``steth`` is Lido's stETH,
    which wraps freely into ``of``. ``of`` is the key of a token on the same chain.
    """

    asset: Asset
    of: str
    kind: Literal["erc4626", "steth"] = "erc4626"


class TokenRegistry:
    """Assets by (chain, address) and, for hand-written documents, by symbol.

    ``receipts`` are shares among the assets; ``natives`` the chains' own coins, without address.
    """

    def __init__(
        self,
        assets: Iterable[Asset],
        receipts: Iterable[Receipt] = (),
        natives: Iterable[Asset] = (),
    ) -> None:
        self._by_address: dict[tuple[str, str], Asset] = {}
        self._by_key: dict[str, Asset] = {}
        self._receipts = {(each.asset.chain_id, each.asset.address): each for each in receipts}
        self._natives = {each.chain_id: each for each in natives}
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

    def on(self, chain_id: str) -> tuple[Asset, ...]:
        """The tokens known on a chain, receipts among them, in the order of the registry."""
        return tuple(asset for (chain, _), asset in self._by_address.items() if chain == chain_id)

    def receipt(self, chain_id: str, address: str) -> Receipt | None:
        """What the share at an address is; None where it is no known share."""
        return self._receipts.get((chain_id, address.lower()))

    def native(self, chain_id: str) -> Asset | None:
        """The chain's own coin, whose ``address`` is empty; None where it is not known."""
        return self._natives.get(chain_id)

    def wrapped(self, chain_id: str) -> str:
        """The token whose price is the native coin's (WETH for ETH); empty where there is none."""
        native = self.native(chain_id)
        return "" if native is None else self.address_of(chain_id, f"W{native.key}")

    def address_of(self, chain_id: str, key: str) -> str:
        """Where the token of that key is on a chain, lower case; empty where it is not."""
        return next((asset.address for asset in self.on(chain_id) if asset.key == key), "")

    def named(self, symbol: str) -> Asset:
        """The asset a hand-written document means by a symbol; unknown names are flagged."""
        if symbol.upper() == "USD":
            return Asset("USD", "USD", "USD", "usd")
        known = self._by_key.get(symbol.upper())
        return known or Asset(symbol, clean_symbol(symbol), symbol, known=False)

    def extended(self, assets: Iterable[Asset]) -> TokenRegistry:
        """A registry with these assets added; they win over what was there."""
        registry = TokenRegistry((), self._receipts.values(), self._natives.values())
        registry._by_address = dict(self._by_address)
        registry._by_key = dict(self._by_key)
        for asset in assets:
            registry._by_address[asset.chain_id, asset.address.lower()] = asset
            registry._by_key[asset.key.upper()] = replace(asset, chain_id="", address="")
        return registry


@cache
def bundled_tokens() -> TokenRegistry:
    """The registry that ships with the package."""
    tokens, receipts = _document("tokens.toml"), _document("receipts.toml")
    assets = read_tokens(tokens)
    shares = read_receipts(tokens, assets) + read_receipts(receipts, assets)
    known = {(asset.chain_id, asset.address) for asset in assets}
    new = [each.asset for each in shares if (each.asset.chain_id, each.asset.address) not in known]
    return TokenRegistry([*assets, *new], shares, read_natives(tokens))


def _document(name: str) -> dict[str, Any]:
    text = files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def read_tokens(document: Mapping[str, Any]) -> list[Asset]:
    """The assets of a ``tokens.toml``: one table per asset, its addresses per chain inside."""
    assets = []
    for key, entry in document.items():
        kind = cast(_Kind, entry.get("kind", "volatile"))
        underlying = str(entry.get("underlying", key))
        assets += _placed(key, entry, underlying, kind)
        if not entry.get("addresses"):
            assets.append(Asset(key, key, underlying, kind, int(entry.get("decimals", 18))))
    return assets


def read_receipts(document: Mapping[str, Any], assets: Iterable[Asset]) -> list[Receipt]:
    """The shares of a document: the entries that say what they are ``of``, a key among the assets."""
    underlyings = {asset.key: asset.underlying for asset in assets}
    return [
        Receipt(asset, entry["of"], entry.get("receipt", "erc4626"))
        for key, entry in document.items()
        if "of" in entry
        for asset in _placed(key, entry, underlyings[entry["of"]], "lst")
    ]


def read_natives(document: Mapping[str, Any]) -> list[Asset]:
    """The native coins of a ``tokens.toml``, one per chain."""
    return [
        Asset(key, key, key, "volatile", 18, chain_id)
        for key, entry in document.items()
        for chain_id in entry.get("native", ())
    ]


def _placed(key: str, entry: Mapping[str, Any], underlying: str, kind: _Kind) -> list[Asset]:
    """The asset at each of its addresses."""
    symbol, decimals = str(entry.get("symbol", key)), int(entry.get("decimals", 18))
    special = entry.get("decimals_on", {})
    return [
        Asset(
            key,
            symbol,
            underlying,
            kind,
            int(special.get(chain_id, decimals)),
            chain_id,
            str(address).lower(),
        )
        for chain_id, address in entry.get("addresses", {}).items()
    ]


def clean_symbol(symbol: str, limit: int = 24) -> str:
    """A token's symbol as it may be shown: printable, one line, at most ``limit`` characters."""
    return "".join(character for character in symbol[: 4 * limit] if character.isprintable())[
        :limit
    ].strip()
