"""Aave 3.6 (POOL_REVISION 10) against its real contracts: random accounts, prices and times."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from eth_hash.auto import keccak

from crossmargin.adapters.aave_family.liquidation import liquidation_call, pair_block
from crossmargin.adapters.aave_family.maths import AccountData, account_data, debt_balance
from crossmargin.adapters.aave_family.position import Position, Reserve
from crossmargin.adapters.aave_family.rule import AaveRule
from crossmargin.adapters.address import checksum_address
from crossmargin.api.query import Query
from crossmargin.api.reading import Sources, read_book
from crossmargin.core.book.health import Parity
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.units import MAX_UINT256, WAD

fixtures = pytest.importorskip("tests.localchain.fixtures")
chains = pytest.importorskip("tests.localchain.chain")
world = pytest.importorskip("tests.localchain.world")
origin = pytest.importorskip("tests.localchain.aave_v3_origin")
randoms = pytest.importorskip("tests.localchain.aave_v3_random")

aave_36, aave_36_anvil = fixtures.aave_36, fixtures.aave_36_anvil
node_packages = fixtures.node_packages

pytestmark = pytest.mark.differential

ACCOUNTS, MOVES, LIQUIDATIONS, SEEDS = 100, 6, 100, (36, 37, 38)
LIQUIDATION_CALL = (
    "0x" + keccak(b"LiquidationCall(address,address,address,uint256,uint256,address,bool)").hex()
)
MUST_NOT_LEAVE_DUST = "0x" + keccak(b"MustNotLeaveDust()")[:4].hex()
INVALID_BURN_AMOUNT = "0x" + keccak(b"InvalidBurnAmount()")[:4].hex()


def read(market: Any, owners: Sequence[str]) -> list[MarginAccount]:
    """The owners' accounts, read by the product itself at the latest block, on cold facts."""

    async def book(sources: Sources) -> list[MarginAccount]:
        found = await read_book(Query(tuple(owners), venues=("aave-v3",)), sources)
        for opened in sources.chains.values():
            await opened.aclose()
        return list(found.portfolio.accounts)

    return asyncio.run(book(world.aave_sources(market)))


def moments(market: Any, seed: int = 36) -> Iterator[list[MarginAccount]]:
    """Every account at every moment: as opened, then after each move of prices and time."""
    opened = origin.random_origin_accounts(market, ACCOUNTS, seed=seed)
    owners = [checksum_address(account.address) for account in opened]
    for move in range(MOVES):
        if move:
            randoms.shake(market, seed=move)
        yield read(market, owners)


def test_figures_and_balances_are_the_contracts(aave_36):
    """All six figures equal getUserAccountData, each leg the token's own balanceOf: 0 wei."""
    compared, legs = 0, 0
    seen: Counter[str] = Counter()
    for accounts in moments(aave_36):
        block = aave_36.chain.block_number
        for account in accounts:
            assert account.failure is None
            assert account.judgement is not None
            assert Parity.between(account.judgement, account.venue_answer).status == "exact"
            said = aave_36.account_data(account.holder, block)
            assert tuple(account.judgement.figures[name] for name in AccountData.NAMES) == said
            for leg in account.legs:
                assert leg.raw is not None
                call = "balanceOf(address)->(uint256)"
                held = aave_36.chain.call(leg.raw.contract, call, (account.holder,), block=block)
                assert leg.raw.value == held
                legs += 1
            assert account.labels["profile"] == "3.6"
            seen.update(account.labels.keys())
            seen.update([f"mode {account.labels.get('emode', 0)}"])
            seen[account.judgement.stored.health.state.value] += 1
            compared += 1
    assert compared >= (ACCOUNTS - 5) * MOVES
    assert legs > compared
    wanted = {"ltv_zero", "frozen", "isolated", "not_collateral", "mode 1", "mode 2", "mode 3"}
    assert wanted | {"ok", "liquidatable", "bad_debt", "no_debt"} <= seen.keys()


def test_liquidations_are_the_contracts(aave_36):
    """Debt repaid and collateral paid out of real liquidation calls are ours, refusals included."""
    outcomes: Counter[str] = Counter()
    for seed in SEEDS:
        with aave_36.chain.undone():
            outcomes += liquidations(aave_36, seed)
    assert outcomes["done"] >= LIQUIDATIONS
    assert outcomes["dust"] > 0


def liquidations(market: Any, seed: int) -> Counter[str]:
    """What became of every liquidation tried: small, of a random size, and as much as allowed."""
    rng = random.Random(seed)  # noqa: S311 (a seed makes the run repeatable)
    outcomes: Counter[str] = Counter()
    for accounts in moments(market, seed):
        for account in accounts:
            if account.judgement is None or not account.judgement.stored.liquidatable:
                continue
            assert isinstance(account.rule, AaveRule)
            for collateral, debt in pairs(account.rule.position):
                names = (account.holder, collateral.label, debt.label)
                owed = debt_balance(account.rule.position, debt)
                for amount in (rng.randrange(1, 100), rng.randrange(1, owed + 1), MAX_UINT256):
                    outcomes[liquidated(market, *names, amount)] += 1
    return outcomes


def pairs(position: Position) -> Iterator[tuple[Reserve, Reserve]]:
    """Every collateral used with every debt owed."""
    for collateral in position.reserves:
        if position.uses_as_collateral(collateral) and collateral.scaled_supply:
            for debt in position.reserves:
                if position.borrows(debt):
                    yield collateral, debt


def liquidated(market: Any, owner: str, collateral: str, debt: str, amount: int) -> str:
    """Liquidate in the next block and compare with ours at its time, from the state before it."""
    found = read(market, [owner])
    if not found:
        return "gone"
    rule = found[0].rule
    assert isinstance(rule, AaveRule)
    position = replace(rule.position, timestamp=market.chain.timestamp + 1)
    pair = [(c, d) for c, d in pairs(position) if (c.label, d.label) == (collateral, debt)]
    health = account_data(position).health_factor
    if not pair or health >= WAD:
        return "gone"
    ((seized, repaid),) = pair
    assert pair_block(position, seized, repaid, health) == ""
    ours = liquidation_call(position, seized, repaid, amount)
    receipt, refusal = None, ""
    try:
        receipt = market.liquidate(owner, collateral, debt, amount)
    except chains.Reverted as refused:
        refusal = refused.reason
    if refusal == INVALID_BURN_AMOUNT:
        assert ours.collateral_to_liquidator == 0
        return "nothing seized"
    if refusal:
        assert refusal == MUST_NOT_LEAVE_DUST
        assert ours.leaves_dust
        return "dust"
    assert receipt is not None
    assert market.chain.timestamp == position.timestamp
    assert not ours.leaves_dust
    (log,) = [log for log in receipt.logs if log["topics"][0] == LIQUIDATION_CALL]
    words = bytes.fromhex(log["data"][2:])
    amounts = [int.from_bytes(words[place : place + 32]) for place in (0, 32)]
    assert amounts == [ours.debt_repaid, ours.collateral_to_liquidator]
    return "done"
