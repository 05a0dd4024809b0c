"""What was read of one trove."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ....core.errors import Failure
from .maths import Batch, Gains, Trove

__all__ = ["LatestData", "Status", "TroveReading"]


class Status(IntEnum):
    """A trove's status as the contract numbers it; a zombie was redeemed below the minimum debt."""

    NONEXISTENT = 0
    ACTIVE = 1
    CLOSED_BY_OWNER = 2
    CLOSED_BY_LIQUIDATION = 3
    ZOMBIE = 4

    @property
    def is_open(self) -> bool:
        """Whether the trove can hold and owe."""
        return self in (Status.ACTIVE, Status.ZOMBIE)


@dataclass(frozen=True, slots=True)
class LatestData:
    """The part of ``getLatestTroveData`` that is used: the venue's own accrued figures."""

    debt: int
    coll: int
    gains: Gains
    interest: int
    fee: int


@dataclass(frozen=True, slots=True)
class TroveReading:
    """Everything read of one trove; None is what there was no need, or no way, to ask.

    ``manager`` is the batch's manager, empty outside a batch.
    """

    trove_id: int
    owner: str | Failure
    status: Status | Failure
    trove: Trove | Failure
    manager: str
    latest: LatestData | Failure
    batch: Batch | Failure | None = None
    ratio: int | Failure | None = None
