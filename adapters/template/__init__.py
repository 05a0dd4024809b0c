"""A small adapter to copy: one vault contract that lends one token against another.

The venue is invented; every line does what a real adapter has to do. Copy the package to
``adapters/venues/<name>`` (or into a package of your own), then, in this order: put the functions
you call into ``contracts_abi/``, write ``deployments.toml``, write ``rule.py`` against the venue's
own integers, write ``read.py``, record three accounts (empty, ordinary, ugly), inherit
``adapters.conformance.AdapterConformance`` in the test module, and add the entry point:

    [project.entry-points."crossmargin.adapters"]
    my-venue = "crossmargin.adapters.venues.my_venue:ADAPTER"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...core.book.rule import Rule
from ..base import Capabilities, Deployment, ReadRequest, Suite, VenueSnapshot
from ..chain.call import ReadPlan
from ..deployments import bundled_deployments
from .read import read_snapshot
from .rule import KIND, rule_from_document

__all__ = ["ADAPTER", "TemplateVenue"]


class TemplateVenue:
    """The adapter: names and capabilities; the work is done in ``read.py`` and ``rule.py``."""

    name = "template"
    capabilities = Capabilities(
        kinds=("lending",),
        # What is proven equal to the contract; a figure that is only read goes into view_only.
        exact=("debt", "limit"),
        comparator="healthy_at_limit",
        enumeration=("state",),
        warm_rounds=1,
    )
    # Suites of recorded cases that ``crossmargin verify`` can recompute, by name.
    suites: Mapping[str, Suite] = {}
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = {KIND: rule_from_document}

    def deployments(self) -> Sequence[Deployment]:
        """Where the venue runs."""
        return bundled_deployments(__name__, self.name)

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """The plan that reads the owner's account."""
        return read_snapshot(request)


ADAPTER = TemplateVenue()
