"""The StandardManager over many scenarios, in ``float64``; ``standard.py`` is the exact rule."""

from __future__ import annotations

import numpy as np

from ....core.book.rule import FloatArray
from ....core.units import WAD
from .floats import ExpiryOptions, ShockedMarket, number
from .standard import StandardBook, StandardTerms

__all__ = ["requirements"]


def requirements(
    terms: StandardTerms, market: ShockedMarket, book: StandardBook, stable: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One market's (initial requirement, maintenance requirement, value), each [S].

    A requirement is the value less the net margin, so that what counts at its value drops out.
    """
    spot, size = market.spot, abs(market.position)
    base = sum((each.amount for each in market.bases), 0.0) * spot
    margin = base * number(terms.base_factor)
    value = base / stable
    notional = size * market.perp_price
    initial = value - _initial_base(terms, market, base, margin) + notional * number(terms.perp_im)
    maintenance = value - margin + notional * number(terms.perp_mm)
    doubt = _doubt(terms, terms.perp_threshold, _perp_confidence(market)) if size else 0.0
    lost = np.maximum(number(book.depeg_threshold) - stable, 0.0) * number(book.depeg_factor)
    initial = initial + (doubt + lost) * spot * size
    if size:
        value = value + market.unsettled
    for expiry in market.options.expiries:
        short = float(-np.minimum(expiry.amount, 0.0).sum())
        marks = expiry.marks(expiry.forward(market), expiry.volatility)
        worth = marks.sum(axis=0)
        value = value + worth
        holding = expiry.holding
        confidence = min(
            market.book.spot_confidence, holding.forward_confidence, holding.volatility_confidence
        )
        doubt = _doubt(terms, terms.option_threshold, confidence)
        initial = initial + worth - _expiry(terms, market, expiry, marks, True)
        initial = initial + (doubt + lost) * spot * short
        maintenance = maintenance + worth - _expiry(terms, market, expiry, marks, False)
    return initial, maintenance, value


def _perp_confidence(market: ShockedMarket) -> int:
    return min(market.book.perp.confidence, market.book.spot_confidence)


def _doubt(terms: StandardTerms, threshold: int, confidence: int) -> float:
    """The share of notional that a feed below the threshold costs; compared as integers."""
    if not threshold or confidence >= threshold:
        return 0.0
    return number(WAD - confidence) * number(terms.doubt_factor)


def _initial_base(
    terms: StandardTerms, market: ShockedMarket, base: FloatArray, margin: FloatArray
) -> FloatArray:
    margin = margin * number(terms.base_im_scale)
    doubt = _doubt(terms, terms.base_threshold, market.book.spot_confidence)
    return np.asarray(np.where(margin != 0.0, margin - doubt * base, 0.0))


def _expiry(
    terms: StandardTerms,
    market: ShockedMarket,
    expiry: ExpiryOptions,
    marks: FloatArray,
    initial: bool,
) -> FloatArray:
    """The better of the isolated margins and the largest loss at expiry, [S]."""
    isolated = _isolated(terms, market, expiry, marks, initial).sum(axis=0)
    points = np.concatenate(([0.0], expiry.strike[:, 0]))[:, None]
    strike, call, amount = expiry.strike[:, 0], expiry.call[:, 0], expiry.amount[:, 0]
    inside = np.maximum(np.where(call, points - strike, strike - points), 0.0)
    loss = min(float((inside @ amount).min()), 0.0)
    unpaired = number(terms.unpaired_im if initial else terms.unpaired_mm)
    calls = min(float(amount[call].sum()), 0.0)
    return np.asarray(np.maximum(isolated, loss + calls * unpaired * expiry.forward(market)))


def _isolated(
    terms: StandardTerms,
    market: ShockedMarket,
    expiry: ExpiryOptions,
    marks: FloatArray,
    initial: bool,
) -> FloatArray:
    """Each short option's own net margin, [n, S]; a long option has none."""
    spot, amount = market.spot, expiry.amount
    away = np.where(expiry.call, expiry.strike - spot, spot - expiry.strike)
    out = np.maximum(away, 0.0) / np.where(spot > 0.0, spot, 1.0)
    share = np.maximum(number(terms.max_spot) - out, number(terms.min_spot))
    standing = share * spot * amount + marks
    put = marks + np.minimum(
        number(terms.mm_put_spot) * spot * amount, number(terms.mm_put_value) * marks
    )
    if initial:
        margin = np.where(
            expiry.call, standing, np.minimum(standing, put * number(terms.mm_offset))
        )
    else:
        margin = np.where(expiry.call, marks + number(terms.mm_call_spot) * spot * amount, put)
    return np.where(amount > 0.0, 0.0, margin)
