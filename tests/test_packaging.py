"""What is published: the wheel's and the archive's contents, and an installation that works."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEMO_OWNER = "0xde30000000000000000000000000000000000001"
NEEDED = {
    "crossmargin/__init__.py",
    "crossmargin/py.typed",
    "crossmargin/adapters/tokens.toml",
    "crossmargin/adapters/venues/aave_v3/deployments.toml",
    "crossmargin/adapters/venues/morpho_blue/deployments.toml",
    "crossmargin/api/demo/recording.json.gz",
    "crossmargin/api/demo/static/demo.css",
    "crossmargin/api/demo/static/demo.js",
    "crossmargin/api/demo/static/index.html",
    "crossmargin/api/schema/portfolio-1.json",
}
FOLDERS = ("adapters", "api", "contracts_abi", "core")

pytestmark = pytest.mark.xdist_group("packaging")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the wheel and the archive, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return folder


def build(source: Path, target: Path, *kinds: str) -> None:
    """Build without network, with the backend of the development environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(target), *kinds]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60)


def wheel_in(folder: Path) -> Path:
    """The one wheel of a folder."""
    (wheel,) = folder.glob("*.whl")
    return wheel


def contents(wheel: Path) -> dict[str, bytes]:
    """Every file of a wheel outside its metadata."""
    with zipfile.ZipFile(wheel) as opened:
        names = [name for name in opened.namelist() if ".dist-info/" not in name]
        return {name: opened.read(name) for name in names}


def test_the_wheel_holds_the_whole_package_and_nothing_else(built):
    """Every file of the four folders under its import name; no test, no link, no build product."""
    tracked = subprocess.run(
        ["git", "ls-files", "--", *FOLDERS], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    found = contents(wheel_in(built))
    expected = {f"crossmargin/{name}" for name in tracked} | NEEDED
    assert set(found) == expected
    assert any(name.startswith("crossmargin/contracts_abi/") for name in found)
    with zipfile.ZipFile(wheel_in(built)) as opened:
        links = [item.filename for item in opened.infolist() if item.external_attr >> 28 == 0o12]
    assert links == []


def test_the_wheel_states_version_licence_and_command(built):
    """The metadata name the installed version, the licence file, the command and the adapters."""
    with zipfile.ZipFile(wheel_in(built)) as opened:
        metadata = {
            name.split("/", 1)[1]: opened.read(name).decode()
            for name in opened.namelist()
            if ".dist-info/" in name
        }
    assert f"\nVersion: {version('crossmargin')}\n" in metadata["METADATA"]
    assert "licenses/LICENSE" in metadata
    assert "crossmargin = crossmargin.api.cli:main" in metadata["entry_points.txt"]
    assert "aave-v3 = crossmargin.adapters.venues.aave_v3:ADAPTER" in metadata["entry_points.txt"]


def test_the_archive_builds_the_same_wheel(built, tmp_path):
    """The source archive holds no link and no test, and its wheel has the same files."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        assert [item.name for item in opened if item.issym() or item.islnk()] == []
        assert not any("/tests/" in item.name for item in opened)
        opened.extractall(tmp_path, filter="data")
    build(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "dist", "-t", "wheel")
    assert contents(wheel_in(tmp_path / "dist")) == contents(wheel_in(built))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The console script of a clean environment that holds the wheel; skips without a registry."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        pytest.skip("no uv to make a clean environment with")
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run(
        [uv, "venv", "--quiet", "--python", sys.executable, folder], check=True, timeout=60
    )
    python = folder / "bin" / "python"
    command = [uv, "pip", "install", "--quiet", "--python", python, wheel_in(built)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode and any(sign in done.stderr for sign in ("fetch", "connect", "network")):
        pytest.skip(f"no registry to install dependencies from: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    return folder / "bin" / "crossmargin"


def run(command: list[object], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command somewhere outside the checkout."""
    return subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=60
    )


def test_an_installation_works_outside_the_checkout(installed, tmp_path):
    """In a clean environment the command lists venues and answers from the bundled recording."""
    bundle = tmp_path / "recording.json.gz"
    shutil.copyfile(ROOT / "api" / "demo" / "recording.json.gz", bundle)
    venues = json.loads(run([installed, "venues", "--json"], tmp_path).stdout)["venues"]
    assert {row["venue"] for row in venues} >= {"aave-v3", "morpho-blue"}
    health = run([installed, "health", DEMO_OWNER, "--bundle", bundle, "--json"], tmp_path)
    assert (health.returncode, health.stderr) == (0, "")
    assert json.loads(health.stdout)["complete"] is True
    shown = run([installed, "--version"], tmp_path)
    assert shown.stdout == f"crossmargin {version('crossmargin')}\n"
