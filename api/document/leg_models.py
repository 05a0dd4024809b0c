"""The shapes of assets, instruments and legs in a portfolio document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StrictBool, Tag

from ...core.errors import Reason
from .values import (
    Amount,
    ChainId,
    Count,
    Integer,
    Name,
    PositiveAmount,
    Share,
    Text,
    Timestamp,
    UnsignedAmount,
    Volatility,
)

__all__ = [
    "AnyLeg",
    "AssetModel",
    "ClaimLeg",
    "ClaimModel",
    "DebtLeg",
    "DebtModel",
    "FailureModel",
    "InstrumentModel",
    "LastKnownModel",
    "LegModel",
    "LpRangeLeg",
    "LpRangeModel",
    "OptionLeg",
    "OptionModel",
    "PerpLeg",
    "PerpModel",
    "PerpOptionLeg",
    "PerpOptionModel",
    "RawModel",
    "SpotLeg",
    "SpotModel",
    "Strict",
    "object_or",
]


class Strict(BaseModel):
    """A shape that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def object_or(plain: str, tag: str) -> Callable[[Any], str]:
    """The tag of a field that is either an object or a plain value."""
    return lambda value: tag if isinstance(value, dict | BaseModel) else plain


class FailureModel(Strict):
    """Why a value could not be had."""

    reason: Reason
    code: Text = ""
    detail: Text = ""


class AssetModel(Strict):
    """A token and the factors that move its price; ``underlying`` defaults to ``key``."""

    symbol: Name
    key: Name | None = None
    underlying: Name | None = None
    kind: Literal["volatile", "stable", "lst", "usd"] = "volatile"
    decimals: Annotated[Count, Field(le=255)] = 18
    chain_id: ChainId = ""
    address: Text = ""
    known: StrictBool = True


AssetField = Annotated[
    Annotated[Name, Tag("name")] | Annotated[AssetModel, Tag("token")],
    Discriminator(object_or("name", "token")),
]


class RawModel(Strict):
    """The integer that a quantity came from."""

    value: Integer
    decimals: Annotated[Count, Field(le=255)]
    contract: Text = ""
    call: Text = ""


class LastKnownModel(Strict):
    """The last USD value of a leg that could not be read, and its age."""

    value: Amount
    age_seconds: Count


class SpotModel(Strict):
    """A token, owned."""

    kind: Literal["spot"]
    asset: AssetField


class DebtModel(Strict):
    """A token, owed."""

    kind: Literal["debt"]
    asset: AssetField


class PerpModel(Strict):
    """A perpetual future."""

    kind: Literal["perp"]
    underlying: Name


class OptionModel(Strict):
    """A European option."""

    kind: Literal["option"]
    underlying: Name
    right: Literal["call", "put"]
    strike: PositiveAmount
    expiry: Timestamp
    settlement_asset: Name = "USD"
    settlement: Literal["cash", "physical"] = "cash"
    multiplier: PositiveAmount | None = None


Tick = Annotated[int, Field(strict=True, ge=-887_272, le=887_272)]


class LpRangeModel(Strict):
    """Raw liquidity of a pool between two ticks."""

    kind: Literal["lp_range"]
    token0: AssetField
    token1: AssetField
    liquidity: Annotated[Integer, Field(ge=0)]
    tick_lower: Tick
    tick_upper: Tick
    fees0: UnsignedAmount | None = None
    fees1: UnsignedAmount | None = None


class PerpOptionModel(Strict):
    """A perpetual option around a strike tick."""

    kind: Literal["perp_option"]
    pool: Name
    asset: AssetField
    strike_tick: Tick
    width: Annotated[Count, Field(le=1_774_544)]
    side: Literal["long", "short"]
    token_type: Annotated[int, Field(strict=True, ge=0, le=1)]
    size: UnsignedAmount
    premium: Amount | None = None


class ClaimModel(Strict):
    """A share of something that redeems for an asset."""

    kind: Literal["claim"]
    asset: AssetField
    share: Text = ""
    assets_per_share: UnsignedAmount | None = None


class _LegFields(Strict):
    """What every leg may carry beside its instrument. ``quantity`` may lack only with a failure.

    ``liquidation_threshold`` and ``ltv`` belong to rule ``lending``, ``initial`` and
    ``maintenance`` to rule ``custom``.
    """

    id: Name | None = None
    raw: RawModel | None = None
    failure: FailureModel | None = None
    last_known: LastKnownModel | None = None
    liquidation_threshold: Share | None = None
    ltv: Share | None = None
    initial: Share | None = None
    maintenance: Share | None = None


class SpotLeg(SpotModel, _LegFields):
    """A token that is owned."""

    quantity: UnsignedAmount | None = None


class DebtLeg(DebtModel, _LegFields):
    """A token that is owed; the quantity is positive."""

    quantity: UnsignedAmount | None = None


class PerpLeg(PerpModel, _LegFields):
    """A perpetual; negative is short. ``funding`` is USD to be received (negative: to be paid),
    ``borrow_fee`` is USD owed."""

    quantity: Amount | None = None
    entry_price: UnsignedAmount | None = None
    funding: Amount | None = None
    borrow_fee: UnsignedAmount | None = None


class OptionLeg(OptionModel, _LegFields):
    """A European option; negative is short. ``vol`` is its own implied volatility."""

    quantity: Amount | None = None
    entry_price: UnsignedAmount | None = None
    vol: Volatility | None = None
    status: Literal["live", "expired_unsettled", "settled"] = "live"
    accrued: Amount | None = None


class LpRangeLeg(LpRangeModel, _LegFields):
    """A concentrated-liquidity position; ``quantity`` is 1 unless given."""

    quantity: UnsignedAmount | None = None


class PerpOptionLeg(PerpOptionModel, _LegFields):
    """A perpetual option; ``quantity`` is 1 unless given."""

    quantity: UnsignedAmount | None = None
    vol: Volatility | None = None


class ClaimLeg(ClaimModel, _LegFields):
    """A share of something else: ``shares`` with what they redeem for, ``assets``.

    ``assets_per_share`` is the exact ratio, where ``assets / shares`` would have to be rounded.
    """

    shares: UnsignedAmount | None = None
    assets: UnsignedAmount | None = None


AnyLeg = SpotLeg | DebtLeg | PerpLeg | OptionLeg | LpRangeLeg | PerpOptionLeg | ClaimLeg
LegModel = Annotated[
    SpotLeg | DebtLeg | PerpLeg | OptionLeg | LpRangeLeg | PerpOptionLeg | ClaimLeg,
    Field(discriminator="kind"),
]
InstrumentModel = Annotated[
    SpotModel | DebtModel | PerpModel | OptionModel | LpRangeModel | PerpOptionModel | ClaimModel,
    Field(discriminator="kind"),
]
