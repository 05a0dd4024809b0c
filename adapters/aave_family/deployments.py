"""Where a venue of the family runs, from the ``deployments.toml`` of its package."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from ..base import Deployment

__all__ = ["deployments_of"]


@cache
def deployments_of(package: str, venue: str) -> tuple[Deployment, ...]:
    """The deployments that the package's ``deployments.toml`` lists."""
    text = files(package).joinpath("deployments.toml").read_text(encoding="utf-8")
    return tuple(
        Deployment(
            venue,
            entry["chain_id"],
            entry["market"],
            entry["contracts"],
            entry.get("settings", {}),
        )
        for entry in tomllib.loads(text)["deployment"]
    )
