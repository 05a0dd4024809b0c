"""A collateral branch: its contracts and parameters, read once, and its state at the block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import Failure, Reason
from ....core.units import WAD
from ...base import ReadRequest
from ...chain.call import Call, Contract, ReadPlan, Replies

__all__ = ["Branch", "BranchReading", "branch_calls", "branch_reading", "read_branch"]

_REGISTRY, _MANAGER = (
    Contract("liquity_v2", "AddressesRegistry"),
    Contract("liquity_v2", "TroveManager"),
)
_FEED, _POOL = Contract("liquity_v2", "PriceFeed"), Contract("liquity_v2", "StabilityPool")

_ADDRESSES = ("collToken", "troveManager", "troveNFT", "priceFeed", "boldToken", "stabilityPool")
_NUMBERS = ("CCR", "MCR", "SCR", "LIQUIDATION_PENALTY_SP", "LIQUIDATION_PENALTY_REDISTRIBUTION")
_FACT = "branch"


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch's contracts (lower case) and immutable parameters (1e18)."""

    coll_token: str
    trove_manager: str
    trove_nft: str
    price_feed: str
    bold_token: str
    stability_pool: str
    ccr: int
    mcr: int
    scr: int
    penalty_pool: int
    penalty_redistribution: int


@dataclass(frozen=True, slots=True)
class BranchReading:
    """A branch at the block. ``price`` is what a liquidation would fetch, ``oracle_failed`` that
    fetching it would shut the branch down; ``deposits`` is what the stability pool holds.
    """

    shutdown_time: int | Failure
    price: int | Failure
    oracle_failed: bool
    stored_price: int | Failure
    deposits: int | Failure
    coll: int | Failure
    debt: int | Failure


def read_branch(request: ReadRequest) -> ReadPlan[Branch | Failure]:
    """The branch, from what is remembered or else from its registry, which never changes."""
    registry, chain = request.deployment.contracts["addresses_registry"], request.block.chain_id
    known: Branch | None = request.facts.get(chain, registry, _FACT)
    if known is not None:
        return known
    addresses = {name: _REGISTRY.address(registry, name) for name in _ADDRESSES}
    numbers = {name: _REGISTRY.uint(registry, name) for name in _NUMBERS}
    replies = yield [*addresses.values(), *numbers.values()]
    branch = _branch(addresses, numbers, replies)
    if isinstance(branch, Branch):
        request.facts.put(chain, registry, _FACT, branch)
    return branch


def _branch(
    addresses: Mapping[str, Call[str]], numbers: Mapping[str, Call[int]], replies: Replies
) -> Branch | Failure:
    """The branch; the first failure where a part is missing or cannot be."""
    found = [replies[call] for call in addresses.values()]
    values = [replies[call] for call in numbers.values()]
    for part in (*found, *values):
        if isinstance(part, Failure):
            return part
    ccr, mcr, scr, pool, redistribution = (int(str(value)) for value in values)
    # The registry's constructor allows no others.
    ratios = all(WAD < ratio < 2 * WAD for ratio in (ccr, mcr, scr))
    if not ratios or not 0 < pool <= redistribution <= WAD:
        return Failure(Reason.BAD_RETURN_DATA, "bad_parameters", "a ratio that no branch can have")
    coll, manager, nft, feed, bold, stability = (str(address) for address in found)
    return Branch(coll, manager, nft, feed, bold, stability, ccr, mcr, scr, pool, redistribution)


def branch_calls(branch: Branch) -> dict[str, Call[Any]]:
    """The reads of the branch's state; the price last, for fetching it changes the feed."""
    manager = branch.trove_manager
    return {
        "shutdown_time": _MANAGER.uint(manager, "shutdownTime"),
        "stored_price": _FEED.uint(branch.price_feed, "lastGoodPrice"),
        "deposits": _POOL.uint(branch.stability_pool, "getTotalBoldDeposits"),
        "coll": _MANAGER.uint(manager, "getEntireBranchColl"),
        "debt": _MANAGER.uint(manager, "getEntireBranchDebt"),
        "price": _FEED.simulation(branch.price_feed, "fetchPrice"),
    }


def branch_reading(asked: Mapping[str, Call[Any]], replies: Replies) -> BranchReading:
    """The branch's state out of the answers."""
    fetched = replies[asked["price"]]
    price = fetched if isinstance(fetched, Failure) else int(fetched[0])
    oracle_failed = not isinstance(fetched, Failure) and bool(fetched[1])
    return BranchReading(
        replies[asked["shutdown_time"]],
        price,
        oracle_failed,
        replies[asked["stored_price"]],
        replies[asked["deposits"]],
        replies[asked["coll"]],
        replies[asked["debt"]],
    )
