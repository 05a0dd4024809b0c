"""The hand-written Derive rule against the contracts' answers, where a document can say the case.

A document has no feed confidences, one set of figures per account, and one price per underlying,
so only cases without a confidence charge, without a forward charge and with equal figures count.
"""

import json
from decimal import Decimal
from math import erfc, log, sqrt

import numpy as np
import pytest

from crossmargin.core.book.model import Asset, Leg, Option, Perp, Spot
from crossmargin.core.book.rule import LegScenarios
from crossmargin.core.risk.rules import DeriveFigures, DeriveStandardRule

USDC = Asset("USDC", "USDC", "USDC", "stable", 6)
NAMES = {
    "max_spot": ("option", "max_spot_req"),
    "min_spot": ("option", "min_spot_req"),
    "mm_call": ("option", "mm_call_spot_req"),
    "mm_put": ("option", "mm_put_spot_req"),
    "mm_put_mtm": ("option", "mm_put_mtm_req"),
    "unpaired_initial": ("option", "unpaired_im_scale"),
    "unpaired_maintenance": ("option", "unpaired_mm_scale"),
    "mm_offset": ("option", "mm_offset_scale"),
    "perp_initial": ("perp", "im_req"),
    "perp_maintenance": ("perp", "mm_req"),
    "base_margin": ("base", "margin_factor"),
    "base_initial_scale": ("base", "im_scale"),
}


def black76(right, forward, strike, vol, seconds):
    """The undiscounted Black-76 price; intrinsic at expiry."""
    deviation = vol * sqrt(seconds / 31_536_000)
    if deviation == 0.0:
        return max(forward - strike if right == "call" else strike - forward, 0.0)
    d1 = log(forward / strike) / deviation + deviation / 2
    below = erfc(-(d1 - deviation) / sqrt(2)) / 2
    call = forward * erfc(-d1 / sqrt(2)) / 2 - strike * below
    return call if right == "call" else call - forward + strike


def held(market):
    """Whether anything is held in the market."""
    expiries = market["expiries"]
    return (
        float(market["base"]) != 0
        or float(market["perp"]["pos"]) != 0
        or any(expiry["options"] for expiry in expiries)
    )


def figures_of(inputs):
    """The figures of every market held, as one set or several."""
    depeg = inputs["depeg"]
    return {
        DeriveFigures(
            **{name: Decimal(market["params"][group][key]) for name, (group, key) in NAMES.items()},
            depeg_threshold=Decimal(depeg["threshold"]),
            depeg_factor=Decimal(depeg["factor"]),
        )
        for market in inputs["markets"]
        if held(market)
    }


def sayable(inputs):
    """Whether a portfolio document can say the case."""
    return len(figures_of(inputs)) == 1 and all(
        not _confidence_is_charged(market) and not _forward_is_charged(market)
        for market in inputs["markets"]
    )


def _confidence_is_charged(market):
    oracle = market["params"]["oracle"]
    perp = Decimal(market["perp"]["pos"]) != 0 and min(
        Decimal(market["perp"]["conf"]), Decimal(market["spot_conf"])
    ) < Decimal(oracle["perp_threshold"])
    base = Decimal(market["base"]) != 0 and Decimal(market["spot_conf"]) < Decimal(
        oracle["base_threshold"]
    )
    options = any(
        min(Decimal(market["spot_conf"]), Decimal(expiry["fwd_conf"]), Decimal(expiry["vol_conf"]))
        < Decimal(oracle["option_threshold"])
        for expiry in market["expiries"]
        if expiry["options"]
    )
    return perp or base or options


def _forward_is_charged(market):
    """Net short calls in a spread: its largest loss holds the expiry's own forward, not the spot."""
    return any(
        sum(float(size) for _, right, size, _ in expiry["options"] if right == "C") < 0
        and any(float(size) > 0 for _, _, size, _ in expiry["options"])
        and float(expiry["fwd"]) != float(market["spot"])
        for expiry in market["expiries"]
    )


def account(inputs):
    """The case's legs, and their value and price now."""
    rows = [
        (
            Leg("cash", Spot(USDC), Decimal(inputs["cash"])),
            float(inputs["cash"]),
            float(inputs["stable"]),
        )
    ]
    for market in filter(held, inputs["markets"]):
        name, spot, perp = market["market"], float(market["spot"]), market["perp"]
        if float(market["base"]):
            leg = Leg(f"{name} base", Spot(Asset(name, name, name)), Decimal(market["base"]))
            rows.append((leg, float(market["base"]) * spot, spot))
        if float(perp["pos"]):
            leg = Leg(f"{name} perp", Perp(name), Decimal(perp["pos"]))
            rows.append((leg, float(perp["upnl"]) + float(perp["ufunding"]), float(perp["price"])))
        for expiry in market["expiries"]:
            for strike, letter, size, vol in expiry["options"]:
                right = "call" if letter == "C" else "put"
                option = Option(name, right, Decimal(strike), expiry["sec"])
                mark = black76(
                    right, float(expiry["fwd"]), float(strike), float(vol), expiry["sec"]
                )
                leg = Leg(f"{name} {strike} {right} {expiry['sec']}", option, Decimal(size))
                rows.append((leg, float(size) * mark, spot))
    legs = [leg for leg, _, _ in rows]
    value = np.array([[value] for _, value, _ in rows])
    price = np.array([[price] for _, _, price in rows])
    return legs, LegScenarios(value, price, np.ones_like(price))


@pytest.mark.shared
def test_contracts_answers(shared):
    """Net IM, net MM and market value equal the contracts' within 1e-5 USD on every sayable case."""
    path = shared / "vectors" / "derive-v2.standard.jsonl"
    if not path.is_file():
        pytest.skip(f"no cases at {path}")
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    counted = [case for case in cases if sayable(case["inputs"])]
    for case in counted:
        (figures,) = figures_of(case["inputs"])
        legs, now = account(case["inputs"])
        answer = DeriveStandardRule(figures).evaluate(legs, now)
        net = {
            "mtm": answer.equity[0],
            "im": answer.equity[0] - answer.initial[0],
            "mm": answer.equity[0] - answer.maintenance[0],
        }
        chain = {name: int(case["expected"]["onchain"][name]) / 1e18 for name in net}
        assert net == pytest.approx(chain, abs=1e-5), case["case"]
    assert len(counted) >= 34
