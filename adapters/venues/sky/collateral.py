"""The reads of one collateral type: state, fee, ratio, penalty, token, feed, simulated liquidation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.errors import Failure
from ...base import ReadRequest
from ...chain.call import Call, Contract, Replies
from .asking import Asked, answer, ask, first
from .holders import Vault
from .maths import Fee, IlkState
from .reading import FeedReading, TokenReading, TypeReading
from .simulate import Simulated, simulation

__all__ = ["CollateralType"]

_VAT, _SPOTTER = Contract("sky", "Vat"), Contract("sky", "Spotter")
_JUG, _DOG = Contract("sky", "Jug"), Contract("sky", "Dog")
_ILKS, _FEED = Contract("sky", "IlkRegistry"), Contract("sky", "Feed")


class CollateralType:
    """One type's reads and answers. The token and the feed are remembered between answers.

    The feed that was remembered is asked in the same round in which the spotter is asked which it
    is; another one costs a round more.
    """

    def __init__(
        self,
        request: ReadRequest,
        addresses: Mapping[str, str | Failure],
        ilk: bytes,
        vaults: Sequence[Vault],
    ) -> None:
        self._facts, self._chain, self._ilk = request.facts, request.deployment.chain_id, ilk
        self._spotter, self._registry = addresses["spotter"], addresses["ilk_registry"]
        self._asked: dict[str, Asked] = {
            "ilk": ask(_VAT, addresses["vat"], "ilks", ilk),
            "ratio": ask(_SPOTTER, self._spotter, "ilks", ilk),
            "fee": ask(_JUG, addresses["jug"], "ilks", ilk),
            "dog": ask(_DOG, addresses["dog"], "ilks", ilk),
        }
        self._token: TokenReading | None = self._fact(self._registry, "gem")
        if self._token is None:
            self._asked |= {name: ask(_ILKS, self._registry, name, ilk) for name in ("gem", "dec")}
        self._simulation = _simulation(addresses, ilk, vaults)
        self._simulated: Simulated | Failure | None = None
        self._feed_asked: str | None = self._fact(self._spotter, "feed")
        self._feed: FeedReading | None = None
        self._answers: dict[str, tuple[Any, ...] | Failure] = {}

    def reads(self) -> list[Call[Any]]:
        """The calls to make in the round of the vaults."""
        asked = [*self._asked.values(), self._simulation]
        return [call for call in asked if isinstance(call, Call)] + _feed_reads(self._feed_asked)

    def learn(self, replies: Replies) -> None:
        """Take the answers; those of the feed only if it is still the spotter's."""
        self._answers = {name: answer(asked, replies) for name, asked in self._asked.items()}
        simulated = self._simulation
        self._simulated = replies[simulated] if isinstance(simulated, Call) else simulated
        if self._feed_asked is not None and self._feed_asked == self._feed_now():
            self._feed = _feed(self._feed_asked, replies)
        self._remember()

    def late_reads(self) -> list[Call[Any]]:
        """The reads of a feed that was not known before, or is another one by now."""
        return _feed_reads(self._feed_now()) if self._feed is None else []

    def learn_feed(self, replies: Replies) -> None:
        """Take the answers of such a feed."""
        feed = self._feed_now()
        if self._feed is None and feed is not None:
            self._feed = _feed(feed, replies)

    def reading(self, base: int | Failure) -> TypeReading:
        """Everything read of the type; ``base`` is the fee that all types share."""
        ilk, ratio = self._answers["ilk"], self._answers["ratio"]
        dog, simulated = self._answers["dog"], self._simulated
        assert simulated is not None  # noqa: S101 - set by learn
        return TypeReading(
            ilk if isinstance(ilk, Failure) else IlkState(int(ilk[1]), int(ilk[2]), int(ilk[4])),
            ratio if isinstance(ratio, Failure) else int(ratio[1]),
            self._fee(base),
            dog if isinstance(dog, Failure) else int(dog[1]),
            self._described(),
            simulated,
            self._feed,
        )

    def _fee(self, base: int | Failure) -> Fee | Failure:
        values = self._answers["fee"]
        if isinstance(values, Failure):
            return values
        if isinstance(base, Failure):
            return base
        return Fee(int(values[0]), base, int(values[1]))

    def _described(self) -> TokenReading | Failure:
        """The type's token."""
        if self._token is not None:
            return self._token
        gem, dec = self._answers["gem"], first(self._answers["dec"])
        if isinstance(gem, Failure):
            return gem
        if isinstance(dec, Failure):
            return dec
        return TokenReading(str(gem[0]).lower(), dec)

    def _feed_now(self) -> str | None:
        """The feed that the spotter names; None where it was not read."""
        ratio = self._answers["ratio"]
        return None if isinstance(ratio, Failure) else str(ratio[0]).lower()

    def _remember(self) -> None:
        """Keep the token, and the feed as the one to ask first."""
        token, feed = self._described(), self._feed_now()
        if isinstance(token, TokenReading) and isinstance(self._registry, str):
            self._facts.put(self._chain, self._registry, self._name("gem"), token)
        if feed is not None and isinstance(self._spotter, str):
            self._facts.put(self._chain, self._spotter, self._name("feed"), feed)

    def _fact(self, address: str | Failure, name: str) -> Any | None:
        if isinstance(address, Failure):
            return None
        return self._facts.get(self._chain, address, self._name(name))

    def _name(self, name: str) -> str:
        return f"{name}:{self._ilk.hex()}"


def _simulation(
    addresses: Mapping[str, str | Failure], ilk: bytes, vaults: Sequence[Vault]
) -> Call[Simulated] | Failure:
    """The simulated liquidation of the type's vaults, or why it cannot be asked for."""
    known = []
    for role in ("vat", "spotter", "jug", "dog"):
        address = addresses[role]
        if isinstance(address, Failure):
            return address
        known.append(address)
    return simulation(known[0], known[1], known[2], known[3], ilk, [one.urn for one in vaults])


def _feed_reads(feed: str | None) -> list[Call[Any]]:
    """The feed's price, its next one, and when it was updated."""
    return [] if feed is None else [_FEED.all(feed, name) for name in ("peek", "peep", "zzz")]


def _feed(address: str, replies: Replies) -> FeedReading:
    price, following, updated = (replies[call] for call in _feed_reads(address))
    return FeedReading(_price(price), _price(following), first(updated))


def _price(values: tuple[Any, ...] | Failure) -> int | Failure:
    """The price in the answer of ``peek`` or ``peep``; 0 where the feed says that it has none."""
    if isinstance(values, Failure):
        return values
    word, has = values
    return int.from_bytes(word, "big") if has else 0
