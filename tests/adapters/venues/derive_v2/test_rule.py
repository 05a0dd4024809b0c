"""The rule at its boundaries: the last healthy wei, the price that flips, clocks, documents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.adapters.venues.derive_v2.auction import AuctionTerms
from crossmargin.adapters.venues.derive_v2.books import has_liability, margins, moved, with_cash
from crossmargin.adapters.venues.derive_v2.document import rule_from_document
from crossmargin.adapters.venues.derive_v2.holdings import PerpHolding
from crossmargin.adapters.venues.derive_v2.pmrm2 import Collateral, Pmrm2Book, Pmrm2Terms
from crossmargin.adapters.venues.derive_v2.rule import DeriveRule, LiveAuction
from crossmargin.adapters.venues.derive_v2.standard import (
    MarketBook,
    StandardBook,
    StandardTerms,
)
from crossmargin.api.verify import read_cases
from crossmargin.core.book.health import State
from crossmargin.core.errors import DocumentError, RuleError
from crossmargin.core.units import WAD

from .books_of_cases import legs_of, rule_of_case, scenarios

_PERCENT = WAD // 100
_TERMS = StandardTerms(
    *(each * _PERCENT for each in (5, 7, 15, 10, 8, 8, 8, 120, 110, 105, 40, 40, 40, 40, 80, 100))
)
_AUCTION = AuctionTerms(95 * _PERCENT, 70 * _PERCENT, 900, 43_200, 3_600, WAD // 10, 15 * _PERCENT)

prices = st.integers(10**15, 10**23)
sizes = st.integers(-(10**22), 10**22).filter(bool)


def _perp_book(size: int, spot: int, difference: int, cash: int, base: int = 0) -> StandardBook:
    """A StandardManager account with one perp: index, difference within 6%, and cash."""
    most = spot * 6 // 100
    price = spot + max(-most, min(most, difference))
    perp = PerpHolding(size, price, WAD, 0, price, difference, 6 * _PERCENT)
    market = MarketBook(_TERMS, spot, WAD, perp, base, (), "ETH", "WETH")
    return StandardBook(cash, WAD, 98 * _PERCENT, WAD, (market,))


def _rule(book: StandardBook) -> DeriveRule:
    return DeriveRule(1_700_000_000, book, None, book.cash, auction=_AUCTION)


@given(sizes, prices, st.integers(-(10**21), 10**21), st.integers(0, 10**24))
@settings(max_examples=150, deadline=None)
def test_one_wei_of_cash_decides(size: int, spot: int, difference: int, base: int) -> None:
    """With a net margin of exactly 0 the account is healthy, with one wei less it is not."""
    empty = _perp_book(size, spot, difference, 0, base)
    short = margins(empty, None).maintenance
    for off, liquidatable in ((-1, True), (0, False), (1, False)):
        rule = _rule(replace(empty, cash=off - short))
        verdict = rule.judge().actionable
        assert verdict.liquidatable is liquidatable
        assert (verdict.health.state in (State.LIQUIDATABLE, State.BAD_DEBT)) is liquidatable


@given(sizes, prices, st.integers(-(10**21), 10**21), st.integers(0, 10**26))
@settings(max_examples=150, deadline=None)
def test_the_price_one_wei_beyond_flips_the_verdict(
    size: int, spot: int, difference: int, cash: int
) -> None:
    """A liquidation price is the last healthy one; the next step of the index is liquidatable."""
    rule = _rule(_perp_book(size, spot, difference, cash))
    for found in rule.judge().liquidation_prices:
        assert found.asset == "ETH"
        assert found.raw is not None
        beyond = found.raw + (-1 if found.side == "down" else 1)
        for price, liquidatable in ((found.raw, False), (beyond, True)):
            book = moved(_perp_book(size, spot, difference, cash), "ETH", price)
            assert isinstance(book, StandardBook)
            assert _rule(book).judge().actionable.liquidatable is liquidatable


def test_a_long_perp_has_a_price_below_and_a_short_one_above() -> None:
    """The side of the liquidation price is the side of the position."""
    books = [_perp_book(size * WAD, 3000 * WAD, 0, 1000 * WAD) for size in (2, -2)]
    sides = [[each.side for each in _rule(book).judge().liquidation_prices] for book in books]
    assert sides == [["down"], ["up"]]


@given(
    tokens=st.lists(st.tuples(prices, st.booleans()), min_size=1, max_size=3),
    size=sizes,
    cash=st.integers(-(10**24), 10**24),
)
@settings(max_examples=60, deadline=None)
def test_pmrm2_prices_flip_too(
    tokens: list[tuple[int, bool]], size: int, cash: int, pmrm2_terms: Pmrm2Terms
) -> None:
    """Under scenarios with tails and haircuts the same one-wei boundary holds."""
    rule = _pmrm2_rule(tokens, size, cash, pmrm2_terms)
    assert rule.book is not None
    for found in rule.judge().liquidation_prices:
        assert found.raw is not None
        beyond = found.raw + (-1 if found.side == "down" else 1)
        for price, liquidatable in ((found.raw, False), (beyond, True)):
            at_price = rule.margins(moved(rule.book, "ETH", price))
            assert at_price is not None
            assert rule.is_liquidatable(at_price) is liquidatable


def test_interest_separates_the_clocks() -> None:
    """The stored cash judges the view, the cash with interest the call."""
    short = margins(_perp_book(WAD, 3000 * WAD, 0, 0), None).maintenance
    rule = replace(_rule(_perp_book(WAD, 3000 * WAD, 0, -short)), cash_now=-short - 1)
    judgement = rule.judge()
    assert (judgement.stored.liquidatable, judgement.actionable.liquidatable) == (False, True)


def test_a_solvent_auction_runs_until_the_buffer_margin_is_back() -> None:
    """While it runs, an account whose MM is restored can still be bid on."""
    book = _perp_book(WAD, 3000 * WAD, 0, 0)
    cash = -margins(book, None).maintenance + WAD
    calm = _rule(replace(book, cash=cash))
    sold = replace(calm, live=LiveAuction(False, 1_699_999_000, 0, 0))
    assert calm.judge().actionable.liquidatable is False
    assert sold.judge().actionable.liquidatable is True
    insolvent = replace(calm, live=LiveAuction(True, 1_699_999_000, 0, 0))
    assert insolvent.judge().actionable.liquidatable is False


def test_an_auction_whose_terms_were_not_read_leaves_the_account_unknown() -> None:
    """Without the buffer share nobody knows whether the auction goes on."""
    live = LiveAuction(False, 1, 0, 0)
    rule = replace(_rule(_perp_book(WAD, 3000 * WAD, 0, WAD)), auction=None, live=live)
    assert rule.judge().actionable.liquidatable is None
    legs = legs_of(rule)
    with pytest.raises(RuleError):
        rule.evaluate(legs, scenarios(rule, legs))


def test_a_blocked_manager_is_no_better_health() -> None:
    """Where auctions cannot start the call would revert; the state stays what it is."""
    rule = replace(_rule(_perp_book(WAD, 3000 * WAD, 0, 0)), can_start=False)
    verdict = rule.judge().actionable
    assert verdict.liquidatable is False
    assert verdict.health.state is State.LIQUIDATABLE


def test_what_was_not_read_is_unknown() -> None:
    """A missing book or a missing cash amount gives no verdict on the clock that needs it."""
    whole = _rule(_perp_book(WAD, 3000 * WAD, 0, 1000 * WAD))
    assert replace(whole, book=None).judge().actionable.liquidatable is None
    unread = replace(whole, cash_now=None).judge()
    assert unread.actionable.liquidatable is None
    assert unread.stored.liquidatable is False
    assert replace(whole, view_reverts=True).judge().stored.liquidatable is None


@pytest.mark.parametrize("suite", ["pmrm2", "pmrm1", "standard"])
def test_every_recorded_book_survives_its_document(shared: Path, suite: str) -> None:
    """Written to JSON and read back, a rule is the same to the last integer."""
    for case in read_cases([shared / "vectors" / f"derive-v2.{suite}.jsonl"]):
        rule = rule_of_case(suite, case.inputs)
        again = rule_from_document(json.loads(json.dumps(rule.document())))
        assert again == rule


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cash_now": "ten"}, "cash_now"),
        ({"cash_now": "1" * 79}, "cash_now"),
        ({"can_start": 1}, "can_start"),
        ({"book": {"type": "StandardBook"}}, "book.cash"),
        ({"book": {"type": "OtherBook"}}, "book"),
        ({"timestamp": None}, "timestamp"),
    ],
)
def test_a_wrong_document_names_its_field(change: dict[str, object], field: str) -> None:
    """Nothing is guessed: the first wrong field is named."""
    document = {**_rule(_perp_book(WAD, 3000 * WAD, 0, 0)).document(), **change}
    with pytest.raises(DocumentError) as caught:
        rule_from_document(document)
    assert caught.value.field == field


def test_a_book_needs_the_terms_of_its_manager(pmrm2_terms: Pmrm2Terms) -> None:
    """A PMRM_2 book without its library's parameters is no rule."""
    document = dict(_pmrm2_rule([(WAD, True)], WAD, 0, pmrm2_terms).document())
    document["terms"] = None
    with pytest.raises(DocumentError, match="needs Pmrm2Terms"):
        rule_from_document(document)


def test_a_leg_that_the_rule_has_no_numbers_of_is_refused() -> None:
    """An option on an expiry that was not read cannot be margined."""
    rule = _rule(_perp_book(WAD, 3000 * WAD, 0, 1000 * WAD))
    legs = legs_of(rule)
    strange = replace(legs[1], instrument=replace(legs[1].instrument, underlying="BTC"))
    with pytest.raises(RuleError, match="BTC"):
        rule.evaluate((legs[0], strange), scenarios(rule, legs))


def _pmrm2_rule(
    tokens: list[tuple[int, bool]], size: int, cash: int, terms: Pmrm2Terms
) -> DeriveRule:
    """A PMRM_2 account: a perp on a 3000 dollar index, tokens, and cash."""
    spot = 3000 * WAD
    perp = PerpHolding(size, spot, WAD, 0, spot, 0, 6 * _PERCENT)
    held = tuple(
        Collateral(amount, spot, WAD, cancels, 2 * _PERCENT, _PERCENT, f"T{place}", cancels)
        for place, (amount, cancels) in enumerate(tokens)
    )
    book = Pmrm2Book(cash, spot, WAD, WAD, perp, held, (), "ETH")
    assert has_liability(with_cash(book, cash))
    return DeriveRule(1_700_000_000, book, terms, cash, auction=_AUCTION)


@pytest.fixture(scope="module")
def pmrm2_terms(shared: Path) -> Pmrm2Terms:
    """A library's parameters and 31 scenarios, from the recorded cases."""
    case = next(read_cases([shared / "vectors" / "derive-v2.pmrm2.jsonl"]))
    terms = rule_of_case("pmrm2", case.inputs).terms
    assert isinstance(terms, Pmrm2Terms)
    return terms
