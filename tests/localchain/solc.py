"""Solidity compiled by the npm solc, its output cached by the hash of all that went in."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .abi import Artifact, link_offsets
from .node import cache_folder, file_lock, run_node

__all__ = ["compile_folder", "compile_own"]

_HERE = Path(__file__).parent


def compile_own(version: str = "0.8.19") -> Mapping[str, Artifact]:
    """Our own test contracts: `Token` and `Feed`."""
    return compile_folder(_HERE / "contracts", version=version, runs=200)


def compile_folder(
    root: Path, *, version: str, runs: int, via_ir: bool = False
) -> Mapping[str, Artifact]:
    """Every contract below `root`, by name; `version` is a `solc-<version>` of package.json."""
    sources = {
        path.relative_to(root).as_posix(): {"content": path.read_text()}
        for path in sorted(root.rglob("*.sol"))
    }
    request = json.dumps(
        {
            "language": "Solidity",
            "sources": sources,
            "settings": {
                "optimizer": {"enabled": True, "runs": runs},
                "viaIR": via_ir,
                "metadata": {"bytecodeHash": "none"},
                "outputSelection": {"*": {"*": ["abi", "evm.bytecode"]}},
            },
        },
        sort_keys=True,
    )
    return _artifacts(_compiled(version, request))


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
