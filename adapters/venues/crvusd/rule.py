"""The rule of a loan: the controller's health, and how it moves with the collateral's price.

The venue's figure is 0 at its limit; here it is ``1 + health``, so that the limit is 1. Above the
loan's bands that is linear in the price, down to the upper band's edge, where it is what the bands
would give (``Controller._health``). Inside the bands the venue's answer depends on the path of
prices; a scenario there has the health of the edge, or today's, scaled by what the collateral is
worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.book.rule import FloatArray
from ....core.units import to_float
from ...viewed.document import integer, viewed_fields
from ...viewed.rule import ViewedRule

__all__ = ["KIND", "MEASURE", "VENUE", "CrvusdRule", "rule_from_document"]

VENUE = KIND = "crvusd"
MEASURE = "1 + health(user, true)"


@dataclass(frozen=True, slots=True)
class CrvusdRule(ViewedRule):
    """``slope`` is the collateral's value over the debt above the bands (1e18; None inside them).

    ``banded`` is ``1 + health(user, false)``: what the bands would give over the debt.
    """

    slope: int | None = None
    banded: int | None = None

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters."""
        base = ViewedRule.document(self)
        slope = None if self.slope is None else str(self.slope)
        banded = None if self.banded is None else str(self.banded)
        return {**base, "slope": slope, "banded": banded}

    def _scenario_health(self, move: FloatArray) -> FloatArray:
        """The venue's own line down to the bands' upper edge, scaled from there (or from inside)."""
        today = self._today()
        scaled = today * move
        if self.slope is None or self.banded is None:
            return scaled
        slope, banded = to_float(self.slope, 18), to_float(self.banded, 18)
        line = today - slope * (1 - move)
        edge = 1 - (today - banded) / slope
        health: FloatArray = np.where(move >= edge, line, banded * move / edge)
        return np.where(move == 1.0, today, health)


def rule_from_document(document: Mapping[str, Any]) -> CrvusdRule:
    """The rule of a portfolio document; ``DocumentError`` names the field that is wrong."""
    return CrvusdRule(
        KIND,
        MEASURE,
        **viewed_fields(document),
        slope=integer(document.get("slope"), "slope"),
        banded=integer(document.get("banded"), "banded"),
    )
