"""Who holds an owner's positions: ENS names, DSProxies, and what kind of account an address is.

Three plans, run in lockstep with the venues of a chain. ``resolve_name`` asks the ENS registry for
the resolver of a name and the resolver for its address. ``find_proxy`` asks Maker's ProxyRegistry
and what the owner itself is; ``check_proxy`` asks the proxy who owns it now, because the registry
keeps a proxy that was given away. Facts only bring calls forward; every answer is asked for again.

Where the contracts are is a deployment like a venue's (``holders.toml``). Sources: EIP-137 (name
hash, ``resolver``, ``addr``), ENSIP-15 (which names are normalised), Maker's ``ProxyRegistry``,
Safe's ``OwnerManager``. Summer.fi accounts (DPM) are only in the logs of their factory: give them
as further owners.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from eth_hash.auto import keccak

from ..core.book.portfolio import BlockRef
from ..core.errors import Failure, Reason
from .base import Deployment
from .chain.call import Call, Contract, ReadPlan
from .deployments import parse_deployments
from .facts import Facts

__all__ = [
    "HOLDERS",
    "Identity",
    "bundled_directories",
    "check_proxy",
    "find_proxy",
    "known_name",
    "known_proxy",
    "looks_like_name",
    "resolve_name",
]

HOLDERS = "holders"  # the deployments' venue
_REGISTRY = Contract("holders", "EnsRegistry")
_RESOLVER = Contract("holders", "EnsResolver")
_PROXIES = Contract("holders", "ProxyRegistry")
_PROXY = Contract("holders", "Proxy")
_SAFE = Contract("holders", "Safe")
_NO_ADDRESS = "0x" + "0" * 40
_NAME_FACT, _PROXY_FACT = "ens", "proxy"

# ENSIP-15 for ASCII: lower case, an underscore only leads, no hyphens in places three and four.
_LABEL = re.compile(r"(?!..--)_*[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Identity:
    """What an address is on a chain, and the proxy that its registry names for it.

    ``kind`` is ``account``, ``contract`` or ``safe``; ``proxy`` is empty where there is none. Each
    is a failure where it could not be read.
    """

    kind: str | Failure
    proxy: str | Failure = ""


@cache
def bundled_directories() -> tuple[Deployment, ...]:
    """Where names and proxies are registered, as shipped."""
    text = files(__name__.rpartition(".")[0]).joinpath("holders.toml").read_text(encoding="utf-8")
    return parse_deployments(text, HOLDERS)


def looks_like_name(text: str) -> bool:
    """Whether the text is a normalised ASCII ENS name: lower-case labels joined by dots."""
    labels = text.split(".")
    return len(labels) >= 2 and len(text) <= 255 and all(map(_LABEL.fullmatch, labels))


def name_hash(name: str) -> bytes:
    """The ENS node of a name (EIP-137)."""
    node = bytes(32)
    for label in reversed(name.split(".")):
        node = keccak(node + keccak(label.encode()))
    return node


def known_name(directory: Deployment, name: str, facts: Facts) -> str | None:
    """The address that the name had when it was last resolved."""
    known = _resolved(directory, name, facts)
    return None if known is None else known[1]


def resolve_name(directory: Deployment, name: str, facts: Facts) -> ReadPlan[str | Failure]:
    """The address a name stands for, lower case: one round if its resolver is as before, else two.

    A name without resolver or address is a ``not_supported`` failure with code ``no_address``.
    """
    node, registry = name_hash(name), directory.contracts["ens_registry"]
    known = _resolved(directory, name, facts)
    where = _REGISTRY.address(registry, "resolver", node)
    ahead = [] if known is None else [_RESOLVER.address(known[0], "addr", node)]
    replies = yield [where, *ahead]
    resolver = replies[where]
    if isinstance(resolver, Failure):
        return resolver
    if resolver == _NO_ADDRESS:
        return _unnamed(name)
    asked = _RESOLVER.address(resolver, "addr", node)
    if asked not in ahead:
        replies = yield [asked]
    address = replies[asked]
    if isinstance(address, Failure):
        return address
    if address == _NO_ADDRESS:
        return _unnamed(name)
    facts.put(directory.chain_id, registry, f"{_NAME_FACT}:{name}", (resolver, address))
    return address


def known_proxy(chain_id: str, owner: str, facts: Facts) -> str:
    """The proxy that the registry named for the owner when it was last asked; empty for none."""
    proxy: str | None = facts.get(chain_id, owner, _PROXY_FACT)
    return proxy or ""


def find_proxy(
    block: BlockRef, directory: Deployment | None, owner: str, facts: Facts
) -> ReadPlan[Identity]:
    """What the owner is, and its proxy in the chain's registry, if it has one: one round."""
    owners: Call[Sequence[object]] = _SAFE.one(owner, "getOwners")
    registry = "" if directory is None else directory.contracts.get("proxy_registry", "")
    listed = _PROXIES.address(registry, "proxies", owner) if registry else None
    asked: list[Call[object]] = [owners] if listed is None else [listed, owners]
    replies = yield asked
    kind = _kind(replies[owners])
    if listed is None:
        return Identity(kind)
    proxy = replies[listed]
    if isinstance(proxy, Failure):
        return Identity(kind, proxy)
    found = "" if proxy == _NO_ADDRESS else proxy
    facts.put(block.chain_id, owner, _PROXY_FACT, found)
    return Identity(kind, found)


def check_proxy(proxy: str, owner: str) -> ReadPlan[bool | Failure]:
    """Whether the proxy belongs to the owner at the block: one round."""
    asked = _PROXY.address(proxy, "owner")
    replies = yield [asked]
    held_by = replies[asked]
    return held_by if isinstance(held_by, Failure) else held_by == owner.lower()


def _resolved(directory: Deployment, name: str, facts: Facts) -> tuple[str, str] | None:
    registry = directory.contracts["ens_registry"]
    known: tuple[str, str] | None = facts.get(directory.chain_id, registry, f"{_NAME_FACT}:{name}")
    return known


def _unnamed(name: str) -> Failure:
    return Failure(Reason.NOT_SUPPORTED, "no_address", f"{name} has no address in ENS")


def _kind(owners: Sequence[object] | Failure) -> str | Failure:
    """What answers ``getOwners()`` with a list is a Safe; no code answers with nothing at all."""
    if not isinstance(owners, Failure):
        return "safe" if owners else "contract"
    if owners.reason is Reason.BAD_RETURN_DATA and owners.code == "no_code":
        return "account"
    return "contract" if owners.reason is Reason.CALL_REVERTED else owners
