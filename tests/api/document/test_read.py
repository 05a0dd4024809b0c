"""What a portfolio document means, and what is said about each way to get it wrong."""

import copy
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from crossmargin.api.document import read_document
from crossmargin.core.book.health import Health, State, VenueAnswer
from crossmargin.core.book.market import Quote
from crossmargin.core.book.model import (
    Claim,
    Debt,
    LastKnown,
    LpRange,
    Option,
    Perp,
    PerpetualOption,
    RawAmount,
    Spot,
)
from crossmargin.core.book.portfolio import BlockRef, HedgeQuote, Route
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.errors import DocumentError, Failure, Reason, RuleError, Severity
from crossmargin.core.risk.rules import (
    CustomRule,
    DeriveFigures,
    DeriveStandardRule,
    FractionTerms,
    LendingRule,
    LendingTerms,
    NoRule,
    PerpRule,
)

LEGS = "accounts[0].legs"
NO_SCENARIOS = LegScenarios(*(np.zeros((1, 0)),) * 3)


def put(document, path, value):
    """The document with the member at the path replaced, or removed where value is ``...``."""
    changed = copy.deepcopy(document)
    here = changed
    *parents, last = path
    for part in parents:
        here = here[part]
    if value is ...:
        del here[last]
    elif isinstance(here, list) and last == len(here):
        here.append(value)
    else:
        here[last] = value
    return changed


def with_leg(document, leg, rule=None):
    """The document with one account, which holds one leg."""
    account = {"venue": "by-hand", "id": "1", "rule": rule or {"kind": "none"}, "legs": [leg]}
    return put(document, ["accounts"], [account])


def only_leg(document, tokens) -> Any:
    """The one leg of a document made by ``with_leg``."""
    return read_document(document, tokens, {}).portfolio.accounts[0].legs[0]


@pytest.mark.shared
def test_worked_document_is_the_specifications(shared, worked):
    """The bundled example is the one printed in the specification, its owner and hash filled in."""
    worked["owner"] = worked["as_of"][0]["block_hash"] = "0x…"
    section = (shared / "design.md").read_text(encoding="utf-8").split("### 6.3")[1]
    assert json.loads(section.split("```json")[1].split("```")[0]) == worked


def test_worked_document(worked, tokens):
    """The example reads as its four accounts with their legs, rules, penalties and market."""
    book = read_document(worked, tokens, {})
    aave, gmx, derive, vault = book.portfolio.accounts
    assert [leg.quantity for leg in aave.legs] == [10, -15_000]
    assert aave.rule == LendingRule({"0": LendingTerms(Decimal("0.83"), Decimal("0.805"))})
    assert isinstance(aave.legs[0].instrument, Spot)
    assert aave.legs[1].instrument == Debt(tokens.named("USDC"))
    assert gmx.rule == PerpRule(Decimal("0.02"), Decimal("0.0156"))
    assert (gmx.legs[1].instrument, gmx.legs[1].entry_price) == (Perp("ETH"), Decimal(3000))
    assert derive.rule == DeriveStandardRule()
    call = Option("ETH", "call", Decimal(3300), 1_796_112_000)
    assert (derive.legs[1].instrument, derive.legs[1].quantity) == (call, -10)
    assert (vault.rule, vault.legs[0].vol) == (NoRule(), Decimal("0.68"))
    penalties = [account.penalty for account in book.portfolio.accounts]
    assert penalties == [Decimal("0.05"), Decimal("0.015"), Decimal("0.02"), None]
    assert [leg.id for leg in derive.legs] == ["0", "1"]
    assert {account.holder for account in book.portfolio.accounts} == {book.portfolio.owner}
    assert book.market.spot == {"ETH": Quote(Decimal(3000)), "USDC": Quote(Decimal(1))}
    assert book.market.vol == {"ETH": Quote(Decimal("0.6"))}
    assert book.model == worked["model"]
    assert book.portfolio.timestamp == 1_793_520_000


def test_bytes_text_and_objects_read_the_same(worked, tokens):
    """A document is read alike as bytes, as text and as a parsed object."""
    text = json.dumps(worked)
    books = [read_document(form, tokens, {}) for form in (worked, text, text.encode())]
    assert books[0] == books[1] == books[2]


def test_integers_are_amounts_and_keep_every_digit(worked, tokens):
    """A JSON integer of 78 digits and its decimal string are the same quantity."""
    digits = 2**256 - 1
    for quantity in (digits, str(digits)):
        leg = only_leg(
            with_leg(worked, {"kind": "debt", "asset": "ETH", "quantity": quantity}), tokens
        )
        assert leg.quantity == Decimal(digits).copy_negate()
        assert leg.quantity.as_integer_ratio() == (-digits, 1)


def test_perp_accrual_is_funding_less_borrow_fee(worked, tokens):
    """Funding is to be received, a borrow fee is owed."""
    leg = {"kind": "perp", "underlying": "ETH", "quantity": "-4", "entry_price": "3000"}
    leg |= {"funding": "-1.5", "borrow_fee": "0.25"}
    assert only_leg(with_leg(worked, leg), tokens).accrued == Decimal("-1.75")


def test_every_leg_kind(worked, tokens):
    """The kinds beyond the example read as their instruments."""
    usdc, eth = tokens.named("USDC"), tokens.named("ETH")
    pool = {
        "kind": "lp_range",
        "token0": "USDC",
        "token1": "ETH",
        "liquidity": "123456789012345678901",
    }
    pool |= {"tick_lower": -100, "tick_upper": 200, "fees0": "1.5"}
    leg = only_leg(with_leg(worked, pool), tokens)
    position = LpRange(usdc, eth, 123456789012345678901, -100, 200, Decimal("1.5"))
    assert (leg.instrument, leg.quantity) == (position, 1)
    panoptic = {"kind": "perp_option", "pool": "0xpool", "strike_tick": -10, "width": 240}
    panoptic |= {"side": "short", "token_type": 1, "asset": "ETH", "size": "2", "premium": "-0.1"}
    leg = only_leg(with_leg(worked, panoptic), tokens)
    assert leg.instrument == PerpetualOption(
        "0xpool", eth, -10, 240, "short", 1, Decimal(2), Decimal("-0.1")
    )
    option = {"kind": "option", "underlying": "ETH", "right": "put", "strike": 2700, "quantity": 1}
    option |= {"expiry": 1_796_112_000, "settlement_asset": "USDC", "settlement": "physical"}
    option |= {"multiplier": "0.1", "status": "expired_unsettled"}
    leg = only_leg(with_leg(worked, option), tokens)
    assert leg.status == "expired_unsettled"
    assert leg.instrument == Option(
        "ETH", "put", Decimal(2700), 1_796_112_000, "USDC", "physical", Decimal("0.1")
    )


def test_claim_redeems_for_its_assets(worked, tokens):
    """Shares and assets give what one share redeems for; an exact ratio wins over the division."""
    claim = {"kind": "claim", "asset": "USDC", "shares": "4", "assets": "5"}
    leg = only_leg(with_leg(worked, claim), tokens)
    assert leg.instrument == Claim("", tokens.named("USDC"), Decimal("1.25"))
    assert leg.quantity == 4
    exact = claim | {"shares": "3", "assets": "1", "assets_per_share": "0.3333333333333333"}
    ratio = only_leg(with_leg(worked, exact), tokens).instrument.assets_per_share
    assert ratio == Decimal("0.3333333333333333")


def test_leg_that_was_not_read(worked, tokens):
    """A failed leg needs no quantity and keeps its reason and last known value."""
    leg = {"kind": "spot", "asset": "ETH", "raw": {"value": "12", "decimals": 18}}
    leg["failure"] = {"reason": "call_reverted", "code": "timeout", "detail": "balanceOf"}
    leg["last_known"] = {"value": "31000.5", "age_seconds": 60}
    read = only_leg(with_leg(worked, leg), tokens)
    assert read.failure == Failure(Reason.CALL_REVERTED, "timeout", "balanceOf")
    assert read.last_known == LastKnown(Decimal("31000.5"), 60)
    assert read.raw == RawAmount(12, 18)


def test_asset_objects_say_everything_themselves(worked, tokens):
    """An asset object is taken as it is, whatever the registry knows by that symbol."""
    asset = {
        "symbol": "ETH",
        "key": "eip155:1/0xabc",
        "underlying": "eip155:1/0xabc",
        "known": False,
    }
    read = only_leg(with_leg(worked, {"kind": "spot", "asset": asset, "quantity": "1"}), tokens)
    assert read.instrument.asset.key == "eip155:1/0xabc"
    assert not read.instrument.asset.known
    assert read_document(worked, tokens, {}).market.price(read.instrument.asset) is None


def test_market_keeps_sources_ages_and_strikes(worked, tokens):
    """Quotes may name their source and age; listed strikes are kept with their expiries."""
    document = put(
        worked, ["market", "spot", "ETH"], {"value": 3000, "source": "chainlink", "age_seconds": 12}
    )
    document["market"]["vol"]["ETH"] = {"atm": "0.6", "source": "dvol"}
    document["market"]["strikes"] = {"ETH": [{"strike": "3300", "expiry": "2026-12-01T08:00:00Z"}]}
    market = read_document(document, tokens, {}).market
    assert market.spot["ETH"] == Quote(Decimal(3000), "chainlink", 12)
    assert market.vol["ETH"] == Quote(Decimal("0.6"), "dvol")
    assert market.strikes == {"ETH": ((Decimal(3300), 1_796_112_000),)}


def test_rules_take_their_shares_and_figures(worked, tokens):
    """Custom fractions come from the legs; Derive figures override their defaults one by one."""
    leg = {"kind": "spot", "asset": "ETH", "quantity": "1", "initial": "0.2", "maintenance": "0.1"}
    account = read_document(
        with_leg(worked, leg, {"kind": "custom"}), tokens, {}
    ).portfolio.accounts[0]
    assert account.rule == CustomRule({"0": FractionTerms(Decimal("0.2"), Decimal("0.1"))})
    leg = {"kind": "spot", "asset": "USDC", "quantity": "1"}
    rule = {"kind": "derive-standard", "mm_call": "0.09"}
    account = read_document(with_leg(worked, leg, rule), tokens, {}).portfolio.accounts[0]
    assert account.rule == DeriveStandardRule(DeriveFigures(mm_call=Decimal("0.09")))


def test_pmrm2_is_kept_but_its_account_is_unknown(worked, tokens):
    """The unbuilt rule keeps its figures, fails the account with a reason, and computes nothing."""
    rule = {"kind": "derive-pmrm2", "im_factor": "1", "penalty": "0.02"}
    document = with_leg(worked, {"kind": "spot", "asset": "USDC", "quantity": "1"}, rule)
    account: Any = read_document(document, tokens, {}).portfolio.accounts[0]
    assert account.failure.reason is Reason.NOT_SUPPORTED
    assert [problem.severity for problem in account.problems] == [Severity.READ]
    assert account.problems[0].action
    assert account.rule.document() == {"kind": "derive-pmrm2", "im_factor": "1"}
    with pytest.raises(RuleError):
        account.rule.evaluate(account.legs, NO_SCENARIOS)


def test_routes_hedges_owners_and_venue_answer(worked, tokens):
    """What feeds rescue and hedging, the book's other addresses, and the venue's own answer."""
    worked["owners"] = ["0x" + "ab" * 20]
    worked["routes"] = [
        {"from": "wallet", "to": "7", "asset": "USDC", "latency_seconds": 60, "fee": "0.001"}
    ]
    worked["hedges"] = [
        {
            "instrument": {"kind": "perp", "underlying": "ETH"},
            "bid": "2999",
            "ask": "3001",
            "depth": "5",
        }
    ]
    worked["accounts"][0]["venue_answer"] = {
        "figures": {"healthFactor": "1660000000000000000"},
        "health": {"value": "1.66", "state": "ok"},
        "source": "getUserAccountData",
    }
    worked["accounts"][1]["venue_answer"] = {"failure": {"reason": "call_reverted"}}
    book = read_document(worked, tokens, {})
    assert book.portfolio.owners == (worked["owner"], "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB")
    assert book.routes == (Route("wallet", "7", "USDC", 60, Decimal("0.001")),)
    assert book.hedges == (HedgeQuote(Perp("ETH"), Decimal(2999), Decimal(3001), Decimal(5)),)
    aave, gmx = book.portfolio.accounts[:2]
    assert aave.venue_answer == VenueAnswer(
        {"healthFactor": 1_660_000_000_000_000_000},
        Health(Decimal("1.66"), State.OK),
        "getUserAccountData",
    )
    assert gmx.venue_answer == Failure(Reason.CALL_REVERTED)


def test_as_of_by_hand_needs_only_a_time(worked, tokens):
    """Chain, number and hash of a block may be left out by hand."""
    worked["as_of"] = [{"timestamp": "2026-11-01T09:00:00+01:00"}]
    del worked["accounts"][0]["chain_id"]
    assert read_document(worked, tokens, {}).portfolio.as_of == (
        BlockRef("", 0, "", 1_793_520_000),
    )


OPTION = ["accounts", 2, "legs", 1]
MALFORMED = [
    (["schema"], ..., "schema"),
    (["schema"], "crossmargin/portfolio/2", "schema"),
    (["owner"], 5, "owner"),
    (["owner"], "0xAbababababababababababababababababababab", "owner"),
    (["surprise"], 1, "surprise"),
    (["as_of"], [], "as_of"),
    (["as_of", 0, "timestamp"], "2026-11-01T08:00:00", "as_of[0].timestamp"),
    (["as_of", 0, "timestamp"], "yesterday", "as_of[0].timestamp"),
    (["as_of", 0, "timestamp"], -1, "as_of[0].timestamp"),
    (["as_of", 0, "block_number"], "12", "as_of[0].block_number"),
    (["as_of", 0, "block_number"], True, "as_of[0].block_number"),
    (["as_of", 0, "block_hash"], "0x12", "as_of[0].block_hash"),
    (["as_of", 0, "chain_id"], "mainnet", "as_of[0].chain_id"),
    (["as_of", 1], {"chain_id": "eip155:42161", "timestamp": 1}, "as_of[0].chain_id"),
    (["market"], ..., "market"),
    (["market"], [], "market"),
    (["market", "spot", "ETH"], "0", "market.spot.ETH"),
    (["market", "spot", "ETH"], "-1", "market.spot.ETH"),
    (["market", "spot", "ETH"], 3000.5, "market.spot.ETH"),
    (["market", "spot", "ETH"], float("nan"), "market.spot.ETH"),
    (["market", "spot", "ETH"], {"value": "x"}, "market.spot.ETH.value"),
    (["market", "vol", "ETH", "atm"], "60", "market.vol.ETH.atm"),
    (["market", "vol", "ETH"], "0.6", "market.vol.ETH"),
    (["market", "rate"], "5%", "market.rate"),
    (["model", "ranges"], {}, "model.ranges"),
    (["model", "sets", 0], "Z", "model.sets[0]"),
    (["model", "points"], "9", "model.points"),
    (["model", "range", "ETH"], "wide", "model.range.ETH"),
    (["wallet"], {}, "wallet"),
    (["wallet", 0], {"kind": "spot", "asset": "ETH", "quantity": 1, "ltv": "0"}, "wallet[0].ltv"),
    (["accounts"], ..., "accounts"),
    (["accounts", 0], None, "accounts[0]"),
    (["accounts", 0, "venue"], "", "accounts[0].venue"),
    (["accounts", 0, "holder"], "0xAb" + "ab" * 19, "accounts[0].holder"),
    (["accounts", 0, "labels"], {"a": 1}, "accounts[0].labels.a"),
    (
        ["accounts", 0, "venue_answer"],
        {"figures": {"x": "1.5"}},
        "accounts[0].venue_answer.figures.x",
    ),
    (
        ["accounts", 0, "venue_answer"],
        {"figures": {"x": "1"}, "failure": {"reason": "disputed"}},
        "accounts[0].venue_answer.failure",
    ),
    (["owners"], ["0xAb" + "ab" * 19], "owners[0]"),
    (["problems"], [{"severity": "fatal", "reason": "disputed"}], "problems[0].severity"),
    (["accounts", 0, "chain_id"], "eip155:1", "accounts[0].chain_id"),
    (["accounts", 1, "penalty"], "0.5", "accounts[1].penalty"),
    (["accounts", 0, "rule"], "lending", "accounts[0].rule"),
    (["accounts", 0, "rule"], {}, "accounts[0].rule.kind"),
    (["accounts", 0, "rule"], {"kind": "lendign"}, "accounts[0].rule.kind"),
    (["accounts", 0, "rule", "kind"], ["lending"], "accounts[0].rule.kind"),
    (["accounts", 0, "rule", "penalty"], "5", "accounts[0].rule.penalty"),
    (["accounts", 0, "rule", "close"], "5", "accounts[0].rule.close"),
    (["accounts", 1, "rule", "initial"], ..., "accounts[1].rule.initial"),
    (["accounts", 1, "rule", "initial"], "0.01", "accounts[1].rule.maintenance"),
    (["accounts", 0, "legs", 0, "kind"], "stock", "accounts[0].legs[0].kind"),
    (["accounts", 0, "legs", 0, "kind"], ..., "accounts[0].legs[0].kind"),
    (["accounts", 0, "legs", 0, "quantity"], ..., "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 0, "quantity"], "-1", "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 0, "quantity"], "1e3", "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 0, "quantity"], " 1", "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 0, "quantity"], "１", "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 0, "quantity"], True, "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 0, "quantity"], "9" * 101, "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 0, "quantity"], 10**100, "accounts[0].legs[0].quantity"),
    (["accounts", 0, "legs", 1, "quantity"], "-15000", "accounts[0].legs[1].quantity"),
    (["accounts", 0, "legs", 0, "ltv"], ..., "accounts[0].legs[0].ltv"),
    (["accounts", 0, "legs", 0, "ltv"], "0.9", "accounts[0].legs[0].ltv"),
    (["accounts", 0, "legs", 1, "ltv"], "0.5", "accounts[0].legs[1].ltv"),
    (["accounts", 1, "legs", 0, "ltv"], "0.5", "accounts[1].legs[0].ltv"),
    (["accounts", 0, "legs", 1, "id"], "0", "accounts[0].legs[1].id"),
    (["accounts", 0, "legs", 0, "asset"], "", "accounts[0].legs[0].asset"),
    (["accounts", 0, "legs", 0, "asset"], {"symbol": 1}, "accounts[0].legs[0].asset.symbol"),
    (
        ["accounts", 0, "legs", 0, "asset"],
        {"symbol": "A", "known": 1},
        "accounts[0].legs[0].asset.known",
    ),
    (
        ["accounts", 0, "legs", 0, "failure"],
        {"reason": "bored"},
        "accounts[0].legs[0].failure.reason",
    ),
    (["accounts", 1, "legs", 1, "entry_price"], ..., "accounts[1].legs[1].entry_price"),
    ([*OPTION, "right"], "straddle", "accounts[2].legs[1].right"),
    ([*OPTION, "strike"], "0", "accounts[2].legs[1].strike"),
    ([*OPTION, "expiry"], "2026-13-01T08:00:00Z", "accounts[2].legs[1].expiry"),
    ([*OPTION, "strick"], "1", "accounts[2].legs[1].strick"),
    (
        ["routes"],
        [{"from": "wallet", "to": "x", "asset": "USDC", "latency_seconds": 1}],
        "routes[0].to",
    ),
    (
        ["hedges"],
        [{"instrument": {"kind": "perp"}, "bid": 1, "ask": 1, "depth": 1}],
        "hedges[0].instrument.underlying",
    ),
    (
        ["hedges"],
        [{"instrument": {"kind": "perp", "underlying": "ETH"}, "bid": 2, "ask": 1, "depth": 1}],
        "hedges[0].bid",
    ),
]


@pytest.mark.parametrize(("path", "value", "field"), MALFORMED)
def test_malformed_documents_name_the_field(worked, tokens, path, value, field):
    """Whatever is wrong, the error names its path and says something about it."""
    with pytest.raises(DocumentError) as caught:
        read_document(put(worked, path, value), tokens, {})
    assert caught.value.field == field
    assert field in str(caught.value)
    assert len(str(caught.value)) > len(field) + 8


@pytest.mark.parametrize(
    ("leg", "field"),
    [
        ({"kind": "claim", "asset": "ETH", "shares": "1"}, "assets"),
        ({"kind": "claim", "asset": "ETH", "assets": "1"}, "shares"),
        ({"kind": "claim", "asset": "ETH", "shares": "0", "assets": "1"}, "assets"),
        (
            {
                "kind": "claim",
                "asset": "ETH",
                "shares": "2",
                "assets": "1",
                "assets_per_share": "2",
            },
            "assets",
        ),
        (
            {
                "kind": "lp_range",
                "token0": "A",
                "token1": "B",
                "liquidity": "1",
                "tick_lower": 5,
                "tick_upper": 5,
            },
            "tick_lower",
        ),
        (
            {
                "kind": "lp_range",
                "token0": "A",
                "token1": "B",
                "liquidity": "-1",
                "tick_lower": 0,
                "tick_upper": 5,
            },
            "liquidity",
        ),
        (
            {
                "kind": "perp_option",
                "pool": "p",
                "strike_tick": 0,
                "width": 1,
                "side": "long",
                "token_type": 2,
                "asset": "ETH",
                "size": "1",
            },
            "token_type",
        ),
    ],
)
def test_malformed_legs_of_other_kinds(worked, tokens, leg, field):
    """The kinds beyond the example name their wrong field too."""
    with pytest.raises(DocumentError) as caught:
        read_document(with_leg(worked, leg), tokens, {})
    assert caught.value.field == f"{LEGS}[0].{field}"


def test_custom_rule_needs_both_shares_on_every_leg(worked, tokens):
    """A custom account whose leg lacks a share is refused at that leg."""
    leg = {"kind": "spot", "asset": "ETH", "quantity": "1", "initial": "0.2"}
    with pytest.raises(DocumentError) as caught:
        read_document(with_leg(worked, leg, {"kind": "custom"}), tokens, {})
    assert caught.value.field == f"{LEGS}[0].maintenance"


def test_rule_that_cannot_be_evaluated_is_the_documents_fault(worked, tokens):
    """Figures that break the venue's formula are refused at the rule."""

    class Broken(NoRule):
        def judge(self) -> None:
            raise ZeroDivisionError

    worked["accounts"][3]["rule"] = {"kind": "venue-x"}
    with pytest.raises(DocumentError) as caught:
        read_document(worked, tokens, {"venue-x": lambda raw: Broken()})
    assert caught.value.field == "accounts[3].rule"


def test_two_accounts_of_one_name_are_refused(worked, tokens):
    """Venue, chain and id name one account."""
    worked["accounts"].append(copy.deepcopy(worked["accounts"][3]))
    with pytest.raises(DocumentError) as caught:
        read_document(worked, tokens, {})
    assert caught.value.field == "accounts[4].id"


def test_too_many_legs_are_refused(worked, tokens):
    """Ten thousand legs are the limit over all accounts together."""
    leg = {"kind": "spot", "asset": "ETH", "quantity": "1"}
    rule = {"kind": "none"}
    worked["accounts"] = [
        {"venue": "v", "id": str(index), "rule": rule, "legs": [leg] * 5_001} for index in range(2)
    ]
    with pytest.raises(DocumentError, match="10,000"):
        read_document(worked, tokens, {})


def test_venue_rule_reader_is_used_and_its_complaints_are_placed(worked, tokens):
    """A venue's rule is built by its reader; what the reader refuses is named inside the rule."""

    def reader(raw):
        if "base" not in raw:
            raise DocumentError("base is missing", field="base")
        return PerpRule(Decimal(int(raw["base"])), Decimal(0))

    worked["accounts"][3]["rule"] = {"kind": "venue-x", "base": "12"}
    book = read_document(worked, tokens, {"venue-x": reader})
    assert book.portfolio.accounts[3].rule == PerpRule(Decimal(12), Decimal(0))
    for rule, field in (
        ({"kind": "venue-x"}, "accounts[3].rule.base"),
        ({"kind": "venue-x", "base": "twelve"}, "accounts[3].rule"),
        ({"kind": "venue-x", "base": 1.5}, "accounts[3].rule.base"),
    ):
        worked["accounts"][3]["rule"] = rule
        with pytest.raises(DocumentError) as caught:
            read_document(worked, tokens, {"venue-x": reader})
        assert caught.value.field == field
