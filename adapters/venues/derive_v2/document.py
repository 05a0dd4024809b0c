"""The rule of a portfolio document read back: the inverse of ``DeriveRule.document``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import DocumentError
from .codec import decoded
from .pmrm1 import Pmrm1Book, Pmrm1Terms
from .pmrm2 import Pmrm2Book, Pmrm2Terms
from .rule import DeriveRule

__all__ = ["rule_from_document"]


def rule_from_document(document: Mapping[str, Any]) -> DeriveRule:
    """The rule; ``DocumentError`` names the field that is wrong."""
    rule = decoded(DeriveRule, document)
    needed = {Pmrm1Book: Pmrm1Terms, Pmrm2Book: Pmrm2Terms}.get(type(rule.book))
    if needed is not None and type(rule.terms) is not needed:
        message = f"a {type(rule.book).__name__} needs {needed.__name__}"
        raise DocumentError(f"terms: {message}", field="terms")
    return rule
