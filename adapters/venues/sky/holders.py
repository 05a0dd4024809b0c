"""Who holds the owner's vaults, and which they are: the manager's own lists, so nothing is missed.

A vault of the manager belongs to an address or to the owner's proxy (DSProxy). The registry keeps a
proxy under the address it was built for even when the proxy was given away, so its owner is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest
from ...chain.call import Call, Contract, Replies
from .rule import VENUE

__all__ = ["Holders", "Vault"]

_GET_CDPS = Contract("sky", "GetCdps")
_REGISTRY, _PROXY = Contract("sky", "ProxyRegistry"), Contract("sky", "Proxy")
_ZERO = "0x" + "00" * 20


@dataclass(frozen=True, slots=True)
class Vault:
    """A vault of the manager: who holds it, its number, its urn and its collateral type."""

    holder: str
    cdp: int
    urn: str
    ilk: bytes

    @property
    def ilk_name(self) -> str:
        """The type's name as text; as hex where it is none, for anybody can open such a vault."""
        text = self.ilk.rstrip(b"\0")
        readable = text.isascii() and text.decode("ascii").isprintable() and text
        return text.decode("ascii") if readable else f"0x{self.ilk.hex()}"

    @property
    def id(self) -> str:
        """The account's id."""
        return f"{self.ilk_name}/{self.cdp}"


class Holders:
    """The owner and the owner's proxy, and the vaults that the manager lists for each."""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._registry = request.deployment.contracts["proxy_registry"]
        self._fact = f"proxy:{request.owner.lower()}"
        chain = request.deployment.chain_id
        self._known: str | None = request.facts.get(chain, self._registry, self._fact)
        self._where = _REGISTRY.address(self._registry, "proxies", request.owner)
        self._proxy: str | Failure = _ZERO
        self._proxy_owner: str | Failure = request.owner.lower()
        self._found: dict[str, list[Vault] | Failure] = {}
        self._unneeded: Failure | None = None

    def reads(self) -> list[Call[Any]]:
        """The first round: a proxy that was known before is asked at once."""
        known = self._proxy_calls(self._known) if self._known else ()
        return [self._where, self._listing(self._request.owner), *known]

    def learn(self, replies: Replies) -> None:
        """Take the first round's answers."""
        request = self._request
        listed = replies[self._listing(request.owner)]
        self._found[request.owner.lower()] = _vaults(request.owner, listed)
        self._proxy = replies[self._where]
        if isinstance(self._proxy, Failure) or self._proxy == _ZERO:
            return
        # A hint of whom to ask in the first round; the registry is asked again every time.
        request.facts.put(request.deployment.chain_id, self._registry, self._fact, self._proxy)
        if self._proxy == self._known:
            self.learn_proxy(replies)

    def proxy_reads(self) -> list[Call[Any]]:
        """The round that a proxy costs which was not asked in the first; empty without one."""
        proxy = self._proxy
        asked = isinstance(proxy, Failure) or proxy == _ZERO or proxy in self._found
        return [] if asked else list(self._proxy_calls(str(proxy)))

    def learn_proxy(self, replies: Replies) -> None:
        """Take the proxy's vaults, unless it belongs to somebody else by now."""
        proxy = str(self._proxy)
        owner, listed = self._proxy_calls(proxy)
        self._proxy_owner = replies[owner]
        known = isinstance(self._proxy_owner, str)
        other = known and self._proxy_owner != self._request.owner.lower()
        found = _vaults(proxy, replies[listed])
        self._found[proxy] = [] if other else found
        self._unneeded = found if other and isinstance(found, Failure) else None

    def vaults(self) -> list[Vault]:
        """Every vault found."""
        lists = [found for found in self._found.values() if not isinstance(found, Failure)]
        return [vault for found in lists for vault in found]

    def complete(self) -> bool:
        """Whether every holder and every list was read."""
        return not any(isinstance(answer, Failure) for answer in self._answers())

    def problems(self) -> list[Problem]:
        """Every read that failed here: vaults may be missing, or not be the owner's."""
        failed = [_missing(answer) for answer in self._answers() if isinstance(answer, Failure)]
        spare = self._unneeded
        if spare is not None:
            failed.append(Problem.of(spare, venue=VENUE, severity=Severity.NOTE))
        return failed

    def _answers(self) -> Iterable[object]:
        return (self._proxy, self._proxy_owner, *self._found.values())

    def _listing(self, holder: str) -> Call[tuple[Any, ...]]:
        contracts = self._request.deployment.contracts
        return _GET_CDPS.all(contracts["get_cdps"], "getCdpsAsc", contracts["cdp_manager"], holder)

    def _proxy_calls(self, proxy: str) -> tuple[Call[str], Call[tuple[Any, ...]]]:
        return _PROXY.address(proxy, "owner"), self._listing(proxy)


def _vaults(holder: str, listed: tuple[Any, ...] | Failure) -> list[Vault] | Failure:
    """The vaults of a manager's list."""
    if isinstance(listed, Failure):
        return listed
    ids, urns, ilks = listed
    if not len(ids) == len(urns) == len(ilks):
        return Failure(Reason.BAD_RETURN_DATA, "bad_shape", "the manager's lists differ in length")
    rows = zip(ids, urns, ilks, strict=True)
    return [Vault(holder, int(cdp), str(urn).lower(), bytes(ilk)) for cdp, urn, ilk in rows]


def _missing(failure: Failure) -> Problem:
    return Problem(
        Severity.READ,
        Reason.POSITIONS_INCOMPLETE,
        failure.code or failure.reason.value,
        venue=VENUE,
        detail=failure.detail or "vaults may be missing",
        action="read again, or ask another endpoint",
    )
