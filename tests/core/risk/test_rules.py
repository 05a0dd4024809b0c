"""The hand-written margin rules at figures computed by hand."""

from decimal import Decimal
from math import erfc, log, sqrt

import numpy as np
import pytest

from crossmargin.core.book.model import Asset, Debt, Leg, LpRange, Option, Perp, Spot
from crossmargin.core.book.rule import LegScenarios, Rule
from crossmargin.core.errors import RuleError
from crossmargin.core.risk.rules import (
    CustomRule,
    DeriveFigures,
    DeriveStandardRule,
    FractionTerms,
    LendingRule,
    LendingTerms,
    NoRule,
    PerpRule,
    UnsupportedRule,
)

ETH = Asset("ETH", "ETH", "ETH")
USDC = Asset("USDC", "USDC", "USDC", "stable", 6)
EXPIRY = 1_796_112_000  # 2026-12-01T08:00:00Z, 30 days after 2026-11-01
YEARS = 30 / 365


def normal(x):
    """The standard normal distribution function."""
    return erfc(-x / sqrt(2)) / 2


def black76(right, forward, strike, vol):
    """The undiscounted Black-76 price of a 30-day option."""
    deviation = vol * sqrt(YEARS)
    d1 = log(forward / strike) / deviation + deviation / 2
    call = forward * normal(d1) - strike * normal(d1 - deviation)
    return call if right == "call" else call - forward + strike


def unit_value(leg: Leg, eth: float, usdc: float) -> float:
    """USD per unit of the leg at these prices."""
    match leg.instrument:
        case Spot(asset) | Debt(asset):
            return eth if asset.underlying == "ETH" else usdc
        case Perp():
            return eth - float(leg.entry_price or 0)
        case Option() as option:
            return float(option.multiplier) * black76(
                option.right, eth, float(option.strike), float(leg.vol or 0)
            )
    raise AssertionError(f"no formula for {leg}")


def at(legs, eth_prices, usdc_prices=None) -> LegScenarios:
    """The legs revalued at each ETH price, every option's volatility fixed."""
    usdc_prices = usdc_prices or [1.0] * len(eth_prices)
    pairs = list(zip(eth_prices, usdc_prices, strict=True))
    value = [[unit_value(leg, *pair) * float(leg.quantity) for pair in pairs] for leg in legs]
    price = [
        [
            usdc
            if isinstance(leg.instrument, Spot | Debt) and leg.instrument.asset is USDC
            else eth
            for eth, usdc in pairs
        ]
        for leg in legs
    ]
    prices = np.array(price).reshape(len(legs), len(pairs))
    return LegScenarios(
        np.array(value).reshape(len(legs), len(pairs)), prices, prices / prices[:, :1]
    )


def spot(leg_id, asset, quantity):
    """A holding."""
    return Leg(leg_id, Spot(asset), Decimal(quantity))


def option(leg_id, right, strike, quantity, vol="0.6", **terms):
    """An option on ETH that expires in 30 days."""
    instrument = Option("ETH", right, Decimal(strike), EXPIRY, **terms)
    return Leg(leg_id, instrument, Decimal(quantity), vol=Decimal(vol))


AAVE_LEGS = (spot("0", ETH, "10"), Leg("1", Debt(USDC), Decimal("-15000")))
AAVE = LendingRule({"0": LendingTerms(Decimal("0.83"), Decimal("0.805"))})
GMX_LEGS = (
    spot("0", USDC, "2000"),
    Leg("1", Perp("ETH"), Decimal(-4), entry_price=Decimal(3000)),
)
GMX = PerpRule(Decimal("0.02"), Decimal("0.0156"))
DERIVE_LEGS = (spot("0", USDC, "6000"), option("1", "call", "3300", "-10"))
VAULT_LEGS = (option("0", "put", "2700", "10", "0.68"),)


@pytest.mark.parametrize(
    ("rule", "legs", "equity", "maintenance", "initial", "health"),
    [
        (AAVE, AAVE_LEGS, 15_000, 5_100, 5_850, 1.66),
        (GMX, GMX_LEGS, 2_000, 187.2, 240, 10.68),
        (DeriveStandardRule(), DERIVE_LEGS, 5_018.93, 2_250, 3_000, 2.23),
        (NoRule(), VAULT_LEGS, 1_027.2, 0, 0, np.inf),
    ],
)
def test_worked_example(rule, legs, equity, maintenance, initial, health):
    """The four accounts of the worked example have the equity and requirements of its table."""
    answer = rule.evaluate(legs, at(legs, [3000.0]))
    assert isinstance(rule, Rule)
    assert answer.equity[0] == pytest.approx(equity, abs=0.05)
    assert answer.maintenance[0] == pytest.approx(maintenance)
    assert answer.initial[0] == pytest.approx(initial)
    assert answer.health[0] == pytest.approx(health, abs=0.005)
    assert not answer.liquidatable[0]


@pytest.mark.parametrize(
    ("rule", "legs", "safe", "gone"),
    [
        (AAVE, AAVE_LEGS, 1807.24, 1807.22),
        (GMX, GMX_LEGS, 3446.2, 3446.3),
        (DeriveStandardRule(), DERIVE_LEGS, 3487.7, 3487.8),
    ],
)
def test_worked_example_liquidation_prices(rule, legs, safe, gone):
    """Each account is liquidatable just past its price (Derive: own volatility held)."""
    answer = rule.evaluate(legs, at(legs, [safe, gone]))
    assert answer.liquidatable.tolist() == [False, True]


def test_lending_is_healthy_at_equality_and_equity_meets_maintenance_there():
    """At health factor 1 exactly, equity equals maintenance and nothing is liquidatable."""
    legs = (spot("0", ETH, "10"), Leg("1", Debt(USDC), Decimal("-15000")))
    rule = LendingRule({"0": LendingTerms(Decimal("0.5"), Decimal("0.25"))})
    answer = rule.evaluate(legs, at(legs, [3000.0, 2999.0]))
    assert answer.health[0] == 1.0
    assert answer.equity[0] == answer.maintenance[0] == 15_000.0
    assert answer.liquidatable.tolist() == [False, True]


def test_lending_without_debt_has_infinite_health():
    """Nothing owed: health is inf and no price makes it liquidatable."""
    legs = (spot("0", ETH, "10"),)
    answer = AAVE.evaluate(legs, at(legs, [3000.0, 1.0]))
    assert np.isposinf(answer.health).all()
    assert not answer.liquidatable.any()


def test_lending_without_terms_carries_no_debt():
    """A deposit that is not enabled as collateral leaves any debt liquidatable."""
    answer = LendingRule().evaluate(AAVE_LEGS, at(AAVE_LEGS, [3000.0]))
    assert answer.health[0] == 0.0
    assert answer.liquidatable[0]
    assert answer.maintenance[0] == answer.initial[0] == 30_000.0


def test_missing_value_never_reads_as_infinite_health():
    """NaN in a leg's value gives NaN health, not inf."""
    scenarios = at(AAVE_LEGS, [3000.0])
    scenarios.value[1, 0] = np.nan
    assert np.isnan(AAVE.evaluate(AAVE_LEGS, scenarios).health[0])
    scenarios = at(GMX_LEGS, [3000.0])
    scenarios.price[1, 0] = np.nan
    assert np.isnan(GMX.evaluate(GMX_LEGS, scenarios).health[0])


def test_perp_account_without_perps_needs_nothing():
    """Collateral alone has no requirement, so health is inf."""
    legs = (spot("0", USDC, "2000"),)
    answer = GMX.evaluate(legs, at(legs, [3000.0]))
    assert np.isposinf(answer.health[0])
    assert answer.maintenance[0] == 0.0


def test_account_below_zero_without_requirement_is_minus_infinity():
    """Owing more than is held, with nothing required, is -inf and liquidatable."""
    legs = (Leg("0", Debt(USDC), Decimal(-5)),)
    answer = GMX.evaluate(legs, at(legs, [3000.0]))
    assert np.isneginf(answer.health[0])
    assert answer.liquidatable[0]


def test_custom_rule_takes_fractions_of_gross_value():
    """A short option counts at its absolute value, a perp at its notional."""
    legs = (*GMX_LEGS, option("2", "call", "3300", "-10"))
    terms = FractionTerms(Decimal("0.2"), Decimal("0.1"))
    answer = CustomRule(dict.fromkeys(("0", "1", "2"), terms)).evaluate(legs, at(legs, [3000.0]))
    gross = 2_000 + 12_000 + 10 * black76("call", 3000, 3300, 0.6)
    assert answer.initial[0] == pytest.approx(0.2 * gross)
    assert answer.maintenance[0] == pytest.approx(0.1 * gross)


def test_derive_short_put():
    """A short put needs its spot share (or its mark share), and IM at least 1.05 of the MM."""
    legs = (spot("0", USDC, "6000"), option("1", "put", "2700", "-10", "0.68"))
    answer = DeriveStandardRule().evaluate(legs, at(legs, [3000.0]))
    mark = -10 * black76("put", 3000, 2700, 0.68)
    net_maintenance = mark + min(0.075 * 3000 * -10, 0.075 * mark)
    net_initial = min(mark + max(0.15 - 300 / 3000, 0.1) * 3000 * -10, 1.05 * net_maintenance)
    assert answer.maintenance[0] == pytest.approx(mark - net_maintenance)
    assert answer.initial[0] == pytest.approx(mark - net_initial)


def test_derive_deep_put_initial_is_the_scaled_maintenance():
    """Where the mark is far above the spot share, IM is 1.05 times the net maintenance margin."""
    legs = (option("0", "put", "12000", "-1"),)
    figures = DeriveFigures(mm_put=Decimal("0.5"))
    answer = DeriveStandardRule(figures).evaluate(legs, at(legs, [3000.0]))
    mark = -9_000.0
    net_maintenance = mark - 0.5 * 3000
    assert answer.equity[0] == pytest.approx(mark, abs=1)
    assert answer.initial[0] == pytest.approx(mark - 1.05 * net_maintenance, rel=1e-3)


def test_derive_spread_is_capped_at_its_largest_loss():
    """A call spread needs no more than the distance of its strikes."""
    legs = (option("0", "call", "3300", "-10"), option("1", "call", "3310", "10"))
    answer = DeriveStandardRule().evaluate(legs, at(legs, [3000.0]))
    assert answer.equity[0] - answer.maintenance[0] == pytest.approx(-100.0)
    assert answer.equity[0] - answer.initial[0] == pytest.approx(-100.0)


def test_derive_long_options_give_no_credit_and_cannot_be_liquidated():
    """Long options count 0 towards margin: the requirement is their whole value."""
    answer = DeriveStandardRule().evaluate(VAULT_LEGS, at(VAULT_LEGS, [3000.0, 9000.0]))
    assert answer.maintenance == pytest.approx(answer.equity)
    assert not answer.liquidatable.any()


def test_derive_unpaired_calls_bound_the_largest_loss():
    """With a cheap unpaired scale the naked call is charged by largest loss, not by spot share."""
    figures = DeriveFigures(unpaired_maintenance=Decimal("0.01"))
    legs = (option("0", "call", "3300", "-10"),)
    answer = DeriveStandardRule(figures).evaluate(legs, at(legs, [3000.0]))
    assert answer.equity[0] - answer.maintenance[0] == pytest.approx(-10 * 3000 * 0.01)


def test_derive_perp_and_base_collateral():
    """A perp needs 5% and 6.5% of notional; base collateral counts at 80%."""
    legs = (spot("0", ETH, "2"), Leg("1", Perp("ETH"), Decimal(-4), entry_price=Decimal(2900)))
    answer = DeriveStandardRule().evaluate(legs, at(legs, [3000.0]))
    assert answer.equity[0] == pytest.approx(6_000 - 400)
    assert answer.maintenance[0] == pytest.approx(0.2 * 6_000 + 0.05 * 12_000)
    assert answer.initial[0] == pytest.approx(0.2 * 6_000 + 0.065 * 12_000)


def test_derive_counts_cash_at_face_and_charges_a_depeg_in_initial_only():
    """USDC at 0.95 leaves cash at 1 and adds 3.6% of the shorts' notional to the initial margin."""
    answer = DeriveStandardRule().evaluate(
        DERIVE_LEGS, at(DERIVE_LEGS, [3000.0, 3000.0], [1.0, 0.95])
    )
    assert answer.equity[1] == answer.equity[0]
    assert answer.maintenance[1] == answer.maintenance[0]
    assert answer.initial[1] - answer.initial[0] == pytest.approx(10 * 3000 * 0.03 * 1.2)


def test_derive_multiplier_scales_the_option():
    """Ten contracts of 0.1 need what one contract of 1 needs."""
    small = (option("0", "call", "3300", "-10", multiplier=Decimal("0.1")),)
    whole = (option("0", "call", "3300", "-1"),)
    rule = DeriveStandardRule()
    ours, theirs = (rule.evaluate(legs, at(legs, [3000.0])) for legs in (small, whole))
    assert ours.maintenance[0] == pytest.approx(theirs.maintenance[0])
    assert ours.initial[0] == pytest.approx(theirs.initial[0])


def test_derive_refuses_what_the_venue_cannot_hold():
    """A liquidity range in a Derive account is an error, not a number."""
    legs = (Leg("0", LpRange(ETH, USDC, 1, 0, 10), Decimal(1)),)
    one = np.ones((1, 1))
    with pytest.raises(RuleError):
        DeriveStandardRule().evaluate(legs, LegScenarios(one, one, one))


def test_unsupported_rule_answers_nothing_and_keeps_its_figures():
    """A rule that is not built raises instead of inventing a number."""
    rule = UnsupportedRule("derive-pmrm2", {"im_factor": "1"})
    with pytest.raises(RuleError):
        rule.evaluate(DERIVE_LEGS, at(DERIVE_LEGS, [3000.0]))
    assert rule.document() == {"kind": "derive-pmrm2", "im_factor": "1"}
    assert rule.judge() is None


def test_rules_without_legs_hold_nothing():
    """An account without legs has equity 0 and no requirement under every rule."""
    for rule in (NoRule(), AAVE, GMX, CustomRule(), DeriveStandardRule()):
        answer = rule.evaluate((), at((), [3000.0, 1.0]))
        assert answer.equity.tolist() == answer.maintenance.tolist() == [0.0, 0.0]
        assert not answer.liquidatable.any()
