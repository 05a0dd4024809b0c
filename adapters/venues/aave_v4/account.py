"""A margin account from what was read of one spoke: legs, the spoke's verdict, the recomputation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....core.book.health import VenueAnswer
from ....core.book.model import Asset, Leg, MarginAccount
from ....core.errors import Failure, Problem, Reason, Severity
from ....core.units import BPS, WAD, decimal_of
from ...base import Price, ReadRequest, VenueSnapshot
from ...viewed.rule import Counted, PriceAnchor, ViewedRule
from ...viewed.tokens import asset_leg
from .maths import AccountData, ReserveState, collateral_value, health_factor

__all__ = ["KIND", "MEASURE", "VENUE", "Reserve", "ReserveReading", "build_snapshot"]

VENUE = KIND = "aave-v4"
MEASURE = "health factor"
_PRICE_DECIMALS = 8


@dataclass(frozen=True, slots=True)
class Reserve:
    """What never changes of a reserve of a spoke; lower-case addresses."""

    underlying: str
    hub: str
    asset_id: int
    decimals: int


@dataclass(frozen=True, slots=True)
class ReserveReading:
    """One reserve in which the owner has, or may have, something; ``parts`` are replies by name."""

    id: int
    position: tuple[int, ...] | Failure
    status: tuple[bool, bool] | Failure
    reserve: Reserve | Failure | None
    asset: Asset | Failure | None
    parts: Mapping[str, Any]

    def part(self, name: str) -> Any | Failure:
        """A reply, or that nobody could be asked."""
        unasked = Failure(Reason.RPC_UNAVAILABLE, "not_asked", f"{name} of reserve {self.id}")
        if isinstance(self.reserve, Failure):
            unasked = self.reserve
        return self.parts.get(name, unasked)

    @property
    def token(self) -> Asset | Failure:
        """The reserve's token, whose decimals the spoke and the token must agree on."""
        if isinstance(self.asset, Asset) and isinstance(self.reserve, Reserve):
            if self.asset.decimals == self.reserve.decimals:
                return self.asset
            return Failure(Reason.RPC_INCONSISTENT, "decimals", f"reserve {self.id}")
        failures = (self.asset, self.reserve, self.position)
        return next(part for part in failures if isinstance(part, Failure))

    @property
    def supplied(self) -> int | Failure:
        """What was supplied: the spoke's answer, where the hub does not contradict it."""
        said, preview = self.part("supplied"), self.part("preview")
        if isinstance(said, Failure) or isinstance(preview, Failure) or said == preview:
            return said
        return Failure(Reason.RPC_INCONSISTENT, "misfit", f"supply of reserve {self.id}")

    @property
    def owed(self) -> int | Failure:
        """Drawn debt and premium, rounded up by the spoke."""
        debt = self.part("debt")
        return debt if isinstance(debt, Failure) else debt[0] + debt[1]

    @property
    def factor_bps(self) -> int | Failure:
        """The collateral factor of the user's own config key; 0 where it is no collateral."""
        config = self.part("config")
        if isinstance(self.status, Failure):
            return self.status
        if not self.status[0]:
            return 0
        return config if isinstance(config, Failure) else config[0]

    def state(self) -> ReserveState | None:
        """The reserve as the health factor counts it; None where a part of that is missing."""
        position, token, supplied, factor = (
            self.position,
            self.token,
            self.supplied,
            self.factor_bps,
        )
        index, price = self.part("index"), self.part("price")
        if isinstance(position, Failure) or isinstance(token, Failure) or token.decimals > 18:
            return None
        if isinstance(supplied, Failure) or isinstance(factor, Failure):
            return None
        if isinstance(index, Failure) or isinstance(price, Failure):
            return None
        drawn, premium, offset = position[:3]
        return ReserveState(supplied, factor, drawn, premium, offset, index, price, token.decimals)


def build_snapshot(
    request: ReadRequest,
    data: AccountData | Failure,
    oracle: str | Failure,
    readings: Sequence[ReserveReading],
    problems: Sequence[Problem],
) -> VenueSnapshot:
    """The owner's account in the spoke, its prices, and what is missing."""
    missing = [*problems]
    if isinstance(oracle, Failure):
        missing.append(_problem(request, oracle, severity=Severity.NOTE))
    nothing = not readings and not (isinstance(data, AccountData) and _holds(data))
    if nothing and isinstance(data, Failure):
        missing.append(_problem(request, data))
    complete = not any(problem.severity is Severity.READ for problem in missing)
    if nothing:
        return VenueSnapshot(problems=tuple(missing), complete=complete)
    states = [reading.state() for reading in readings]
    account = _account(request, data, readings, states)
    prices = _prices(request, readings) if _agrees(data, states) else ()
    return VenueSnapshot((account,), prices, tuple(missing), "state", complete)


def _holds(data: AccountData) -> bool:
    return data.owes or data.collateral > 0


def _account(
    request: ReadRequest,
    data: AccountData | Failure,
    readings: Sequence[ReserveReading],
    states: Sequence[ReserveState | None],
) -> MarginAccount:
    legs = tuple(leg for reading in readings for leg in _legs(request, reading))
    failure = data if isinstance(data, Failure) else _contradiction(data, readings)
    agrees = _agrees(data, states)
    rule = _rule(data, readings, failure, agrees)
    judgement = rule.judge()
    answer: VenueAnswer | Failure = (
        data
        if isinstance(data, Failure)
        else VenueAnswer(
            _figures(data),
            judgement.actionable.health if failure is None else None,
            "getUserAccountData(owner)",
        )
    )
    return MarginAccount(
        venue=VENUE,
        id=request.deployment.market,
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=legs,
        rule=rule,
        judgement=judgement,
        venue_answer=answer,
        penalty=_penalty(readings),
        failure=failure,
        problems=tuple(_problems(request, readings, legs, failure, data, states)),
        labels={"spoke": request.deployment.contracts["spoke"], "recomputed": _label(data, states)},
    )


def _contradiction(data: AccountData, readings: Sequence[ReserveReading]) -> Failure | None:
    """Positions and account data that cannot both be true."""
    known = [one.position for one in readings if not isinstance(one.position, Failure)]
    drawn = any(position[0] > 0 for position in known)
    hidden = len(known) == len(readings) and not any(any(position[:3]) for position in known)
    if (drawn and not data.owes) or (data.owes and hidden):
        detail = "the account data and the positions disagree on whether anything is owed"
        return Failure(Reason.RPC_INCONSISTENT, "misfit", detail)
    return None


def _legs(request: ReadRequest, reading: ReserveReading) -> Iterator[Leg]:
    """Supply and debt of a reserve; both fail where the position itself is not known."""
    spoke, position = request.deployment.contracts["spoke"], reading.position
    supply, debt = f"supply-{reading.id}", f"debt-{reading.id}"
    if isinstance(position, Failure):
        yield asset_leg(supply, position, position, (spoke, ""), owed=False)
        yield asset_leg(debt, position, position, (spoke, ""), owed=True)
        return
    if position[3]:
        source = (spoke, f"getUserSuppliedAssets({reading.id}, owner)")
        yield asset_leg(supply, reading.token, reading.supplied, source, owed=False)
    if any(position[:3]):
        source = (spoke, f"getUserDebt({reading.id}, owner)")
        yield asset_leg(debt, reading.token, reading.owed, source, owed=True)


def _rule(
    data: AccountData | Failure,
    readings: Sequence[ReserveReading],
    failure: Failure | None,
    agrees: bool,
) -> ViewedRule:
    counted = tuple(one for reading in readings for one in _counted(reading))
    if failure is not None or isinstance(data, Failure):
        return ViewedRule(KIND, MEASURE, None, None, counted=counted)
    return ViewedRule(
        KIND,
        MEASURE,
        data.health_factor if data.owes else None,
        data.owes,
        covered=data.is_covered,
        counted=counted,
        anchor=_anchor(readings) if agrees and data.owes else None,
    )


def _counted(reading: ReserveReading) -> Iterator[Counted]:
    """The legs of the reserve that could be read, with the factor that the user's key gives."""
    supplied, owed, token, factor = (
        reading.supplied,
        reading.owed,
        reading.token,
        reading.factor_bps,
    )
    if isinstance(reading.position, Failure) or isinstance(token, Failure):
        return
    if not isinstance(supplied, Failure) and supplied:
        weight = None if isinstance(factor, Failure) else factor * WAD // BPS
        yield Counted(f"supply-{reading.id}", supplied, token.decimals, weight)
    if not isinstance(owed, Failure) and owed:
        yield Counted(f"debt-{reading.id}", owed, token.decimals, owed=True)


def _anchor(readings: Sequence[ReserveReading]) -> PriceAnchor | None:
    """The price of the only collateral, where its token is not owed too."""
    backing = [one for one in readings if one.factor_bps != 0 and one.supplied != 0]
    if len(backing) != 1:
        return None
    (one,) = backing
    token, price = one.token, one.part("price")
    owing = [other.token for other in readings if other.owed != 0]
    if isinstance(token, Failure) or isinstance(price, Failure) or token in owing:
        return None
    return PriceAnchor(token.key, price, _PRICE_DECIMALS, "USD")


def _agrees(data: AccountData | Failure, states: Sequence[ReserveState | None]) -> bool:
    """Whether our recomputation could be made and equals the spoke's figures."""
    known = [state for state in states if state is not None]
    if isinstance(data, Failure) or len(known) < len(states):
        return False
    same = health_factor(known) == data.health_factor
    return same and collateral_value(known) == data.collateral


def _label(data: AccountData | Failure, states: Sequence[ReserveState | None]) -> str:
    if isinstance(data, Failure) or None in states:
        return "not possible"
    return "equal" if _agrees(data, states) else "differs"


def _penalty(readings: Sequence[ReserveReading]) -> Any:
    """The largest bonus of the user's collaterals; None where none was read."""
    configs = [one.part("config") for one in readings if one.factor_bps != 0]
    known = [config[1] for config in configs if not isinstance(config, Failure)]
    return decimal_of(max(known) - BPS, 4) if known else None


def _figures(data: AccountData) -> dict[str, int]:
    """What the spoke said, under its own names; the debt in whatever scale it has."""
    name = "totalDebtValue" if data.scale == 1 else "totalDebtValueRay"
    return {
        "healthFactor": data.health_factor,
        "avgCollateralFactor": data.average_factor,
        "totalCollateralValue": data.collateral,
        name: data.debt,
    }


def _prices(request: ReadRequest, readings: Sequence[ReserveReading]) -> tuple[Price, ...]:
    """The oracle's prices of the tokens held, once per token."""
    found: dict[str, Price] = {}
    for reading in readings:
        token, price = reading.token, reading.part("price")
        if not isinstance(token, Failure) and not isinstance(price, Failure) and price > 0:
            source = f"{VENUE}:{request.deployment.market} oracle"
            value = decimal_of(price, _PRICE_DECIMALS)
            found.setdefault(token.key, Price(token, value, source))
    return tuple(found.values())


def _problems(
    request: ReadRequest,
    readings: Sequence[ReserveReading],
    legs: Sequence[Leg],
    failure: Failure | None,
    data: AccountData | Failure,
    states: Sequence[ReserveState | None],
) -> Iterator[Problem]:
    """The account's failure, each failed leg's, notes on what only the recomputation needed."""
    if failure is not None:
        yield _problem(request, failure)
    named = {failure, *(leg.failure for leg in legs)}
    for leg in legs:
        if leg.failure is not None:
            yield _problem(request, leg.failure, leg=leg.id)
    for reading in readings:
        if isinstance(reading.factor_bps, Failure) and reading.factor_bps not in named:
            yield _problem(request, reading.factor_bps, leg=f"supply-{reading.id}")
        for part in reading.parts.values():
            if isinstance(part, Failure) and part not in named | {reading.factor_bps}:
                yield _problem(request, part, severity=Severity.NOTE)
    if _label(data, states) == "differs":
        detail = "our provisional recomputation differs from the spoke's account data"
        differs = Failure(Reason.CODE_CHANGED, "recomputed_differs", detail)
        yield _problem(request, differs, severity=Severity.NOTE)


def _problem(
    request: ReadRequest, failure: Failure, leg: str = "", severity: Severity = Severity.READ
) -> Problem:
    action = "read again, or ask another endpoint" if severity is Severity.READ else ""
    return Problem.of(
        failure,
        venue=VENUE,
        account=request.deployment.market,
        leg=leg,
        action=action,
        severity=severity,
    )
