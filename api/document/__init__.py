"""The portfolio document ``crossmargin/portfolio/1``: a book as JSON, read, written, published.

``read_document`` and ``write_document`` are inverse; the JSON Schema is ``schema/portfolio-1.json``
of this package.
"""

from __future__ import annotations

from .read import read_document
from .rules import RuleReader
from .schema import SCHEMA, json_schema
from .write import write_document

__all__ = ["SCHEMA", "RuleReader", "json_schema", "read_document", "write_document"]
