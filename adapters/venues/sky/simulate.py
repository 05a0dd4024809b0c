"""What a liquidation would find, from the chain itself: poke, drip and bark in one ``eth_call``.

The feeds of most collaterals answer only the spotter, and fees are collected only when somebody
asks. Both are public acts, so a keeper does them first. One aggregate per collateral type does the
same and undoes it: it answers the rate and spot that were left, and whether each vault was barked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import abi as eth_abi
from eth_abi.exceptions import DecodingError

from ...chain.call import Call, Contract, selector
from ...chain.multicall import MULTICALL3

__all__ = ["Bark", "Simulated", "simulation"]

_MULTICALL = Contract("sky", "Multicall3")
_VAT, _SPOTTER = Contract("sky", "Vat"), Contract("sky", "Spotter")
_JUG, _DOG = Contract("sky", "Jug"), Contract("sky", "Dog")

_ERROR = selector("Error(string)")

# The only refusal that speaks of the vault itself, and those that come after it (dog.sol, clip.sol).
_SAFE = "Dog/not-unsafe"
_PAST_THE_TEST = (
    "Dog/liquidation-limit-hit",
    "Dog/dusty-auction-from-partial-liquidation",
    "Dog/null-auction",
    "Dog/overflow",
    "Clipper/",
)


@dataclass(frozen=True, slots=True)
class Bark:
    """Whether a vault would be barked at: ``safe`` None where the refusal does not say.

    ``refusal`` is the contract's reason; empty where the auction would start.
    """

    safe: bool | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A collateral type after poke and drip: its rate and spot (ray), and each vault's bark.

    ``poked`` and ``dripped`` say whether the contracts allowed it; where not, the stored number is
    what a liquidation would use.
    """

    poked: bool
    dripped: bool
    rate: int
    spot: int
    barks: tuple[Bark, ...]


def simulation(
    vat: str, spotter: str, jug: str, dog: str, ilk: bytes, urns: Sequence[str]
) -> Call[Simulated]:
    """The call that simulates a liquidation of each of these vaults of one collateral type."""
    calls = (
        _SPOTTER.all(spotter, "poke", ilk),
        _JUG.all(jug, "drip", ilk),
        _VAT.all(vat, "ilks", ilk),
        *(_DOG.all(dog, "bark", ilk, urn, MULTICALL3) for urn in urns),
    )
    ilks = calls[2]

    def read(outputs: tuple[Any, ...]) -> Simulated:
        """The outcome of each part; ``ValueError`` where the shape is not what was asked."""
        rows = [(bool(success), bytes(data)) for success, data in outputs[0]]
        if len(rows) != len(calls) or not rows[2][0]:
            raise ValueError(f"{len(rows)} results for {len(calls)} calls")
        _, rate, spot, _, _ = eth_abi.decode(ilks.function.outputs, rows[2][1])
        return Simulated(rows[0][0], rows[1][0], rate, spot, tuple(_barks(rows[3:], spot)))

    batch = [(call.target, True, call.data) for call in calls]
    aggregate = _MULTICALL.function("aggregate3")
    return Call(MULTICALL3, aggregate.encode((batch,)), aggregate, read, changes_state=True)


def _barks(rows: Sequence[tuple[bool, bytes]], spot: int) -> Sequence[Bark]:
    """One verdict per vault; room that an earlier vault of the batch took is no refusal."""
    barks: list[Bark] = []
    for success, data in rows:
        reason = "" if success else _reason(data)
        # A spot of 0 is refused with the same words as a safe vault.
        safe = False if success else _verdict(reason, spot)
        taken = any(not bark.refusal for bark in barks) and reason.startswith("Dog/")
        barks.append(Bark(safe, "" if taken and safe is False else reason))
    return barks


def _verdict(reason: str, spot: int) -> bool | None:
    if reason == _SAFE:
        return True if spot else None
    return False if reason.startswith(_PAST_THE_TEST) else None


def _reason(data: bytes) -> str:
    """The words of a revert; ``no reason`` where it has none.

    Read leniently: compilers of that time leave other bytes behind a text of more than 32 letters.
    """
    if data[:4] != _ERROR:
        return "no reason"
    try:
        return str(eth_abi.decode(("string",), data[4:], strict=False)[0])
    except (DecodingError, OverflowError, ValueError):
        return "no reason"
