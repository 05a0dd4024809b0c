"""A margin account from what was read of one market: legs, rule, verdicts and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TypeVar

from ....core.book.health import Health, Judgement, State, VenueAnswer
from ....core.book.model import Asset, Debt, Leg, LiquidationTerms, MarginAccount, RawAmount, Spot
from ....core.errors import Failure, Problem, Reason, Severity
from ....core.units import decimal_of
from ...base import Price, ReadRequest
from .maths import PRICE_DECIMALS, Collateral
from .reading import CollateralReading, MarketReading
from .rule import BASE, Base, CompoundRule, Held

__all__ = ["VENUE", "build_account", "spare_problems", "usd_prices"]

T = TypeVar("T")

VENUE = "compound-v3"
_OVERFLOW = Failure(
    Reason.BAD_RETURN_DATA, "overflow", "the contract's own arithmetic reverts on these numbers"
)


def build_account(request: ReadRequest, reading: MarketReading) -> MarginAccount:
    """The account of a market in which the owner has, or may have, a position."""
    rule = _rule(request, reading)
    judgement = rule.judge()
    legs = tuple(_legs(request, reading, judgement))
    failure = _failure(reading, judgement)
    named = {failure, *(leg.failure for leg in legs)}
    # A failure that changed no verdict (nothing is owed) is only worth knowing.
    severity = Severity.NOTE if failure is None else Severity.READ
    return MarginAccount(
        venue=VENUE,
        id=request.deployment.market,
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=legs,
        rule=rule,
        judgement=judgement,
        venue_answer=_venue_answer(request, reading),
        penalty=rule.penalty(),
        terms=_terms(rule.penalty()),
        failure=failure,
        problems=tuple(_problems(request, reading, rule, named, severity)),
        labels={
            "base": _base_asset(request, reading).symbol,
            "price_unit": rule.unit,
            "comet": request.deployment.contracts["comet"],
        },
    )


def _terms(penalty: Decimal | None) -> LiquidationTerms | None:
    """Absorption takes everything at once; what the collateral does not cover is forgiven."""
    if penalty is None:
        return None
    return LiquidationTerms(Decimal(1), penalty, "collateral", seizes_all=True, bad_debt="reserves")


def usd_prices(request: ReadRequest, reading: MarketReading) -> tuple[Price, ...]:
    """The prices of the market's feeds, where those quote USD; none for other markets."""
    if _unit(request) != "USD":
        return ()
    source = f"{VENUE}:{request.deployment.market} feed"
    read = [(_base_asset(request, reading), reading.base_price)]
    read += [(_collateral_asset(request, each), each.price) for each in reading.collaterals]
    return tuple(
        Price(asset, decimal_of(raw, PRICE_DECIMALS), source)
        for asset, raw in read
        if isinstance(raw, int) and asset.address
    )


def spare_problems(request: ReadRequest, reading: MarketReading) -> Iterator[Problem]:
    """Notes about parts of a market that were not read and that an empty account does not need."""
    failed = [*_failures(reading), reading.views]
    for failure in dict.fromkeys(part for part in failed if isinstance(part, Failure)):
        account = request.deployment.market
        yield Problem.of(failure, venue=VENUE, account=account, severity=Severity.NOTE)


def _rule(request: ReadRequest, reading: MarketReading) -> CompoundRule:
    user = _known(reading.user)
    whole = user is not None and reading.layout_failure is None
    held = tuple(
        Held(each.index, _collateral_asset(request, each).key, _state(each))
        for each in reading.collaterals
    )
    return CompoundRule(
        timestamp=request.block.timestamp,
        unit=_unit(request),
        principal=None if user is None else user.principal,
        totals=_known(reading.totals),
        rates=_known(reading.rates),
        base=Base(
            _base_asset(request, reading).key,
            _known(reading.base_price),
            _known(reading.base_scale),
        ),
        collaterals=held if whole else None,
    )


def _state(reading: CollateralReading) -> Collateral | None:
    info, balance, price = reading.info, reading.balance, reading.price
    if isinstance(info, Failure) or isinstance(balance, Failure) or isinstance(price, Failure):
        return None
    factors = (info.borrow_factor, info.liquidate_factor, info.liquidation_factor)
    return Collateral(balance, price, info.scale, *factors)


def _legs(request: ReadRequest, reading: MarketReading, judgement: Judgement) -> Iterator[Leg]:
    """The base supplied or owed, accrued to the block, then the collaterals as held."""
    user = reading.user
    if not isinstance(user, Failure) and user.principal:
        yield _base_leg(request, reading, judgement, owes=user.principal < 0)
    comet = request.deployment.contracts["comet"]
    for each in reading.collaterals:
        name, instrument = f"collateral-{each.index}", Spot(_collateral_asset(request, each))
        if isinstance(each.info, Failure):
            yield Leg(name, instrument, Decimal(0), failure=each.info)
        elif isinstance(each.balance, Failure):
            yield Leg(name, instrument, Decimal(0), failure=each.balance)
        else:
            decimals = _decimals(each.info.scale)
            raw = RawAmount(each.balance, decimals, comet, f"userCollateral({each.info.asset})")
            yield Leg(name, instrument, decimal_of(each.balance, decimals), raw=raw)


def _base_leg(
    request: ReadRequest, reading: MarketReading, judgement: Judgement, *, owes: bool
) -> Leg:
    asset = _base_asset(request, reading)
    instrument = Debt(asset) if owes else Spot(asset)
    call = "borrowBalanceOf" if owes else "balanceOf"
    amount, scale = judgement.figures.get(call), reading.base_scale
    missing = _first(reading.totals, reading.rates, reading.base_scale, reading.base_token)
    if amount is None or isinstance(scale, Failure) or missing is not None:
        return Leg(BASE, instrument, Decimal(0), failure=missing or _OVERFLOW)
    decimals = _decimals(scale)
    raw = RawAmount(amount, decimals, request.deployment.contracts["comet"], call)
    return Leg(BASE, instrument, decimal_of(-amount if owes else amount, decimals), raw=raw)


def _failures(reading: MarketReading) -> Iterator[Failure]:
    """Every part that was not read, the most important first."""
    parts: list[object] = [reading.user, reading.layout_failure, reading.totals, reading.rates]
    parts += [reading.base_price, reading.base_scale]
    for each in reading.collaterals:
        parts += [each.info, each.balance, each.price]
    # The token is only a name: the market judges without it.
    parts.append(reading.base_token)
    yield from dict.fromkeys(part for part in parts if isinstance(part, Failure))


def _failure(reading: MarketReading, judgement: Judgement) -> Failure | None:
    """Why the account cannot be judged; None where it can be, on both clocks."""
    if None not in (judgement.stored.liquidatable, judgement.actionable.liquidatable):
        return None
    return next(_failures(reading), _OVERFLOW)


def _problems(
    request: ReadRequest,
    reading: MarketReading,
    rule: CompoundRule,
    named: set[Failure | None],
    severity: Severity,
) -> Iterator[Problem]:
    """What neither the account's failure nor a leg's says already, and what is worth knowing."""
    account = request.deployment.market
    for other in _failures(reading):
        if other not in named:
            yield Problem.of(other, venue=VENUE, account=account, severity=severity)
    for index in reading.changed:
        detail = "the market's terms for it changed since the last answer; the new ones are used"
        code, leg = "terms_changed", f"collateral-{index}"
        yield Problem(Severity.NOTE, Reason.CODE_CHANGED, code, VENUE, account, leg, detail)
    if rule.is_absorb_paused and rule.principal is not None and rule.principal < 0:
        detail = "absorb is paused: nothing can be liquidated now"
        blocked = Failure(Reason.NOT_SUPPORTED, "liquidation_blocked", detail)
        action = "the pause can end at any time"
        yield Problem.of(
            blocked, venue=VENUE, account=account, action=action, severity=Severity.NOTE
        )


def _venue_answer(request: ReadRequest, reading: MarketReading) -> VenueAnswer | Failure:
    """The venue's four views; its verdict is on stored indices."""
    views = reading.views
    if isinstance(views, Failure):
        return views
    owes = State.OK if views["borrowBalanceOf"] else State.NO_DEBT
    health = Health(None, State.LIQUIDATABLE if views["isLiquidatable"] else owes)
    return VenueAnswer(views, health, f"views of {request.deployment.contracts['comet']}")


def _base_asset(request: ReadRequest, reading: MarketReading) -> Asset:
    scale = reading.base_scale
    decimals = 18 if isinstance(scale, Failure) else _decimals(scale)
    return _asset(request, reading.base_token, decimals, BASE)


def _collateral_asset(request: ReadRequest, reading: CollateralReading) -> Asset:
    info = reading.info
    if isinstance(info, Failure):
        return _asset(request, info, 18, f"collateral-{reading.index}")
    return _asset(request, info.asset, _decimals(info.scale), "")


def _asset(request: ReadRequest, address: str | Failure, decimals: int, role: str) -> Asset:
    """The asset at the address; where that was not read, one that no market can price."""
    chain = request.deployment.chain_id
    if not isinstance(address, Failure):
        return request.tokens.at(chain, address, decimals=decimals)
    key = f"{chain}/{request.deployment.contracts['comet'].lower()}/{role}"
    return Asset(key, role, key, decimals=decimals, chain_id=chain, known=False)


def _unit(request: ReadRequest) -> str:
    """What the market's feeds quote; a market whose unit nobody states quotes ``feed unit``."""
    return str(request.deployment.settings.get("price_unit", "feed unit"))


def _decimals(scale: int) -> int:
    return len(str(scale)) - 1


def _first(*parts: object) -> Failure | None:
    return next((part for part in parts if isinstance(part, Failure)), None)


def _known(value: T | Failure | None) -> T | None:
    return None if isinstance(value, Failure) else value
