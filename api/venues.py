"""The ``venues`` answer: adapters, where they run, what is exact and what is only viewed."""

from __future__ import annotations

from typing import Any

from ..adapters.base import Adapter, Deployment
from .reading import Sources

__all__ = ["venues_document"]


def venues_document(sources: Sources) -> dict[str, Any]:
    """Every installed adapter with its deployments, in the order of their names."""
    return {
        "schema": "crossmargin/venues/1",
        "venues": [
            _venue(adapter, [each for each in sources.deployments if each.venue == adapter.name])
            for _, adapter in sorted(sources.adapters.items())
        ],
    }


def _venue(adapter: Adapter, deployments: list[Deployment]) -> dict[str, Any]:
    can = adapter.capabilities
    return {
        "venue": adapter.name,
        "kinds": list(can.kinds),
        "exact": list(can.exact),
        "view_only": list(can.view_only),
        "comparator": can.comparator,
        "enumeration": list(can.enumeration),
        "warm_round_trips": can.warm_rounds,
        "suites": sorted(adapter.suites),
        "notes": list(can.notes),
        "deployments": [
            {
                "chain_id": each.chain_id,
                "market": each.market,
                "contracts": dict(each.contracts),
            }
            for each in deployments
        ],
    }
