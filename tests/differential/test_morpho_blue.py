"""Morpho Blue against its real contracts on a local chain: random accounts, prices and times."""

from __future__ import annotations

from typing import Any

import pytest

from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.base import Deployment, VenueSnapshot
from crossmargin.adapters.chain.call import Call
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, record, replay
from crossmargin.adapters.venues.morpho_blue import ADAPTER
from crossmargin.adapters.venues.morpho_blue.maths import (
    accrue,
    liquidate_by_assets,
    liquidate_by_shares,
)
from crossmargin.adapters.venues.morpho_blue.rule import MorphoRule
from crossmargin.core.book.health import Judgement, Parity
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason, RuleError

fixtures = pytest.importorskip("tests.localchain.fixtures")
chains = pytest.importorskip("tests.localchain.chain")
accounts = pytest.importorskip("tests.localchain.morpho_random")

morpho, morpho_anvil = fixtures.morpho, fixtures.morpho_anvil
node_packages = fixtures.node_packages

pytestmark = pytest.mark.differential

ACCOUNTS, MOVES = 60, 4


def read(venue: Any, borrower: Any) -> VenueSnapshot:
    """The adapter's answer for a borrower's market, read from the chain's latest block."""
    chain = venue.chain
    header = chain.rpc("eth_getBlockByNumber", ["latest", False])
    number, chain_id = int(header["number"], 16), f"eip155:{chain.chain_id}"
    block = BlockRef(chain_id, number, header["hash"], int(header["timestamp"], 16), "latest")
    address = checksum_address(venue.address.lower())
    deployment = Deployment(ADAPTER.name, chain_id, "main", {"morpho": address})
    options = {"markets": [f"0x{borrower.market.id.hex()}"]}
    blank = RecordedAccount("", borrower.address, block, deployment, {}, {}, options)

    def ask(call: Call[Any]) -> bytes | Failure:
        try:
            return chain.call_raw(call.target, call.data, chain.multicall3, number)
        except chains.Reverted as refused:
            return Failure(Reason.CALL_REVERTED, "error", refused.reason)

    made = record(blank, ADAPTER, ask)
    return replay(ADAPTER.read(made.request(Facts())), made.replies)[0]


def states(venue: Any) -> Any:
    """Every account after every move of prices and time."""
    borrowers = accounts.random_accounts(venue, ACCOUNTS, seed=2026)
    for move in range(MOVES):
        if move:
            accounts.shake(venue, seed=move)
        for borrower in borrowers:
            for account in read(venue, borrower).accounts:
                yield borrower, account


def simulated(venue: Any, name: str, *args: Any, sender: str) -> tuple[int, ...] | None:
    """What the call would return at the latest block; None where the contract refuses."""
    try:
        return tuple(venue.morpho.call(name, *args, sender=sender))
    except chains.Reverted:
        return None


def judged(account: MarginAccount) -> Judgement:
    """The account's judgement, which must be there."""
    assert account.judgement is not None
    return account.judgement


def test_amounts_and_verdicts_are_the_contracts(morpho):
    """Debt and supply equal a simulated full repayment and withdrawal, the verdict ``liquidate``."""
    seen: dict[str, int] = {}
    for borrower, account in states(morpho):
        params, owner = borrower.market.params, borrower.address
        position, figures = morpho.position(borrower.market, owner), judged(account).figures
        if position.borrow_shares:
            shares = position.borrow_shares
            repaid = simulated(morpho, "repay", params, 0, shares, owner, b"", sender=morpho.payer)
            assert repaid == (figures["borrowAssets"], shares)
            assert Parity.between(account.judgement, account.venue_answer).status == "exact"
        if position.supply_shares:
            shares = position.supply_shares
            paid = simulated(morpho, "withdraw", params, 0, shares, owner, owner, sender=owner)
            assert paid in (None, (figures["supplyAssets"], shares))
        state = judged(account).actionable.health.state.value
        seen[state] = seen.get(state, 0) + 1
    assert {"ok", "liquidatable", "bad_debt", "no_debt"} <= seen.keys()


def test_liquidations_are_the_contracts(morpho):
    """Seized and repaid amounts equal simulated liquidations, refusals included."""
    compared = 0
    for borrower, account in states(morpho):
        if not judged(account).actionable.liquidatable:
            continue
        rule = account.rule
        assert isinstance(rule, MorphoRule)
        position = rule.position
        assert position is not None
        third = max(1, position.borrow_shares // 3), max(1, position.collateral // 3)
        for shares in (1, third[0], position.borrow_shares):
            assert _liquidated(morpho, borrower, 0, shares) == _ours(rule, 0, shares)
        for seized in {1, third[1], position.collateral} - {0}:
            assert _liquidated(morpho, borrower, seized, 0) == _ours(rule, seized, 0)
        compared += 1
    assert compared > 10


def _liquidated(venue: Any, borrower: Any, seized: int, shares: int) -> tuple[int, ...] | None:
    args = (borrower.market.params, borrower.address, seized, shares, b"")
    return simulated(venue, "liquidate", *args, sender=venue.liquidator)


def _ours(rule: MorphoRule, seized: int, shares: int) -> tuple[int, ...] | None:
    market, position, lltv = rule.market, rule.position, rule.lltv
    price, rate = rule.oracle_price, rule.borrow_rate
    assert market is not None
    assert position is not None
    assert lltv is not None
    assert price is not None
    assert rate is not None
    accrued = accrue(market, rate, rule.timestamp).market
    try:
        if seized:
            done = liquidate_by_assets(accrued, position, price, lltv, seized)
        else:
            done = liquidate_by_shares(accrued, position, price, lltv, shares)
    except RuleError:
        return None
    return done.seized_assets, done.repaid_assets
