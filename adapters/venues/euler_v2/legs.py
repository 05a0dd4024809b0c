"""The legs of an account: the assets behind its shares, and its debt."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ....core.book.model import Debt, Leg, RawAmount, Spot
from ....core.errors import Failure, Reason
from ....core.units import decimal_of
from ...address import checksum_address
from .assets import asset_at
from .position import Collateral
from .reading import AccountReading
from .rule import DEBT, EulerRule

__all__ = ["account_legs"]


def account_legs(reading: AccountReading, rule: EulerRule) -> Iterator[Leg]:
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
