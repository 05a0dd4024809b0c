"""The ``rule`` of an account: the hand-written kinds built here, a venue's by its own reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any

from ...core.book.model import Leg
from ...core.book.rule import Rule
from ...core.errors import DocumentError
from ...core.risk.rules import (
    CustomRule,
    DeriveFigures,
    DeriveStandardRule,
    FractionTerms,
    LendingRule,
    LendingTerms,
    NoRule,
    PerpRule,
    UnsupportedRule,
)
from . import rule_models as models
from .leg_models import AnyLeg
from .text import child

__all__ = ["RuleReader", "read_rule"]

RuleReader = Callable[[Mapping[str, Any]], Rule]
_OURS = frozenset({"kind", "penalty"})
_TERMS = {
    "liquidation_threshold": "lending",
    "ltv": "lending",
    "initial": "custom",
    "maintenance": "custom",
}


def read_rule(
    model: models.AnyRule,
    raw: Mapping[str, Any],
    legs: Sequence[tuple[AnyLeg, Leg]],
    readers: Mapping[str, RuleReader],
    path: str,
) -> Rule:
    """The account's rule. ``raw`` is the ``rule`` object as given, ``path`` the account's."""
    rule = _build(model, raw, legs, readers, path)
    _refuse_stray_terms(model.kind, legs, path)
    return rule


def _build(
    model: models.AnyRule,
    raw: Mapping[str, Any],
    legs: Sequence[tuple[AnyLeg, Leg]],
    readers: Mapping[str, RuleReader],
    path: str,
) -> Rule:
    place = child(path, "rule")
    match model:
        case models.NoneRuleModel():
            return NoRule()
        case models.PerpRuleModel():
            _require_entry_prices(legs, path)
            _require_order(model.initial, model.maintenance, child(place, "maintenance"))
            return PerpRule(model.initial, model.maintenance)
        case models.LendingRuleModel():
            return LendingRule(_lending_terms(legs, path))
        case models.CustomRuleModel():
            _require_entry_prices(legs, path)
            return CustomRule(_custom_terms(legs, path))
        case models.DeriveStandardModel():
            _require_entry_prices(legs, path)
            return DeriveStandardRule(_derive_figures(model))
        case models.DerivePmrm2Model():
            figures = {name: value for name, value in raw.items() if name not in _OURS}
            return UnsupportedRule(model.kind, figures)
        case models.VenueRuleModel():
            return _venue_rule(model.kind, raw, readers, place)


def _venue_rule(
    kind: str, raw: Mapping[str, Any], readers: Mapping[str, RuleReader], path: str
) -> Rule:
    reader = readers.get(kind)
    if reader is None:
        known = ", ".join(sorted({*models.HAND_WRITTEN, *readers}))
        place = child(path, "kind")
        raise DocumentError(f"{place}: no rule is called {kind!r}; known: {known}", field=place)
    try:
        return reader(raw)
    except DocumentError as error:
        place = child(path, error.field) if error.field else path
        raise DocumentError(f"{place}: {error}", field=place) from error
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        # What the reader did not foresee is still the document's fault; the cause is kept.
        raise DocumentError(
            f"{path} does not hold a rule of kind {kind!r}: "
            f"{type(error).__name__} {str(error)[:120]}",
            field=path,
        ) from error


def _refuse_stray_terms(kind: str, legs: Sequence[tuple[AnyLeg, Leg]], path: str) -> None:
    for index, (model, _) in enumerate(legs):
        for name, owner in _TERMS.items():
            if getattr(model, name) is not None and kind != owner:
                place = child(child(child(path, "legs"), index), name)
                raise DocumentError(
                    f"{place} belongs to rule {owner!r}, the account's is {kind!r}", field=place
                )


def _require_entry_prices(legs: Sequence[tuple[AnyLeg, Leg]], path: str) -> None:
    """A hand-written perp has no other source of its result than its entry price."""
    for index, (model, leg) in enumerate(legs):
        if model.kind == "perp" and leg.entry_price is None and leg.failure is None:
            place = child(child(child(path, "legs"), index), "entry_price")
            raise DocumentError(f"{place} is missing; give the price of entry", field=place)


def _require_order(initial: Decimal, maintenance: Decimal, path: str) -> None:
    if maintenance > initial:
        raise DocumentError(
            f"{path} {maintenance} is above initial {initial}; are they swapped?", field=path
        )


def _lending_terms(legs: Sequence[tuple[AnyLeg, Leg]], path: str) -> dict[str, LendingTerms]:
    terms: dict[str, LendingTerms] = {}
    for index, (model, leg) in enumerate(legs):
        place = child(child(path, "legs"), index)
        threshold, ltv = model.liquidation_threshold, model.ltv
        if threshold is None and ltv is None:
            continue
        if model.kind == "debt":
            field = child(place, "liquidation_threshold" if ltv is None else "ltv")
            raise DocumentError(f"{field}: a debt is not collateral", field=field)
        threshold = _pair(threshold, child(place, "liquidation_threshold"))
        ltv = _pair(ltv, child(place, "ltv"))
        if ltv > threshold:
            field = child(place, "ltv")
            raise DocumentError(
                f"{field} {ltv} is above liquidation_threshold {threshold}; are they swapped?",
                field=field,
            )
        terms[leg.id] = LendingTerms(threshold, ltv)
    return terms


def _custom_terms(legs: Sequence[tuple[AnyLeg, Leg]], path: str) -> dict[str, FractionTerms]:
    terms: dict[str, FractionTerms] = {}
    for index, (model, leg) in enumerate(legs):
        place = child(child(path, "legs"), index)
        initial = _pair(model.initial, child(place, "initial"))
        maintenance = _pair(model.maintenance, child(place, "maintenance"))
        _require_order(initial, maintenance, child(place, "maintenance"))
        terms[leg.id] = FractionTerms(initial, maintenance)
    return terms


def _pair(share: Decimal | None, path: str) -> Decimal:
    if share is None:
        raise DocumentError(f"{path} is missing; the account's rule needs both shares", field=path)
    return share


def _derive_figures(model: models.DeriveStandardModel) -> DeriveFigures:
    given = {item.name: getattr(model, item.name) for item in fields(DeriveFigures)}
    return DeriveFigures(**{name: value for name, value in given.items() if value is not None})
