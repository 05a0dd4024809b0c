"""Fluid: conformance on synthetic answers of its resolver, and the edges of its threshold."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import load_recordings, replay
from crossmargin.adapters.venues.fluid import ADAPTER
from crossmargin.adapters.viewed.rule import ViewedRule
from crossmargin.core.book.health import Parity, State
from crossmargin.core.book.market import Market, Quote
from crossmargin.core.book.model import Debt, MarginAccount, Spot
from crossmargin.core.book.portfolio import Book, Portfolio
from crossmargin.core.errors import Reason, Severity
from crossmargin.core.risk.margin import assess

from .fluid_answers import BLOCK, GHO, NATIVE, NOWHERE, UNLISTED, USDC, Position, recording

RECORDINGS = Path(__file__).parents[1] / "recordings" / "fluid"


class TestFluid(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Synthetic owners: empty, ordinary, two positions, smart sides, bad debt."""
        return load_recordings(RECORDINGS)

    def price_today(self, snapshot, account, asset):
        """The collateral's price in the debt token, from the rule's own oracle."""
        assert isinstance(account.rule, ViewedRule)
        assert account.rule.anchor is not None
        return Decimal(account.rule.anchor.raw).scaleb(-account.rule.anchor.decimals)


def only(*positions: Position) -> MarginAccount:
    """The account of one position."""
    one = recording("", positions)
    (account,) = replay(ADAPTER.read(one.request(Facts())), one.replies)[0].accounts
    return account


def state_of(account: MarginAccount) -> State:
    """The state by the venue's rule."""
    assert account.judgement is not None
    return account.judgement.actionable.health.state


LIMIT = 27_000 * 10**6  # what 10 ETH at 3,000 and a threshold of 90% allow


def test_a_raw_unit_of_debt_above_the_threshold_can_be_liquidated():
    """The boundary is healthy, as the vault asks for a tick above the liquidation tick."""
    accounts = [only(Position(7, borrow=LIMIT + off)) for off in (-1, 0, 1)]
    assert [state_of(one) for one in accounts] == [State.OK, State.OK, State.LIQUIDATABLE]


def test_dust_counts_for_the_tick_but_is_not_owed():
    """What the resolver calls dust puts a position over its threshold and stays out of the leg."""
    account = only(Position(7, borrow=LIMIT, dust=1))
    assert state_of(account) is State.LIQUIDATABLE
    assert {leg.id: leg.quantity for leg in account.legs}["debt"] == Decimal(-27_000)


def test_debt_above_the_collaterals_value_is_bad_debt():
    """One raw unit beyond what the oracle says the collateral is worth."""
    worth = 30_000 * 10**6
    assert state_of(only(Position(7, borrow=worth))) is State.LIQUIDATABLE
    assert state_of(only(Position(7, borrow=worth + 1))) is State.BAD_DEBT


def test_the_comparison_is_labelled_view_only():
    """The venue publishes no health: nothing of ours is compared with it."""
    account = only(Position(7))
    assert Parity.between(account.judgement, account.venue_answer).status == "view_only"


def test_native_coin_is_ether():
    """The placeholder address of the chain's coin is Ether itself, as an asset with a price."""
    account = only(Position(7))
    held = [leg.instrument for leg in account.legs]
    assert [one.asset.key for one in held if isinstance(one, Spot | Debt)] == ["ETH", "USDC"]


def test_dex_shares_have_no_value_and_say_so():
    """A smart-collateral position has the vault's verdict, and a leg that is not supported."""
    price = 2 * 10**27
    account = only(
        Position(7, 10**18, 17 * 10**17, 0, price, 9_000, (NATIVE, USDC), (GHO, NOWHERE), 20_000)
    )
    assert state_of(account) is State.OK
    failures = {leg.id: leg.failure for leg in account.legs}
    assert failures["debt"] is None
    assert failures["collateral"] is not None
    assert failures["collateral"].reason is Reason.NOT_SUPPORTED
    assert account.labels["vault_type"] == "T2"
    assert [one.severity for one in account.problems] == [Severity.READ]


def test_a_price_that_the_vault_refuses_leaves_the_position_unknown():
    """Zero and more than 1e54 make the vault's own liquidation revert."""
    for price in (0, 10**54 + 1):
        account = only(Position(7, price=price))
        assert account.failure is not None
        assert account.failure.reason is Reason.NO_PRICE
        assert state_of(account) is State.UNKNOWN
    assert only(Position(7, borrow=0, price=0)).failure is None


def test_another_owners_position_is_not_taken():
    """An answer about somebody else's NFT is a failure, not a position."""
    account = only(Position(7, owner="0x" + "33" * 20))
    assert account.failure is not None
    assert account.failure.reason is Reason.RPC_INCONSISTENT


def test_a_liquidated_position_is_labelled():
    """The resolver's latest amounts are the legs; that others took a part is said."""
    assert only(Position(7, liquidated=True)).labels["status"] == "was_liquidated"


def test_an_unlisted_token_is_asked_once():
    """Decimals and symbol are read in a third round when cold and never again."""
    one = recording(
        "", [Position(7, 5, 0, collateral=(UNLISTED, NOWHERE), tokens={UNLISTED: (6, "X")})]
    )
    facts = Facts()
    rounds = [len(replay(ADAPTER.read(one.request(facts)), one.replies)[1]) for _ in range(2)]
    assert rounds == [3, 2]


def test_the_unified_margin_takes_the_account_as_it_is():
    """The margin report has the vault's health, and its liquidation price is the exact one's."""
    account = only(Position(7))
    portfolio = Portfolio(account.holder, (account.holder,), (BLOCK,), (account,))
    market = Market(spot={"ETH": Quote(Decimal(3_000)), "USDC": Quote(Decimal(1))})
    (report,) = assess(Book(portfolio, market)).accounts
    assert report.health.value == Decimal("1.35")
    assert report.parity.status == "view_only"
    (down,) = [one.down for one in report.liquidation if one.underlying == "ETH"]
    assert account.judgement is not None
    (exact,) = account.judgement.liquidation_prices
    assert exact.price is not None
    assert down == pytest.approx(float(exact.price), rel=1e-9)


def test_dex_shares_leave_the_unified_margin_incomplete():
    """The account has a verdict in shares, the report no number."""
    smart = Position(7, 10**18, 10**18, 0, 10**27, 9_000, (NATIVE, USDC), (GHO, NOWHERE), 20_000)
    account = only(smart)
    portfolio = Portfolio(account.holder, (account.holder,), (BLOCK,), (account,))
    report = assess(Book(portfolio, Market(spot={"GHO": Quote(Decimal(1))})))
    assert not report.complete
    assert report.accounts[0].state is State.UNKNOWN
    assert report.initial_margin is None
