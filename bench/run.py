"""What the hot paths cost, as ratios against a stated alternative measured in the same run.

    make bench

Machines differ and are shared: compare ratios, not milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from importlib.resources import as_file, files

from crossmargin.adapters.chain.evidence import Bundle, load_bundle
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.api.document import read_document
from crossmargin.api.evidence import reopen
from crossmargin.api.pipeline import answer
from crossmargin.core.book.portfolio import Book
from crossmargin.core.risk.margin import assess

_REPEATS = 9


def main() -> None:
    """Measure, and print one row per figure."""
    few, many = _book(1), _book(25)
    rows = [
        _row(
            "margin of a book of 100 legs", lambda: assess(many), "of 4 legs", lambda: assess(few)
        ),
        _row("a warm answer from a recording", _warm(), "a cold one", _cold()),
    ]
    width = max(len(row[0]) for row in rows)
    for name, milliseconds, other, ratio in rows:
        print(f"{name:<{width}}  {milliseconds:9.2f} ms   {ratio:6.2f} x {other}")


def _row(
    name: str, work: Callable[[], object], other: str, against: Callable[[], object]
) -> tuple[str, float, str, float]:
    """The median time of ``work`` and its ratio to ``against``, run in turn."""
    work(), against()
    pairs = [(_time(work), _time(against)) for _ in range(_REPEATS)]
    ratio = statistics.median(first / second for first, second in pairs)
    return name, 1_000 * statistics.median(first for first, _ in pairs), other, ratio


def _time(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _book(accounts: int) -> Book:
    """Accounts of four legs each: two options, a perp and its collateral."""
    legs = [
        {"kind": "spot", "asset": "USDC", "quantity": "6000"},
        {"kind": "perp", "underlying": "ETH", "quantity": "-4", "entry_price": "3000"},
        *(
            {
                "kind": "option",
                "underlying": "ETH",
                "right": right,
                "strike": strike,
                "expiry": "2026-12-01T08:00:00Z",
                "quantity": "-1",
                "vol": "0.6",
            }
            for right, strike in (("call", "3300"), ("put", "2700"))
        ),
    ]
    document = {
        "schema": "crossmargin/portfolio/1",
        "owner": "0x0000000000000000000000000000000000000001",
        "as_of": [{"timestamp": "2026-11-01T08:00:00Z"}],
        "market": {"spot": {"ETH": "3000", "USDC": "1"}, "vol": {"ETH": {"atm": "0.6"}}},
        "accounts": [
            {
                "venue": "derive-v2",
                "id": str(each),
                "rule": {"kind": "derive-standard"},
                "legs": legs,
            }
            for each in range(accounts)
        ],
    }
    return read_document(json.dumps(document).encode(), bundled_tokens(), {})


def _demo() -> Bundle:
    with as_file(files("crossmargin.api.demo").joinpath("recording.json.gz")) as path:
        return load_bundle(path)


def _cold() -> Callable[[], object]:
    """One answer by a process that has read nothing before."""
    bundle = _demo()

    def work() -> object:
        _, query, sources = reopen(bundle)
        return asyncio.run(answer("margin", query, sources))

    return work


def _warm() -> Callable[[], object]:
    """One answer by a process that has read this owner before."""
    _, query, sources = reopen(_demo())
    return lambda: asyncio.run(answer("margin", query, sources))


if __name__ == "__main__":
    main()
