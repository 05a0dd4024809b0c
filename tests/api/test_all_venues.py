"""One wallet on every lending venue at once, recorded from their real contracts on one chain.

Two blocks: the wallet as opened, and after its collateral fell by half. Aave v3, Morpho Blue,
SparkLend, Compound v3, Euler v2 (two sub-accounts), Sky and Liquity v2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from crossmargin.adapters.chain.call import Call, Read, Replies
from crossmargin.adapters.chain.evidence import load_bundle
from crossmargin.adapters.chain.recorded import RecordedChain
from crossmargin.adapters.facts import Facts
from crossmargin.api.answers import Answer, Kind
from crossmargin.api.evidence import reopen
from crossmargin.api.pipeline import answer, judge
from crossmargin.api.query import Query
from crossmargin.api.sources import Sources
from crossmargin.core.book.health import STATES_WORST_FIRST, State
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason

BUNDLE = load_bundle(Path(__file__).parents[1] / "recordings" / "all-venues.json.gz")
VENUES = [
    "aave-v3", "compound-v3", "euler-v2", "euler-v2", "liquity-v2", "morpho-blue", "sky",
    "sparklend",
]  # fmt: skip
BLOCKS = sorted(block.number for block in BUNDLE.recording.blocks)
Document = dict[str, Any]


def opened(number: int) -> tuple[Query, Sources, RecordedChain]:
    """The recorded question at one of the two blocks, on cold facts."""
    _, query, sources = reopen(BUNDLE)
    (chain,) = sources.chains.values()
    assert isinstance(chain, RecordedChain)
    chain.head = number
    return query, sources, chain


def ask(kind: Kind, number: int) -> Answer:
    """The answer of that kind at that block."""
    query, sources, _ = opened(number)
    return asyncio.run(answer(kind, query, sources))


def by_account(document: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """The answer's accounts by venue and id."""
    return {(each["venue"], each["id"]): each for each in document["accounts"]}


@pytest.mark.parametrize("number", BLOCKS)
def test_one_answer_holds_every_venue_exactly(number: int) -> None:
    """Every account is there, complete, and equal to its venue's own figures to the wei."""
    document = ask("health", number).document
    assert sorted(each["venue"] for each in document["accounts"]) == VENUES
    assert document["complete"] is True
    for each in document["accounts"]:
        assert (each["parity"]["status"], each["parity"]["largest"]) == ("exact", "0")
    assert ask("parity", number).document["ok"] is True


def test_a_warm_answer_costs_two_round_trips() -> None:
    """All venues, the wallet and the prices together; Euler's quotes included."""
    query, sources, chain = opened(BLOCKS[0])
    rounds = []
    for _ in range(3):
        before = chain.rounds
        asyncio.run(answer("health", query, sources))
        rounds.append(chain.rounds - before)
    assert rounds[1:] == [2, 2]
    assert rounds[0] <= 6


def test_the_recorded_answer_is_replayed_to_the_byte() -> None:
    """The bundle's own answer, at the later block."""
    assert ask("health", BLOCKS[-1]).text.decode() == BUNDLE.answer


def test_the_fall_shows_venue_by_venue() -> None:
    """Three venues can be liquidated after the fall, and the worst state is the whole's."""
    before, after = (ask("health", number).document for number in BLOCKS)
    assert before["state"] == "at_risk"
    states = {venue: each["state"] for (venue, _), each in by_account(after).items()}
    assert {venue for venue, state in states.items() if state == "liquidatable"} == {
        "compound-v3", "morpho-blue", "sky",
    }  # fmt: skip
    assert after["state"] == "liquidatable"
    assert Decimal(after["equity"]) < Decimal(before["equity"])


@pytest.mark.parametrize("number", BLOCKS)
def test_the_portfolio_document_judges_the_same_offline(number: int) -> None:
    """What ``portfolio`` wrote gives ``margin`` the same states, equity and health without a chain."""
    online = ask("margin", number)
    _, sources, _ = opened(number)
    offline = judge("margin", orjson.dumps(ask("portfolio", number).document), sources)
    assert offline.document["equity"] == online.document["equity"]
    assert offline.document["health"] == online.document["health"]
    theirs, ours = by_account(online.document), by_account(offline.document)
    assert theirs.keys() == ours.keys()
    for key, each in theirs.items():
        for field in ("state", "equity", "initial", "maintenance", "health", "verdicts"):
            assert ours[key][field] == each[field]


class _Silent:
    """The recorded chain with every read of some contracts lost."""

    def __init__(self, inner: RecordedChain, targets: frozenset[str]) -> None:
        self._inner, self._targets = inner, targets
        self.chain_id, self.rounds = inner.chain_id, 0

    async def pin(self, block: int | str) -> BlockRef:
        """See ``Chain``."""
        return await self._inner.pin(block)

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """See ``Chain``."""
        replies = await self._inner.fetch(reads, block)
        lost = Failure(Reason.RPC_UNAVAILABLE, "timeout")
        return Replies(
            {
                read: lost
                if isinstance(read, Call) and read.target in self._targets
                else replies.raw(read)
                for read in reads
            }
        )

    async def aclose(self) -> None:
        """Nothing to free."""


@pytest.mark.parametrize("venue", sorted(set(VENUES)))
@pytest.mark.parametrize("number", BLOCKS)
def test_a_silent_venue_changes_no_other_and_makes_nothing_healthier(
    venue: str, number: int
) -> None:
    """Its contracts do not answer: it is named, the others stay as they were."""
    truth = ask("health", number).document
    query, sources, chain = opened(number)
    places = [each for each in sources.deployments if each.venue == venue]
    targets = frozenset(address.lower() for each in places for address in each.contracts.values())
    silent = replace(sources, chains={chain.chain_id: _Silent(chain, targets)}, facts=Facts())
    document = asyncio.run(answer("health", query, silent)).document
    assert document["complete"] is False
    assert any(
        problem["venue"] == venue and problem["severity"] == "read"
        for problem in document["problems"]
    )
    rank = STATES_WORST_FIRST.index
    known = by_account(document)
    for key, each in by_account(truth).items():
        if key[0] != venue:
            assert (known[key]["state"], known[key]["health"]) == (each["state"], each["health"])
    remaining = [State(each["state"]) for key, each in by_account(truth).items() if key[0] != venue]
    floor = min([*map(rank, remaining), rank(State.UNKNOWN)])
    assert rank(State(document["state"])) <= floor
    assert document["portfolio_health"]["value"] is None


def test_every_debt_has_liquidation_terms_that_survive_the_document() -> None:
    """How much may be closed and what it costs is stated per account, online and offline."""
    document = ask("health", BLOCKS[-1]).document
    for each in document["accounts"]:
        terms = each["terms"]
        assert 0 < Decimal(terms["close_factor"]) <= 1, each["venue"]
        assert Decimal(terms["penalty"]) >= 0
    _, sources, _ = opened(BLOCKS[-1])
    written = orjson.dumps(ask("portfolio", BLOCKS[-1]).document)
    offline = by_account(judge("health", written, sources).document)
    for key, each in by_account(document).items():
        for field in ("terms", "exact_liquidation"):
            assert offline[key][field] == each[field]


def test_the_exact_liquidation_price_is_shown_in_the_venues_own_unit() -> None:
    """One entry per asset and side, raw and as a decimal; ETH below its price on Aave liquidates."""
    accounts = by_account(ask("health", BLOCKS[0]).document)
    prices = accounts["aave-v3", "local"]["exact_liquidation"]
    down = {each["asset"]: each for each in prices if each["side"] == "down"}
    assert {"WETH", "WBTC"} <= down.keys()
    weth = down["WETH"]
    assert (weth["decimals"], weth["unit"]) == (8, "USD")
    assert Decimal(weth["price"]).scaleb(8) == int(weth["raw"])
    assert 0 < Decimal(weth["price"]) < 3_000
