"""The whole flow, and the file to read first.

    Chain --bytes--> Adapter --VenueSnapshot--> assemble --Book--> margin.assess --Report--> answer

``answer`` reads an owner's book from the chains and says what it is worth and how safe it is;
``judge`` does the same for a portfolio document, without a network. Both are deterministic: the
same reads give the same bytes.
"""

from __future__ import annotations

from dataclasses import replace

from ..core.risk.margin import assess
from ..core.risk.parameters import read_parameters
from .answers import Answer, Kind, respond
from .document import read_document
from .evidence import record
from .query import Query
from .reading import Sources, read_book
from .rules import rule_readers

__all__ = ["answer", "judge"]


async def answer(kind: Kind, query: Query, sources: Sources) -> Answer:
    """The answer of that kind for the owner's book, with the evidence it rests on."""
    evidence = record(kind, query, sources)
    book = await read_book(query, evidence.sources)
    report = assess(book, read_parameters(book.model))
    bundle = evidence.bundle()
    given = respond(kind, book, replace(report, evidence_id=bundle.evidence_id))
    return replace(given, evidence=replace(bundle, answer=given.text.decode()))


def judge(kind: Kind, document: bytes, sources: Sources) -> Answer:
    """The answer of that kind for a portfolio document. ``DocumentError`` names a wrong field."""
    book = read_document(document, sources.tokens, rule_readers(sources.adapters))
    report = assess(book, read_parameters(book.model))
    return respond(kind, book, report)
