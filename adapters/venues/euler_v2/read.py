"""What to read for an owner on Euler v2: 256 sub-accounts, then those with anything enabled.

Round 1 asks the EVC for the controllers and collaterals of every sub-account (the owner's address
with its last byte XORed by 0..255), and already reads the accounts seen last time. Accounts found
only now, or changed, are read in a round of their own. The last round quotes balances and debts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from ....core.book.model import MarginAccount
from ....core.errors import Failure, InputError, Problem, Reason
from ...address import checksum_address
from ...base import Price, ReadRequest, VenueSnapshot
from ...chain.call import Call, Contract, Function, ReadPlan, Replies
from .account import build_account, unread_account
from .answers import VENUE
from .prices import usd_prices
from .reading import ZERO, AccountReading, Enabled

__all__ = ["SUB_ACCOUNTS", "read_snapshot"]

_EVC = Contract("euler_v2", "EVC")
SUB_ACCOUNTS = 256
# Beyond this many unreadable sub-accounts one entry stands for all of them.
_MOST_SINGLE = 16


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's accounts, every controller account an island of its own."""
    register = _Register(request)
    guesses = [AccountReading(request, enabled) for enabled in register.remembered()]
    replies = yield [*register.reads(), *_calls(guess.first() for guess in guesses)]
    for guess in guesses:
        guess.take(replies)
    found, failed = register.answered(replies)
    right = {guess.enabled: guess for guess in guesses}
    readings = [right.get(enabled) or AccountReading(request, enabled) for enabled in found]
    yield from _round([(each, each.first()) for each in readings if each.enabled not in right])
    register.remember(found)
    yield from _round([(each, each.second()) for each in readings])
    holder = register.holder(replies)
    accounts = [build_account(each, holder) for each in readings]
    return VenueSnapshot(
        accounts=tuple(
            [account for account in accounts if account is not None]
            + _unread(request, holder, failed)
        ),
        prices=_prices(readings),
        problems=register.problems(replies),
        enumeration="state",
        complete=not failed,
    )


def _round(asked: Sequence[tuple[AccountReading, list[Call[object]]]]) -> ReadPlan[None]:
    """One round of several accounts; none where there is nothing to ask."""
    calls = _calls(calls for _, calls in asked)
    replies = (yield calls) if calls else Replies({})
    for reading, _ in asked:
        reading.take(replies)


def _calls(batches: Iterable[Iterable[Call[object]]]) -> list[Call[object]]:
    """Every call once: accounts of one controller share its configuration."""
    return list(dict.fromkeys(call for batch in batches for call in batch))


class _Register:
    """The EVC's register of the owner's sub-accounts."""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._evc = request.deployment.contracts["evc"]
        self._deposits = _asked_vaults(request)
        base = int(request.owner, 16)
        self._accounts = _sub_accounts(base)
        self._owner = _EVC.address(self._evc, "getAccountOwner", request.owner)
        self._controllers = _lists(self._evc, "getControllers", base)
        self._collaterals = _lists(self._evc, "getCollaterals", base)

    def reads(self) -> list[Call[object]]:
        """Both lists of every sub-account, and the owner that the EVC knows them by."""
        return [self._owner, *self._controllers, *self._collaterals]

    def answered(self, replies: Replies) -> tuple[list[Enabled], list[tuple[int, Failure]]]:
        """The sub-accounts with anything enabled, and those that could not be read."""
        found: list[Enabled] = []
        failed: list[tuple[int, Failure]] = []
        for index, account in enumerate(self._accounts):
            controllers = replies[self._controllers[index]]
            collaterals = replies[self._collaterals[index]]
            if isinstance(controllers, Failure):
                failed.append((index, controllers))
            elif isinstance(collaterals, Failure):
                failed.append((index, collaterals))
            elif len(controllers) > 1:
                failed.append((index, _transient(account)))
            elif controllers or collaterals or (index == 0 and self._deposits):
                found.append(self._enabled(index, account, controllers, collaterals))
        return found, failed

    def holder(self, replies: Replies) -> str:
        """The owner as the EVC knows it; before its first use, the address that was asked for."""
        owner = replies[self._owner]
        unknown = isinstance(owner, Failure) or owner == ZERO
        return checksum_address(self._request.owner if unknown else str(owner))

    def problems(self, replies: Replies) -> tuple[Problem, ...]:
        """The owner's own name, where it could not be read: the accounts are the same without."""
        owner = replies[self._owner]
        if not isinstance(owner, Failure):
            return ()
        action = "read again; the holder shown is the address that was asked for"
        return (Problem.of(owner, venue=VENUE, action=action),)

    def remembered(self) -> Sequence[Enabled]:
        """The accounts of the last answer: likely the same now, and checked against the register."""
        known = self._request.facts.get(self._request.deployment.chain_id, self._evc, self._hint)
        return known or ()

    def remember(self, found: Sequence[Enabled]) -> None:
        """Keep which accounts there are, so that the next answer reads them at once."""
        chain = self._request.deployment.chain_id
        self._request.facts.put(chain, self._evc, self._hint, tuple(found))

    @property
    def _hint(self) -> str:
        return f"accounts of {self._request.owner.lower()} {' '.join(self._deposits)}"

    def _enabled(
        self, index: int, account: str, controllers: tuple[str, ...], collaterals: tuple[str, ...]
    ) -> Enabled:
        deposits = tuple(vault for vault in self._deposits if vault not in collaterals)
        return Enabled(account, index, controllers, collaterals, deposits)


def _sub_accounts(owner: int) -> list[str]:
    """The owner's 256 accounts, by their number."""
    return [f"0x{owner ^ index:040x}" for index in range(SUB_ACCOUNTS)]


class _ListCall(Call[tuple[str, ...]]):
    """A call for one list of the EVC. Nearly all are empty: equal answers are decoded once."""

    def decode(self, returned: bytes) -> tuple[str, ...] | Failure:
        """The addresses, lower case."""
        return _decoded(self.function, returned)


@lru_cache(maxsize=1024)
def _decoded(function: Function, returned: bytes) -> tuple[str, ...] | Failure:
    return Call("", b"", function, lambda out: _lower(out[0])).decode(returned)


@lru_cache(maxsize=256)
def _lists(evc: str, name: str, owner: int) -> tuple[_ListCall, ...]:
    """One list of the EVC for each of the owner's accounts; encoded once, asked every block."""
    calls = [_EVC.one(evc, name, account) for account in _sub_accounts(owner)]
    return tuple(_ListCall(call.target, call.data, call.function, call.read) for call in calls)


def _lower(addresses: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(address).lower() for address in addresses)


def _asked_vaults(request: ReadRequest) -> tuple[str, ...]:
    """The option ``vaults``: deposits that the EVC does not list, because nothing enabled them."""
    vaults = request.options.get("vaults", ())
    if isinstance(vaults, str) or not isinstance(vaults, Sequence):
        raise InputError("vaults: expected a list of vault addresses", field="vaults")
    checked = [checksum_address(str(vault), field="vaults").lower() for vault in vaults]
    return tuple(dict.fromkeys(checked))


def _transient(account: str) -> Failure:
    """Only inside a batch can an account have two controllers; no view answers for it."""
    return Failure(Reason.MODE_UNKNOWN, "several_controllers", f"{account} has two controllers")


def _unread(
    request: ReadRequest, holder: str, failed: Sequence[tuple[int, Failure]]
) -> list[MarginAccount]:
    """An unknown account per sub-account that could not be read; one for all where they are many."""
    if len(failed) > _MOST_SINGLE:
        index, failure = failed[0]
        return [unread_account(request, holder, index, failure, len(failed))]
    return [unread_account(request, holder, index, failure, 1) for index, failure in failed]


def _prices(readings: Sequence[AccountReading]) -> tuple[Price, ...]:
    """The USD prices of the vaults that count in USD, each asset once."""
    prices: dict[str, Price] = {}
    for reading in readings:
        for price in usd_prices(reading):
            prices.setdefault(price.asset.key, price)
    return tuple(prices.values())
