"""The conformance suite catches the faults that it is there for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossmargin.adapters.base import (
    Capabilities,
    Deployment,
    ReadRequest,
    Suite,
    VenueSnapshot,
)
from crossmargin.adapters.chain.call import ReadPlan
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.recordings import load_recordings
from crossmargin.adapters.venues.morpho_blue import ADAPTER
from crossmargin.adapters.venues.morpho_blue.rule import MorphoRule
from crossmargin.core.book.health import Judgement
from crossmargin.core.book.model import Leg, MarginAccount
from crossmargin.core.book.rule import LegScenarios, Rule, RuleArrays

RECORDINGS = load_recordings(Path(__file__).parent / "recordings" / "morpho-blue")
SUITE = AdapterConformance()
Change = Callable[[VenueSnapshot], VenueSnapshot]


@dataclass(frozen=True)
class Faulty:
    """Morpho's adapter with a fault: what it answers is changed on the way out."""

    change: Change = lambda snapshot: snapshot
    name: str = "morpho-blue"
    capabilities: Capabilities = ADAPTER.capabilities
    suites: Mapping[str, Suite] = field(default_factory=lambda: ADAPTER.suites)
    rules: Mapping[str, Callable[[Mapping[str, Any]], Rule]] = field(
        default_factory=lambda: ADAPTER.rules
    )

    def deployments(self) -> Sequence[Deployment]:
        """Morpho's own."""
        return ADAPTER.deployments()

    def read(self, request: ReadRequest) -> ReadPlan[VenueSnapshot]:
        """Morpho's own plan, its result changed."""
        snapshot = yield from ADAPTER.read(request)
        return self.change(snapshot)


def accounts(change: Callable[[MarginAccount], MarginAccount]) -> Faulty:
    """The fault applied to every account."""
    return Faulty(lambda one: replace(one, accounts=tuple(change(a) for a in one.accounts)))


class Frozen(MorphoRule):
    """A rule whose scenarios forget to move."""

    def evaluate(self, legs: Sequence[Leg], scenarios: LegScenarios) -> RuleArrays:
        """The answer without a shock, whatever the shock."""
        still = replace(scenarios, factor=np.ones_like(scenarios.factor))
        return super().evaluate(legs, still)


def frozen(account: MarginAccount) -> MarginAccount:
    """The account with a rule that does not move."""
    rule = account.rule
    assert isinstance(rule, MorphoRule)
    fields = {name: getattr(rule, name) for name in MorphoRule.__dataclass_fields__}
    return replace(account, rule=Frozen(**fields))


def float_figures(account: MarginAccount) -> MarginAccount:
    """The account with its figures as floats."""
    judgement = account.judgement
    if judgement is None:
        return account
    figures: Any = {name: float(value) for name, value in judgement.figures.items()}
    return replace(account, judgement=replace(judgement, figures=figures))


def off_by_one(judgement: Judgement | None) -> Judgement | None:
    """The judgement with its verdict turned around in the figures."""
    if judgement is None:
        return None
    figures = {
        name: 1 - value if name == "healthy" else value for name, value in judgement.figures.items()
    }
    return replace(judgement, figures=figures)


def hidden(account: MarginAccount) -> MarginAccount:
    """The account with its failures swept away."""
    legs = tuple(leg for leg in account.legs if leg.failure is None)
    return replace(account, failure=None, legs=legs, problems=())


FAULTS = {
    "test_replay_gives_the_recorded_answer": [
        accounts(lambda one: replace(one, judgement=off_by_one(one.judgement))),
        Faulty(lambda one: replace(one, accounts=one.accounts[1:])),
    ],
    "test_a_failed_call_is_named_and_never_improves_the_answer": [
        Faulty(lambda one: replace(one, accounts=tuple(a for a in one.accounts if not a.failure))),
        accounts(hidden),
    ],
    "test_garbage_never_improves_the_answer": [
        Faulty(lambda one: replace(one, accounts=tuple(a for a in one.accounts if not a.failure))),
    ],
    "test_a_warm_account_costs_no_more_rounds_than_declared": [
        Faulty(capabilities=replace(ADAPTER.capabilities, warm_rounds=1)),
    ],
    "test_a_rule_survives_its_document": [
        Faulty(rules={"morpho-blue": lambda document: MorphoRule(int(document["timestamp"]))}),
    ],
    "test_the_fast_rule_flips_where_the_exact_one_does": [accounts(frozen)],
    "test_answers_hold_integers_decimals_and_known_states": [accounts(float_figures)],
    "test_deployments_are_legal": [Faulty(name="Morpho Blue"), Faulty(name="another")],
}


@pytest.mark.parametrize(
    ("check", "faulty"), [(check, one) for check, faults in FAULTS.items() for one in faults]
)
def test_a_fault_is_caught(check, faulty):
    """An adapter with that fault does not pass the check that is named after it."""
    prices = type("Priced", (AdapterConformance,), {"price_today": _price_today})()
    arguments = (faulty,) if check == "test_deployments_are_legal" else (faulty, RECORDINGS)
    with pytest.raises(AssertionError):
        getattr(prices, check)(*arguments)


def _price_today(_self, _snapshot, account, _asset):
    (price,) = account.judgement.liquidation_prices
    return price.price


def test_an_empty_set_of_recordings_is_no_proof():
    """Nothing recorded is nothing shown."""
    with pytest.raises(AssertionError, match="no recording"):
        SUITE.test_replay_gives_the_recorded_answer(ADAPTER, ())
