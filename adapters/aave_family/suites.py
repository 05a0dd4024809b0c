"""The suites of cases that this family recomputes, in the envelope of ``crossmargin verify``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import Suite
from .liquidation import liquidation_call
from .maths import account_data
from .position import Category, Position, Reserve
from .profile import Profile, profile_of_revision

__all__ = ["SUITES", "position_of_case"]

# ``ver`` of a case -> the POOL_REVISION that was run
_REVISIONS = {300: 1, 360: 10, 370: 11}


def position_of_case(inputs: Mapping[str, Any]) -> Position:
    """The position that a case's inputs describe; the place in the list is the reserve's id."""
    held = inputs["position"]
    revision = _REVISIONS[int(inputs["ver"])]
    profile = profile_of_revision(revision)
    assert isinstance(profile, Profile)  # noqa: S101 - the table above holds known revisions only
    return Position(
        profile=profile,
        revision=revision,
        timestamp=int(inputs["timestamp"]),
        bitmap=int(held["bitmap"]),
        reserves=tuple(
            _reserve(index, entry, supply, debt)
            for index, (entry, supply, debt) in enumerate(
                zip(inputs["reserves"], held["scaledA"], held["scaledV"], strict=True)
            )
        ),
        category=_category(int(held["emode"]), inputs["emodes"]),
    )


def _reserve(index: int, entry: Mapping[str, Any], supply: str, debt: str) -> Reserve:
    return Reserve(
        id=index,
        label=str(index),
        asset=str(entry["asset"]).lower(),
        configuration=int(entry["conf"]),
        liquidity_index=int(entry["liq_index"]),
        liquidity_rate=int(entry["liq_rate"]),
        borrow_index=int(entry["vb_index"]),
        borrow_rate=int(entry["vb_rate"]),
        last_update=int(entry["last"]),
        price=int(entry["price"]),
        scaled_supply=int(supply),
        scaled_debt=int(debt),
    )


def _category(number: int, categories: Mapping[str, Mapping[str, Any]]) -> Category | None:
    if number == 0:
        return None
    entry = categories[str(number)]
    return Category(
        id=number,
        ltv=int(entry["ltv"]),
        threshold=int(entry["lt"]),
        bonus=int(entry["lb"]),
        price=int(entry.get("price", 0)),
        collateral_bitmap=int(entry.get("collateral_bitmap", 0)),
        ltvzero_bitmap=int(entry.get("ltvzero_bitmap", 0)),
        isolated=bool(entry.get("isolated", False)),
    )


def _account(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return account_data(position_of_case(inputs)).figures()


def _liquidation(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    position = position_of_case(inputs)
    collateral = position.reserves[int(inputs["collateral"])]
    debt = position.reserves[int(inputs["debt"])]
    seizure = liquidation_call(position, collateral, debt, int(inputs["debtToCover"]))
    return {
        "healthFactor": account_data(position).health_factor,
        "debtRepaid": seizure.debt_repaid,
        "collateralToLiquidator": seizure.collateral_to_liquidator,
    }


SUITES: Mapping[str, Suite] = {"account": Suite(_account), "liquidation": Suite(_liquidation)}
