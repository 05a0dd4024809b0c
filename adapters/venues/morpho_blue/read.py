"""What to read for an owner on Morpho Blue, in at most two rounds for known markets.

Round 1: position and totals of every candidate market, its parameters where they are not known.
Round 2, for markets with a position: oracle price, borrow rate (it takes the totals as arguments),
unknown tokens, and a simulated ``liquidate``, whose revert reason is the venue's own verdict. A log
scan that finds further markets costs one round more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from eth_abi import abi as eth_abi
from eth_hash.auto import keccak

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, ReadPlan, Replies
from .account import MarketParams, MarketReading, TokenReading, build_account
from .discover import Candidates, candidates, markets_in_logs
from .maths import MarketState, PositionState
from .rule import VENUE

__all__ = ["read_snapshot"]

T = TypeVar("T")

_MORPHO = Contract("morpho_blue", "Morpho")
_IRM = Contract("morpho_blue", "Irm")
_ORACLE = Contract("morpho_blue", "Oracle")
_TOKEN = Contract("erc20", "Token")
_ZERO = "0x" + "00" * 20


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's positions in every market that was given, found or shipped."""
    wanted = candidates(request)
    probes = [_Probe(request, market) for market in wanted.ids]
    switches = _authorisations(request)
    replies = yield [*_reads(probes), *wanted.queries, *switches.values()]
    problems = [*wanted.problems(), *_pre_liquidations(switches, replies)]
    readings = [probe.reading(replies) for probe in probes]
    found = markets_in_logs(wanted.queries, replies)
    if isinstance(found, Failure):
        problems.append(_unscanned(found))
    else:
        further = [_Probe(request, market) for market in found if market not in wanted.ids]
        readings += yield from _probe_round(further)
    problems += [_not_created(reading.market_id) for reading in readings if not reading.exists]
    readings = [reading for reading in readings if reading.exists]
    problems += [note for reading in readings if reading.is_empty for note in _spare(reading)]
    readings = [reading for reading in readings if not reading.is_empty]
    readings = yield from _second_round(request, readings)
    return VenueSnapshot(
        accounts=tuple(build_account(request, reading) for reading in readings),
        problems=tuple(problems),
        enumeration=wanted.enumeration,
        complete=_complete(wanted, found),
    )


def _complete(wanted: Candidates, found: Sequence[str] | Failure) -> bool:
    """Whether no position can be missing: a list is the caller's own, logs see everything."""
    return wanted.enumeration != "curated" and not isinstance(found, Failure)


class _Probe:
    """The first round's reads of one market."""

    def __init__(self, request: ReadRequest, market_id: str) -> None:
        morpho, key = request.deployment.contracts["morpho"], bytes.fromhex(market_id[2:])
        self.market_id = market_id
        self.position = _MORPHO.all(morpho, "position", key, request.owner)
        self.market = _MORPHO.all(morpho, "market", key)
        self.params = _MORPHO.all(morpho, "idToMarketParams", key)
        self._request = request
        self._known = request.facts.get(request.deployment.chain_id, morpho, market_id)

    def reads(self) -> list[Call[Any]]:
        """The calls to make: the parameters never change, they are read once."""
        return [self.position, self.market, *(() if self._known else (self.params,))]

    def reading(self, replies: Replies) -> MarketReading:
        """What the replies say about the market."""
        position, market = replies[self.position], replies[self.market]
        params = self._known
        if params is None:
            values = replies[self.params]
            params = values if isinstance(values, Failure) else self._checked(values)
        return MarketReading(
            self.market_id,
            position if isinstance(position, Failure) else PositionState(*position),
            market if isinstance(market, Failure) else MarketState(*market),
            params,
        )

    def _checked(self, values: tuple[Any, ...]) -> MarketParams | Failure:
        """The parameters, proven by the id, which is their hash; remembered once proven."""
        encoded = eth_abi.encode(("address",) * 4 + ("uint256",), values)
        if f"0x{keccak(encoded).hex()}" != self.market_id:
            return Failure(
                Reason.BAD_RETURN_DATA, "id_mismatch", "the parameters do not hash to the id"
            )
        params, deployment = MarketParams(*values), self._request.deployment
        morpho = deployment.contracts["morpho"]
        self._request.facts.put(deployment.chain_id, morpho, self.market_id, params)
        return params


def _reads(probes: Iterable[_Probe]) -> list[Call[Any]]:
    return [call for probe in probes for call in probe.reads()]


def _probe_round(probes: list[_Probe]) -> ReadPlan[list[MarketReading]]:
    """The markets that only the logs knew, in a round of their own."""
    if not probes:
        return []
    replies = yield _reads(probes)
    return [probe.reading(replies) for probe in probes]


def _second_round(
    request: ReadRequest, readings: list[MarketReading]
) -> ReadPlan[list[MarketReading]]:
    """Prices, rates, tokens and the venue's verdict of the markets with a position."""
    asked = [(reading, _questions(request, reading)) for reading in readings]
    calls = [call for _, questions in asked for call in questions.reads()]
    if not calls:
        return readings
    # Last: should a simulated liquidation pass, whatever follows it in the batch sees its effects.
    calls += [questions.verdict for _, questions in asked if questions.verdict is not None]
    replies = yield calls
    return [questions.answered(reading, replies, request) for reading, questions in asked]


@dataclass(frozen=True, slots=True)
class _Questions:
    """The second round's reads of one market; None where there is nothing to ask."""

    price: Call[int] | None = None
    rate: Call[int] | None = None
    verdict: Call[tuple[Any, ...]] | None = None
    tokens: tuple[tuple[str, Call[int], Call[Any]], ...] = ()

    def reads(self) -> list[Call[Any]]:
        """The calls to make, all but the verdict."""
        single = (self.price, self.rate)
        described = [call for _, *calls in self.tokens for call in calls]
        return [call for call in single if call is not None] + described

    def answered(
        self, reading: MarketReading, replies: Replies, request: ReadRequest
    ) -> MarketReading:
        """The reading with the answers filled in."""
        tokens: dict[str, TokenReading | Failure] = {}
        for address, decimals, symbol in self.tokens:
            scale = replies[decimals]
            tokens[address] = (
                scale
                if isinstance(scale, Failure)
                else _described(request, address, scale, replies[symbol])
            )
        return replace(
            reading,
            price=_reply(replies, self.price),
            rate=_reply(replies, self.rate),
            liquidation=_reply(replies, self.verdict),
            tokens=tokens,
        )


def _reply(replies: Replies, call: Call[T] | None) -> T | Failure | None:
    return None if call is None else replies[call]


def _questions(request: ReadRequest, reading: MarketReading) -> _Questions:
    """What remains to be asked about a market with a position."""
    position, market, params = reading.position, reading.market, reading.params
    if isinstance(position, Failure) or isinstance(params, Failure):
        return _Questions()
    price = rate = verdict = None
    if position.borrow_shares or (position.collateral and params.oracle != _ZERO):
        price = _ORACLE.uint(params.oracle, "price")
    if params.irm != _ZERO and not isinstance(market, Failure):
        rate = _IRM.uint(params.irm, "borrowRateView", params.as_tuple(), _totals(market))
    if position.borrow_shares:
        morpho = request.deployment.contracts["morpho"]
        arguments = (params.as_tuple(), request.owner, 0, 1, b"")
        verdict = _MORPHO.simulation(morpho, "liquidate", *arguments)
    return _Questions(price, rate, verdict, tuple(_unknown_tokens(request, params)))


def _totals(market: MarketState) -> tuple[int, ...]:
    """The totals in the order of the contract's ``Market`` struct."""
    return (
        market.total_supply_assets,
        market.total_supply_shares,
        market.total_borrow_assets,
        market.total_borrow_shares,
        market.last_update,
        market.fee,
    )


def _unknown_tokens(
    request: ReadRequest, params: MarketParams
) -> Iterator[tuple[str, Call[int], Call[Any]]]:
    """The market's tokens that neither the registry nor an earlier answer describes."""
    chain = request.deployment.chain_id
    for address in dict.fromkeys((params.collateral, params.loan)):
        listed = request.tokens.at(chain, address).known
        if not listed and request.facts.get(chain, address, "token") is None:
            yield address, _TOKEN.uint(address, "decimals"), _TOKEN.one(address, "symbol")


def _described(
    request: ReadRequest, address: str, decimals: int, symbol: Any | Failure
) -> TokenReading:
    """A token's decimals and symbol; a token without a readable symbol is shown by its address."""
    failure = symbol if isinstance(symbol, Failure) else None
    token = TokenReading(decimals, "" if failure else str(symbol), failure)
    # Symbols of an old form never decode: that is a fact of the token, not of the moment.
    if failure is None or failure.reason is Reason.BAD_RETURN_DATA:
        known = replace(token, symbol_failure=None)
        request.facts.put(request.deployment.chain_id, address, "token", known)
    return token


def _authorisations(request: ReadRequest) -> dict[str, Call[bool]]:
    """Whether each configured pre-liquidation contract may act for the owner."""
    morpho = request.deployment.contracts["morpho"]
    contracts = request.deployment.settings.get("pre_liquidation", ())
    return {
        str(address): _MORPHO.one(morpho, "isAuthorized", request.owner, str(address))
        for address in contracts
    }


def _pre_liquidations(switches: dict[str, Call[bool]], replies: Replies) -> list[Problem]:
    """A note per pre-liquidation contract that may act, or could not be asked about."""
    problems = []
    for address, call in switches.items():
        allowed = replies[call]
        if isinstance(allowed, Failure):
            problems.append(Problem.of(allowed, venue=VENUE, action="read again"))
        elif allowed:
            detail = f"{address} may close parts of a position before the market's own limit"
            problems.append(_note(Reason.NOT_SUPPORTED, "pre_liquidation", detail))
    return problems


def _spare(reading: MarketReading) -> list[Problem]:
    """Notes about failed reads of a market in which the owner is known to hold nothing."""
    return [
        Problem.of(read, venue=VENUE, account=reading.market_id, severity=Severity.NOTE)
        for read in (reading.market, reading.params)
        if isinstance(read, Failure)
    ]


def _not_created(market_id: str) -> Problem:
    return _note(
        Reason.NOT_SUPPORTED,
        "unknown_market",
        f"{market_id} is not a market of this deployment",
        "check the id and the chain",
    )


def _note(reason: Reason, code: str, detail: str, action: str = "") -> Problem:
    return Problem(Severity.NOTE, reason, code, venue=VENUE, detail=detail, action=action)


def _unscanned(failure: Failure) -> Problem:
    """The log scan that was asked for failed: positions may be missing from the answer."""
    return Problem(
        Severity.READ,
        Reason.POSITIONS_INCOMPLETE,
        failure.code or failure.reason.value,
        venue=VENUE,
        detail=failure.detail or "the log scan failed",
        action="give the market ids, or use an endpoint that serves logs",
    )
