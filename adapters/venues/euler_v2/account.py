"""A margin account from what was read of one sub-account: legs, rule, verdicts, what is missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ....core.book.health import State
from ....core.book.model import LiquidationTerms, MarginAccount
from ....core.errors import Failure, Problem
from ....core.units import BPS
from ...address import checksum_address
from ...base import ReadRequest
from .answers import RETRY, VENUE, failure_of, problems_of, venue_answer
from .assets import USD, from_totals, known, token_of, unit_token
from .legs import account_legs
from .maths import debt_of
from .position import Collateral
from .reading import AccountReading
from .rule import EulerRule

__all__ = ["build_account", "unread_account"]

_OP_LIQUIDATE = 1 << 11
_NO_HOOK = "0x" + "00" * 20


def build_account(reading: AccountReading, holder: str) -> MarginAccount | None:
    """The account; None where everything was read and nothing is held or owed."""
    rule = _rule(reading)
    judgement = rule.judge()
    legs = tuple(account_legs(reading, rule))
    problems = problems_of(reading, rule)
    if judgement.actionable.health.state is State.EMPTY and not problems:
        return None
    account = checksum_address(reading.enabled.account)
    return MarginAccount(
        venue=VENUE,
        id=account,
        chain_id=reading.request.deployment.chain_id,
        holder=holder,
        legs=legs,
        rule=rule,
        judgement=judgement,
        venue_answer=venue_answer(reading, rule),
        penalty=_penalty(reading),
        terms=_terms(_penalty(reading)),
        failure=failure_of(reading, judgement),
        problems=problems,
        labels=_labels(reading, rule, holder),
    )


def unread_account(
    request: ReadRequest, holder: str, index: int, failure: Failure, count: int
) -> MarginAccount:
    """A sub-account (or ``count`` of them) of which not even the register is known."""
    account = checksum_address(f"0x{int(request.owner, 16) ^ index:040x}")
    number = int(account, 16) ^ int(holder, 16)
    several = f" and {count - 1} more" if count > 1 else ""
    named = replace(failure, detail=f"sub-account {number}{several}: {failure.detail}".rstrip(": "))
    return MarginAccount(
        venue=VENUE,
        id=account,
        chain_id=request.deployment.chain_id,
        holder=holder,
        legs=(),
        rule=EulerRule(request.block.timestamp),
        failure=named,
        problems=(Problem.of(named, venue=VENUE, account=account, action=RETRY),),
        labels={"sub_account": str(number)},
    )


def _rule(reading: AccountReading) -> EulerRule:
    """The rule with everything that was read."""
    controller = reading.enabled.controller
    timestamp = reading.request.block.timestamp
    collaterals = tuple(_collateral(reading, vault) for vault in reading.enabled.vaults)
    if not controller:
        return EulerRule(timestamp, "", collaterals)
    debt = known(reading.get(controller, "debtOfExact"))
    mid, ask = _liability(reading, debt)
    hook = reading.get(controller, "hookConfig")
    return EulerRule(
        timestamp=timestamp,
        controller=checksum_address(controller),
        collaterals=collaterals,
        debt_exact=debt,
        mid=mid,
        ask=ask,
        max_discount=known(reading.get(controller, "maxLiquidationDiscount")),
        cool_off_until=_cool_off_until(reading),
        # A hook that runs code may let the liquidation pass: only one without a target forbids it.
        disabled=isinstance(hook, tuple)
        and bool(hook[1] & _OP_LIQUIDATE)
        and str(hook[0]) == _NO_HOOK,
        loan=token_of(reading, reading.get(controller, "asset")),
        unit=unit_token(reading),
    )


def _liability(reading: AccountReading, exact: int | None) -> tuple[int | None, int | None]:
    """The debt's value at mid and at ask; the debt itself where it is the unit of account."""
    controller = reading.enabled.controller
    asset, unit = reading.get(controller, "asset"), reading.get(controller, "unitOfAccount")
    if exact is None or not isinstance(asset, str) or not isinstance(unit, str):
        return None, None
    debt = debt_of(exact)
    if debt == 0 or asset == unit:
        return debt, debt
    mid, both = _quotes(reading, asset)
    return mid, None if both is None else both[1]


def _quotes(reading: AccountReading, base: str) -> tuple[int | None, tuple[int, int] | None]:
    """The oracle's mid value, and its (bid, ask)."""
    oracle = reading.get(reading.enabled.controller, "oracle")
    if not isinstance(oracle, str):
        return None, None
    return known(reading.get(oracle, "getQuote", base)), known(
        reading.get(oracle, "getQuotes", base)
    )


def _cool_off_until(reading: AccountReading) -> int | None:
    """The first second after the cool-off of the last successful status check."""
    evc = reading.request.deployment.contracts["evc"].lower()
    checked = known(reading.get(evc, "getLastAccountStatusCheckTimestamp"))
    wait = known(reading.get(reading.enabled.controller, "liquidationCoolOffTime"))
    return None if checked is None or wait is None else checked + wait


def _collateral(reading: AccountReading, vault: str) -> Collateral:
    """One vault's shares with their worth, configuration and quotes."""
    shares = known(reading.get(vault, "balanceOf"))
    ltv = known(reading.ltv(vault))
    mid, both = _quotes(reading, vault)
    return Collateral(
        vault=checksum_address(vault),
        shares=shares,
        assets=None if shares is None else _assets(reading, vault, shares),
        ltv=ltv,
        mid=mid,
        bid=None if both is None else both[0],
        asset=token_of(reading, reading.asset_of(vault)),
    )


def _assets(reading: AccountReading, vault: str, shares: int) -> int | None:
    """What the shares are worth: from the vault's totals, else as the vault says."""
    if shares == 0 or reading.asset_of(vault) == vault:
        return shares
    computed = from_totals(reading, vault, shares)
    return known(reading.get(vault, "convertToAssets")) if computed is None else computed


def _penalty(reading: AccountReading) -> Decimal | None:
    """The most that a liquidation costs, as a share of the debt repaid.

    The discount starts at 0 at the limit and grows as the health falls: what is seized is worth
    ``1 / (1 - discount)`` of what is repaid. The vault's highest discount is taken.
    """
    discount = reading.get(reading.enabled.controller, "maxLiquidationDiscount")
    if not isinstance(discount, int) or discount >= BPS:
        return None
    return Decimal(discount) / Decimal(BPS - discount)


def _terms(penalty: Decimal | None) -> LiquidationTerms | None:
    """One call may repay as much as the discount allows, up to all of it."""
    return None if penalty is None else LiquidationTerms(Decimal(1), penalty, bad_debt="lenders")


def _labels(reading: AccountReading, rule: EulerRule, holder: str) -> dict[str, str]:
    """The sub-account's number, its vault, the unit it counts in, and what is unusual."""
    labels = {"sub_account": str(int(reading.enabled.account, 16) ^ int(holder, 16))}
    if rule.controller:
        labels["vault"] = rule.controller
        unit = reading.get(reading.enabled.controller, "unitOfAccount")
        if isinstance(unit, str):
            labels["unit_of_account"] = "USD" if unit == USD else checksum_address(unit)
    held = [each for each in rule.collaterals or () if each.shares and each.ltv is not None]
    marks = {
        "seizable_at_ltv_0": [each for each in held if each.seizable and _ltv_now(each, rule) == 0],
        "not_collateral": [each for each in held if rule.controller and not each.seizable],
    }
    for name, vaults in marks.items():
        if vaults:
            labels[name] = ",".join(each.vault for each in vaults)
    if rule.cooling_off:
        labels["cool_off_until"] = str(rule.cool_off_until)
    if rule.disabled:
        labels["liquidation"] = "disabled by the vault's hook"
    return labels


def _ltv_now(each: Collateral, rule: EulerRule) -> int | None:
    """The liquidation LTV in force."""
    return None if each.ltv is None else each.ltv.at(rule.timestamp)
