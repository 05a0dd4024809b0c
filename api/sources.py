"""Opening what answers are read from: endpoints or a recording, adapters, deployments, tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..adapters.base import Adapter, Deployment
from ..adapters.chain.client import Chain, RpcChain
from ..adapters.chain.transport import HttpTransport
from ..adapters.facts import Facts
from ..adapters.registry import installed_adapters, read_deployments
from ..adapters.tokens import bundled_tokens
from ..core.errors import ChainError, InputError
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
        urls.setdefault(chain_id_of(name), []).append(url)
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
    adapters: Mapping[str, Adapter] | None = None,
) -> Sources:
    """The sources over these chains. A deployments file replaces the bundled ones."""
    known = dict(installed_adapters() if adapters is None else adapters)
    places = _bundled(known) if deployments is None else _from_file(deployments)
    return Sources(chains, known, places, bundled_tokens(), Facts())


def _bundled(adapters: Mapping[str, Adapter]) -> list[Deployment]:
    return [place for adapter in adapters.values() for place in adapter.deployments()]


def _from_file(path: Path) -> Sequence[Deployment]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}", field="deployments") from error
    return read_deployments(text)
