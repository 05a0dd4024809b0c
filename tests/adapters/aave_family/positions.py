"""Positions for tests: random ones of every version, and those of the recorded cases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from crossmargin.adapters.aave_family.position import Category, Position, Reserve
from crossmargin.adapters.aave_family.profile import PROFILES, Modes

RAY = 10**27
NOW = 1_767_484_820


def configuration(
    *,
    ltv: int = 8000,
    threshold: int = 8250,
    bonus: int = 10500,
    decimals: int = 18,
    category: int = 0,
    flags: int = 0,
    virtual: bool = True,
) -> int:
    """A configuration word of an active reserve; ``flags`` are added as they are."""
    word = ltv | threshold << 16 | bonus << 32 | decimals << 48 | 1 << 56
    return word | 1000 << 152 | category << 168 | flags | virtual << 252


def reserve(index: int, **changes: Any) -> Reserve:
    """A reserve with an index of 1 and no time passed, priced at 1 USD."""
    plain = Reserve(
        id=index,
        label=f"T{index}",
        asset=f"0x{index + 1:040x}",
        configuration=configuration(),
        liquidity_index=RAY,
        liquidity_rate=0,
        borrow_index=RAY,
        borrow_rate=0,
        last_update=NOW,
        price=10**8,
        scaled_supply=0,
        scaled_debt=0,
    )
    return replace(plain, **changes)


def position(version: str, *reserves: Reserve, bitmap: int, **changes: Any) -> Position:
    """A position of a version."""
    profile = PROFILES[version]
    return Position(profile, profile.revisions[0], NOW, bitmap, reserves, **changes)


@st.composite
def positions(draw: st.DrawFn, versions: tuple[str, ...] = tuple(PROFILES)) -> Position:
    """A borrower: two or three collaterals, one or two debts, perhaps in eMode."""
    version = draw(st.sampled_from(versions))
    count = draw(st.integers(2, 4))
    borrowed = draw(st.integers(1, 1 << count - 1)) & ((1 << count) - 1) or 1
    supplied = draw(st.integers(1, (1 << count) - 1))
    bitmap, reserves = 0, []
    for index in range(count):
        decimals = draw(st.sampled_from([2, 6, 8, 18, 24]))
        threshold = draw(st.integers(1, 9500))
        word = configuration(
            ltv=draw(st.integers(0, threshold)),
            threshold=threshold,
            decimals=decimals,
            category=draw(st.sampled_from([0, 1])),
        )
        supply = draw(st.integers(1, 10**6)) * 10**decimals // 997
        owed = draw(st.integers(1, 10**6)) * 10**decimals // 1009
        bitmap |= (borrowed >> index & 1) << 2 * index | (supplied >> index & 1) << 2 * index + 1
        reserves.append(
            reserve(
                index,
                configuration=word,
                liquidity_index=draw(st.integers(RAY, 3 * RAY)),
                liquidity_rate=draw(st.integers(0, RAY)),
                borrow_index=draw(st.integers(RAY, 3 * RAY)),
                borrow_rate=draw(st.integers(0, RAY)),
                last_update=NOW - draw(st.integers(0, 10**7)),
                price=draw(st.integers(1, 10**13)),
                scaled_supply=supply if supplied >> index & 1 else 0,
                scaled_debt=owed if borrowed >> index & 1 else 0,
            )
        )
    category = draw(st.sampled_from([None, _category(version)]))
    return position(version, *reserves, bitmap=bitmap, category=category)


def _category(version: str) -> Category:
    if PROFILES[version].modes is Modes.CATEGORY:
        return Category(1, 9300, 9500, 10100)
    return Category(1, 9300, 9500, 10100, 0, 0b0101, 0b0001)


def cases(shared: Path, suite: str) -> Iterator[dict[str, Any]]:
    """The recorded cases of a suite."""
    for line in (shared / "vectors" / f"aave-v3.{suite}.jsonl").read_text().splitlines():
        yield json.loads(line)
