"""A chain that answers for one recorded case: every contract function, encoded as it returns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_abi import abi as eth_abi

from crossmargin.adapters.base import Adapter, Deployment, ReadRequest, VenueSnapshot
from crossmargin.adapters.chain.call import Call, Contract, RawReply, Replies
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.tokens import TokenRegistry
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason

CHAIN = "eip155:31337"
OWNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ZERO = "0x" + "00" * 20
INJECTED = Failure(Reason.RPC_UNAVAILABLE, "injected", "lost on the way")

POOL = Contract("aave_v3", "Pool")
PROVIDER = Contract("aave_v3", "AddressesProvider")
ORACLE = Contract("aave_v3", "Oracle")
SCALED = Contract("aave_v3", "AToken")
TOKEN = Contract("aave_v3", "Token")
BYTES_TOKEN = Contract("aave_v3", "TokenWithBytesSymbol")
SENTINEL = Contract("aave_v3", "PriceOracleSentinel")

Key = tuple[str, bytes]


def address(number: int) -> str:
    """A made-up address."""
    return f"0x{number:040x}"


@dataclass
class CaseChain:
    """The contracts of one case at its block. Change answers with ``put``, run plans with ``run``.

    The reserve list is reversed, so that a position in it is never the reserve's id.
    """

    inputs: Mapping[str, Any]
    expected: Mapping[str, str]
    revision: int = 0
    facts: Facts = field(default_factory=Facts)
    answers: dict[Key, bytes] = field(default_factory=dict)
    rounds: list[list[Key]] = field(default_factory=list)

    provider = address(0xA1)
    pool = address(0xA2)
    oracle = address(0xA3)
    source = address(0xA4)

    def __post_init__(self) -> None:
        self.revision = self.revision or {300: 1, 360: 10, 370: 11}[int(self.inputs["ver"])]
        self.put(PROVIDER, self.provider, "getPool", (), self.pool)
        self.put(PROVIDER, self.provider, "getPriceOracle", (), self.oracle)
        self.put(PROVIDER, self.provider, "getPriceOracleSentinel", (), ZERO)
        self.put(ORACLE, self.oracle, "BASE_CURRENCY", (), ZERO)
        self.put(ORACLE, self.oracle, "BASE_CURRENCY_UNIT", (), 10**8)
        self.put_pool(self.pool)

    def put(
        self, contract: Contract, target: str, name: str, args: tuple[Any, ...], *outputs: Any
    ) -> Key:
        """Make a function return these outputs; its place in ``answers``."""
        function = contract.function(name)
        key = (target.lower(), function.encode(args))
        self.answers[key] = eth_abi.encode(function.outputs, outputs)
        return key

    def asset(self, index: int) -> str:
        """The underlying token of a reserve."""
        return str(self.inputs["reserves"][index]["asset"])

    def put_pool(self, pool: str) -> None:
        """All answers of the case's pool, at an address."""
        held, reserves = self.inputs["position"], self.inputs["reserves"]
        self.put(POOL, pool, "POOL_REVISION", (), self.revision)
        self.put(POOL, pool, "getUserConfiguration", (OWNER,), (int(held["bitmap"]),))
        self.put(POOL, pool, "getUserEMode", (OWNER,), int(held["emode"]))
        assets = [self.asset(index) for index in reversed(range(len(reserves)))]
        self.put(POOL, pool, "getReservesList", (), assets)
        words = [int(self.expected[name]) for name in _WORDS]
        self.put(POOL, pool, "getUserAccountData", (OWNER,), *words)
        for index in range(len(reserves)):
            self.put_reserve(pool, index)
        for number, entry in self.inputs["emodes"].items():
            self.put_category(pool, int(number), entry)

    def put_reserve(self, pool: str, index: int, tokens: int = 0x1000) -> None:
        """One reserve's state, tokens, balances and price; ``tokens`` moves the token addresses."""
        entry, held, asset = (
            self.inputs["reserves"][index],
            self.inputs["position"],
            self.asset(index),
        )
        supply, stable, variable = (address(tokens + 16 * index + place) for place in range(3))
        stable = stable if self.revision <= 4 else ZERO
        state = [int(entry[name]) for name in ("liq_index", "liq_rate", "vb_index", "vb_rate")]
        struct = (
            (int(entry["conf"]),),
            *state,
            0,
            int(entry["last"]),
            index,
            supply,
            stable,
            variable,
            address(0xB0),
            0,
            0,
            0,
        )
        self.put(POOL, pool, "getReserveData", (asset,), struct)
        self.put(SCALED, supply, "scaledBalanceOf", (OWNER,), int(held["scaledA"][index]))
        self.put(SCALED, variable, "scaledBalanceOf", (OWNER,), int(held["scaledV"][index]))
        self.put(TOKEN, stable, "balanceOf", (OWNER,), 0)
        self.put(TOKEN, asset, "symbol", (), f"TK{index}")
        self.put(ORACLE, self.oracle, "getAssetPrice", (asset,), int(entry["price"]))
        if self.revision >= 4:
            self.put(POOL, pool, "getLiquidationGracePeriod", (asset,), 0)

    def put_category(self, pool: str, number: int, entry: Mapping[str, Any]) -> None:
        """One eMode category, as its version stores it."""
        basics = (int(entry["ltv"]), int(entry["lt"]), int(entry["lb"]))
        if self.revision <= 4:
            price = int(entry["price"])
            struct = (*basics, self.source if price else ZERO, "mode")
            self.put(POOL, pool, "getEModeCategoryData", (number,), struct)
            if price:
                self.put(ORACLE, self.oracle, "getAssetPrice", (self.source,), price)
            return
        bitmap, zero = int(entry["collateral_bitmap"]), int(entry["ltvzero_bitmap"])
        self.put(POOL, pool, "getEModeCategoryCollateralConfig", (number,), basics)
        self.put(POOL, pool, "getEModeCategoryCollateralBitmap", (number,), bitmap)
        self.put(POOL, pool, "getEModeCategoryLtvzeroBitmap", (number,), zero)
        if self.revision >= 11:
            isolated = bool(entry["isolated"])
            self.put(POOL, pool, "getIsEModeCategoryIsolated", (number,), isolated)

    def run(self, adapter: Adapter, *, lost: Iterable[Key] = (), **options: Any) -> VenueSnapshot:
        """Run the adapter's plan; ``lost`` reads fail. ``rounds`` has what each round asked."""
        deployment = Deployment(
            adapter.name, CHAIN, "test", {"pool_addresses_provider": self.provider}
        )
        block = BlockRef(CHAIN, 267, "0x" + "ab" * 32, int(self.inputs["timestamp"]))
        tokens = TokenRegistry(())
        plan = adapter.read(ReadRequest(OWNER, block, deployment, tokens, self.facts, options))
        self.rounds, gone = [], set(lost)
        try:
            batch = next(plan)
            while True:
                calls = [call for call in batch if isinstance(call, Call)]
                self.rounds.append([(call.target, call.data) for call in calls])
                batch = plan.send(Replies({call: self._answer(call, gone) for call in calls}))
        except StopIteration as done:
            snapshot: VenueSnapshot = done.value
            return snapshot

    def _answer(self, call: Call[Any], lost: set[Key]) -> RawReply:
        key = (call.target, call.data)
        if key in lost:
            return INJECTED
        return self.answers.get(key, Failure(Reason.CALL_REVERTED, "no_such_function"))

    def account(self, adapter: Adapter, **options: Any) -> MarginAccount:
        """The one account of a run."""
        (account,) = self.run(adapter, **options).accounts
        return account


_WORDS = (
    "totalCollateralBase",
    "totalDebtBase",
    "availableBorrowsBase",
    "currentLiquidationThreshold",
    "ltv",
    "healthFactor",
)
