"""The margin model on small books whose answers are known by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from crossmargin.core.book.health import Health, Judgement, State, VenueAnswer, Verdict
from crossmargin.core.book.model import Asset, LastKnown
from crossmargin.core.errors import Failure, Reason, Severity

from .books import (
    BTC,
    ETH,
    SOL,
    STETH,
    USD,
    USDC,
    account,
    assess,
    book,
    debt,
    lending,
    market,
    option,
    perp,
    perps,
    spot,
)

RANGES = {"range": {"ETH": "0.16", "BTC": "0.16"}}


def test_long_eth_short_btc_is_charged_for_btc_rising_alone():
    """Long 30,000 USD of ETH, short 30,000 of BTC: 3,510 on the grid, 1,440 by the floor."""
    report = assess(
        book(account("v", spot("a", ETH, 10), perp("b", "BTC", "-0.5", 60000)), model=RANGES)
    )
    assert report.core.grid == pytest.approx(3510, abs=1)
    assert report.core.floor == pytest.approx(1440, abs=1)
    assert report.core.active == "grid"
    assert report.worst_scenarios[0].id == "B:alone:BTC:+11.7%"


def test_the_reverse_is_charged_for_eth_rising_alone():
    """Short 30,000 USD of ETH, long 30,000 of BTC: 4,800 on the grid."""
    report = assess(
        book(account("v", perp("a", "ETH", -10, 3000), spot("b", BTC, "0.5")), model=RANGES)
    )
    assert report.core.grid == pytest.approx(4800, abs=1)


def test_one_long_leg_is_charged_its_range():
    """10 ETH at 3,000 with a range of 16%: 4,800; the tail rows weigh the same and no more."""
    report = assess(book(account("v", spot("a", ETH, 10)), model=RANGES))
    assert report.core.grid == pytest.approx(4800, abs=1e-6)


def test_opposite_perps_at_two_venues_pay_the_floor_and_basis():
    """Long at one venue, short at the other: nothing but basis rows on the grid, 1,440 by floor."""
    held = [
        perps("a", spot("c", USD, 9000), perp("p", "ETH", 10, 3000)),
        perps("b", spot("c", USD, 9000), perp("p", "ETH", -10, 3000)),
    ]
    report = assess(book(*held, model=RANGES))
    assert report.core.floor == pytest.approx(1440, abs=1e-6)
    assert report.core.grid == pytest.approx(600, abs=1e-6)  # two marks 1% apart, opposite ways
    assert report.worst_scenarios[0].family == "basis"
    without = assess(book(*held, model={**RANGES, "sets": ["A", "B", "D", "F", "peg", "lst"]}))
    assert without.core.grid == pytest.approx(0, abs=1e-6)


def test_majors_offset_at_omega_and_others_not_at_all():
    """In F2 a BTC gain counts 60% against an ETH loss, a SOL gain nothing."""
    only_f = {**RANGES, "range": {**RANGES["range"], "SOL": "0.16"}, "sets": ["F"]}
    majors = account("v", spot("a", ETH, 10), perp("b", "BTC", "-0.5", 60000))
    others = account("v", spot("a", ETH, 10), perp("b", "SOL", "-200", 150))
    assert assess(book(majors, model=only_f)).core.grid == pytest.approx(1920, abs=1)
    assert assess(book(others, model=only_f)).core.grid == pytest.approx(4800, abs=1)


def test_a_depegged_stablecoin_is_charged_with_the_fall_of_spot():
    """USDC at -5% while ETH falls by its range: 4,800 + 500; a debt in it does not help."""
    report = assess(book(account("v", spot("a", ETH, 10), spot("b", USDC, 10_000)), model=RANGES))
    assert report.core.grid == pytest.approx(5300, abs=1e-6)
    borrowed = assess(book(lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000)), model=RANGES))
    assert borrowed.core.grid == pytest.approx(4800 + 200, abs=1e-6)  # USDC at +2%


def test_an_lst_is_charged_for_its_ratio_on_top_of_spot():
    """10 stETH at 2,990: 16% down and the ratio 5% down is a loss of 20.2%."""
    report = assess(book(account("v", spot("a", STETH, 10)), model=RANGES))
    assert report.core.grid == pytest.approx(29_900 * (1 - 0.84 * 0.95), abs=1e-6)
    assert report.worst_scenarios[0].family == "lst"


def test_an_underlying_that_nobody_holds_changes_nothing():
    """Quoting another token in the market leaves every figure as it was."""
    held = lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000))
    fewer = market({"ETH": "3000", "USDC": "1"})
    assert assess(book(held, quotes=fewer)) == assess(book(held, quotes=market()))


def test_an_empty_book_is_empty():
    """Nothing held: no margin, no value, state empty."""
    report = assess(book())
    assert report.core.value == 0
    assert report.portfolio_health.state is State.EMPTY
    assert report.portfolio_health.value is None
    assert report.state is State.EMPTY
    assert report.score is None


def test_without_liability_there_is_no_health_number():
    """Owned tokens alone: state no_debt, value null, whatever CORE is."""
    report = assess(book(account("v", spot("a", ETH, 10))))
    assert report.portfolio_health.state is State.NO_DEBT
    assert report.portfolio_health.value is None
    assert report.core.value > 0
    assert report.two_day_coverage.value is None


def test_liabilities_above_assets_are_bad_debt():
    """E_h at or below 0 with a debt: value 0, state bad_debt; the account's own state agrees."""
    report = assess(book(lending("v", spot("a", ETH, 1), debt("b", USDC, 5_000))))
    assert report.portfolio_health.state is State.BAD_DEBT
    assert report.portfolio_health.value == 0
    assert report.accounts[0].state is State.BAD_DEBT
    assert report.buffer < -2000
    assert report.equity_non_recourse == 0


def test_only_a_venues_rule_says_liquidatable():
    """An account over its limit is liquidatable while the portfolio's own health stays a number."""
    report = assess(
        book(
            lending("v", spot("a", ETH, 10), debt("b", USDC, 26_000)),
            account("w", spot("c", USD, 50_000)),
        )
    )
    assert report.accounts[0].state is State.LIQUIDATABLE
    assert report.state is State.LIQUIDATABLE
    assert report.portfolio_health.state is State.OK
    assert report.portfolio_health.value > 1


def test_a_healthy_portfolio_can_hold_an_account_about_to_be_liquidated():
    """P15: unified health of at least 1 implies nothing for a venue."""
    report = assess(
        book(
            perps("v", spot("c", USD, 500), perp("p", "ETH", -10, 3000)),
            account("w", spot("e", ETH, 20)),
        )
    )
    assert report.portfolio_health.value >= 1
    assert report.accounts[0].coverage < 1
    assert report.two_day_coverage.binding == "v"


def test_wallet_stablecoins_count_in_equity_but_not_in_core():
    """A wallet's USDC is rescue money; its ETH is a risk like any other."""
    held = lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000))
    plain = assess(book(held))
    richer = assess(book(held, wallet=[spot("w", USDC, 5_000)]))
    riskier = assess(book(held, wallet=[spot("w", ETH, 1)]))
    assert richer.core.value == plain.core.value
    assert richer.equity == plain.equity + 5_000
    assert riskier.core.value > plain.core.value


def test_an_unknown_token_gets_no_credit():
    """What nobody knows counts in equity at its price, and not in the haircut equity."""
    scam = Asset("eip155:1/0xbad", "USDC", "eip155:1/0xbad", known=False)
    quotes = market({"ETH": "3000", "USDC": "1", "eip155:1/0xbad": "1000000"})
    held = lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000))
    report = assess(book(held, wallet=[spot("w", scam, 1)], quotes=quotes))
    plain = assess(book(held))
    assert report.equity == plain.equity + 1_000_000
    assert report.haircut_equity == plain.haircut_equity
    assert report.portfolio_health == plain.portfolio_health


def unread(leg, last=None):
    """The leg as a failed read leaves it."""
    known = None if last is None else LastKnown(Decimal(last), 600)
    return replace(leg, failure=Failure(Reason.CALL_REVERTED, "timeout"), last_known=known)


def test_a_missing_debt_leaves_everything_unknown():
    """A debt that could not be read: no equity, no margin, no health, and the place is named."""
    report = assess(book(lending("v", spot("a", ETH, 10), unread(debt("b", USDC, 10_000)))))
    assert report.portfolio_health.value is None
    assert report.portfolio_health.state is State.UNKNOWN
    assert report.portfolio_health.low is report.portfolio_health.high is None
    assert report.equity is report.maintenance_margin is report.core is None
    assert report.two_day_coverage.value is None
    assert report.two_day_coverage.binding == "v"
    assert not report.complete
    problem = next(item for item in report.problems if item.severity is Severity.READ)
    assert (problem.venue, problem.account, problem.leg) == ("v", "1", "b")


def test_a_last_known_debt_bounds_the_health():
    """With a last value the truth lies between low and high, for the account and the portfolio."""
    truth = assess(book(lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000))))
    known = assess(book(lending("v", spot("a", ETH, 10), unread(debt("b", USDC, 1), "10000"))))
    for health, exact in (
        (known.portfolio_health, truth.portfolio_health),
        (known.accounts[0].health, truth.accounts[0].health),
    ):
        assert health.state is State.UNKNOWN
        assert health.low < exact.value < health.high


def test_a_missing_asset_counts_nothing_and_is_said():
    """An asset without a price counts 0 in equity; the margin that it could flatter is not known."""
    report = assess(
        book(
            lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000)),
            account("w", spot("c", SOL, 10)),
            quotes=market({"ETH": "3000", "USDC": "1"}),
        )
    )
    assert report.equity == pytest.approx(20_000)
    assert report.portfolio_health.value is None
    assert report.state is State.UNKNOWN
    assert not report.complete
    assert report.accounts[0].health.value is not None  # the other account is judged all the same


def test_an_expired_option_is_unknown_until_it_is_settled():
    """Past its expiry an option has no value until the settlement price is known."""
    late = replace(option("a", "call", 3000, -1), status="expired_unsettled")
    report = assess(book(perps("v", spot("c", USD, 9_000), late)))
    assert report.state is State.UNKNOWN
    assert any(problem.reason is Reason.PENDING_SETTLEMENT for problem in report.problems)


def test_a_rule_that_cannot_judge_its_legs_leaves_the_account_unknown():
    """A margin rule that refuses a leg is a problem at that account, never an exception."""
    from crossmargin.core.risk.rules import DeriveStandardRule

    held = account("derive-v2", debt("a", ETH, 1), rule=DeriveStandardRule())
    report = assess(book(held, account("w", spot("e", ETH, 20))))
    assert report.accounts[0].state is State.UNKNOWN
    assert report.state is State.UNKNOWN
    assert any(problem.code == "margin_rule" for problem in report.problems)


def test_one_unread_account_makes_the_minimum_unknown():
    """Coverage is a minimum: with one account unknown it has no value, and that account binds."""
    held = lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000))
    failed = replace(
        lending("u"), failure=Failure(Reason.RPC_UNAVAILABLE, "timeout", "no endpoint answered")
    )
    report = assess(book(held, failed))
    assert report.two_day_coverage.value is None
    assert report.two_day_coverage.binding == "u"
    assert report.portfolio_health.state is State.UNKNOWN


def test_an_exact_judgement_decides_over_the_rule():
    """Where the adapter judged in integers, its health, clocks and parity are the account's."""
    held = lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000))
    exact = Judgement(
        "health factor",
        stored=Verdict(Health(Decimal("1.02"), State.OK), False),
        actionable=Verdict(Health(Decimal("0.99"), State.LIQUIDATABLE), True),
        figures={"totalDebt": 100, "healthFactor": 7},
    )
    answer = VenueAnswer({"totalDebt": 98}, Health(Decimal("1.02"), State.OK))
    report = assess(book(replace(held, judgement=exact, venue_answer=answer)))
    assert report.accounts[0].health.value == Decimal("0.99")
    assert report.accounts[0].venue_health.value == Decimal("1.02")
    assert report.accounts[0].stored.liquidatable is False
    assert report.accounts[0].parity.differences == {"totalDebt": 2}
    assert report.state is State.LIQUIDATABLE
    assert report.accounts[0].maintenance == pytest.approx(30_000 * 0.17)


def test_an_lst_counts_in_units_of_its_underlying():
    """1 stETH at 2,990 is a delta of 2,990 / 3,000 ETH."""
    report = assess(book(account("v", spot("a", STETH, 1))))
    assert report.greeks["ETH"].delta == pytest.approx(2990 / 3000)


def test_liquidity_charges_half_spreads_and_impact_beyond_a_hundredth_of_the_volume():
    """Half spreads of every leg; 10 m USD of ETH against 500 m a day pays impact on 5 m of it."""
    small = assess(book(account("v", spot("a", ETH, 10)), model={"gas": "0"}))
    assert small.add_ons.liquidity == pytest.approx(30_000 * 1e-4)
    large = assess(
        book(
            account("v", spot("a", ETH, Decimal(10_000_000) / 3000)),
            model={"gas": "0", "sigma": {"ETH": "0.05"}},
        )
    )
    impact = 0.05 * 5e6 * (5e6 / 500e6) ** 0.5
    assert large.add_ons.liquidity == pytest.approx(10e6 * 1e-4 + impact)


def test_gas_is_two_actions_for_each_account_with_a_liability():
    """On an L2: two lending actions at .1 gwei and half a dollar each; on L1 at 100 gwei."""
    held = lending("v", spot("a", ETH, 10), debt("b", USDC, 10_000))
    idle = account("w", spot("a", ETH, 1))
    report = assess(book(held, idle))
    assert report.add_ons.gas == pytest.approx(2 * (350_000 * 0.1e-9 * 3000 + 0.5))
    dear = assess(book(replace(held, chain_id="eip155:1"), idle))
    assert dear.add_ons.gas == pytest.approx(2 * 350_000 * 100e-9 * 3000)
