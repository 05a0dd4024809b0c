"""The directions of design: who may import whom, and which third parties may be where."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("contracts_abi", "core", "adapters", "api")

# Folder -> the folders of ours it may import.
DIRECTIONS = {
    "contracts_abi": set[str](),
    "core": set[str](),
    "adapters": {"core", "contracts_abi"},
    "api": {"core", "contracts_abi", "adapters"},
}

# Folder -> third parties, each with the reason it is there (docs/dependencies.md says more).
THIRD_PARTIES = {
    "contracts_abi": {},
    "core": {
        "numpy": "arrays of scenarios",
        "scipy": "the normal distribution and root finding",
    },
    "adapters": {
        "aiohttp": "HTTP with a deadline over the whole body",
        "eth_abi": "ABI encoding and decoding",
        "eth_hash": "Keccak-256",
        "numpy": "a rule's evaluation over scenarios",
        "orjson": "strict and fast JSON",
        "pytest": "the conformance suite that ships for venues' tests",
    },
    "api": {
        "fastapi": "HTTP and OpenAPI",
        "orjson": "strict and fast JSON",
        "pydantic": "the documents at the rim",
        "pydantic_core": "its error details",
        "rich": "tables in the terminal",
        "starlette": "responses, through fastapi",
        "typer": "the command line",
        "uvicorn": "the server",
    },
}


def _files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    """The absolute dotted names that a file imports, relative ones resolved."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield ".".join(("crossmargin", *base, node.module or ""))
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_what_lies_before_it(folder: str) -> None:
    """core and contracts_abi import nothing of ours, adapters only those two, api everything."""
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path in _files(folder)
        for name in _imports(path)
        if name.startswith("crossmargin.")
        and name.split(".")[1] in FOLDERS
        and name.split(".")[1] != folder
        and name.split(".")[1] not in DIRECTIONS[folder]
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_inside_the_folders_imports_are_relative(folder: str) -> None:
    """An absolute import of the package would make type checkers see every class twice."""
    wrong = [
        str(path.relative_to(ROOT))
        for path in _files(folder)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and node.module)
        and node.module.split(".")[0] == "crossmargin"
    ]
    assert wrong == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_third_parties_are_on_the_list(folder: str) -> None:
    """A new dependency is one line here, with its reason."""
    allowed = set(THIRD_PARTIES[folder]) | set(sys.stdlib_module_names) | {"crossmargin"}
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path in _files(folder)
        for name in _imports(path)
        if name.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_an_adapter_never_imports_another() -> None:
    """Venues are independent; a family of venues shares a module in adapters/."""
    wrong = []
    for path in _files("adapters/venues"):
        parts = path.relative_to(ROOT).parts
        if len(parts) < 4:
            continue
        for name in _imports(path):
            pieces = name.split(".")
            venue = pieces[:3] == ["crossmargin", "adapters", "venues"] and len(pieces) > 3
            if venue and pieces[3] != parts[2]:
                wrong.append((str(path), name))
    assert wrong == []


def test_the_core_is_a_pure_function_of_its_arguments() -> None:
    """No clock, network, environment, logging or unseeded randomness inside core."""
    forbidden = {
        "aiohttp", "asyncio", "http", "logging", "os", "pathlib", "random", "requests",
        "secrets", "socket", "structlog", "subprocess", "time", "urllib",
    }  # fmt: skip
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path in _files("core")
        for name in _imports(path)
        if name.split(".")[0] in forbidden
    ]
    assert wrong == []


def test_venue_rules_hold_no_float_literal() -> None:
    """Money stays an integer in a venue's rule; the one door to floats is core.units."""
    wrong = [
        (str(path.relative_to(ROOT)), node.lineno)
        for path in _files("adapters")
        if path.name in {"maths.py", "liquidation.py", "irm.py"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    assert wrong == []
