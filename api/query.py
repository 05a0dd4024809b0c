"""What one answer is about: whose book, on which chains, at which block, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Query"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question about one owner's book. The first of ``owners`` gives the answer its name.

    ``block`` is a number, a 0x hash or a tag and applies to every chain (a number or hash needs
    exactly one). ``venues`` restricts which adapters are asked (empty: all). ``options`` are per
    venue: ``{"morpho-blue": {"markets": [...]}}``.
    """

    owners: tuple[str, ...]
    block: str = "latest"
    venues: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
