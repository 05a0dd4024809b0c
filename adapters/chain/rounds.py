"""The driver of read plans: all venues of a chain advance together, one round trip for all.

A plan is a generator that yields reads and is sent replies (``adapters.base``). Plans that ask in
the same round share one batch; a read that several ask for is sent once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ...core.book.portfolio import BlockRef
from ...core.errors import CrossmarginError, Failure, Reason, SourceError
from .call import Read, ReadPlan, Replies
from .source import Chain

__all__ = ["run_plans"]

K = TypeVar("K")
T = TypeVar("T")


async def run_plans(
    chain: Chain,
    plans: Mapping[K, ReadPlan[T]],
    block: BlockRef,
    joining: Callable[[K, T | Failure], Mapping[K, ReadPlan[T]]] | None = None,
) -> dict[K, T | Failure]:
    """What each plan returned, in the order of the plans.

    A plan that raises a ``CrossmarginError`` has a ``Failure`` in its place and stops no other.
    ``joining`` is told what each plan returned and gives the further plans that this calls for:
    they start in the next round, under keys of their own.
    """
    results: dict[K, T | Failure] = {}
    waiting: dict[K, Sequence[Read]] = {}
    running, told = dict(plans), set[K]()
    try:
        for key, plan in plans.items():
            _advance(key, plan, None, waiting, results)
        while True:
            _join(joining, told, running, waiting, results)
            if not waiting:
                break
            reads = list(dict.fromkeys(read for asked in waiting.values() for read in asked))
            replies = await chain.fetch(reads, block)
            for key in tuple(waiting):
                del waiting[key]
                _advance(key, running[key], replies, waiting, results)
    finally:
        for plan in running.values():
            plan.close()
    return {key: results[key] for key in running}


def _join(
    joining: Callable[[K, T | Failure], Mapping[K, ReadPlan[T]]] | None,
    told: set[K],
    running: dict[K, ReadPlan[T]],
    waiting: dict[K, Sequence[Read]],
    results: dict[K, T | Failure],
) -> None:
    """Start what the plans that ended call for, and what that calls for in turn."""
    ended = [key for key in results if key not in told]
    while joining is not None and ended:
        for key in ended:
            told.add(key)
            for name, plan in joining(key, results[key]).items():
                running[name] = plan
                _advance(name, plan, None, waiting, results)
        ended = [key for key in results if key not in told]


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
