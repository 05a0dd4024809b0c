"""What to read for an owner on one Comet market: two rounds, three where collaterals are new.

Round 1: the account, the market's state and immutables, the venue's own views. Round 2, for an
account that holds something: the base price and, of each collateral that the bits name, its terms;
its balance and price are asked in the same round where an earlier answer told token and feed.
Round 3 asks for them where that was not known, or where the terms read now say otherwise.

A proxy's implementation cannot be seen by a call, so nothing remembered is ever used: it only
lets a question be asked early. Everything that judges is read again at the block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ....core.errors import Failure, Reason
from ....core.units import MAX_UINT256
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, ReadPlan
from .account import build_account, spare_problems, usd_prices
from .maths import MAX_INT256, MAX_UINT64, Curve, Rates, Totals
from .reading import AssetInfo, CollateralReading, MarketReading, UserBasic

__all__ = ["read_snapshot"]

T = TypeVar("T")

_COMET = Contract("compound_v3", "Comet")

VIEWS = ("balanceOf", "borrowBalanceOf", "isLiquidatable", "isBorrowCollateralized")
_CURVE = ("Kink", *(f"PerSecondInterestRate{part}" for part in ("Base", "SlopeLow", "SlopeHigh")))


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's account in the market; none where the market says that it is empty."""
    market = _Market(request)
    yield from market.ask(market.first_round())
    reading = market.reading()
    if reading.is_empty:
        return VenueSnapshot(problems=tuple(spare_problems(request, reading)))
    held = reading.held()
    yield from market.ask(market.second_round(held))
    yield from market.ask(market.third_round(held))
    reading = market.completed(reading, held)
    market.remember(reading)
    return VenueSnapshot((build_account(request, reading),), usd_prices(request, reading))


class _Market:
    """The questions to one market and the answers so far; a question is sent once."""

    def __init__(self, request: ReadRequest) -> None:
        self._owner = request.owner
        self._chain = request.deployment.chain_id
        self._comet = request.deployment.contracts["comet"]
        self._facts = request.facts
        self._answers: dict[Call[Any], Any] = {}
        self._remembered: dict[int, AssetInfo | None] = {}

    def ask(self, calls: Iterable[Call[Any]]) -> ReadPlan[None]:
        """Ask what was not asked before; no round trip where there is nothing new."""
        new = [call for call in dict.fromkeys(calls) if call not in self._answers]
        if new:
            replies = yield new
            self._answers.update((call, replies[call]) for call in new)

    def first_round(self) -> list[Call[Any]]:
        """The account, the market and the venue's views."""
        views = [self._call(name, self._owner) for name in VIEWS]
        rates = [self._call(name) for side in ("supply", "borrow") for name in _rate_names(side)]
        names = ("numAssets", "maxAssets", "baseToken", "baseTokenPriceFeed", "baseScale")
        state = [self._user(), self._call("totalsBasic"), *(self._call(name) for name in names)]
        return [*state, *rates, *views]

    def second_round(self, held: Iterable[int]) -> list[Call[Any]]:
        """The base price, the collaterals' terms, and what earlier terms let us ask already."""
        feed = self._feed()
        calls = [] if isinstance(feed, Failure) else [self._call("getPrice", feed)]
        for index in held:
            calls.append(self._call("getAssetInfo", index))
            self._remembered[index] = self._facts.get(self._chain, self._comet, _fact(index))
            calls += self._amounts(self._remembered[index])
        return calls

    def third_round(self, held: Iterable[int]) -> Iterator[Call[Any]]:
        """Balance and price of each collateral by the terms read now."""
        for index in held:
            yield from self._amounts(self._info(index))

    def reading(self) -> MarketReading:
        """What the first round says; the base price comes later, unless there is no feed to ask."""
        feed = self._feed()
        return MarketReading(
            user=self._read(self._user(), lambda user: UserBasic(user[0], user[3], user[4])),
            totals=self._read(self._call("totalsBasic"), lambda t: Totals(*t[:2], *t[4:])),
            rates=self._rates(),
            asset_count=self._read(self._call("numAssets"), int),
            max_assets=self._read(self._call("maxAssets"), int),
            base_token=self._read(self._call("baseToken"), str),
            base_scale=self._read(self._call("baseScale"), _power_of_ten),
            views=self._views(),
            base_price=feed if isinstance(feed, Failure) else None,
        )

    def completed(self, reading: MarketReading, held: Iterable[int]) -> MarketReading:
        """The reading with prices and collaterals."""
        feed = self._feed()
        collaterals = tuple(self._collateral(index) for index in held)
        changed = tuple(each.index for each in collaterals if self._has_changed(each))
        price = feed if isinstance(feed, Failure) else self._price(feed)
        return replace(reading, base_price=price, collaterals=collaterals, changed=changed)

    def remember(self, reading: MarketReading) -> None:
        """Keep the collaterals' terms, so that the next answer can ask early."""
        for each in reading.collaterals:
            if not isinstance(each.info, Failure):
                self._facts.put(self._chain, self._comet, _fact(each.index), each.info)

    def _collateral(self, index: int) -> CollateralReading:
        info = self._info(index)
        if isinstance(info, Failure):
            return CollateralReading(index, info, info, info)
        balance = self._read(self._balance(info.asset), lambda outputs: int(outputs[0]))
        return CollateralReading(index, info, balance, self._price(info.price_feed))

    def _has_changed(self, collateral: CollateralReading) -> bool:
        known, info = self._remembered[collateral.index], collateral.info
        return known is not None and known != info and not isinstance(info, Failure)

    def _amounts(self, info: AssetInfo | Failure | None) -> list[Call[Any]]:
        """The owner's balance of a collateral and its price; nothing where it is not known."""
        if info is None or isinstance(info, Failure):
            return []
        return [self._balance(info.asset), self._call("getPrice", info.price_feed)]

    def _info(self, index: int) -> AssetInfo | Failure:
        call = self._call("getAssetInfo", index)
        return self._read(call, lambda outputs: _asset_info(index, outputs))

    def _feed(self) -> str | Failure:
        return self._read(self._call("baseTokenPriceFeed"), str)

    def _price(self, feed: str) -> int | Failure:
        """A feed's price through the market; a feed that the market refuses gives no price."""
        price = self._read(self._call("getPrice", feed), _price)
        if isinstance(price, Failure) and price.reason is Reason.CALL_REVERTED:
            return replace(price, reason=Reason.NO_PRICE, code=price.code or "call_reverted")
        return price

    def _rates(self) -> Rates | Failure:
        curves = []
        for side in ("supply", "borrow"):
            numbers = self._integers([self._call(name) for name in _rate_names(side)], MAX_UINT64)
            if isinstance(numbers, Failure):
                return numbers
            curves.append(Curve(*numbers))
        return Rates(*curves)

    def _views(self) -> dict[str, int] | Failure:
        calls = [self._call(name, self._owner) for name in VIEWS]
        numbers = self._integers(calls, MAX_UINT256)
        return numbers if isinstance(numbers, Failure) else dict(zip(VIEWS, numbers, strict=True))

    def _integers(self, calls: Iterable[Call[Any]], most: int) -> list[int] | Failure:
        """The answers of all calls (a bool as 0 or 1), or the first failure among them."""
        numbers = []
        for call in calls:
            number = self._read(call, lambda answer: _at_most(int(answer), most))
            if isinstance(number, Failure):
                return number
            numbers.append(number)
        return numbers

    def _call(self, name: str, *args: object) -> Call[Any]:
        return _COMET.one(self._comet, name, *args)

    def _user(self) -> Call[Any]:
        return _COMET.all(self._comet, "userBasic", self._owner)

    def _balance(self, asset: str) -> Call[Any]:
        return _COMET.all(self._comet, "userCollateral", self._owner, asset)

    def _read(self, call: Call[Any], convert: Callable[[Any], T]) -> T | Failure:
        """The answer, converted; a failure says which question it answers."""
        answer = self._answers[call]
        if isinstance(answer, Failure):
            return _named(call, answer)
        try:
            return convert(answer)
        except ValueError as error:
            return _named(call, Failure(Reason.BAD_RETURN_DATA, "bad_value", str(error)))


def _named(call: Call[Any], failure: Failure) -> Failure:
    asked = f"{call.function.signature} {call.data[4:].hex().lstrip('0')}".strip()
    return replace(failure, detail=f"{asked}: {failure.detail or failure.reason.value}")


def _rate_names(side: str) -> list[str]:
    """The getters of one curve, in the order of ``Curve``."""
    return [f"{side}{part}" for part in _CURVE]


def _asset_info(index: int, outputs: tuple[Any, ...]) -> AssetInfo:
    offset, asset, feed, scale, *factors, _ = outputs
    if offset != index:
        raise ValueError(f"terms of asset {offset} for asset {index}")
    return AssetInfo(str(asset).lower(), str(feed).lower(), _power_of_ten(scale), *factors)


def _power_of_ten(scale: int) -> int:
    if scale != 10 ** (len(str(scale)) - 1):
        raise ValueError(f"a scale of {scale} is no power of ten")
    return scale


def _price(answer: int) -> int:
    """A feed's price: the contract reverts at zero and below, and feeds answer in 255 bits."""
    if answer <= 0:
        raise ValueError("a price of zero")
    return _at_most(answer, MAX_INT256)


def _at_most(number: int, most: int) -> int:
    """The number, where the contract's own type can hold it."""
    if number > most:
        raise ValueError(f"{number} is more than the contract can hold")
    return number


def _fact(index: int) -> str:
    return f"asset_info/{index}"
