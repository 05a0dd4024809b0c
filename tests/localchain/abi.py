"""Functions and artifacts of contracts: what to encode, what to decode, what to deploy.

Addresses are lower-case hex everywhere, as eth-abi decodes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_hash.auto import keccak

__all__ = [
    "Artifact",
    "Function",
    "FunctionLike",
    "load_artifact",
    "parse_signature",
    "revert_reason",
]

Fragment = Mapping[str, Any]


@dataclass(frozen=True)
class Function:
    """A contract function: its name and the canonical types of what goes in and comes out."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...] = ()

    @cached_property
    def selector(self) -> bytes:
        """The first four bytes of calldata."""
        return keccak(f"{self.name}({','.join(self.inputs)})".encode())[:4]

    def encode(self, arguments: Sequence[Any]) -> bytes:
        """The calldata for these arguments."""
        return self.selector + encode(self.inputs, arguments)

    def decode(self, data: bytes) -> Any:
        """The returned value: bare when there is one, a tuple when there are several."""
        values = decode(self.outputs, data)
        return values[0] if len(self.outputs) == 1 else values


FunctionLike = str | Function


@dataclass(frozen=True)
class Artifact:
    """A compiled contract: its ABI and its creation bytecode with open library links.

    `links` maps a library's name to the byte offsets in the bytecode where its address belongs.
    """

    name: str
    abi: Sequence[Fragment]
    bytecode: str
    links: Mapping[str, tuple[int, ...]]

    @cached_property
    def functions(self) -> Mapping[str, tuple[Function, ...]]:
        """The functions by name; overloads share one entry."""
        found: dict[str, tuple[Function, ...]] = {}
        for fragment in self.abi:
            if fragment["type"] == "function":
                one = Function(
                    fragment["name"], _types(fragment["inputs"]), _types(fragment["outputs"])
                )
                found[one.name] = (*found.get(one.name, ()), one)
        return found

    @cached_property
    def constructor(self) -> tuple[str, ...]:
        """The types of the constructor's arguments."""
        for fragment in self.abi:
            if fragment["type"] == "constructor":
                return _types(fragment["inputs"])
        return ()

    def function(self, name: str, arguments: int) -> Function:
        """The function of that name with that many arguments."""
        for one in self.functions.get(name, ()):
            if len(one.inputs) == arguments:
                return one
        raise KeyError(f"{self.name} has no {name} with {arguments} arguments")

    def creation_code(self, arguments: Sequence[Any], libraries: Mapping[str, str]) -> bytes:
        """The bytes to deploy, linked and with the encoded arguments."""
        code = self.bytecode.removeprefix("0x")
        for library, offsets in self.links.items():
            address = libraries[library].removeprefix("0x").lower()
            for offset in offsets:
                code = code[: 2 * offset] + address + code[2 * offset + 40 :]
        return bytes.fromhex(code) + encode(self.constructor, arguments)


def load_artifact(path: Path) -> Artifact:
    """A hardhat artifact file."""
    document = json.loads(path.read_text())
    links = document.get("linkReferences", {})
    return Artifact(
        document["contractName"], document["abi"], document["bytecode"], link_offsets(links)
    )


def link_offsets(references: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, ...]]:
    """Library name to offsets, from the `linkReferences` of solc or hardhat."""
    return {
        library: tuple(place["start"] for place in places)
        for libraries in references.values()
        for library, places in libraries.items()
    }


@lru_cache(maxsize=1024)
def parse_signature(signature: str) -> Function:
    """A function from `name(type,...)` or `name(type,...)->(type,...)`."""
    head, _, tail = signature.replace(" ", "").partition("->")
    name, _, inputs = head.partition("(")
    if not name or not inputs.endswith(")") or (tail and not tail.startswith("(")):
        raise ValueError(f"write name(type,...)->(type,...), not {signature!r}")
    return Function(name, tuple(_split(inputs[:-1])), tuple(_split(tail[1:-1])))


def revert_reason(data: bytes) -> str:
    """What a revert said: its string, its panic code, or the hex of a custom error."""
    if data[:4] == bytes.fromhex("08c379a0"):
        return str(decode(["string"], data[4:], strict=False)[0])
    if data[:4] == bytes.fromhex("4e487b71"):
        return f"panic 0x{decode(['uint256'], data[4:])[0]:02x}"
    return "0x" + data.hex() if data else "no reason"


def _types(parameters: Sequence[Fragment]) -> tuple[str, ...]:
    return tuple(_type(parameter) for parameter in parameters)


def _type(parameter: Fragment) -> str:
    kind = str(parameter["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(parameter['components']))}){kind.removeprefix('tuple')}"


def _split(types: str) -> Iterator[str]:
    """The top-level parts of a comma-separated type list."""
    depth, part = 0, ""
    for letter in types:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            yield part
            part = ""
        else:
            part += letter
    if part:
        yield part
