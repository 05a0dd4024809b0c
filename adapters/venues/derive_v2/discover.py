"""Which subaccounts to look at for an owner: given by the caller, or found in logs.

In production the Matching contract holds the subaccount's NFT and keeps its owner; the owner's own
NFTs are found by their transfers. Whether a subaccount still is the owner's is read afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from eth_hash.auto import keccak

from ....core.errors import Failure, InputError, Reason
from ...base import ReadRequest
from ...chain.call import LogQuery, Replies

__all__ = ["given_subaccounts", "queries", "subaccounts_in_logs"]

_DEPOSITED = f"0x{keccak(b'DepositedSubAccount(uint256,address)').hex()}"
_TRANSFER = f"0x{keccak(b'Transfer(address,address,uint256)').hex()}"
_MOST_ID = 2**64


def given_subaccounts(request: ReadRequest) -> tuple[int, ...] | None:
    """The ids that the caller gave, each once; ``InputError`` where one is no id."""
    values = request.options.get("subaccounts")
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError("subaccounts: expected a list of ids", field="subaccounts")
    return tuple(dict.fromkeys(_subaccount(value) for value in values))


def _subaccount(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 20:
        raise InputError(f"subaccounts: {text[:40]!r} is not an id", field="subaccounts")
    number = int(text)
    if not 0 < number < _MOST_ID:
        raise InputError(f"subaccounts: {text} is not an id", field="subaccounts")
    return number


def queries(request: ReadRequest) -> tuple[LogQuery, LogQuery]:
    """Deposits into Matching for the owner, and transfers of NFTs to the owner."""
    contracts = request.deployment.contracts
    owner = f"0x{request.owner.lower().removeprefix('0x'):0>64}"
    start = int(request.deployment.settings.get("start_block", 0))
    return (
        LogQuery(contracts["matching"].lower(), (_DEPOSITED, None, owner), start),
        LogQuery(contracts["sub_accounts"].lower(), (_TRANSFER, None, owner), start),
    )


def subaccounts_in_logs(
    deposits: LogQuery, transfers: LogQuery, replies: Replies
) -> tuple[int, ...] | Failure:
    """The ids that the scans found, in order."""
    found: dict[int, None] = {}
    for query, place in ((deposits, 1), (transfers, 3)):
        logs = replies.logs(query)
        if isinstance(logs, Failure):
            return logs
        for log in logs:
            if len(log.topics) <= place:
                return Failure(Reason.BAD_RETURN_DATA, "bad_shape", "an event without an id")
            found[int(log.topics[place], 16)] = None
    return tuple(sorted(found))
