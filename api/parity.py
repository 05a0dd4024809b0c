"""The ``parity`` answer: our figures minus the venue's own at the same block, account by account."""

from __future__ import annotations

from typing import Any

from ..core.book.health import Parity
from ..core.book.model import MarginAccount
from ..core.book.portfolio import Book

__all__ = ["parity_document", "parity_holds"]


def parity_holds(book: Book) -> bool:
    """False where any figure that both sides state differs by a single raw unit."""
    return all(_parity(account).status != "mismatch" for account in book.portfolio.accounts)


def parity_document(book: Book) -> dict[str, Any]:
    """One suite per account, one case per figure, in the shape of the ``verify`` answer."""
    return {
        "suites": [_suite(account) for account in book.portfolio.accounts],
        "ok": parity_holds(book),
    }


def _parity(account: MarginAccount) -> Parity:
    return Parity.between(account.judgement, account.venue_answer)


def _suite(account: MarginAccount) -> dict[str, Any]:
    parity = _parity(account)
    wrong = {name: gap for name, gap in parity.differences.items() if gap}
    return {
        "venue": account.venue,
        "chain_id": account.chain_id,
        "suite": account.id,
        "status": parity.status,
        "failure": None if parity.failure is None else str(parity.failure),
        "cases": len(parity.differences),
        "exact": len(parity.differences) - len(wrong),
        "not_counted": 0,
        "largest_difference": str(parity.largest),
        "mismatches": [
            {"case": account.id, "figure": name, "difference": str(gap)}
            for name, gap in wrong.items()
        ],
        "figures": _figures(account),
    }


def _figures(account: MarginAccount) -> dict[str, str]:
    """Our own raw figures, under the venue's names."""
    if account.judgement is None:
        return {}
    return {name: str(value) for name, value in account.judgement.figures.items()}
