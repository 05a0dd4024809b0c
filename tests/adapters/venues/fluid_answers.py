"""Synthetic answers of Fluid's VaultResolver: positions and vaults encoded as its ABI says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi import abi as eth_abi
from eth_abi.grammar import TupleType, parse

from crossmargin.adapters.chain.call import Call, Contract, RawReply
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, ReplyKey, replay, summary
from crossmargin.adapters.venues.fluid import ADAPTER
from crossmargin.core.book.portfolio import BlockRef

OWNER = "0x" + "22" * 20
BLOCK = BlockRef("eip155:1", 1, "0x" + "00" * 32, 1_700_000_000)
RESOLVER = Contract("fluid", "VaultResolver")
NATIVE = "0x" + "ee" * 20
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
GHO = "0x40d16fc0246ad3160ccc09b8d0d3a2cd28ae6c2f"
UNLISTED = "0x" + "ab" * 20
NOWHERE = "0x" + "00" * 20
DEX = "0x" + "de" * 20


@dataclass(frozen=True)
class Position:
    """What a test says of one position; by default 10 ETH at 3,000 USDC and a threshold of 90%."""

    nft: int
    supply: int = 10 * 10**18
    borrow: int = 20_000 * 10**6
    dust: int = 0
    price: int = 3_000 * 10**6 * 10**27 // 10**18
    threshold: int = 9_000
    collateral: tuple[str, str] = (NATIVE, NOWHERE)
    debt: tuple[str, str] = (USDC, NOWHERE)
    vault_type: int = 10_000
    liquidated: bool = False
    owner: str = OWNER
    tokens: Mapping[str, tuple[int, str]] = field(default_factory=dict)


def recording(name: str, positions: Sequence[Position]) -> RecordedAccount:
    """An owner with these positions, and the answer that the adapter gives now."""
    deployment = next(one for one in ADAPTER.deployments() if one.chain_id == "eip155:1")
    resolver = deployment.contracts["vault_resolver"]
    listed = RESOLVER.one(resolver, "positionsNftIdOfUser", OWNER)
    answers: list[tuple[Call[Any], tuple[Any, ...]]] = [(listed, ([one.nft for one in positions],))]
    for one in positions:
        answers.append((RESOLVER.all(resolver, "positionByNftId", one.nft), encoded(one)))
        answers += [pair for item in one.tokens.items() for pair in token(*item)]
    replies: Mapping[ReplyKey, RawReply] = {
        (call.target, call.data): eth_abi.encode(call.function.outputs, values)
        for call, values in answers
    }
    source = "synthetic: encoded by tests/adapters/venues/fluid_answers.py, no vault was run"
    bare = RecordedAccount(name, OWNER, BLOCK, deployment, replies, {}, {}, source)
    snapshot, _ = replay(ADAPTER.read(bare.request(Facts())), replies)
    return RecordedAccount(name, OWNER, BLOCK, deployment, replies, summary(snapshot), {}, source)


def token(address: str, described: tuple[int, str]) -> list[tuple[Call[Any], tuple[Any, ...]]]:
    """What an unlisted token says of itself."""
    erc20, (decimals, symbol) = Contract("erc20", "Token"), described
    return [
        (erc20.uint(address, "decimals"), (decimals,)),
        (erc20.one(address, "symbol"), (symbol,)),
    ]


def encoded(one: Position) -> tuple[Any, ...]:
    """``UserPosition`` and ``VaultEntireData``: zero wherever the test says nothing."""
    outputs = RESOLVER.function("positionByNftId").outputs
    position, vault = (_zero(parse(kind)) for kind in outputs)
    amounts = (one.supply, one.borrow + one.dust, one.dust, one.supply, one.borrow, one.dust)
    empty = one.borrow == 0
    position = (one.nft, one.owner, one.liquidated, empty, 0 if empty else -17, 3, *amounts)
    constants = list(vault[3])
    constants[6], constants[7] = DEX, DEX
    constants[8], constants[9], constants[10:12] = one.collateral, one.debt, [11, one.vault_type]
    configs = list(vault[4])
    configs[2], configs[3], configs[4], configs[6] = 8_700, one.threshold, 9_500, 300
    configs[9], configs[10] = one.price * 99 // 100, one.price
    smart = (one.collateral[1] != NOWHERE, one.debt[1] != NOWHERE)
    return position, ("0x" + "0f" * 20, *smart, tuple(constants), tuple(configs), *vault[5:])


def _zero(kind: Any) -> Any:
    """The zero value of an ABI type."""
    if isinstance(kind, TupleType):
        return tuple(_zero(part) for part in kind.components)
    return {"address": NOWHERE, "bool": False, "bytes": b"\x00" * 32}.get(kind.base, 0)
