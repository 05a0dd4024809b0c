"""Previews of liquidations against the transactions themselves, in the same second, to the wei."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest
from eth_abi.abi import decode
from eth_hash.auto import keccak

from crossmargin.adapters.aave_family.liquidation import liquidation_call, pair_block
from crossmargin.adapters.aave_family.maths import account_data
from crossmargin.adapters.aave_family.position import Position, Reserve
from crossmargin.adapters.aave_family.rule import AaveRule
from crossmargin.adapters.venues.morpho_blue.maths import (
    Liquidation,
    accrue,
    liquidate_by_assets,
    liquidate_by_shares,
)
from crossmargin.adapters.venues.morpho_blue.rule import MorphoRule
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.errors import RuleError
from tests.localchain import aave_v3_random, morpho_random
from tests.localchain.chain import Receipt, Reverted
from tests.localchain.morpho_random import RandomBorrower
from tests.localchain.world import World

from .reading import AAVE, MORPHO, Product, judged

EVERYTHING = 2**256 - 1
_AAVE_EVENT = "LiquidationCall(address,address,address,uint256,uint256,address,bool)"
_MORPHO_EVENT = "Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)"


class Scale(NamedTuple):
    """How many seeds, accounts and moves, and how many transactions at least must compare."""

    seeds: Sequence[int]
    accounts: int
    moves: int
    least: int


SCALES = [
    pytest.param(Scale((51,), 24, 4, 5), id="quick"),
    pytest.param(Scale((51, 52, 53), 80, 4, 40), id="whole", marks=pytest.mark.differential),
]


def in_the_next_second(
    world: World, product: Product, venue: str, owners: Sequence[str]
) -> Iterator[list[MarginAccount]]:
    """The owners' accounts as of the second in which the next transaction will be mined."""
    with world.chain.undone():
        world.chain.mine()
        books = product.books(owners, venue)
    for book in books:
        yield [one for one in book.portfolio.accounts if one.venue == venue]


def event(receipt: Receipt, signature: str, types: Sequence[str]) -> tuple[int, ...]:
    """The numbers in the data of the receipt's one event of that signature."""
    topic = "0x" + keccak(signature.encode()).hex()
    (log,) = (one for one in receipt.logs if one["topics"][0] == topic)
    return tuple(decode(types, bytes.fromhex(log["data"][2:])))


# Aave


def pairs(position: Position) -> Iterator[tuple[Reserve, Reserve, str | None]]:
    """Every pair of collateral and debt, and our word on why it cannot be liquidated."""
    factor = account_data(position).health_factor
    for collateral in position.reserves:
        for debt in position.reserves:
            if collateral.scaled_supply and position.borrows(debt):
                yield collateral, debt, pair_block(position, collateral, debt, factor)


def aave_liquidation(
    world: World, owner: str, collateral: str, debt: str, amount: int
) -> tuple[int, int, int] | None:
    """Debt covered, collateral received by event and by balance; None where the pool refused."""
    market = world.aave
    token = market.reserves[collateral].token
    with world.chain.undone():
        before = token.call("balanceOf", market.liquidator)
        try:
            receipt = market.liquidate(owner, collateral, debt, amount)
        except Reverted:
            return None
        received = token.call("balanceOf", market.liquidator) - before
        types = ("uint256", "uint256", "address", "bool")
        covered, seized = event(receipt, _AAVE_EVENT, types)[:2]
        paid = covered if collateral == debt else 0  # one token goes both ways
        return covered, seized, received + paid


@pytest.mark.parametrize("scale", SCALES)
def test_aave_liquidations_move_what_we_said(world: World, scale: Scale) -> None:
    """Debt repaid and collateral received of real calls, whole, half and tiny, differ by 0."""
    rng, done = random.Random(7), Counter[str]()  # noqa: S311 (a seed makes the run repeatable)
    for seed in scale.seeds:
        with world.chain.undone():
            product = Product(world)
            opened = aave_v3_random.random_accounts(world.aave, scale.accounts, seed, True)
            for move in range(scale.moves):
                aave_v3_random.shake(world.aave, 100 * seed + move)
                owners = [one.address for one in opened]
                for (account,) in in_the_next_second(world, product, AAVE, owners):
                    if judged(account).stored.liquidatable:
                        done.update(_compare_aave(world, account, rng))
    assert done["exact"] >= scale.least, done


def _compare_aave(world: World, account: MarginAccount, rng: random.Random) -> Iterator[str]:
    rule = account.rule
    assert isinstance(rule, AaveRule)
    possible = False
    for collateral, debt, block in pairs(rule.position):
        for amount in (EVERYTHING, rng.randrange(1, 10**20), rng.randrange(1, 1000)):
            names = collateral.label, debt.label
            real = aave_liquidation(world, account.holder, *names, amount)
            if block:
                assert real is None, (names, block)
                yield block
                continue
            ours = liquidation_call(rule.position, collateral, debt, amount)
            if real is None:
                # A seizure that rounds to nothing cannot be paid out.
                assert ours.collateral_to_liquidator == 0 or ours.debt_repaid == 0, (names, ours)
                yield "nothing to move"
                continue
            expected = (ours.debt_repaid, ours.collateral_to_liquidator)
            assert real == (*expected, ours.collateral_to_liquidator), (names, ours)
            possible = True
            yield "exact"
    assert judged(account).actionable.liquidatable or not possible


# Morpho


@pytest.mark.parametrize("scale", SCALES)
def test_morpho_liquidations_move_what_we_said(world: World, scale: Scale) -> None:
    """Seized, repaid and written off of real calls, by shares and by collateral, differ by 0."""
    done = Counter[str]()
    for seed in scale.seeds:
        with world.chain.undone():
            product = Product(world)
            opened = morpho_random.random_accounts(world.morpho, scale.accounts, seed)
            for move in range(scale.moves):
                morpho_random.shake(world.morpho, 100 * seed + move)
                owners = [one.address for one in opened]
                found = in_the_next_second(world, product, MORPHO, owners)
                for one, (account,) in zip(opened, found, strict=True):
                    if judged(account).actionable.liquidatable:
                        done.update(_compare_morpho(world, one, account))
    assert done["exact"] >= scale.least, done
    assert done["bad debt"] > 0


def _compare_morpho(world: World, one: RandomBorrower, account: MarginAccount) -> Iterator[str]:
    rule = account.rule
    assert isinstance(rule, MorphoRule)
    assert rule.position is not None
    shares, collateral = rule.position.borrow_shares, rule.position.collateral
    for amount in sorted({1, max(1, shares // 3), shares}):
        yield from _compare_call(world, one, rule, shares=amount)
    for amount in sorted({1, max(1, collateral // 3), collateral} - {0}):
        yield from _compare_call(world, one, rule, seized=amount)


def _compare_call(
    world: World, one: RandomBorrower, rule: MorphoRule, shares: int = 0, seized: int = 0
) -> Iterator[str]:
    ours = _preview(rule, shares, seized)
    with world.chain.undone():
        try:
            receipt = world.morpho.liquidate(one.market, one.address, shares, seized)
        except Reverted:
            assert ours is None
            yield "refused"
            return
    assert ours is not None
    types = ("uint256",) * 5
    assert event(receipt, _MORPHO_EVENT, types) == (
        ours.repaid_assets,
        ours.repaid_shares,
        ours.seized_assets,
        ours.bad_debt_assets,
        ours.bad_debt_shares,
    )
    yield "exact"
    if ours.bad_debt_assets:
        yield "bad debt"


def _preview(rule: MorphoRule, shares: int, seized: int) -> Liquidation | None:
    """Our own amounts; None where we say that the contract refuses."""
    market, position, price, lltv = rule.market, rule.position, rule.oracle_price, rule.lltv
    assert market is not None
    assert position is not None
    assert price is not None
    assert lltv is not None
    assert rule.borrow_rate is not None
    accrued = accrue(market, rule.borrow_rate, rule.timestamp).market
    by: Callable[..., Liquidation] = liquidate_by_assets if seized else liquidate_by_shares
    try:
        return by(accrued, position, price, lltv, seized or shares)
    except RuleError:
        return None
