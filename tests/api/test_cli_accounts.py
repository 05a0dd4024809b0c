"""``health``, ``portfolio``, ``parity`` and ``replay`` over the bundled recording."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from crossmargin.adapters.chain.evidence import dump_bundle
from crossmargin.api.cli import main

SCRIPT = Path(sys.executable).with_name("crossmargin")
ACCOUNT_DATA = "0xbf92857c"  # getUserAccountData(address), whose last word is the health factor
KINDS = ("health", "portfolio", "parity")


def saved(bundle) -> dict[str, Any]:
    """The bundle as plain JSON, to be changed."""
    document: dict[str, Any] = orjson.loads(dump_bundle(bundle))
    return document


def written(tmp_path, document) -> Path:
    """The changed bundle in a file."""
    path = tmp_path / "changed.json"
    path.write_bytes(orjson.dumps(document))
    return path


def made_at_the_end(document) -> list[int]:
    """The calls that were made at the newest block."""
    return [
        index for index, call in enumerate(document["calls"]) if call["answers"][-1] is not None
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_one_document_and_nothing_else(run, recording, owner, kind):
    """``--json`` writes exactly one document to stdout and nothing to stderr."""
    given = run(kind, owner, "--bundle", recording, "--json")
    assert (given.code, given.err) == (0, "")
    assert given.document["schema"] == f"crossmargin/{kind}/1"
    assert given.document["complete"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_for_people_says_the_block(run, recording, owner, kind):
    """Without ``--json`` the same answer is a table that names both venues and the block."""
    given = run(kind, owner, "--bundle", recording)
    assert given.code == 0
    assert all(text in given.out for text in ("aave-v3", "morpho-blue", "as of anvil block"))


def test_parity_is_zero_on_every_figure(run, recording, owner):
    """Our figures equal the contracts' own at the recorded block."""
    document = run("parity", owner, "--bundle", recording, "--json").document
    assert document["ok"] is True
    assert {row["status"] for row in document["suites"]} == {"exact"}
    assert all(row["cases"] == row["exact"] > 0 for row in document["suites"])


def test_numbers_are_never_broken_in_a_narrow_terminal(run, recording, owner, monkeypatch):
    """At 40 columns a number stays in one piece: half of it would be another number."""
    monkeypatch.setenv("COLUMNS", "40")
    narrow = run("health", owner, "--bundle", recording).out
    assert "1.290767" in narrow
    assert "17,053.10" in narrow


def test_margin_reads_what_portfolio_writes(run, recording, owner, tmp_path):
    """The portfolio answer, fed to ``margin``, gives the same health of every account, offline."""
    path = tmp_path / "portfolio.json"
    path.write_text(run("portfolio", owner, "--bundle", recording, "--json").out)
    offline = run("margin", path, "--json").document
    online = run("health", owner, "--bundle", recording, "--json").document
    for name in ("state", "equity", "two_day_coverage", "problems"):
        assert offline[name] == online[name]
    for left, right in zip(offline["accounts"], online["accounts"], strict=True):
        assert left["health"] == right["health"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["evidence.json", "evidence.json.gz"])
def test_a_saved_bundle_replays_to_the_same_bytes(run, recording, owner, tmp_path, kind, name):
    """``--save-bundle`` keeps what ``replay`` needs to give the same bytes offline."""
    path = tmp_path / name
    first = run(kind, owner, "--bundle", recording, "--save-bundle", path, "--json")
    again = run("replay", path, "--json")
    assert (again.code, again.document["ok"]) == (0, True)
    assert again.document["answer"] == first.document
    assert again.document["evidence_id"] == first.document["evidence_id"]


def test_the_shipped_recording_replays(run, recording):
    """The recording that ships gives the answer that was stored in it.

    After a change of the model: ``python -m tests.localchain.record_demo FILE --answer``.
    """
    given = run("replay", recording)
    assert given.code == 0
    assert "the same bytes" in given.err


def test_a_changed_answer_is_a_mismatch(run, bundle, tmp_path):
    """A bundle whose stored answer was edited exits 4."""
    document = saved(bundle)
    document["answer"] = document["answer"].replace('"state":"ok"', '"state":"empty"', 1)
    given = run("replay", written(tmp_path, document))
    assert given.code == 4
    assert "DIFFER" in given.err


def test_a_changed_reply_is_a_mismatch(run, bundle, owner, tmp_path):
    """With one unit more in the venue's own answer, ``replay`` and ``parity`` both exit 4."""
    document = saved(bundle)
    view = next(call for call in document["calls"] if call["data"].startswith(ACCOUNT_DATA))
    reply = document["replies"][view["answers"][-1]]
    document["replies"].append(f"0x{int(reply, 16) + 1:0{len(reply) - 2}x}")
    view["answers"][-1] = len(document["replies"]) - 1
    path = written(tmp_path, document)
    assert run("replay", path).code == 4
    given = run("parity", owner, "--bundle", path, "--json")
    wrong = [miss for suite in given.document["suites"] for miss in suite["mismatches"]]
    assert (given.code, given.document["ok"]) == (4, False)
    assert wrong == [{"case": "local", "figure": "healthFactor", "difference": "-1"}]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"{}",
        lambda content: b"\x1f\x8b nothing",
        lambda content: gzip.compress(b"[]"),
        lambda content: gzip.decompress(content).replace(b'"request":{', b'"request":{"x":', 1),
        lambda content: gzip.decompress(content).replace(b'"command":"health"', b'"c":1', 1),
        lambda content: gzip.decompress(content).replace(b'"replies":[', b'"replies":[7,', 1),
    ],
)
def test_a_damaged_bundle_is_one_clear_line(run, recording, owner, tmp_path, damage):
    """A bundle that is cut off or is none is bad input, for ``replay`` and for ``--bundle``."""
    path = tmp_path / "damaged.json"
    path.write_bytes(damage(recording.read_bytes()))
    for given in (run("replay", path), run("health", owner, "--bundle", path)):
        assert (given.code, given.out) == (2, "")
        assert given.err.count("\n") == 1


def test_a_lost_read_exits_20_and_is_named(run, bundle, owner, tmp_path):
    """Whichever read is lost: never a crash, never a better state, and a problem names it."""
    whole = saved(bundle)
    lost = len(whole["replies"])
    whole["replies"].append({"reason": "rpc_unavailable", "code": "timeout", "detail": "lost"})
    for index in made_at_the_end(whole)[::6]:
        document = json.loads(json.dumps(whole))
        document["calls"][index]["answers"][-1] = lost
        given = run("health", owner, "--bundle", written(tmp_path, document), "--json")
        assert given.code in (0, 20)
        found = given.document
        reads = [problem for problem in found["problems"] if problem["severity"] == "read"]
        assert (given.code == 20) == bool(reads) == (not found["complete"])
        assert found["state"] in ("ok", "unknown")


def test_an_owner_that_was_not_recorded_is_unknown(run, recording):
    """What a recording does not hold is unknown, never empty."""
    stranger = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    given = run("health", stranger.lower(), "--bundle", recording, "--json")
    assert (given.code, given.document["state"]) == (20, "unknown")
    assert given.document["owner"] == stranger
    assert run("health", stranger, "--bundle", recording, "--exit-zero").code == 0


def test_a_second_owner_joins_the_book(run, recording, owner):
    """``--also`` adds an owner; the same one twice changes nothing."""
    alone = run("health", owner, "--bundle", recording, "--json").document
    twice = run("health", owner, "--also", owner, "--bundle", recording, "--json").document
    assert twice["accounts"] == alone["accounts"]
    stranger = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    both = run("health", owner, "--also", stranger, "--bundle", recording, "--json").document
    assert {account["holder"] for account in both["accounts"]} == {owner, stranger}


def test_only_the_venues_asked_for_are_read(run, recording, owner):
    """``--venue`` restricts the answer."""
    given = run("health", owner, "--bundle", recording, "--venue", "morpho-blue", "--json")
    assert {account["venue"] for account in given.document["accounts"]} == {"morpho-blue"}


def test_a_past_block_is_read_as_it_was(run, recording, owner, bundle):
    """``--block`` by number and by hash give the same answer, at that block."""
    block = bundle.recording.blocks[20]
    by_number = run("health", owner, "--bundle", recording, "--block", block.number, "--json")
    by_hash = run("health", owner, "--bundle", recording, "--block", block.hash, "--json")
    assert by_number.document["as_of"][0]["block_number"] == block.number
    assert by_number.document["accounts"] == by_hash.document["accounts"]


def test_the_installed_command_does_the_same(recording, owner):
    """The console script gives the same document and exit code, and says its version."""
    command = [SCRIPT, "health", owner, "--bundle", recording, "--json"]
    given = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (given.returncode, given.stderr) == (0, "")
    assert json.loads(given.stdout)["owner"] == owner
    wrong = subprocess.run([SCRIPT, "health", "0x12"], capture_output=True, text=True, timeout=60)
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)


def test_the_version_is_the_package_s(run):
    """``--version`` says what is installed."""
    from importlib.metadata import version

    assert run("--version").out == f"crossmargin {version('crossmargin')}\n"
    assert main(["--help"]) == 0
