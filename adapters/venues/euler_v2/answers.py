"""What the venue itself said of an account, and what could not be read of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ....core.book.health import Judgement, VenueAnswer, ratio_health
from ....core.errors import Failure, Problem, Reason
from ...address import checksum_address
from .assets import from_totals
from .maths import Ltv
from .reading import AccountReading, Key
from .rule import EulerRule, figure

__all__ = ["RETRY", "VENUE", "failure_of", "problems_of", "venue_answer"]

VENUE = "euler-v2"
RETRY = "read again; the account's health is unknown until this is read"
# What a failed read of decides first: the deeper cause is named before its consequence.
_CAUSES = ("getQuote", "balanceOf", "LTVFull", "debtOfExact", "oracle", "unitOfAccount", "asset")


def venue_answer(reading: AccountReading, rule: EulerRule) -> VenueAnswer | Failure:
    """What the vault's own views say, under the names of the rule's figures."""
    controller = reading.enabled.controller
    figures = {
        figure("convertToAssets", each.vault): reading.get(vault, "convertToAssets")
        for vault, each in zip(reading.enabled.vaults, rule.collaterals or (), strict=True)
        if each.shares and from_totals(reading, vault, each.shares) is not None
    }
    if not controller:
        return VenueAnswer(_integers(figures), source="convertToAssets")
    view = reading.get(controller, "accountLiquidity", "true")
    if not isinstance(view, tuple):
        return view if isinstance(view, Failure) else Failure(Reason.BAD_RETURN_DATA)
    for liquidation in ("true", "false"):
        pair = reading.get(controller, "accountLiquidity", liquidation)
        for name, value in _named(pair, ("collateralValue", "liabilityValue")):
            figures[figure("accountLiquidity", liquidation, name)] = value
    figures["debtOf"] = reading.get(controller, "debtOf")
    for vault in reading.enabled.collaterals:
        pair = reading.get(controller, "checkLiquidation", vault)
        for name, value in _named(pair, ("maxRepay", "maxYield")):
            figures[figure("checkLiquidation", checksum_address(vault), name)] = value
    value, liability = view
    below = liability != 0 and value <= liability
    health = ratio_health(value, liability, liquidatable=below, held=True)
    return VenueAnswer(_integers(figures), health, "accountLiquidity, checkLiquidation")


def _named(pair: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """A view's outputs with their names; nothing where it was not read."""
    if isinstance(pair, tuple):
        yield from zip(names, pair, strict=True)


def _integers(figures: dict[str, Any]) -> dict[str, int]:
    return {name: value for name, value in figures.items() if isinstance(value, int)}


def problems_of(reading: AccountReading, rule: EulerRule) -> tuple[Problem, ...]:
    """Every read that failed, but those that say what another answer says already."""
    return tuple(
        Problem.of(
            _placed(key, failure),
            venue=VENUE,
            account=checksum_address(reading.enabled.account),
            leg=checksum_address(key[2] if key[2].startswith("0x") else key[0]),
            action=RETRY if key[1] in _CAUSES else "read again; the venue's figure is missing",
        )
        for key, failure in reading.failures()
        if not _expected(reading, rule, key, failure)
    )


def _placed(key: Key, failure: Failure) -> Failure:
    """The failure with the call that failed."""
    contract, function, argument = key
    call = f"{function}({argument}) of {contract}"
    return replace(failure, detail=f"{call}: {failure.detail}" if failure.detail else call)


def _expected(reading: AccountReading, rule: EulerRule, key: Key, failure: Failure) -> bool:
    """Whether the refusal is the venue's answer rather than a read that failed."""
    if failure.reason not in (Reason.CALL_REVERTED, Reason.BAD_RETURN_DATA):
        return False
    if key[1] == "checkLiquidation":
        ltv = reading.ltv(key[2])
        return rule.cooling_off or (isinstance(ltv, Ltv) and not ltv.recognized)
    if key[1] == "symbol":
        return failure.reason is Reason.BAD_RETURN_DATA  # an old token's, not ABI text
    plain = key[1] in ("asset", "decimals") and reading.get(key[0], "isProxy") is False
    return plain and reading.asset_of(key[0]) == key[0]


def failure_of(reading: AccountReading, judgement: Judgement) -> Failure | None:
    """Why the account could not be judged; None where it was."""
    if judgement.actionable.liquidatable is not None:
        return None
    failures = {key[1]: _placed(key, failure) for key, failure in reading.failures()}
    for function in _CAUSES:
        if function in failures:
            return failures[function]
    overflow = Failure(Reason.NOT_SUPPORTED, "overflow", "the vault's arithmetic has no answer")
    return next(iter(failures.values()), overflow)
