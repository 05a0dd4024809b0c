"""Reserve by reserve: what the answers say about the owner, and which of them are missing.

A failure is *needed* when the account cannot be judged without that answer: the user's bits say
that the reserve counts. Without bits a supply is only equity, and a debt cannot exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...core.book.model import Asset
from ...core.errors import Failure, Reason, Severity
from ..base import ReadRequest
from .calls import NO_ADDRESS, Market, ReserveTokens
from .found import Found
from .position import Configuration, Reserve
from .profile import Profile
from .rule import leg_id

__all__ = ["Missing", "Row", "labels_of", "rows_of"]


@dataclass(frozen=True, slots=True)
class Missing:
    """An answer that was not had: the leg it belongs to, and what it means for the account."""

    leg: str
    failure: Failure
    needed: bool = False
    severity: Severity = Severity.READ
    hides_position: bool = False  # the leg itself could not be read


@dataclass(slots=True)
class Row:
    """One reserve in which the owner holds something, or may.

    ``reserve`` is None where its state was not read. ``priced`` False means that its price is
    missing: balances are good, values are not.
    """

    asset: Asset
    label: str
    tokens: ReserveTokens | None
    reserve: Reserve | None = None
    priced: bool = True
    missing: list[Missing] = field(default_factory=list)

    @property
    def holds_anything(self) -> bool:
        """Whether any balance that was read is not 0."""
        held = self.reserve
        return held is not None and bool(
            held.scaled_supply or held.scaled_debt or held.stable_debt
        )


def labels_of(request: ReadRequest, found: Found) -> dict[str, str]:
    """A name for each listed asset: its symbol, with the address where symbols collide."""
    symbols = {asset: _asset(request, found, asset).symbol for asset in found.tokens}
    shown = list(symbols.values())
    return {
        asset: symbol if shown.count(symbol) == 1 else f"{symbol}-{asset}"
        for asset, symbol in symbols.items()
    }


def rows_of(request: ReadRequest, found: Found) -> Iterator[Row]:
    """The rows of the account, by reserve id."""
    labels = labels_of(request, found)
    order = sorted(found.tokens, key=lambda asset: _order(found.tokens[asset]))
    for asset in order:
        row = Row(_asset(request, found, asset), labels[asset], found.tokens[asset])
        if _fill(row, found, asset, request.block.timestamp):
            yield row


def _order(tokens: ReserveTokens | None) -> int:
    return 1 << 16 if tokens is None else tokens.id


def _asset(request: ReadRequest, found: Found, asset: str) -> Asset:
    symbol, decimals = found.symbols.get(asset, ""), 18
    if found.market is not None:
        call = found.calls.reserve_data(found.market, asset)
        data = found.answers.maybe(call)
        if data is not None and not isinstance(data, Failure):
            decimals = Configuration(int(data[0][0])).decimals
    return request.tokens.at(request.block.chain_id, asset, symbol=symbol, decimals=decimals)


def _fill(row: Row, found: Found, asset: str, timestamp: int) -> bool:
    """Fill the row from the answers; whether the owner holds, or may hold, something there."""
    market, profile, tokens = found.market, found.profile, row.tokens
    assert market is not None  # noqa: S101 - rows are made of a known market only
    if tokens is None:
        failure = found.answers.maybe(found.calls.reserve_data(market, asset))
        if isinstance(failure, Failure):
            missing = Missing(
                leg_id("supply", row.label), failure, _uncovered(found), hides_position=True
            )
            row.missing.append(missing)
        return bool(row.missing)
    balances = _balances(row, found, tokens)
    if not isinstance(profile, Profile):
        _without_profile(row, balances, profile)
        return bool(row.missing)
    bits = _bits(found, tokens)
    used = isinstance(found.bitmap, int) and bits
    if not (any(balances.values()) or row.missing or used):
        return False
    data = found.answers[found.calls.reserve_data(market, asset)]
    if not isinstance(data, Failure) and int(data[6]) > timestamp:
        detail = f"reserve updated at {data[6]}, after the block's {timestamp}"
        data = Failure(Reason.RPC_INCONSISTENT, "future_update", detail)
    if isinstance(data, Failure):
        _without_data(row, balances, bits, data)
        return True
    row.reserve = _reserve(row, found, profile, tokens, data, balances)
    return True


def _bits(found: Found, tokens: ReserveTokens) -> int:
    """Bit 0: borrows, bit 1: uses as collateral. All set where the user's word was not read."""
    return found.bitmap >> 2 * tokens.id & 3 if isinstance(found.bitmap, int) else 3


def _uncovered(found: Found) -> bool:
    """Whether the user's word has a bit of a reserve whose id is not known."""
    known = {tokens.id for tokens in found.tokens.values() if tokens is not None}
    word = found.bitmap if isinstance(found.bitmap, int) else 0
    used = {place // 2 for place in range(word.bit_length()) if word >> place & 1}
    return not used <= known


def _balances(row: Row, found: Found, tokens: ReserveTokens) -> dict[str, int]:
    """Scaled supply and debt and stable debt; 0 for what is missing, which is noted."""
    bits = _bits(found, tokens)
    calls = {
        "supply": found.calls.scaled(tokens.supply_token),
        "debt": found.calls.scaled(tokens.variable_token),
    }
    if tokens.stable_token != NO_ADDRESS:
        calls["stable"] = found.calls.balance(tokens.stable_token)
    balances = {"supply": 0, "debt": 0, "stable": 0}
    for side, call in calls.items():
        answer = found.answers[call]
        if not isinstance(answer, Failure):
            balances[side] = answer
            continue
        counts = bool(bits & (2 if side == "supply" else 1))
        matters = counts or side == "supply"
        severity = Severity.READ if matters else Severity.NOTE
        missing = Missing(leg_id(side, row.label), answer, counts, severity, matters)
        row.missing.append(missing)
    return balances


def _without_profile(row: Row, balances: dict[str, int], profile: Profile | Failure | None) -> None:
    """What is held is known, but not how the pool rounds it: every leg fails."""
    failure = profile if isinstance(profile, Failure) else Failure(Reason.UNSUPPORTED_VERSION)
    for side, balance in balances.items():
        if balance:
            leg = leg_id(side, row.label)
            row.missing.append(Missing(leg, failure, True, hides_position=True))


def _without_data(row: Row, balances: dict[str, int], bits: int, failure: Failure) -> None:
    """The reserve's indices are missing: what is held there cannot be counted."""
    named = {missing.leg for missing in row.missing}
    for side, balance in balances.items():
        counts = bool(bits & (2 if side == "supply" else 1))
        leg = leg_id(side, row.label)
        if (balance or (counts and side != "stable")) and leg not in named:
            row.missing.append(Missing(leg, failure, counts, hides_position=True))


def _reserve(
    row: Row,
    found: Found,
    profile: Profile,
    tokens: ReserveTokens,
    data: tuple[Any, ...],
    balances: dict[str, int],
) -> Reserve:
    """The reserve's raw numbers; a missing price or grace period is noted."""
    market = found.market
    assert market is not None  # noqa: S101 - the caller checked
    bits = _bits(found, tokens)
    config = Configuration(int(data[0][0]))
    reported = 0
    if profile.reported_debt and bits & 1 and not config.virtual_accounting:
        answer = found.answers[found.calls.balance(tokens.variable_token)]
        if isinstance(answer, Failure):
            row.missing.append(
                Missing(leg_id("debt", row.label), answer, True, hides_position=True)
            )
        else:
            reported = answer
    grace: int | None = 0
    if profile.grace_period:
        until = found.answers[found.calls.grace(market, tokens.asset)]
        grace = None if isinstance(until, Failure) else until
        if isinstance(until, Failure):
            row.missing.append(Missing(_main_leg(row, balances), until))
    return Reserve(
        id=tokens.id,
        label=row.label,
        asset=tokens.asset,
        configuration=config.word,
        liquidity_index=int(data[1]),
        liquidity_rate=int(data[2]),
        borrow_index=int(data[3]),
        borrow_rate=int(data[4]),
        last_update=int(data[6]),
        price=_price(row, found, market, tokens, balances, bits),
        scaled_supply=balances["supply"],
        scaled_debt=balances["debt"],
        stable_debt=balances["stable"],
        reported_debt=reported,
        grace_until=grace,
    )


def _price(
    row: Row,
    found: Found,
    market: Market,
    tokens: ReserveTokens,
    balances: dict[str, int],
    bits: int,
) -> int:
    """The oracle's price; 0 with a note where there is none (the pool's oracle refuses 0 too)."""
    answer = found.answers[found.calls.price(market, tokens.asset)]
    if not isinstance(answer, Failure) and answer > 0:
        return answer
    row.priced = False
    failure = answer if isinstance(answer, Failure) else Failure(Reason.NO_PRICE, "zero_price")
    if failure.reason is Reason.CALL_REVERTED:
        failure = Failure(Reason.NO_PRICE, failure.code or "call_reverted", failure.detail)
    row.missing.append(Missing(_main_leg(row, balances), failure, bool(bits)))
    return 0


def _main_leg(row: Row, balances: dict[str, int]) -> str:
    """The leg that a reserve-wide failure is named after."""
    side = next((side for side, balance in balances.items() if balance), "supply")
    return leg_id(side, row.label)
