"""The HTTP API: one FastAPI application over given sources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .problems import install_problem_handlers
from .reading import Sources
from .routes import accounts, documents, service
from .schemas import components
from .version import version

__all__ = ["create_app"]


def create_app(
    sources: Sources,
    *,
    recorded: bool = False,
    background: Callable[[], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """The application. ``recorded`` says that the chains are recordings, whose heads have no age.

    ``background`` runs while the application does (the demo's advancing blocks). The chains are
    closed when the application stops.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            if background is None:
                yield
            else:
                async with background():
                    yield
        finally:
            for chain in sources.chains.values():
                await chain.aclose()

    app = FastAPI(
        title="crossmargin",
        version=version(),
        summary="One margin and one honest health factor for a DeFi book.",
        lifespan=lifespan,
        redoc_url=None,
        docs_url=None,
    )
    app.openapi = lambda: _description(app)  # type: ignore[method-assign]
    app.state.sources = sources
    app.state.recorded = recorded
    install_problem_handlers(app)
    for router in (accounts.router, documents.router, service.router):
        app.include_router(router)
    return app


def _description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, made once: the routes, and the schemas of documents and answers."""
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes
        )
        app.openapi_schema.setdefault("components", {}).setdefault("schemas", {}).update(
            components()
        )
    return app.openapi_schema
