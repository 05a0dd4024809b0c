"""Derive's margin rule for one subaccount: net maintenance margin below zero can be auctioned.

Two clocks: ``stored`` is the manager's view, with the cash of the account's last touch;
``actionable`` is what ``startAuction`` sees, which settles interest first. Health is the market
value over what it has to stay above, so that its limit is 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ....core.book.health import Health, Judgement, LiquidationPrice, State, Verdict
from ....core.book.model import Leg
from ....core.book.rule import LegScenarios, RuleArrays
from ....core.errors import RuleError
from ....core.units import WAD, decimal_of
from .auction import AuctionTerms, buffer_margin
from .books import (
    Book,
    Margins,
    Terms,
    has_liability,
    margins,
    markets,
    moved,
    option_count,
    spot_key,
    with_cash,
)
from .codec import encoded
from .scenarios import evaluate

__all__ = ["KIND", "MEASURE", "VENUE", "DeriveRule", "LiveAuction"]

VENUE = "derive-v2"
KIND = "derive-v2"
MEASURE = "mark-to-market / (mark-to-market - net maintenance margin)"

# How far to look for a healthy price where today's is liquidatable: eighths of a doubling.
_REACH = 64
_HIGHEST = 10**9


@dataclass(frozen=True, slots=True)
class LiveAuction:
    """An auction that runs: whether it is insolvent, since when, and the cash bidders paid."""

    insolvent: bool
    start: int
    scenario: int
    reserved: int


@dataclass(frozen=True, slots=True)
class DeriveRule:
    """One subaccount with every number that judges it; None is what was not read.

    ``book`` holds the cash of the last touch, ``cash_now`` the cash with interest. ``payout`` is
    what expired options with a fixed price will bring, where the manager's view reverts on them
    (``view_reverts``). ``can_start``: whether auctions of this manager's accounts may start.
    """

    timestamp: int
    book: Book | None = None
    terms: Terms | None = None
    cash_now: int | None = None
    payout: int = 0
    view_reverts: bool = False
    auction: AuctionTerms | None = None
    live: LiveAuction | None = None
    can_start: bool = True
    holds: bool = True
    cash_key: str = "USDC"

    @property
    def kind(self) -> str:
        """The rule's name in a portfolio document."""
        return KIND

    @property
    def measure(self) -> str:
        """What the health is."""
        return MEASURE

    def judge(self) -> Judgement:
        """The exact verdicts on both clocks, with the figures of the venue's views."""
        stored = None if self.view_reverts else self.margins(self.book)
        settled = self.settled_book()
        now = self.margins(settled)
        figures = {} if self.cash_now is None else {"cashWithInterest": self.cash_now}
        if stored is not None:
            figures["initialMargin"] = stored.initial
            figures["maintenanceMargin"] = stored.maintenance
            figures["markToMarket"] = stored.mark_to_market
        for market in () if self.book is None else markets(self.book):
            if market.perp.position:
                figures[f"unsettledCash.{market.underlying}"] = market.perp.unsettled
        return Judgement(
            MEASURE,
            self._verdict(stored, self.book, now_live=False),
            self._verdict(now, settled, now_live=True),
            figures,
            self._prices(settled),
        )

    def settled_book(self) -> Book | None:
        """The book after settling interest and the options whose price is fixed."""
        if self.book is None or self.cash_now is None:
            return None
        return with_cash(self.book, self.cash_now + self.payout)

    def margins(self, book: Book | None) -> Margins | None:
        """The manager's answer for a book; None where it is not known or the contract reverts."""
        if book is None:
            return None
        try:
            return margins(book, self.terms)
        except RuleError:
            return None

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The rule in every scenario; ``RuleError`` where a number that it needs was not read."""
        book = self.settled_book()
        if book is None or self._is_under_the_hammer_unread():
            raise RuleError("the subaccount was not wholly read: the rule cannot be evaluated")
        share = self.auction.buffer_share if self._sells() and self.auction else 0
        return evaluate(book, self.terms, self.cash_key, legs, scenarios, share, self.can_start)

    def document(self) -> Mapping[str, object]:
        """The rule with its raw parameters: integers as strings, null for what was not read."""
        return {"kind": KIND, **encoded(self)}

    def is_liquidatable(self, found: Margins) -> bool:
        """Whether an auction can start now, or one that runs can be bid on."""
        return self.can_start and self._is_short(found)

    def _is_short(self, found: Margins) -> bool:
        if found.maintenance < 0:
            return True
        if not self._sells() or self.auction is None:
            return False
        return buffer_margin(self.auction, found.maintenance, found.mark_to_market) < 0

    def _sells(self) -> bool:
        """Whether a solvent auction runs, which goes on until the buffer margin is restored."""
        return self.live is not None and not self.live.insolvent

    def _is_under_the_hammer_unread(self) -> bool:
        return self._sells() and self.auction is None

    def _verdict(self, found: Margins | None, book: Book | None, *, now_live: bool) -> Verdict:
        if not self.holds:
            return Verdict(Health(None, State.EMPTY), False)
        if found is None or book is None or (now_live and self._is_under_the_hammer_unread()):
            return Verdict.unknown()
        short = self._is_short(found) if now_live else found.maintenance < 0
        blocked = now_live and not self.can_start
        return Verdict(_health(found, book, short=short), short and not blocked)

    def _prices(self, book: Book | None) -> tuple[LiquidationPrice, ...]:
        """The exact spot prices at which an account without options crosses.

        Along any one spot such a book's net margin is concave, so that the healthy prices are one
        interval. An option book's is not: its crossings come from ``evaluate``.
        """
        if book is None or option_count(book) or self._is_under_the_hammer_unread():
            return ()
        if not has_liability(book) or self.margins(book) is None or not self.can_start:
            return ()
        return tuple(self._crossings(book))

    def _crossings(self, book: Book) -> Iterator[LiquidationPrice]:
        for market in markets(book):
            key = spot_key(market)
            if not key or not market.spot:
                continue
            healthy = self._healthy_price(book, market.underlying, market.spot)
            if healthy is None:
                continue
            low = self._edge(book, market.underlying, healthy, 0)
            if low is not None:
                yield LiquidationPrice(key, "down", low, 18, "USD")
            high = self._edge(book, market.underlying, healthy, market.spot * _HIGHEST)
            if high is not None:
                yield LiquidationPrice(key, "up", high, 18, "USD")

    def _crosses(self, book: Book, underlying: str, spot: int) -> bool:
        found = self.margins(moved(book, underlying, spot))
        return found is None or self._is_short(found)

    def _healthy_price(self, book: Book, underlying: str, spot: int) -> int | None:
        """Today's price where it is healthy, else the nearest one found that is."""
        if not self._crosses(book, underlying, spot):
            return spot
        for step in range(1, _REACH + 1):
            for exponent in (step, -step):
                price = int(Decimal(spot) * Decimal(2) ** (Decimal(exponent) / 8))
                if not self._crosses(book, underlying, price):
                    return price
        return None

    def _edge(self, book: Book, underlying: str, healthy: int, far: int) -> int | None:
        """The last healthy price toward ``far``; None where even that is healthy."""
        if not self._crosses(book, underlying, far):
            return None
        while abs(far - healthy) > 1:
            middle = (far + healthy) // 2
            if self._crosses(book, underlying, middle):
                far = middle
            else:
                healthy = middle
        return healthy


def _health(found: Margins, book: Book, *, short: bool) -> Health:
    """Market value over requirement, floored at 18 decimals and at 0; the limit is 1."""
    value, required = found.mark_to_market, found.requirement
    if not short and (required <= 0 or not has_liability(book)):
        return Health(None, State.NO_DEBT)
    ratio = Decimal(0)
    if value > 0 and required > 0:
        ratio = decimal_of(value * WAD // required, 18)
    if value < 0:
        return Health(ratio, State.BAD_DEBT)
    return Health(ratio, State.LIQUIDATABLE if short else State.OK)
