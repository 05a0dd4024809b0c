"""Which dexes and perps are asked about, and their margin tables: configuration, never a guess.

The precompiles list nothing, and an index that does not exist burns the gas of its frame. So the
indices come from ``deployments.toml`` or from the caller, and so do the margin tables with tiers,
which no precompile tells. Options of a caller:

    mode            standard | unified | portfolio, or the venue's own words for them
    perps           further perp indices, of dexes that are known
    dexes           further dexes, as in deployments.toml: index, name, collateral, perps, tables
    margin_tables   by id, of the main dex: [[lower bound in USD, maximum leverage], ...]
    pending_funding by coin: USD that the account will receive (negative: pay) at the next hour
    borrowed        by token index: units borrowed, where 0x811 is not to be asked
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ....core.errors import Failure, InputError, Reason
from ...base import ReadRequest
from .maths import Tier, single_tier

__all__ = ["Dex", "PledgeToken", "Universe", "dex_of", "universe_of"]

PERPS_PER_DEX = 10_000
FIRST_TIERED_TABLE = 50

_MODES = {
    "standard": "standard",
    "disabled": "standard",
    "default": "standard",
    "unified": "unified",
    "unifiedAccount": "unified",
    "portfolio": "portfolio",
    "portfolioMargin": "portfolio",
}
_MOST_PERPS = 2_000

Tables = Mapping[int, tuple[Tier, ...]]


@dataclass(frozen=True, slots=True)
class Dex:
    """A perp dex: its index, its collateral token, the perp indices to ask, its margin tables."""

    index: int
    name: str
    collateral: int
    symbol: str
    perps: tuple[int, ...]
    tables: Tables

    def tiers(self, table: int, max_leverage: int) -> tuple[Tier, ...] | Failure:
        """The tiers of a table; configured ones must begin at the perp's own maximum leverage."""
        if 0 < table < FIRST_TIERED_TABLE:
            return single_tier(table)
        tiers = self.tables.get(table)
        if tiers is None:
            detail = f"margin table {table} of dex {self.name} is not configured"
            return Failure(Reason.NOT_SUPPORTED, "margin_table_unknown", detail)
        if tiers[0].max_leverage != max_leverage:
            detail = (
                f"table {table} begins at {tiers[0].max_leverage}x, the perp at {max_leverage}x"
            )
            return Failure(Reason.CODE_CHANGED, "margin_table_changed", detail)
        return tiers


@dataclass(frozen=True, slots=True)
class PledgeToken:
    """A token that portfolio margin accepts: its index, its spot pair in USDC, its supply cap."""

    token: int
    symbol: str
    spot: int
    supply_cap: Fraction | None


@dataclass(frozen=True, slots=True)
class Universe:
    """Everything that a read of one owner asks about. ``mode`` None: nobody said which it is."""

    dexes: tuple[Dex, ...]
    mode: str | None
    listed: bool  # by the caller
    pending: Mapping[str, Fraction]
    pledges: tuple[PledgeToken, ...]
    borrow_token: int
    borrow_cap: Fraction | None
    borrowed: Mapping[int, Fraction]

    @property
    def perps(self) -> tuple[int, ...]:
        """Every perp index to ask, in order."""
        return tuple(perp for dex in self.dexes for perp in dex.perps)

    @property
    def tokens(self) -> tuple[int, ...]:
        """The collateral tokens of the dexes."""
        return tuple(dict.fromkeys(dex.collateral for dex in self.dexes))


def dex_of(perp: int) -> int:
    """The dex of a perp index."""
    return perp // PERPS_PER_DEX


def universe_of(request: ReadRequest) -> Universe:
    """The deployment's universe with the caller's additions; ``InputError`` names what is wrong."""
    settings, options = request.deployment.settings, request.options
    dexes = {each["index"]: _dex(each) for each in settings.get("dexes", ())}
    dexes |= {int(each["index"]): _dex(each) for each in options.get("dexes", ())}
    for perp in _indices(options.get("perps", ()), "perps"):
        if dex_of(perp) not in dexes:
            raise _wrong("perps", f"{perp} is of dex {dex_of(perp)}, which is not configured")
        known = dexes[dex_of(perp)]
        perps = tuple(dict.fromkeys((*known.perps, perp)))
        dexes[known.index] = replace(known, perps=perps)
    if 0 in dexes and options.get("margin_tables"):
        tables = {**dexes[0].tables, **_tables(options["margin_tables"])}
        dexes[0] = replace(dexes[0], tables=tables)
    margin = settings.get("portfolio_margin", {})
    cap = margin.get("borrow_cap")
    return Universe(
        tuple(dexes[index] for index in sorted(dexes)),
        _mode(options.get("mode", settings.get("modes", {}).get(request.owner.lower()))),
        bool(options.get("perps") or options.get("dexes")),
        {str(coin): _number(usd, "pending_funding") for coin, usd in _items(options, "pending_funding")},
        tuple(_pledge(each) for each in margin.get("pledges", ())),
        int(margin.get("token", 0)),
        None if cap is None else _number(cap, "borrow_cap"),
        {int(token): _number(units, "borrowed") for token, units in _items(options, "borrowed")},
    )  # fmt: skip


def _mode(value: object) -> str | None:
    if value is None:
        return None
    if value not in _MODES:
        raise _wrong("mode", f"{str(value)[:40]!r} is none of {', '.join(_MODES)}")
    return _MODES[str(value)]


def _dex(table: Mapping[str, Any]) -> Dex:
    index = int(table["index"])
    perps = _indices(table.get("perps", ()), "perps")
    for first, last in table.get("ranges", ()):
        perps += _indices(range(int(first), int(last) + 1), "ranges")
    if any(dex_of(perp) != index for perp in perps):
        raise _wrong("perps", f"dex {index} has the indices {index}0000 to {index}9999")
    return Dex(
        index,
        str(table.get("name", f"dex-{index}")),
        int(table.get("collateral", 0)),
        str(table.get("symbol", "USDC")),
        tuple(dict.fromkeys(perps)),
        _tables(table.get("margin_tables", {})),
    )


def _indices(given: Iterable[object], field: str) -> list[int]:
    found = list(given)
    if len(found) > _MOST_PERPS or any(
        not isinstance(each, int) or isinstance(each, bool) or each < 0 for each in found
    ):
        raise _wrong(field, f"expected at most {_MOST_PERPS} perp indices")
    return [each for each in found if isinstance(each, int)]


def _tables(given: Mapping[Any, Any]) -> dict[int, tuple[Tier, ...]]:
    return {int(table): tiers_of(rows) for table, rows in given.items()}


def tiers_of(rows: Sequence[Sequence[Any]]) -> tuple[Tier, ...]:
    """Tiers from rows of lower bound and leverage: from 0 up, each with less leverage."""
    tiers = tuple(Tier(int(lower), int(leverage)) for lower, leverage in rows)
    steps = list(itertools.pairwise(tiers))
    if (
        not tiers
        or tiers[0].lower != 0
        or tiers[-1].max_leverage < 1
        or any(a.lower >= b.lower or a.max_leverage <= b.max_leverage for a, b in steps)
    ):
        raise _wrong("margin_tables", "expected rising bounds from 0 and falling leverages from 1")
    return tiers


def _pledge(table: Mapping[str, Any]) -> PledgeToken:
    cap = table.get("supply_cap")
    return PledgeToken(
        int(table["token"]),
        str(table["symbol"]),
        int(table["spot"]),
        None if cap is None else _number(cap, "supply_cap"),
    )


def _items(options: Mapping[str, Any], name: str) -> Iterable[tuple[Any, Any]]:
    given = options.get(name, {})
    if not isinstance(given, Mapping):
        raise _wrong(name, "expected an object")
    return given.items()


def _number(value: object, field: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _wrong(field, "expected a number in quotes")
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError) as error:
        raise _wrong(field, f"{value!r} is no number") from error


def _wrong(field: str, message: str) -> InputError:
    return InputError(f"hyperliquid.{field}: {message}", field=field)
