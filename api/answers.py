"""What is sent back: one document per kind of question, its exit code, and its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from ..adapters.chain.evidence import Bundle
from ..core.book.health import Parity, State
from ..core.book.portfolio import Book
from ..core.book.report import Report, as_of_document, problem_document
from ..core.book.report import health_document, margin_document
from .document import write_document
from .exits import Exit, exit_of

__all__ = ["Answer", "Kind", "respond"]

Kind = Literal["portfolio", "health", "margin", "parity"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its document, the state it reports, and the evidence it can be replayed from."""

    kind: Kind
    document: dict[str, Any]
    state: State
    complete: bool
    evidence: Bundle | None = None
    matches: bool = True

    @property
    def text(self) -> bytes:
        """The document as canonical JSON, the bytes that ``replay`` compares."""
        return orjson.dumps(self.document)

    @property
    def exit(self) -> Exit:
        """The exit code of the command line for this answer."""
        if not self.matches:
            return Exit.MISMATCH
        if self.kind in {"portfolio", "parity"}:
            return Exit.OK if self.complete else Exit.INCOMPLETE
        return exit_of(self.state, complete=self.complete)
