"""The demo: the API over a bundled recording whose blocks advance, and one page that shows it.

The recording was read by the adapters from real Aave v3 and Morpho Blue contracts on a local
chain, over blocks in which ETH falls by 30% and recovers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.resources import as_file, files

from fastapi import FastAPI
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from ...adapters.chain.evidence import load_bundle
from ...adapters.chain.recorded import RecordedChain
from ..app import create_app
from ..evidence import reopen

__all__ = ["demo_app"]

_SECONDS_PER_BLOCK = 2.0
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def demo_app(seconds_per_block: float = _SECONDS_PER_BLOCK) -> tuple[FastAPI, str]:
    """The application over the bundled recording, and the address of its owner."""
    with as_file(files(__name__).joinpath("recording.json.gz")) as path:
        _, query, sources = reopen(load_bundle(path))
    chains = [chain for chain in sources.chains.values() if isinstance(chain, RecordedChain)]
    for chain in chains:
        chain.head = chain.blocks[0].number

    @asynccontextmanager
    async def advancing() -> AsyncIterator[None]:
        task = asyncio.create_task(_advance(chains, seconds_per_block))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    app = create_app(sources, recorded=True, background=advancing)
    _add_page(app, query.owners[0])
    return app, query.owners[0]


async def _advance(chains: list[RecordedChain], seconds_per_block: float) -> None:
    """Move every head one block on, and back to the first after the last, for ever."""
    step = 0
    while True:
        await asyncio.sleep(seconds_per_block)
        step += 1
        for chain in chains:
            chain.head = chain.blocks[step % len(chain.blocks)].number


def _add_page(app: FastAPI, owner: str) -> None:
    """The page at ``/``, its files, and whose book it shows."""
    root = files(__name__).joinpath("static")

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
        return FileResponse(str(root.joinpath("index.html")), headers=headers)

    @app.get("/demo/owner", include_in_schema=False)
    async def whose() -> dict[str, str]:
        return {"owner": owner}

    app.mount("/static", StaticFiles(directory=str(root)), name="static")
