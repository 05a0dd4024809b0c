"""Derive's StandardManager for hand-written accounts, in ``float64``.

Formulas: venues/derive.md c.1. A document has no feed confidences, so they are taken as 1; the
forward of every expiry is the underlying's price. The manager returns net margin (value less
requirement); a requirement here is market value less that margin, so both are positive USD.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal

import numpy as np

from ...book.health import Judgement
from ...book.model import Debt, Leg, Option, Perp, Spot
from ...book.rule import FloatArray, LegScenarios, RuleArrays
from ...errors import RuleError
from ...units import plain
from .arrays import coverage

__all__ = ["DeriveFigures", "DeriveStandardRule"]


@dataclass(frozen=True, slots=True)
class DeriveFigures:
    """The manager's parameters, as shares; defaults are the tests column of venues/derive.md c.4.

    ``base_margin`` is that column's figure for whole portfolios (0.8).
    """

    max_spot: Decimal = Decimal("0.15")
    min_spot: Decimal = Decimal("0.1")
    mm_call: Decimal = Decimal("0.075")
    mm_put: Decimal = Decimal("0.075")
    mm_put_mtm: Decimal = Decimal("0.075")
    unpaired_initial: Decimal = Decimal("1.2")
    unpaired_maintenance: Decimal = Decimal("1.1")
    mm_offset: Decimal = Decimal("1.05")
    perp_initial: Decimal = Decimal("0.065")
    perp_maintenance: Decimal = Decimal("0.05")
    base_margin: Decimal = Decimal("0.8")
    base_initial_scale: Decimal = Decimal(1)
    depeg_threshold: Decimal = Decimal("0.98")
    depeg_factor: Decimal = Decimal("1.2")


@dataclass(slots=True)
class _Sums:
    """Running totals over the account, each [S]: market value and the two net margins."""

    value: FloatArray
    initial: FloatArray
    maintenance: FloatArray

    def add(self, value: FloatArray, initial: FloatArray, maintenance: FloatArray) -> None:
        self.value = self.value + value
        self.initial = self.initial + initial
        self.maintenance = self.maintenance + maintenance


@dataclass(frozen=True, slots=True)
class DeriveStandardRule:
    """One Derive v2 subaccount under the StandardManager; liquidatable when net MM is below 0.

    USDC (and USD) is the venue's cash, counted at 1 whatever its price, and may be negative; any
    other token is base collateral.
    """

    figures: DeriveFigures = field(default_factory=DeriveFigures)
    kind: str = "derive-standard"
    measure: str = "equity / maintenance"

    def judge(self) -> Judgement | None:
        """None: hand-written rules have no venue to be exact against."""
        return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario at once; ``RuleError`` on what the venue cannot hold."""
        zero = np.zeros(scenarios.value.shape[1])
        sums = _Sums(zero, zero, zero)
        stable = _stable_price(legs, scenarios)
        depeg = np.maximum(float(self.figures.depeg_threshold) - stable, 0.0)
        depeg = depeg * float(self.figures.depeg_factor)
        expiries: dict[tuple[str, int], list[int]] = defaultdict(list)
        for row, leg in enumerate(legs):
            if isinstance(leg.instrument, Option) and leg.status != "settled":
                expiries[leg.instrument.underlying, leg.instrument.expiry].append(row)
            else:
                self._add_leg(sums, leg, row, scenarios, stable, depeg)
        for rows in expiries.values():
            self._add_expiry(sums, legs, rows, scenarios, depeg)
        maintenance = sums.value - sums.maintenance
        return RuleArrays(
            equity=sums.value,
            initial=sums.value - sums.initial,
            maintenance=maintenance,
            health=coverage(sums.value, maintenance),
            liquidatable=sums.maintenance < 0.0,
        )

    def _add_leg(
        self,
        sums: _Sums,
        leg: Leg,
        row: int,
        scenarios: LegScenarios,
        stable: FloatArray,
        depeg: FloatArray,
    ) -> None:
        """Add cash, base collateral, a perp, or an option that has already become cash."""
        value, price = scenarios.value[row], scenarios.price[row]
        if _is_cash(leg):
            face = np.full_like(value, float(leg.quantity))
            sums.add(face, face, face)
        elif isinstance(leg.instrument, Option):
            sums.add(value, value, value)
        elif isinstance(leg.instrument, Perp):
            notional = abs(float(leg.quantity)) * price
            initial = value - notional * (float(self.figures.perp_initial) + depeg)
            sums.add(value, initial, value - notional * float(self.figures.perp_maintenance))
        elif isinstance(leg.instrument, Spot):
            margin = value * float(self.figures.base_margin)
            sums.add(value / stable, margin * float(self.figures.base_initial_scale), margin)
        else:
            kind = type(leg.instrument).__name__
            raise RuleError(f"a Derive account cannot hold leg {leg.id!r} ({kind})")

    def _add_expiry(
        self,
        sums: _Sums,
        legs: Sequence[Leg],
        rows: Sequence[int],
        scenarios: LegScenarios,
        depeg: FloatArray,
    ) -> None:
        """Add one expiry: the better of the isolated margins and the largest loss at expiry."""
        price = scenarios.price[rows[0]]
        initial, maintenance = np.zeros_like(price), np.zeros_like(price)
        shorts = 0.0
        for row in rows:
            size = _size(legs[row])
            if size < 0.0:
                shorts -= size
                leg_initial, leg_maintenance = self._short(
                    legs[row], size, scenarios.value[row], price
                )
                initial, maintenance = initial + leg_initial, maintenance + leg_maintenance
        loss, net_calls = _largest_loss([legs[row] for row in rows])
        naked = min(net_calls, 0.0) * price
        unpaired_initial = loss + naked * float(self.figures.unpaired_initial)
        unpaired_maintenance = loss + naked * float(self.figures.unpaired_maintenance)
        sums.add(
            scenarios.value[list(rows)].sum(axis=0),
            np.maximum(initial, unpaired_initial) - shorts * depeg * price,
            np.maximum(maintenance, unpaired_maintenance),
        )

    def _short(
        self, leg: Leg, size: float, mark: FloatArray, price: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The isolated (initial, maintenance) net margin of a short; a long option's is 0."""
        option = leg.instrument
        assert isinstance(option, Option)  # noqa: S101 - rows of an expiry are options
        figures = self.figures
        call = option.right == "call"
        away = float(option.strike) - price if call else price - float(option.strike)
        share = np.maximum(
            float(figures.max_spot) - np.maximum(away, 0.0) / price, float(figures.min_spot)
        )
        initial = mark + share * price * size
        if call:
            return initial, mark + float(figures.mm_call) * price * size
        maintenance = mark + np.minimum(
            float(figures.mm_put) * price * size, float(figures.mm_put_mtm) * mark
        )
        return np.minimum(initial, float(figures.mm_offset) * maintenance), maintenance

    def document(self) -> Mapping[str, object]:
        """The ``rule`` object of a portfolio document, every figure given."""
        figures = {
            item.name: plain(getattr(self.figures, item.name)) for item in fields(DeriveFigures)
        }
        return {"kind": self.kind, **figures}


def _is_cash(leg: Leg) -> bool:
    """Whether the leg is USDC or USD, owned or borrowed."""
    return isinstance(leg.instrument, Spot | Debt) and leg.instrument.asset.underlying in {
        "USDC",
        "USD",
    }


def _stable_price(legs: Sequence[Leg], scenarios: LegScenarios) -> FloatArray:
    """The USD price of the venue's cash in each scenario; 1 where the account holds none."""
    for row, leg in enumerate(legs):
        if _is_cash(leg):
            price: FloatArray = scenarios.price[row]
            return price
    return np.ones(scenarios.value.shape[1])


def _size(leg: Leg) -> float:
    """Signed units of the underlying: contracts times units per contract."""
    multiplier = leg.instrument.multiplier if isinstance(leg.instrument, Option) else Decimal(1)
    return float(leg.quantity) * float(multiplier)


def _largest_loss(legs: Sequence[Leg]) -> tuple[float, float]:
    """The worst payoff (<= 0) at 0 and at every strike held, and the net number of calls."""
    strikes = np.array(
        [float(leg.instrument.strike) for leg in legs if isinstance(leg.instrument, Option)]
    )
    sizes = np.array([_size(leg) for leg in legs])
    calls = np.array(
        [isinstance(leg.instrument, Option) and leg.instrument.right == "call" for leg in legs]
    )
    points = np.concatenate(([0.0], strikes))[:, None]
    intrinsic = np.maximum(np.where(calls, points - strikes, strikes - points), 0.0)
    return min(float((intrinsic @ sizes).min()), 0.0), float(sizes[calls].sum())
