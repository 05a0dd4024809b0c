"""What one answer is about: whose book, on which chains, at which block, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..adapters.wallet import WALLET

__all__ = ["Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question about one owner's book. The first of ``owners`` gives the answer its name.

    An owner is a checksummed address or an ENS name. ``block`` is a number, a 0x hash or a tag and
    applies to every chain (a number or hash needs exactly one). ``venues`` restricts which adapters
    are asked (empty: all), ``wallet`` being one of them. ``options`` are per venue:
    ``{"morpho-blue": {"markets": [...]}}``, ``{"wallet": {"tokens": ["eip155:1:0x…"]}}``.
    """

    owners: tuple[str, ...]
    block: str = "latest"
    venues: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def wants_wallet(self) -> bool:
        """Whether balances outside the venues are read."""
        return not self.venues or WALLET in self.venues

    def addresses(self, names: Mapping[str, str]) -> tuple[str, ...]:
        """The owners as addresses, each once, given what their names stand for."""
        return tuple(dict.fromkeys(names.get(owner, owner) for owner in self.owners))

    def added_tokens(self, chain_id: str) -> tuple[str, ...]:
        """The addresses of tokens that the caller added on a chain."""
        given = (text.rpartition(":") for text in self.options.get(WALLET, {}).get("tokens", ()))
        return tuple(address for chain, _, address in given if chain == chain_id)

    def document(self) -> dict[str, object]:
        """The query as an evidence bundle keeps it."""
        return {
            "owners": list(self.owners),
            "block": self.block,
            "venues": list(self.venues),
            "options": {venue: dict(given) for venue, given in self.options.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Query:
        """The query that ``document`` wrote."""
        return cls(
            tuple(document["owners"]),
            document["block"],
            tuple(document["venues"]),
            document["options"],
        )
