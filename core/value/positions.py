"""Legs as the risk core sees them: a quantity of a unit, worth so much now, or the reason why not.

A ``Unit`` is what one position unit is: two legs with the same unit net, and a unit is revalued
once however many legs hold it. The venue is part of it, because a perp on one venue and the same
perp on another are not the same thing (their marks differ), and because the gross floor does not
net across venues.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..book.market import Market
from ..book.model import Asset, Claim, Debt, Instrument, Leg, LpRange, Option, Perp, Spot
from ..errors import Failure, Reason
from .pricing import black76

__all__ = ["SECONDS_PER_YEAR", "Position", "Unit", "is_liability", "position_of"]

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
class Position:
    """A leg that could be valued: ``quantity`` is signed and in units of the unit's asset.

    ``value`` is the leg's signed USD value now (perp: unrealised result), accrued cash included.
    """

    leg: Leg
    unit: Unit
    quantity: float
    value: float

    @property
    def credited(self) -> bool:
        """Whether the unified margin gives credit for it: an unknown token that is owned gets none."""
        return self.unit.known or self.quantity < 0


def is_liability(leg: Leg) -> bool:
    """Whether the leg can come to owe something: a debt, a short, or a perp of either side."""
    return isinstance(leg.instrument, Debt | Perp) or leg.quantity < 0


def position_of(leg: Leg, venue: str, market: Market, as_of: int) -> Position | Failure:
    """The leg valued at the market and at ``as_of`` (Unix seconds), or why it cannot be valued."""
    if leg.failure is not None:
        return leg.failure
    unit = _unit_of(leg, venue, market, as_of)
    if isinstance(unit, Failure):
        return unit
    quantity = float(leg.quantity) * unit.units
    accrued = float(leg.accrued)
    if unit.kind == "perp":
        if leg.entry_price is None:
            return Failure(Reason.POSITIONS_INCOMPLETE, "no_entry_price", "a perp needs its entry")
        return Position(
            leg, unit, quantity, quantity * (unit.price - float(leg.entry_price)) + accrued
        )
    if unit.kind == "option":
        return Position(leg, unit, quantity, quantity * _option_value(unit) + accrued)
    return Position(leg, unit, quantity, quantity * unit.price + accrued)


def _unit_of(leg: Leg, venue: str, market: Market, as_of: int) -> Unit | Failure:
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


def _option_value(unit: Unit) -> float:
    """USD per unit of the underlying, now."""
    forward = unit.price * unit.growth
    return float(
        black76(forward, unit.strike, unit.volatility, unit.tenor_years, unit.call, 1 / unit.growth)
    )
