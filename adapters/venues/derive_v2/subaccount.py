"""Reading one subaccount: whose it is, what it holds, its manager's numbers and its own views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ....core.errors import Failure, Reason
from ...base import ReadRequest
from ...chain.call import Contract
from .accrual import CashMarket, RateModel, cash_with_interest
from .auction import AuctionTerms
from .feeds import Feeds, spot_of
from .managers import (
    Kind,
    Portfolio,
    Role,
    StandardMarket,
    account_lib,
    collateral_feed,
    collateral_terms,
    depeg_terms,
    kind_of,
    pmrm1_terms,
    pmrm2_terms,
    read_portfolio,
    read_standard,
    stable_feed,
    standard_detail,
)
from .pmrm1 import Pmrm1Terms
from .pmrm2 import Pmrm2Terms
from .questions import Questions, UnreadError
from .reading import MarketReading, Position, attempt, read_market
from .rule import LiveAuction

__all__ = ["ManagerReading", "SubaccountReading", "read_subaccount"]

_SUBACCOUNTS, _MATCHING = Contract("derive_v2", "SubAccounts"), Contract("derive_v2", "Matching")
_CASH, _MODEL = Contract("derive_v2", "Cash"), Contract("derive_v2", "RateModel")
_MANAGER, _AUCTION = Contract("derive_v2", "Manager"), Contract("derive_v2", "Auction")

_TOTALS = (
    "borrowIndex",
    "supplyIndex",
    "lastTimestamp",
    "totalSupply",
    "totalBorrow",
    "netSettledCash",
    "smFeePercentage",
)
_CURVE = ("minRate", "rateMultiplier", "highRateMultiplier", "optimalUtil")


@dataclass(frozen=True, slots=True)
class ManagerReading:
    """The manager's parameters for this account; ``stable`` is the stablecoin's price.

    ``haircuts`` are PMRM_2's terms by collateral, ``standard`` the StandardManager's by market.
    """

    kind: Kind
    address: str
    stable: int | Failure
    terms: Pmrm1Terms | Pmrm2Terms | Failure | None = None
    lib: str = ""
    haircuts: Mapping[str, tuple[bool, int, int] | Failure] | None = None
    standard: Mapping[int, StandardMarket | Failure] | None = None
    depeg: tuple[int, int] | Failure = (0, 0)


@dataclass(frozen=True, slots=True)
class SubaccountReading:
    """Everything read of one subaccount; ``held_by`` says who holds its NFT."""

    number: int
    held_by: str | Failure
    owner: str | Failure
    balances: tuple[tuple[str, int, int], ...] | Failure
    manager: ManagerReading | Failure
    positions: tuple[Position, ...] | Failure
    strangers: tuple[tuple[str, int, int, Failure], ...]
    markets: tuple[MarketReading, ...]
    cash: int
    cash_now: int | Failure
    auction: AuctionTerms | Failure
    live: LiveAuction | Failure | None
    can_start: bool | Failure
    views: Mapping[str, int | Failure]


def read_subaccount(request: ReadRequest, ask: Questions, number: int) -> SubaccountReading:
    """The subaccount as far as it can be read."""
    contracts = request.deployment.contracts
    ledger, cash = contracts["sub_accounts"], contracts["cash"].lower()
    held_by = ask.get(_SUBACCOUNTS.address(ledger, "ownerOf", number))
    owner = ask.get(_MATCHING.address(contracts["matching"], "subAccountToOwner", number))
    manager_at = ask.get(_SUBACCOUNTS.address(ledger, "manager", number))
    balances = attempt(lambda: _balances(ask, ledger, number))
    listed = () if isinstance(balances, Failure) else balances
    amount = sum(balance for asset, _, balance in listed if asset == cash)
    reading = attempt(lambda: _read_manager(ask, manager_at))
    positions, strangers, markets = _sorted(request, ask, number, reading, listed)
    return SubaccountReading(
        number,
        held_by,
        owner,
        balances,
        _with_parameters(ask, reading, number, positions),
        positions,
        strangers,
        markets,
        amount,
        attempt(lambda: _cash_now(ask, cash, number, amount, request.block.timestamp)),
        attempt(lambda: _auction_terms(ask, contracts["auction"])),
        attempt(lambda: _live(ask, contracts["auction"], number)),
        attempt(lambda: _can_start(ask, contracts["auction"], manager_at)),
        _views(ask, manager_at, cash, number),
    )


def _balances(ask: Questions, ledger: str, number: int) -> tuple[tuple[str, int, int], ...]:
    rows = ask.need(_SUBACCOUNTS.one(ledger, "getAccountBalances", number))
    return tuple((str(asset).lower(), int(sub_id), int(held)) for asset, sub_id, held in rows)


def _read_manager(ask: Questions, manager: str | Failure) -> ManagerReading:
    """The manager's kind; its parameters come with the positions."""
    if isinstance(manager, Failure):
        raise UnreadError(manager)
    kind = kind_of(ask, manager)
    stable = attempt(lambda: spot_of(ask, stable_feed(ask, manager))[0])
    return ManagerReading(kind, manager, stable)


def _sorted(
    request: ReadRequest,
    ask: Questions,
    number: int,
    manager: ManagerReading | Failure,
    balances: Sequence[tuple[str, int, int]],
) -> tuple[
    tuple[Position, ...] | Failure,
    tuple[tuple[str, int, int, Failure], ...],
    tuple[MarketReading, ...],
]:
    """The positions by market, and the balances that nobody can name."""
    cash = request.deployment.contracts["cash"].lower()
    rest = [row for row in balances if row[0] != cash]
    if isinstance(manager, Failure):
        return manager, tuple((*row, manager) for row in rest), ()
    sorter = _Sorter(ask, manager)
    found = [(row, attempt(partial(sorter.position, *row))) for row in rest]
    positions = tuple(each for _, each in found if not isinstance(each, Failure))
    strangers = tuple((*row, each) for row, each in found if isinstance(each, Failure))
    now = request.block.timestamp
    numbers = sorted({each.market for each in positions})
    if manager.kind is not Kind.STANDARD:
        numbers = [0]
    markets = tuple(
        read_market(
            ask,
            market,
            sorter.known_by(),
            attempt(partial(sorter.feeds, market)),
            [each for each in positions if each.market == market],
            sorter.feed_of,
            number,
            now,
        )
        for market in numbers
    )
    return positions, strangers, markets


class _Sorter:
    """What each asset is to the manager, and which feeds its market has."""

    def __init__(self, ask: Questions, manager: ManagerReading) -> None:
        self._ask, self._manager = ask, manager

    def position(self, asset: str, sub_id: int, balance: int) -> Position:
        """The balance with its role; ``UnreadError`` for an asset the manager does not know."""
        role, market = self._role(asset)
        if role is None:
            detail = f"the manager does not know the asset {asset}"
            raise UnreadError(Failure(Reason.NOT_SUPPORTED, "unknown_asset", detail))
        return Position(asset, sub_id, balance, role, market)

    def _role(self, asset: str) -> tuple[Role | None, int]:
        if self._manager.kind is Kind.STANDARD:
            return standard_detail(self._ask, self._manager.address, asset)
        feed = attempt(lambda: self._collateral_feed(asset))
        market = self._portfolio()
        if asset in (market.option, market.perp, market.base):
            return market.role(asset, ""), 0
        if isinstance(feed, Failure):
            raise UnreadError(feed)
        return market.role(asset, feed), 0

    def _collateral_feed(self, asset: str) -> str:
        if self._manager.kind is Kind.PMRM1:
            return ""
        return collateral_feed(self._ask, self._manager.address, asset)

    def _portfolio(self) -> Portfolio:
        return read_portfolio(self._ask, self._manager.address, self._manager.kind)

    def feeds(self, market: int) -> Feeds:
        """The feeds of a market."""
        if self._manager.kind is Kind.STANDARD:
            return read_standard(self._ask, self._manager.address, market).feeds
        return self._portfolio().feeds

    def known_by(self) -> tuple[str, ...]:
        """A portfolio manager's own assets, which name its market whatever the account holds."""
        if self._manager.kind is Kind.STANDARD:
            return ()
        market = attempt(self._portfolio)
        return () if isinstance(market, Failure) else (market.option, market.perp)

    def feed_of(self, position: Position) -> str:
        """The feed that prices a token: its own under PMRM_2, else the market's spot."""
        if self._manager.kind is Kind.PMRM2:
            return collateral_feed(self._ask, self._manager.address, position.asset)
        return self.feeds(position.market).spot


def _with_parameters(
    ask: Questions,
    manager: ManagerReading | Failure,
    number: int,
    positions: Sequence[Position] | Failure,
) -> ManagerReading | Failure:
    """The manager with the parameters that judge these positions."""
    if isinstance(manager, Failure):
        return manager
    held = () if isinstance(positions, Failure) else positions
    address, stable = manager.address, manager.stable
    if manager.kind is Kind.STANDARD:
        found = {
            market: attempt(partial(read_standard, ask, address, market))
            for market in sorted({each.market for each in held})
        }
        depeg = attempt(lambda: depeg_terms(ask, address))
        return ManagerReading(manager.kind, address, stable, standard=found, depeg=depeg)
    if manager.kind is Kind.PMRM1:
        return ManagerReading(
            manager.kind, address, stable, attempt(lambda: pmrm1_terms(ask, address))
        )
    lib = attempt(lambda: account_lib(ask, address, number))
    terms = attempt(lambda: pmrm2_terms(ask, address, number)[1])
    if isinstance(lib, Failure):
        return ManagerReading(manager.kind, address, stable, terms)
    haircuts = {
        each.asset: attempt(partial(collateral_terms, ask, lib, each.asset))
        for each in held
        if each.role is Role.COLLATERAL
    }
    return ManagerReading(manager.kind, address, stable, terms, lib, haircuts)


def _cash_now(ask: Questions, cash: str, number: int, balance: int, now: int) -> int:
    """The account's cash with interest to the block."""
    calls = [_CASH.uint(cash, name) for name in _TOTALS]
    model, index, *numbers = ask.all(
        _CASH.address(cash, "rateModel"), _CASH.uint(cash, "accountIdIndex", number), *calls
    )
    curve = ask.all(*(_MODEL.uint(model, name) for name in _CURVE))
    return cash_with_interest(CashMarket(*numbers), RateModel(*curve), now, balance, index)


def _auction_terms(ask: Questions, auction: str) -> AuctionTerms:
    params, cutoff = ask.all(
        _AUCTION.one(auction, "getAuctionParams"), _AUCTION.uint(auction, "mtmCutoff")
    )
    return AuctionTerms(*(int(each) for each in (*params, cutoff)))


def _live(ask: Questions, auction: str, number: int) -> LiveAuction | None:
    """The auction that runs on the account; None where none does."""
    _, scenario, insolvent, ongoing, _, start, reserved = ask.need(
        _AUCTION.one(auction, "getAuction", number)
    )
    if not ongoing:
        return None
    return LiveAuction(bool(insolvent), int(start), int(scenario), int(reserved))


def _can_start(ask: Questions, auction: str, manager: str | Failure) -> bool:
    if isinstance(manager, Failure):
        raise UnreadError(manager)
    return bool(ask.need(_AUCTION.one(auction, "managerWhitelisted", manager)))


def _views(ask: Questions, manager: str | Failure, cash: str, number: int) -> Mapping[str, Any]:
    """The venue's own figures, under the names that ours have."""
    found: dict[str, int | Failure] = {
        "cashWithInterest": attempt(
            lambda: int(ask.need(_CASH.simulation(cash, "calculateBalanceWithInterest", number))[0])
        )
    }
    if isinstance(manager, Failure):
        return found
    calls = {
        "initialMargin": _MANAGER.uint(manager, "getMargin", number, True),
        "maintenanceMargin": _MANAGER.uint(manager, "getMargin", number, False),
    }
    found |= {name: ask.get(call) for name, call in calls.items()}
    value = ask.get(_MANAGER.all(manager, "getMarginAndMarkToMarket", number, False, 0))
    found["markToMarket"] = value if isinstance(value, Failure) else int(value[1])
    return found
