"""The health and margin answers as JSON values: ``crossmargin/health/1`` and ``crossmargin/margin/1``.

Amounts are decimal strings in USD, prices in USD per unit, ratios plain numbers as strings; None
becomes null and means "not known", never zero. Nothing here computes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ..errors import Problem
from ..units import plain
from .health import Health, LiquidationPrice, Parity, Verdict
from .model import LiquidationTerms
from .portfolio import BlockRef, Holder
from .report import AccountReport, AddOns, Contribution, Core, Greeks, LiquidationRange, Report
from .sentence import sentence
from .text import cut_toward_zero, decimal_text, money, price_toward, ratio_value

__all__ = [
    "HEALTH_SCHEMA",
    "HORIZONS",
    "MARGIN_SCHEMA",
    "health_document",
    "holder_document",
    "margin_document",
    "provenance",
    "terms_document",
]

HEALTH_SCHEMA = "crossmargin/health/1"
MARGIN_SCHEMA = "crossmargin/margin/1"
HORIZONS = ("1d", "2d", "7d", "30d")
Json = dict[str, Any]


def health_document(report: Report) -> Json:
    """The short answer: states, health, coverage, equity, and every account without risk figures."""
    return {
        "schema": HEALTH_SCHEMA,
        "owner": report.owner,
        "state": report.state.value,
        "complete": report.complete,
        "portfolio_health": _health(report.portfolio_health),
        "two_day_coverage": _coverage(report),
        "equity": _money(report.equity),
        "holders": [holder_document(holder) for holder in report.holders],
        "accounts": [_account(account) for account in report.accounts],
        **provenance(report),
    }


def margin_document(report: Report) -> Json:
    """The whole answer of the margin model."""
    return {
        "schema": MARGIN_SCHEMA,
        "owner": report.owner,
        "state": report.state.value,
        "complete": report.complete,
        "equity": _money(report.equity),
        "equity_non_recourse": _money(report.equity_non_recourse),
        "haircut_equity": _money(report.haircut_equity),
        "initial_margin": _money(report.initial_margin),
        "maintenance_margin": _money(report.maintenance_margin),
        "buffer": _money(report.buffer),
        "free": _money(report.free),
        "score": _share(report.score),
        "health": _health(report.portfolio_health),
        "two_day_coverage": _coverage(report),
        "core": _core(report.core),
        "add_ons": _add_ons(report.add_ons),
        "standalone": {
            "core_sum": _money(report.standalone.core_sum),
            "diversification_benefit": _share(report.standalone.diversification_benefit),
            "rule_initial_sum": _money(report.standalone.rule_initial_sum),
            "capital_efficiency": _share(report.standalone.capital_efficiency),
        },
        "holders": [holder_document(holder) for holder in report.holders],
        "accounts": [_account(account) | _risk_figures(account) for account in report.accounts],
        "contributions": [_contribution(part) for part in report.contributions],
        "worst_scenarios": [
            {
                "id": row.id,
                "family": row.family,
                "reason": row.reason,
                "loss": money(row.loss),
                "contributions": [_contribution(part) for part in row.contributions],
            }
            for row in report.worst_scenarios
        ],
        "greeks": {name: _greeks(greeks) for name, greeks in sorted(report.greeks.items())},
        **provenance(report),
    }


def holder_document(holder: Holder) -> Json:
    """An address of the book: what it is, how it was found, and where ("": on every chain)."""
    return {
        "address": holder.address,
        "kind": holder.kind,
        "found_by": holder.found_by,
        "chain_id": holder.chain_id,
    }


def provenance(report: Report) -> Json:
    """What every answer carries: where and when it stands, and what it lacks."""
    return {
        "as_of": [_block(block) for block in report.as_of],
        "skew_seconds": report.skew_seconds,
        "problems": [_problem(problem) for problem in report.problems],
        "evidence_id": report.evidence_id,
        "model_version": report.model_version,
        "sentence": sentence(report),
    }


def _account(account: AccountReport) -> Json:
    return {
        "venue": account.venue,
        "chain_id": account.chain_id,
        "id": account.id,
        "holder": account.holder,
        "state": account.state.value,
        "equity": _money(account.equity),
        "initial": _money(account.initial),
        "maintenance": _money(account.maintenance),
        "health": _health(account.health) | {"measure": account.measure},
        "venue_health": None if account.venue_health is None else _health(account.venue_health),
        "verdicts": {
            "stored": _verdict(account.stored),
            "actionable": _verdict(account.actionable),
        },
        "parity": _parity(account.parity),
        "terms": None if account.terms is None else terms_document(account.terms),
        "exact_liquidation": [_exact_price(price) for price in account.exact_liquidation],
    }


def terms_document(terms: LiquidationTerms) -> Json:
    """How the venue would liquidate, as data."""
    return {
        "close_factor": plain(terms.close_factor),
        "penalty": plain(terms.penalty),
        "penalty_base": terms.penalty_base,
        "seizes_all": terms.seizes_all,
        "minimum_usd": _plain(terms.minimum_usd),
        "grace_until": terms.grace_until,
        "bad_debt": terms.bad_debt,
    }


def _exact_price(price: LiquidationPrice) -> Json:
    return {
        "asset": price.asset,
        "side": price.side,
        "price": _plain(price.price),
        "raw": None if price.raw is None else str(price.raw),
        "decimals": price.decimals,
        "unit": price.unit,
    }


def _risk_figures(account: AccountReport) -> Json:
    coverage = account.coverage
    return {
        "core": _money(account.core),
        "coverage": None if coverage is None else plain(ratio_value(coverage)),
        "liquidation": [_range(one) for one in account.liquidation],
        "hit_probability": dict.fromkeys(HORIZONS),
    }


def _range(one: LiquidationRange) -> Json:
    return {
        "underlying": one.underlying,
        "down": _price(one.down, one.spot),
        "up": _price(one.up, one.spot),
        "down_percent": _cut(one.percent(one.down)),
        "up_percent": _cut(one.percent(one.up)),
        "down_sigmas": _cut(one.sigmas(one.down)),
        "up_sigmas": _cut(one.sigmas(one.up)),
        "more": [price_toward(price, one.spot) for price in one.more],
    }


def _core(core: Core | None) -> Json:
    if core is None:
        names = ("value", "grid", "expected_shortfall", "floor", "active", "gross")
        return {**dict.fromkeys(names), "gross_by_underlying": {}}
    return {
        "value": money(core.value),
        "grid": money(core.grid),
        "expected_shortfall": _money(core.expected_shortfall),
        "floor": money(core.floor),
        "active": core.active,
        "gross": money(core.gross),
        "gross_by_underlying": _amounts(core.gross_by_underlying),
    }


def _add_ons(add_ons: AddOns | None) -> Json:
    names = ("liquidity", "gas", "confidence", "fragmentation_1d", "fragmentation_2d")
    return {name: None if add_ons is None else _money(getattr(add_ons, name)) for name in names}


def _amounts(values: Mapping[str, float]) -> Json:
    return {name: money(value) for name, value in sorted(values.items())}


def _contribution(part: Contribution) -> Json:
    return {"venue": part.venue, "id": part.id, "value": money(part.value)}


def _greeks(greeks: Greeks) -> Json:
    return {
        "delta": decimal_text(greeks.delta),
        "gamma": decimal_text(greeks.gamma, 12),
        "vega": money(greeks.vega),
        "theta": money(greeks.theta),
    }


def _coverage(report: Report) -> Json:
    value = report.two_day_coverage.value
    return {
        "value": None if value is None else plain(ratio_value(value)),
        "binding": report.two_day_coverage.binding or None,
    }


def _health(health: Health) -> Json:
    return {
        "value": _plain(health.value),
        "state": health.state.value,
        "low": _plain(health.low),
        "high": _plain(health.high),
    }


def _verdict(verdict: Verdict | None) -> Json | None:
    if verdict is None:
        return None
    return {"health": _health(verdict.health), "liquidatable": verdict.liquidatable}


def _parity(parity: Parity) -> Json:
    return {
        "status": parity.status,
        "differences": {name: str(value) for name, value in parity.differences.items()},
        "largest": str(parity.largest) if parity.differences else None,
    }


def _block(block: BlockRef) -> Json:
    return {
        "chain_id": block.chain_id,
        "block_number": block.number,
        "block_hash": block.hash,
        "timestamp": datetime.fromtimestamp(block.timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "finality": block.finality,
    }


def _problem(problem: Problem) -> Json:
    return {
        "severity": problem.severity.value,
        "reason": problem.reason.value,
        "code": problem.code,
        "venue": problem.venue,
        "account": problem.account,
        "leg": problem.leg,
        "detail": problem.detail,
        "action": problem.action,
    }


def _money(value: float | None) -> str | None:
    return None if value is None else money(value)


def _share(value: float | None) -> str | None:
    return None if value is None else decimal_text(value, 6)


def _cut(value: float | None) -> str | None:
    return None if value is None else cut_toward_zero(value, 4)


def _price(price: float | None, spot: float) -> str | None:
    return None if price is None else price_toward(price, spot)


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
