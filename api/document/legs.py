"""Assets, instruments and legs: from a document's models to the domain, and back to plain JSON.

A debt is written as a positive quantity owed and held as a negative one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal, Inexact, localcontext
from typing import Literal, cast

from ...adapters.tokens import TokenRegistry
from ...core.book.model import (
    Asset,
    Claim,
    Debt,
    Instrument,
    LastKnown,
    Leg,
    LpRange,
    Option,
    Perp,
    PerpetualOption,
    RawAmount,
    Spot,
)
from ...core.errors import DocumentError, Failure
from ...core.units import plain
from . import leg_models as models
from .text import child
from .values import iso_time

__all__ = [
    "read_failure",
    "read_instrument",
    "read_legs",
    "write_failure",
    "write_instrument",
    "write_leg",
]

_EXACT = Context(prec=1_000, traps=[Inexact])
_RATIO = Context(prec=60)
_ROUNDED = Context(prec=1_000)
_ONE = Decimal(1)
_ZERO = Decimal(0)


def read_legs(legs: Sequence[models.AnyLeg], tokens: TokenRegistry, path: str) -> tuple[Leg, ...]:
    """The legs with their ids; a leg without one is named by its index."""
    built = tuple(
        _read_leg(model, str(index), tokens, child(path, index)) for index, model in enumerate(legs)
    )
    seen: set[str] = set()
    for index, leg in enumerate(built):
        if leg.id in seen:
            place = child(child(path, index), "id")
            raise DocumentError(f"{place}: the id {leg.id!r} is already taken", field=place)
        seen.add(leg.id)
    return built


def _read_leg(model: models.AnyLeg, default_id: str, tokens: TokenRegistry, path: str) -> Leg:
    option = model if isinstance(model, models.OptionLeg) else None
    raw, last = model.raw, model.last_known
    quantity = _quantity(model, path)
    return Leg(
        id=model.id or default_id,
        instrument=_leg_instrument(model, tokens, path),
        quantity=quantity,
        entry_price=_entry_price(model, path),
        vol=model.vol if isinstance(model, models.OptionLeg | models.PerpOptionLeg) else None,
        accrued=_accrued(model),
        raw=None if raw is None else RawAmount(raw.value, raw.decimals, raw.contract, raw.call),
        failure=read_failure(model.failure),
        last_known=None if last is None else LastKnown(last.value, last.age_seconds),
        status="live" if option is None else option.status,
    )


def _quantity(model: models.AnyLeg, path: str) -> Decimal:
    """The signed quantity; a leg that was not read may lack it."""
    if isinstance(model, models.ClaimLeg):
        return _required(model.shares, model, child(path, "shares"))
    if isinstance(model, models.LpRangeLeg | models.PerpOptionLeg):
        return _ONE if model.quantity is None else model.quantity
    quantity = _required(model.quantity, model, child(path, "quantity"))
    return quantity.copy_negate() if isinstance(model, models.DebtLeg) else quantity


def _required(amount: Decimal | None, model: models.AnyLeg, path: str) -> Decimal:
    if amount is None and model.failure is None:
        raise DocumentError(
            f"{path} is missing; give it, or a `failure` if the leg could not be read", field=path
        )
    return _ZERO if amount is None else amount


def _entry_price(model: models.AnyLeg, path: str) -> Decimal | None:
    return model.entry_price if isinstance(model, models.PerpLeg | models.OptionLeg) else None


def _accrued(model: models.AnyLeg) -> Decimal:
    """USD that closing the leg would add: funding to be received less borrow fees owed."""
    if isinstance(model, models.PerpLeg):
        with localcontext(_EXACT):
            return (model.funding or _ZERO) - (model.borrow_fee or _ZERO)
    return (model.accrued or _ZERO) if isinstance(model, models.OptionLeg) else _ZERO


def _leg_instrument(model: models.AnyLeg, tokens: TokenRegistry, path: str) -> Instrument:
    if isinstance(model, models.ClaimLeg):
        asset = _read_asset(model.asset, tokens)
        return Claim(model.share, asset, _assets_per_share(model, path))
    return read_instrument(model, tokens, path)


def _assets_per_share(model: models.ClaimLeg, path: str) -> Decimal:
    """What one share redeems for: as given, else ``assets / shares`` to 60 digits."""
    shares, assets, ratio = model.shares, model.assets, model.assets_per_share
    place = child(path, "assets")
    if ratio is None:
        if assets is None and model.failure is None:
            raise DocumentError(f"{place} is missing; give what the shares redeem for", field=place)
        if not assets or not shares:
            if assets:
                raise DocumentError(f"{place}: no shares redeem for no assets", field=place)
            return _ZERO
        return _RATIO.divide(assets, shares)
    if assets is not None and shares is not None:
        with localcontext(_EXACT):
            gap = abs(shares * ratio - assets)
            if gap > assets.scaleb(-12):
                raise DocumentError(
                    f"{place} is not shares times assets_per_share; leave one of them out",
                    field=place,
                )
    return ratio


def read_instrument(
    model: models.AnyLeg | models.InstrumentModel, tokens: TokenRegistry, path: str
) -> Instrument:
    """The instrument that a leg or a hedge names."""
    match model:
        case models.SpotModel():
            return Spot(_read_asset(model.asset, tokens))
        case models.DebtModel():
            return Debt(_read_asset(model.asset, tokens))
        case models.PerpModel():
            return Perp(model.underlying)
        case models.OptionModel():
            return Option(
                model.underlying,
                model.right,
                model.strike,
                model.expiry,
                model.settlement_asset,
                model.settlement,
                _ONE if model.multiplier is None else model.multiplier,
            )
        case models.LpRangeModel():
            return _read_range(model, tokens, path)
        case models.PerpOptionModel():
            return PerpetualOption(
                model.pool,
                _read_asset(model.asset, tokens),
                model.strike_tick,
                model.width,
                model.side,
                cast(Literal[0, 1], model.token_type),
                model.size,
                model.premium or _ZERO,
            )
        case models.ClaimModel():
            ratio = model.assets_per_share
            return Claim(
                model.share, _read_asset(model.asset, tokens), _ZERO if ratio is None else ratio
            )


def _read_range(model: models.LpRangeModel, tokens: TokenRegistry, path: str) -> LpRange:
    if model.tick_lower >= model.tick_upper:
        place = child(path, "tick_lower")
        raise DocumentError(
            f"{place} {model.tick_lower} must be below tick_upper {model.tick_upper}", field=place
        )
    return LpRange(
        _read_asset(model.token0, tokens),
        _read_asset(model.token1, tokens),
        model.liquidity,
        model.tick_lower,
        model.tick_upper,
        model.fees0 or _ZERO,
        model.fees1 or _ZERO,
    )


def _read_asset(model: str | models.AssetModel, tokens: TokenRegistry) -> Asset:
    """The asset: a symbol is looked up, an object says everything itself."""
    if isinstance(model, str):
        return tokens.named(model)
    key = model.key or model.symbol
    return Asset(
        key,
        model.symbol,
        model.underlying or key,
        model.kind,
        model.decimals,
        model.chain_id,
        model.address,
        model.known,
    )


def read_failure(model: models.FailureModel | None) -> Failure | None:
    """The failure, where there is one."""
    return None if model is None else Failure(model.reason, model.code, model.detail)


def write_failure(failure: Failure) -> dict[str, object]:
    """A failure as the document holds it."""
    return {
        "reason": str(failure.reason),
        **({"code": failure.code} if failure.code else {}),
        **({"detail": failure.detail} if failure.detail else {}),
    }


def write_leg(leg: Leg, terms: Mapping[str, object]) -> dict[str, object]:
    """A leg as the document holds it; ``terms`` are what the account's rule says about it."""
    written = {**write_instrument(leg.instrument), "id": leg.id, **_write_quantity(leg)}
    if leg.entry_price is not None:
        written["entry_price"] = plain(leg.entry_price)
    if leg.vol is not None:
        written["vol"] = plain(leg.vol)
    if leg.accrued:
        written["funding" if isinstance(leg.instrument, Perp) else "accrued"] = plain(leg.accrued)
    if leg.status != "live":
        written["status"] = leg.status
    if leg.raw is not None:
        raw = {"value": str(leg.raw.value), "decimals": leg.raw.decimals}
        written["raw"] = {**raw, "contract": leg.raw.contract, "call": leg.raw.call}
    if leg.failure is not None:
        written["failure"] = write_failure(leg.failure)
    if leg.last_known is not None:
        last = leg.last_known
        written["last_known"] = {"value": plain(last.value), "age_seconds": last.age_seconds}
    return {**written, **terms}


def _in_units(assets: Decimal, decimals: int) -> Decimal:
    """The assets in whole units of the token, where only the ratio's rounding is between them."""
    whole = assets.quantize(Decimal(1).scaleb(-decimals), context=_ROUNDED)
    return whole if abs(whole - assets) <= abs(assets).scaleb(-50) else assets


def _write_quantity(leg: Leg) -> dict[str, object]:
    quantity = leg.quantity
    match leg.instrument:
        case Claim(asset=asset, assets_per_share=ratio):
            assets = _in_units(_RATIO.multiply(quantity, ratio), asset.decimals)
            return {"shares": plain(quantity), "assets": plain(assets)}
        case Debt():
            return {"quantity": plain(quantity.copy_negate())}
        case _:
            return {"quantity": plain(quantity)}


def write_instrument(instrument: Instrument) -> dict[str, object]:
    """An instrument as the document holds it, every figure given."""
    match instrument:
        case Spot(asset):
            return {"kind": "spot", "asset": _write_asset(asset)}
        case Debt(asset):
            return {"kind": "debt", "asset": _write_asset(asset)}
        case Perp(underlying):
            return {"kind": "perp", "underlying": underlying}
        case Option():
            return _write_option(instrument)
        case LpRange():
            return {
                "kind": "lp_range",
                "token0": _write_asset(instrument.token0),
                "token1": _write_asset(instrument.token1),
                "liquidity": str(instrument.liquidity),
                "tick_lower": instrument.tick_lower,
                "tick_upper": instrument.tick_upper,
                "fees0": plain(instrument.fees0),
                "fees1": plain(instrument.fees1),
            }
        case PerpetualOption():
            return _write_perpetual_option(instrument)
        case Claim(share, asset, ratio):
            return {
                "kind": "claim",
                "share": share,
                "asset": _write_asset(asset),
                "assets_per_share": plain(ratio),
            }


def _write_option(option: Option) -> dict[str, object]:
    return {
        "kind": "option",
        "underlying": option.underlying,
        "right": option.right,
        "strike": plain(option.strike),
        "expiry": iso_time(option.expiry),
        "settlement_asset": option.settlement_asset,
        "settlement": option.settlement,
        "multiplier": plain(option.multiplier),
    }


def _write_perpetual_option(option: PerpetualOption) -> dict[str, object]:
    return {
        "kind": "perp_option",
        "pool": option.pool,
        "asset": _write_asset(option.asset),
        "strike_tick": option.strike_tick,
        "width": option.width,
        "side": option.side,
        "token_type": option.token_type,
        "size": plain(option.size),
        "premium": plain(option.premium),
    }


def _write_asset(asset: Asset) -> dict[str, object]:
    return {
        "symbol": asset.symbol,
        "key": asset.key,
        "underlying": asset.underlying,
        "kind": asset.kind,
        "decimals": asset.decimals,
        "chain_id": asset.chain_id,
        "address": asset.address,
        "known": asset.known,
    }
