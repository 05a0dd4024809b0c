"""GMX v2's rule: every case of the venue's own contracts, its boundaries, and the fast rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossmargin.adapters.venues.gmx_v2 import ADAPTER
from crossmargin.adapters.venues.gmx_v2.accrual import accrued_at, as_stored
from crossmargin.adapters.venues.gmx_v2.cases import (
    case_market,
    case_position,
    case_prices,
    case_tokens,
)
from crossmargin.adapters.venues.gmx_v2.check import checked
from crossmargin.adapters.venues.gmx_v2.fixed import FLOAT, exponentiated
from crossmargin.adapters.venues.gmx_v2.rule import GmxRule, Naming
from crossmargin.adapters.venues.gmx_v2.search import Moving, crossing, moved, reference
from crossmargin.adapters.venues.gmx_v2.state import (
    Borrowing,
    Funding,
    Impact,
    Interest,
    Limits,
    Market,
    MarketPrices,
    Position,
    PositionFees,
    TokenPrice,
)
from crossmargin.api.verify import read_cases, verify
from crossmargin.core.book.health import State
from crossmargin.core.book.model import Asset, Leg, Perp, Spot
from crossmargin.core.book.rule import LegScenarios, RuleArrays
from crossmargin.core.errors import DocumentError, RuleError
from crossmargin.core.units import MAX_UINT256, decimal_of, ratio_of

NOTHING = Interest(0, 0, 0, 0)
DOLLAR = TokenPrice(10**24, 10**24)


@pytest.fixture(scope="session")
def cases(shared: Path) -> list[Mapping[str, Any]]:
    """Every case of the venue's own contracts."""
    lines = (shared / "vectors" / "gmx-v2.position.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def rules(cases) -> list[GmxRule]:
    """The cases as rules."""
    return [rule_of(case["inputs"]) for case in cases]


def rule_of(inputs: Mapping[str, Any]) -> GmxRule:
    """A case as a rule; tokens are of 18 decimals, the scale does not matter here."""
    tokens, position = case_tokens(inputs), case_position(inputs)
    backing = tokens.long if position.collateral_is_long else tokens.short
    follows = tokens.long == tokens.index, tokens.short == tokens.index
    name = "INDEX" if backing == tokens.index else "COLLATERAL"
    naming = Naming("INDEX", name, 18, 18, *follows)
    market, prices = case_market(inputs), case_prices(inputs)
    return GmxRule(inputs["block_timestamp"], naming, position, market, prices)


def plain_market(**changes: Any) -> Market:
    """A market without fees, impact, funding or borrowing: half a percent must remain."""
    impact = Impact(0, 0, FLOAT, FLOAT, 0, 0, 0, None)
    limits = Limits(0, FLOAT, FLOAT, FLOAT // 100, 0, FLOAT // 200)
    funding = Funding(0, 0, 0, FLOAT, 0, 0, 0, 0, 0, 0, 0)
    market = Market(
        False,
        False,
        False,
        False,
        NOTHING,
        NOTHING,
        Borrowing(0, 0, 0, 0, 0, 0, FLOAT, FLOAT),
        funding,
        impact,
        limits,
        PositionFees(0, 0, 0, 0, 0),
    )
    return replace(market, **changes)


def plain_rule(market: Market, position: Position, index: int = 3000 * 10**12) -> GmxRule:
    """A position in ETH against USDC, without a spread."""
    price = TokenPrice(index, index)
    naming = Naming("ETH", "USDC", 18, 6, True, False)
    return GmxRule(1_780_000_000, naming, position, market, MarketPrices(price, price, DOLLAR))


def plain_position(**changes: Any) -> Position:
    """Ten ETH long at 3,000 USD with 1,500 USDC behind them."""
    position = Position(True, False, 30_000 * FLOAT, 10 * 10**18, 1_500 * 10**6, 0, 0, 0)
    return replace(position, **changes)


def legs_of(rule: GmxRule) -> tuple[Leg, Leg]:
    """The two legs of a rule's position."""
    position, naming = rule.position, rule.naming
    assert position is not None
    assert naming.index_decimals is not None
    assert naming.collateral_decimals is not None
    size = decimal_of(position.size_in_tokens, naming.index_decimals)
    entry = ratio_of(decimal_of(position.size_in_usd, 30), size)
    backing = Asset(naming.collateral, naming.collateral, naming.collateral)
    amount = decimal_of(position.collateral_amount, naming.collateral_decimals)
    perp = Perp(naming.underlying)
    return (
        Leg("position", perp, size if position.is_long else -size, entry_price=entry),
        Leg("collateral", Spot(backing), amount),
    )


def evaluated(
    rule: GmxRule, index: list[float], collateral: list[float] | None = None
) -> RuleArrays:
    """The fast rule where the two legs' prices move by these factors."""
    moves = np.array([index, collateral or [1.0] * len(index)])
    return rule.evaluate(legs_of(rule), LegScenarios(moves * 0.0, moves, moves))


def moving(rule: GmxRule, asset: str) -> tuple[Moving, int]:
    """What moves with an asset of a liquidation price, and its price today."""
    naming, position, market, prices = rule.naming, rule.position, rule.market, rule.prices
    assert position is not None
    assert market is not None
    assert prices is not None
    if asset == naming.underlying:
        group = Moving(True, naming.long_follows, naming.short_follows)
        return group, reference(prices, group, lower=position.is_long)
    long, single = position.collateral_is_long, market.is_single_token
    group = Moving(False, long or single, not long or single)
    return group, reference(prices, group, lower=True)


@pytest.mark.parametrize(("suite", "count"), [("position", 186), ("impact", 20)])
def test_every_case_of_the_venue_is_exact(shared, suite, count):
    """Stored verdict, fresh verdict and every figure of the reader; the venue's impact values."""
    (result,) = verify(
        read_cases([shared / "vectors" / f"gmx-v2.{suite}.jsonl"]), {"gmx-v2": ADAPTER}
    )
    assert (result.cases, result.exact, result.not_counted) == (count, count, 0)
    assert result.largest_difference == 0


def test_each_clock_reproduces_its_own_verdict(cases, rules):
    """Where the two differ, stored is the view's and actionable the accrued one."""
    differ = 0
    for case, rule in zip(cases, rules, strict=True):
        said, judgement = case["expected"], rule.judge()
        stored = said["reader_isPositionLiquidatable_stale"]["liquidatable"]
        assert judgement.stored.liquidatable is stored
        assert judgement.actionable.liquidatable is said["derived_fresh"]["liquidatable"]
        differ += judgement.stored.liquidatable is not judgement.actionable.liquidatable
    assert differ > 0


def test_the_verdict_flips_exactly_at_every_liquidation_price(rules):
    """At the price the position is healthy, one raw unit on the bad side it is liquidatable."""
    found = 0
    for rule in rules:
        for one in rule.judge().liquidation_prices:
            if one.raw is None:
                continue
            group, today = moving(rule, one.asset)
            beyond = -1 if one.side == "down" else 1
            for offset in (0, beyond):
                prices = moved(rule.prices, group, one.raw + offset, today)
                check = replace(rule, prices=prices).actionable()
                assert check.liquidatable is (offset != 0)
            found += 1
    assert found > 250


def test_the_fast_rule_flips_where_the_exact_one_does(rules):
    """One part in a million on either side of each exact price, ``evaluate`` has the verdicts."""
    for rule in rules:
        for one in rule.judge().liquidation_prices:
            if one.raw is None:
                continue
            _, today = moving(rule, one.asset)
            at, factors = one.raw / today, (1 - 1e-6, 1 + 1e-6)
            moves = [at * factor for factor in factors]
            is_index = one.asset == rule.naming.underlying
            arrays = evaluated(rule, moves) if is_index else evaluated(rule, [1.0, 1.0], moves)
            assert arrays.liquidatable.tolist() == [one.side == "down", one.side == "up"]


def test_the_fast_rule_says_what_the_exact_one_does_without_a_move(rules):
    """All cases: the same verdict, and the same health to nine digits."""
    for rule in rules:
        arrays, actionable = evaluated(rule, [1.0]), rule.judge().actionable
        assert bool(arrays.liquidatable[0]) is actionable.liquidatable
        assert actionable.health.value is not None
        exact = float(actionable.health.value)
        assert float(arrays.health[0]) == pytest.approx(exact, rel=1e-9, abs=1e-18)


def test_the_requirement_holds_what_closing_costs(rules):
    """What is left of equity over maintenance is what the venue's check leaves over its minimum."""
    for rule in rules:
        check, position, prices = rule.actionable(), rule.position, rule.prices
        backing = prices.long if position.collateral_is_long else prices.short
        accrued = (check.fees.borrowing + check.fees.funding) * backing.min
        equity = position.collateral_amount * backing.min + check.uncapped_profit - accrued
        maintenance = evaluated(rule, [1.0]).maintenance[0]
        left = float(decimal_of(equity, 30)) - maintenance
        scale = abs(equity) / 1e30 + maintenance
        assert left == pytest.approx(float(decimal_of(check.margin, 30)), abs=1e-9 * scale)


def test_a_rule_survives_its_document(rules):
    """Written to JSON and read back, every case is the same rule."""
    for rule in rules:
        assert ADAPTER.rules["gmx-v2"](json.loads(json.dumps(rule.document()))) == rule


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("timestamp",), "x"),
        (("naming", "underlying"), ""),
        (("naming", "index_decimals"), "31"),
        (("position", "size_in_usd"), "-1"),
        (("position", "is_long"), 1),
        (("market", "impact"), None),
        (("market", "funding", "saved_factor"), "1" * 79),
        (("prices", "index", "min"), "0"),
    ],
)
def test_a_wrong_document_names_the_field(path, value):
    """Each field that is wrong is refused by its path."""
    document = json.loads(json.dumps(plain_rule(plain_market(), plain_position()).document()))
    table = document
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = value
    with pytest.raises(DocumentError) as caught:
        ADAPTER.rules["gmx-v2"](document)
    assert caught.value.field == ".".join(path)


def test_equality_is_healthy_and_one_unit_below_is_not():
    """150 USD must remain of 30,000: with exactly that left the position stands."""
    for spare, liquidatable in ((1, False), (0, False), (-1, True)):
        position = plain_position(collateral_amount=150 * 10**6 + spare)
        check = plain_rule(plain_market(), position).actionable()
        assert check.liquidatable is liquidatable
        assert check.reason == ("min collateral for leverage" if liquidatable else "")


def test_the_reasons_come_in_the_venues_order():
    """The minimum in USD is asked first, then nothing left, then the share of the size."""
    market = plain_market()
    without = replace(market, limits=replace(market.limits, min_collateral_usd=0))

    def reason(of: Market, amount: int, price: int = 3000 * 10**12) -> str:
        return plain_rule(of, plain_position(collateral_amount=amount), price).stored().reason

    assert reason(market, 999_999) == "min collateral"
    # Only exactly nothing is "< 0": less than nothing is below a minimum of nothing already.
    assert reason(without, 0) == "< 0"
    assert reason(without, 10**6, 2000 * 10**12) == "min collateral"
    assert reason(without, 1) == "min collateral for leverage"
    assert reason(without, 150 * 10**6) == ""


def test_nothing_left_is_not_enough_even_where_nothing_is_required():
    """Without any minimum a remainder of zero is liquidatable, with health 0."""
    market = plain_market()
    limits = replace(market.limits, min_collateral_usd=0, min_collateral_factor_for_liquidation=0)
    rule = plain_rule(replace(market, limits=limits), plain_position(collateral_amount=0))
    health = rule.judge().actionable.health
    assert (health.state, health.value) == (State.LIQUIDATABLE, 0)


@given(
    st.booleans(),
    st.integers(1, 10**9),
    st.integers(10**13, 10**17),
    st.integers(10**12, 10**21),
    st.integers(0, 10**10),
)
@settings(max_examples=150, deadline=None)
def test_without_impact_or_fees_the_search_finds_the_closed_form(
    is_long, usd, price, tokens, collateral
):
    """P = (T - C + size) / tokens for a long, (size + C - T) / tokens for a short."""
    size = tokens * price
    position = plain_position(
        is_long=is_long,
        size_in_usd=size,
        size_in_tokens=tokens,
        collateral_amount=collateral + usd,
    )
    market = plain_market()
    pool = Limits(10**40, FLOAT, FLOAT, 0, 0, FLOAT // 200)
    rule = plain_rule(replace(market, limits=pool), position, price)
    required = max(FLOAT, size * (FLOAT // 200) // FLOAT)
    spare = position.collateral_amount * 10**24 - required
    exact = -((spare - size) // tokens) if is_long else (size + spare) // tokens
    (index, _) = rule.liquidation_prices()
    assert index.side == ("down" if is_long else "up")
    if index.raw is not None:
        assert index.raw == exact
    else:
        assert exact < price // 20_000 or exact > price * 10_000


@given(st.integers(1, 10**18), st.integers(1, 10**18), st.booleans())
def test_a_crossing_is_found_to_the_unit_from_both_sides(boundary, today, falls):
    """Whether today is healthy or not, the last healthy price is found, or it is too far away."""
    margin = (lambda price: price - boundary) if falls else (lambda price: boundary - price)
    found = crossing(margin, today, falls=falls)
    if max(boundary, today) < 1000 * min(boundary, today):
        assert found == boundary or (boundary == 1 and found is None)
    else:
        assert found in {boundary, None}


def test_a_profit_is_capped_by_what_the_pool_may_pay():
    """The side's positions are 2,000 USD up, the pool pays 500: a half of them gets 250."""
    market = plain_market(
        open_interest=Interest(0, 60_000 * FLOAT, 0, 0),
        open_interest_in_tokens=Interest(0, 20 * 10**18, 0, 0),
    )
    limits = replace(market.limits, pool_amount=10**18, max_pnl_factor=500 * FLOAT // 3100)
    rule = plain_rule(replace(market, limits=limits), plain_position(), 3100 * 10**12)
    check = rule.stored()
    assert check.uncapped_profit == 1000 * FLOAT
    assert abs(check.profit - 250 * FLOAT) < 10**4
    arrays = evaluated(rule, [1.0])
    assert float(arrays.health[0]) == pytest.approx((1500 + 250) / 150, rel=1e-9)


def test_claimable_funding_is_no_collateral():
    """The side that receives pays nothing, and nothing is added to what remains."""
    funding = Funding(0, 1_779_990_000, 0, FLOAT, 10**18, 0, 0, 10**23, 0, 0, -(10**22))
    market = plain_market(
        open_interest=Interest(0, 60_000 * FLOAT, 0, 90_000 * FLOAT),
        open_interest_in_tokens=Interest(0, 20 * 10**18, 0, 30 * 10**18),
        funding=funding,
    )
    market = replace(market, limits=replace(market.limits, pool_amount=10**22))
    receives = plain_rule(market, plain_position()).actionable()
    pays = plain_rule(market, plain_position(is_long=False)).actionable()
    assert receives.fees.funding == 0
    assert receives.remaining == 1_500 * FLOAT
    assert pays.fees.funding > 0


def test_fees_grow_with_the_time_since_the_last_update_only(rules):
    """At the time of the update the accrued totals are the stored ones."""
    for rule in rules:
        updated = replace(
            rule.market,
            borrowing=replace(rule.market.borrowing, updated_at=rule.timestamp),
            funding=replace(rule.market.funding, updated_at=rule.timestamp),
        )
        accrued = accrued_at(updated, rule.position, rule.prices, rule.timestamp)
        assert accrued == as_stored(updated)


def test_an_accrual_that_the_contract_refuses_leaves_the_verdict_open():
    """With an empty pool the update reverts: stored stands, actionable is unknown."""
    market = plain_market(
        open_interest=Interest(0, 60_000 * FLOAT, 0, 0),
        open_interest_in_tokens=Interest(0, 20 * 10**18, 0, 0),
    )
    judgement = plain_rule(market, plain_position()).judge()
    assert judgement.stored.liquidatable is False
    assert judgement.actionable.liquidatable is None
    assert judgement.actionable.health.state is State.UNKNOWN
    assert judgement.liquidation_prices == ()


def test_the_largest_integers_revert_as_in_the_contract():
    """A number no balance can have is no wealth: the check has no answer."""
    market = plain_market()
    for changes in (
        {"collateral_amount": MAX_UINT256},
        {"size_in_tokens": MAX_UINT256},
        {"borrowing_factor": 1},
        {"funding_fee_amount_per_size": 1},
        {"size_in_tokens": 0},
    ):
        rule = plain_rule(market, plain_position(**changes))
        with pytest.raises(RuleError):
            rule.stored()


def test_a_part_that_was_not_read_leaves_everything_unknown():
    """No price, no market or no position: no verdict, no figure, no price of liquidation."""
    rule = plain_rule(plain_market(), plain_position())
    for part in ("prices", "market", "position"):
        judgement = replace(rule, **{part: None}).judge()
        assert judgement.stored.liquidatable is judgement.actionable.liquidatable is None
        assert (judgement.figures, judgement.liquidation_prices) == ({}, ())
        partial, legs, ones = replace(rule, **{part: None}), legs_of(rule), np.ones((2, 1))
        with pytest.raises(RuleError):
            partial.evaluate(legs, LegScenarios(ones, ones, ones))


def test_a_position_whose_leg_is_gone_needs_nothing():
    """What-if it were closed: no requirement, never liquidatable."""
    rule = plain_rule(plain_market(), plain_position())
    one = np.ones((1, 1))
    arrays = rule.evaluate(legs_of(rule)[1:], LegScenarios(one, one, one))
    assert bool(np.isinf(arrays.health[0]))
    assert not arrays.liquidatable[0]


def test_collateral_that_is_the_index_moves_with_it():
    """Backed by the index itself, a long loses twice: both legs are at the one oracle price."""
    position = plain_position(collateral_is_long=True, collateral_amount=5 * 10**17)
    rule = plain_rule(plain_market(), position)
    rule = replace(rule, naming=replace(rule.naming, collateral="WETH", collateral_decimals=18))
    (price,) = rule.liquidation_prices()
    assert price.raw is not None
    assert abs(price.raw - (30_000 + 150) * 10**18 * 10**12 // (105 * 10**17)) <= 1
    at = price.raw / (3000 * 10**12)
    assert evaluated(rule, [at * (1 - 1e-9), at * (1 + 1e-9)]).liquidatable.tolist() == [
        True,
        False,
    ]


def test_powers_are_those_of_the_venues_library():
    """Zero below one, identity at exponent one, and cut at eighteen digits above."""
    assert exponentiated(FLOAT - 1, 2 * FLOAT) == 0
    assert exponentiated(7 * FLOAT + 3, FLOAT) == 7 * FLOAT + 3
    assert exponentiated(FLOAT, 2 * FLOAT) == FLOAT
    assert exponentiated(4 * FLOAT, FLOAT // 2) == 2 * FLOAT
    with pytest.raises(RuleError):
        exponentiated(10**40 * FLOAT, 2 * FLOAT)


@given(st.integers(FLOAT, 10**12 * FLOAT), st.integers(FLOAT // 2, 3 * FLOAT))
def test_powers_are_within_the_librarys_precision(value, exponent):
    """The fixed-point power is the real one to 15 digits, as far as 18 decimals carry."""
    power = Decimal(value).scaleb(-30) ** Decimal(exponent).scaleb(-30)
    found = Decimal(exponentiated(value, exponent)).scaleb(-30)
    assert abs(found - power) <= power * Decimal("1e-15") + Decimal("1e-15")


def test_the_check_is_the_same_function_on_both_clocks(rules):
    """Given the same totals it gives the same outcome: only the totals differ."""
    for rule in rules[:20]:
        totals = as_stored(rule.market)
        assert checked(rule.market, rule.position, rule.prices, totals) == rule.stored()
