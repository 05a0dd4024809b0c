"""Opening what answers are read from: endpoints or a recording, adapters, deployments, tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..adapters.chain.client import Chain, RpcChain
from ..adapters.chain.transport import HttpTransport
from ..adapters.deployments import load_deployments
from ..adapters.facts import Facts
from ..adapters.registry import Registry, installed_adapters
from ..adapters.tokens import bundled_tokens
from ..core.errors import ChainError
from .chains import chain_id_of
from .reading import Sources

__all__ = ["endpoints", "open_chains", "open_sources"]


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
    else:
        places = list(load_deployments(deployments))
    return Sources(chains, known.adapters, places, bundled_tokens(), Facts(), known.problems)
