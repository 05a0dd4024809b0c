"""Answers as tables for people. Incomplete data is impossible to miss; numbers are the answer's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from ..answers import Answer
from ..chains import chain_name
from .output import print_table, say

__all__ = ["show", "show_suites", "show_venues"]

_NONE = "–"


def show(given: Answer) -> None:
    """The answer in words, then its accounts, then everything that is missing from it."""
    document = given.document
    if given.kind == "parity":
        show_suites(document)
    elif given.kind == "portfolio":
        _show_holdings(document)
    else:
        _show_health(document)
        if given.kind == "margin":
            _show_margin(document)
    _show_frame(document)


def _show_health(document: Mapping[str, Any]) -> None:
    say(document["sentence"])
    whole = document["health"] if "health" in document else document["portfolio_health"]
    coverage = document["two_day_coverage"]
    binding = f", bound by {coverage['binding']}" if coverage["binding"] else ""
    say(
        f"portfolio health {_health(whole)} · two-day coverage {_percent(coverage['value'])}"
        f"{binding} · equity {_usd(document['equity'])}"
    )
    rows = [
        (
            account["venue"],
            _short(account["id"]),
            account["state"],
            _value(account["health"]),
            _value(account["venue_health"]),
            account["parity"]["status"],
            _usd(account["equity"]),
        )
        for account in document["accounts"]
    ]
    columns = ("venue", "account", "state", "health", "venue says", "parity", "equity USD")
    print_table("Accounts", columns, rows)


def _show_margin(document: Mapping[str, Any]) -> None:
    core = document["core"] or {}
    rows = [
        ("initial margin", _usd(document["initial_margin"])),
        ("maintenance margin", _usd(document["maintenance_margin"])),
        (f"core ({core.get('active', 'unknown')})", _usd(core.get("value"))),
        ("worst scenario", _usd(core.get("grid"))),
        ("gross floor", _usd(core.get("floor"))),
        ("buffer above maintenance", _usd(document["buffer"])),
        ("sum of standalone cores", _usd(document["standalone"]["core_sum"])),
    ]
    print_table("Unified margin, USD", ("figure", "amount"), rows)
    worst = [(row["id"], row["reason"], _usd(row["loss"])) for row in document["worst_scenarios"]]
    print_table("Worst scenarios", ("scenario", "what happens", "loss USD"), worst)


def _show_holdings(document: Mapping[str, Any]) -> None:
    rows = [
        (account["venue"], _short(account["id"]), leg["kind"], _asset(leg), _quantity(leg))
        for account in document["accounts"]
        for leg in account["legs"]
    ] + [
        ("wallet", _short(leg["id"].split("/")[1]), leg["kind"], _asset(leg), _quantity(leg))
        for leg in document["wallet"]
    ]
    print_table("Holdings", ("venue", "account", "kind", "asset", "quantity"), rows)


def show_suites(document: Mapping[str, Any]) -> None:
    """The tally of ``verify`` and ``parity``, and every mismatch."""
    rows = [
        (
            suite["venue"],
            _short(suite["suite"]),
            str(suite["cases"]),
            str(suite["exact"]),
            str(suite["not_counted"]),
            suite["largest_difference"],
        )
        for suite in document["suites"]
    ]
    columns = ("venue", "suite", "cases", "exact", "not counted", "largest difference")
    print_table("Against the venue's own answer", columns, rows)
    for suite in document["suites"]:
        for miss in suite["mismatches"]:
            say(f"MISMATCH {suite['venue']} " + " ".join(f"{k}={v}" for k, v in miss.items()))
        if suite.get("failure"):
            say(f"NOT COMPARED {suite['venue']} {_short(suite['suite'])}: {suite['failure']}")


def show_venues(document: Mapping[str, Any]) -> None:
    """What is supported, one row per venue."""
    rows = [
        (
            venue["venue"],
            _list(_place(each) for each in venue["deployments"]),
            _list(venue["exact"]),
            _list(venue["view_only"]) or _NONE,
        )
        for venue in document["venues"]
    ]
    print_table("Venues", ("venue", "where", "exact", "view only"), rows)


def _place(deployment: Mapping[str, Any]) -> str:
    """A deployment by its chain, and its market where the chain does not say it."""
    chain, market = chain_name(deployment["chain_id"]), deployment["market"]
    return chain if market in {chain, "main"} else market.replace("-", " ")


def _show_frame(document: Mapping[str, Any]) -> None:
    """Where and when the answer stands, and what it lacks."""
    for block in document["as_of"]:
        if block.get("block_number") is not None:
            say(f"as of {chain_name(block['chain_id'])} block {block['block_number']}")
    if document.get("complete") is False:
        say("INCOMPLETE: something could not be read; nothing below is assumed to be healthy.")
    for holder in document.get("holders", ()):
        if holder["found_by"] != "given":
            say(f"also read: {holder['address']} ({holder['kind']}, {holder['found_by']})")
    for line, times in Counter(map(_problem, document.get("problems", ()))).items():
        say(f"  {line}" + (f" (×{times})" if times > 1 else ""))


def _problem(problem: Mapping[str, Any]) -> str:
    """What is missing, where; the legs of an account that lack the same share one line."""
    place = " ".join(part for part in (problem["venue"], _short(problem["account"])) if part)
    parts = (problem["severity"], problem["reason"], problem["code"], place, problem["detail"])
    return " · ".join(part for part in parts if part)


def _health(health: Mapping[str, Any] | None) -> str:
    if health is None:
        return _NONE
    value = health["value"] if health["value"] is not None else _NONE
    return f"{_cut(value)} {health['state']}"


def _value(health: Mapping[str, Any] | None) -> str:
    """The health without its state, which has a column of its own."""
    if health is None or health["value"] is None:
        return _NONE
    return _cut(health["value"])


def _cut(value: str, decimals: int = 6) -> str:
    """The number cut toward danger: health is never shown higher than it is."""
    whole, point, fraction = value.partition(".")
    return f"{whole}{point}{fraction[:decimals]}"


def _usd(amount: str | None) -> str:
    """Dollars with thousands separated, cut to cents."""
    if amount is None:
        return _NONE
    sign, digits = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    whole, _, fraction = digits.partition(".")
    return f"{sign}{int(whole):,}.{fraction[:2]:0<2}"


def _percent(ratio: str | None) -> str:
    """A ratio in percent, floored to one decimal."""
    if ratio is None:
        return _NONE
    return f"{(Decimal(ratio) * 100).quantize(Decimal('0.1'), ROUND_FLOOR):f}%"


def _asset(leg: Mapping[str, Any]) -> str:
    asset = leg.get("asset", leg.get("underlying", ""))
    return str(asset["symbol"] if isinstance(asset, Mapping) else asset)


def _quantity(leg: Mapping[str, Any]) -> str:
    """How much is held; of a claim, what its shares redeem for."""
    return "not read" if "failure" in leg else str(leg.get("quantity", leg.get("assets", _NONE)))


def _short(name: str) -> str:
    """An address or id short enough for a column, both ends kept."""
    return name if len(name) <= 20 else f"{name[:8]}…{name[-6:]}"


def _list(items: Iterable[str]) -> str:
    return ", ".join(items)
