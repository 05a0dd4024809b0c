"""The adapters that are installed, found by entry point: a third party joins without an edit here.

A package declares ``my-venue = "my_package:ADAPTER"`` under ``crossmargin.adapters``. Adapters are
imported when first asked for; one that cannot be imported or is no adapter becomes a problem of
the answer and never stops the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from ..core.errors import InputError, Problem, Reason, Severity
from .base import Adapter
from .deployments import load_deployments, parse_deployments

__all__ = [
    "ENTRY_POINT_GROUP",
    "Registry",
    "installed_adapters",
    "load_adapters",
    "load_deployments",
    "parse_deployments",
]

ENTRY_POINT_GROUP = "crossmargin.adapters"


@dataclass(frozen=True, slots=True)
class Registry:
    """Adapters by venue name, and a problem for each that could not be loaded."""

    adapters: Mapping[str, Adapter]
    problems: tuple[Problem, ...] = ()

    def adapter(self, venue: str) -> Adapter:
        """The adapter of a venue; ``InputError`` lists the known ones where there is none."""
        if venue not in self.adapters:
            known = ", ".join(sorted(self.adapters)) or "none"
            raise InputError(f"no adapter for venue {venue!r}; known: {known}", field="venue")
        return self.adapters[venue]


@cache
def installed_adapters() -> Registry:
    """Every adapter that is installed in this environment."""
    return load_adapters(entry_points(group=ENTRY_POINT_GROUP))


def load_adapters(points: Iterable[EntryPoint]) -> Registry:
    """The adapters behind these entry points, in the order of their names."""
    adapters: dict[str, Adapter] = {}
    problems = []
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        loaded = _load(point)
        if isinstance(loaded, Problem):
            problems.append(loaded)
        elif point.name in adapters:
            problems.append(_broken(point, "another package already provides this venue"))
        else:
            adapters[point.name] = loaded
    return Registry(adapters, tuple(problems))


def _load(point: EntryPoint) -> Adapter | Problem:
    """The adapter behind an entry point, or why there is none."""
    try:
        adapter = point.load()
    except Exception as error:  # noqa: BLE001 - importing runs a stranger's code: anything can come
        return _broken(point, f"{type(error).__name__}: {error}")
    if not isinstance(adapter, Adapter):
        return _broken(point, "it does not follow the protocol of adapters.base.Adapter")
    if adapter.name != point.name:
        return _broken(point, f"it calls itself {adapter.name!r}")
    return adapter


def _broken(point: EntryPoint, why: str) -> Problem:
    return Problem(
        Severity.READ,
        Reason.NOT_SUPPORTED,
        "adapter_broken",
        venue=point.name,
        detail=f"{point.value}: {why}"[:200],
        action="mend or remove the package that provides this adapter",
    )
