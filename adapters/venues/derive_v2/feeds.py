"""Reading the venue's price feeds. A feed whose data is older than its heartbeat reverts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ....core.errors import Failure, Reason
from ....core.units import WAD
from ...chain.call import Call, Contract
from .accrual import Funding, PerpPosition, unsettled_cash
from .holdings import PerpHolding
from .questions import Questions, UnreadError

__all__ = ["Feeds", "OptionFeeds", "PerpReading", "read_forward", "read_perp", "spot_of"]

_SPOT, _FORWARD = Contract("derive_v2", "SpotFeed"), Contract("derive_v2", "ForwardFeed")
_VOL, _RATE = Contract("derive_v2", "VolFeed"), Contract("derive_v2", "RateFeed")
_PERP, _DIFFERENCE = Contract("derive_v2", "Perp"), Contract("derive_v2", "SpotDiffFeed")

_MOST_SHARE = WAD
_FUNDING = (
    "aggregatedFunding",
    "lastFundingPaidAt",
    "fundingConvergencePeriod",
    "staticInterestRate",
    "maxRatePerHour",
    "minRatePerHour",
)


@dataclass(frozen=True, slots=True)
class Feeds:
    """The feeds of one market; ``rate`` is empty where the manager has none."""

    spot: str
    forward: str
    vol: str
    rate: str = ""


@dataclass(frozen=True, slots=True)
class OptionFeeds:
    """What an expiry's feeds say: forward portions, rate, and confidences."""

    fixed: int
    variable: int
    forward_confidence: int
    rate: int
    rate_confidence: int


@dataclass(frozen=True, slots=True)
class PerpReading:
    """A perp position valued by us, the venue's own word on it, and its index."""

    holding: PerpHolding
    venue: int | Failure
    index: int


def checked(price: int, confidence: int) -> tuple[int, int]:
    """A price with its confidence, which is a share."""
    if not 0 <= confidence <= _MOST_SHARE:
        detail = f"a confidence of {confidence}"
        raise UnreadError(Failure(Reason.BAD_RETURN_DATA, "bad_value", detail))
    return price, confidence


def stale(failure: Failure) -> Failure:
    """A feed that reverts is stale (or has no data at all)."""
    if failure.reason is Reason.CALL_REVERTED:
        return replace(failure, reason=Reason.STALE_PRICE, code=failure.code or "feed_reverts")
    return failure


def fed(ask: Questions, *calls: Call[Any]) -> list[Any]:
    """The answers of feeds, asked together; a revert is a stale price."""
    try:
        return ask.all(*calls)
    except UnreadError as error:
        raise UnreadError(stale(error.failure)) from error


def spot_of(ask: Questions, feed: str) -> tuple[int, int]:
    """A spot feed's price and confidence; a price of 0 is none."""
    (answer,) = fed(ask, _SPOT.all(feed, "getSpot"))
    price, confidence = checked(int(answer[0]), int(answer[1]))
    if price == 0:
        raise UnreadError(Failure(Reason.NO_PRICE, "zero_price", f"the feed {feed} says 0"))
    return price, confidence


def read_forward(ask: Questions, feeds: Feeds, expiry: int) -> OptionFeeds:
    """The forward and rate of an expiry."""
    calls = [_FORWARD.all(feeds.forward, "getForwardPricePortions", expiry)]
    if feeds.rate:
        calls.append(_RATE.all(feeds.rate, "getInterestRate", expiry))
    forward, *rate = fed(ask, *calls)
    checked(0, int(forward[2]))
    level, doubt = (int(each) for each in (rate[0] if rate else (0, WAD)))
    checked(0, doubt)
    return OptionFeeds(*(int(each) for each in (*forward, level, doubt)))


def volatilities(
    ask: Questions, feeds: Feeds, expiry: int, strikes: list[int]
) -> tuple[list[int], int]:
    """The volatility at each strike, and the expiry's confidence."""
    confidence, *answers = fed(
        ask,
        _VOL.uint(feeds.vol, "getExpiryMinConfidence", expiry),
        *(_VOL.all(feeds.vol, "getVol", strike, expiry) for strike in strikes),
    )
    checked(0, confidence)
    for answer in answers:
        if int(answer[1]) != confidence:
            detail = f"confidences {answer[1]} and {confidence} of one expiry"
            raise UnreadError(Failure(Reason.RPC_INCONSISTENT, "confidence", detail))
    return [int(answer[0]) for answer in answers], confidence


def read_perp(ask: Questions, perp: str, subaccount: int, size: int, now: int) -> PerpReading:
    """A perp position: its price, how that follows the index, and the cash it would settle to."""
    venue = ask.get(_PERP.uint(perp, "getUnsettledAndUnrealizedCash", subaccount))
    state = [_PERP.uint(perp, name) for name in _FUNDING]
    answers = fed(
        ask,
        _PERP.one(perp, "isDisabled"),
        _PERP.all(perp, "getPerpPrice"),
        _PERP.all(perp, "positions", subaccount),
        _PERP.address(perp, "perpFeed"),
        *state,
    )
    disabled, (price, confidence), stored, feed, total, last, *terms = answers
    checked(price, confidence)
    convergence, static_rate, most, least = (int(each) for each in terms)
    if disabled:
        index, bid, ask_price, difference, cap = 0, 0, 0, 0, 0
    else:
        index, bid, ask_price, difference, cap = _moving(ask, perp, feed)
    funding = Funding(
        total, last, index, bid, ask_price, convergence, static_rate, most, least, disabled
    )
    position = PerpPosition(*(int(each) for each in stored[:4]))
    unsettled = unsettled_cash(position, funding, size, price, now)
    holding = PerpHolding(
        size, price, confidence, unsettled, position.last_mark, difference, cap, disabled
    )
    return PerpReading(holding, venue, index)


def _moving(ask: Questions, perp: str, feed: str) -> tuple[int, int, int, int, int]:
    """(index, impact bid, impact ask, difference to the index, cap) of a perp that trades."""
    index, impact, difference, cap = fed(
        ask,
        _PERP.all(perp, "getIndexPrice"),
        _PERP.all(perp, "getImpactPrices"),
        _DIFFERENCE.all(feed, "spotDiffDetails"),
        _DIFFERENCE.uint(feed, "spotDiffCap"),
    )
    bid, ask_price = (int(each) for each in impact)
    return int(index[0]), bid, ask_price, int(difference[0]), int(cap)
