"""A book written as a document and read again is the same book, and the document is valid."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import crossmargin.api
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.api.document import json_schema, read_document, write_document
from crossmargin.core.book.health import Health, Judgement, Parity, State, VenueAnswer, Verdict
from crossmargin.core.book.market import Market, Quote
from crossmargin.core.book.model import (
    Asset,
    Claim,
    Debt,
    LastKnown,
    Leg,
    LpRange,
    MarginAccount,
    Option,
    Perp,
    PerpetualOption,
    RawAmount,
    Spot,
)
from crossmargin.core.book.portfolio import BlockRef, Book, HedgeQuote, Portfolio, Route
from crossmargin.core.errors import Failure, Problem, Reason, Severity
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

TOKENS = bundled_tokens()


@dataclass(frozen=True)
class ThresholdRule:
    """A venue's exact rule in miniature: collateral, debt and a threshold, as raw integers."""

    collateral: int
    debt: int
    threshold_bps: int
    kind: str = "miniature"
    measure: str = "health factor"

    def judge(self):
        """The health in 18 decimals and whether it is below 1."""
        raw = self.collateral * self.threshold_bps * 10**14 // self.debt
        state = State.LIQUIDATABLE if raw < 10**18 else State.OK
        verdict = Verdict(Health(Decimal(raw).scaleb(-18), state), raw < 10**18)
        return Judgement(self.measure, verdict, verdict, {"health": raw})

    def evaluate(self, legs, scenarios):
        """Not needed to write a document."""
        raise AssertionError

    def document(self) -> Mapping[str, object]:
        """Its raw parameters, integers as strings."""
        figures = {"collateral": str(self.collateral), "debt": str(self.debt)}
        return {"kind": self.kind, **figures, "threshold_bps": self.threshold_bps}


READERS = {
    "miniature": lambda raw: ThresholdRule(
        int(raw["collateral"]), int(raw["debt"]), raw["threshold_bps"]
    )
}

text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
symbols = st.sampled_from(["ETH", "USDC", "wstETH", "Ξ"])


def amounts(low=-(10**40), high=10**40):
    """Decimals of up to 40 digits before and 30 after the point."""
    return st.builds(
        lambda whole, places: (
            Decimal(whole).scaleb(-places) if abs(whole) < 10**28 else Decimal(whole)
        ),
        st.integers(low, high),
        st.integers(0, 28),
    )


unsigned = amounts(0)
positive = amounts(1)
shares = st.integers(0, 10_000).map(lambda bps: Decimal(bps) / 10_000)
times = st.integers(0, 4_000_000_000)
failures = st.builds(Failure, st.sampled_from(Reason), text, text)
problems = st.builds(
    Problem, st.sampled_from(Severity), st.sampled_from(Reason), text, text, text, text, text, text
)
assets = st.builds(
    Asset,
    key=text,
    symbol=symbols,
    underlying=symbols,
    kind=st.sampled_from(["volatile", "stable", "lst", "usd"]),
    decimals=st.integers(0, 24),
    chain_id=st.sampled_from(["", "eip155:1"]),
    address=st.sampled_from(["", "0x" + "ab" * 20]),
    known=st.booleans(),
)
options = st.builds(
    Option,
    symbols,
    st.sampled_from(["call", "put"]),
    positive,
    times,
    symbols,
    st.sampled_from(["cash", "physical"]),
    positive,
)
ranges = st.builds(
    lambda token0, token1, liquidity, lower, width, fees: LpRange(
        token0, token1, liquidity, lower, lower + width, fees, fees
    ),
    assets,
    assets,
    st.integers(0, 2**128),
    st.integers(-800_000, 0),
    st.integers(1, 800_000),
    unsigned,
)
perpetual = st.builds(
    PerpetualOption,
    text,
    assets,
    st.integers(-800_000, 800_000),
    st.integers(0, 10_000),
    st.sampled_from(["long", "short"]),
    st.sampled_from([0, 1]),
    unsigned,
    amounts(),
)


@st.composite
def legs(draw):
    """A leg of any kind, read or failed."""
    instrument = draw(
        st.one_of(
            st.builds(Spot, assets),
            st.builds(Debt, assets),
            st.builds(Perp, symbols),
            options,
            ranges,
            perpetual,
            st.builds(
                Claim,
                text,
                assets,
                st.integers(0, 10**30).map(lambda raw: Decimal(raw).scaleb(-18)),
            ),
        )
    )
    signed = isinstance(instrument, Perp | Option)
    quantity = draw(amounts() if signed else unsigned)
    if isinstance(instrument, Debt):
        quantity = quantity.copy_negate()
    keeps_entry = isinstance(instrument, Perp)
    has_vol = isinstance(instrument, Option | PerpetualOption)
    return Leg(
        id="",
        instrument=instrument,
        quantity=quantity,
        entry_price=draw(unsigned) if keeps_entry else None,
        vol=draw(st.none() | shares) if has_vol else None,
        accrued=draw(amounts()) if signed else Decimal(0),
        raw=draw(
            st.none()
            | st.builds(
                RawAmount, st.integers(-(2**255), 2**256 - 1), st.integers(0, 24), text, text
            )
        ),
        failure=draw(st.none() | failures),
        last_known=draw(st.none() | st.builds(LastKnown, amounts(), st.integers(0, 10**9))),
        status=draw(st.sampled_from(["live", "expired_unsettled", "settled"]))
        if isinstance(instrument, Option)
        else "live",
    )


def named(items):
    """The legs with ids of their own."""
    return tuple(replace(leg, id=f"leg {index}") for index, leg in enumerate(items))


@st.composite
def rules(draw, held):
    """A rule of any kind for these legs."""
    low, high = sorted((draw(shares), draw(shares)))
    ids = [leg.id for leg in held]
    collateral = [leg.id for leg in held if not isinstance(leg.instrument, Debt)]
    figures = DeriveFigures(mm_call=low, base_margin=high)
    return draw(
        st.sampled_from(
            [
                NoRule(),
                LendingRule(dict.fromkeys(collateral[:2], LendingTerms(high, low))),
                PerpRule(high, low),
                CustomRule(dict.fromkeys(ids, FractionTerms(high, low))),
                DeriveStandardRule(figures),
                ThresholdRule(draw(st.integers(0, 2**255)), draw(st.integers(1, 2**255)), 8_300),
            ]
        )
    )


healths = st.builds(
    Health,
    st.none() | amounts(),
    st.sampled_from(State),
    st.none() | amounts(),
    st.none() | amounts(),
)
answers = st.builds(
    VenueAnswer,
    st.dictionaries(text, st.integers(-(2**255), 2**256 - 1), max_size=3),
    st.none() | healths,
    text,
)


@st.composite
def accounts(draw, index):
    """An account of any rule, judged or failed."""
    held = named(draw(st.lists(legs(), max_size=4)))
    rule = draw(rules(held))
    failure = draw(st.none() | failures)
    return MarginAccount(
        venue=draw(text),
        id=f"account {index}",
        chain_id=draw(st.sampled_from(["", "eip155:1"])),
        holder=draw(text),
        legs=held,
        rule=rule,
        judgement=None if failure else rule.judge(),
        venue_answer=draw(st.none() | failures | answers),
        penalty=draw(st.none() | shares),
        failure=failure,
        problems=tuple(draw(st.lists(problems, max_size=2))),
        labels=draw(st.dictionaries(text, text, max_size=2)),
    )


quotes = st.builds(Quote, positive, text, st.none() | st.integers(0, 10**6))
markets = st.builds(
    Market,
    st.dictionaries(text, quotes, max_size=3),
    st.dictionaries(text, st.builds(Quote, shares, text, st.none()), max_size=2),
    amounts(),
    st.dictionaries(text, st.lists(st.tuples(positive, times), max_size=2).map(tuple), max_size=2),
)
overrides = st.fixed_dictionaries(
    {},
    optional={
        "range": st.just({"ETH": "0.16"}),
        "points": st.just(9),
        "sets": st.just(["A", "D", "peg"]),
        "vol_response": st.just("sticky"),
        "phi": st.just("0.2"),
    },
)


@st.composite
def books(draw):
    """A book of up to three accounts with everything a document can say."""
    held = tuple(draw(accounts(index)) for index in range(draw(st.integers(0, 3))))
    owner = draw(text)
    blocks = (
        BlockRef("eip155:1", draw(st.integers(0, 10**9)), "0x" + "0f" * 32, draw(times), "safe"),
        BlockRef("", 0, "", draw(times)),
    )
    portfolio = Portfolio(
        owner=owner,
        owners=(owner,),
        as_of=blocks,
        accounts=held,
        wallet=named(draw(st.lists(legs(), max_size=2))),
        problems=tuple(draw(st.lists(problems, max_size=2))),
        enumeration=draw(st.dictionaries(text, text, max_size=2)),
    )
    ends = st.sampled_from(["wallet", *(account.id for account in held)])
    routes = st.builds(
        Route, ends, ends, symbols, st.integers(0, 10**6), shares, st.none() | unsigned
    )
    hedge = st.builds(
        lambda instrument, bid, spread: HedgeQuote(instrument, bid, bid + spread, spread),
        st.builds(Perp, symbols) | options,
        st.integers(0, 10**6).map(Decimal),
        st.integers(0, 10**6).map(Decimal),
    )
    return Book(
        portfolio,
        draw(markets),
        draw(overrides),
        tuple(draw(st.lists(routes, max_size=2))),
        tuple(draw(st.lists(hedge, max_size=2))),
    )


VALIDATOR = Draft202012Validator(json_schema())


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(books())
def test_any_book_survives_its_document(book):
    """Writing and reading any book gives an equal one, through JSON text, by a valid document."""
    document = write_document(book)
    assert read_document(json.dumps(document), TOKENS, READERS) == book
    assert write_document(read_document(document, TOKENS, READERS)) == document
    VALIDATOR.validate(document)


def test_worked_document_survives(worked, tokens):
    """The worked example, read and written, is an equal and valid document."""
    VALIDATOR.validate(worked)
    book = read_document(worked, tokens, {})
    written = write_document(book)
    VALIDATOR.validate(written)
    assert read_document(written, tokens, {}) == book


def test_schema_is_current_and_sound():
    """The published file is what the models give; if not, run python -m crossmargin.api.document."""
    published = files(crossmargin.api).joinpath("schema/portfolio-1.json")
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema()
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], "crossmargin/portfolio/2"),
        (["surprise"], 1),
        (["accounts", 0, "legs", 0, "quantity"], 1.5),
        (["accounts", 0, "legs", 0, "quantity"], "1e3"),
        (["accounts", 0, "rule", "close"], "1"),
        (["accounts", 1, "rule"], {"kind": "perp"}),
        (["model", "sets", 0], "Z"),
    ],
)
def test_schema_refuses_what_the_reader_refuses(worked, path, value):
    """The published schema is no looser than the reader on these."""
    here = worked
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    assert not VALIDATOR.is_valid(worked)


def test_verdict_and_parity_survive_offline(worked, tokens):
    """A venue's exact rule gives the same verdict and the same difference after reading back."""
    rule = ThresholdRule(3 * 10**18, 2 * 10**18, 8_300)
    book = read_document(worked, tokens, {})
    answer = VenueAnswer({"health": rule.judge().figures["health"] + 3}, None, "view")
    account = replace(
        book.portfolio.accounts[3], rule=rule, judgement=rule.judge(), venue_answer=answer
    )
    book = replace(book, portfolio=replace(book.portfolio, accounts=(account,)))
    read = read_document(write_document(book), tokens, READERS).portfolio.accounts[0]
    assert read.judgement == rule.judge()
    assert Parity.between(read.judgement, read.venue_answer).differences == {"health": -3}


def test_failed_account_stays_failed(worked, tokens):
    """An account that could not be judged is not judged by reading its document."""
    book = read_document(worked, tokens, {})
    failure = Failure(Reason.STALE_PRICE, "feed", "ETH/USD")
    account = replace(book.portfolio.accounts[3], rule=ThresholdRule(1, 1, 10_000), failure=failure)
    book = replace(book, portfolio=replace(book.portfolio, accounts=(account,)))
    read = read_document(write_document(book), tokens, READERS).portfolio.accounts[0]
    assert read.judgement is None
    assert read.failure == failure


def test_unsupported_rule_survives_with_one_problem(worked, tokens):
    """An account under the unbuilt rule does not gather a problem with every reading."""
    worked["accounts"][2]["rule"] = {"kind": "derive-pmrm2", "scenarios": [["1.18", "up", "1"]]}
    book = read_document(worked, tokens, {})
    document = write_document(book)
    VALIDATOR.validate(document)
    assert read_document(document, tokens, {}) == book
    assert len(book.portfolio.accounts[2].problems) == 1


def test_holder_is_kept_as_written(worked, tokens):
    """A holder in lower case stays so: a venue's adapter may have written it."""
    worked["accounts"][0]["holder"] = "0x" + "ab" * 20
    book = read_document(worked, tokens, {})
    assert book.portfolio.accounts[0].holder == "0x" + "ab" * 20


def test_long_decimals_lose_no_digit(worked, tokens):
    """Quantities of 78 digits keep all of them, and the sign of a debt turns exactly."""
    exact = Decimal(
        "115792089237316195423570985008687907853269984665640564039457.584007913129639935"
    )
    for kind in ("spot", "debt"):
        worked["accounts"][3]["legs"] = [{"kind": kind, "asset": "ETH", "quantity": str(exact)}]
        book = read_document(worked, tokens, {})
        written: Any = write_document(book)
        assert written["accounts"][3]["legs"][0]["quantity"] == str(exact)
        assert (
            abs(book.portfolio.accounts[3].legs[0].quantity.as_integer_ratio()[0])
            == (exact.as_integer_ratio()[0])
        )
