"""Minimal ABIs per venue, as data: ``load(venue, contract)`` and the functions in them.

The fragments are facts (names and types of public functions); ``SOURCES.md`` says where each was
taken from. Nothing here imports anything of ours or any third party.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

__all__ = ["load"]


@cache
def load(venue: str, contract: str) -> dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The functions of a contract: name -> (signature, input types, output types).

    ``venue`` names a file of this folder, ``contract`` an object in it. Overloaded names get their
    full signature as the key. ``KeyError`` if there is no such contract.
    """
    text = files(__name__).joinpath(f"{venue}.json").read_text(encoding="utf-8")
    functions: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {}
    for entry in json.loads(text)[contract]:
        if entry["type"] != "function":
            continue
        inputs = tuple(_type(item) for item in entry["inputs"])
        outputs = tuple(_type(item) for item in entry["outputs"])
        signature = f"{entry['name']}({','.join(inputs)})"
        key = signature if entry["name"] in functions else entry["name"]
        functions[key] = (signature, inputs, outputs)
    return functions


def _type(item: dict[str, object]) -> str:
    """The canonical ABI type of a parameter, tuples spelled out."""
    name = str(item["type"])
    if not name.startswith("tuple"):
        return name
    components = item["components"]
    assert isinstance(components, list)  # noqa: S101 - the shape of an ABI file, checked by tests
    return f"({','.join(_type(part) for part in components)}){name.removeprefix('tuple')}"
