"""Opening what answers are read from: endpoints or a recording, adapters, deployments, tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..adapters.base import Adapter, Deployment
from ..adapters.chain.client import Chain, RpcChain
from ..adapters.chain.transport import HttpTransport
from ..adapters.deployments import load_deployments
from ..adapters.facts import Facts
from ..adapters.holders import HOLDERS, bundled_directories
from ..adapters.registry import Registry, installed_adapters
from ..adapters.tokens import TokenRegistry, bundled_tokens
from ..core.book.model import Asset
from ..core.errors import ChainError, Problem
from .chains import chain_id_of

__all__ = ["Sources", "endpoints", "open_chains", "open_sources"]

_USD_VENUE = "aave-v3"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where answers come from: one ``Chain`` per CAIP-2 id, the adapters, and where they run."""

    chains: Mapping[str, Chain]
    adapters: Mapping[str, Adapter]
    deployments: Sequence[Deployment]
    tokens: TokenRegistry
    facts: Facts
    problems: tuple[Problem, ...] = ()  # adapters that could not be loaded
    added_tokens: tuple[Asset, ...] = ()  # what the caller added to the bundled registry

    def with_tokens(self, added: tuple[Asset, ...]) -> Sources:
        """The same sources with these tokens added to the registry."""
        known = self.tokens.extended(added)
        return replace(self, tokens=known, added_tokens=(*self.added_tokens, *added))

    def on(self, chain_id: str, venues: Sequence[str]) -> Iterator[tuple[Adapter, Deployment]]:
        """The deployments on a chain, of the venues asked for (empty: of all)."""
        for deployment in self.deployments:
            wanted = not venues or deployment.venue in venues
            if wanted and deployment.chain_id == chain_id and deployment.venue in self.adapters:
                yield self.adapters[deployment.venue], deployment

    def directory(self, chain_id: str) -> Deployment | None:
        """Where the chain registers names and proxies, if it does."""
        found = (each for each in self.deployments if each.venue == HOLDERS)
        return next((each for each in found if each.chain_id == chain_id), None)

    def is_public(self, chain_id: str) -> bool:
        """Whether the chain is one that deployments are shipped for and that they are read on."""
        shipped = [
            (each.venue, each.market, dict(each.contracts))
            for adapter in self.adapters.values()
            for each in adapter.deployments()
            if each.chain_id == chain_id
        ]
        return any(
            (each.venue, each.market, dict(each.contracts)) in shipped
            for each in self.deployments
            if each.chain_id == chain_id
        )

    def usd_reference(self, chain_id: str) -> Deployment | None:
        """The deployment whose oracle prices the unified market: the chain's first Aave v3."""
        candidates = (each for each in self.deployments if each.venue == _USD_VENUE)
        return next((each for each in candidates if each.chain_id == chain_id), None)


def endpoints(given: Iterable[str]) -> dict[str, list[str]]:
    """``CHAIN=URL`` texts as URLs per CAIP-2 id, in the order given (the failover order)."""
    urls: dict[str, list[str]] = {}
    for text in given:
        name, separator, url = text.partition("=")
        if not separator or not url.startswith(("http://", "https://")):
            raise ChainError(
                "--rpc takes CHAIN=URL with an http or https URL, for instance "
                "ethereum=https://host/key",
                field="rpc",
            )
        urls.setdefault(chain_id_of(name, field="rpc"), []).append(url)
    return urls


def open_chains(given: Iterable[str]) -> dict[str, Chain]:
    """One chain per id, reading from its endpoints in order."""
    return {
        chain_id: RpcChain(chain_id, [HttpTransport(url) for url in urls])
        for chain_id, urls in endpoints(given).items()
    }


def open_sources(
    chains: Mapping[str, Chain],
    *,
    deployments: Path | None = None,
    registry: Registry | None = None,
) -> Sources:
    """The sources over these chains. A deployments file replaces the bundled deployments."""
    known = installed_adapters() if registry is None else registry
    if deployments is None:
        places = [place for each in known.adapters.values() for place in each.deployments()]
        places += bundled_directories()
    else:
        places = list(load_deployments(deployments))
    return Sources(chains, known.adapters, places, bundled_tokens(), Facts(), known.problems)
