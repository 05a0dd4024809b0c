"""A trove's arithmetic in the contracts' integers: simple interest, batch shares, ratios.

Amounts, rates, prices and ratios are 1e18. Interest is simple within one period and compounds when
a trove or its batch is touched. Source: liquity/bold, ``src/TroveManager.sol``
(``_getLatestTroveData``, ``_getLatestBatchData``, ``_getInterestPeriod``),
``src/Dependencies/LiquityBase.sol`` (``_calcInterest``) and ``LiquityMath.sol`` (``_computeCR``).
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core.errors import RuleError
from ....core.units import MAX_UINT256, WAD, mul_div_up

__all__ = [
    "ONE_YEAR",
    "Batch",
    "Debt",
    "Gains",
    "Trove",
    "collateral_ratio",
    "interest",
    "interest_period",
    "latest_debt",
    "liquidation_price",
]

ONE_YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Trove:
    """A trove as ``Troves(id)`` gives it; in a batch its debt is its share of the batch's."""

    debt: int
    coll: int
    last_update: int
    annual_rate: int
    batch_shares: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of troves whose manager sets one rate: its recorded debt, shares, rate and fee."""

    debt: int
    total_shares: int
    annual_rate: int
    annual_fee: int
    last_update: int


@dataclass(frozen=True, slots=True)
class Gains:
    """Debt and collateral that liquidations of others moved to this trove and nobody applied yet."""

    debt: int
    coll: int


@dataclass(frozen=True, slots=True)
class Debt:
    """A trove's debt at a time, in its parts; their sum is what is owed."""

    recorded: int
    redistributed: int
    interest: int
    fee: int

    @property
    def entire(self) -> int:
        """What is owed."""
        return self.recorded + self.redistributed + self.interest + self.fee


def interest_period(last_update: int, timestamp: int, shutdown_time: int) -> int:
    """The seconds that bear interest: none after the branch was shut down."""
    until = shutdown_time if shutdown_time else timestamp
    if shutdown_time and last_update >= shutdown_time:
        return 0
    if until < last_update:
        raise RuleError("the block is older than the trove's last update")
    return until - last_update


def interest(debt: int, annual_rate: int, period: int) -> int:
    """Simple interest on a debt over a period in seconds, floored twice as the contract does."""
    return _checked(_checked(debt * annual_rate) * period) // ONE_YEAR // WAD


def latest_debt(
    trove: Trove, batch: Batch | None, gains: Gains, timestamp: int, shutdown_time: int
) -> Debt:
    """What a trove owes at a time, alone or as its share of a batch."""
    if batch is None:
        period = interest_period(trove.last_update, timestamp, shutdown_time)
        return Debt(trove.debt, gains.debt, interest(trove.debt, trove.annual_rate, period), 0)
    if batch.total_shares == 0:
        return Debt(0, gains.debt, 0, 0)
    period = interest_period(batch.last_update, timestamp, shutdown_time)
    parts = (
        batch.debt,
        interest(batch.debt, batch.annual_rate, period),
        interest(batch.debt, batch.annual_fee, period),
    )
    recorded, accrued, fee = (
        _checked(part * trove.batch_shares) // batch.total_shares for part in parts
    )
    return Debt(recorded, gains.debt, accrued, fee)


def collateral_ratio(coll: int, debt: int, price: int) -> int:
    """``coll * price / debt``; the largest integer where nothing is owed."""
    return _checked(coll * price) // debt if debt else MAX_UINT256


def liquidation_price(coll: int, debt: int, minimum: int) -> int | None:
    """The smallest price at which the ratio is not below the minimum; None without collateral."""
    return mul_div_up(debt, minimum, coll) if coll else None


def _checked(value: int) -> int:
    """The value, if the contract can hold it in 256 bits."""
    if value > MAX_UINT256:
        raise RuleError("the contract's arithmetic overflows 256 bits on these numbers")
    return value
