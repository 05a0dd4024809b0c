"""Every read of both adapters lost or spoilt in turn: no answer is ever healthier than the truth.

What *not healthier* means is in ``never_healthier``, on the document that a user gets. Every read of
a cold answer is a case per kind of fault, through the whole pipeline, over the real contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from crossmargin.adapters.chain.call import LogQuery, RawReply, Read, Replies
from crossmargin.adapters.chain.client import Chain
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.api.pipeline import answer
from crossmargin.api.query import Query
from crossmargin.api.reading import Sources
from crossmargin.core.book.health import STATES_WORST_FIRST, State
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason
from tests.localchain.aave_v3 import STABLE
from tests.localchain.morpho_blue import units
from tests.localchain.world import World

from .reading import Product, query

WAD, USDC = 10**18, 10**6
Document = Mapping[str, Any]
Spoil = Callable[[RawReply], RawReply]
LOST = Failure(Reason.RPC_UNAVAILABLE, "injected", "a fault of this test")


def _spoilt(change: Callable[[bytes], bytes]) -> Spoil:
    """Bytes changed; a log scan is simply lost."""
    return lambda reply: change(reply) if isinstance(reply, bytes) else LOST


FAULTS: Mapping[str, Spoil] = {
    "lost": lambda reply: LOST,
    "empty": _spoilt(lambda reply: b""),
    "garbage": _spoilt(lambda reply: b"\xff" * max(len(reply), 7)),
    "cut": _spoilt(lambda reply: reply[:-1]),
}


class FaultyChain:
    """A chain that passes everything on, spoils the reply to one read, and remembers what was asked."""

    def __init__(
        self, inner: Chain, victim: Read | None = None, spoil: Spoil | None = None
    ) -> None:
        self.asked: dict[Read, RawReply] = {}
        self._inner = inner
        self._victim = victim
        self._spoil = spoil

    @property
    def chain_id(self) -> str:
        """See ``Chain``."""
        return self._inner.chain_id

    @property
    def rounds(self) -> int:
        """See ``Chain``."""
        return self._inner.rounds

    async def pin(self, block: int | str) -> BlockRef:
        """See ``Chain``."""
        return await self._inner.pin(block)

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """See ``Chain``."""
        replies = await self._inner.fetch(reads, block)
        raw = {read: replies.raw(read) for read in reads}
        self.asked |= raw
        if self._spoil is not None and self._victim in raw:
            raw[self._victim] = self._spoil(raw[self._victim])
        return Replies(raw)

    async def aclose(self) -> None:
        """See ``Chain``."""
        await self._inner.aclose()


# The accounts


def healthy(world: World, owner: str) -> None:
    """Ordinary accounts on both venues, two Morpho markets, one of them also lent to."""
    world.aave.supply(owner, "WETH", 10 * WAD)
    world.aave.supply(owner, "WBTC", 10**7)
    world.aave.borrow(owner, "USDC", 12_000 * USDC)
    for market in (world.market("DAI", "WETH"), world.market("USDC", "WBTC")):
        world.morpho.supply_collateral(market, owner, units(market.terms.collateral, 40_000))
        world.morpho.borrow(market, owner, units(market.terms.loan, 9_000))
    world.morpho.supply(world.market("USDC", "WBTC"), owner, 500 * USDC)


def liquidatable(world: World, owner: str) -> None:
    """Below the limit on Aave and on one of two Morpho markets."""
    world.aave.supply(owner, "LINK", 1_000 * WAD)
    world.aave.borrow(owner, "DAI", 7_000 * WAD)
    fallen = world.market("WETH", "wstETH")
    for market, share in ((fallen, 9_300), (world.market("DAI", "WETH"), 3_000)):
        world.morpho.supply_collateral(market, owner, units(market.terms.collateral, 10_000))
        world.morpho.borrow(market, owner, units(market.terms.loan, share))
    world.aave.set_price("LINK", 10 * 10**8)
    world.morpho.set_price(fallen, world.morpho.price(fallen) * 95 // 100)


def without_debt(world: World, owner: str) -> None:
    """Supplies only: collateral, a supply that is switched off, a loan to Morpho's borrowers."""
    world.aave.supply(owner, "WETH", WAD)
    world.aave.supply(owner, "USDC", 1_000 * USDC)
    world.aave.use_as_collateral(owner, "USDC", False)
    world.morpho.supply(world.market("USDC", "WBTC"), owner, 700 * USDC)
    world.morpho.supply_collateral(world.market("DAI", "WETH"), owner, WAD)


def bad_debt(world: World, owner: str) -> None:
    """Debts above the collateral's value on both venues."""
    world.aave.supply(owner, "cbETH", WAD)
    world.aave.borrow(owner, "USDC", 2_000 * USDC)
    world.aave.set_price("cbETH", 1_000 * 10**8)
    market = world.market("WBTC", "USDC")
    world.morpho.supply_collateral(market, owner, 10_000 * USDC)
    world.morpho.borrow(market, owner, units("WBTC", 7_000))
    world.morpho.set_price(market, world.morpho.price(market) // 2)


def in_emode(world: World, owner: str) -> None:
    """In the category with a price of its own, with an outside asset, stable and variable debt."""
    world.aave.supply(owner, "USDC", 10_000 * USDC)
    world.aave.set_emode(owner, 2)
    world.aave.supply(owner, "WETH", WAD)
    world.aave.borrow(owner, "DAI", 4_000 * WAD)
    world.aave.borrow(owner, "DAI", 1_000 * WAD, STABLE)
    world.aave.borrow(owner, "GUSD", 100_00)


def nothing(world: World, owner: str) -> None:
    """An owner without any position."""


class Case(NamedTuple):
    """How an account is opened and its worst true state; whether the registry knows its tokens."""

    open: Callable[[World, str], None]
    state: State
    known: bool = True


ACCOUNTS = {
    "healthy": Case(healthy, State.OK),
    "liquidatable": Case(liquidatable, State.LIQUIDATABLE),
    "no debt": Case(without_debt, State.NO_DEBT),
    "bad debt": Case(bad_debt, State.BAD_DEBT),
    "eMode": Case(in_emode, State.OK),
    "unknown tokens": Case(healthy, State.BAD_DEBT, known=False),
    "nothing": Case(nothing, State.EMPTY),
}


# What an answer may say under a fault


def rank(state: str) -> int:
    """The place of a state in the order, worst first."""
    return STATES_WORST_FIRST.index(State(state))


def number(text: str | None) -> Decimal | None:
    """A figure of a document."""
    return None if text is None else Decimal(text)


def never_healthier(truth: Document, faulty: Document) -> None:
    """No state, value, equity or coverage better than the truth; no account gone without a word.

    A state may be worse or ``unknown``; a value at most the true one or null; bounds contain the
    true value or are null; a verdict ``liquidatable`` may only become null. An answer that calls
    itself complete says exactly the truth.
    """
    _state_not_better(truth["state"], faulty["state"])
    _health_not_better(truth["portfolio_health"], faulty["portfolio_health"])
    _not_above(truth["equity"], faulty["equity"])
    _not_above(truth["two_day_coverage"]["value"], faulty["two_day_coverage"]["value"])
    shown = {(row["venue"], row["id"]): row for row in faulty["accounts"]}
    for row in truth["accounts"]:
        found = shown.get((row["venue"], row["id"]))
        if found is None:
            assert not faulty["complete"], f"{row['venue']} {row['id']} vanished"
            assert faulty["state"] in {"unknown", "liquidatable", "bad_debt"}
            continue
        _state_not_better(row["state"], found["state"])
        _health_not_better(row["health"], found["health"])
        _not_above(row["equity"], found["equity"])
        for clock in ("stored", "actionable"):
            verdict = found["verdicts"][clock]
            if verdict is not None and row["verdicts"][clock]["liquidatable"] is not False:
                assert verdict["liquidatable"] is not False
    if faulty["complete"]:
        assert claims(faulty) == claims(truth)


def claims(document: Document) -> list[object]:
    """What a complete answer says in numbers. ``empty`` and ``no_debt`` both say: nothing owed."""
    said: list[object] = [
        document["portfolio_health"]["value"],
        document["two_day_coverage"]["value"],
        document["equity"],
    ]
    for row in document["accounts"]:
        verdicts = [row["verdicts"][clock]["liquidatable"] for clock in ("stored", "actionable")]
        said += [row["venue"], row["id"], row["health"]["value"], row["equity"], *verdicts]
    return said


def _state_not_better(true: str, shown: str) -> None:
    assert shown == State.UNKNOWN or rank(shown) <= rank(true), f"{true} became {shown}"


def _health_not_better(true: Document, shown: Document) -> None:
    _not_above(true["value"], shown["value"])
    value, low, high = (number(one) for one in (true["value"], shown["low"], shown["high"]))
    if value is not None:
        assert low is None or low <= value
        assert high is None or high >= value
    assert high is None or low is not None, "only the optimistic end"


def _not_above(true: str | None, shown: str | None) -> None:
    if true is not None and shown is not None:
        assert Decimal(shown) <= Decimal(true), f"{true} rose to {shown}"


def names(document: Document, fault: str, read: Read) -> bool:
    """Whether a problem of the answer names what was done to the read."""
    problems = document["problems"]
    if any("injected" in (one["code"], one["detail"]) for one in problems):
        return True
    if fault == "lost" or isinstance(read, LogQuery):
        return False
    # Garbage that decodes shows in what it makes impossible, so any read problem names it.
    return any(one["severity"] == "read" or one["reason"] == "bad_return_data" for one in problems)


# The cases


@pytest.mark.parametrize("name", ACCOUNTS)
@pytest.mark.parametrize(
    ("step", "least"),
    [
        pytest.param(17, 12, id="quick"),
        pytest.param(1, 100, id="whole", marks=pytest.mark.differential),
    ],
)
def test_no_fault_makes_an_answer_healthier(world: World, name: str, step: int, least: int) -> None:
    """Each read lost, empty, garbled or cut: not healthier, named, and the next answer is true."""
    case, owner = ACCOUNTS[name], world.chain.new_account()
    case.open(world, owner)
    asked = query(owner, **{"morpho-blue": {"discover": "logs"}})

    async def work(sources: Sources) -> int:
        if not case.known:
            sources = replace(sources, tokens=bundled_tokens(), added_tokens=())
        truth, reads = await _truth(asked, sources, case.state)
        cases = [(read, fault) for read in reads for fault in FAULTS][::step]
        for read, fault in cases:
            facts = Facts()
            faulty = await _answered(asked, sources, facts, read, FAULTS[fault])
            where = f"{fault}: {read}"
            try:
                never_healthier(truth, faulty)
                assert faulty == truth or names(faulty, fault, read), "not named"
                again = await _answered(asked, sources, facts)
                assert again == truth, "the fault was remembered"
            except AssertionError as error:
                raise AssertionError(where) from error
        return len(cases)

    counted = Product(world).run(work)
    print(f"{name}: {counted} faults")
    assert counted >= least


async def _truth(asked: Query, sources: Sources, state: State) -> tuple[Document, list[Read]]:
    """The answer without a fault, and every distinct read that it took."""
    chain_id, chain = next(iter(sources.chains.items()))
    watched = FaultyChain(chain)
    document = await _answered(asked, replace(sources, chains={chain_id: watched}), Facts())
    assert document["state"] == state, document["sentence"]
    assert document["complete"] is True
    return document, list(watched.asked)


async def _answered(
    asked: Query,
    sources: Sources,
    facts: Facts,
    victim: Read | None = None,
    spoil: Spoil | None = None,
) -> Document:
    """The health document, without the evidence's id, which differs with what was read."""
    chain_id, chain = next(iter(sources.chains.items()))
    chains: dict[str, Chain] = {chain_id: FaultyChain(chain, victim, spoil)}
    given = await answer("health", asked, replace(sources, chains=chains, facts=facts))
    return {key: value for key, value in given.document.items() if key != "evidence_id"}
