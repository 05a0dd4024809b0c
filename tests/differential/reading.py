"""The product as an outsider uses it: an owner goes in, a book or an answer comes out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from crossmargin.adapters.chain.client import Chain
from crossmargin.adapters.facts import Facts
from crossmargin.api.answers import Answer, Kind
from crossmargin.api.pipeline import answer
from crossmargin.api.query import Query
from crossmargin.api.reading import Sources, read_book
from crossmargin.core.book.health import Judgement
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.book.portfolio import Book
from tests.localchain.world import World, open_chain

__all__ = ["AAVE", "MORPHO", "Product", "account_in", "judged", "query"]

AAVE, MORPHO = "aave-v3", "morpho-blue"
T = TypeVar("T")


def query(owner: str, *venues: str, **options: Mapping[str, Any]) -> Query:
    """The question about an owner; an account that holds nothing is shown too."""
    shown: dict[str, Mapping[str, Any]] = {AAVE: {"include_empty": True}}
    return Query((owner,), venues=venues, options=shown | options)


class Product:
    """The product over a world. It keeps static facts between reads, as a service does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.facts = Facts()

    def run(self, work: Callable[[Sources], Awaitable[T]], chain: Chain | None = None) -> T:
        """What ``work`` returns on sources that are open while it runs."""

        async def opened() -> T:
            connected = chain or open_chain(self.world.chain)
            try:
                return await work(replace(self.world.sources(connected), facts=self.facts))
            finally:
                await connected.aclose()

        return asyncio.run(opened())

    def books(self, owners: Sequence[str], *venues: str) -> list[Book]:
        """The book of each owner at the latest block."""

        async def work(sources: Sources) -> list[Book]:
            return [await read_book(query(owner, *venues), sources) for owner in owners]

        return self.run(work)

    def answers(self, kind: Kind, owners: Sequence[str]) -> list[Answer]:
        """The answer of that kind for each owner at the latest block."""

        async def work(sources: Sources) -> list[Answer]:
            return [await answer(kind, query(owner), sources) for owner in owners]

        return self.run(work)

    def account(self, owner: str, venue: str, identity: str = "local") -> MarginAccount:
        """One account of the owner."""
        (book,) = self.books([owner], venue)
        return account_in(book, venue, identity)


def account_in(book: Book, venue: str, identity: str = "local") -> MarginAccount:
    """The book's account of that venue and id."""
    found = (one for one in book.portfolio.accounts if (one.venue, one.id) == (venue, identity))
    return next(found)


def judged(account: MarginAccount) -> Judgement:
    """The account's judgement, which must be there and whole."""
    assert account.failure is None, account.failure
    assert account.judgement is not None
    return account.judgement
