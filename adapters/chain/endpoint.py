"""One endpoint and what is known of it: its chain, whether it pins by hash, when it may be asked.

Every request goes through ``Endpoint.request``, so that a fault makes the endpoint rest wherever it
happened. A rate limit is obeyed (nothing is sent before it ends); after other faults the endpoint
is only put behind the others.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ...core.book.portfolio import BlockRef
from ...core.errors import Failure, Reason
from .jsonrpc import EndpointError, Kind, RefusedError
from .pin import quantity
from .transport import Transport

__all__ = ["Endpoint", "bytes_of", "unavailable"]

_MAX_REST = 30.0
_VERIFY_EVERY = 60.0
_NO_CALL = {"to": "0x" + "00" * 20, "data": "0x"}
_NO_BLOCK = "0x" + "de" * 32
_WORD = 32  # bytes
_AT_ONCE = 32  # requests in flight; the others wait, and are not sent if a rate limit arrives

# The answer was too big or the request was: asking for less is the remedy, not resting.
_ABOUT_SIZE = {"too_large", "http_413"}


def unavailable(name: str, error: EndpointError | RefusedError) -> Failure:
    """The failure of a read that this endpoint could not serve; another one may."""
    code = error.code if isinstance(error, EndpointError) else str(error.kind)
    changed = code in (Kind.UNKNOWN_BLOCK, "bad_header", "reorged")
    reason = Reason.RPC_INCONSISTENT if changed else Reason.RPC_UNAVAILABLE
    return Failure(reason, code, f"{name}: {code}")


def bytes_of(result: object) -> bytes:
    """The bytes of a 0x text; ``EndpointError`` if it is none."""
    if isinstance(result, str) and result.startswith("0x") and result.isascii():
        try:
            return bytes.fromhex(result[2:])
        except ValueError:
            raise EndpointError("bad_shape") from None
    raise EndpointError("bad_shape")


class Endpoint:
    """A transport, with its state. ``log_span`` is the widest log range it is known to serve."""

    def __init__(self, transport: Transport, chain_id: str) -> None:
        self.transport = transport
        self.chain_id = chain_id
        self.log_span: int | None = None
        self.rests_until = 0.0
        self.resting_for = ""
        self._strikes = 0
        self._verified_at: float | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def name(self) -> str:
        """The transport's masked name."""
        return self.transport.name

    def may_be_asked(self, now: float) -> bool:
        """False while it must not be contacted: a rate limit, or it serves another chain."""
        return now >= self.rests_until or self.resting_for not in ("rate_limited", "invalid_chain")

    async def request(self, method: str, params: list[Any], deadline: float) -> Any:
        """The result; ``EndpointError`` or ``RefusedError``, noted."""
        if not await self._slot(deadline):
            raise EndpointError("timeout")
        try:
            return await self._ask(method, params, deadline)
        finally:
            self._slots.release()

    async def _slot(self, deadline: float) -> bool:
        """Wait for a free slot; False if the deadline comes first."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._slots.acquire()
        except TimeoutError:
            return False

    async def _ask(self, method: str, params: list[Any], deadline: float) -> Any:
        if not self.may_be_asked(asyncio.get_running_loop().time()):
            raise EndpointError(self.resting_for)
        try:
            result = await self.transport.request(method, params, deadline)
        except EndpointError as fault:
            self._note(fault, asyncio.get_running_loop().time())
            raise
        self._strikes = 0
        return result

    def _note(self, fault: EndpointError, now: float) -> None:
        """Rest after a fault: as told, or longer with every fault in a row; at most 30 s."""
        if fault.code in _ABOUT_SIZE:
            return
        if fault.code == "rate_limited":
            wait = 1.0 if fault.retry_after is None else fault.retry_after
        elif now < self.rests_until:
            return  # the requests that were in flight together are one strike
        else:
            self._strikes += 1
            wait = 0.5 * 2 ** min(self._strikes - 1, 6)
        self.rests_until = max(self.rests_until, now + min(wait, _MAX_REST))
        self.resting_for = fault.code

    async def verify(self, deadline: float) -> None:
        """Check, once a minute, that it serves this chain and that it serves calls.

        ``EndpointError`` ``invalid_chain`` if it is another chain; whatever ``eth_call`` gives if
        that is refused, for a node may give headers and yet no calls.
        """
        now = asyncio.get_running_loop().time()
        if self._verified_at is not None and now - self._verified_at < _VERIFY_EVERY:
            return
        result, _ = await asyncio.gather(
            self.request("eth_chainId", [], deadline), self._probe(deadline)
        )
        if f"eip155:{quantity(result)}" != self.chain_id:
            self._verified_at = None
            self.rests_until, self.resting_for = now + _VERIFY_EVERY, "invalid_chain"
            raise EndpointError("invalid_chain")
        self._verified_at = now

    async def _probe(self, deadline: float) -> None:
        """Call at a block that cannot exist: a node that answers does not look at the hash."""
        if self.transport.supports_hash is False:
            return
        try:
            await self.request("eth_call", [_NO_CALL, _pinned(_NO_BLOCK)], deadline)
        except RefusedError as refusal:
            if refusal.kind is Kind.METHOD_REFUSED:
                raise
            if refusal.kind is Kind.INVALID_PARAMS and self.transport.supports_hash is None:
                self.transport.supports_hash = False
        else:
            self.transport.supports_hash = False

    async def header(self, method: str, selector: str, deadline: float) -> Any:
        """The header that a block-reading method gives, null if there is no such block."""
        return await self.request(method, [selector, False], deadline)

    async def call(
        self, target: str, data: bytes, block: BlockRef | None, deadline: float
    ) -> bytes:
        """The bytes that an ``eth_call`` returns at the block; None is the endpoint's latest."""
        message = {"to": target, "data": "0x" + data.hex()}
        if block is None:
            return bytes_of(await self.request("eth_call", [message, "latest"], deadline))
        return await self._at("eth_call", [message], block, deadline)

    async def storage(self, address: str, slot: int, block: BlockRef, deadline: float) -> bytes:
        """The 32 bytes of a storage word at the block."""
        word = await self._at("eth_getStorageAt", [address, f"{slot:#066x}"], block, deadline)
        if len(word) > _WORD:
            raise EndpointError("bad_shape")
        return word.rjust(_WORD, b"\0")

    async def _at(self, method: str, params: list[Any], block: BlockRef, deadline: float) -> bytes:
        """What a state-reading method returns at the block: by hash, else by number.

        A node that refuses the hash object as a parameter, and then answers by number, has no
        EIP-1898; that is remembered in the transport.
        """
        if block.hash and self.transport.supports_hash is not False:
            try:
                result = await self.request(method, [*params, _pinned(block.hash)], deadline)
            except RefusedError as refusal:
                if self.transport.supports_hash or refusal.kind is not Kind.INVALID_PARAMS:
                    raise
            else:
                # Once a call went by number it stays False: the block's header must be checked.
                if self.transport.supports_hash is None:
                    self.transport.supports_hash = True
                return bytes_of(result)
        result = await self.request(method, [*params, hex(block.number)], deadline)
        self.transport.supports_hash = False
        return bytes_of(result)

    def failed(self, error: EndpointError | RefusedError) -> Failure:
        """What an error of this endpoint is, as the value of a read."""
        return unavailable(self.name, error)


def _pinned(block_hash: str) -> dict[str, object]:
    """A block parameter of EIP-1898 that must be on the canonical chain."""
    return {"blockHash": block_hash, "requireCanonical": True}
