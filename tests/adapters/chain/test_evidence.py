"""Evidence bundles: one content has one sequence of bytes and one id; damage is named."""

from __future__ import annotations

import contextlib
import gzip
import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.chain.call import Log, LogQuery, RawReply, Read, StorageQuery
from crossmargin.adapters.chain.evidence import (
    Bundle,
    dump_bundle,
    load_bundle,
    parse_bundle,
    save_bundle,
)
from crossmargin.adapters.chain.recorded import Recording
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import BundleError, Failure, Reason

from .fakes import block_hash, number_call, target, word

LOG = Log(target(5), ("0x" + "11" * 32,), "0x01", 7)
ENTRIES: list[tuple[int, Read, RawReply]] = [
    (1, number_call(1), word(5)),
    (2, number_call(1), word(5)),
    (2, number_call(2), b""),
    (1, number_call(3), Failure(Reason.CALL_REVERTED, "error", "no")),
    (1, LogQuery(target(5), (None, "0x" + "11" * 32), 3), (LOG, LOG)),
    (2, LogQuery(target(5), (), 3), ()),
    (1, StorageQuery(target(5), 2**255 + 1), word(7)),
]
REQUEST = {"command": "health", "address": target(9), "options": {"venue": ["aave-v3"]}}


def bundle_of(entries: list[tuple[int, Read, RawReply]], **changes: Any) -> Bundle:
    """A bundle with these replies at these block numbers."""
    recording = Recording()
    for number, read, reply in entries:
        block = BlockRef("eip155:1", number, block_hash(number), 1_700_000_000 + number, "safe")
        recording.add(block, read, reply)
    return Bundle(recording, **{"request": REQUEST, "code_version": "0.1.0", **changes})


@pytest.mark.parametrize("name", ["bundle.json", "bundle.json.gz"])
def test_saving_and_loading_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    """Save, load, save: byte-identical files, equal replies, request and answer."""
    bundle = bundle_of(ENTRIES, answer='{"state":"ok"}\n')
    first, second = tmp_path / name, tmp_path / ("again-" + name)
    save_bundle(bundle, first)
    loaded = load_bundle(first)
    save_bundle(loaded, second)
    assert first.read_bytes() == second.read_bytes()
    assert loaded.recording.replies == bundle.recording.replies
    assert loaded.request == REQUEST
    assert (loaded.code_version, loaded.answer) == ("0.1.0", '{"state":"ok"}\n')
    assert loaded.evidence_id == bundle.evidence_id


@given(st.permutations(ENTRIES))
def test_the_order_of_reading_changes_nothing(entries: list[tuple[int, Read, RawReply]]) -> None:
    """The bytes depend on what was read, not on when."""
    assert dump_bundle(bundle_of(entries)) == dump_bundle(bundle_of(ENTRIES))


def test_the_id_covers_everything_but_the_answer() -> None:
    """The answer may carry the id; any other change changes it."""
    base = bundle_of(ENTRIES)
    assert bundle_of(ENTRIES, answer=base.evidence_id).evidence_id == base.evidence_id
    others = [
        bundle_of(ENTRIES[1:]),
        bundle_of([(1, number_call(1), word(6)), *ENTRIES[1:]]),
        bundle_of(ENTRIES, request={"command": "portfolio"}),
        bundle_of(ENTRIES, code_version="0.1.1"),
    ]
    assert len({base.evidence_id, *(other.evidence_id for other in others)}) == 5


def test_the_id_is_known() -> None:
    """The id of a fixed bundle never changes while the format is version 1."""
    assert bundle_of(ENTRIES).evidence_id == (
        "7e4801cbf4ce14b3a34907c410504c40d01e36cc77da016ff9864feacdc58ed7"
    )


def test_many_blocks_of_the_same_reads_stay_small() -> None:
    """45 blocks of 300 reads, one read in ten changing per block: below 2 bytes a reply, gzipped
    without the random words that no format could shrink."""
    chance = random.Random(7)  # noqa: S311 - a repeatable example
    reads: list[Read] = [number_call(n % 20, chance.randrange(2**160)) for n in range(300)]
    values = [chance.randbytes(32) for _ in reads]
    entries: list[tuple[int, Read, RawReply]] = []
    fresh = 300
    for number in range(45):
        for place in chance.sample(range(300), 30):
            values[place] = chance.randbytes(32)
            fresh += 1
        entries += [(number, read, values[place]) for place, read in enumerate(reads)]
    packed = len(gzip.compress(dump_bundle(bundle_of(entries)), mtime=0))
    incompressible = fresh * 32 + 300 * 20
    assert packed - incompressible < 2 * 45 * 300


DOCUMENT = orjson.loads(dump_bundle(bundle_of(ENTRIES, answer="x")))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("schema",), "crossmargin/evidence/2", "schema"),
        (("blocks",), {}, "blocks"),
        (("blocks", 0, "number"), "1", "blocks[0].number"),
        (("blocks", 1, "timestamp"), True, "blocks[1].timestamp"),
        (("calls", 0, "data"), "0x1", "calls[0].data"),
        (("calls", 0, "target"), None, "calls[0].target"),
        (("calls", 1, "answers"), [0], "calls[1].answers"),
        (("calls", 1, "answers", 1), 99, "calls[1].answers[1]"),
        (("calls", 1, "answers", 1), -1, "calls[1].answers[1]"),
        (("logs", 0, "topics"), [7], "logs[0].topics"),
        (("logs", 0, "from_block"), None, "logs[0].from_block"),
        (("replies", 0), 7, "replies[0]"),
        (("replies", 0), "00", "replies[0]"),
        (("replies", 0), {"reason": "sad", "code": "", "detail": ""}, "replies[0].reason"),
        (("request",), [], "request"),
        (("code_version",), None, "code_version"),
        (("answer",), 7, "answer"),
    ],
)
def test_a_malformed_field_is_named(path: tuple[Any, ...], value: object, field: str) -> None:
    """The error carries the path of the field that is wrong."""
    document = orjson.loads(orjson.dumps(DOCUMENT))
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    with pytest.raises(BundleError) as caught:
        parse_bundle(orjson.dumps(document))
    assert caught.value.field == field


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\x1f\x8bnot gzip",
        gzip.compress(dump_bundle(bundle_of(ENTRIES)))[:-20],
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_bundle(content: bytes, tmp_path: Path) -> None:
    """Empty, cut off, damaged or hostile files are input errors."""
    path = tmp_path / "bundle"
    path.write_bytes(content)
    with pytest.raises(BundleError):
        load_bundle(path)


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an input error that names it."""
    with pytest.raises(BundleError, match=r"none\.json"):
        load_bundle(tmp_path / "none.json")


SCALARS = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=3)


@given(st.sampled_from(sorted(DOCUMENT)), st.recursive(SCALARS, st.lists))
def test_any_json_is_a_bundle_or_an_input_error(name: str, value: object) -> None:
    """No JSON value in the place of any top-level field raises anything else."""
    with contextlib.suppress(BundleError):
        parse_bundle(orjson.dumps({**DOCUMENT, name: value}))
