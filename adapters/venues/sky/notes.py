"""Notes about a vault: what may happen soon, or is odd. They change no number."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.errors import Failure, Reason, RuleError
from ....core.units import decimal_of, plain
from ...base import ReadRequest
from .maths import Urn, is_safe, poked_spot
from .reading import Reading
from .rule import SkyRule
from .simulate import Bark

__all__ = ["bark_of", "notes_of", "owes"]

# A security module takes a new price every hour at most; one that missed three is not being updated.
_FEED_STALE_AFTER = 3 * 3600


def notes_of(request: ReadRequest, reading: Reading, rule: SkyRule) -> Iterator[Failure]:
    """Every note about the vault."""
    for note in (
        _stopped_feed(request, reading),
        _next_price(reading, rule),
        _refused_poke(reading),
        _blocked(reading),
    ):
        if note is not None:
            yield note


def _stopped_feed(request: ReadRequest, reading: Reading) -> Failure | None:
    feed = reading.type.feed
    if feed is None or isinstance(feed.updated, Failure):
        return None
    age = request.block.timestamp - feed.updated
    if age <= _FEED_STALE_AFTER:
        return None
    return Failure(Reason.STALE_PRICE, "feed_stopped", f"the feed was last updated {age} s ago")


def _next_price(reading: Reading, rule: SkyRule) -> Failure | None:
    """What the feed's next price would do, where anybody may see it."""
    feed, rate = reading.type.feed, rule.actionable_rate()
    if feed is None or not isinstance(feed.following, int) or not feed.following:
        return None
    if rule.urn is None or not rule.urn.art or not rate or not rule.par or not rule.mat:
        return None
    if feed.following == rule.price:
        return None
    try:
        safe = is_safe(rule.urn, rate, poked_spot(feed.following, rule.par, rule.mat))
    except RuleError:
        return None
    price = plain(decimal_of(feed.following, 18))
    detail = (
        f"the feed's next price is {price} USD: the vault is then {'safe' if safe else 'unsafe'}"
    )
    return Failure(Reason.NOT_SUPPORTED, "next_price", detail)


def _refused_poke(reading: Reading) -> Failure | None:
    simulated = reading.type.simulated
    if isinstance(simulated, Failure) or simulated.poked or not owes(reading):
        return None
    detail = "the spotter refuses a poke: the stored price is the one that liquidations use"
    return Failure(Reason.STALE_PRICE, "poke_refused", detail)


def _blocked(reading: Reading) -> Failure | None:
    bark = bark_of(reading)
    if bark is None or not bark.refusal or bark.safe is not False:
        return None
    detail = f"the vault is unsafe, but a liquidation would be refused now: {bark.refusal}"
    return Failure(Reason.NOT_SUPPORTED, "liquidation_blocked", detail)


def bark_of(reading: Reading) -> Bark | None:
    """What a simulated ``bark`` at this vault said."""
    simulated = reading.type.simulated
    if isinstance(simulated, Failure) or not owes(reading):
        return None
    return simulated.barks[reading.place]


def owes(reading: Reading) -> bool:
    """Whether the vault owes something, or may."""
    return not isinstance(reading.urn, Urn) or reading.urn.art > 0
