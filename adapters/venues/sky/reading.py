"""What was read, as values: of the whole system, of a collateral type, and of one vault."""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import Failure
from .holders import Vault
from .maths import Fee, IlkState, Urn
from .simulate import Simulated

__all__ = ["FeedReading", "Reading", "SystemReading", "TokenReading", "TypeReading"]


@dataclass(frozen=True, slots=True)
class SystemReading:
    """What all collateral types share: ``par`` and ``base`` (ray), the live flag, the debt token."""

    par: int | Failure
    base: int | Failure
    live: bool | Failure
    vat: str | Failure
    dai: str | Failure


@dataclass(frozen=True, slots=True)
class TokenReading:
    """A collateral type's token and its decimals (the vat keeps 18 whatever they are)."""

    address: str
    decimals: int


@dataclass(frozen=True, slots=True)
class FeedReading:
    """A feed's price now and next (wad; 0 where it has none) and the time of its last update."""

    price: int | Failure
    following: int | Failure
    updated: int | Failure


@dataclass(frozen=True, slots=True)
class TypeReading:
    """Everything of one collateral type. ``feed`` None: its address is not known."""

    ilk: IlkState | Failure
    mat: int | Failure
    fee: Fee | Failure
    chop: int | Failure
    token: TokenReading | Failure
    simulated: Simulated | Failure
    feed: FeedReading | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One vault with its collateral type; ``place`` is its place among the simulated barks."""

    vault: Vault
    place: int
    system: SystemReading
    type: TypeReading
    urn: Urn | Failure
    unlocked: int | Failure

    @property
    def is_empty(self) -> bool:
        """Whether the vault is known to hold and owe nothing."""
        return self.urn == Urn(0, 0) and self.unlocked == 0
