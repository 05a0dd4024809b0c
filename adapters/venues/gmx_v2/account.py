"""A margin account from what was read of one position: legs, rule, verdicts and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from ....core.book.health import Health, Judgement, Parity, State, VenueAnswer, Verdict
from ....core.book.model import Leg, LiquidationTerms, MarginAccount, Perp, RawAmount, Spot
from ....core.errors import Failure, Problem, Reason, RuleError, Severity
from ....core.units import decimal_of, ratio_of
from ...base import Price, ReadRequest
from .check import collateral_price
from .parameters import Place
from .reading import PositionReading, PricedToken, TokenReading
from .rule import VENUE, GmxRule, Naming
from .state import TokenPrice
from .tokens import GmxToken, index_asset

__all__ = ["COLLATERAL", "POSITION", "build_account", "snapshot_prices"]

T = TypeVar("T")

# The ids of the two legs.
POSITION, COLLATERAL = "position", "collateral"

_USD_DECIMALS = 30
_UNNAMED = Naming("unknown", "unknown", None, None, False, False)


def build_account(request: ReadRequest, reading: PositionReading) -> MarginAccount:
    """The account of one position of the owner's list."""
    where = f"0x{reading.key.hex()}"
    rule = _rule(request, reading)
    judgement, answer = rule.judge(), _venue_answer(request, reading)
    failure = _failure(reading, rule, judgement)
    parity = Parity.between(judgement, answer)
    if failure is None and parity.status == "mismatch":
        failure = _mismatch(parity)
        unknown = Verdict.unknown()
        judgement = replace(judgement, stored=unknown, actionable=unknown)
    penalty = rule.penalty()
    return MarginAccount(
        venue=VENUE,
        id=where,
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=tuple(_legs(request, reading, rule)),
        rule=rule,
        judgement=judgement,
        venue_answer=answer,
        penalty=penalty,
        terms=_terms(rule, penalty),
        failure=failure,
        problems=tuple(_problems(reading, rule, failure, where)),
        labels=_labels(reading, rule),
    )


def snapshot_prices(request: ReadRequest, readings: Iterable[PositionReading]) -> tuple[Price, ...]:
    """USD prices of the tokens in these positions: an index's under its underlying's own name."""
    found: dict[str, Price] = {}
    for reading in readings:
        if isinstance(reading.tokens, Failure) or isinstance(reading.place, Failure):
            continue
        index, backing = reading.tokens.index, _backing(reading.tokens, reading.place)
        assets = [
            (index_asset(request.tokens, index.token), index),
            (backing.token.asset, backing),
        ]
        for asset, priced in assets:
            usd = _usd(priced)
            if usd is not None:
                found.setdefault(asset.key, Price(asset, usd, f"{VENUE} {priced.source}"))
    return tuple(found.values())


def _rule(request: ReadRequest, reading: PositionReading) -> GmxRule:
    tokens = reading.tokens
    if isinstance(tokens, Failure) or isinstance(reading.place, Failure):
        return GmxRule(request.block.timestamp, _UNNAMED)
    index, backing = tokens.index.token, _backing(tokens, reading.place).token
    naming = Naming(
        index.underlying,
        backing.asset.key,
        index.decimals,
        backing.decimals,
        _follows(index, tokens.long.token),
        _follows(index, tokens.short.token),
    )
    return GmxRule(
        request.block.timestamp,
        naming,
        _known(reading.position),
        _known(reading.market),
        _known(tokens.prices),
    )


def _follows(index: GmxToken, token: GmxToken) -> bool:
    """Whether the token's price moves with the index's: the same, or the same under a wrapper."""
    same = token.underlying == index.underlying and token.asset.kind == "volatile"
    return token.address == index.address or same


def _backing(tokens: TokenReading, place: Place) -> PricedToken:
    """The token that backs the position."""
    is_long = tokens.long.token.address == place.collateral
    return tokens.long if is_long else tokens.short


def _failure(reading: PositionReading, rule: GmxRule, judgement: Judgement) -> Failure | None:
    """Why the position cannot be judged; None where it can be, on both clocks."""
    verdicts = (judgement.stored.liquidatable, judgement.actionable.liquidatable)
    if None not in verdicts:
        return None
    for part in _failed(reading):
        return part
    try:
        rule.stored()
        rule.actionable()
    except RuleError as error:
        return Failure(Reason.CALL_REVERTED, "check_reverts", str(error))
    raise AssertionError("unreachable: a verdict is missing without a cause")


def _failed(reading: PositionReading) -> Iterator[Failure]:
    """Every part that was not read and that judges, the first cause first."""
    parts: list[object] = [reading.place, reading.market_tokens, reading.position, reading.market]
    tokens = reading.tokens
    if not isinstance(tokens, Failure):
        parts += [priced.price for priced in (tokens.index, tokens.long, tokens.short)]
    yield from dict.fromkeys(part for part in parts if isinstance(part, Failure))


def _mismatch(parity: Parity) -> Failure:
    """Our figures differ from the venue's: its arithmetic, or a value, is not what we read."""
    differing = ", ".join(f"{name} {off:+d}" for name, off in parity.differences.items() if off)
    detail = f"ours minus the venue's: {differing}; the reader's address may be outdated"
    return Failure(Reason.CODE_CHANGED, "parity_mismatch", detail)


def _legs(request: ReadRequest, reading: PositionReading, rule: GmxRule) -> Iterator[Leg]:
    """The perpetual with its accrued fees, and the collateral as it lies in the position."""
    tokens, position = reading.tokens, reading.position
    if isinstance(tokens, Failure) or isinstance(reading.place, Failure):
        return
    store = request.deployment.contracts["data_store"]
    perp = Perp(tokens.index.token.underlying)
    backing = _backing(tokens, reading.place).token
    if isinstance(position, Failure):
        yield Leg(POSITION, perp, Decimal(0), failure=position)
        yield Leg(COLLATERAL, Spot(backing.asset), Decimal(0), failure=position)
        return
    decimals = tokens.index.token.decimals
    if decimals is None or position.size_in_tokens == 0:
        yield Leg(POSITION, perp, Decimal(0), failure=_no_scale(tokens.index.token))
    else:
        raw = RawAmount(position.size_in_tokens, decimals, store, "SIZE_IN_TOKENS")
        size = decimal_of(position.size_in_tokens, decimals)
        yield Leg(
            POSITION,
            perp,
            size if position.is_long else -size,
            entry_price=ratio_of(decimal_of(position.size_in_usd, _USD_DECIMALS), size),
            accrued=-_accrued_usd(rule),
            raw=raw,
        )
    if backing.decimals is None:
        yield Leg(COLLATERAL, Spot(backing.asset), Decimal(0), failure=_no_scale(backing))
    else:
        raw = RawAmount(position.collateral_amount, backing.decimals, store, "COLLATERAL_AMOUNT")
        amount = decimal_of(position.collateral_amount, backing.decimals)
        yield Leg(COLLATERAL, Spot(backing.asset), amount, raw=raw)


def _accrued_usd(rule: GmxRule) -> Decimal:
    """Funding and borrowing fees up to the block, in USD; 0 where the account has failed."""
    try:
        fees = rule.actionable().fees
    except RuleError:
        return Decimal(0)
    if rule.position is None or rule.prices is None:
        return Decimal(0)
    price = collateral_price(rule.position, rule.prices)
    return decimal_of((fees.borrowing + fees.funding) * price.min, _USD_DECIMALS)


def _no_scale(token: GmxToken) -> Failure:
    detail = f"nothing tells the decimals of {token.symbol}: its amount cannot be stated"
    return Failure(Reason.NOT_SUPPORTED, "token_decimals", detail)


def _terms(rule: GmxRule, penalty: Decimal | None) -> LiquidationTerms | None:
    """A liquidation closes the whole position and returns what is left of the collateral."""
    if rule.market is None or penalty is None:
        return None
    minimum = decimal_of(rule.market.limits.min_collateral_usd, _USD_DECIMALS)
    return LiquidationTerms(
        Decimal(1), penalty, "notional", minimum_usd=minimum, bad_debt="lenders"
    )


def _problems(
    reading: PositionReading, rule: GmxRule, failure: Failure | None, where: str
) -> Iterator[Problem]:
    """What neither the account's failure nor a leg's says already, and what is worth knowing."""
    for other in _failed(reading):
        if other != failure:
            yield Problem.of(other, venue=VENUE, account=where)
    information = reading.information
    if isinstance(information, Failure) and information not in (failure, reading.view):
        detail = f"getPositionInfo: {information.detail}"
        named = replace(information, detail=detail)
        yield Problem.of(named, venue=VENUE, account=where, severity=Severity.NOTE)
    if rule.is_market_disabled:
        detail = "the market is disabled: no order executes in it, a liquidation neither"
        blocked = Failure(Reason.NOT_SUPPORTED, "liquidation_blocked", detail)
        action = "the market can be enabled again at any time"
        yield Problem.of(blocked, venue=VENUE, account=where, action=action, severity=Severity.NOTE)


def _venue_answer(request: ReadRequest, reading: PositionReading) -> VenueAnswer | Failure:
    """The reader's verdict, on stored totals, with its figures for closing where it gives them."""
    view, information = reading.view, reading.information
    if isinstance(view, Failure):
        return view
    figures = dict(view) if isinstance(information, Failure) else {**view, **information}
    liquidatable = view["isPositionLiquidatable"]
    health = Health(None, State.LIQUIDATABLE if liquidatable else State.OK)
    return VenueAnswer(figures, health, f"views of {request.deployment.contracts['reader']}")


def _labels(reading: PositionReading, rule: GmxRule) -> dict[str, str]:
    """What the numbers do not say: the market, the side, whose prices, why it is liquidatable."""
    labels = {"loss": "isolated: bounded by the position's collateral"}
    tokens, place = reading.tokens, reading.place
    if isinstance(tokens, Failure) or isinstance(place, Failure):
        return labels
    labels |= {
        "market": _market_name(tokens),
        "market_token": place.market,
        "side": "long" if place.is_long else "short",
        "collateral": _backing(tokens, place).token.symbol,
        "index_price": tokens.index.source,
        "collateral_price": _backing(tokens, place).source,
    }
    for name, check in (("stored_reason", rule.stored), ("actionable_reason", rule.actionable)):
        try:
            labels[name] = check().reason or "none"
        except RuleError:
            labels[name] = "unknown"
    return labels


def _market_name(tokens: TokenReading) -> str:
    pool = f"{tokens.long.token.symbol}-{tokens.short.token.symbol}"
    return f"{tokens.index.token.symbol}/USD [{pool}]"


def _usd(priced: PricedToken) -> Decimal | None:
    """The token's price in USD, in the middle; None where there is none."""
    price, decimals = priced.price, priced.token.decimals
    if not isinstance(price, TokenPrice) or decimals is None:
        return None
    return decimal_of(price.mid, _USD_DECIMALS - decimals)


def _known(value: T | Failure) -> T | None:
    return None if isinstance(value, Failure) else value
