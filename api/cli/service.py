"""Commands that run a server: ``serve`` and ``demo``."""

from __future__ import annotations

import ipaddress
import os
import webbrowser
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from ...core.errors import InputError
from ..app import create_app
from ..demo import demo_app
from ..sources import open_chains, open_sources
from .options import DeploymentsFile, Rpc
from .output import note

__all__ = ["COMMANDS"]

Port = Annotated[int, typer.Option(min=0, max=65535, help="The TCP port; 0 picks a free one.")]


def serve(
    rpc: Rpc = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Port = 8787,
    deployments: DeploymentsFile = None,
) -> int:
    """Serve the HTTP API over the given endpoints."""
    if not _is_loopback(host):
        raise InputError(
            f"{host} is not a loopback address: keys are not supported yet, so the API listens on "
            "loopback only; put an authenticating proxy in front of it",
            field="host",
        )
    sources = open_sources(open_chains(rpc or ()), deployments=deployments)
    return _run(create_app(sources), host, port)


def demo(
    port: Port = 8787,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> int:
    """Serve the bundled recording, its blocks advancing: no network, no node."""
    app, owner = demo_app()
    where = f"http://127.0.0.1:{port}"
    note(f"demo owner {owner}\npage {where}/\napi  {where}/v1/accounts/{owner}/health")
    if not (no_browser or os.environ.get("CI")):
        webbrowser.open(where)
    return _run(app, "127.0.0.1", port)


COMMANDS = (serve, demo)


def _run(app: FastAPI, host: str, port: int) -> int:
    uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False)
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
