"""The driver of read plans: all venues of a chain advance together, one round trip for all.

A plan is a generator that yields reads and is sent replies (``adapters.base``). Plans that ask in
the same round share one batch; a read that several ask for is sent once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ...core.book.portfolio import BlockRef
from ...core.errors import CrossmarginError, Failure, Reason, SourceError
from .call import Read, ReadPlan, Replies
from .source import Chain

__all__ = ["run_plans"]

K = TypeVar("K")
T = TypeVar("T")


async def run_plans(
    chain: Chain, plans: Mapping[K, ReadPlan[T]], block: BlockRef
) -> dict[K, T | Failure]:
    """What each plan returned, in the order of the plans.

    A plan that raises a ``CrossmarginError`` has a ``Failure`` in its place and stops no other.
    """
    results: dict[K, T | Failure] = {}
    waiting: dict[K, Sequence[Read]] = {}
    try:
        for key, plan in plans.items():
            _advance(key, plan, None, waiting, results)
        while waiting:
            reads = list(dict.fromkeys(read for asked in waiting.values() for read in asked))
            replies = await chain.fetch(reads, block)
            for key in tuple(waiting):
                del waiting[key]
                _advance(key, plans[key], replies, waiting, results)
    finally:
        for plan in plans.values():
            plan.close()
    return {key: results[key] for key in plans}


def _advance(
    key: K,
    plan: ReadPlan[T],
    replies: Replies | None,
    waiting: dict[K, Sequence[Read]],
    results: dict[K, T | Failure],
) -> None:
    """Run a plan until it asks for something or ends; an empty batch needs no round trip."""
    try:
        asked = next(plan) if replies is None else plan.send(replies)
        while not asked:
            asked = plan.send(Replies({}))
        waiting[key] = asked
    except StopIteration as done:
        results[key] = done.value
    except CrossmarginError as error:
        results[key] = _failure(error)


def _failure(error: CrossmarginError) -> Failure:
    reason = Reason.RPC_UNAVAILABLE if isinstance(error, SourceError) else Reason.NOT_SUPPORTED
    return Failure(reason, "plan_failed", str(error))
