"""How one request reaches one endpoint: a protocol with one method, and HTTP under it.

The HTTP reader trusts nothing: one absolute deadline that covers the body, a cap on the body while
it streams, no compression (a bomb would cost its full size), no redirects, no environment proxies.
Its exceptions are built outside of ``except`` blocks, so that no chained exception of the HTTP
library, whose texts and attributes hold the URL with its key, travels with them.
"""

from __future__ import annotations

import asyncio
import email.utils
import itertools
import time
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp

from ...core.errors import InputError
from .jsonrpc import EndpointError, RefusedError, request_body, result_of
from .tester import EthTesterTransport

__all__ = ["EthTesterTransport", "HttpTransport", "Transport", "masked"]

_MAX_BODY = 8 * 1024 * 1024
_MAX_CONNECTIONS = 64
_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Transport(Protocol):
    """One endpoint. ``supports_hash`` is learned: None until a pinned call answered or refused."""

    supports_hash: bool | None

    @property
    def name(self) -> str:
        """What messages call the endpoint; never a secret."""
        ...

    async def request(self, method: str, params: list[Any], deadline: float) -> Any:
        """The result; ``EndpointError`` or ``RefusedError``. ``deadline`` is a time of the event loop."""
        ...

    async def aclose(self) -> None:
        """Free the connections; idempotent."""
        ...


def masked(url: str) -> str:
    """The URL without what may be secret: user, password, path and query become ``***``."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port is not None else ""
    user = "***@" if parts.username or parts.password else ""
    rest = "/***" if parts.path.strip("/") or parts.query or parts.fragment else ""
    return f"{parts.scheme}://{user}{parts.hostname}{port}{rest}"


class HttpTransport:
    """JSON-RPC over HTTP(S) POST. ``InputError`` if the text is not such a URL."""

    def __init__(self, url: str) -> None:
        name = _name_of(url)
        if name is None:
            raise InputError("an RPC endpoint is an http:// or https:// URL", field="rpc")
        self.name = name
        self.supports_hash: bool | None = None
        self._url = _Secret(url)
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"HttpTransport({self.name!r})"

    async def request(self, method: str, params: list[Any], deadline: float) -> Any:
        """See ``Transport``; a connection that the server had closed meanwhile is tried once more."""
        identity = next(self._ids)
        outcome = await self._post(request_body(identity, method, params), deadline)
        if isinstance(outcome, EndpointError) and outcome.code == "disconnected":
            outcome = await self._post(request_body(identity, method, params), deadline)
        if isinstance(outcome, EndpointError):
            raise outcome
        status, body = outcome
        if status == 200:
            return result_of(body, identity)
        raise _http_error(status, body, identity)

    async def _post(self, body: bytes, deadline: float) -> tuple[int, bytes] | EndpointError:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._exchange(body)
        except TimeoutError:
            code = "timeout"
        except aiohttp.ServerDisconnectedError:
            code = "disconnected"
        except aiohttp.ClientConnectorError:
            code = "connect"
        except (aiohttp.ClientError, OSError, ValueError):
            code = "transport"
        return EndpointError(code)

    async def _exchange(self, body: bytes) -> tuple[int, bytes] | EndpointError:
        if self._session is None:
            self._session = _open_session()
        async with self._session.post(
            self._url.reveal(), data=body, headers=_HEADERS, allow_redirects=False
        ) as response:
            if response.status == 429 or response.status >= 500 or response.status < 200:
                wait = _seconds(response.headers.get("Retry-After"))
                limited = response.status == 429 or (response.status == 503 and wait is not None)
                code = "rate_limited" if limited else f"http_{response.status}"
                return EndpointError(code, retry_after=wait)
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                return EndpointError("compressed")
            received = bytearray()
            async for piece in response.content.iter_any():
                received += piece
                if len(received) > _MAX_BODY:
                    return EndpointError("too_large")
            return response.status, bytes(received)

    async def aclose(self) -> None:
        """See ``Transport``."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class _Secret:
    """A text that prints as ``***``."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "***"

    def reveal(self) -> str:
        return self._text


def _open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )


def _name_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        return masked(url) if usable else None
    except ValueError:  # a port that is no number, a broken IPv6 literal
        return None


def _http_error(status: int, body: bytes, identity: int) -> EndpointError | RefusedError:
    """What a 2xx other than 200, 3xx or 4xx means: some nodes send their JSON-RPC errors so."""
    try:
        result_of(body, identity)
    except RefusedError as refusal:
        if status not in (401, 403, 404):
            return RefusedError(refusal.number, refusal.kind, refusal.data)
    except EndpointError as fault:
        if fault.code == "rate_limited":
            return EndpointError("rate_limited")
    return EndpointError(f"http_{status}")


def _seconds(retry_after: str | None) -> float | None:
    """The wait that a Retry-After header asks for: seconds or an HTTP date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
