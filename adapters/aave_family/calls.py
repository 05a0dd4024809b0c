"""The reads of an Aave v3 pool, as values. The ABI is the superset of all versions' functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from ...core.errors import Failure, Reason
from ..chain.call import Call, Contract, Replies

__all__ = ["NO_ADDRESS", "Answers", "Market", "MarketCalls", "ReserveTokens"]

T = TypeVar("T")

NO_ADDRESS = "0x" + "00" * 20

_POOL = Contract("aave_v3", "Pool")
_PROVIDER = Contract("aave_v3", "AddressesProvider")
_ORACLE = Contract("aave_v3", "Oracle")
_SCALED = Contract("aave_v3", "AToken")
_SENTINEL = Contract("aave_v3", "PriceOracleSentinel")
_TOKEN = Contract("aave_v3", "Token")
_BYTES_TOKEN = Contract("aave_v3", "TokenWithBytesSymbol")


@dataclass(frozen=True, slots=True)
class Market:
    """What a PoolAddressesProvider points to, lower case: pool and oracle."""

    pool: str
    oracle: str


@dataclass(frozen=True, slots=True)
class ReserveTokens:
    """A reserve's id and token contracts, lower case: static while the pool's revision stays."""

    asset: str
    id: int
    supply_token: str
    stable_token: str
    variable_token: str


class Answers:
    """All replies of one plan so far, looked up by the read that asked.

    The plan reads one block, so that answers of earlier rounds stay good.
    """

    def __init__(self) -> None:
        self._replies: dict[Call[Any], Replies] = {}

    def new(self, calls: Iterable[Call[Any]]) -> list[Call[Any]]:
        """The calls among these that were not asked yet, each once."""
        return [call for call in dict.fromkeys(calls) if call not in self._replies]

    def add(self, calls: Iterable[Call[Any]], replies: Replies) -> None:
        """Remember the replies to these calls."""
        self._replies.update(dict.fromkeys(calls, replies))

    def __contains__(self, call: Call[Any]) -> bool:
        return call in self._replies

    def __getitem__(self, call: Call[T]) -> T | Failure:
        replies = self._replies[call]
        answer = replies[call]
        return answer  # noqa: RET504 - unnamed, T would be inferred from the return type

    def maybe(self, call: Call[T]) -> T | Failure | None:
        """The answer, or None where it was not asked for."""
        if call not in self._replies:
            return None
        answer = self[call]
        return answer  # noqa: RET504 - unnamed, T would be inferred from the return type

    def lost(self) -> Iterator[tuple[Call[Any], Failure]]:
        """The reads that no contract answered: what a contract refused or garbled is its answer."""
        for call, replies in self._replies.items():
            raw = replies.raw(call)
            if isinstance(raw, Failure) and raw.reason is not Reason.CALL_REVERTED:
                yield call, raw


@dataclass(frozen=True, slots=True)
class MarketCalls:
    """The reads of one owner's account in one market; the provider is the only fixed address."""

    provider: str
    owner: str

    def pool(self) -> Call[str]:
        """The pool's address."""
        return _PROVIDER.address(self.provider, "getPool")

    def oracle(self) -> Call[str]:
        """The price oracle's address."""
        return _PROVIDER.address(self.provider, "getPriceOracle")

    def sentinel(self) -> Call[str]:
        """The sequencer sentinel's address; zero where there is none."""
        return _PROVIDER.address(self.provider, "getPriceOracleSentinel")

    def revision(self, market: Market) -> Call[int]:
        """The pool's ``POOL_REVISION``."""
        return _POOL.uint(market.pool, "POOL_REVISION")

    def user_bitmap(self, market: Market) -> Call[int]:
        """The owner's configuration word."""
        call = _POOL.one(market.pool, "getUserConfiguration", self.owner)
        return Call(call.target, call.data, call.function, lambda outputs: int(outputs[0][0]))

    def user_mode(self, market: Market) -> Call[int]:
        """The owner's eMode category; 0 is none."""
        call = _POOL.one(market.pool, "getUserEMode", self.owner)
        return Call(call.target, call.data, call.function, _mode)

    def reserves(self, market: Market) -> Call[tuple[str, ...]]:
        """The listed assets, lower case; the order says nothing."""
        call = _POOL.one(market.pool, "getReservesList")
        return Call(call.target, call.data, call.function, _addresses)

    def account_data(self, market: Market) -> Call[tuple[int, ...]]:
        """The venue's own six figures."""
        return _POOL.all(market.pool, "getUserAccountData", self.owner)

    def reserve_data(self, market: Market, asset: str) -> Call[tuple[Any, ...]]:
        """The reserve's legacy 15-field struct, the same from 3.0 to 3.7."""
        return _POOL.one(market.pool, "getReserveData", asset)

    def grace(self, market: Market, asset: str) -> Call[int]:
        """Until when liquidation of the reserve is excluded (from 3.1)."""
        return _POOL.uint(market.pool, "getLiquidationGracePeriod", asset)

    def legacy_category(self, market: Market, category: int) -> Call[tuple[Any, ...]]:
        """The eMode category's struct with its price source (up to 3.1)."""
        return _POOL.one(market.pool, "getEModeCategoryData", category)

    def category(self, market: Market, category: int) -> Call[tuple[int, int, int]]:
        """The category's LTV, threshold and bonus in bps (from 3.2)."""
        return _POOL.one(market.pool, "getEModeCategoryCollateralConfig", category)

    def collateral_bitmap(self, market: Market, category: int) -> Call[int]:
        """Which reserves are the category's collateral, by id (from 3.2)."""
        return _POOL.uint(market.pool, "getEModeCategoryCollateralBitmap", category)

    def ltvzero_bitmap(self, market: Market, category: int) -> Call[int]:
        """Which of them have LTV 0 (from 3.6)."""
        return _POOL.uint(market.pool, "getEModeCategoryLtvzeroBitmap", category)

    def isolated(self, market: Market, category: int) -> Call[bool]:
        """Whether collateral outside the category gets LTV 0 (from 3.7)."""
        return _POOL.one(market.pool, "getIsEModeCategoryIsolated", category)

    def price(self, market: Market, asset: str) -> Call[int]:
        """One asset's price: single reads, so that one bad feed fails alone."""
        call = _ORACLE.one(market.oracle, "getAssetPrice", asset)
        return Call(call.target, call.data, call.function, _price)

    def base_currency(self, market: Market) -> Call[str]:
        """The base currency; the zero address is USD."""
        return _ORACLE.address(market.oracle, "BASE_CURRENCY")

    def base_unit(self, market: Market) -> Call[int]:
        """One unit of the base currency."""
        call = _ORACLE.one(market.oracle, "BASE_CURRENCY_UNIT")
        return Call(call.target, call.data, call.function, _power_of_ten)

    def liquidation_allowed(self, sentinel: str) -> Call[bool]:
        """The sentinel's word on liquidations of accounts not far below the limit."""
        return _SENTINEL.one(sentinel, "isLiquidationAllowed")

    def scaled(self, token: str) -> Call[int]:
        """The owner's scaled balance of an aToken or variable debt token."""
        call = _SCALED.one(token, "scaledBalanceOf", self.owner)
        return Call(call.target, call.data, call.function, _scaled)

    def balance(self, token: str) -> Call[int]:
        """The owner's balance as the token itself reports it."""
        call = _TOKEN.one(token, "balanceOf", self.owner)
        return Call(call.target, call.data, call.function, _balance)

    def symbols(self, token: str) -> Iterator[Call[str]]:
        """One read with two decodings of ``symbol()``: as text, and as 32 bytes."""
        yield _TOKEN.one(token, "symbol")
        call = _BYTES_TOKEN.one(token, "symbol")
        yield Call(call.target, call.data, call.function, _text_of_bytes)


def _addresses(outputs: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(str(address).lower() for address in outputs[0])


def _scaled(outputs: tuple[Any, ...]) -> int:
    """A scaled balance, which the token itself keeps in 128 bits."""
    balance = int(outputs[0])
    if balance >> 128:
        raise ValueError("a scaled balance of more than 128 bits")
    return balance


def _balance(outputs: tuple[Any, ...]) -> int:
    """A balance; no token has so many units that one of them needs more than 128 bits."""
    balance = int(outputs[0])
    if balance >> 128:
        raise ValueError("a balance of more than 128 bits")
    return balance


def _price(outputs: tuple[Any, ...]) -> int:
    """A price in the base currency's units; one of more than 128 bits is garbage."""
    price = int(outputs[0])
    if price >> 128:
        raise ValueError("a price of more than 128 bits")
    return price


def _mode(outputs: tuple[Any, ...]) -> int:
    """A category's number; one of more than 8 bits was never given out, and cannot be asked for."""
    mode = int(outputs[0])
    if mode >> 8:
        raise ValueError(f"{mode} is no eMode category")
    return mode


def _power_of_ten(outputs: tuple[Any, ...]) -> int:
    """A unit; prices are shown with as many decimals as it has zeros, so it must be nothing else."""
    unit = int(outputs[0])
    if unit != 10 ** (len(str(unit)) - 1):
        raise ValueError(f"{unit} is no unit of a currency")
    return unit


def _text_of_bytes(outputs: tuple[Any, ...]) -> str:
    return bytes(outputs[0]).rstrip(b"\0").decode()
