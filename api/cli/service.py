"""Commands that run a server: ``serve`` and ``demo``."""

from __future__ import annotations

import ipaddress
import os
import socket
import webbrowser
from contextlib import suppress
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from ...core.errors import InputError
from ..app import create_app
from ..demo import demo_app
from ..exits import Exit
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
    with _listening(host, port) as listener:
        note(f"api  http://{host}:{listener.getsockname()[1]}/openapi.json")
        return _run(create_app(sources), listener)


def demo(
    port: Port = 8787,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> int:
    """Serve the bundled recording, its blocks advancing: no network, no node."""
    app, owner = demo_app()
    with _listening("127.0.0.1", port) as listener:
        where = f"http://127.0.0.1:{listener.getsockname()[1]}"
        note(f"demo owner {owner}\npage {where}/\napi  {where}/v1/accounts/{owner}/health")
        if not (no_browser or os.environ.get("CI")):
            webbrowser.open(where)
        return _run(app, listener)


COMMANDS = (serve, demo)


def _listening(host: str, port: int) -> socket.socket:
    """A listening socket; ``InputError`` where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"cannot listen on {host} port {port}: {error.strerror}; give another --port",
            field="port",
        ) from error


def _run(app: FastAPI, listener: socket.socket) -> int:
    """Serve until interrupted."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False))
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return int(Exit.OK)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
