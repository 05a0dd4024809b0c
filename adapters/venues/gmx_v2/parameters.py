"""Which DataStore values make up a position and its market, and how to put them together.

A ``Datum`` is a getter and a key. Building asks a ``Lookup`` for each, so that a chain, a recording
and a file of cases are read by the same lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from .keys import data_key, market_field_key, name_key, position_field_key
from .state import Borrowing, Funding, Impact, Interest, Limits, Market, Position, PositionFees

__all__ = [
    "Datum",
    "Discounts",
    "Lookup",
    "MarketTokens",
    "Place",
    "build_market",
    "build_position",
    "datum",
    "place_data",
    "token_data",
    "virtual_id",
    "virtual_inventory",
]

Getter = Literal["getUint", "getInt", "getBool", "getAddress", "getBytes32"]


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of the DataStore: which getter answers, under which key; ``name`` is for people."""

    getter: Getter
    key: bytes
    name: str = field(compare=False)


def datum(getter: Getter, name: str, *args: bool | int | str | bytes) -> Datum:
    """A parameter by its name and arguments."""
    return Datum(getter, data_key(name, *args) if args else name_key(name), name)


# The value of a datum; what is missing is whatever error the lookup raises.
Lookup = Callable[[Datum], Any]


@dataclass(frozen=True, slots=True)
class MarketTokens:
    """A market's address and its three tokens, lower case."""

    market: str
    index: str
    long: str
    short: str


@dataclass(frozen=True, slots=True)
class Place:
    """What a position's key is the hash of, beside its account; addresses are lower case."""

    market: str
    collateral: str
    is_long: bool


@dataclass(frozen=True, slots=True)
class Discounts:
    """The trader's discounts on the position fee, as factors; the larger one counts."""

    pro_factor: int = 0
    referral_factor: int = 0


def build_position(key: bytes, place: Place, tokens: MarketTokens, get: Lookup) -> Position:
    """The position under a key."""

    def number(name: str, getter: Getter = "getUint") -> int:
        return int(get(Datum(getter, position_field_key(key, name), name)))

    return Position(
        is_long=place.is_long,
        collateral_is_long=place.collateral == tokens.long,
        size_in_usd=number("SIZE_IN_USD"),
        size_in_tokens=number("SIZE_IN_TOKENS"),
        collateral_amount=number("COLLATERAL_AMOUNT"),
        pending_impact_amount=number("PENDING_IMPACT_AMOUNT", "getInt"),
        borrowing_factor=number("BORROWING_FACTOR"),
        funding_fee_amount_per_size=number("FUNDING_FEE_AMOUNT_PER_SIZE"),
    )


def build_market(place: Place, tokens: MarketTokens, discounts: Discounts, get: Lookup) -> Market:
    """The market as a position at that place sees it."""
    source = _Source(place, tokens, get)
    in_tokens = bool(get(datum("getBool", "USE_OPEN_INTEREST_IN_TOKENS_FOR_BALANCE")))
    skips = bool(get(datum("getBool", "SKIP_BORROWING_FEE_FOR_SMALLER_SIDE")))
    return Market(
        is_single_token=tokens.long == tokens.short,
        is_disabled=bool(get(datum("getBool", "IS_MARKET_DISABLED", tokens.market))),
        in_tokens=in_tokens,
        skips_smaller_side=skips,
        open_interest=source.interest("OPEN_INTEREST"),
        open_interest_in_tokens=source.interest("OPEN_INTEREST_IN_TOKENS"),
        borrowing=source.borrowing(),
        funding=source.funding(),
        impact=source.impact(in_tokens=in_tokens),
        limits=source.limits(),
        fees=source.fees(discounts),
    )


def place_data(key: bytes) -> tuple[Datum, Datum, Datum]:
    """Where a position is: market, collateral token and side, whose hash is its key."""

    def field_of(name: str, getter: Getter) -> Datum:
        return Datum(getter, position_field_key(key, name), name)

    return (
        field_of("MARKET", "getAddress"),
        field_of("COLLATERAL_TOKEN", "getAddress"),
        field_of("IS_LONG", "getBool"),
    )


def token_data(market: str) -> tuple[Datum, Datum, Datum, Datum]:
    """A market's own token, which is its address, and its three tokens."""
    names = ("MARKET_TOKEN", "INDEX_TOKEN", "LONG_TOKEN", "SHORT_TOKEN")
    found = [Datum("getAddress", market_field_key(market, name), name) for name in names]
    return found[0], found[1], found[2], found[3]


def virtual_id(tokens: MarketTokens) -> Datum:
    """The id under which the index token's virtual inventory is kept; zero: there is none."""
    return datum("getBytes32", "VIRTUAL_TOKEN_ID", tokens.index)


def virtual_inventory(token_id: bytes, *, in_tokens: bool) -> Datum:
    """The virtual inventory of an id."""
    suffix = "_IN_TOKENS" if in_tokens else ""
    return datum("getInt", f"VIRTUAL_INVENTORY_FOR_POSITIONS{suffix}", token_id)


class _Source:
    """A market's parameters by name, with the arguments that the position's place gives."""

    def __init__(self, place: Place, tokens: MarketTokens, get: Lookup) -> None:
        self._place, self._tokens, self._get = place, tokens, get

    def interest(self, name: str) -> Interest:
        """Open interest of both sides by collateral."""
        market, long, short = self._tokens.market, self._tokens.long, self._tokens.short
        pairs = [(token, is_long) for is_long in (True, False) for token in (long, short)]
        return Interest(*(self._uint(name, market, token, is_long) for token, is_long in pairs))

    def borrowing(self) -> Borrowing:
        """The borrowing fee of the position's side."""
        return Borrowing(
            self._side("CUMULATIVE_BORROWING_FACTOR"),
            self._side("CUMULATIVE_BORROWING_FACTOR_UPDATED_AT"),
            self._side("OPTIMAL_USAGE_FACTOR"),
            self._side("BASE_BORROWING_FACTOR"),
            self._side("ABOVE_OPTIMAL_USAGE_BORROWING_FACTOR"),
            self._side("BORROWING_FACTOR"),
            self._side("BORROWING_EXPONENT_FACTOR"),
            self._side("OPEN_INTEREST_RESERVE_FACTOR"),
        )

    def funding(self) -> Funding:
        """The market's funding, with the running total of the position's side and collateral."""
        collateral, is_long = self._place.collateral, self._place.is_long
        saved = datum("getInt", "SAVED_FUNDING_FACTOR_PER_SECOND", self._tokens.market)
        return Funding(
            self._uint("FUNDING_FEE_AMOUNT_PER_SIZE", self._tokens.market, collateral, is_long),
            self._market("FUNDING_UPDATED_AT"),
            self._market("FUNDING_FACTOR"),
            self._market("FUNDING_EXPONENT_FACTOR"),
            self._market("FUNDING_INCREASE_FACTOR_PER_SECOND"),
            self._market("FUNDING_DECREASE_FACTOR_PER_SECOND"),
            self._market("MIN_FUNDING_FACTOR_PER_SECOND"),
            self._market("MAX_FUNDING_FACTOR_PER_SECOND"),
            self._market("THRESHOLD_FOR_STABLE_FUNDING"),
            self._market("THRESHOLD_FOR_DECREASE_FUNDING"),
            int(self._get(saved)),
        )

    def impact(self, *, in_tokens: bool) -> Impact:
        """Price impact, with the virtual inventory where the index token has one."""
        token_id = bytes(self._get(virtual_id(self._tokens)))
        inventory = None
        if any(token_id):
            inventory = int(self._get(virtual_inventory(token_id, in_tokens=in_tokens)))
        return Impact(
            self._signed("POSITION_IMPACT_FACTOR", True),
            self._signed("POSITION_IMPACT_FACTOR", False),
            self._signed("POSITION_IMPACT_EXPONENT_FACTOR", True),
            self._signed("POSITION_IMPACT_EXPONENT_FACTOR", False),
            self._signed("MAX_POSITION_IMPACT_FACTOR", True),
            self._signed("MAX_POSITION_IMPACT_FACTOR", False),
            self._market("MAX_POSITION_IMPACT_FACTOR_FOR_LIQUIDATIONS"),
            inventory,
        )

    def limits(self) -> Limits:
        """Minimum collateral, and the pool of the side's profits."""
        market, is_long = self._tokens.market, self._place.is_long
        pool_token = self._tokens.long if is_long else self._tokens.short
        traders = name_key("MAX_PNL_FACTOR_FOR_TRADERS")
        return Limits(
            self._uint("POOL_AMOUNT", market, pool_token),
            self._uint("MAX_PNL_FACTOR", traders, market, is_long),
            self._uint("MIN_COLLATERAL_USD"),
            self._market("MIN_COLLATERAL_FACTOR"),
            self._side("MIN_COLLATERAL_FACTOR_FOR_OPEN_INTEREST_MULTIPLIER"),
            self._market("MIN_COLLATERAL_FACTOR_FOR_LIQUIDATION"),
        )

    def fees(self, discounts: Discounts) -> PositionFees:
        """The fee for closing, and the fee that only a liquidation takes."""
        return PositionFees(
            self._signed("POSITION_FEE_FACTOR", True),
            self._signed("POSITION_FEE_FACTOR", False),
            discounts.pro_factor,
            discounts.referral_factor,
            self._market("LIQUIDATION_FEE_FACTOR"),
        )

    def _market(self, name: str) -> int:
        return self._uint(name, self._tokens.market)

    def _side(self, name: str) -> int:
        return self._uint(name, self._tokens.market, self._place.is_long)

    def _signed(self, name: str, sign: bool) -> int:
        return self._uint(name, self._tokens.market, sign)

    def _uint(self, name: str, *args: bool | str | bytes) -> int:
        return int(self._get(datum("getUint", name, *args)))
