"""Margin accounts from what was read: per dex and isolated position, or one for a shared balance.

Standard mode: each dex's cross account. Unified: one account per collateral token over all dexes
that take it. Portfolio margin: the same for the token that can be borrowed, with its pledges. Where
nobody said which mode the account is in, its cross positions are unknown: their margin may be
anywhere. An isolated position is an account of its own in every mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ....core.book.health import VenueAnswer
from ....core.book.model import Leg, MarginAccount
from ....core.errors import Failure, Problem, Reason
from ...base import ReadRequest
from .island import Borrowing, HeldPerp, Island, Mode, PledgedLeg
from .legs import borrowed_leg, cash_leg, held_perp, perp_legs, pledge_legs
from .maths import USD_DECIMALS, Pledge, in_raw
from .prices import coin_key, mark_prices
from .reading import Booked, DexReading, PledgeReading, PositionReading, Reading, booked
from .rule import VENUE, HyperliquidRule
from .universe import Universe

__all__ = ["build_accounts", "mark_prices"]

_BALANCE_DECIMALS = 18
_NO_MODE = Failure(
    Reason.MODE_UNKNOWN,
    "account_mode",
    "standard, unified or portfolio: no precompile tells, and the cross positions depend on it",
)


def build_accounts(
    request: ReadRequest, universe: Universe, reading: Reading
) -> tuple[MarginAccount, ...]:
    """Every island in which the owner has, or may have, something."""
    builder = _Builder(request, universe, reading)
    pooled = universe.mode in ("unified", "portfolio")
    shared = builder.pooled() if pooled else builder.per_dex()
    return (*shared, *builder.isolated())


class _Builder:
    """The accounts of one reading."""

    def __init__(self, request: ReadRequest, universe: Universe, reading: Reading) -> None:
        self._request = request
        self._universe = universe
        self._reading = reading
        self._booked = [(dex, booked(dex)) for dex in reading.dexes]

    def per_dex(self) -> Iterator[MarginAccount]:
        """Each dex's cross account in standard mode, and in a mode that nobody stated."""
        for dex, found in self._booked:
            positions = dex.cross
            if isinstance(found, Booked) and not positions and found.cash == 0:
                continue
            unsure = self._universe.mode is None and positions
            mode: Mode = "unknown" if unsure else "cross"
            cash = found if isinstance(found, Failure) else found.cash
            failure = _first(cash, _NO_MODE if unsure else None, *positions)
            summaries = () if isinstance(found, Failure) else (found.summary,)
            island = Island(
                mode,
                None if isinstance(cash, Failure) else cash,
                USD_DECIMALS,
                None if dex.unread else tuple(self._held(dex, each) for each in positions),
                self._pending(positions),
                summaries,
            )
            yield self._account(f"{dex.dex.name}:cross", dex, (dex,), positions, island, failure)

    def pooled(self) -> Iterator[MarginAccount]:
        """One account per collateral token, in unified and portfolio mode."""
        for token in self._universe.tokens:
            dexes = [dex for dex in self._reading.dexes if dex.dex.collateral == token]
            positions = tuple(each for dex in dexes for each in dex.cross)
            is_portfolio = (
                self._universe.mode == "portfolio" and token == self._universe.borrow_token
            )
            borrowing = self._borrowing() if is_portfolio else None
            found = [each for dex, each in self._booked if dex in dexes]
            unread = [each for each in found if isinstance(each, Failure)]
            cash = self._pooled_cash(token, dexes)
            if not positions and not unread and cash == 0 and borrowing is None:
                continue
            island = Island(
                "portfolio" if is_portfolio else "unified",
                None if isinstance(cash, Failure) else cash,
                _BALANCE_DECIMALS,
                None
                if unread
                else tuple(self._held(dex, each) for dex in dexes for each in dex.cross),
                self._pending(positions),
                tuple(each.summary for each in found if isinstance(each, Booked)),
                None if isinstance(borrowing, Failure) else borrowing,
            )
            name = "portfolio" if is_portfolio else f"unified:{dexes[0].dex.symbol}"
            failure = _first(*unread, cash, borrowing, *positions)
            yield self._account(name, dexes[0], dexes, positions, island, failure)

    def isolated(self) -> Iterator[MarginAccount]:
        """Each isolated position; its own margin is all that backs it, in every mode."""
        for dex in self._reading.dexes:
            for each in dex.isolated:
                island = Island(
                    "isolated",
                    each.row.isolated_usd,
                    USD_DECIMALS,
                    (self._held(dex, each),),
                    self._pending((each,)),
                )
                name = f"{dex.dex.name}:isolated-{each.perp}"
                yield self._account(name, dex, (), (each,), island, each.failure)

    def _account(
        self,
        name: str,
        dex: DexReading,
        summed: Sequence[DexReading],
        positions: Sequence[PositionReading],
        island: Island,
        failure: Failure | None,
    ) -> MarginAccount:
        """``summed`` are the dexes whose summaries are the venue's answer for this account."""
        rule = HyperliquidRule(island)
        legs = self._legs(dex, positions, island, failure)
        named = {failure, *(leg.failure for leg in legs)}
        others = dict.fromkeys(each.failure for each in positions if each.failure not in named)
        return MarginAccount(
            venue=VENUE,
            id=name,
            chain_id=self._request.deployment.chain_id,
            holder=self._request.owner,
            legs=legs,
            rule=rule,
            judgement=rule.judge(),
            venue_answer=_venue_answer(summed),
            failure=failure,
            problems=tuple(
                Problem.of(other, venue=VENUE, account=name) for other in others if other
            ),
            labels=self._labels(island),
        )

    def _legs(
        self,
        dex: DexReading,
        positions: Sequence[PositionReading],
        island: Island,
        failure: Failure | None,
    ) -> tuple[Leg, ...]:
        """The cash, the positions dex by dex, and what is pledged and borrowed."""
        cash = cash_leg(self._request, dex.dex, island, positions, failure)
        legs = [] if cash is None else [cash]
        for each in self._reading.dexes:
            mine = [held for held in each.positions if held in positions]
            legs += perp_legs(self._request, each.dex, mine, self._universe.pending)
        if island.mode == "portfolio":
            legs += pledge_legs(self._request, self._reading.pledges)
            owed = borrowed_leg(self._request, dex.dex, self._reading.borrowed)
            legs += [] if owed is None else [owed]
        return tuple(legs)

    def _labels(self, island: Island) -> dict[str, str]:
        return {
            "mode": self._universe.mode or "unknown",
            "exactness": "documented formula" if island.mode == "portfolio" else "documented rule",
            "l1_block": str(self._reading.l1_block),
            "evm_block": str(self._reading.evm_block),
        }

    def _held(self, dex: DexReading, each: PositionReading) -> HeldPerp:
        return held_perp(self._request, dex.dex, each)

    def _pending(self, positions: Sequence[PositionReading]) -> int:
        """The pending funding that the caller gave for these positions, USD with 6 decimals."""
        coins = [each.terms.coin for each in positions if not isinstance(each.terms, Failure)]
        return in_raw(
            sum((self._universe.pending.get(coin, Fraction(0)) for coin in coins), Fraction(0))
        )

    def _pooled_cash(self, token: int, dexes: Sequence[DexReading]) -> int | Failure:
        """The balance less isolated margins and unrealised results: what moves with no mark.

        The spot total of a pooled account counts its positions' equity in already.
        """
        balance = self._reading.balances[token]
        if isinstance(balance, Failure):
            return balance
        taken = 0
        for dex in dexes:
            if any(isinstance(each.mark, Failure) for each in dex.positions):
                return next(each.mark for each in dex.positions if isinstance(each.mark, Failure))
            taken += sum(each.value for each in dex.positions)
            taken += sum(each.row.isolated_usd for each in dex.isolated)
        return in_raw(balance - Fraction(taken, 10**USD_DECIMALS), _BALANCE_DECIMALS)

    def _borrowing(self) -> Borrowing | Failure:
        borrowed = self._reading.borrowed
        if isinstance(borrowed, Failure):
            return borrowed
        pledged = []
        for each in self._reading.pledges:
            pledge = _pledge(each)
            if isinstance(pledge, Failure):
                return pledge
            key = coin_key(self._request, 0, "", each.symbol)
            pledged.append(PledgedLeg(f"pledge-{each.token}", key, pledge))
        return Borrowing(borrowed or Fraction(0), tuple(pledged), self._universe.borrow_cap)


def _pledge(reading: PledgeReading) -> Pledge | Failure:
    amount, price, ltv = reading.amount, reading.price, reading.ltv
    if isinstance(amount, Failure):
        return amount
    if isinstance(price, Failure):
        return price
    return ltv if isinstance(ltv, Failure) else Pledge(amount, price, ltv, reading.supply_cap)


def _venue_answer(dexes: Sequence[DexReading]) -> VenueAnswer | Failure | None:
    """The dexes' own summaries: the only figures of the venue that the chain tells."""
    figures: dict[str, int] = {}
    for dex in dexes:
        if isinstance(dex.summary, Failure):
            return dex.summary
        figures[f"{dex.dex.name}.accountValue"] = dex.summary.account_value
        figures[f"{dex.dex.name}.ntlPos"] = dex.summary.notional
        figures[f"{dex.dex.name}.marginUsed"] = dex.summary.margin_used
    return VenueAnswer(figures, source="accountMarginSummary") if figures else None


def _first(*parts: object) -> Failure | None:
    """The first failure among parts and positions."""
    for part in parts:
        found = part.failure if isinstance(part, PositionReading) else part
        if isinstance(found, Failure):
            return found
    return None
