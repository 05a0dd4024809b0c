"""What to read for an owner: subaccounts by Matching and by NFT, then everything each one needs.

Cold, the rounds are as many as facts hang on each other: whose, what, which manager, which feeds.
Warm, everything that the last answer asked is asked at once, and one round is enough unless
something new is held.
"""

from __future__ import annotations

from collections.abc import Iterator

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Contract, ReadPlan
from .account import build_account, is_the_owners, spot_prices
from .discover import given_subaccounts, queries, subaccounts_in_logs
from .questions import Questions
from .rule import VENUE
from .subaccount import SubaccountReading, read_subaccount

__all__ = ["read_snapshot"]

_SUBACCOUNTS = Contract("derive_v2", "SubAccounts")


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's subaccounts."""
    given = given_subaccounts(request)
    ask = Questions(request)
    scans = queries(request) if given is None else ()
    replies = yield from ask.start(scans)
    numbers: tuple[int, ...] | Failure = given or ()
    if scans and replies is not None:
        numbers = subaccounts_in_logs(*scans, replies)
    listed = () if isinstance(numbers, Failure) else numbers
    while True:
        readings = [read_subaccount(request, ask, number) for number in listed]
        direct = ask.get(
            _SUBACCOUNTS.uint(
                request.deployment.contracts["sub_accounts"], "balanceOf", request.owner
            )
        )
        if not (yield from ask.ask()):
            break
    kept = [each for each in readings if is_the_owners(request, each) is not False]
    problems = [*_incomplete(request, numbers, direct, kept), *_others(request, readings, given)]
    problems += _failed(ask)
    accounts = [account for each in kept if (account := build_account(request, each))]
    return VenueSnapshot(
        accounts=tuple(accounts),
        prices=tuple(
            {
                price.asset.key: price for each in kept for price in spot_prices(request, each)
            }.values()
        ),
        problems=tuple(dict.fromkeys(problems)),
        enumeration="logs" if given is None else "list",
        complete=not any(problem.reason is Reason.POSITIONS_INCOMPLETE for problem in problems),
    )


def _incomplete(
    request: ReadRequest,
    numbers: tuple[int, ...] | Failure,
    direct: int | Failure,
    kept: list[SubaccountReading],
) -> Iterator[Problem]:
    """Subaccounts that may be missing from the answer."""
    action = "give the subaccount ids, or use an endpoint that serves logs"
    if isinstance(numbers, Failure):
        code, detail = numbers.code or numbers.reason.value, numbers.detail
        yield _missing(code, detail or "the log scan failed", action)
    if isinstance(direct, Failure):
        yield _missing(direct.code or direct.reason.value, direct.detail, action)
        return
    owned = sum(each.held_by == request.owner.lower() for each in kept)
    if direct > owned:
        detail = f"the owner holds {direct} subaccount NFTs, {owned} of them were looked at"
        yield _missing("unlisted_nft", detail, action)


def _missing(code: str, detail: str, action: str) -> Problem:
    return Problem(
        Severity.READ, Reason.POSITIONS_INCOMPLETE, code, VENUE, detail=detail, action=action
    )


def _others(
    request: ReadRequest, readings: list[SubaccountReading], given: tuple[int, ...] | None
) -> Iterator[Problem]:
    """Notes about listed ids that are another's."""
    for each in readings if given is not None else ():
        if is_the_owners(request, each) is False:
            yield Problem(
                Severity.NOTE,
                Reason.NOT_SUPPORTED,
                "not_the_owner",
                VENUE,
                str(each.number),
                detail="the subaccount is another's, or does not exist",
                action="check the id",
            )


def _failed(ask: Questions) -> list[Problem]:
    """Every failed read, named; those that an account's verdict needs are in the account too."""
    causes = sorted(set(ask.failures()), key=str)
    return [Problem.of(cause, venue=VENUE, severity=Severity.NOTE) for cause in causes]
