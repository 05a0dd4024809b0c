"""Which markets to look at for an owner: given by the caller, found in logs, or shipped with us.

The contract keeps no list of a user's markets. Logs find every position (collateral or supply
has to arrive before anything can be borrowed); they only discover, the state is read afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from eth_hash.auto import keccak

from ....core.errors import Failure, InputError, Problem, Reason, Severity
from ...base import ReadRequest
from ...chain.call import LogQuery, Replies
from .rule import VENUE

__all__ = ["Candidates", "candidates", "log_queries", "markets_in_logs"]

_ID = re.compile(r"0x[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Candidates:
    """Market ids to probe, how they were come by, and the log scan that would complete them."""

    ids: tuple[str, ...]
    enumeration: str
    queries: tuple[LogQuery, ...] = ()

    def problems(self) -> tuple[Problem, ...]:
        """What the way of finding positions leaves open."""
        if self.enumeration != "curated":
            return ()
        return (
            Problem(
                Severity.NOTE,
                Reason.POSITIONS_INCOMPLETE,
                "curated",
                venue=VENUE,
                detail=f"{len(self.ids)} known markets were probed; positions in others are not seen",
                action="give the market ids, or let the logs be scanned (discover = logs)",
            ),
        )


def candidates(request: ReadRequest) -> Candidates:
    """The markets to probe, from the request's options or else the deployment's settings."""
    settings = request.deployment.settings
    given = request.options.get("markets")
    ids = market_ids(given if given is not None else settings.get("markets", ()))
    discover = request.options.get("discover", settings.get("discover"))
    if discover not in (None, "logs"):
        raise InputError(
            f"discover: {str(discover)[:40]!r} is not known; say logs", field="discover"
        )
    if discover == "logs":
        return Candidates(ids, "logs", log_queries(request))
    return Candidates(ids, "curated" if given is None else "list")


def market_ids(values: object) -> tuple[str, ...]:
    """The ids in lower case, each once; ``InputError`` where one is not 32 bytes in hex."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError("markets: expected a list of market ids", field="markets")
    found: dict[str, None] = {}
    for value in values:
        text = str(value).lower()
        if not _ID.fullmatch(text):
            raise InputError(
                f"markets: {text[:80]!r} is not a market id: expected 0x and 64 hexadecimal digits",
                field="markets",
            )
        found[text] = None
    return tuple(found)


def log_queries(request: ReadRequest) -> tuple[LogQuery, ...]:
    """The three scans by ``onBehalf`` from the deployment's first block on."""
    morpho = request.deployment.contracts["morpho"].lower()
    start = int(request.deployment.settings.get("start_block", 0))
    owner = f"0x{request.owner.lower().removeprefix('0x'):0>64}"
    supply = _topic("Supply(bytes32,address,address,uint256,uint256)")
    collateral = _topic("SupplyCollateral(bytes32,address,address,uint256)")
    borrow = _topic("Borrow(bytes32,address,address,address,uint256,uint256)")
    return (
        LogQuery(morpho, (supply, None, None, owner), start),
        LogQuery(morpho, (collateral, None, None, owner), start),
        LogQuery(morpho, (borrow, None, owner), start),
    )


def markets_in_logs(queries: Iterable[LogQuery], replies: Replies) -> tuple[str, ...] | Failure:
    """The market ids that the scans found; a failure of any scan is one of the whole."""
    found: dict[str, None] = {}
    for query in queries:
        logs = replies.logs(query)
        if isinstance(logs, Failure):
            return logs
        for log in logs:
            if len(log.topics) < 2 or not _ID.fullmatch(log.topics[1].lower()):
                return Failure(Reason.BAD_RETURN_DATA, "bad_shape", "a log without a market id")
            found[log.topics[1].lower()] = None
    return tuple(found)


def _topic(event: str) -> str:
    """The first topic of an event: the Keccak-256 of its signature."""
    return f"0x{keccak(event.encode()).hex()}"
