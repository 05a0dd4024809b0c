"""The logs of one query up to the pinned block, in ranges that the node is willing to serve.

A range that is refused is halved. While nothing was served yet one range at a time is tried, so
that a provider with a narrow limit is asked a few times and not thousands of times; the width that
it served is remembered.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

from ...core.book.portfolio import BlockRef
from ...core.errors import Failure
from .call import Log, LogQuery
from .endpoint import Endpoint
from .jsonrpc import EndpointError, Kind, RefusedError
from .pin import quantity

__all__ = ["read_logs"]

_AT_ONCE = 16
_TOPIC = re.compile(r"0x[0-9a-f]{64}")
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*")
_NARROWER = {Kind.TOO_LARGE, Kind.GAS_CAP, Kind.INVALID_PARAMS, Kind.NODE_ERROR}

Span = tuple[int, int]  # first and last block, both included


async def read_logs(
    endpoint: Endpoint, query: LogQuery, block: BlockRef, deadline: float
) -> tuple[Log, ...] | Failure:
    """The logs in block order, or why they could not be had."""
    todo: list[Span] = (
        [(query.from_block, block.number)] if query.from_block <= block.number else []
    )
    found: dict[Span, list[Log]] = {}
    served = endpoint.log_span is not None
    while todo:
        now = _take(todo, endpoint.log_span, _AT_ONCE if served else 1)
        results = await asyncio.gather(
            *(_one_range(endpoint, query, span, block, deadline) for span in now)
        )
        for span, result in zip(reversed(now), reversed(results), strict=True):
            width = span[1] - span[0] + 1
            if isinstance(result, list):
                found[span], served = result, True
            elif width == 1 or not _too_wide(result):
                return endpoint.failed(result)
            elif served:
                middle = span[0] + width // 2
                todo += [(middle, span[1]), (span[0], middle - 1)]
            else:
                endpoint.log_span = width // 2
                _give_back(todo, span)
    return tuple(log for span in sorted(found) for log in found[span])


def _take(todo: list[Span], width: int | None, count: int) -> list[Span]:
    """The next spans, at most so many and so wide; ``todo`` is a stack, lowest blocks on top."""
    taken: list[Span] = []
    while todo and len(taken) < count:
        first, last = todo.pop()
        end = last if width is None else min(first + width - 1, last)
        taken.append((first, end))
        if end < last:
            todo.append((end + 1, last))
    return taken


def _give_back(todo: list[Span], span: Span) -> None:
    """Undo the taking of a span, joined to the rest that it was cut from."""
    rest = todo.pop() if todo else (span[1] + 1, span[1])
    todo.append((span[0], rest[1]))


def _too_wide(error: EndpointError | RefusedError) -> bool:
    if isinstance(error, EndpointError):
        return error.code in ("too_large", "http_413")
    return error.kind in _NARROWER


async def _one_range(
    endpoint: Endpoint, query: LogQuery, span: Span, block: BlockRef, deadline: float
) -> list[Log] | EndpointError | RefusedError:
    parameters = {
        "address": query.address,
        "topics": list(query.topics),
        "fromBlock": hex(span[0]),
        "toBlock": hex(span[1]),
    }
    try:
        result = await endpoint.request("eth_getLogs", [parameters], deadline)
        if not isinstance(result, list):
            raise EndpointError("bad_shape")
        return [_log(entry, query, span, block) for entry in result]
    except (EndpointError, RefusedError) as error:
        return error


def _log(entry: Any, query: LogQuery, span: Span, block: BlockRef) -> Log:
    """A log that is what was asked for; ``EndpointError`` if it is not."""
    if not isinstance(entry, dict) or entry.get("removed") is True:
        raise EndpointError("bad_shape")
    number = quantity(entry.get("blockNumber"))
    topics, data = entry.get("topics"), str(entry.get("data", "")).lower()
    address = str(entry.get("address", "")).lower()
    if not isinstance(topics, list) or not _DATA.fullmatch(data):
        raise EndpointError("bad_shape")
    words = tuple(str(topic).lower() for topic in topics)
    asked = zip(query.topics, words, strict=False)
    if (
        address != query.address.lower()
        or not span[0] <= number <= span[1]
        or not all(_TOPIC.fullmatch(word) for word in words)
        or len(words) < len(query.topics)
        or any(topic is not None and topic.lower() != word for topic, word in asked)
    ):
        raise EndpointError("bad_shape")
    if number == block.number and str(entry.get("blockHash", block.hash)).lower() != block.hash:
        raise EndpointError("reorged")
    return Log(address, words, data, number)
