"""A HyperCore of our own: what the read precompiles would answer for a state that a test sets up.

The documented behaviour only: inputs without a selector, nothing for an index or user that does not
exist (``answer`` is None there, and a frame's gas is burned), a summary per dex over positions at
their marks. It is no copy of the engine, which is closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_abi import abi as eth_abi
from eth_hash.auto import keccak

from .chain import LocalChain
from .solc import compile_own

__all__ = ["CONTRACTS", "HyperCore", "Position", "install"]

MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"
_NUMBERS = {
    "spotBalance": 0x801,
    "markPx": 0x806,
    "spotPx": 0x808,
    "l1BlockNumber": 0x809,
    "perpAssetInfo": 0x80A,
    "tokenInfo": 0x80C,
    "accountMarginSummary": 0x80F,
    "coreUserExists": 0x810,
    "borrowLendUserState": 0x811,
    "borrowLendReserveState": 0x812,
    "position2": 0x813,
}
CONTRACTS = {"multicall3": MULTICALL3} | {name: f"0x{n:040x}" for name, n in _NUMBERS.items()}
_ADDRESS_TO_NAME = {address: name for name, address in CONTRACTS.items()}
_AGGREGATE = keccak(b"aggregate3((address,bool,bytes)[])")[:4]
_INPUTS = {
    "spotBalance": ["address", "uint64"],
    "markPx": ["uint32"],
    "spotPx": ["uint32"],
    "l1BlockNumber": [],
    "perpAssetInfo": ["uint32"],
    "tokenInfo": ["uint32"],
    "accountMarginSummary": ["uint32", "address"],
    "coreUserExists": ["address"],
    "borrowLendUserState": ["address", "uint64"],
    "borrowLendReserveState": ["uint64"],
    "position2": ["address", "uint32"],
}


@dataclass(frozen=True)
class Position:
    """A row of ``position2``: raw size, entry notional and isolated USD (6 decimals)."""

    size: int
    entry: int = 0
    isolated: int | None = None
    leverage: int = 5


@dataclass
class HyperCore:
    """The state. ``counts_isolated``: whether the summaries take isolated positions in.

    ``perps``: index -> (coin, margin table, size decimals, maximum leverage, raw mark). ``cross``:
    (user, dex) -> cross cash, USD with 6 decimals. ``spot``: (user, token) -> raw total.
    """

    block: int = 100
    timestamp: int = 1_767_225_600
    l1_block: int = 900_000_001
    counts_isolated: bool = True
    dexes: tuple[int, ...] = (0,)
    users: set[str] = field(default_factory=set)
    perps: dict[int, tuple[str, int, int, int, int]] = field(default_factory=dict)
    positions: dict[tuple[str, int], Position] = field(default_factory=dict)
    cross: dict[tuple[str, int], int] = field(default_factory=dict)
    spot: dict[tuple[str, int], int] = field(default_factory=dict)
    tokens: dict[int, tuple[str, int, int]] = field(
        default_factory=dict
    )  # name, size, wei decimals
    pairs: dict[int, int] = field(default_factory=dict)
    reserves: dict[int, int] = field(default_factory=dict)  # ltv, bps
    borrowed: dict[tuple[str, int], int] = field(default_factory=dict)

    def answer(self, target: str, data: bytes) -> bytes | None:
        """What a call at the target returns; None where it burns its gas."""
        if target == MULTICALL3:
            return self._block(data)
        name = _ADDRESS_TO_NAME[target]
        inputs = _INPUTS[name]
        if len(data) != 32 * len(inputs):
            return None
        return getattr(self, f"_{name}")(*eth_abi.decode(inputs, data))

    def frame(self, target: str, data: bytes) -> bytes:
        """What an aggregate returns: behind a call that burns the gas, none succeeds."""
        assert (target, data[:4]) == (MULTICALL3, _AGGREGATE)
        (calls,) = eth_abi.decode(["(address,bool,bytes)[]"], data[4:])
        rows, burned = [], False
        for at, _, asked in calls:
            found = None if burned else self.answer(at, asked)
            burned = burned or found is None
            rows.append((found is not None, found or b""))
        return eth_abi.encode(["(bool,bytes)[]"], [rows])

    def summary(self, user: str, dex: int) -> tuple[int, int, int, int]:
        """Account value, initial margin, notional and cash of a dex, USD with 6 decimals."""
        cash, value, notional, used = self.cross.get((user, dex), 0), 0, 0, 0
        for (holder, perp), held in self.positions.items():
            if holder != user or perp // 10_000 != dex:
                continue
            worth = held.size * self.perps[perp][4]
            if held.isolated is not None:
                if not self.counts_isolated:
                    continue
                cash += held.isolated
                used += held.isolated + worth
            else:
                used += abs(worth) // held.leverage
            value += worth
            notional += abs(worth)
        return cash + value, max(used, 0), notional, cash

    def _block(self, data: bytes) -> bytes | None:
        numbers = {
            keccak(b"getBlockNumber()")[:4]: self.block,
            keccak(b"getCurrentBlockTimestamp()")[:4]: self.timestamp,
        }
        return eth_abi.encode(["uint256"], [numbers[data[:4]]])

    def _l1BlockNumber(self) -> bytes:  # noqa: N802 (the precompile's own name)
        return eth_abi.encode(["uint64"], [self.l1_block])

    def _coreUserExists(self, user: str) -> bytes:  # noqa: N802
        return eth_abi.encode(["bool"], [user in self.users])

    def _markPx(self, perp: int) -> bytes | None:  # noqa: N802
        return _one(self.perps[perp][4]) if perp in self.perps else None

    def _perpAssetInfo(self, perp: int) -> bytes | None:  # noqa: N802
        if perp not in self.perps:
            return None
        coin, table, decimals, leverage, _ = self.perps[perp]
        kinds = ["(string,uint32,uint8,uint8,bool)"]
        return eth_abi.encode(kinds, [(coin, table, decimals, leverage, False)])

    def _position2(self, user: str, perp: int) -> bytes | None:
        if perp not in self.perps or user not in self.users:
            return None
        held = self.positions.get((user, perp), Position(0))
        isolated = held.isolated or 0
        numbers = [held.size, held.entry, isolated, held.leverage, held.isolated is not None]
        return eth_abi.encode(["int64", "uint64", "int64", "uint32", "bool"], numbers)

    def _accountMarginSummary(self, dex: int, user: str) -> bytes | None:  # noqa: N802
        if dex not in self.dexes or user not in self.users:
            return None
        return eth_abi.encode(["int64", "uint64", "uint64", "int64"], self.summary(user, dex))

    def _spotBalance(self, user: str, token: int) -> bytes | None:  # noqa: N802
        if token not in self.tokens or user not in self.users:
            return None
        total = self.spot.get((user, token), 0)
        return eth_abi.encode(["uint64", "uint64", "uint64"], [total, 0, 0])

    def _tokenInfo(self, token: int) -> bytes | None:  # noqa: N802
        if token not in self.tokens:
            return None
        name, size, wei = self.tokens[token]
        kinds = ["(string,uint64[],uint64,address,address,uint8,uint8,int8)"]
        return eth_abi.encode(kinds, [(name, [], 0, MULTICALL3, MULTICALL3, size, wei, 0)])

    def _spotPx(self, pair: int) -> bytes | None:  # noqa: N802
        return _one(self.pairs[pair]) if pair in self.pairs else None

    def _borrowLendUserState(self, user: str, token: int) -> bytes | None:  # noqa: N802
        if (user, token) not in self.borrowed:
            return None
        owed = self.borrowed[user, token]
        return eth_abi.encode(["(uint64,uint64)", "(uint64,uint64)"], [(owed, owed), (0, 0)])

    def _borrowLendReserveState(self, token: int) -> bytes | None:  # noqa: N802
        if token not in self.reserves:
            return None
        return eth_abi.encode(["uint64"] * 8, [500, 0, 0, 0, 0, self.reserves[token], 0, 0])

    def inputs(self) -> Iterable[tuple[str, bytes]]:
        """Every question that has an answer: what stand-ins on a chain must be told."""
        rows: list[tuple[str, tuple[Any, ...]]] = [("l1BlockNumber", ())]
        rows += [("coreUserExists", (user,)) for user in self.users]
        rows += [(name, (perp,)) for perp in self.perps for name in ("markPx", "perpAssetInfo")]
        rows += [("position2", (user, perp)) for user in self.users for perp in self.perps]
        rows += [("accountMarginSummary", (dex, user)) for user in self.users for dex in self.dexes]
        rows += [("tokenInfo", (token,)) for token in self.tokens]
        rows += [("spotBalance", (user, token)) for user in self.users for token in self.tokens]
        rows += [("spotPx", (pair,)) for pair in self.pairs]
        rows += [("borrowLendReserveState", (token,)) for token in self.reserves]
        rows += [("borrowLendUserState", key) for key in self.borrowed]
        for name, args in rows:
            yield CONTRACTS[name], eth_abi.encode(_INPUTS[name], args)


def _one(number: int) -> bytes:
    return eth_abi.encode(["uint64"], [number])


def install(chain: LocalChain, core: HyperCore, strangers: Iterable[str] = ()) -> Mapping[str, str]:
    """Stand-ins at the precompiles' addresses that answer as the state does; all else burns.

    ``strangers`` are addresses that HyperCore says it does not know.
    """
    artifacts = compile_own()
    answers = chain.deploy(artifacts["PrecompileAnswers"])
    code = chain.deploy(artifacts["Precompile"], (answers.address,)).address
    runtime = chain.rpc("eth_getCode", [code, "latest"])
    for name, address in CONTRACTS.items():
        if name != "multicall3":
            chain.rpc("anvil_setCode", [address, runtime])
    asked = [*core.inputs()]
    asked += [
        (CONTRACTS["coreUserExists"], eth_abi.encode(["address"], [each])) for each in strangers
    ]
    for target, data in asked:
        found = core.answer(target, data)
        assert found is not None
        answers.send("set", target, data, found)
    return CONTRACTS
