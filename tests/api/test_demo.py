"""The demo: recorded blocks that advance, one page that shows them, one command that serves both."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from crossmargin.api.app import create_app
from crossmargin.api.demo import demo_app
from crossmargin.api.evidence import reopen

SCRIPT = Path(sys.executable).with_name("crossmargin")
STATIC = Path(__file__).resolve().parents[2] / "api" / "demo" / "static"


def test_the_recorded_wallet_falls_through_every_state_and_recovers(bundle, owner):
    """Over at least 40 blocks the book is ok, at risk, liquidatable, and comes back."""
    blocks = sorted({block.number for block in bundle.recording.blocks})
    client = TestClient(create_app(reopen(bundle)[2], recorded=True))
    answers = [client.get(f"/v1/accounts/{owner}/health?block={n}").json() for n in blocks]
    states = [answer["state"] for answer in answers]
    passed = [
        state for state, before in zip(states, [None, *states], strict=False) if state != before
    ]
    assert len(blocks) >= 40
    assert passed == ["ok", "at_risk", "liquidatable", "at_risk", "ok"]
    assert all(answer["complete"] for answer in answers)
    assert {row["parity"]["status"] for answer in answers for row in answer["accounts"]} == {
        "exact"
    }


def test_the_blocks_advance_and_begin_again():
    """The head moves one block a step and returns to the first after the last."""
    app, owner = demo_app(seconds_per_block=0.02)
    seen = []
    with TestClient(app) as client:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            block = client.get("/readyz").json()["chains"][0]["block_number"]
            if not seen or block != seen[-1]:
                seen.append(block)
            if len(seen) > 2 and block < seen[-2]:
                break
        answer = client.get(f"/v1/accounts/{owner}/health").json()
    assert seen[-1] < seen[-2]  # it began again
    assert seen[:-1] == sorted(seen[:-1])
    assert answer["complete"] is True


def test_the_page_runs_nothing_but_its_own_files():
    """The page's policy admits no foreign and no inline script, style, frame or form."""
    app, _ = demo_app(seconds_per_block=60)
    client = TestClient(app)
    page = client.get("/")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert page.headers["x-content-type-options"] == "nosniff"
    for source in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert client.get(source).status_code == 200
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", page.text)


def test_the_script_never_interprets_text_it_shows():
    """Whatever a token or a node calls itself stays text: the script writes textContent only."""
    script = (STATIC / "demo.js").read_text(encoding="utf-8")
    assert "textContent" in script
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert way not in script


def test_the_page_keeps_nothing_outside_its_folder():
    """A path out of the folder of static files is not served."""
    client = TestClient(demo_app(seconds_per_block=60)[0])
    assert client.get("/static/%2e%2e/__init__.py").status_code == 404
    assert client.get("/static/..%2frecording.json.gz").status_code == 404


def answered(url: str, seconds: float) -> dict[str, object]:
    """The answer of a URL as soon as there is one."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - loopback, http
                found: dict[str, object] = json.load(reply)
                return found
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_at_once_and_stops_when_told(owner, stop):
    """``crossmargin demo`` says where it listens, answers within seconds, and ends cleanly."""
    command = [SCRIPT, "demo", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        try:
            found = answered(lines[2].split()[-1], 20)
        finally:
            process.send_signal(stop)
        rest = process.stderr.read()
        code = process.wait(15)
    assert found["owner"] == owner
    assert found["complete"] is True
    assert code in (0, -stop)
    assert "Traceback" not in rest


def test_a_port_in_use_is_one_clear_line(run):
    """A second demo on the same port says so and exits 2."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = run("demo", "--no-browser", "--port", taken.getsockname()[1])
    assert (given.code, given.err.count("\n")) == (2, 1)
    assert "port: cannot listen" in given.err
