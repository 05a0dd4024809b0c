"""Aave v3: all six figures and every balance equal the pool's own, to the wei, on two EVMs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from crossmargin.core.book.health import Parity, VenueAnswer
from crossmargin.core.book.model import MarginAccount
from tests.localchain import aave_v3_random
from tests.localchain.aave_v3 import AaveMarket
from tests.localchain.aave_v3_random import RandomAccount
from tests.localchain.world import World

from .aave_truth import FIGURES, balances, figures
from .reading import AAVE, Product, account_in, judged


class Scale(NamedTuple):
    """How many seeds, accounts per seed, and moves of time and price after the opening."""

    seeds: Sequence[int]
    accounts: int
    moves: int


ON_ANVIL = [
    pytest.param(Scale((1,), 30, 4), id="quick"),
    pytest.param(Scale((11, 12, 13, 14), 120, 8), id="whole", marks=pytest.mark.differential),
]
ON_PY_EVM = [
    pytest.param(Scale((1,), 5, 2), id="quick"),
    pytest.param(Scale((11, 12), 20, 3), id="whole", marks=pytest.mark.differential),
]


def check(market: AaveMarket, account: MarginAccount) -> None:
    """The account's figures and legs are the contracts' own."""
    ours, owner = judged(account), account.holder
    assert dict(ours.figures) == figures(market, owner)
    parity = Parity.between(ours, account.venue_answer)
    assert (parity.status, set(parity.differences)) == ("exact", set(FIGURES))
    assert isinstance(account.venue_answer, VenueAnswer)
    legs = {leg.id: leg.raw.value for leg in account.legs if leg.raw is not None}
    assert legs == balances(market, owner)
    assert len(legs) == len(account.legs)


def kinds(opened: RandomAccount, account: MarginAccount) -> set[str]:
    """The odd things that this account shows."""
    shown = {f"emode {opened.emode}", judged(account).actionable.health.state.value}
    shown |= {name for name in ("isolated", "ltv_zero", "not_collateral") if name in account.labels}
    shown |= {"stable debt" for leg in account.legs if leg.id.startswith("stable:")}
    shown |= {f"{leg.raw.decimals} decimals" for leg in account.legs if leg.raw is not None}
    return shown


def run(world: World, scale: Scale) -> tuple[int, Counter[str]]:
    """Check every account after every move; how many states were checked, and what they showed."""
    checked, seen = 0, Counter[str]()
    for seed in scale.seeds:
        with world.chain.undone():
            product = Product(world)
            opened = aave_v3_random.random_accounts(
                world.aave, scale.accounts, seed, stable_borrowing=True
            )
            for move in range(scale.moves + 1):
                if move:
                    aave_v3_random.shake(world.aave, 100 * seed + move)
                books = product.books([one.address for one in opened], AAVE)
                for one, book in zip(opened, books, strict=True):
                    account = account_in(book, AAVE)
                    check(world.aave, account)
                    seen.update(kinds(one, account))
                    checked += 1
    return checked, seen


@pytest.mark.parametrize("scale", ON_ANVIL)
def test_every_figure_and_balance_is_the_pools_on_anvil(world: World, scale: Scale) -> None:
    """Random accounts over time and price: six figures and every token balance differ by 0."""
    checked, seen = run(world, scale)
    assert checked == len(scale.seeds) * scale.accounts * (scale.moves + 1)
    assert {"emode 0", "emode 1", "emode 2", "stable debt", "ok", "liquidatable"} <= seen.keys()
    assert {"2 decimals", "6 decimals", "8 decimals", "18 decimals"} <= seen.keys()
    assert {"no_debt", "ltv_zero", "not_collateral"} <= seen.keys()
    if scale.accounts >= 100:
        assert {"isolated", "bad_debt"} <= seen.keys()


@pytest.mark.parametrize("scale", ON_PY_EVM)
def test_every_figure_and_balance_is_the_pools_on_py_evm(py_evm_world: World, scale: Scale) -> None:
    """The same through a second EVM and the in-process transport."""
    checked, _ = run(py_evm_world, scale)
    assert checked == len(scale.seeds) * scale.accounts * (scale.moves + 1)
