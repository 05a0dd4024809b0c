"""The decimals of a token that nobody lists, read on chain.

A real token tells them itself. A synthetic one has no code, but where it has a feed the multiplier
of its price does: it is ten to the power of 60 less both decimals (``ChainlinkPriceFeedUtils.sol``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....core.errors import Failure
from ...base import ReadRequest
from ...chain.call import Call, Contract
from .keys import data_key
from .tokens import listed

__all__ = ["Scale"]

_STORE, _TOKEN = Contract("gmx_v2", "DataStore"), Contract("erc20", "Token")
_NOBODY = "0x" + "0" * 40
_FLOAT_DECIMALS = 60
_MOST_DECIMALS = 30
_FACT = "gmx/decimals"


class Scale:
    """The questions about one token; none where it is listed or was answered before."""

    def __init__(self, request: ReadRequest, store: str, token: str) -> None:
        self._facts, self._chain = request.facts, request.deployment.chain_id
        self._store, self._token = store, token
        found = listed(self._chain, token)
        is_known = request.tokens.at(self._chain, token).known
        self._is_listed = is_known or (found is not None and found[1] is not None)

    def calls(self, answers: Mapping[Call[Any], Any]) -> Iterator[Call[Any]]:
        """What can be asked: the token, and then the feed that stands behind its price."""
        if self._is_listed or self._facts.get(self._chain, self._token, _FACT) is not None:
            return
        yield from (self._own(), self._feed(), self._multiplier())
        feed = answers.get(self._feed())
        if isinstance(feed, str) and feed != _NOBODY:
            yield _TOKEN.uint(feed, "decimals")

    def known(self, answers: Mapping[Call[Any], Any]) -> int | None:
        """The decimals; None where the list has them, or nobody does."""
        if self._is_listed:
            return None
        remembered: int | None = self._facts.get(self._chain, self._token, _FACT)
        found = self._read(answers) if remembered is None else remembered
        if found is not None:
            self._facts.put(self._chain, self._token, _FACT, found)
        return found

    def _read(self, answers: Mapping[Call[Any], Any]) -> int | None:
        own = answers.get(self._own())
        if isinstance(own, int):
            return own if own <= _MOST_DECIMALS else None
        feed, multiplier = answers.get(self._feed()), answers.get(self._multiplier())
        if not isinstance(feed, str) or not isinstance(multiplier, int):
            return None
        of_feed = answers.get(_TOKEN.uint(feed, "decimals"))
        if isinstance(of_feed, Failure) or of_feed is None:
            return None
        decimals = _FLOAT_DECIMALS - int(of_feed) - (len(str(multiplier)) - 1)
        is_power = multiplier == 10 ** (len(str(multiplier)) - 1)
        return decimals if is_power and 0 <= decimals <= _MOST_DECIMALS else None

    def _own(self) -> Call[int]:
        return _TOKEN.uint(self._token, "decimals")

    def _feed(self) -> Call[str]:
        return _STORE.address(self._store, "getAddress", data_key("PRICE_FEED", self._token))

    def _multiplier(self) -> Call[int]:
        key = data_key("PRICE_FEED_MULTIPLIER", self._token)
        return _STORE.uint(self._store, "getUint", key)
