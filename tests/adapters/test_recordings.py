"""Recordings: what is written is read back, and what was not recorded fails."""

from __future__ import annotations

import json
from dataclasses import replace

from crossmargin.adapters.base import Deployment
from crossmargin.adapters.chain.call import Log, LogQuery
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, replay
from crossmargin.adapters.template import ADAPTER
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason

TARGET = "0x" + "11" * 20
RECORDING = RecordedAccount(
    "one",
    "0x" + "22" * 20,
    BlockRef("eip155:1", 7, "0x" + "33" * 32, 1_700_000_000, "finalized"),
    Deployment("template", "eip155:1", "main", {"vault": TARGET}, {"start_block": 1}),
    {
        (TARGET, b"\x01\x02"): b"\xff",
        (TARGET, b"\x03"): Failure(Reason.CALL_REVERTED, "error", "no"),
        LogQuery(TARGET, ("0x01", None), 1): (Log(TARGET, ("0x01",), "0x", 5),),
    },
    {"accounts": []},
    {"markets": []},
    "a test",
)


def test_a_recording_survives_json():
    """Bytes, failures, logs and the request come back as they were."""
    assert RecordedAccount.from_document(json.loads(json.dumps(RECORDING.document()))) == RECORDING


def test_a_read_that_was_not_recorded_fails():
    """Nothing recorded is a dead node, never an empty account."""
    (deployment,) = ADAPTER.deployments()
    silent = replace(RECORDING, deployment=deployment, replies={})
    snapshot, rounds = replay(ADAPTER.read(silent.request(Facts())), silent.replies)
    assert not snapshot.complete
    assert {problem.code for problem in snapshot.problems} == {"not_recorded"}
    assert len(rounds) == 1
