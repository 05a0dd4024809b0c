"""The rule of a loan: the controller's health, and how it moves with the collateral's price.

The venue's figure is 0 at its limit; here it is ``1 + health``, so that the limit is 1. Above the
loan's bands that is linear in the price down to the upper band's edge, and then stays at what the
bands would give (``Controller._health``). Inside the bands the venue's answer depends on the path
of prices; a scenario there has the health scaled by what the collateral is worth. A scenario gets
the lower of the two.
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
        """The lower of the scaled health and, above the bands, the venue's own line."""
        today = self._today()
        scaled = today * move
        if self.slope is None or self.banded is None:
            return scaled
        line = np.maximum(today - to_float(self.slope, 18) * (1 - move), to_float(self.banded, 18))
        lower: FloatArray = np.where(move == 1.0, today, np.minimum(scaled, line))
        return lower


def rule_from_document(document: Mapping[str, Any]) -> CrvusdRule:
    """The rule of a portfolio document; ``DocumentError`` names the field that is wrong."""
    return CrvusdRule(
        KIND,
        MEASURE,
        **viewed_fields(document),
        slope=integer(document.get("slope"), "slope"),
        banded=integer(document.get("banded"), "banded"),
    )
