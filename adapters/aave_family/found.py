"""What a read plan has found so far: answers, conclusions, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ...core.errors import Failure
from ..chain.call import Call
from .calls import Answers, Market, MarketCalls, ReserveTokens
from .profile import Profile

__all__ = ["Found", "Venue"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Venue:
    """What tells one venue of the family from another: its name and its table of profiles.

    ``variants`` maps a profile's name to the arithmetic that the venue may run instead under the
    same revision; the pool's own answer tells which.
    """

    name: str
    profile_of: Callable[[int], Profile | Failure]
    variants: Mapping[str, Profile] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """The plan's conclusions. ``failures`` are (leg id or empty, failure) that forbid a judgement.

    ``tokens`` has every listed asset; None where its tokens are not known. Everything is None
    until it was asked for.
    """

    calls: MarketCalls
    answers: Answers
    market: Market | None = None
    revision: int | Failure | None = None
    profile: Profile | Failure | None = None
    bitmap: int | Failure | None = None
    mode: int | Failure | None = None
    base: tuple[str, int] | None = None
    price_source: str | None = None
    tokens: dict[str, ReserveTokens | None] = field(default_factory=dict)
    symbols: dict[str, str] = field(default_factory=dict)
    failures: list[tuple[str, Failure]] = field(default_factory=list)

    def get(self, call: Call[T]) -> T | Failure:
        """The answer to a call that was asked."""
        answer = self.answers[call]
        return answer  # noqa: RET504 - unnamed, T would be inferred from the return type

    def need(self, call: Call[T]) -> T | Failure:
        """The answer; a failure is noted as one that forbids a judgement."""
        answer = self.answers[call]
        if isinstance(answer, Failure):
            self.fatal("", Failure(answer.reason, answer.code, _detail(call, answer)))
        return answer

    def fatal(self, leg: str, failure: Failure) -> None:
        """Note a failure that forbids a judgement."""
        self.failures.append((leg, failure))


def _detail(call: Call[T], failure: Failure) -> str:
    """The failure's detail with the name of the read in front."""
    name = call.function.signature
    return failure.detail if name in failure.detail else f"{name}: {failure.detail}".rstrip(": ")
