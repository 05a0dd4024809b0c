"""Hyperliquid's rule: published numbers, recorded liquidation prices, boundaries, documents."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossmargin.adapters.venues.hyperliquid import ADAPTER
from crossmargin.adapters.venues.hyperliquid.island import (
    Borrowing,
    HeldPerp,
    Island,
    Mode,
    PledgedLeg,
)
from crossmargin.adapters.venues.hyperliquid.maths import (
    MIN_BORROW_OFFSET,
    Pledge,
    Tier,
    liquidation_value,
    maintenance_margin,
    single_tier,
)
from crossmargin.adapters.venues.hyperliquid.rule import HyperliquidRule, rule_from_document
from crossmargin.api.verify import read_cases, verify
from crossmargin.core.book.health import State
from crossmargin.core.book.model import Asset, Leg, Perp, Spot
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import DocumentError, Failure, Reason, RuleError

USD = 10**6
FINE = 10**10  # a liquidation price's raw units per USD
BTC_TIERS = (Tier(0, 40), Tier(150_000_000, 20))


def perp(size: int, decimals: int, mark: int, tiers: Any = None, **more: Any) -> HeldPerp:
    """A position on the main dex."""
    index = more.pop("index", 0)
    given = {"entry_notional": abs(size) * mark, "leverage": 5, **more}
    terms = single_tier(5) if tiers is None else tiers
    return HeldPerp(
        f"perp-{index}", f"C{index}", 0, size, decimals, mark=mark, tiers=terms, **given
    )


def cross(cash: int, *positions: HeldPerp, mode: Mode = "cross", pending: int = 0) -> Island:
    """An island with that much booked cash, USD with 6 decimals."""
    return Island(mode, cash, 6, tuple(positions), pending)


def at_price(island: Island, place: int, price: Fraction) -> bool | None:
    """Whether the island is liquidatable with one position's mark at a price in USD, written out."""
    equity, needed = Fraction(island.cash or 0, 10**island.cash_decimals), Fraction(0)
    for index, held in enumerate(island.positions or ()):
        mark = price if index == place else held.mark_usd
        assert mark is not None
        value = Fraction(held.size, 10**held.size_decimals) * mark
        equity += value
        needed += tiered(abs(value), held.tiers or ())
    return equity <= needed if island.mode == "unified" else equity < needed


def tiered(notional: Fraction, tiers: tuple[Tier, ...]) -> Fraction:
    """The maintenance margin summed up tier by tier: each part of the notional at its own rate."""
    needed = Fraction(0)
    for tier, end in zip(tiers, [*(each.lower for each in tiers[1:]), None], strict=True):
        part = max(notional - tier.lower, Fraction(0))
        needed += min(part, Fraction(end - tier.lower) if end else part) / (2 * tier.max_leverage)
    return needed


def liquidation_raw(island: Island, place: int = 0) -> int:
    """The raw liquidation price of one position, which must exist."""
    raw = HyperliquidRule(island).judge().liquidation_prices[place].raw
    assert raw is not None
    return raw


def test_every_published_formula_is_reproduced(shared):
    """The suite of documented formulas verifies within 1e-9, nothing left out."""
    path = shared / "vectors" / "hyperliquid.formula.jsonl"
    (result,) = verify(read_cases([path]), {ADAPTER.name: ADAPTER})
    assert (result.cases, result.exact, result.not_counted) == (12, 12, 0)


def test_the_published_portfolio_margin_number_is_reproduced(shared):
    """The public unit test's requirement, liquidation value and ratio of 0.446190 come out."""
    case = json.loads((shared / "vectors" / "methods.json").read_text())["hyperliquid_pmr"]
    given, expected = case["in"], case["expect"]
    balance = Fraction(given["balance"])
    pledge = Pledge(balance, Fraction(1), Fraction(str(given["ltv"])))
    value = liquidation_value(balance, [pledge], None)
    required = MIN_BORROW_OFFSET + given["cross_mm"] + given["borrowed"]
    assert (required, value) == (expected["requirement"], expected["liq_value"])
    assert float(required / value) == pytest.approx(expected["pmr"], rel=1e-9)
    assert f"{float(required / value):.6f}" == "0.446190"


@pytest.fixture(scope="session")
def recorded(shared) -> list[Any]:
    """The recorded states of the public info endpoint."""
    states: list[Any] = json.loads((shared / "data" / "positions" / "hyperliquid.json").read_text())
    return states


def raw(text: str, decimals: int) -> int:
    """A decimal text as the integer that the chain holds."""
    number = Decimal(text).scaleb(decimals)
    assert number == int(number)
    return int(number)


def test_the_recorded_short_has_the_venues_liquidation_price(recorded):
    """The cross short of March 2025: account value and maintenance exact, price within 1e-6."""
    state = recorded[1]
    position = state["raw"]["assetPositions"][0]["position"]
    notional = raw(position["positionValue"], 6)
    size = raw(position["szi"], 1)
    mark, rest = divmod(notional, abs(size))
    assert rest == 0
    island = cross(
        raw(state["raw"]["crossMarginSummary"]["totalRawUsd"], 6),
        perp(size, 1, mark, single_tier(position["maxLeverage"]), entry_notional=2_498_969_876),
    )
    judgement = HyperliquidRule(island).judge()
    said = state["venue_answer"]
    assert judgement.figures["equity"] == raw(said["marginSummary"]["accountValue"], 6)
    maintenance = in_usd(said["crossMaintenanceMarginUsed"])
    assert abs(judgement.figures["maintenanceMargin"] - maintenance) <= 1
    assert judgement.figures["initialMargin"] == raw(said["marginSummary"]["totalMarginUsed"], 6)
    price = judgement.liquidation_prices[0].price
    assert price is not None
    assert float(price) == pytest.approx(float(said["liquidationPx"]["VIRTUAL"]), rel=1e-6)
    assert judgement.actionable.health.state is State.OK


def in_usd(text: str) -> int:
    """A decimal text as USD with 6 decimals."""
    return raw(text, 6)


def test_the_documentations_isolated_long_has_its_liquidation_price(recorded):
    """The isolated ETH long of the documentation: margin exact, price within 1e-6."""
    position = recorded[2]["raw"]["assetPositions"][0]["position"]
    size, notional = raw(position["szi"], 4), raw(position["positionValue"], 6)
    mark, rest = divmod(notional, size)
    assert rest == 0
    held = perp(size, 4, mark, single_tier(position["maxLeverage"]))
    island = cross(raw(position["leverage"]["rawUsd"], 6), held, mode="isolated")
    judgement = HyperliquidRule(island).judge()
    assert judgement.figures["equity"] == raw(position["marginUsed"], 6)
    price = judgement.liquidation_prices[0].price
    assert price is not None
    said = recorded[2]["venue_answer"]["liquidationPx"]["ETH"]
    assert float(price) == pytest.approx(float(said), rel=1e-6)


def test_the_account_of_2023_balances_but_its_prices_follow_an_older_rule(recorded):
    """Its summaries are ours to the last digit; with today's tiers its prices are not claimed.

    Its leverage was set before tiers existed, and the margin that it was liquidated at is not
    published: nothing is fitted to its prices.
    """
    state = recorded[0]["raw"]
    positions = [each["position"] for each in state["assetPositions"]]
    values = [
        in_usd(each["positionValue"]) * (-1 if each["szi"].startswith("-") else 1)
        for each in positions
    ]
    summary = state["crossMarginSummary"]
    assert in_usd(summary["totalRawUsd"]) + sum(values) == in_usd(summary["accountValue"])
    assert sum(map(abs, values)) == in_usd(summary["totalNtlPos"])


def test_tiers_meet_without_a_jump():
    """At a tier's bound both formulas agree; beyond it the dearer rate holds."""
    bound = Fraction(150_000_000)
    assert maintenance_margin(bound, BTC_TIERS) == bound / 80
    assert maintenance_margin(bound + 40, BTC_TIERS) == bound / 80 + 1


islands = st.builds(
    lambda mode, cash, sizes, marks, tiers: cross(
        cash,
        *(
            perp(size, 2, mark, table, index=place)
            for place, (size, mark, table) in enumerate(zip(sizes, marks, tiers, strict=True))
        ),
        mode=mode,
    ),
    st.sampled_from(["cross", "isolated", "unified"]),
    st.integers(-(10**14), 10**14),
    st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=3, max_size=3),
    st.lists(st.integers(1, 10**9), min_size=3, max_size=3),
    st.lists(
        st.sampled_from(
            [single_tier(3), single_tier(50), BTC_TIERS, (Tier(0, 10), Tier(3_000_000, 5))]
        ),
        min_size=3,
        max_size=3,
    ),
)


@given(islands, st.integers(0, 2))
def test_the_verdict_flips_at_the_liquidation_price(island: Island, place: int):
    """At the price the island is healthy, one raw unit beyond it is liquidatable: every position."""
    found = HyperliquidRule(island).judge().liquidation_prices[place]
    held = (island.positions or ())[place]
    assert found.side == ("down" if held.size > 0 else "up")
    if found.raw is None:
        now = at_price(island, place, held.mark_usd or Fraction(0))
        # No price: a long that no fall breaks, or a short that no fall heals.
        assert now is (held.size < 0)
        return
    step = -1 if held.size > 0 else 1
    assert at_price(island, place, Fraction(found.raw, FINE)) is False
    assert at_price(island, place, Fraction(found.raw + step, FINE)) is True


@given(islands)
def test_the_rule_agrees_with_a_plain_second_writing(island: Island):
    """Verdict and equity are those of the formulas written out once more in the test."""
    judgement = HyperliquidRule(island).judge()
    assert island.positions
    mark = island.positions[0].mark_usd
    assert mark is not None
    assert judgement.stored.liquidatable is at_price(island, 0, mark)
    assert judgement.stored == judgement.actionable


@pytest.mark.parametrize("size", [1000, -1000])
def test_bisecting_the_fast_rule_finds_the_exact_price_of_several_positions(size: int):
    """The vectorised rule flips where the exact one does, alone and beside other positions."""
    main = perp(size, 2, 30_000_000, BTC_TIERS, index=0)
    other = perp(-70, 1, 4_000_000, index=1)
    for positions in ((main,), (main, other)):
        cash = 5_000 * USD - size * 30_000_000 + (70 * 4_000_000 if len(positions) > 1 else 0)
        island = cross(cash, *positions)
        legs, exact = legs_of(island), liquidation_raw(island) / FINE
        low, high = exact / 2, exact * 2
        for _ in range(70):
            middle = (low + high) / 2
            verdict = evaluated(island, legs, [middle / 3000.0]).liquidatable[0]
            low, high = (middle, high) if verdict == (size > 0) else (low, middle)
        assert high == pytest.approx(exact, rel=1e-9)


def legs_of(island: Island) -> list[Leg]:
    """The legs that the adapter would make of an island in USDC."""
    usdc = Asset("USDC", "USDC", "USDC", "stable", 6)
    held = island.positions or ()
    cash = (island.cash or 0) + sum(each.entry_value for each in held)
    legs = [Leg("collateral", Spot(usdc), Decimal(cash).scaleb(-6))]
    for each in held:
        quantity = Decimal(each.size).scaleb(-each.size_decimals)
        entry = Decimal(each.entry_notional).scaleb(-6) / abs(quantity)
        legs.append(Leg(each.leg_id, Perp(each.key), quantity, entry_price=entry))
    return legs


def evaluated(island: Island, legs: list[Leg], factors: list[float], key: str = "C0") -> Any:
    """The rule's arrays with one underlying moved by each factor."""
    moves = np.asarray(factors)
    rows = [
        moves
        if isinstance(leg.instrument, Perp) and leg.instrument.underlying == key
        else np.ones_like(moves)
        for leg in legs
    ]
    factor = np.array(rows).reshape(len(legs), len(moves))
    return HyperliquidRule(island).evaluate(legs, LegScenarios(factor, factor, factor))


@given(islands)
def test_the_fast_rule_equals_the_exact_one_without_a_move(island: Island):
    """Nothing moved: the same verdict, the same health to 1e-9."""
    verdict = HyperliquidRule(island).judge().actionable
    result = evaluated(island, legs_of(island), [1.0])
    assert bool(result.liquidatable[0]) is verdict.liquidatable
    assert verdict.health.value is not None
    assert float(result.health[0]) == pytest.approx(float(verdict.health.value), rel=1e-9, abs=1e-9)


def test_equality_is_healthy_in_standard_mode_and_liquidatable_in_a_unified_account():
    """Equity equal to maintenance: the two modes compare differently."""
    held = perp(100, 2, 1_000_000, single_tier(5))  # 100 USD, maintenance 10
    cash = -100 * USD + 10 * USD
    modes: tuple[tuple[Mode, bool], ...] = (
        ("cross", False),
        ("isolated", False),
        ("unified", True),
    )
    for mode, liquidatable in modes:
        island = cross(cash, held, mode=mode)
        judgement = HyperliquidRule(island).judge()
        assert judgement.actionable.liquidatable is liquidatable
        assert judgement.actionable.health.value == 1
        assert bool(evaluated(island, legs_of(island), [1.0]).liquidatable[0]) is liquidatable


@pytest.mark.parametrize("funding", [-8, 8])
def test_booked_funding_of_either_sign_moves_equity_and_verdict(funding: int):
    """Funding that was paid or received is in the cash: entry and mark alone would not tell."""
    held = perp(100, 2, 1_000_000, single_tier(5))
    entered = -100 * USD + 15 * USD  # 15 USD of margin, 10 needed
    judgement = HyperliquidRule(cross(entered + funding * USD, held)).judge()
    assert judgement.figures["equity"] == (15 + funding) * USD
    assert judgement.actionable.liquidatable is (funding < 0)


@pytest.mark.parametrize("pending", [-8, 8])
def test_funding_of_this_hour_is_taken_before_it_is_given(pending: int):
    """What will be paid counts in the actionable verdict; what will be received saves nobody."""
    held = perp(100, 2, 1_000_000, single_tier(5))
    healthy = HyperliquidRule(cross(-85 * USD, held, pending=pending * USD)).judge()
    assert healthy.stored.liquidatable is False
    assert healthy.actionable.liquidatable is (pending < 0)
    broken = HyperliquidRule(cross(-91 * USD, held, pending=pending * USD)).judge()
    assert (broken.stored.liquidatable, broken.actionable.liquidatable) == (True, True)


def test_losses_above_the_margin_are_bad_debt():
    """Equity below zero: the value is 0 and the state says bad debt."""
    judgement = HyperliquidRule(cross(-101 * USD, perp(100, 2, 1_000_000))).judge()
    assert judgement.actionable.health.state is State.BAD_DEBT
    assert judgement.actionable.health.value == 0


def test_missing_parts_are_unknown_and_never_healthy():
    """Without a mark, a table, the cash or the mode there is no verdict."""
    held = perp(100, 2, 1_000_000)
    for island in (
        cross(0, replace(held, mark=None)),
        cross(0, replace(held, tiers=None)),
        replace(cross(0, held), cash=None),
        replace(cross(0, held), positions=None),
        cross(10**12, held, mode="unknown"),
    ):
        verdict = HyperliquidRule(island).judge().actionable
        assert (verdict.liquidatable, verdict.health.state) == (None, State.UNKNOWN)
        legs = legs_of(replace(island, cash=0, positions=(held,)))
        if island.cash is None:  # its leg then says so
            legs[0] = replace(legs[0], failure=Failure(Reason.RPC_UNAVAILABLE))
        with pytest.raises(RuleError):
            evaluated(island, legs, [1.0])


def borrower(amount: int) -> Island:
    """A portfolio-margin account: 100 HYPE at 40 USD pledged at an LTV of 0.5, that much owed."""
    pledge = Pledge(Fraction(100), Fraction(40), Fraction(1, 2), Fraction(50_000))
    borrowing = Borrowing(Fraction(amount), (PledgedLeg("pledge-150", "HYPE", pledge),), None)
    return replace(cross(0, mode="portfolio"), borrowing=borrowing)


@pytest.mark.parametrize(("amount", "liquidatable"), [(2830, False), (2831, True)])
def test_portfolio_margin_breaks_above_a_ratio_of_95_percent(amount: int, liquidatable: bool):
    """The limit of 3000 x 0.95 = 2850 holds 2830 and the offset of 20; one USD more breaks it."""
    judgement = HyperliquidRule(borrower(amount)).judge()
    assert judgement.actionable.liquidatable is liquidatable
    assert judgement.liquidation_prices == ()


def test_a_document_that_breaks_the_rules_assumptions_is_refused():
    """Tiers must rise from zero, sizes must not be zero; the field that is wrong is named."""
    document = json.loads(json.dumps(HyperliquidRule(cross(5, perp(100, 2, 1_000_000))).document()))
    for change, field in (
        ({"tiers": [["5", 10]]}, "tiers"),
        ({"tiers": [["0", 10], ["5", 20]]}, "tiers"),
        ({"tiers": [["0", 0]]}, "tiers"),
        ({"size": "0"}, "size"),
        ({"mark": "-1"}, "mark"),
    ):
        broken = {**document, "positions": [{**document["positions"][0], **change}]}
        with pytest.raises(DocumentError) as caught:
            rule_from_document(broken)
        assert field in str(caught.value)


@given(islands)
def test_a_rule_survives_its_document(island: Island):
    """Written to JSON and read back, the rule is the same."""
    rule = HyperliquidRule(island)
    assert rule_from_document(json.loads(json.dumps(rule.document()))) == rule


def test_a_portfolio_margin_rule_survives_its_document():
    """Pledges and rationals too."""
    rule = HyperliquidRule(borrower(1000))
    assert rule_from_document(json.loads(json.dumps(rule.document()))) == rule
