"""Legs as the risk core sees them: a quantity of a unit, worth so much now, or the reason why not.

A ``Unit`` is what one position unit is: two legs with the same unit net, and a unit is revalued
once however many legs hold it. The venue is part of it, because a perp on one venue and the same
perp on another are not the same thing (their marks differ), and because the gross floor does not
net across venues.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..book.market import Market
from ..book.model import Asset, Claim, Debt, Instrument, Leg, LpRange, Option, Perp, Spot
from ..errors import Failure, Reason
from .pricing import black76_greeks

__all__ = [
    "SECONDS_PER_YEAR",
    "Position",
    "Sensitivity",
    "Unit",
    "is_liability",
    "position_of",
    "positions_of",
]

SECONDS_PER_YEAR = 31_536_000


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of an instrument at a venue, with everything needed to revalue it.

    ``price`` is USD per unit of the asset, or of the underlying for perps and options; ``factor``
    names the ratio or peg on top of the underlying (empty: none). ``units`` converts a leg's
    quantity (contracts, shares) to units of that asset. ``growth`` is forward over spot.
    """

    venue: str
    instrument: Instrument
    underlying: str
    kind: Literal["cash", "volatile", "stable", "lst", "perp", "option"]
    price: float
    factor: str = ""
    known: bool = True
    units: float = 1.0
    strike: float = 0.0
    tenor_years: float = 0.0
    volatility: float = 0.0
    call: bool = False
    growth: float = 1.0


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Of one unit of the asset: its USD value, and the greeks to the underlying's spot.

    ``delta`` in units, ``gamma`` in units per USD, ``vega`` in USD per 1.00 of volatility,
    ``theta`` in USD a year.
    """

    value: float
    delta: float = 1.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0


@dataclass(frozen=True, slots=True)
class Position:
    """A leg that could be valued: ``quantity`` is signed and in units of the unit's asset.

    ``value`` is the leg's signed USD value now (perp: unrealised result), accrued cash included.
    """

    leg: Leg
    unit: Unit
    quantity: float
    value: float
    sensitivity: Sensitivity

    @property
    def credited(self) -> bool:
        """Whether the unified margin gives credit for it: an unknown token that is owned gets none."""
        return self.unit.known or self.quantity < 0


def is_liability(leg: Leg) -> bool:
    """Whether the leg can come to owe something: a debt, a short, or a perp of either side."""
    return isinstance(leg.instrument, Debt | Perp) or leg.quantity < 0


def position_of(leg: Leg, venue: str, market: Market, as_of: int) -> Position | Failure:
    """The leg valued at the market and at ``as_of`` (Unix seconds), or why it cannot be valued."""
    return positions_of([(venue, leg)], market, as_of)[0]


def positions_of(
    legs: Sequence[tuple[str, Leg]], market: Market, as_of: int
) -> list[Position | Failure]:
    """Legs with their venues, valued in one pass, in order."""
    units = [_unit_of(leg, venue, market, as_of) for venue, leg in legs]
    options = dict.fromkeys(
        unit for unit in units if isinstance(unit, Unit) and unit.kind == "option"
    )
    priced = dict(zip(options, _option_sensitivities(list(options)), strict=True))
    return [
        unit if isinstance(unit, Failure) else _position(leg, unit, priced.get(unit))
        for (_, leg), unit in zip(legs, units, strict=True)
    ]


def _position(leg: Leg, unit: Unit, option: Sensitivity | None) -> Position:
    quantity = float(leg.quantity) * unit.units
    sensitivity = option or Sensitivity(unit.price)
    entry = float(leg.entry_price) if unit.kind == "perp" and leg.entry_price is not None else 0.0
    value = quantity * (sensitivity.value - entry) + float(leg.accrued)
    return Position(leg, unit, quantity, value, sensitivity)


def _option_sensitivities(units: Sequence[Unit]) -> list[Sensitivity]:
    """Value and greeks of options today; the chain rule takes them from the forward to spot."""
    if not units:
        return []
    growth = np.array([unit.growth for unit in units])
    greeks = black76_greeks(
        np.array([unit.price for unit in units]) * growth,
        [unit.strike for unit in units],
        [unit.volatility for unit in units],
        [unit.tenor_years for unit in units],
        [unit.call for unit in units],
        1.0 / growth,
    )
    columns = (
        greeks.value,
        greeks.delta * growth,
        greeks.gamma * growth**2,
        greeks.vega,
        greeks.theta,
    )
    return [Sensitivity(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def _unit_of(leg: Leg, venue: str, market: Market, as_of: int) -> Unit | Failure:
    if leg.failure is not None:
        return leg.failure
    instrument = leg.instrument
    if isinstance(instrument, Spot | Debt):
        return _asset_unit(venue, instrument, instrument.asset, 1.0, market)
    if isinstance(instrument, Claim):
        return _asset_unit(
            venue, instrument, instrument.asset, float(instrument.assets_per_share), market
        )
    if isinstance(instrument, Perp):
        price = market.underlying_price(instrument.underlying)
        if price is None:
            return _no_price(instrument.underlying)
        if leg.entry_price is None:
            return Failure(Reason.POSITIONS_INCOMPLETE, "no_entry_price", "a perp needs its entry")
        return Unit(venue, instrument, instrument.underlying, "perp", float(price))
    if isinstance(instrument, Option):
        return _option_unit(leg, instrument, venue, market, as_of)
    code = "lp_range" if isinstance(instrument, LpRange) else "perpetual_option"
    return Failure(Reason.NOT_SUPPORTED, code, "this instrument is not valued yet")


def _no_price(name: str) -> Failure:
    return Failure(Reason.NO_PRICE, "no_price", f"the market quotes no price of {name}")


def _asset_unit(
    venue: str, instrument: Instrument, asset: Asset, units: float, market: Market
) -> Unit | Failure:
    price = market.price(asset)
    if price is None:
        return _no_price(asset.symbol)
    kind = "cash" if asset.kind == "usd" else asset.kind
    factor = asset.key if asset.kind == "lst" else ""
    return Unit(
        venue,
        instrument,
        asset.underlying,
        kind,
        float(price),
        factor=factor,
        known=asset.known,
        units=units,
    )


def _option_unit(
    leg: Leg, option: Option, venue: str, market: Market, as_of: int
) -> Unit | Failure:
    """The option's unit; one that has expired is unknown until its settlement is."""
    if leg.status == "settled":
        return Unit(venue, option, "USD", "cash", 0.0)  # what it paid is the leg's accrued cash
    if leg.status == "expired_unsettled" or option.expiry <= as_of:
        return Failure(Reason.PENDING_SETTLEMENT, "expired_unsettled", "no settlement price yet")
    if as_of <= 0:
        return Failure(
            Reason.POSITIONS_INCOMPLETE, "no_as_of", "an option needs the time of reading"
        )
    price = market.underlying_price(option.underlying)
    if price is None:
        return _no_price(option.underlying)
    quoted = market.vol.get(option.underlying)
    volatility = leg.vol if leg.vol is not None else quoted.value if quoted is not None else None
    if volatility is None:
        return Failure(Reason.NO_PRICE, "no_volatility", f"no volatility of {option.underlying}")
    tenor = (option.expiry - as_of) / SECONDS_PER_YEAR
    return Unit(
        venue,
        option,
        option.underlying,
        "option",
        float(price),
        units=float(option.multiplier),
        strike=float(option.strike),
        tenor_years=tenor,
        volatility=float(volatility),
        call=option.right == "call",
        growth=math.exp(float(market.rate) * tenor),
    )
