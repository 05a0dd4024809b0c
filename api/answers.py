"""What is sent back: one document per kind of question, its exit code, and its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from ..adapters.chain.evidence import Bundle
from ..core.book.documents import health_document, margin_document, provenance
from ..core.book.health import State
from ..core.book.portfolio import Book
from ..core.book.report import Report
from ..core.errors import Severity
from .document import write_document
from .exits import Exit, exit_of
from .parity import parity_document, parity_holds

__all__ = ["Answer", "Kind", "respond"]

Kind = Literal["portfolio", "health", "margin", "parity"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its document, the state it reports, and the evidence it can be replayed from.

    ``matches`` is False where our figures differ from the venue's own and the question was parity.
    """

    kind: Kind
    document: dict[str, Any]
    state: State
    complete: bool
    matches: bool = True
    evidence: Bundle | None = None

    @property
    def text(self) -> bytes:
        """The document as JSON, the bytes that ``replay`` compares."""
        return orjson.dumps(self.document)

    @property
    def exit(self) -> Exit:
        """The exit code of the command line for this answer."""
        if not self.matches:
            return Exit.MISMATCH
        if self.kind in {"portfolio", "parity"}:
            return Exit.OK if self.complete else Exit.INCOMPLETE
        return exit_of(self.state, complete=self.complete)


def respond(kind: Kind, book: Book, report: Report) -> Answer:
    """The answer of that kind."""
    matches = kind != "parity" or parity_holds(book)
    document = _document(kind, book, report)
    return Answer(kind, document, report.state, report.complete, matches)


def _document(kind: Kind, book: Book, report: Report) -> dict[str, Any]:
    match kind:
        case "portfolio":
            frame = provenance(report)
            problems = [row for row in frame["problems"] if row["severity"] != Severity.MODEL]
            return {
                "complete": report.complete,
                **write_document(book),
                **frame,
                "problems": problems,
            }
        case "parity":
            frame = {"complete": report.complete, **provenance(report)}
            return {"schema": "crossmargin/parity/1", **parity_document(book), **frame}
        case "health":
            return health_document(report)
        case "margin":
            return margin_document(report)
