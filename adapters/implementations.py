"""What a venue's proxies run at the block, so that an upgrade is noticed.

A proxy of EIP-1967 keeps its implementation's address in a fixed storage word. It is read beside
everything else; a change since the last answer is noted, and nothing that was cached under the old
code is trusted for longer than the round that checks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eth_hash.auto import keccak

from ..core.errors import Failure, Problem, Reason, Severity
from .address import checksum_address
from .chain.call import ReadPlan, StorageQuery
from .facts import Facts

__all__ = ["IMPLEMENTATION_SLOT", "Implementations", "read_implementations", "upgrades"]

# EIP-1967: one less than the hash, so that no contract can come to that word by accident.
IMPLEMENTATION_SLOT = int.from_bytes(keccak(b"eip1967.proxy.implementation"), "big") - 1
_FACT = "implementation"
_ADDRESSES = 1 << 160

# Per contract (checksummed) what it runs; empty for one that is no proxy.
Implementations = Mapping[str, str | Failure]


def read_implementations(contracts: Iterable[str]) -> ReadPlan[Implementations]:
    """The implementation behind each contract, in one round."""
    queries = {
        checksum_address(each): StorageQuery(each.lower(), IMPLEMENTATION_SLOT)
        for each in sorted(set(contracts))
    }
    replies = yield list(queries.values())
    words = {address: replies.word(query) for address, query in queries.items()}
    return {address: _address(word) if word else "" for address, word in words.items()}


def _address(word: int | Failure) -> str | Failure:
    if isinstance(word, Failure):
        return word
    if word >= _ADDRESSES:
        return Failure(Reason.BAD_RETURN_DATA, "no_address", "the slot holds no address")
    return checksum_address(f"{word:#042x}")


def upgrades(chain_id: str, found: Implementations, facts: Facts) -> list[Problem]:
    """A note for every proxy whose code is another one than in the last answer, or is not known.

    Where no word could be read at all (a node without ``eth_getStorageAt``) that is one note.
    """
    problems = []
    unread = [value for value in found.values() if isinstance(value, Failure)]
    if unread:
        detail = f"{len(unread)} implementations could not be read: {unread[0].detail}"
        failure = Failure(unread[0].reason, unread[0].code, detail)
        problems.append(Problem.of(failure, leg=chain_id, severity=Severity.NOTE))
    for proxy, code in found.items():
        if isinstance(code, Failure):
            continue
        before = facts.get(chain_id, proxy, _FACT)
        if before not in (None, code):
            detail = f"{proxy} runs {code} since the last answer, before it ran {before}"
            changed = Failure(Reason.CODE_CHANGED, "implementation", detail)
            problems.append(Problem.of(changed, leg=proxy, severity=Severity.NOTE))
        facts.put(chain_id, proxy, _FACT, code)
    return problems
