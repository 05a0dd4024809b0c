"""The rule over many scenarios at once, in ``float64``: the venue's formula at moved prices.

Not deltas: impact, the cap on profits, borrowing and funding are computed again in each scenario.
Prices are the venue's own times each leg's factor; amounts come from the legs, so that a changed leg
changes the answer. Fees are cut to whole token units, as the contract does. All arrays are [S], USD.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....core.book.model import Leg, Perp, Spot
from ....core.book.rule import BoolArray, FloatArray, LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import to_float
from .state import Borrowing, Impact, Market, MarketPrices, Position, TokenPrice

__all__ = ["evaluate"]


@dataclass(frozen=True, slots=True)
class _Quote:
    """A token's two prices in USD per smallest unit."""

    min: FloatArray
    max: FloatArray

    @property
    def mid(self) -> FloatArray:
        return (self.min + self.max) / 2.0


@dataclass(frozen=True, slots=True)
class _Scene:
    """One position in all scenarios; sizes in USD, tokens in smallest units."""

    market: Market
    is_long: bool
    collateral_is_long: bool
    size: float
    tokens: float
    collateral: float
    pending_impact: float
    index: _Quote
    long: _Quote
    short: _Quote

    @property
    def backing(self) -> _Quote:
        """The price of the collateral."""
        return self.long if self.collateral_is_long else self.short

    @property
    def pool(self) -> FloatArray:
        """The value of the pool that pays the side's profits."""
        price = self.long if self.is_long else self.short
        return _plain(self.market.limits.pool_amount // self.market.divisor) * price.min

    def interest(self, *, is_long: bool) -> float:
        """A side's open interest at cost."""
        return _usd(self.market.total(self.market.open_interest, is_long=is_long))

    def interest_in_tokens(self, *, is_long: bool) -> float:
        """A side's open interest in tokens."""
        return _plain(self.market.total(self.market.open_interest_in_tokens, is_long=is_long))

    def for_balance(self, *, is_long: bool) -> FloatArray:
        """A side's open interest as skew is measured."""
        if self.market.in_tokens:
            return self.interest_in_tokens(is_long=is_long) * self.index.mid
        return np.full_like(self.index.mid, self.interest(is_long=is_long))


def evaluate(
    market: Market,
    position: Position,
    prices: MarketPrices,
    timestamp: int,
    follows: tuple[bool, bool],
    decimals: tuple[int | None, int | None],
    legs: Sequence[Leg],
    scenarios: LegScenarios,
) -> RuleArrays:
    """The rule's arrays. ``follows``: whether the long and the short token move with the index.

    The requirements hold what closing costs beyond the fees that the legs have accrued. A token
    that is neither index nor collateral stands still.
    """
    equity = scenarios.value.sum(axis=0)
    scene = _scene(market, position, prices, follows, decimals, legs, scenarios)
    if scene is None:
        none = np.zeros_like(equity)
        return RuleArrays(equity, none, none, np.full_like(equity, np.inf), none > 0.0)
    uncapped, capped = _profit(scene)
    closing, improved = _closing_impact(scene)
    impact = _counted_impact(scene, closing)
    fee = _closing_fee(scene, improved)
    accrued = _accrued_fees(scene, position, timestamp)
    left = scene.collateral * scene.backing.min + capped + impact - fee - accrued
    limits = market.limits
    leverage = scene.size * _usd(limits.min_collateral_factor_for_liquidation)
    required = max(_usd(limits.min_collateral_usd), leverage, _usd(1))
    costs = uncapped - capped - impact + fee
    opening = max(
        _usd(limits.min_collateral_factor),
        scene.interest(is_long=scene.is_long)
        * _usd(limits.min_collateral_factor_for_open_interest),
    )
    health = np.maximum(left, 0.0) / required
    return RuleArrays(
        equity, opening * scene.size + costs, required + costs, health, left < required
    )


def _scene(
    market: Market,
    position: Position,
    prices: MarketPrices,
    follows: tuple[bool, bool],
    decimals: tuple[int | None, int | None],
    legs: Sequence[Leg],
    scenarios: LegScenarios,
) -> _Scene | None:
    """The position as the legs have it; None where no position is left."""
    for leg in legs:
        if leg.failure is not None:
            raise RuleError(f"the leg {leg.id} was not read: the rule cannot be evaluated")
    index_decimals, collateral_decimals = decimals
    if index_decimals is None or collateral_decimals is None:
        raise RuleError("the decimals of a token are not known: the rule cannot be evaluated")
    row = _row(legs, Perp)
    if row is None or legs[row].quantity == 0:
        return None
    perp, backing = legs[row], _row(legs, Spot)
    amount = 0.0 if backing is None else float(legs[backing].quantity)
    moves = scenarios.factor[row]
    own = np.ones_like(moves) if backing is None else scenarios.factor[backing]
    tokens = abs(float(perp.quantity)) * 10.0**index_decimals
    share = tokens / _plain(position.size_in_tokens) if position.size_in_tokens else 0.0
    entry = float(perp.entry_price) if perp.entry_price is not None else 0.0
    is_long_token, single = position.collateral_is_long, market.is_single_token
    long = moves if follows[0] else own if is_long_token or single else np.ones_like(moves)
    short = moves if follows[1] else own if not is_long_token or single else np.ones_like(moves)
    return _Scene(
        market,
        perp.quantity > 0,
        position.collateral_is_long,
        abs(float(perp.quantity)) * entry,
        tokens,
        amount * 10.0**collateral_decimals,
        _plain(position.pending_impact_amount) * share,
        _quote(prices.index, moves),
        _quote(prices.long, long),
        _quote(prices.short, short),
    )


def _profit(scene: _Scene) -> tuple[FloatArray, FloatArray]:
    """The unrealised result, uncapped and capped by what the pool may pay."""
    is_long = scene.is_long
    value = scene.tokens * (scene.index.min if is_long else scene.index.max)
    uncapped = value - scene.size if is_long else scene.size - value
    price = scene.index.max if is_long else scene.index.min
    of_side = scene.interest_in_tokens(is_long=is_long) * price - scene.interest(is_long=is_long)
    of_side = of_side if is_long else -of_side
    most = scene.pool * _usd(scene.market.limits.max_pnl_factor)
    is_capped = (uncapped > 0.0) & (of_side > most) & (most > 0.0)
    share = np.divide(most, of_side, out=np.ones_like(most), where=is_capped)
    return uncapped, uncapped * share


def _closing_impact(scene: _Scene) -> tuple[FloatArray, BoolArray]:
    """The impact of closing all, and where that improves the balance."""
    terms = scene.market.impact
    tokens = scene.tokens * scene.index.mid
    closed = tokens if scene.market.in_tokens else np.full_like(tokens, scene.size)
    longs, shorts = (scene.for_balance(is_long=is_long) for is_long in (True, False))
    found, improved = _impact(terms, scene, longs, shorts, closed)
    if terms.virtual_inventory is not None:
        inventory = _usd(terms.virtual_inventory) * np.ones_like(closed)
        if scene.market.in_tokens:
            inventory = _plain(terms.virtual_inventory) * scene.index.mid
        longs, shorts = np.maximum(-inventory, 0.0) + closed, np.maximum(inventory, 0.0) + closed
        virtual, virtually_improved = _impact(terms, scene, longs, shorts, closed)
        worse = (found < 0.0) & (virtual < found)
        found = np.where(worse, virtual, found)
        improved = np.where(worse, virtually_improved, improved)
    most = scene.size * min(_usd(terms.max_positive_factor), _usd(terms.max_negative_factor))
    return np.minimum(found, most), improved


def _impact(
    terms: Impact, scene: _Scene, longs: FloatArray, shorts: FloatArray, closed: FloatArray
) -> tuple[FloatArray, BoolArray]:
    after_longs = np.maximum(longs - closed, 0.0) if scene.is_long else longs
    after_shorts = shorts if scene.is_long else np.maximum(shorts - closed, 0.0)
    before, after = np.abs(longs - shorts), np.abs(after_longs - after_shorts)
    improved = after < before
    positive = min(terms.positive_factor, terms.negative_factor)
    exponent = min(terms.positive_exponent, terms.negative_exponent)
    gains = [_power(each, positive, exponent) for each in (before, after)]
    losses = [
        _power(each, terms.negative_factor, terms.negative_exponent) for each in (before, after)
    ]
    same_side = (longs <= shorts) == (after_longs <= after_shorts)
    kept = np.where(improved, np.abs(gains[0] - gains[1]), -np.abs(losses[0] - losses[1]))
    return np.where(same_side, kept, gains[0] - losses[1]), improved


def _power(difference: FloatArray, factor: int, exponent: int) -> FloatArray:
    """``difference ** exponent * factor``; 0 below one dollar."""
    above = np.maximum(difference, 1.0) ** _usd(exponent)
    return np.where(difference < 1.0, 0.0, above) * _usd(factor)


def _counted_impact(scene: _Scene, closing: FloatArray) -> FloatArray:
    """Impact as a liquidation counts it: a cost up to a share of the size, never a gain."""
    price = scene.index.min if scene.pending_impact > 0.0 else scene.index.max
    most = scene.size * _usd(scene.market.impact.max_factor_for_liquidations)
    return np.clip(closing + scene.pending_impact * price, -most, 0.0)


def _closing_fee(scene: _Scene, improved: BoolArray) -> FloatArray:
    """The position fee less the larger discount."""
    terms = scene.market.fees
    factor = np.where(improved, _usd(terms.improved_factor), _usd(terms.worsened_factor))
    fee = np.floor(scene.size * factor / scene.backing.min)
    share = max(_usd(terms.pro_discount_factor), _usd(terms.referral_discount_factor))
    return (fee - np.floor(fee * share)) * scene.backing.min


def _accrued_fees(scene: _Scene, position: Position, timestamp: int) -> FloatArray:
    """Borrowing and funding fees up to the block, accrued at the scenario's prices."""
    market = scene.market
    borrowed = _usd(market.borrowing.cumulative_factor - position.borrowing_factor)
    elapsed = _elapsed(market.borrowing.updated_at, timestamp)
    share = borrowed + elapsed * _borrowing_rate(scene)
    borrowing = np.floor(scene.size * share / scene.backing.min)
    written = market.funding.fee_amount_per_size - position.funding_fee_amount_per_size
    per_usd = to_float(written, 15) + _funding_per_usd(scene, timestamp)
    return (borrowing + np.ceil(scene.size * per_usd)) * scene.backing.min


def _borrowing_rate(scene: _Scene) -> FloatArray:
    """The borrowing fee of one second, as a share of the size."""
    terms, is_long = scene.market.borrowing, scene.is_long
    reserved = scene.interest_in_tokens(is_long=True) * scene.index.max
    if not is_long:
        reserved = np.full_like(reserved, scene.interest(is_long=False))
    if terms.optimal_usage_factor:
        rate = _kinked(terms, reserved, scene.pool)
    else:
        rate = _ratio(_power(reserved, 10**30, terms.exponent_factor), scene.pool)
        rate = rate * _usd(terms.factor)
    if scene.market.skips_smaller_side:
        own, other = (scene.for_balance(is_long=side) for side in (is_long, not is_long))
        rate = np.where(own < other, 0.0, rate)
    return rate


def _kinked(terms: Borrowing, reserved: FloatArray, pool: FloatArray) -> FloatArray:
    usage = _ratio(reserved, pool * _usd(terms.reserve_factor))
    base, optimal = _usd(terms.base_factor), _usd(terms.optimal_usage_factor)
    rate = usage * base
    if optimal < 1.0:
        steeper = max(_usd(terms.above_optimal_usage_factor) - base, 0.0)
        rate = rate + steeper * np.maximum(usage - optimal, 0.0) / (1.0 - optimal)
    return rate


def _funding_per_usd(scene: _Scene, timestamp: int) -> FloatArray:
    """Funding since the last update, in token units per USD of size; 0 for who receives."""
    market, nothing = scene.market, np.zeros_like(scene.index.mid)
    paying = market.side(market.open_interest, is_long=scene.is_long)
    other = market.total(market.open_interest, is_long=not scene.is_long)
    backed = paying[0] if scene.collateral_is_long else paying[1]
    if other == 0 or backed == 0:
        return nothing
    elapsed = _elapsed(market.funding.updated_at, timestamp)
    rate = _funding_rate(scene, elapsed)
    pays = rate > 0.0 if scene.is_long else rate < 0.0
    # A half for each of a single token's two entries, and both are written: no divisor is left.
    charge = np.abs(rate) * elapsed / scene.backing.max
    return np.where(pays, charge, nothing)


def _funding_rate(scene: _Scene, elapsed: float) -> FloatArray:
    """The funding of one second as a share of the paying side; positive where longs pay."""
    terms = scene.market.funding
    longs, shorts = (scene.for_balance(is_long=is_long) for is_long in (True, False))
    skew = longs - shorts
    imbalance = _ratio(_power(np.abs(skew), 10**30, terms.exponent_factor), longs + shorts)
    most, least = _usd(terms.max_factor), _usd(terms.min_factor)
    if terms.increase_factor == 0:
        return np.sign(skew) * np.minimum(imbalance * _usd(terms.factor), most)
    saved = _usd(terms.saved_factor)
    follows = np.sign(skew) * np.sign(saved) > 0.0
    rise = imbalance * _usd(terms.increase_factor) * elapsed
    risen = saved + np.where(skew < 0.0, -rise, rise)
    fallen = abs(saved) - _usd(terms.decrease_factor) * elapsed
    fallen = np.sign(saved) * max(fallen, _usd(1))
    decreases = imbalance < _usd(terms.threshold_for_decrease)
    kept = np.where(decreases, fallen, saved)
    rises = ~follows | (imbalance > _usd(terms.threshold_for_stable))
    rate = np.clip(np.where(rises, risen, kept), -most, most)
    # The contract counts a rate of zero as positive before the lower bound.
    bounded: FloatArray = np.minimum(np.maximum(np.abs(rate), least), most)
    return np.where(rate < 0.0, -bounded, bounded)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """``part / whole``; ``inf`` where something is asked of nothing."""
    ratio = np.where(part > 0.0, np.inf, 0.0)
    np.divide(part, whole, out=ratio, where=whole > 0.0)
    return ratio


def _quote(price: TokenPrice, factor: FloatArray) -> _Quote:
    return _Quote(_usd(price.min) * factor, _usd(price.max) * factor)


def _row(legs: Sequence[Leg], kind: type[Perp] | type[Spot]) -> int | None:
    return next((row for row, leg in enumerate(legs) if isinstance(leg.instrument, kind)), None)


def _elapsed(updated_at: int, timestamp: int) -> float:
    return to_float(timestamp - updated_at, 0) if updated_at else 0.0


def _usd(raw: int) -> float:
    """A value with 30 decimals."""
    return to_float(raw, 30)


def _plain(raw: int) -> float:
    """A number of smallest units."""
    return to_float(raw, 0)
