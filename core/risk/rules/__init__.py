"""The margin rules that a hand-written portfolio document may name.

They are judged from the legs alone, in ``float64``; none of them claims to be a venue's contract.
Adapters supply the exact rules.
"""

from __future__ import annotations

from .derive_standard import DeriveFigures, DeriveStandardRule
from .fractions import CustomRule, FractionTerms, PerpRule
from .lending import LendingRule, LendingTerms
from .plain import NoRule, UnsupportedRule

__all__ = [
    "CustomRule",
    "DeriveFigures",
    "DeriveStandardRule",
    "FractionTerms",
    "LendingRule",
    "LendingTerms",
    "NoRule",
    "PerpRule",
    "UnsupportedRule",
]
