"""The tokens of an account: listed ones from the registry, others asked for their own decimals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ...core.book.model import Asset, Debt, Leg, RawAmount, Spot
from ...core.errors import Failure, Problem, Reason, Severity
from ...core.units import decimal_of
from ..base import ReadRequest
from ..chain.call import Call, Contract, Replies

__all__ = ["TokenReads", "asset_leg"]

_TOKEN = Contract("erc20", "Token")
_FACT = "viewed_token"
# 256 bits have 78 digits: nothing can be divided further.
_MOST_DECIMALS = 77
_NATIVE = "0x" + "ee" * 20
_ETHER = frozenset({"eip155:1", "eip155:10", "eip155:8453", "eip155:42161", "eip155:130"})


class TokenReads:
    """The reads that describe those of the addresses which nobody described before."""

    def __init__(self, request: ReadRequest, addresses: Iterable[str]) -> None:
        self._request = request
        self._asked: dict[str, tuple[Call[int], Call[Any]]] = {}
        for address in dict.fromkeys(one.lower() for one in addresses):
            if address != _NATIVE and not self._known(address):
                reads = (_TOKEN.uint(address, "decimals"), _TOKEN.one(address, "symbol"))
                self._asked[address] = reads

    def calls(self) -> list[Call[Any]]:
        """The calls to make; none once every token is known."""
        return [call for reads in self._asked.values() for call in reads]

    def asset(self, address: str, replies: Replies) -> Asset | Failure:
        """The asset at the address; a failure where its decimals could not be read."""
        address = address.lower()
        if address == _NATIVE:
            return self._native()
        chain, tokens = self._request.deployment.chain_id, self._request.tokens
        if address not in self._asked:
            told = self._request.facts.get(chain, address, _FACT) or (18, "")
            return tokens.at(chain, address, decimals=told[0], symbol=told[1])
        decimals, symbol = (replies[call] for call in self._asked[address])
        if isinstance(decimals, Failure):
            return decimals
        if decimals > _MOST_DECIMALS:
            return Failure(Reason.BAD_RETURN_DATA, "decimals", f"{address}: {decimals} decimals")
        text = "" if isinstance(symbol, Failure) else str(symbol)
        # Symbols of an old form never decode: that is a fact of the token, not of the moment.
        if not isinstance(symbol, Failure) or symbol.reason is Reason.BAD_RETURN_DATA:
            self._request.facts.put(chain, address, _FACT, (decimals, text))
        return tokens.at(chain, address, decimals=decimals, symbol=text)

    def problems(self, replies: Replies, venue: str) -> list[Problem]:
        """A note per unreadable symbol: the token is then shown by its address."""
        failures = [replies[symbol] for _, symbol in self._asked.values()]
        return [
            Problem.of(failure, venue=venue, severity=Severity.NOTE)
            for failure in failures
            if isinstance(failure, Failure)
        ]

    def _known(self, address: str) -> bool:
        chain = self._request.deployment.chain_id
        listed = self._request.tokens.at(chain, address).known
        return listed or self._request.facts.get(chain, address, _FACT) is not None

    def _native(self) -> Asset:
        """The chain's own coin: Ether where it is Ether, a coin of its own elsewhere."""
        chain = self._request.deployment.chain_id
        if chain in _ETHER:
            return replace(self._request.tokens.named("ETH"), chain_id=chain, address=_NATIVE)
        key = f"{chain}/native"
        return Asset(key, "native", key, "volatile", 18, chain, _NATIVE, known=False)


def asset_leg(
    name: str, asset: Asset | Failure, raw: int | Failure, source: tuple[str, str], *, owed: bool
) -> Leg:
    """The leg of a raw amount, negative where owed; failed where a part of it was not read.

    ``source`` is the contract and the call that gave the amount.
    """
    failure = next((part for part in (raw, asset) if isinstance(part, Failure)), None)
    held = Asset("unread", "?", "unread", known=False) if isinstance(asset, Failure) else asset
    instrument = Debt(held) if owed else Spot(held)
    if failure is not None or isinstance(raw, Failure):
        return Leg(name, instrument, Decimal(0), failure=failure)
    amount = RawAmount(raw, held.decimals, *source)
    return Leg(name, instrument, decimal_of(-raw if owed else raw, held.decimals), raw=amount)
