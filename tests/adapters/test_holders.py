"""Names, proxies and kinds of account: what is found, and that a failure is never "none"."""

from __future__ import annotations

import pytest
from eth_abi import abi as eth_abi

from crossmargin.adapters.chain.call import RawReply, selector
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.holders import (
    Identity,
    bundled_directories,
    check_proxy,
    find_proxy,
    known_name,
    known_proxy,
    looks_like_name,
    name_hash,
    resolve_name,
)
from crossmargin.adapters.recordings import ReplyKey, replay
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason

(DIRECTORY,) = bundled_directories()
ENS, PROXIES = (DIRECTORY.contracts[role].lower() for role in ("ens_registry", "proxy_registry"))
BLOCK = BlockRef("eip155:1", 1, "0x" + "1" * 64, 1_700_000_000)
NONE = "0x" + "0" * 40
OWNER, PROXY, RESOLVER, TARGET = ("0x" + digit * 40 for digit in "a345")
NAME = "desk.example.eth"
NODE = name_hash(NAME)
DOWN = Failure(Reason.RPC_UNAVAILABLE, "timeout")


def address(value: str) -> bytes:
    """An address as return data."""
    return eth_abi.encode(["address"], [value])


def resolver(of: str) -> dict[ReplyKey, RawReply]:
    """What the registry says of the name."""
    return {(ENS, selector("resolver(bytes32)") + NODE): address(of)}


def target(at: str, of: str) -> dict[ReplyKey, RawReply]:
    """What a resolver says of the name."""
    return {(at, selector("addr(bytes32)") + NODE): address(of)}


def test_the_name_hash_is_that_of_the_standard():
    """The examples of EIP-137."""
    assert name_hash("eth").hex() == (
        "93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae"
    )
    assert name_hash("foo.eth").hex() == (
        "de9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f"
    )


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("vitalik.eth", True),
        ("a-b.c.eth", True),
        ("_dmarc.x.eth", True),
        ("1.eth", True),
        ("Vitalik.eth", False),
        ("vitаlik.eth", False),  # a Cyrillic letter
        ("a_b.eth", False),
        ("xn--a.eth", False),
        ("a..eth", False),
        (".eth", False),
        ("eth", False),
        ("a.eth\n", False),
        ("a" * 252 + ".eth", False),
    ],
)
def test_only_normalised_ascii_names_are_names(text, accepted):
    """Look-alike letters and names that ENSIP-15 would change are refused."""
    assert looks_like_name(text) is accepted


def test_a_name_costs_two_rounds_and_one_when_known():
    """The resolver, then the address; a known resolver is asked along with the registry."""
    facts = Facts()
    replies = {**resolver(RESOLVER), **target(RESOLVER, TARGET)}
    assert known_name(DIRECTORY, NAME, facts) is None
    found, cold = replay(resolve_name(DIRECTORY, NAME, facts), replies)
    again, warm = replay(resolve_name(DIRECTORY, NAME, facts), replies)
    assert found == again == known_name(DIRECTORY, NAME, facts) == TARGET
    assert (len(cold), len(warm)) == (2, 1)


def test_a_name_that_moved_to_another_resolver_is_found_there():
    """What was known is only a hint: the registry's word counts."""
    facts = Facts()
    replay(resolve_name(DIRECTORY, NAME, facts), {**resolver(RESOLVER), **target(RESOLVER, TARGET)})
    moved = {**resolver(PROXY), **target(PROXY, OWNER), **target(RESOLVER, TARGET)}
    assert replay(resolve_name(DIRECTORY, NAME, facts), moved)[0] == OWNER


@pytest.mark.parametrize(
    "replies", [resolver(NONE), {**resolver(RESOLVER), **target(RESOLVER, NONE)}]
)
def test_a_name_without_an_address_says_so(replies):
    """No resolver and no record are an answer, not a failed read."""
    found, _ = replay(resolve_name(DIRECTORY, NAME, Facts()), replies)
    assert isinstance(found, Failure)
    assert found.code == "no_address"


@pytest.mark.parametrize("site", [0, 1])
def test_a_name_that_could_not_be_read_is_a_failure(site):
    """A dead node never makes a name unregistered."""
    replies: dict[ReplyKey, RawReply] = {**resolver(RESOLVER), **target(RESOLVER, TARGET)}
    replies[list(replies)[site]] = DOWN
    assert replay(resolve_name(DIRECTORY, NAME, Facts()), replies)[0] == DOWN


LISTED = (PROXIES, selector("proxies(address)") + eth_abi.encode(["address"], [OWNER]))
OWNERS = (OWNER, selector("getOwners()"))
NO_CODE = Failure(Reason.BAD_RETURN_DATA, "no_code")


@pytest.mark.parametrize(
    ("owners", "kind"),
    [
        (eth_abi.encode(["address[]"], [[TARGET, PROXY]]), "safe"),
        (NO_CODE, "account"),
        (Failure(Reason.CALL_REVERTED, "no_data"), "contract"),
        (eth_abi.encode(["address[]"], [[]]), "contract"),
        (DOWN, DOWN),
    ],
)
def test_an_owner_is_called_what_it_is(owners, kind):
    """A list of owners makes a Safe, no code an account; a failed read is kept."""
    replies: dict[ReplyKey, RawReply] = {LISTED: address(NONE), OWNERS: owners}
    found, rounds = replay(find_proxy(BLOCK, DIRECTORY, OWNER, Facts()), replies)
    assert (found, len(rounds)) == (Identity(kind), 1)


def test_the_registry_names_the_proxy():
    """A proxy is found in one round and remembered as the one to ask first."""
    facts = Facts()
    replies: dict[ReplyKey, RawReply] = {LISTED: address(PROXY), OWNERS: NO_CODE}
    found, _ = replay(find_proxy(BLOCK, DIRECTORY, OWNER, facts), replies)
    assert found == Identity("account", PROXY)
    assert known_proxy("eip155:1", OWNER, facts) == PROXY
    replay(find_proxy(BLOCK, DIRECTORY, OWNER, facts), {**replies, LISTED: address(NONE)})
    assert known_proxy("eip155:1", OWNER, facts) == ""


def test_a_registry_that_did_not_answer_is_not_no_proxy():
    """The failure is kept in the place of the proxy."""
    found, _ = replay(find_proxy(BLOCK, DIRECTORY, OWNER, Facts()), {LISTED: DOWN, OWNERS: NO_CODE})
    assert found == Identity("account", DOWN)


def test_a_chain_without_a_registry_has_no_proxies():
    """Where nothing registers proxies, none is asked for."""
    found, (asked,) = replay(find_proxy(BLOCK, None, OWNER, Facts()), {OWNERS: NO_CODE})
    assert (found, len(asked)) == (Identity("account"), 1)


@pytest.mark.parametrize(
    ("said", "mine"), [(address(OWNER), True), (address(TARGET), False), (DOWN, DOWN)]
)
def test_a_proxy_is_asked_whose_it_is(said, mine):
    """A proxy that was given away is not the owner's, whatever the registry keeps."""
    found, _ = replay(check_proxy(PROXY, OWNER), {(PROXY, selector("owner()")): said})
    assert found == mine
