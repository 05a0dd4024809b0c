"""How each kind of rule in a portfolio document is read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..adapters.base import Adapter
from ..core.book.rule import Rule

__all__ = ["RuleReader", "rule_readers"]

RuleReader = Callable[[Mapping[str, Any]], Rule]


def rule_readers(adapters: Mapping[str, Adapter]) -> dict[str, RuleReader]:
    """The venues' own rule kinds; the hand-written kinds belong to the document itself."""
    return {kind: reader for each in adapters.values() for kind, reader in each.rules.items()}
