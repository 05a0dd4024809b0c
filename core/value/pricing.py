"""Black-76 on forwards: value and greeks of European options, vectorised over any shape.

Every argument broadcasts. ``forward`` and ``strike`` are USD per unit, ``volatility`` annual
(0.6 = 60%), ``tenor_years`` the time to the fixing, ``call`` true for calls. All results are per
unit of the underlying of one *long* option, in USD.

At expiry and after it, and at zero volatility, an option is worth its intrinsic value: there is no
time value, gamma, vega or theta, and its delta is 1, 0 or, exactly at the strike, one half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from ..book.rule import BoolArray, FloatArray

__all__ = ["OptionGreeks", "black76", "black76_greeks"]

_INVERSE_ROOT_TWO_PI = 0.3989422804014327


@dataclass(frozen=True, slots=True)
class OptionGreeks:
    """Sensitivities per unit: to the forward (delta, gamma), to 1.00 of volatility, to a year."""

    value: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray


@dataclass(frozen=True, slots=True)
class _Terms:
    """The common pieces of the formula; ``alive`` is where time value exists."""

    forward: FloatArray
    strike: FloatArray
    deviation: FloatArray  # volatility * sqrt(tenor)
    d1: FloatArray
    call: BoolArray
    alive: BoolArray


def black76(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    volatility: npt.ArrayLike,
    tenor_years: npt.ArrayLike,
    call: npt.ArrayLike,
    discount: npt.ArrayLike = 1.0,
) -> FloatArray:
    """The option's value: ``discount * cp * (F N(cp d1) - K N(cp d2))``."""
    return np.asarray(
        _undiscounted(_terms(forward, strike, volatility, tenor_years, call))
        * np.asarray(discount, dtype=np.float64),
        dtype=np.float64,
    )


def black76_greeks(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    volatility: npt.ArrayLike,
    tenor_years: npt.ArrayLike,
    call: npt.ArrayLike,
    discount: npt.ArrayLike = 1.0,
) -> OptionGreeks:
    """Value and greeks; ``theta`` is the change over a year passing at an unchanged forward.

    Theta leaves out the discount's own accrual, which is the rate times the value.
    """
    terms = _terms(forward, strike, volatility, tenor_years, call)
    df = np.asarray(discount, dtype=np.float64)
    sign = np.where(terms.call, 1.0, -1.0)
    distance = sign * (terms.forward - terms.strike)
    at_the_end = sign * np.where(distance > 0, 1.0, np.where(distance == 0, 0.5, 0.0))
    delta = np.where(terms.alive, sign * ndtr(sign * terms.d1), at_the_end)
    density = np.where(terms.alive, _INVERSE_ROOT_TWO_PI * np.exp(-0.5 * terms.d1**2), 0.0)
    root = np.sqrt(np.maximum(np.asarray(tenor_years, dtype=np.float64), 0.0))
    safe_root = np.where(root > 0, root, 1.0)
    gamma = density / np.where(terms.alive, terms.forward * terms.deviation, 1.0)
    vega = terms.forward * density * root
    theta = -vega * np.asarray(volatility, dtype=np.float64) / (2.0 * safe_root * safe_root)
    return OptionGreeks(
        df * _undiscounted(terms), df * delta, df * gamma, df * vega, df * theta + 0.0
    )


def _terms(
    forward: npt.ArrayLike,
    strike: npt.ArrayLike,
    volatility: npt.ArrayLike,
    tenor_years: npt.ArrayLike,
    call: npt.ArrayLike,
) -> _Terms:
    f, k, vol, tenor, is_call = np.broadcast_arrays(
        np.asarray(forward, dtype=np.float64),
        np.asarray(strike, dtype=np.float64),
        np.asarray(volatility, dtype=np.float64),
        np.asarray(tenor_years, dtype=np.float64),
        np.asarray(call, dtype=np.bool_),
    )
    deviation = vol * np.sqrt(np.maximum(tenor, 0.0))
    alive = (deviation > 0) & (f > 0) & (k > 0)
    safe = np.where(alive, deviation, 1.0)
    moneyness = np.log(np.where(alive, f, 1.0)) - np.log(np.where(alive, k, 1.0))
    near = alive & (np.abs(moneyness) < 0.5)
    # Next to the strike the difference of logarithms loses digits that log1p keeps.
    moneyness = np.where(
        near, np.log1p(np.where(near, (f - k) / np.where(near, k, 1.0), 0.0)), moneyness
    )
    d1 = moneyness / safe + 0.5 * safe
    return _Terms(f, k, deviation, np.where(alive, d1, 0.0), is_call, alive)


def _undiscounted(terms: _Terms) -> FloatArray:
    """Intrinsic value plus the out-of-the-money side, which parity makes the same for both rights.

    Valuing the cheap side keeps the digits that subtracting two large numbers would lose.
    """
    f, k = terms.forward, terms.strike
    side = np.where(f < k, 1.0, -1.0)  # the right that is out of the money: call below the strike
    d2 = terms.d1 - terms.deviation
    with np.errstate(under="ignore"):
        cheap = side * (f * ndtr(side * terms.d1) - k * ndtr(side * d2))
    time_value = np.where(terms.alive, np.maximum(cheap, 0.0), 0.0)
    intrinsic = np.maximum(np.where(terms.call, f - k, k - f), 0.0)
    return np.asarray(intrinsic + time_value, dtype=np.float64)
