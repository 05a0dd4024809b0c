"""GMX's margin rule for one position, which the venue nets and liquidates alone.

Liquidatable where what remains after closing is below the minimum collateral, or nothing, or below
the minimum share of the size; equality is healthy. The venue publishes no health; ours is what
remains over the larger minimum. Its view judges on the totals last written, a liquidation accrues
funding and borrowing first: both verdicts are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import lru_cache

from ....core.book.health import (
    Health,
    Judgement,
    LiquidationPrice,
    State,
    Verdict,
    ratio_health,
)
from ....core.book.model import Leg
from ....core.book.rule import LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import decimal_of
from .accrual import Accrued, accrued_at, as_stored
from .check import REASONS, Check, checked
from .impact import pending_impact
from .scenarios import evaluate
from .search import Moving, crossing, moved, reference
from .state import Market, MarketPrices, Position

__all__ = ["KIND", "MEASURE", "VENUE", "GmxRule", "Naming"]

VENUE = "gmx-v2"
KIND = "gmx-v2"
MEASURE = "remaining collateral / minimum collateral"

_USD_DECIMALS = 30


@dataclass(frozen=True, slots=True)
class Naming:
    """What the numbers are of. ``index_decimals`` None: not known, so no amount can be stated.

    ``underlying`` is the index's, ``collateral`` an asset's key. A token that ``follows`` has the
    same economic underlying as the index, so that its price moves with the index's.
    """

    underlying: str
    collateral: str
    index_decimals: int | None
    collateral_decimals: int | None
    long_follows: bool
    short_follows: bool


@dataclass(frozen=True, slots=True)
class GmxRule:
    """One position with everything that judges it; None means not read (or not priced).

    ``timestamp`` is the block's.
    """

    timestamp: int
    naming: Naming
    position: Position | None = None
    market: Market | None = None
    prices: MarketPrices | None = None

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    def judge(self) -> Judgement:
        """The exact verdicts on stored and accrued totals, with the figures of the views."""
        return _judgement(self)

    def stored(self) -> Check:
        """The check that the venue's view makes; ``RuleError`` where it cannot be made."""
        market, _, _ = self._known()
        return self._checked(as_stored(market))

    def actionable(self) -> Check:
        """The check that a liquidation makes at the block; ``RuleError`` where it would revert."""
        market, position, prices = self._known()
        return self._checked(accrued_at(market, position, prices, self.timestamp))

    @property
    def is_market_disabled(self) -> bool:
        """Whether no order executes in the market: no position is better for it."""
        return self.market is not None and self.market.is_disabled

    def penalty(self) -> Decimal | None:
        """The share of the size that a liquidation charges on top of the closing costs."""
        if self.market is None:
            return None
        return decimal_of(self.market.fees.liquidation_factor, _USD_DECIMALS)

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario; ``RuleError`` where a number that it needs was not read."""
        market, position, prices = self._known()
        follows = self.naming.long_follows, self.naming.short_follows
        decimals = self.naming.index_decimals, self.naming.collateral_decimals
        return evaluate(
            market, position, prices, self.timestamp, follows, decimals, legs, scenarios
        )

    def liquidation_prices(self) -> tuple[LiquidationPrice, ...]:
        """The index's price where the position crosses, and a separate collateral's own."""
        position, naming = self.position, self.naming
        if position is None or self.prices is None or self.market is None:
            return ()
        single = self.market.is_single_token
        index = Moving(True, naming.long_follows, naming.short_follows)
        found = [
            self._crossing(index, naming.underlying, naming.index_decimals, falls=position.is_long)
        ]
        backed_by_index = (
            naming.long_follows if position.collateral_is_long else naming.short_follows
        )
        if not backed_by_index:
            long = position.collateral_is_long
            backing = Moving(False, long or single, not long or single)
            decimals = naming.collateral_decimals
            found.append(self._crossing(backing, naming.collateral, decimals, falls=True))
        return tuple(each for each in found if each is not None)

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters: integers as strings, null for what was not read."""
        return {
            "kind": KIND,
            "timestamp": self.timestamp,
            "naming": asdict(self.naming),
            "position": None if self.position is None else _texts(asdict(self.position)),
            "market": None if self.market is None else _texts(asdict(self.market)),
            "prices": None if self.prices is None else _texts(asdict(self.prices)),
        }

    def _known(self) -> tuple[Market, Position, MarketPrices]:
        """Everything that judges; ``RuleError`` where a part is missing."""
        if self.market is None or self.position is None or self.prices is None:
            raise RuleError("a part of the position was not read: the rule cannot be evaluated")
        return self.market, self.position, self.prices

    def _checked(self, accrued: Accrued) -> Check:
        market, position, prices = self._known()
        return checked(market, position, prices, accrued)

    def _crossing(
        self, moving: Moving, asset: str, decimals: int | None, *, falls: bool
    ) -> LiquidationPrice | None:
        """Where a liquidation would begin to work, along the prices that move."""
        prices = self.prices
        if decimals is None or prices is None:
            return None
        today = reference(prices, moving, lower=falls)

        def margin(price: int) -> int:
            at = replace(self, prices=moved(prices, moving, price, today))
            return at.actionable().margin

        raw = crossing(margin, today, falls=falls)
        side = "down" if falls else "up"
        return LiquidationPrice(asset, side, raw, _USD_DECIMALS - decimals, "USD")


# The search asks for hundreds of checks, and one answer is asked for several times.
@lru_cache(maxsize=512)
def _judgement(rule: GmxRule) -> Judgement:
    stored, actionable = _outcome(rule.stored), _outcome(rule.actionable)
    figures = {} if stored is None else _view_figures(stored)
    if actionable is not None and rule.position is not None and rule.prices is not None:
        figures |= _information_figures(rule.position, rule.prices, actionable)
    verdict = _verdict(actionable)
    if verdict.liquidatable and rule.is_market_disabled:
        # The call reverts for everybody; the health stays what it is.
        verdict = replace(verdict, liquidatable=False)
    prices = () if actionable is None else rule.liquidation_prices()
    return Judgement(MEASURE, _verdict(stored), verdict, figures, prices)


def _outcome(check: Callable[[], Check]) -> Check | None:
    """The check, or None where it cannot be made."""
    try:
        return check()
    except RuleError:
        return None


def _verdict(check: Check | None) -> Verdict:
    if check is None:
        return Verdict.unknown()
    remaining = max(check.remaining, 0)
    health = ratio_health(remaining, check.required, liquidatable=check.liquidatable, held=True)
    if check.remaining < 0:
        # What the collateral does not cover is the pool's: the loss ends at the collateral.
        health = Health(health.value, State.BAD_DEBT)
    return Verdict(health, check.liquidatable)


def _view_figures(check: Check) -> dict[str, int]:
    """The answer of ``isPositionLiquidatable``; the reason as its place in ``REASONS``."""
    return {
        "isPositionLiquidatable": int(check.liquidatable),
        "reason": REASONS.index(check.reason),
        "remainingCollateralUsd": check.remaining,
        "minCollateralUsd": check.minimum,
        "minCollateralUsdForLeverage": check.minimum_for_leverage,
    }


def _information_figures(position: Position, prices: MarketPrices, check: Check) -> dict[str, int]:
    """The answer of ``getPositionInfo``, whose fees are accrued to the block."""
    return {
        "fundingFeeAmount": check.fees.funding,
        "borrowingFeeAmount": check.fees.borrowing,
        "positionFeeAmount": check.fees.position,
        "totalDiscountAmount": check.fees.discount,
        "totalCostAmount": check.fees.total,
        "priceImpactUsd": check.closing_impact,
        "balanceWasImproved": int(check.balance_improved),
        "proportionalPendingImpactUsd": pending_impact(position, prices),
        "basePnlUsd": check.profit,
        "uncappedBasePnlUsd": check.uncapped_profit,
    }


def _texts(values: Mapping[str, object]) -> dict[str, object]:
    """Integers as strings, flags as they are, tables within tables."""
    written: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            written[name] = _texts(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            written[name] = str(value)
        else:
            written[name] = value
    return written
