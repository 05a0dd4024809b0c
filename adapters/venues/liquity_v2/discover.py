"""Which troves to look at for an owner: given by the caller, or found in the NFT's transfers.

A trove is an ERC-721 token that cannot be listed by owner. Every trove an owner has was transferred
to that owner at some time, if only by its minting; whether it still is the owner's is read afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from eth_hash.auto import keccak

from ....core.errors import Failure, InputError, Reason
from ....core.units import MAX_UINT256
from ...base import ReadRequest
from ...chain.call import LogQuery, Replies
from .branch import Branch

__all__ = ["given_troves", "troves_in_logs", "trove_query"]

_TRANSFER = f"0x{keccak(b'Transfer(address,address,uint256)').hex()}"


def given_troves(request: ReadRequest) -> tuple[int, ...] | None:
    """The ids that the caller gave, each once; None where none were given.

    ``InputError`` where one is no id. A list may be meant for several branches: an id that a branch
    does not know is no position there.
    """
    values = request.options.get("troves")
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InputError("troves: expected a list of trove ids", field="troves")
    return tuple(dict.fromkeys(_trove_id(value) for value in values))


def _trove_id(value: object) -> int:
    text = str(value).lower()
    try:
        number = int(text, 16) if text.startswith("0x") else int(text)
    except ValueError:
        number = -1
    if isinstance(value, bool) or not 0 <= number <= MAX_UINT256 or len(text) > 80:
        raise InputError(f"troves: {text[:80]!r} is not a trove id", field="troves")
    return number


def trove_query(request: ReadRequest, branch: Branch) -> LogQuery:
    """The transfers to the owner from the deployment's first block on."""
    owner = f"0x{request.owner.lower().removeprefix('0x'):0>64}"
    start = int(request.deployment.settings.get("start_block", 0))
    return LogQuery(branch.trove_nft, (_TRANSFER, None, owner), start)


def troves_in_logs(query: LogQuery, replies: Replies) -> tuple[int, ...] | Failure:
    """The trove ids that the scan found."""
    logs = replies.logs(query)
    if isinstance(logs, Failure):
        return logs
    if any(len(log.topics) != 4 for log in logs):
        return Failure(Reason.BAD_RETURN_DATA, "bad_shape", "a transfer without a token id")
    return tuple(dict.fromkeys(int(log.topics[3], 16) for log in logs))
