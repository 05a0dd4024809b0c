"""Close factors, seizures and what blocks a liquidation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossmargin.adapters.aave_family.liquidation import (
    bonus_of,
    liquidatable_debt,
    liquidation_call,
    pair_block,
)
from crossmargin.adapters.aave_family.position import Category, Position, Reserve
from crossmargin.core.errors import RuleError
from crossmargin.core.units import MAX_UINT256, WAD
from tests.adapters.aave_family.positions import NOW, configuration, position, reserve

ABOVE, BELOW = 96 * WAD // 100, 95 * WAD // 100
PAUSED, ACTIVE = 1 << 60, 1 << 56


def pair(version: str, supply: int, debt: int, **changes: Any) -> Position:
    """An account with one collateral and one debt, in whole tokens of 1 USD."""
    held = reserve(0, scaled_supply=supply * 10**18)
    owed = reserve(1, scaled_debt=debt * 10**18)
    return position(version, held, owed, bitmap=0b0110, **changes)


def both(held: Position) -> tuple[Reserve, Reserve]:
    """The collateral and the debt of a pair."""
    return held.reserves[0], held.reserves[1]


@pytest.mark.parametrize("version", ["3.0", "3.1", "3.2"])
@pytest.mark.parametrize(("health", "share"), [(ABOVE, 2), (BELOW, 1)])
def test_half_of_the_reserve_up_to_3_2(version: str, health: int, share: int) -> None:
    """Up to 3.2 half of the reserve's debt may be repaid above 0.95, all of it at 0.95."""
    held = pair(version, 10, 8)
    assert liquidatable_debt(held, *both(held), health) == 8 * 10**18 // share


@pytest.mark.parametrize("version", ["3.3", "3.4", "3.5", "3.6", "3.7"])
@pytest.mark.parametrize(
    ("supply", "debt", "health", "most"),
    [
        (10_000, 8_000, ABOVE, 4_000),
        (10_000, 8_000, BELOW, 8_000),
        (1_999, 8_000, ABOVE, 8_000),
        (10_000, 1_999, ABOVE, 1_999),
        (2_000, 2_000, ABOVE, 1_000),
    ],
)
def test_half_of_the_account_from_3_3(
    version: str, supply: int, debt: int, health: int, most: int
) -> None:
    """From 3.3 only large pairs above 0.95 are capped, at half of the whole debt."""
    held = pair(version, supply, debt)
    assert liquidatable_debt(held, *both(held), health) == most * 10**18


def test_the_cap_is_half_of_all_debts() -> None:
    """From 3.3 a reserve with less than half of the account's debt may be repaid whole."""
    held = pair("3.7", 10_000, 3_000)
    other = reserve(2, scaled_debt=5_000 * 10**18)
    held = replace(held, reserves=(*held.reserves, other), bitmap=0b010110)
    assert liquidatable_debt(held, *both(held), ABOVE) == 3_000 * 10**18


@pytest.mark.parametrize(("version", "dust"), [("3.2", False), ("3.3", True), ("3.7", True)])
def test_a_small_leftover_reverts_from_3_3(version: str, dust: bool) -> None:
    """From 3.3 a call that leaves less than 1000 on a side that it does not close reverts."""
    held = pair(version, 2_500, 2_400)
    assert liquidation_call(held, *both(held), 1_000 * 10**18).leaves_dust is False
    assert liquidation_call(held, *both(held), 1_900 * 10**18).leaves_dust is dust


def test_a_seizure_is_capped_by_the_collateral() -> None:
    """When the bonus exceeds what is held, all of it is taken and less debt is repaid."""
    held = pair("3.7", 1_000, 990)
    seizure = liquidation_call(held, *both(held), MAX_UINT256)
    assert seizure.collateral_to_liquidator + seizure.protocol_fee == 1_000 * 10**18
    assert seizure.debt_repaid < 990 * 10**18


@pytest.mark.parametrize("changes", [{"price": 0}, {"configuration": configuration(bonus=0)}])
def test_a_seizure_that_divides_by_zero_is_refused(changes: dict[str, Any]) -> None:
    """Without a price or a bonus the contract reverts, and there are no amounts to give."""
    held = pair("3.7", 10, 9)
    broken = replace(held.reserves[0], **changes)
    with pytest.raises(RuleError):
        liquidation_call(held, broken, held.reserves[1], 10**18)


def test_the_category_bonus_applies_inside_it() -> None:
    """A collateral of the user's category has the category's bonus, another one its own."""
    mode = Category(1, 9300, 9500, 10100, collateral_bitmap=0b01)
    held = pair("3.7", 10, 8, category=mode)
    assert [bonus_of(held, entry) for entry in held.reserves] == [10100, 10500]


@pytest.mark.parametrize(
    ("version", "side", "changes", "block"),
    [
        ("3.7", 0, {}, ""),
        ("3.7", 0, {"configuration": configuration(flags=PAUSED)}, "reserve paused"),
        ("3.7", 1, {"configuration": configuration(flags=PAUSED)}, "reserve paused"),
        ("3.7", 1, {"configuration": configuration() ^ ACTIVE}, "reserve inactive"),
        ("3.7", 1, {"scaled_debt": 0}, "nothing owed in this reserve"),
        ("3.1", 0, {"grace_until": NOW}, "liquidation grace period"),
        ("3.1", 0, {"grace_until": NOW - 1}, ""),
        ("3.1", 1, {"grace_until": None}, None),
        ("3.0", 1, {"grace_until": None}, ""),
        (
            "3.5",
            0,
            {"configuration": configuration(ltv=0, threshold=0)},
            "collateral has liquidation threshold 0",
        ),
        ("3.6", 0, {"configuration": configuration(ltv=0, threshold=0)}, ""),
        (
            "3.6",
            0,
            {"configuration": configuration(ltv=0, threshold=0, bonus=0)},
            "collateral has no liquidation bonus",
        ),
    ],
)
def test_what_blocks_a_pair(
    version: str, side: int, changes: dict[str, Any], block: str | None
) -> None:
    """Paused, inactive, in grace or without threshold blocks; an unread grace is not known."""
    held = pair(version, 10, 9)
    reserves = [
        replace(entry, **changes) if place == side else entry
        for place, entry in enumerate(held.reserves)
    ]
    held = replace(held, reserves=tuple(reserves))
    assert pair_block(held, reserves[0], reserves[1], ABOVE) == block


@pytest.mark.parametrize(
    ("version", "health", "allowed", "block"),
    [
        ("3.6", ABOVE, False, "price oracle sentinel"),
        ("3.6", BELOW, False, "price oracle sentinel"),
        ("3.6", BELOW - 1, False, ""),
        ("3.6", ABOVE, None, None),
        ("3.6", ABOVE, True, ""),
        ("3.7", ABOVE, False, ""),
    ],
)
def test_the_sentinel_blocks_up_to_3_6(
    version: str, health: int, allowed: bool | None, block: str | None
) -> None:
    """The sentinel protects accounts from 0.95 up, until 3.6; unread, nothing is known."""
    held = pair(version, 10, 9, liquidation_allowed=allowed)
    assert pair_block(held, *both(held), health) == block
