"""A margin account from what was read of one sub-account: legs, rule, verdicts, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from ....core.book.health import Judgement, State, VenueAnswer, ratio_health
from ....core.book.model import Asset, Debt, Leg, MarginAccount, RawAmount, Spot
from ....core.errors import Failure, Problem, Reason
from ....core.units import BPS, decimal_of
from ...address import checksum_address
from ...base import ReadRequest
from .maths import Ltv, debt_of, to_assets_down
from .reading import AccountReading, Key, is_currency
from .rule import DEBT, Collateral, EulerRule, Token, figure

__all__ = ["USD", "VENUE", "asset_at", "build_account", "unit_token", "unread_account"]

T = TypeVar("T")

VENUE = "euler-v2"
USD = f"0x{840:040x}"
_CURRENCY_DECIMALS = 18  # what the price oracles give a unit that is no token
_OP_LIQUIDATE = 1 << 11
_NO_HOOK = "0x" + "00" * 20
_RETRY = "read again; the account's health is unknown until this is read"
# What a failed read of decides first: the deeper cause is named before its consequence.
_CAUSES = ("getQuote", "balanceOf", "LTVFull", "debtOfExact", "oracle", "unitOfAccount", "asset")


def build_account(reading: AccountReading, holder: str) -> MarginAccount | None:
    """The account; None where everything was read and nothing is held or owed."""
    rule = _rule(reading)
    judgement = rule.judge()
    legs = tuple(_legs(reading, rule))
    problems = _problems(reading, rule)
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
        venue_answer=_venue_answer(reading, rule),
        penalty=_penalty(reading),
        failure=_failure(reading, judgement),
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
        problems=(Problem.of(named, venue=VENUE, account=account, action=_RETRY),),
        labels={"sub_account": str(number)},
    )


def asset_at(reading: AccountReading, token: str) -> Asset:
    """The asset of a token, with what it says of itself where the registry does not list it."""
    request = reading.request
    symbol, decimals = reading.get(token, "symbol"), reading.get(token, "decimals")
    return request.tokens.at(
        request.deployment.chain_id,
        token,
        symbol=symbol if isinstance(symbol, str) else "",
        decimals=decimals if isinstance(decimals, int) else 18,
    )


def unit_token(reading: AccountReading) -> Token | None:
    """The unit that the controller counts in: a currency by its number, or a token."""
    unit = reading.get(reading.enabled.controller, "unitOfAccount")
    if not isinstance(unit, str):
        return None
    if is_currency(unit):
        return Token("USD" if unit == USD else unit, _CURRENCY_DECIMALS)
    return _token(reading, unit)


def _token(reading: AccountReading, address: Any) -> Token | None:
    """A token as the rule names it; without decimals where they could not be read."""
    if not isinstance(address, str):
        return None
    asset = asset_at(reading, address)
    read = asset.known or isinstance(reading.get(address, "decimals"), int)
    return Token(asset.key, asset.decimals if read else None)


def _rule(reading: AccountReading) -> EulerRule:
    """The rule with everything that was read."""
    controller = reading.enabled.controller
    timestamp = reading.request.block.timestamp
    collaterals = tuple(_collateral(reading, vault) for vault in reading.enabled.vaults)
    if not controller:
        return EulerRule(timestamp, "", collaterals)
    debt = _known(reading.get(controller, "debtOfExact"))
    mid, ask = _liability(reading, debt)
    hook = reading.get(controller, "hookConfig")
    return EulerRule(
        timestamp=timestamp,
        controller=checksum_address(controller),
        collaterals=collaterals,
        debt_exact=debt,
        mid=mid,
        ask=ask,
        max_discount=_known(reading.get(controller, "maxLiquidationDiscount")),
        cool_off_until=_cool_off_until(reading),
        # A hook that runs code may let the liquidation pass: only one without a target forbids it.
        disabled=isinstance(hook, tuple)
        and bool(hook[1] & _OP_LIQUIDATE)
        and str(hook[0]) == _NO_HOOK,
        loan=_token(reading, reading.get(controller, "asset")),
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
    return _known(reading.get(oracle, "getQuote", base)), _known(
        reading.get(oracle, "getQuotes", base)
    )


def _cool_off_until(reading: AccountReading) -> int | None:
    """The first second after the cool-off of the last successful status check."""
    evc = reading.request.deployment.contracts["evc"].lower()
    checked = _known(reading.get(evc, "getLastAccountStatusCheckTimestamp"))
    wait = _known(reading.get(reading.enabled.controller, "liquidationCoolOffTime"))
    return None if checked is None or wait is None else checked + wait


def _collateral(reading: AccountReading, vault: str) -> Collateral:
    """One vault's shares with their worth, configuration and quotes."""
    shares = _known(reading.get(vault, "balanceOf"))
    ltv = _known(reading.ltv(vault))
    mid, both = _quotes(reading, vault)
    return Collateral(
        vault=checksum_address(vault),
        shares=shares,
        assets=None if shares is None else _assets(reading, vault, shares),
        ltv=ltv,
        mid=mid,
        bid=None if both is None else both[0],
        asset=_token(reading, reading.asset_of(vault)),
    )


def _assets(reading: AccountReading, vault: str, shares: int) -> int | None:
    """What the shares are worth: from the vault's totals, else as the vault says."""
    if shares == 0 or reading.asset_of(vault) == vault:
        return shares
    computed = _from_totals(reading, vault, shares)
    return _known(reading.get(vault, "convertToAssets")) if computed is None else computed


def _from_totals(reading: AccountReading, vault: str, shares: int) -> int | None:
    """The worth by the kit's own arithmetic; None for vaults of another make."""
    totals = [reading.get(vault, name) for name in ("cash", "totalBorrows", "totalSupply")]
    known = [total for total in totals if isinstance(total, int)]
    return to_assets_down(shares, *known) if len(known) == len(totals) else None


def _legs(reading: AccountReading, rule: EulerRule) -> Iterator[Leg]:
    """One leg per vault with shares, and the debt; failed where an amount is missing."""
    for vault, each in zip(reading.enabled.vaults, rule.collaterals or (), strict=True):
        if each.shares != 0:
            yield _collateral_leg(reading, vault, each)
    controller = reading.enabled.controller
    if controller and rule.debt != 0:
        yield _debt_leg(reading, controller, rule)


def _collateral_leg(reading: AccountReading, vault: str, each: Collateral) -> Leg:
    """The assets that the shares are worth; the raw shares beside them."""
    token = reading.asset_of(vault)
    asset = asset_at(reading, vault if isinstance(token, Failure) else token)
    decimals, assets = each.asset.decimals if each.asset else None, each.assets
    if each.shares is None or assets is None or decimals is None:
        failure = _missing(reading, vault, ("balanceOf", "asset", "convertToAssets"), token)
        return Leg(each.vault, Spot(asset), Decimal(0), failure=failure)
    scale = reading.get(vault, "decimals")
    raw = RawAmount(
        each.shares, scale if isinstance(scale, int) else decimals, each.vault, "balanceOf"
    )
    return Leg(each.vault, Spot(asset), decimal_of(assets, decimals), raw=raw)


def _debt_leg(reading: AccountReading, controller: str, rule: EulerRule) -> Leg:
    """What is owed to the controller; the quantity is negative."""
    token = reading.get(controller, "asset")
    asset = asset_at(reading, token if isinstance(token, str) else controller)
    decimals, debt = rule.loan.decimals if rule.loan else None, rule.debt
    if debt is None or decimals is None:
        failure = _missing(reading, controller, ("debtOfExact", "asset"), token)
        return Leg(DEBT, Debt(asset), Decimal(0), failure=failure)
    raw = RawAmount(debt, decimals, checksum_address(controller), "debtOf")
    return Leg(DEBT, Debt(asset), decimal_of(-debt, decimals), raw=raw)


def _missing(
    reading: AccountReading, contract: str, functions: tuple[str, ...], token: Any
) -> Failure:
    """Why a leg has no amount: the first of these reads that failed, or the token's decimals."""
    answers = [reading.get(contract, name) for name in functions]
    answers += [token, reading.get(token, "decimals") if isinstance(token, str) else None]
    failures = (answer for answer in answers if isinstance(answer, Failure))
    return next(failures, Failure(Reason.BAD_RETURN_DATA, "no_amount"))


def _venue_answer(reading: AccountReading, rule: EulerRule) -> VenueAnswer | Failure:
    """What the vault's own views say, under the names of the rule's figures."""
    controller = reading.enabled.controller
    figures = {
        figure("convertToAssets", each.vault): reading.get(vault, "convertToAssets")
        for vault, each in zip(reading.enabled.vaults, rule.collaterals or (), strict=True)
        if each.shares and _from_totals(reading, vault, each.shares) is not None
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


def _penalty(reading: AccountReading) -> Decimal | None:
    """The most that a liquidation costs, as a share of the debt repaid.

    The discount starts at 0 at the limit and grows as the health falls: what is seized is worth
    ``1 / (1 - discount)`` of what is repaid. The vault's highest discount is taken.
    """
    discount = reading.get(reading.enabled.controller, "maxLiquidationDiscount")
    if not isinstance(discount, int) or discount >= BPS:
        return None
    return Decimal(discount) / Decimal(BPS - discount)


def _problems(reading: AccountReading, rule: EulerRule) -> tuple[Problem, ...]:
    """Every read that failed, but those that say what another answer says already."""
    return tuple(
        Problem.of(
            _placed(key, failure),
            venue=VENUE,
            account=checksum_address(reading.enabled.account),
            leg=checksum_address(key[2] if key[2].startswith("0x") else key[0]),
            action=_RETRY if key[1] in _CAUSES else "read again; the venue's figure is missing",
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


def _failure(reading: AccountReading, judgement: Judgement) -> Failure | None:
    """Why the account could not be judged; None where it was."""
    if judgement.actionable.liquidatable is not None:
        return None
    failures = {key[1]: _placed(key, failure) for key, failure in reading.failures()}
    for function in _CAUSES:
        if function in failures:
            return failures[function]
    overflow = Failure(Reason.NOT_SUPPORTED, "overflow", "the vault's arithmetic has no answer")
    return next(iter(failures.values()), overflow)


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


def _known(value: T | Failure | None) -> T | None:
    """The value, or None where it was not read."""
    return None if isinstance(value, Failure) else value
