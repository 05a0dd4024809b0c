"""The shapes of a document's ``rule``: the hand-written kinds, and a venue's own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from .leg_models import Strict
from .values import Name, Share, UnsignedAmount

__all__ = [
    "HAND_WRITTEN",
    "AnyRule",
    "CustomRuleModel",
    "DerivePmrm2Model",
    "DeriveStandardModel",
    "LendingRuleModel",
    "NoneRuleModel",
    "PerpRuleModel",
    "RuleModel",
    "VenueRuleModel",
]

HAND_WRITTEN = ("none", "lending", "perp", "derive-standard", "derive-pmrm2", "custom")


class NoneRuleModel(Strict):
    """Nothing is required and nobody liquidates."""

    kind: Literal["none"]
    penalty: Share | None = None


class LendingRuleModel(Strict):
    """Thresholds are on the legs."""

    kind: Literal["lending"]
    penalty: Share | None = None


class PerpRuleModel(Strict):
    """Fractions of notional at the current price."""

    kind: Literal["perp"]
    initial: Share
    maintenance: Share
    penalty: Share | None = None


class CustomRuleModel(Strict):
    """Fractions of gross value are on the legs."""

    kind: Literal["custom"]
    penalty: Share | None = None


class DeriveStandardModel(Strict):
    """Derive's StandardManager; a figure that is not given has its default."""

    kind: Literal["derive-standard"]
    penalty: Share | None = None
    max_spot: UnsignedAmount | None = None
    min_spot: UnsignedAmount | None = None
    mm_call: UnsignedAmount | None = None
    mm_put: UnsignedAmount | None = None
    mm_put_mtm: UnsignedAmount | None = None
    unpaired_initial: UnsignedAmount | None = None
    unpaired_maintenance: UnsignedAmount | None = None
    mm_offset: UnsignedAmount | None = None
    perp_initial: UnsignedAmount | None = None
    perp_maintenance: UnsignedAmount | None = None
    base_margin: UnsignedAmount | None = None
    base_initial_scale: UnsignedAmount | None = None
    depeg_threshold: UnsignedAmount | None = None
    depeg_factor: UnsignedAmount | None = None


class DerivePmrm2Model(BaseModel):
    """Derive's PMRM_2: read and kept, not yet computed; the account's health is unknown."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: Literal["derive-pmrm2"]
    penalty: Share | None = None


class VenueRuleModel(BaseModel):
    """A venue's own rule with its raw parameters, as the venue's adapter wrote it."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: Annotated[Name, Field(json_schema_extra={"not": {"enum": list(HAND_WRITTEN)}})]


def _rule_tag(value: Any) -> str | None:
    """The tag of a rule object: a hand-written kind, or ``venue``; None where it has no kind."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    if not isinstance(kind, str):
        return None
    return kind if kind in HAND_WRITTEN else "venue"


AnyRule = (
    NoneRuleModel
    | LendingRuleModel
    | PerpRuleModel
    | CustomRuleModel
    | DeriveStandardModel
    | DerivePmrm2Model
    | VenueRuleModel
)
RuleModel = Annotated[
    Annotated[NoneRuleModel, Tag("none")]
    | Annotated[LendingRuleModel, Tag("lending")]
    | Annotated[PerpRuleModel, Tag("perp")]
    | Annotated[CustomRuleModel, Tag("custom")]
    | Annotated[DeriveStandardModel, Tag("derive-standard")]
    | Annotated[DerivePmrm2Model, Tag("derive-pmrm2")]
    | Annotated[VenueRuleModel, Tag("venue")],
    Discriminator(_rule_tag),
]
