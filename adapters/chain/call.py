"""A read is a value: what to ask, and how to decode the answer. A batch is a list of them.

An adapter yields reads and gets ``Replies`` back; it never touches a socket. Decoding happens when
a reply is looked up, so a garbage answer becomes a ``Failure`` at the place that needed it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Generic, TypeVar, cast

from eth_abi import abi as eth_abi
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak

from ...contracts_abi import load
from ...core.errors import Failure, Reason

__all__ = [
    "Call",
    "Contract",
    "Function",
    "Log",
    "LogQuery",
    "RawReply",
    "Read",
    "ReadPlan",
    "Replies",
    "StorageQuery",
    "selector",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@cache
def selector(signature: str) -> bytes:
    """The first four bytes of the Keccak-256 of a function signature."""
    return keccak(signature.encode())[:4]


@dataclass(frozen=True, slots=True)
class Function:
    """One contract function: canonical signature, input types and output types."""

    signature: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def encode(self, args: Sequence[object]) -> bytes:
        """The calldata of a call with these arguments."""
        return selector(self.signature) + eth_abi.encode(self.inputs, args)


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """``function(args)`` at ``target``, decoded by ``read`` from the tuple of its outputs.

    Two calls with the same target and data are the same read, whatever decodes them. ``target`` is
    a lower-case 0x address. A call that ``changes_state`` where it succeeds is a simulation: it is
    never put into an aggregate, where later calls would see what it did. A call ``at_head`` is one
    that nodes answer at their latest block only: it is sent alone and at that block, whatever block
    was pinned, so its answer must say which block it is of.
    """

    target: str
    data: bytes
    function: Function = field(compare=False)
    read: Callable[[tuple[Any, ...]], T_co] = field(compare=False)
    changes_state: bool = field(default=False, compare=False)
    at_head: bool = field(default=False, compare=False)

    @property
    def is_sent_alone(self) -> bool:
        """Whether no aggregate may hold it."""
        return self.changes_state or self.at_head

    def decode(self, returned: bytes) -> T_co | Failure:
        """The decoded value, or ``bad_return_data`` where the bytes do not fit the ABI."""
        try:
            outputs = eth_abi.decode(self.function.outputs, returned)
            return self.read(outputs)
        except (DecodingError, OverflowError, ValueError, IndexError) as error:
            detail = f"{self.function.signature} returned {len(returned)} bytes: {error}"
            return Failure(Reason.BAD_RETURN_DATA, "bad_shape", detail[:200])


class Contract:
    """The functions of one ABI fragment, called as ``contract.call(target, name, *args)``."""

    def __init__(self, venue: str, contract: str) -> None:
        self._functions = {name: Function(*parts) for name, parts in load(venue, contract).items()}

    def function(self, name: str) -> Function:
        """The function of that name."""
        return self._functions[name]

    def one(self, target: str, name: str, *args: object) -> Call[Any]:
        """A call whose value is its first (usually only) output."""
        return self._call(target, name, args, lambda outputs: outputs[0])

    def all(self, target: str, name: str, *args: object) -> Call[tuple[Any, ...]]:
        """A call whose value is the tuple of all its outputs."""
        return self._call(target, name, args, lambda outputs: outputs)

    def simulation(self, target: str, name: str, *args: object) -> Call[tuple[Any, ...]]:
        """A call of a function that changes state, of which only the outcome is wanted."""
        return replace(self.all(target, name, *args), changes_state=True)

    def uint(self, target: str, name: str, *args: object) -> Call[int]:
        """A call whose value is one integer."""
        return self._call(target, name, args, lambda outputs: int(outputs[0]))

    def address(self, target: str, name: str, *args: object) -> Call[str]:
        """A call whose value is one address, lower case."""
        return self._call(target, name, args, lambda outputs: str(outputs[0]).lower())

    def _call(
        self,
        target: str,
        name: str,
        args: tuple[object, ...],
        read: Callable[[tuple[Any, ...]], T],
    ) -> Call[T]:
        function = self._functions[name]
        return Call(target.lower(), function.encode(args), function, read)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The logs of one contract up to the pinned block. A topic None matches anything.

    Logs only discover; what they say is read again from state.
    """

    address: str
    topics: tuple[str | None, ...]
    from_block: int


@dataclass(frozen=True, slots=True)
class StorageQuery:
    """One word of a contract's storage: for what no function tells, a proxy's implementation."""

    address: str
    slot: int


@dataclass(frozen=True, slots=True)
class Log:
    """One event: its topics and data as 0x text, and the block it is in."""

    address: str
    topics: tuple[str, ...]
    data: str
    block_number: int


Read = Call[Any] | LogQuery | StorageQuery
RawReply = bytes | tuple[Log, ...] | Failure


class Replies:
    """The answers to one batch, looked up by the read that asked.

    Every read that was asked has an answer or a ``Failure``; asking for one that was not is a
    programming error (``KeyError``).
    """

    def __init__(self, raw: Mapping[Read, RawReply]) -> None:
        self._raw = raw

    def __getitem__(self, call: Call[T]) -> T | Failure:
        returned = self._raw[call]
        if isinstance(returned, Failure):
            return returned
        return call.decode(cast(bytes, returned))

    def raw(self, read: Read) -> RawReply:
        """The reply as it came, not decoded: what recordings keep."""
        return self._raw[read]

    def logs(self, query: LogQuery) -> tuple[Log, ...] | Failure:
        """The logs that the query found."""
        found = self._raw[query]
        return found if isinstance(found, Failure) else cast("tuple[Log, ...]", found)

    def word(self, query: StorageQuery) -> int | Failure:
        """The storage word as an integer; ``bad_return_data`` where it is not 32 bytes."""
        found = self._raw[query]
        if isinstance(found, Failure):
            return found
        word = cast(bytes, found)
        if len(word) != 32:
            detail = f"a storage word of {query.address} has {len(word)} bytes"
            return Failure(Reason.BAD_RETURN_DATA, "bad_shape", detail)
        return int.from_bytes(word, "big")

    def failures(self, calls: Iterable[Call[Any]]) -> list[tuple[Call[Any], Failure]]:
        """The calls among these that failed or do not decode, with why."""
        checked = ((call, self[call]) for call in calls)
        return [(call, value) for call, value in checked if isinstance(value, Failure)]


# What an adapter's ``read`` is: it yields a batch, is sent its replies, and returns its result.
ReadPlan = Generator[Sequence[Read], Replies, T]
