"""The exact price at which a position crosses, found by asking the check itself.

Impact, borrowing, funding and the cap on profits all depend on prices, so there is no closed form:
prices are walked away from today's until the verdict changes, then the change is narrowed to two
neighbouring integers. Two crossings within one step of 1/16 of the price are the only ones that can
be missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from ....core.errors import RuleError
from .state import MarketPrices, TokenPrice

__all__ = ["Moving", "crossing", "moved", "reference"]

_STEPS = 16  # a walk's step is this part of the price
_MOST_STEPS = 160  # 1/16 a step: down to 1/30,000 and up to 16,000 times today's price

# What remains beyond the requirement at a price: negative is liquidatable.
Margin = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Moving:
    """Which of a market's prices move together; the others stand still."""

    index: bool
    long: bool
    short: bool


def reference(prices: MarketPrices, moving: Moving, *, lower: bool) -> int:
    """Today's value of the price that is moved: its lower or its higher side."""
    price = prices.index if moving.index else prices.long if moving.long else prices.short
    return price.min if lower else price.max


def moved(prices: MarketPrices, moving: Moving, price: int, today: int) -> MarketPrices:
    """The prices when the reference is at ``price``: all that move keep their proportions."""

    def at(one: TokenPrice) -> TokenPrice:
        return TokenPrice(one.min * price // today, one.max * price // today)

    return replace(
        prices,
        index=at(prices.index) if moving.index else prices.index,
        long=at(prices.long) if moving.long else prices.long,
        short=at(prices.short) if moving.short else prices.short,
    )


def crossing(margin: Margin, today: int, *, falls: bool) -> int | None:
    """The last healthy price before the position is liquidatable; None where there is none.

    ``falls``: lower prices are the worse ones. From a position that is liquidatable now the search
    goes the other way, to where it becomes healthy. A price at which the contract reverts ends it.
    """
    known = cache(margin)
    try:
        healthy = known(today) >= 0
        bracket = _walk(known, today, upward=healthy is not falls, healthy=healthy)
        return None if bracket is None else _narrowed(known, *bracket)
    except RuleError:
        return None


def _walk(margin: Margin, today: int, *, upward: bool, healthy: bool) -> tuple[int, int] | None:
    """The nearest step over which the verdict changes: its healthy and its liquidatable end."""
    near = today
    for _ in range(_MOST_STEPS):
        step = near // _STEPS + 1
        far = near + step if upward else near - step
        if far < 1:
            return None
        if (margin(far) >= 0) is not healthy:
            return (near, far) if healthy else (far, near)
        near = far
    return None


def _narrowed(margin: Margin, healthy: int, liquidatable: int) -> int:
    """The healthy one of the two neighbours between which the verdict changes.

    Where the margin is nearly straight, its chord hits the change at once, and a few doubling steps
    from there enclose it; the middle is taken where that does not halve what is left.
    """
    while abs(healthy - liquidatable) > 1:
        width = abs(healthy - liquidatable)
        healthy, liquidatable = _by_chord(margin, healthy, liquidatable)
        if abs(healthy - liquidatable) > 1 and abs(healthy - liquidatable) > width // 2:
            middle = (healthy + liquidatable) // 2
            if margin(middle) >= 0:
                healthy = middle
            else:
                liquidatable = middle
    return healthy


def _by_chord(margin: Margin, healthy: int, liquidatable: int) -> tuple[int, int]:
    """Both ends moved inwards, around where the chord between them is zero."""
    above, below = margin(healthy), margin(liquidatable)
    low, high = sorted((healthy, liquidatable))
    guess = healthy + (liquidatable - healthy) * above // (above - below)
    guess, step = min(max(guess, low + 1), high - 1), 1
    is_healthy = margin(guess) >= 0
    while low < guess < high and (margin(guess) >= 0) is is_healthy:
        toward = liquidatable if is_healthy else healthy
        if is_healthy:
            healthy = guess
        else:
            liquidatable = guess
        guess += step if toward > guess else -step
        step *= 2
    if not low < guess < high:
        return healthy, liquidatable
    return (healthy, guess) if is_healthy else (guess, liquidatable)
