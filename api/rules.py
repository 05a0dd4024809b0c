"""How the rule kinds of the installed venues are read back from a portfolio document."""

from __future__ import annotations

from collections.abc import Mapping

from ..adapters.base import Adapter
from .document import RuleReader

__all__ = ["rule_readers"]


def rule_readers(adapters: Mapping[str, Adapter]) -> dict[str, RuleReader]:
    """The venues' own rule kinds; the hand-written kinds belong to the document itself."""
    return {kind: reader for each in adapters.values() for kind, reader in each.rules.items()}
