"""Reading a manager: which kind it is, its feeds, its parameters and its scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ....core.errors import Failure, Reason
from ....core.units import WAD
from ...chain.call import Contract
from .feeds import Feeds
from .pmrm1 import Pmrm1Terms
from .pmrm2 import Direction, MarginTerms, OtherTerms, Pmrm2Terms, Scenario, SkewTerms
from .questions import Questions, UnreadError
from .shocks import BasisTerms, VolatilityTerms
from .standard import StandardTerms

__all__ = [
    "Kind",
    "Portfolio",
    "Role",
    "StandardMarket",
    "kind_of",
    "pmrm1_terms",
    "pmrm2_terms",
    "read_portfolio",
    "read_standard",
]

_MANAGER = Contract("derive_v2", "Manager")
_STANDARD, _PORTFOLIO = Contract("derive_v2", "StandardManager"), Contract("derive_v2", "Portfolio")
_FIRST, _SECOND = Contract("derive_v2", "Pmrm1"), Contract("derive_v2", "Pmrm2")
_FIRST_LIB, _SECOND_LIB = Contract("derive_v2", "Pmrm1Lib"), Contract("derive_v2", "Pmrm2Lib")

_ZERO = "0x" + "00" * 20
_DIRECTIONS = tuple(Direction)


class Kind(StrEnum):
    """The managers; PMRM_2_1 is PMRM_2 with libraries per account."""

    STANDARD = "standard"
    PMRM1 = "pmrm1"
    PMRM2 = "pmrm2"


class Role(StrEnum):
    """What an asset is to its manager."""

    CASH = "cash"
    OPTION = "option"
    PERP = "perp"
    COLLATERAL = "collateral"


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A portfolio manager's one market; ``base`` is the only token of the first kind."""

    option: str
    perp: str
    feeds: Feeds
    base: str = ""

    def role(self, asset: str, feed: str) -> Role | None:
        """What an asset is; ``feed`` is the collateral's price feed, empty for none."""
        if asset == self.option:
            return Role.OPTION
        if asset == self.perp:
            return Role.PERP
        return Role.COLLATERAL if feed or asset == self.base else None


@dataclass(frozen=True, slots=True)
class StandardMarket:
    """One market of the StandardManager."""

    market_id: int
    feeds: Feeds
    terms: StandardTerms


def kind_of(ask: Questions, manager: str) -> Kind:
    """What the manager is, by the functions that it has."""
    probes = (
        _MANAGER.uint(manager, "lastMarketId"),
        _MANAGER.address(manager, "collateralSpotFeeds", _ZERO),
        _PORTFOLIO.address(manager, "lib"),
    )
    for probe in probes:
        ask.get(probe)
    standard, second, library = (ask.may_revert(probe) for probe in probes)
    if standard is not None and library is None:
        return Kind.STANDARD
    if standard is None and library is not None:
        return Kind.PMRM1 if second is None else Kind.PMRM2
    detail = f"the manager {manager} is of no known kind"
    raise UnreadError(Failure(Reason.UNSUPPORTED_VERSION, "unknown_manager", detail))


def read_portfolio(ask: Questions, manager: str, kind: Kind) -> Portfolio:
    """The market of a portfolio manager."""
    names = ("option", "perp", "spotFeed", "forwardFeed", "volFeed", "interestRateFeed")
    calls = [_PORTFOLIO.address(manager, name) for name in names]
    if kind is Kind.PMRM1:
        calls.append(_FIRST.address(manager, "baseAsset"))
    option, perp, spot, forward, vol, rate, *base = ask.all(*calls)
    return Portfolio(option, perp, Feeds(spot, forward, vol, rate), base[0] if base else "")


def collateral_feed(ask: Questions, manager: str, asset: str) -> str:
    """The price feed of a PMRM_2 collateral; empty where the manager lists none."""
    feed = ask.need(_MANAGER.address(manager, "collateralSpotFeeds", asset))
    return "" if feed == _ZERO else feed


def standard_detail(ask: Questions, manager: str, asset: str) -> tuple[Role | None, int]:
    """What an asset is to the StandardManager, and in which market."""
    listed, kind, market = ask.need(_STANDARD.one(manager, "assetDetails", asset))
    roles = {1: Role.OPTION, 2: Role.PERP, 3: Role.COLLATERAL}
    return (roles.get(int(kind)) if listed else None), int(market)


def read_standard(ask: Questions, manager: str, market_id: int) -> StandardMarket:
    """A market's feeds and parameters."""
    names = ("perpMarginRequirements", "optionMarginParams", "oracleContingencyParams")
    calls = [_STANDARD.all(manager, name, market_id) for name in names]
    feeds, perp, option, oracle, base = ask.all(
        _STANDARD.all(manager, "getMarketFeeds", market_id),
        *calls,
        _STANDARD.all(manager, "baseMarginParams", market_id),
    )
    numbers = [int(each) for each in (*perp, *option, *oracle, *base)]
    return StandardMarket(
        market_id, Feeds(*(str(each).lower() for each in feeds)), StandardTerms(*numbers)
    )


def depeg_terms(ask: Questions, manager: str) -> tuple[int, int]:
    """The StandardManager's (threshold, factor) for a lost peg."""
    threshold, factor = ask.need(_STANDARD.all(manager, "depegParams"))
    return int(threshold), int(factor)


def stable_feed(ask: Questions, manager: str) -> str:
    """The feed of the stablecoin's price, as the manager has it."""
    return ask.need(_MANAGER.address(manager, "stableFeed"))


def pmrm1_terms(ask: Questions, manager: str) -> Pmrm1Terms:
    """The first portfolio manager's parameters, from its library."""
    lib = ask.need(_PORTFOLIO.address(manager, "lib"))
    names = ("BasisContingencyParams", "OtherContingencyParams", "StaticDiscountParams")
    calls = [_FIRST_LIB.one(lib, f"get{name}") for name in (*names, "VolShockParams")]
    basis, other, margin, vol, scenarios = ask.all(*calls, _FIRST.one(manager, "getScenarios"))
    im_factor, multiply, add, discount = _integers(margin)
    peg, peg_factor, threshold, doubt, base, perp, option = _integers(other)
    return Pmrm1Terms(
        peg,
        peg_factor,
        threshold,
        doubt,
        base,
        perp,
        option,
        im_factor,
        discount,
        multiply,
        add,
        BasisTerms(*_integers(basis)),
        VolatilityTerms(*_integers(vol)),
        tuple(_scenario(each) for each in scenarios),
    )


def pmrm2_terms(ask: Questions, manager: str, subaccount: int) -> tuple[str, Pmrm2Terms]:
    """The library that judges this subaccount, and its parameters with the manager's scenarios.

    A plain PMRM_2 has no library per account: asking for one reverts.
    """
    lib = account_lib(ask, manager, subaccount)
    names = (
        "BasisContingencyParams",
        "OtherContingencyParams",
        "MarginParams",
        "VolShockParams",
        "SkewShockParams",
    )
    calls = [_SECOND_LIB.one(lib, f"get{name}") for name in names]
    *parts, scenarios = ask.all(*calls, _SECOND.one(manager, "getScenarios"))
    basis, other, margin, vol, skew = (_integers(each) for each in parts)
    terms = Pmrm2Terms(
        BasisTerms(*basis),
        OtherTerms(*other),
        MarginTerms(*margin),
        VolatilityTerms(*vol),
        SkewTerms(*skew),
        tuple(_scenario(each) for each in scenarios),
    )
    return lib, terms


def account_lib(ask: Questions, manager: str, subaccount: int) -> str:
    """The library of this subaccount; the manager's own where there are none per account."""
    own = _PORTFOLIO.address(manager, "lib")
    ask.get(own)
    override = ask.may_revert(_PORTFOLIO.address(manager, "getAccountLib", subaccount))
    return ask.need(own) if override is None else override


def collateral_terms(ask: Questions, lib: str, asset: str) -> tuple[bool, int, int]:
    """(risk cancelling, MM haircut, IM haircut) of a PMRM_2 collateral that is enabled."""
    enabled, cancelling, mm, im = ask.need(_SECOND_LIB.one(lib, "getCollateralParameters", asset))
    if not enabled:
        detail = f"the manager's view reverts: the collateral {asset} is not enabled"
        raise UnreadError(Failure(Reason.NOT_SUPPORTED, "collateral_disabled", detail))
    return bool(cancelling), int(mm), int(im)


def _integers(values: Any) -> list[int]:
    return [int(each) for each in values]


def _scenario(values: Any) -> Scenario:
    """A scenario as the manager lists it; the first kind knows no damping."""
    spot, direction, *damping = _integers(values)
    if direction >= len(_DIRECTIONS):
        detail = f"volatility direction {direction}"
        raise UnreadError(Failure(Reason.UNSUPPORTED_VERSION, "unknown_scenario", detail))
    return Scenario(spot, _DIRECTIONS[direction], damping[0] if damping else WAD)
