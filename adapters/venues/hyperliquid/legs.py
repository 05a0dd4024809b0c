"""The legs of an island: its cash, its positions, what is pledged and what is borrowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from ....core.book.model import Debt, Leg, Perp, RawAmount, Spot
from ....core.errors import Failure
from ....core.units import decimal_of, ratio_of
from ...base import ReadRequest
from .island import BORROWED, HeldPerp, Island
from .maths import USD_DECIMALS, in_raw
from .prices import coin_asset, coin_key, collateral_asset
from .reading import PledgeReading, PositionReading
from .universe import Dex

__all__ = ["borrowed_leg", "cash_leg", "held_perp", "perp_legs", "pledge_legs"]

COLLATERAL = "collateral"
_MOST_DECIMALS = 18


def held_perp(request: ReadRequest, dex: Dex, each: PositionReading) -> HeldPerp:
    """The position as the rule holds it; its mark is None where it cannot be judged."""
    row, terms = each.row, each.terms
    known = None if isinstance(terms, Failure) else terms
    mark = None if isinstance(each.mark, Failure) or known is None else each.mark
    tiers = None if known is None or isinstance(known.tiers, Failure) else known.tiers
    return HeldPerp(
        leg_id=perp_leg_id(each),
        key=_key(request, dex, each),
        dex=dex.index,
        size=row.size,
        size_decimals=0 if known is None else known.size_decimals,
        entry_notional=row.entry_notional,
        leverage=row.leverage,
        mark=mark,
        tiers=tiers,
    )


def perp_leg_id(each: PositionReading) -> str:
    """The id of a position's leg."""
    return f"perp-{each.perp}"


def cash_leg(
    request: ReadRequest,
    dex: Dex,
    island: Island,
    positions: Sequence[PositionReading],
    failure: Failure | None,
) -> Leg | None:
    """What is there beside the unrealised results; None where it is nothing.

    The venue books a position as minus its size at entry, so cash and entry values are taken apart.
    """
    asset = collateral_asset(request, dex.symbol)
    if island.cash is None:
        return Leg(COLLATERAL, Spot(asset), Decimal(0), failure=failure)
    entered = sum(
        each.row.entry_notional if each.row.size > 0 else -each.row.entry_notional
        for each in positions
    )
    decimals = max(island.cash_decimals, USD_DECIMALS)
    amount = island.cash * 10 ** (decimals - island.cash_decimals)
    amount += entered * 10 ** (decimals - USD_DECIMALS)
    if amount == 0:
        return None
    call = "spotBalance" if island.mode in ("unified", "portfolio") else "accountMarginSummary"
    call = "position2" if island.mode == "isolated" else call
    raw = RawAmount(amount, decimals, request.deployment.contracts[call], call)
    instrument = Spot(asset) if amount > 0 else Debt(asset)
    return Leg(COLLATERAL, instrument, decimal_of(amount, decimals), raw=raw)


def perp_legs(
    request: ReadRequest,
    dex: Dex,
    positions: Sequence[PositionReading],
    pending: Mapping[str, Fraction],
) -> Iterator[Leg]:
    """The positions, with the funding of the current hour where the caller gave it."""
    for each in positions:
        instrument, name = Perp(_key(request, dex, each)), perp_leg_id(each)
        if each.failure is not None or isinstance(each.terms, Failure):
            yield Leg(name, instrument, Decimal(0), failure=each.failure)
            continue
        row, decimals = each.row, each.terms.size_decimals
        quantity = decimal_of(row.size, decimals)
        entry = ratio_of(decimal_of(row.entry_notional, USD_DECIMALS), abs(quantity))
        accrued = in_raw(pending.get(each.terms.coin, Fraction(0)))
        call = RawAmount(row.size, decimals, request.deployment.contracts["position2"], "position2")
        yield Leg(
            name,
            instrument,
            quantity,
            entry_price=entry,
            accrued=decimal_of(accrued, USD_DECIMALS),
            raw=call,
        )


def pledge_legs(request: ReadRequest, pledges: Sequence[PledgeReading]) -> Iterator[Leg]:
    """The tokens that portfolio margin accepts, as held in spot."""
    for each in pledges:
        name, asset = f"pledge-{each.token}", coin_asset(request, 0, "", each.symbol)
        failed = [p for p in (each.amount, each.price, each.ltv) if isinstance(p, Failure)]
        if failed or isinstance(each.amount, Failure):
            yield Leg(name, Spot(asset), Decimal(0), failure=failed[0])
        else:
            yield Leg(name, Spot(asset), _decimal(each.amount))


def borrowed_leg(request: ReadRequest, dex: Dex, borrowed: Fraction | Failure | None) -> Leg | None:
    """What is owed of the collateral token; None where nothing is."""
    asset = collateral_asset(request, dex.symbol)
    if isinstance(borrowed, Failure):
        return Leg(BORROWED, Debt(asset), Decimal(0), failure=borrowed)
    return Leg(BORROWED, Debt(asset), -_decimal(borrowed)) if borrowed else None


def _key(request: ReadRequest, dex: Dex, each: PositionReading) -> str:
    """The underlying; where the coin was not read, one that no market can price."""
    if isinstance(each.terms, Failure):
        return f"{request.deployment.chain_id}/hyperliquid/{each.perp}"
    return coin_key(request, dex.index, dex.name, each.terms.coin)


def _decimal(amount: Fraction) -> Decimal:
    """The amount with its decimals, of which a spot token has at most 18."""
    return decimal_of(in_raw(amount, _MOST_DECIMALS), _MOST_DECIMALS)
