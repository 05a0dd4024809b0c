"""Synthetic answers of an Aave v4 spoke, its hub and its oracle, encoded as their ABI says.

The account data follows the documented arithmetic, so that the answers belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_abi import abi as eth_abi

from crossmargin.adapters.chain.call import Call, Contract, RawReply
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, ReplyKey, replay, summary
from crossmargin.adapters.venues.aave_v4 import ADAPTER
from crossmargin.core.book.portfolio import BlockRef

OWNER = "0x" + "22" * 20
BLOCK = BlockRef("eip155:1", 1, "0x" + "00" * 32, 1_700_000_000)
SPOKE = Contract("aave_v4", "Spoke")
HUB = Contract("aave_v4", "Hub")
ORACLE = Contract("aave_v4", "Oracle")
HUB_ADDRESS, ORACLE_ADDRESS = "0x" + "0b" * 20, "0x" + "0c" * 20
WETH = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
WBTC = "0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"
UNLISTED = "0x" + "ab" * 20
RAY, WAD, MAX = 10**27, 10**18, 2**256 - 1


@dataclass(frozen=True)
class Reserve:
    """One reserve with the owner's position: shares, index in rays, price with 8 decimals."""

    underlying: str
    decimals: int
    price: int
    factor: int = 8_000
    supplied: int = 0
    drawn_shares: int = 0
    premium_shares: int = 0
    premium_offset: int = 0
    index: int = RAY
    collateral: bool = True
    unlisted: tuple[int, str] | None = None

    @property
    def debt_ray(self) -> int:
        """What is owed, in rays of raw units."""
        premium = self.premium_shares * self.index - self.premium_offset
        return self.drawn_shares * self.index + premium

    def value(self, amount: int) -> int:
        """USD with 26 decimals."""
        return int(amount * self.price * 10 ** (18 - self.decimals))


def account(reserves: Sequence[Reserve], scale: int = RAY) -> tuple[int, ...]:
    """``getUserAccountData``; scale 1 is the earlier version."""
    backing = [one for one in reserves if one.collateral and one.supplied and one.factor]
    collateral = sum(one.value(one.supplied) for one in backing)
    weighted = sum(one.factor * one.value(one.supplied) for one in backing) * 10**14
    owed = sum(one.value(one.debt_ray) for one in reserves)
    debt = owed if scale == RAY else -(-owed // RAY)
    health = MAX if debt == 0 else weighted * scale // debt
    average = weighted // collateral if collateral else 0
    borrows = sum(one.debt_ray > 0 for one in reserves)
    return 0, average, health, collateral, debt, len(backing), borrows


def recording(
    name: str,
    reserves: Sequence[Reserve],
    data: tuple[int, ...] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> RecordedAccount:
    """An owner with these positions on the main spoke, and the answer that the adapter gives now."""
    deployment = next(one for one in ADAPTER.deployments() if one.market == "main")
    deployment = replace(deployment, settings=settings or {})
    answers = _spoke(deployment.contracts["spoke"], reserves, data or account(reserves))
    replies: Mapping[ReplyKey, RawReply] = {
        (call.target, call.data): eth_abi.encode(call.function.outputs, values)
        for call, values in answers
    }
    source = "synthetic: encoded by tests/adapters/venues/aave_v4_answers.py, no spoke was run"
    bare = RecordedAccount(name, OWNER, BLOCK, deployment, replies, {}, {}, source)
    snapshot, _ = replay(ADAPTER.read(bare.request(Facts())), replies)
    return replace(bare, expected=summary(snapshot))


_Answers = list[tuple[Call[Any], tuple[Any, ...]]]


def _spoke(spoke: str, reserves: Sequence[Reserve], data: tuple[int, ...]) -> _Answers:
    answers: _Answers = [
        (SPOKE.one(spoke, "getUserAccountData", OWNER), (data,)),
        (SPOKE.uint(spoke, "getReserveCount"), (len(reserves),)),
        (SPOKE.address(spoke, "ORACLE"), (ORACLE_ADDRESS,)),
    ]
    for at, one in enumerate(reserves):
        position = (one.drawn_shares, one.premium_shares, one.premium_offset, one.supplied, 3)
        status = (one.collateral and one.supplied > 0, one.debt_ray > 0)
        answers.append((SPOKE.one(spoke, "getUserPosition", at, OWNER), (position,)))
        answers.append((SPOKE.all(spoke, "getUserReserveStatus", at, OWNER), status))
        if one.supplied or one.debt_ray:
            answers += _details(spoke, at, one)
    return answers


def _details(spoke: str, at: int, one: Reserve) -> _Answers:
    premium = one.premium_shares * one.index - one.premium_offset
    debt = (-(-one.drawn_shares * one.index // RAY), -(-premium // RAY))
    reserve = (one.underlying, HUB_ADDRESS, at + 20, one.decimals, 3, 0, 7)
    answers: _Answers = [
        (SPOKE.one(spoke, "getReserve", at), (reserve,)),
        (SPOKE.one(spoke, "getDynamicReserveConfig", at, 3), ((one.factor, 10_500, 1_000),)),
        (SPOKE.uint(spoke, "getUserSuppliedAssets", at, OWNER), (one.supplied,)),
        (SPOKE.all(spoke, "getUserDebt", at, OWNER), debt),
        (ORACLE.uint(ORACLE_ADDRESS, "getReservePrice", at), (one.price,)),
        (HUB.uint(HUB_ADDRESS, "getAssetDrawnIndex", at + 20), (one.index,)),
        (HUB.uint(HUB_ADDRESS, "previewRemoveByShares", at + 20, one.supplied), (one.supplied,)),
    ]
    if one.unlisted is not None:
        erc20 = Contract("erc20", "Token")
        answers.append((erc20.uint(one.underlying, "decimals"), (one.unlisted[0],)))
        answers.append((erc20.one(one.underlying, "symbol"), (one.unlisted[1],)))
    return answers
