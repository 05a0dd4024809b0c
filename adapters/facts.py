"""Static facts of contracts, kept between reads so that a warm account costs two round trips.

A fact is something that cannot change while the implementation behind an address stays the same:
the aToken of a reserve, the parameters behind a Morpho market id, a token's decimals. Keys carry
chain and address; an adapter whose contract is upgradeable puts the implementation or revision it
read into the key too, and re-checks it in the same round that uses the fact.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Facts"]


class Facts:
    """A cache of static facts by (chain, address, name). Safe to share between answers.

    Values are immutable. It never holds prices, balances or anything else that a block changes.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Any] = {}

    def get(self, chain_id: str, address: str, name: str) -> Any | None:
        """The fact, or None where it is not known yet."""
        return self._known.get((chain_id, address.lower(), name))

    def put(self, chain_id: str, address: str, name: str, value: object) -> None:
        """Remember the fact."""
        self._known[(chain_id, address.lower(), name)] = value
