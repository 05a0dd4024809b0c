"""Morpho Blue: verdicts, debts and accrued totals equal the singleton's own, stored and actionable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from crossmargin.adapters.venues.morpho_blue.maths import accrue
from crossmargin.adapters.venues.morpho_blue.rule import MorphoRule
from crossmargin.core.book.health import Parity, State
from crossmargin.core.book.model import MarginAccount
from tests.localchain import morpho_random
from tests.localchain.chain import Reverted
from tests.localchain.morpho_blue import MorphoMarket, MorphoVenue, units
from tests.localchain.morpho_random import RandomBorrower
from tests.localchain.world import World

from .reading import MORPHO, Product, account_in, judged

DAY = 86_400


class Scale(NamedTuple):
    """How many seeds, accounts per seed, and moves of time and price after the opening."""

    seeds: Sequence[int]
    accounts: int
    moves: int


SCALES = [
    pytest.param(Scale((1,), 30, 2), id="quick"),
    pytest.param(Scale((21, 22), 120, 5), id="whole", marks=pytest.mark.differential),
]


def id_of(market: MorphoMarket) -> str:
    """The market's id as accounts are named."""
    return f"0x{market.id.hex()}"


def states(world: World, scale: Scale) -> Iterator[tuple[RandomBorrower, MarginAccount]]:
    """Every account after every move of prices and time, read by the product."""
    for seed in scale.seeds:
        with world.chain.undone():
            product = Product(world)
            opened = morpho_random.random_accounts(world.morpho, scale.accounts, seed)
            for move in range(scale.moves + 1):
                if move:
                    morpho_random.shake(world.morpho, 100 * seed + move)
                books = product.books([one.address for one in opened], MORPHO)
                for one, book in zip(opened, books, strict=True):
                    yield one, account_in(book, MORPHO, id_of(one.market))


def owed(venue: MorphoVenue, one: RandomBorrower) -> int:
    """What repaying all shares would cost in this block, by the contract."""
    shares = venue.position(one.market, one.address).borrow_shares
    args = (one.market.params, 0, shares, one.address, b"")
    assets, _ = venue.morpho.call("repay", *args, sender=venue.payer)
    return int(assets)


def lent(venue: MorphoVenue, one: RandomBorrower) -> int | None:
    """What withdrawing all shares would pay in this block; None where the money is lent out."""
    shares = venue.position(one.market, one.address).supply_shares
    args = (one.market.params, 0, shares, one.address, one.address)
    try:
        assets, _ = venue.morpho.call("withdraw", *args, sender=one.address)
    except Reverted:
        return None
    return int(assets)


@pytest.mark.parametrize("scale", SCALES)
def test_verdicts_and_amounts_are_the_contracts(world: World, scale: Scale) -> None:
    """Actionable is what a simulated ``liquidate`` says; debt and supply are equal to the wei."""
    venue, seen = world.morpho, Counter[str]()
    for one, account in states(world, scale):
        ours = judged(account)
        position = venue.position(one.market, one.address)
        if position.borrow_shares:
            passed, reason = venue.simulate_liquidate(one.market, one.address)
            assert passed or reason == "position is healthy" or "panic" in reason
            healthy = reason == "position is healthy"
            assert ours.actionable.liquidatable is not healthy
            assert Parity.between(ours, account.venue_answer).status == "exact"
            assert ours.figures["borrowAssets"] == owed(venue, one)
        if position.supply_shares:
            assert lent(venue, one) in (None, ours.figures["supplyAssets"])
        assert ours.figures.get("collateral", 0) == position.collateral
        seen[ours.actionable.health.state.value] += 1
    assert seen.total() == len(scale.seeds) * scale.accounts * (scale.moves + 1)
    assert {"ok", "liquidatable", "no_debt"} <= seen.keys()


@pytest.mark.parametrize("scale", SCALES)
def test_accrued_totals_are_a_poked_contracts(world: World, scale: Scale) -> None:
    """Our totals equal those of a contract that accrues in the same second, in an undone block."""
    product, venue = Product(world), world.morpho
    opened = [_borrower(world, market) for market in venue.markets]
    compared = 0
    for move in range(1, 4 * scale.moves):
        morpho_random.shake(venue, move)
        with world.chain.undone():
            at = world.chain.mine()
            (book,) = product.books([opened[0].address], MORPHO)
        for one in opened:
            account = account_in(book, MORPHO, id_of(one.market))
            with world.chain.undone():
                venue.accrue(one.market)
                assert world.chain.timestamp == at
                poked = venue.totals(one.market)
            assert _accrued(account) == poked
            compared += 1
    assert compared == len(venue.markets) * (4 * scale.moves - 1)


def _borrower(world: World, market: MorphoMarket) -> RandomBorrower:
    """One owner with a debt in every market: a tenth of what the collateral allows."""
    owner, posted = world.chain.accounts[5], units(market.terms.collateral, 10_000)
    world.morpho.supply_collateral(market, owner, posted)
    borrowed = units(market.terms.loan, 1_000)
    world.morpho.borrow(market, owner, borrowed)
    return RandomBorrower(owner, market, collateral=posted, borrowed=borrowed)


def _accrued(account: MarginAccount) -> tuple[int, ...]:
    """The market's totals at the block, by the product's rule."""
    rule = account.rule
    assert isinstance(rule, MorphoRule)
    assert rule.market is not None
    assert rule.borrow_rate is not None
    after = accrue(rule.market, rule.borrow_rate, rule.timestamp).market
    return (
        after.total_supply_assets,
        after.total_supply_shares,
        after.total_borrow_assets,
        after.total_borrow_shares,
        after.last_update,
        after.fee,
    )


@pytest.mark.parametrize("days", [30, 60])
def test_an_idle_market_has_two_verdicts_and_both_are_shown(world: World, days: int) -> None:
    """Nobody touched the market: the stored totals call healthy what ``liquidate`` would take."""
    venue, market = world.morpho, world.market("USDC", "WBTC")
    owner = world.chain.new_account()
    venue.supply_collateral(market, owner, 10**8)
    limit = 10**8 * venue.price(market) // 10**36 * market.terms.lltv // 10**18
    venue.borrow(market, owner, limit - 1)
    world.chain.increase_time(days * DAY)
    product = Product(world)
    ours = judged(product.account(owner, MORPHO, id_of(market)))
    assert (ours.stored.liquidatable, ours.actionable.liquidatable) == (False, True)
    assert venue.simulate_liquidate(market, owner) == (True, "")
    (answer,) = product.answers("health", [owner])
    shown = next(row for row in answer.document["accounts"] if row["id"] == id_of(market))
    verdicts = shown["verdicts"]
    assert verdicts["stored"]["liquidatable"] is False
    assert verdicts["stored"]["health"]["state"] == State.OK
    assert verdicts["actionable"]["liquidatable"] is True
    assert verdicts["actionable"]["health"]["state"] == State.LIQUIDATABLE
    assert (shown["state"], answer.state) == (State.LIQUIDATABLE, State.LIQUIDATABLE)
