"""What was read of one subaccount: positions by market, each part a value or why it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ....core.errors import Failure, Reason, RuleError
from ...chain.call import Contract
from .feeds import Feeds, PerpReading, read_forward, read_perp, spot_of, volatilities
from .holdings import ExpiryHolding, OptionHolding
from .managers import Role
from .questions import Questions, UnreadError

__all__ = [
    "ExpiryReading",
    "MarketReading",
    "Position",
    "TokenReading",
    "attempt",
    "option_of",
    "read_market",
]

T = TypeVar("T")

_OPTION, _WRAPPED = Contract("derive_v2", "Option"), Contract("derive_v2", "Wrapped")
_CALL_BIT, _STRIKE_BITS, _EXPIRY_BITS = 95, 2**63 - 1, 2**32 - 1
_STRIKE_UNIT = 10**10


@dataclass(frozen=True, slots=True)
class Position:
    """One balance of a subaccount, with what the asset is to the manager; ``market`` groups them."""

    asset: str
    sub_id: int
    balance: int
    role: Role
    market: int = 0


@dataclass(frozen=True, slots=True)
class TokenReading:
    """A token held: the ERC-20 behind it, its decimals, and its price with confidence."""

    position: Position
    token: str | Failure
    decimals: int | Failure
    feed: str | Failure
    price: tuple[int, int] | Failure


@dataclass(frozen=True, slots=True)
class ExpiryReading:
    """The options of one expiry.

    ``holding`` None: the manager's view reverts on them, but their price is fixed, and
    ``payouts`` (by sub id) is what each brings.
    """

    expiry: int
    options: tuple[Position, ...]
    holding: ExpiryHolding | None
    payouts: dict[int, int | None]


@dataclass(frozen=True, slots=True)
class MarketReading:
    """One market of the account: its spot with confidence, and what is held in it.

    ``known_by`` are the asset addresses that may name its underlying.
    """

    market: int
    known_by: tuple[str, ...]
    feeds: Feeds | Failure
    spot: tuple[int, int] | Failure
    perp: tuple[Position, PerpReading | Failure] | None
    expiries: tuple[tuple[int, tuple[Position, ...], ExpiryReading | Failure], ...]
    tokens: tuple[TokenReading, ...]

    def failures(self) -> Iterable[Failure]:
        """Every part that is missing, the most important first."""
        parts: list[object] = [self.feeds, self.spot]
        parts += [self.perp[1]] if self.perp else []
        parts += [reading for _, _, reading in self.expiries]
        for token in self.tokens:
            parts += [token.feed, token.price]
        return (part for part in parts if isinstance(part, Failure))


def attempt(read: Callable[[], T]) -> T | Failure:
    """What the reading gives, or the failure that stopped it."""
    try:
        return read()
    except UnreadError as error:
        return error.failure
    except RuleError as error:
        return Failure(Reason.BAD_RETURN_DATA, "overflow", str(error))


def option_of(sub_id: int) -> tuple[int, int, bool]:
    """The (expiry, strike, is call) that a sub id encodes."""
    strike = ((sub_id >> 32) & _STRIKE_BITS) * _STRIKE_UNIT
    return sub_id & _EXPIRY_BITS, strike, bool(sub_id >> _CALL_BIT)


def read_market(
    ask: Questions,
    market: int,
    known_by: Sequence[str],
    feeds: Feeds | Failure,
    positions: Sequence[Position],
    feed_of: Callable[[Position], str],
    subaccount: int,
    now: int,
) -> MarketReading:
    """One market; ``feed_of`` names the feed that prices a token."""
    spot: tuple[int, int] | Failure
    spot = feeds if isinstance(feeds, Failure) else attempt(lambda: spot_of(ask, feeds.spot))
    perps = [each for each in positions if each.role is Role.PERP]
    perp = None
    if perps:
        held = perps[0]
        reading = attempt(lambda: read_perp(ask, held.asset, subaccount, held.balance, now))
        perp = (held, reading)
    by_expiry: dict[int, list[Position]] = {}
    for each in positions:
        if each.role is Role.OPTION:
            by_expiry.setdefault(option_of(each.sub_id)[0], []).append(each)
    expiries = [
        (expiry, tuple(held), _expiry(ask, feeds, expiry, held, now))
        for expiry, held in sorted(by_expiry.items())
    ]
    tokens = tuple(_token(ask, each, feed_of) for each in positions if each.role is Role.COLLATERAL)
    names = dict.fromkeys((*known_by, *(each.asset for each in positions)))
    return MarketReading(market, tuple(names), feeds, spot, perp, tuple(expiries), tokens)


def _token(ask: Questions, position: Position, feed_of: Callable[[Position], str]) -> TokenReading:
    feed = attempt(lambda: feed_of(position))
    price: tuple[int, int] | Failure
    price = feed if isinstance(feed, Failure) else attempt(lambda: spot_of(ask, feed))
    return TokenReading(
        position,
        ask.get(_WRAPPED.address(position.asset, "wrappedAsset")),
        ask.get(_WRAPPED.uint(position.asset, "assetDecimals")),
        feed,
        price,
    )


def _expiry(
    ask: Questions, feeds: Feeds | Failure, expiry: int, held: Sequence[Position], now: int
) -> ExpiryReading | Failure:
    if isinstance(feeds, Failure):
        return feeds
    if expiry > now:
        holding = attempt(lambda: _holding(ask, feeds, expiry, held, now))
        if isinstance(holding, Failure):
            return holding
        return ExpiryReading(expiry, tuple(held), holding, {})
    return attempt(lambda: _expired(ask, feeds, expiry, held, now))


def _expired(
    ask: Questions, feeds: Feeds, expiry: int, held: Sequence[Position], now: int
) -> ExpiryReading:
    """Options past their expiry: by the manager's feeds while those answer, else by settlement."""
    payouts = {each.sub_id: attempt(partial(_payout, ask, each)) for each in held}
    holding = attempt(lambda: _holding(ask, feeds, expiry, held, now))
    known: dict[int, int | None] = {}
    for sub_id, payout in payouts.items():
        if isinstance(payout, Failure):
            raise UnreadError(payout)
        known[sub_id] = payout
    if not isinstance(holding, Failure):
        return ExpiryReading(expiry, tuple(held), holding, known)
    if holding.reason is not Reason.STALE_PRICE:
        raise UnreadError(holding)
    if None in known.values():
        detail = f"options expired at {expiry} and their settlement price is not fixed yet"
        raise UnreadError(Failure(Reason.PENDING_SETTLEMENT, "expired_unsettled", detail))
    return ExpiryReading(expiry, tuple(held), None, known)


def _payout(ask: Questions, position: Position) -> int | None:
    """What settling the option brings; None where its price is not fixed yet."""
    call = _OPTION.all(position.asset, "calcSettlementValue", position.sub_id, position.balance)
    payout, settled = ask.need(call)
    return int(payout) if settled else None


def _holding(
    ask: Questions, feeds: Feeds, expiry: int, held: Sequence[Position], now: int
) -> ExpiryHolding:
    """The expiry as the manager values it."""
    decoded = [option_of(each.sub_id) for each in held]
    forward = attempt(lambda: read_forward(ask, feeds, expiry))
    levels, confidence = volatilities(ask, feeds, expiry, [strike for _, strike, _ in decoded])
    if isinstance(forward, Failure):
        raise UnreadError(forward)
    options = tuple(
        OptionHolding(strike, is_call, each.balance, level)
        for each, (_, strike, is_call), level in zip(held, decoded, levels, strict=True)
    )
    return ExpiryHolding(
        seconds=max(expiry - now, 0),
        forward_fixed=forward.fixed,
        forward_variable=forward.variable,
        forward_confidence=forward.forward_confidence,
        volatility_confidence=confidence,
        options=options,
        rate=forward.rate,
        rate_confidence=forward.rate_confidence,
        expiry=expiry,
    )
