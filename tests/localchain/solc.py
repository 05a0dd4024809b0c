"""Solidity compiled by the npm solc, its output cached by the hash of all that went in."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .abi import Artifact, link_offsets
from .node import cache_folder, file_lock, run_node

__all__ = ["compile_entries", "compile_folder", "compile_own"]

_HERE = Path(__file__).parent
_IMPORT = re.compile(r"""^\s*import\s[^;]*?["']([^"']+)["'];""", re.MULTILINE)


def compile_own(version: str = "0.8.19") -> Mapping[str, Artifact]:
    """Our own test contracts: `Token` and `Feed`."""
    return compile_folder(_HERE / "contracts", version=version, runs=200)


def compile_folder(
    root: Path, *, version: str, runs: int, via_ir: bool = False
) -> Mapping[str, Artifact]:
    """Every contract below `root`, by name; `version` is a `solc-<version>` of package.json."""
    sources = {
        path.relative_to(root).as_posix(): path.read_text() for path in sorted(root.rglob("*.sol"))
    }
    return _artifacts(_compiled(version, _request(sources, runs, via_ir=via_ir)))


def compile_entries(
    roots: Mapping[str, Path], entries: Iterable[str], *, version: str, runs: int, evm: str
) -> Mapping[str, Artifact]:
    """The contracts of these sources and of all they import, by name.

    `roots` maps the beginning of an import path to the folder it stands for.
    """
    sources: dict[str, str] = {}
    wanted = sorted(entries)
    while wanted:
        name = wanted.pop()
        if name not in sources:
            root = next(root for root in roots if name.startswith(f"{root}/"))
            sources[name] = (roots[root] / name.removeprefix(f"{root}/")).read_text()
            wanted += [_imported(name, path) for path in _IMPORT.findall(sources[name])]
    request = _request(dict(sorted(sources.items())), runs, evm=evm)
    return _artifacts(_compiled(version, request))


def _imported(importer: str, path: str) -> str:
    """The source that an import in `importer` names."""
    if not path.startswith("."):
        return path
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), path))


def _request(
    sources: Mapping[str, str], runs: int, *, via_ir: bool = False, evm: str | None = None
) -> str:
    settings: dict[str, object] = {
        "optimizer": {"enabled": True, "runs": runs},
        "viaIR": via_ir,
        "metadata": {"bytecodeHash": "none"},
        "outputSelection": {"*": {"*": ["abi", "evm.bytecode"]}},
    }
    if evm is not None:
        settings["evmVersion"] = evm
    contents = {name: {"content": text} for name, text in sources.items()}
    document = {"language": "Solidity", "sources": contents, "settings": settings}
    return json.dumps(document, sort_keys=True)


def _compiled(version: str, request: str) -> Any:
    digest = hashlib.sha256(f"{version}\n{request}".encode()).hexdigest()[:24]
    cached = cache_folder() / f"solc-{digest}.json"
    if not cached.exists():
        with file_lock(cached.with_suffix(".lock")):
            if not cached.exists():
                answer = run_node(_HERE / "compile.js", f"solc-{version}", stdin=request)
                _refuse_errors(json.loads(answer))
                part = cached.with_suffix(f".part-{os.getpid()}")
                part.write_text(answer)
                part.replace(cached)
    return json.loads(cached.read_text())


def _refuse_errors(answer: Any) -> None:
    errors = [e["formattedMessage"] for e in answer.get("errors", ()) if e["severity"] == "error"]
    if errors:
        raise RuntimeError("solc: " + "\n".join(errors))


def _artifacts(answer: Any) -> Mapping[str, Artifact]:
    return {
        name: Artifact(
            name,
            contract["abi"],
            contract["evm"]["bytecode"]["object"],
            link_offsets(contract["evm"]["bytecode"]["linkReferences"]),
        )
        for contracts in answer["contracts"].values()
        for name, contract in contracts.items()
    }
