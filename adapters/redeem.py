"""What receipt tokens redeem for: ERC-4626 shares and aTokens, followed down to a plain token.

A token of the registry is what the registry says. Any other is asked: one that answers ``asset()``
is a vault, one that answers ``UNDERLYING_ASSET_ADDRESS()`` an aToken (one unit for one), one that
refuses both is a plain token. Sources: ERC-4626 (``asset``, ``convertToAssets``), Aave v3 ``AToken``,
Lido ``WstETH`` (``getWstETHByStETH``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.book.model import Asset
from ..core.errors import Failure, Reason
from .chain.call import Call, Contract, ReadPlan, Replies
from .facts import Facts
from .tokens import Receipt, TokenRegistry

__all__ = ["MAX_DEPTH", "Redeemed", "checked_amount", "identity_calls", "redeem"]

MAX_DEPTH = 3  # receipts within receipts; deeper nests are named, not followed

_TOKEN = Contract("wallet", "Token")
_VAULT = Contract("wallet", "Vault")
_WSTETH = Contract("wallet", "WrappedStEth")
_ATOKEN = Contract("wallet", "AToken")
_FACT = "redeems_for"
_MOST_UNITS = 1 << 128
_NO_ADDRESS = "0x" + "0" * 40
_REFUSALS = {Reason.CALL_REVERTED, Reason.BAD_RETURN_DATA}


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Raw ``amount`` of a plain token, and the token that was held for it (perhaps the same)."""

    share: Asset
    asset: Asset
    amount: int


def checked_amount(amount: int | Failure) -> int | Failure:
    """The raw amount, unless no token has so many units: such a number is garbage that decodes."""
    if isinstance(amount, Failure) or amount < _MOST_UNITS:
        return amount
    return Failure(Reason.BAD_RETURN_DATA, "absurd_amount", f"{amount} units of a token")


def identity_calls(token: str) -> list[Call[Any]]:
    """What is asked of a token that the registry does not know."""
    return [
        _TOKEN.uint(token, "decimals"),
        _TOKEN.one(token, "symbol"),
        _VAULT.address(token, "asset"),
        _ATOKEN.address(token, "UNDERLYING_ASSET_ADDRESS"),
    ]


def redeem(
    chain_id: str,
    tokens: TokenRegistry,
    facts: Facts,
    held: Mapping[str, int],
    replies: Replies,
) -> ReadPlan[dict[str, Redeemed | Failure]]:
    """What each raw balance redeems for; ``replies`` hold the identities of unlisted tokens.

    One round per level of receipts, and one more for each whose token was never seen before.
    """
    known = _Known(chain_id, tokens, facts)
    for token in held:
        if not known.lists(token):
            known.add(identity_calls(token), replies)
    descents = {token: _Descent(known, token, amount) for token, amount in held.items()}
    while True:
        wanted = dict.fromkeys(call for each in descents.values() for call in each.step())
        if not wanted:
            break
        asked = list(wanted)
        known.add(asked, (yield asked))
    return {token: each.result() for token, each in descents.items()}


class _Known:
    """What has been answered so far, and what the registry and the facts say."""

    def __init__(self, chain_id: str, tokens: TokenRegistry, facts: Facts) -> None:
        self.chain_id = chain_id
        self._tokens = tokens
        self._facts = facts
        self.answers: dict[Call[Any], Any] = {}

    def add(self, calls: list[Call[Any]], replies: Replies) -> None:
        self.answers |= {call: replies[call] for call in calls}

    def missing(self, calls: list[Call[Any]]) -> list[Call[Any]]:
        return [call for call in calls if call not in self.answers]

    def lists(self, token: str) -> bool:
        return self._tokens.at(self.chain_id, token).known

    def receipt(self, token: str) -> Receipt | None:
        return self._tokens.receipt(self.chain_id, token)

    def wraps_into(self, token: str) -> str | None:
        """Where Lido's stETH wraps to; None for any other token."""
        receipt = self.receipt(token)
        if receipt is None or receipt.kind != "steth":
            return None
        return self._tokens.address_of(self.chain_id, receipt.of)

    def seen_inside(self, token: str) -> str | None:
        """What the receipt redeemed for when it was last read: only a hint of what to ask."""
        return self._facts.get(self.chain_id, token, _FACT)

    def found_inside(self, token: str, inner: str) -> None:
        self._facts.put(self.chain_id, token, _FACT, inner)

    def asset(self, token: str) -> Asset | Failure:
        """The token as an asset; without its decimals no amount of it means anything."""
        if self.lists(token):
            return self._tokens.at(self.chain_id, token)
        decimals, symbol = (self.answers[call] for call in identity_calls(token)[:2])
        if isinstance(decimals, Failure):
            return decimals
        name = symbol if isinstance(symbol, str) else ""
        return self._tokens.at(self.chain_id, token, symbol=name, decimals=decimals)


class _Descent:
    """The way from a held token down to a plain one, as far as the answers reach."""

    def __init__(self, known: _Known, token: str, amount: int) -> None:
        self._known = known
        self._top = token
        self._token = token
        self._amount = amount
        self._depth = 0
        self._failure: Failure | None = None
        self._ended = False

    def result(self) -> Redeemed | Failure:
        """The end of the way, once ``step`` asks for nothing more."""
        if self._failure is not None:
            return self._failure
        share, asset = self._known.asset(self._top), self._known.asset(self._token)
        if isinstance(share, Failure):
            return share
        return asset if isinstance(asset, Failure) else Redeemed(share, asset, self._amount)

    def step(self) -> list[Call[Any]]:
        """Go as far as the answers allow; the calls that are needed to go on."""
        while not self._ended:
            wanted = self._known.missing(self._needed())
            if wanted:
                return wanted + self._known.missing(self._ahead())
            self._descend()
        return []

    def _needed(self) -> list[Call[Any]]:
        """What must be known to leave the present token."""
        token = self._token
        if self._known.receipt(token) is not None:
            return self._amount_calls()
        if self._known.lists(token):
            return []
        calls = identity_calls(token)
        if self._known.missing(calls):
            return calls
        return self._amount_calls() if isinstance(self._known.answers[calls[2]], str) else calls

    def _amount_calls(self) -> list[Call[Any]]:
        """How much the present amount redeems for, and first, of a share, of which token."""
        wrapper = self._known.wraps_into(self._token)
        if wrapper is not None:
            return [_WSTETH.uint(wrapper, "getWstETHByStETH", self._amount)]
        return [
            _VAULT.address(self._token, "asset"),
            _VAULT.uint(self._token, "convertToAssets", self._amount),
        ]

    def _ahead(self) -> list[Call[Any]]:
        """The identity of what this receipt held before, if the registry does not know that."""
        inner = self._known.seen_inside(self._token)
        if inner is None or self._known.lists(inner):
            return []
        return identity_calls(inner)

    def _descend(self) -> None:
        """One receipt down, or the end."""
        known, token = self._known, self._token
        inner: Any = None
        if known.receipt(token) is not None:
            inner = known.wraps_into(token) or known.answers[_VAULT.address(token, "asset")]
        elif not known.lists(token):
            inner = self._unlisted(token)
        if inner is None:
            self._ended = True
        elif isinstance(inner, Failure):
            self._fail(inner)
        elif inner in (_NO_ADDRESS, token):
            self._fail(Failure(Reason.BAD_RETURN_DATA, "no_asset", f"{token} redeems for {inner}"))
        elif self._depth == MAX_DEPTH:
            detail = f"{self._top} is a receipt more than {MAX_DEPTH} levels deep"
            self._fail(Failure(Reason.NOT_SUPPORTED, "nested_too_deep", detail))
        else:
            self._enter(inner)

    def _unlisted(self, token: str) -> str | Failure | None:
        """What a token that the registry does not know redeems for; None where it is plain."""
        for call in identity_calls(token)[2:]:
            answer: str | Failure = self._known.answers[call]
            if isinstance(answer, str) or answer.reason not in _REFUSALS:
                return answer
        return None

    def _enter(self, inner: str) -> None:
        token = self._token
        answer = self._known.answers.get(self._amount_calls()[-1])
        amount = None if answer is None else checked_amount(answer)
        if isinstance(amount, Failure):
            return self._fail(amount)
        self._known.found_inside(token, inner)
        self._token = inner
        self._depth += 1
        if amount is not None:  # an aToken is one for one
            self._amount = amount
        return None

    def _fail(self, failure: Failure) -> None:
        self._failure = failure
        self._ended = True
