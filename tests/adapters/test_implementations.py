"""What proxies run: read from their slot, and noted when it changes."""

from __future__ import annotations

from crossmargin.adapters.chain.call import RawReply, Read, Replies, StorageQuery
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.implementations import (
    IMPLEMENTATION_SLOT,
    Implementations,
    read_implementations,
    upgrades,
)
from crossmargin.core.errors import Failure, Reason, Severity

PROXY, PLAIN = "0x" + "11" * 20, "0x" + "22" * 20
CODE, NEWER = "0x" + "33" * 20, "0x" + "44" * 20
LOST = Failure(Reason.RPC_UNAVAILABLE, "timeout", "an endpoint")


def read(word: RawReply) -> Implementations:
    """What the plan says of one proxy and one contract that is none."""
    plan = read_implementations([PROXY, PLAIN])
    asked = next(plan)
    answers: dict[Read, RawReply] = {
        StorageQuery(PROXY, IMPLEMENTATION_SLOT): word,
        StorageQuery(PLAIN, IMPLEMENTATION_SLOT): bytes(32),
    }
    assert set(asked) == answers.keys()
    try:
        plan.send(Replies(answers))
    except StopIteration as done:
        found: Implementations = done.value
        return found
    raise AssertionError("the plan asked again")


def slot(address: str) -> bytes:
    """An address as a storage word."""
    return bytes(12) + bytes.fromhex(address[2:])


def test_the_slot_is_that_of_eip_1967() -> None:
    """The standard states it."""
    assert f"{IMPLEMENTATION_SLOT:#x}" == (
        "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
    )


def test_a_proxy_has_its_code_and_a_plain_contract_none() -> None:
    """An empty slot is no proxy; a word that is no address is garbage."""
    assert read(slot(CODE)) == {PROXY: CODE, PLAIN: ""}
    garbage = read(b"\xff" * 32)[PROXY]
    assert isinstance(garbage, Failure)
    assert garbage.code == "no_address"


def test_an_upgrade_is_noted_once() -> None:
    """The first answer knows of none, the next one after the change says what ran before."""
    facts = Facts()
    assert upgrades("eip155:1", read(slot(CODE)), facts) == []
    assert upgrades("eip155:1", read(slot(CODE)), facts) == []
    (noted,) = upgrades("eip155:1", read(slot(NEWER)), facts)
    assert (noted.reason, noted.severity, noted.leg) == (Reason.CODE_CHANGED, Severity.NOTE, PROXY)
    assert CODE in noted.detail
    assert NEWER in noted.detail
    assert upgrades("eip155:1", read(slot(NEWER)), facts) == []


def test_code_that_could_not_be_read_is_one_note_and_forgets_nothing() -> None:
    """A lost word is named; the change that it hid is still noticed afterwards."""
    facts = Facts()
    upgrades("eip155:1", read(slot(CODE)), facts)
    (noted,) = upgrades("eip155:1", read(LOST), facts)
    assert (noted.reason, noted.severity) == (Reason.RPC_UNAVAILABLE, Severity.NOTE)
    assert len(upgrades("eip155:1", read(slot(NEWER)), facts)) == 1
