"""A position as the VaultResolver gives it, with the part of its vault that judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....core.errors import Failure, Reason
from ....core.units import BPS, WAD

__all__ = ["ORACLE_SCALE", "Side", "VaultPosition", "decode_position"]

# The oracle's price is raw debt per raw collateral; liquidations refuse 0 and more than 1e54.
ORACLE_SCALE = 10**27
_HIGHEST_PRICE = 10**54
_NOWHERE = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a vault: a token, or the shares of a DEX of two tokens (``contract``)."""

    raw: int
    token: str
    second_token: str
    contract: str

    @property
    def is_shares(self) -> bool:
        """Whether amounts are DEX shares and not tokens."""
        return self.second_token != _NOWHERE


@dataclass(frozen=True, slots=True)
class VaultPosition:
    """One NFT's position, raw, accrued to the block; shares and penalty are in bps.

    ``dust`` is debt that counts for the position's tick but that the resolver leaves out of what
    is owed. ``price`` is the oracle's for liquidations.
    """

    nft: int
    vault: str
    vault_id: int
    vault_type: int
    collateral: Side
    debt: Side
    dust: int
    tick: int
    is_liquidated: bool
    threshold: int
    penalty: int
    price: int

    @property
    def owes(self) -> bool:
        """Whether anything is owed."""
        return self.debt.raw + self.dust > 0

    @property
    def has_price(self) -> bool:
        """Whether the vault itself would liquidate at the oracle's price."""
        return 0 < self.price <= _HIGHEST_PRICE

    @property
    def health(self) -> int:
        """What the threshold allows over the debt with its dust, 1e18, rounded down.

        A position is above the liquidation tick exactly where the ratio of its tick is above that
        of the threshold; the ratio of its tick is what it owes (with dust) per raw collateral.
        """
        allowed = self.collateral.raw * self.price * self.threshold
        return allowed * WAD // (ORACLE_SCALE * BPS * (self.debt.raw + self.dust))

    @property
    def is_covered(self) -> bool:
        """Whether the collateral is worth the debt at the oracle's price."""
        worth = self.collateral.raw * self.price
        return worth >= (self.debt.raw + self.dust) * ORACLE_SCALE


def decode_position(
    nft: int, owner: str, position: tuple[Any, ...], vault: tuple[Any, ...]
) -> VaultPosition | Failure:
    """The position out of ``UserPosition`` and ``VaultEntireData``; a failure if it is another's."""
    constants, configs = vault[3], vault[4]
    address = str(vault[0]).lower()
    if position[0] != nft or str(position[1]).lower() != owner.lower() or address == _NOWHERE:
        detail = f"the answer about position {nft} is not about the owner's position"
        return Failure(Reason.RPC_INCONSISTENT, "misfit", detail)
    return VaultPosition(
        nft,
        address,
        constants[10],
        constants[11],
        _side(position[9], constants[8], constants[6]),
        _side(position[10], constants[9], constants[7]),
        dust=position[11],
        tick=position[4],
        is_liquidated=position[2],
        threshold=configs[3],
        penalty=configs[6],
        price=configs[10],
    )


def _side(raw: int, tokens: tuple[str, str], contract: str) -> Side:
    return Side(raw, tokens[0].lower(), tokens[1].lower(), contract.lower())
