"""Which arithmetic a pool runs, where its revision allows two: its own answer decides, and it is said.

A variant that explains all six figures is a profile of its own, never a wrong price. Where the
answer was not read nothing decides: then the lower health is taken, so that a lost read cannot
improve the account.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...core.book.health import VenueAnswer
from ...core.errors import Failure, Reason
from .maths import account_data
from .profile import Profile
from .rule import AaveRule

__all__ = ["Choice", "choose"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule to judge by, and what is to be said about its profile (None: nothing)."""

    rule: AaveRule
    remark: Failure | None = None


def choose(base: AaveRule, variant: Profile | None, answer: VenueAnswer | Failure) -> Choice:
    """The base, unless only the variant explains the pool's answer."""
    if variant is None:
        return Choice(base)
    other = replace(base, position=replace(base.position, profile=variant))
    if isinstance(answer, Failure):
        return _unverified(base, other)
    if _explains(base, answer) or not _explains(other, answer):
        return Choice(base)
    detail = f"the pool answers as {variant.name}, not {base.position.profile.name}"
    return Choice(other, Failure(Reason.CODE_CHANGED, "profile_changed", detail))


def _explains(rule: AaveRule, answer: VenueAnswer) -> bool:
    return account_data(rule.position).figures() == answer.figures


def _unverified(base: AaveRule, other: AaveRule) -> Choice:
    """The rule with the lower health; the base, and no remark, where the two agree in everything."""
    ours, theirs = account_data(base.position), account_data(other.position)
    if ours == theirs:
        return Choice(base)
    lower = other if theirs.health_factor < ours.health_factor else base
    names = f"{base.position.profile.name} or {other.position.profile.name}"
    detail = f"either {names}, not verified; judged as {lower.position.profile.name}"
    return Choice(lower, Failure(Reason.MODE_UNKNOWN, "profile_unverified", detail))
