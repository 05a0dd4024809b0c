"""Node, npm and the npm packages of `package.json`, installed once into a cache folder.

Licences forbid committing the venues' sources or artifacts, so they are fetched by name when a test
first needs them. The folder is keyed by the hash of the two package files and guarded by a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["NodeMissing", "cache_folder", "file_lock", "package_file", "packages", "run_node"]

_HERE = Path(__file__).parent
_MINIMUM_MAJOR = 20
_HINT = f"install Node {_MINIMUM_MAJOR} or newer from nodejs.org (npm comes with it)"


class NodeMissing(Exception):  # noqa: N818 (named as what happened)
    """Node, npm or the packages are not to be had here; the message is one line and says what to do."""


def cache_folder() -> Path:
    """The folder for everything fetched or compiled; `CROSSMARGIN_CACHE` moves it."""
    root = os.environ.get("CROSSMARGIN_CACHE")
    folder = Path(root) if root else Path.home() / ".cache" / "crossmargin"
    folder = folder / "node"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """An exclusive lock between processes; the kernel frees it if the holder dies."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@functools.cache
def packages() -> Path:
    """The `node_modules` folder, installed on first use. Raises `NodeMissing`."""
    _node()
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        digest.update((_HERE / name).read_bytes())
    target = cache_folder() / f"packages-{digest.hexdigest()[:16]}"
    done = target / ".installed"
    if not done.exists():
        with file_lock(cache_folder() / f"{target.name}.lock"):
            if not done.exists():
                _install(target)
                done.touch()
    return target / "node_modules"


def package_file(relative: str) -> Path:
    """A file of an installed package, for example `solc-0.8.19/package.json`."""
    path = packages() / relative
    if not path.exists():
        raise NodeMissing(f"the npm packages hold no {relative}: no build of it for this platform?")
    return path


def run_node(script: Path, *arguments: str, stdin: str = "") -> str:
    """The standard output of a node script; its error output is raised on failure."""
    environment = {**os.environ, "NODE_PATH": str(packages())}
    done = subprocess.run(
        [_node(), str(script), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script.name} failed: {done.stderr[-2000:]}")
    return done.stdout


@functools.cache
def _node() -> str:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NodeMissing(f"node or npm is not on the PATH: {_HINT}")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", version)
    if found is None or int(found[1]) < _MINIMUM_MAJOR:
        raise NodeMissing(f"node {version.strip()} is too old: {_HINT}")
    return node


def _install(target: Path) -> None:
    """Install without running packages' scripts: anvil's binary sits in its platform package."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(_HERE / name, target / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise NodeMissing(f"npm could not install the test contracts (is there a network?): {last}")
