"""Hyperliquid over a real node: stand-ins at the precompiles' addresses, frames whose gas burns."""

from __future__ import annotations

import asyncio
import random
from fractions import Fraction

import pytest

from crossmargin.adapters.base import ReadRequest, VenueSnapshot
from crossmargin.adapters.chain.client import RpcChain
from crossmargin.adapters.chain.rounds import run_plans
from crossmargin.adapters.chain.transport import HttpTransport
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.adapters.venues.hyperliquid import ADAPTER
from crossmargin.core.book.health import Parity, State
from crossmargin.core.errors import Failure
from tests.adapters.venues.hyperliquid.accounts import OWNERS, TABLES, USD, deployment, state

from .anvil import AnvilChain
from .hypercore import HyperCore, Position, install

RANDOM_ACCOUNTS = 120


async def _read(
    chain: AnvilChain, owners: list[str], facts: Facts, options: dict[str, object]
) -> tuple[list[VenueSnapshot | Failure], int]:
    """The owners' snapshots over one client, all in lockstep, and the rounds that took."""
    client = RpcChain("eip155:31337", [HttpTransport(chain.url)], budget_seconds=60)
    block = await client.pin("latest")
    plans = {
        owner: ADAPTER.read(
            ReadRequest(owner, block, deployment(), bundled_tokens(), facts, options)
        )
        for owner in owners
    }
    found = await run_plans(client, plans, block)
    await client.aclose()
    return [found[owner] for owner in owners], client.rounds


def read(
    chain: AnvilChain, owners: list[str], facts: Facts | None = None, **options: object
) -> tuple[list[VenueSnapshot], int]:
    """What the adapter says of the owners; every plan must have returned."""
    found, rounds = asyncio.run(_read(chain, owners, facts or Facts(), options))
    snapshots = [each for each in found if isinstance(each, VenueSnapshot)]
    assert len(snapshots) == len(owners), found
    return snapshots, rounds


def test_accounts_read_over_a_node_are_exact_and_warm_in_one_round(anvil: AnvilChain) -> None:
    """Three rounds cold, one warm; value and notional of every dex equal the summaries."""
    install(anvil, state(), [OWNERS["stranger"]])
    facts = Facts()
    (cold,), cold_rounds = read(anvil, [OWNERS["mixed"]], facts, mode="standard")
    (warm,), warm_rounds = read(anvil, [OWNERS["mixed"]], facts, mode="standard")
    assert (cold_rounds, warm_rounds) == (3, 1)
    assert warm == cold
    assert len(warm.accounts) == 4
    for account in warm.accounts[:3]:
        assert Parity.between(account.judgement, account.venue_answer).status == "exact"
        assert account.labels["l1_block"] == "900000001"


def test_a_stranger_costs_one_round_and_no_gas(anvil: AnvilChain) -> None:
    """Nothing is asked of precompiles that would burn for an unknown user."""
    install(anvil, state(), [OWNERS["stranger"]])
    (answer,), rounds = read(anvil, [OWNERS["stranger"]])
    assert (answer.accounts, answer.problems, rounds) == ((), (), 1)


def test_a_bad_index_burns_its_frame_and_the_next_frame_leaves_it_out(anvil: AnvilChain) -> None:
    """The real frame's gas is gone behind the bad index; read again, only its own dex is unknown."""
    install(anvil, state(), [])
    (answer,), rounds = read(anvil, [OWNERS["mixed"]], mode="standard", perps=[7])
    states = {
        account.id: account.judgement.actionable.health.state
        for account in answer.accounts
        if account.judgement is not None
    }
    assert rounds == 4
    assert states == {
        "main:cross": State.UNKNOWN,
        "xyz:cross": State.OK,
        "hyna:cross": State.OK,
        "main:isolated-12": State.LIQUIDATABLE,
    }


def test_an_unread_borrowing_spoils_nothing_else(anvil: AnvilChain) -> None:
    """The one call that fails for a sound account comes last: the rest of the frame is answered."""
    install(anvil, state(), [])
    (answer,), _ = read(anvil, [OWNERS["broken"]], mode="portfolio")
    codes = {account.id: account.failure and account.failure.code for account in answer.accounts}
    assert codes == {"portfolio": "borrow_unread", "main:isolated-1": None}


@pytest.mark.differential
def test_random_accounts_are_judged_as_a_second_writing_judges_them(anvil: AnvilChain) -> None:
    """120 random accounts through the node: summaries exact, verdicts those of a plain writing."""
    core, rng = state(), random.Random(20260917)  # noqa: S311 - a seeded run repeats
    owners = [f"0x{number:040x}" for number in range(0xB00000, 0xB00000 + RANDOM_ACCOUNTS)]
    for owner in owners:
        _fill(core, owner, rng)
    core.users = set(owners)
    install(anvil, core)
    judged, verdicts, differences = 0, set(), 0
    for start in range(0, RANDOM_ACCOUNTS, 40):
        group = owners[start : start + 40]
        snapshots, _ = read(anvil, group, mode="standard")
        for owner, snapshot in zip(group, snapshots, strict=True):
            for account in snapshot.accounts:
                assert account.failure is None, account.failure
                assert account.judgement is not None
                parity = Parity.between(account.judgement, account.venue_answer)
                differences += parity.largest
                verdict = account.judgement.actionable.liquidatable
                assert verdict is _liquidatable(core, owner, account.id), (owner, account.id)
                verdicts.add(verdict)
                judged += 1
    assert (differences, verdicts) == (0, {True, False})
    assert judged >= RANDOM_ACCOUNTS


def _fill(core: HyperCore, owner: str, rng: random.Random) -> None:
    """Random positions on the three dexes, some isolated, with margin around maintenance."""
    for perp, (_, _, _, _, mark) in core.perps.items():
        if rng.random() < 0.4:
            continue
        notional = int(10 ** rng.uniform(2, 8.7)) * USD
        size = max(notional // mark, 1) * rng.choice([1, -1])
        margin = int(abs(size) * mark * rng.uniform(0.0, 0.2))
        entry = int(abs(size) * mark * rng.uniform(0.8, 1.2))
        isolated = margin - size * mark if rng.random() < 0.3 else None
        core.positions[owner, perp] = Position(size, entry, isolated, rng.randint(1, 40))
        if isolated is None:
            key = (owner, perp // 10_000)
            core.cross[key] = core.cross.get(key, 0) + margin - size * mark


def _liquidatable(core: HyperCore, owner: str, island: str) -> bool:
    """The verdict written out from the state: equity below maintenance, summed tier by tier."""
    dex_name, _, rest = island.partition(":")
    dex = ("main", "xyz", "hyna").index(dex_name)
    equity, needed = Fraction(0), Fraction(0)
    for (holder, perp), held in core.positions.items():
        isolated = rest == f"isolated-{perp}"
        if holder != owner or perp // 10_000 != dex or isolated != (held.isolated is not None):
            continue
        if rest != "cross" and not isolated:
            continue
        worth = Fraction(held.size * core.perps[perp][4], USD)
        equity += worth + Fraction(held.isolated or 0, USD)
        needed += _maintenance(core.perps[perp][1], abs(worth))
    if rest == "cross":
        equity += Fraction(core.cross.get((owner, dex), 0), USD)
    return equity < needed


def _maintenance(table: int, notional: Fraction) -> Fraction:
    rows = TABLES.get(str(table), [[0, table]])
    needed = Fraction(0)
    for (lower, leverage), end in zip(rows, [*(row[0] for row in rows[1:]), None], strict=True):
        part = max(notional - lower, Fraction(0))
        needed += (min(part, Fraction(end - lower)) if end else part) / (2 * leverage)
    return needed


@pytest.mark.parametrize("behind", [1, 20])
def test_a_past_block_is_refused_by_the_real_node_too(anvil: AnvilChain, behind: int) -> None:
    """Pinned by number, a block that is not the head gives no answer that could be mistaken."""
    install(anvil, state(), [])

    async def scenario() -> VenueSnapshot | Failure:
        client = RpcChain("eip155:31337", [HttpTransport(anvil.url)], budget_seconds=60)
        block = await client.pin(anvil.block_number - behind)
        request = ReadRequest(OWNERS["short"], block, deployment(), bundled_tokens(), Facts(), {})
        found = await run_plans(client, {"only": ADAPTER.read(request)}, block)
        await client.aclose()
        return found["only"]

    found = asyncio.run(scenario())
    assert isinstance(found, VenueSnapshot)
    assert ([problem.code for problem in found.problems], found.complete) == (
        ["latest_only"],
        False,
    )
