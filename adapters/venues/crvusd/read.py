"""What to read of an owner's loans in the markets of one factory.

The factory lists its controllers, so that positions are complete. Round 1: the number of markets
and the owner's state in every controller known before. Round 2, for markets with a loan: health
and the parts it is made of. Controllers, AMMs and tokens never change; a cold answer costs up to
four rounds more to find them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, ReadPlan, Replies
from ...viewed.tokens import TokenReads
from .account import Market, Reading, build_account, unread_account
from .rule import VENUE

__all__ = ["read_snapshot"]

_CONTROLLER = Contract("crvusd", "Controller")
_AMM = Contract("crvusd", "AMM")
_MINT = Contract("crvusd", "MintFactory")
_LEND = Contract("crvusd", "LendFactory")
_LEND_V2 = Contract("crvusd", "LendFactoryV2")
# No factory has a tenth of it: a larger count is not a count.
_MOST_MARKETS = 2_000
_CONTROLLERS, _MARKET = "controllers", "market"


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's loans; a market that could not be asked about makes the answer incomplete."""
    factory, facts = request.deployment.contracts["factory"], request.facts
    chain = request.deployment.chain_id
    known: tuple[str, ...] = facts.get(chain, factory, _CONTROLLERS) or ()
    count = _count(request)
    replies = yield [count, *(_state(request, controller) for controller in known)]
    problems: list[Problem] = []
    states = _states(request, known, replies, problems)
    total = _checked(replies[count], len(known))
    if isinstance(total, Failure):
        problems.append(_unread(total, "the number of markets"))
    elif total > len(known):
        found = yield from _new_controllers(request, range(len(known), total), problems)
        if len(found) == total - len(known):
            facts.put(chain, factory, _CONTROLLERS, (*known, *found))
        if found:
            replies = yield [_state(request, controller) for controller in found]
            states += _states(request, found, replies, problems)
    loans = [(controller, state) for controller, state in states if any(state[:3])]
    markets = yield from _markets(request, [controller for controller, _ in loans])
    accounts, notes = yield from _accounts(request, loans, markets)
    complete = not any(problem.severity is Severity.READ for problem in problems)
    return VenueSnapshot(accounts, (), (*problems, *notes), "state", complete)


def _count(request: ReadRequest) -> Call[int]:
    factory = request.deployment.contracts["factory"]
    if request.deployment.settings.get("factory") == "mint":
        return _MINT.uint(factory, "n_collaterals")
    return _LEND.uint(factory, "market_count")


def _checked(count: int | Failure, known: int) -> int | Failure:
    """The number of markets, if it can be one: markets are only ever added."""
    if isinstance(count, Failure) or known <= count <= _MOST_MARKETS:
        return count
    return Failure(Reason.BAD_RETURN_DATA, "count", f"{count} markets after {known}"[:200])


def _new_controllers(
    request: ReadRequest, indices: Sequence[int], problems: list[Problem]
) -> ReadPlan[list[str]]:
    """The controllers at these places of the factory's list, a problem for each unread one."""
    calls = [_controller_call(request, index) for index in indices]
    replies = yield calls
    found = []
    for index, call in zip(indices, calls, strict=True):
        controller = replies[call]
        if isinstance(controller, Failure):
            problems.append(_unread(controller, f"the controller of market {index}"))
        else:
            found.append(_address(controller))
    return found


def _controller_call(request: ReadRequest, index: int) -> Call[Any]:
    factory, settings = request.deployment.contracts["factory"], request.deployment.settings
    if settings.get("factory") == "lend-v2":
        return _LEND_V2.one(factory, "markets", index)
    contract = _MINT if settings.get("factory") == "mint" else _LEND
    return contract.one(factory, "controllers", index)


def _address(value: Any) -> str:
    """The controller out of either factory's answer: an address, or a market's struct."""
    return str(value if isinstance(value, str) else value[1]).lower()


def _state(request: ReadRequest, controller: str) -> Call[Any]:
    return _CONTROLLER.one(controller, "user_state", request.owner)


def _states(
    request: ReadRequest, controllers: Sequence[str], replies: Replies, problems: list[Problem]
) -> list[tuple[str, tuple[int, ...]]]:
    """What the owner has in each controller; a problem where it could not be read."""
    found = []
    for controller in controllers:
        state = replies[_state(request, controller)]
        if isinstance(state, Failure):
            problems.append(_unread(state, "user_state", controller))
        else:
            found.append((controller, tuple(state)))
    return found


def _markets(request: ReadRequest, controllers: Sequence[str]) -> ReadPlan[list[Market | Failure]]:
    """AMM and tokens of each controller, read once."""
    chain, facts = request.deployment.chain_id, request.facts
    unknown = [one for one in controllers if facts.get(chain, one, _MARKET) is None]
    failures: dict[str, Failure] = {}
    if unknown:
        replies = yield [_CONTROLLER.address(one, "amm") for one in unknown]
        amms = {one: replies[_CONTROLLER.address(one, "amm")] for one in unknown}
        coins = {one: _coins(amm) for one, amm in amms.items() if not isinstance(amm, Failure)}
        replies = yield [call for pair in coins.values() for call in pair]
        for one, amm in amms.items():
            market = _market(one, amm, coins.get(one, ()), replies)
            if isinstance(market, Failure):
                failures[one] = market
            else:
                facts.put(chain, one, _MARKET, market)
    known: dict[str, Any] = {
        one: facts.get(chain, one, _MARKET) for one in controllers if one not in failures
    }
    return [failures[one] if one in failures else known[one] for one in controllers]


def _coins(amm: str) -> tuple[Call[str], ...]:
    """The borrowed token and the collateral, in the AMM's order."""
    return _AMM.address(amm, "coins", 0), _AMM.address(amm, "coins", 1)


def _market(
    controller: str, amm: str | Failure, coins: tuple[Call[str], ...], replies: Replies
) -> Market | Failure:
    if isinstance(amm, Failure):
        return amm
    tokens = []
    for call in coins:
        token = replies[call]
        if isinstance(token, Failure):
            return token
        tokens.append(token)
    return Market(controller, amm, borrowed=tokens[0], collateral=tokens[1])


def _accounts(
    request: ReadRequest,
    loans: Sequence[tuple[str, tuple[int, ...]]],
    markets: Sequence[Market | Failure],
) -> ReadPlan[tuple[tuple[Any, ...], list[Problem]]]:
    """The second round: health, its parts and unknown tokens, for every loan at once."""
    readable = [market for market in markets if isinstance(market, Market)]
    tokens = TokenReads(
        request, [token for one in readable for token in (one.collateral, one.borrowed)]
    )
    asked = {one.controller: dict(_details(request, one)) for one in readable}
    calls = [call for details in asked.values() for call in details.values()]
    replies = yield [*calls, *tokens.calls()]
    accounts = []
    for (controller, state), market in zip(loans, markets, strict=True):
        if isinstance(market, Failure):
            accounts.append(unread_account(request, controller, market))
            continue
        parts = {name: replies[call] for name, call in asked[controller].items()}
        reading = Reading(
            market,
            state,
            parts,
            tokens.asset(market.collateral, replies),
            tokens.asset(market.borrowed, replies),
        )
        accounts.append(build_account(request, reading))
    return tuple(accounts), tokens.problems(replies, VENUE)


def _details(request: ReadRequest, market: Market) -> Iterator[tuple[str, Call[Any]]]:
    controller, amm, owner = market.controller, market.amm, request.owner
    yield "health", _CONTROLLER.one(controller, "health", owner, True)
    yield "discount", _CONTROLLER.uint(controller, "liquidation_discounts", owner)
    yield "prices", _CONTROLLER.one(controller, "user_prices", owner)
    yield "price", _AMM.uint(amm, "price_oracle")
    yield "active_band", _AMM.one(amm, "active_band")
    yield "bands", _AMM.one(amm, "read_user_tick_numbers", owner)
    yield "x_down", _AMM.uint(amm, "get_x_down", owner)
    yield "sum_xy", _AMM.one(amm, "get_sum_xy", owner)


def _unread(failure: Failure, what: str, account: str = "") -> Problem:
    """Something without which a loan may be missing from the answer."""
    named = Failure(failure.reason, failure.code, f"{what}: {failure.detail}"[:200])
    return Problem.of(named, venue=VENUE, account=account, action="read again, or elsewhere")
