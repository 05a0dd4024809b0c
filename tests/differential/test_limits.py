"""At the boundary: prices solved on the chain, one unit below, at and above the limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import NamedTuple

import pytest

from crossmargin.core.book.health import LiquidationPrice, State
from crossmargin.core.book.model import MarginAccount
from tests.localchain import aave_v3_random, morpho_random
from tests.localchain.aave_v3 import AaveMarket
from tests.localchain.aave_v3_random import RandomAccount
from tests.localchain.chain import Reverted
from tests.localchain.morpho_blue import MorphoMarket, MorphoVenue, listed_price, units
from tests.localchain.world import World

from .reading import AAVE, MORPHO, Product, account_in, judged

WAD = 10**18


class Scale(NamedTuple):
    """How many seeds, and accounts per seed."""

    seeds: Sequence[int]
    accounts: int


AAVE_SCALES = [
    pytest.param(Scale((1,), 12), id="quick"),
    pytest.param(Scale((31, 32), 100), id="whole", marks=pytest.mark.differential),
]
MORPHO_SCALES = [
    pytest.param(Scale((1,), 12), id="quick"),
    pytest.param(Scale((41, 42), 100), id="whole", marks=pytest.mark.differential),
]


def smallest(holds: Callable[[int], bool], start: int) -> int:
    """The smallest price from which ``holds``, by bisection on the chain."""
    low, high = 0, start
    while not holds(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


# Aave


def liquidates(market: AaveMarket, user: str, collateral: str, debt: str) -> bool:
    """Whether the pool would carry out a liquidation in the latest block, by ``eth_call``."""
    args = (market.asset(collateral), market.asset(debt), user, 2**256 - 1, False)
    try:
        market.core.pool.call("liquidationCall", *args, sender=market.liquidator)
    except Reverted as refused:
        if refused.reason != "45":  # HEALTH_FACTOR_NOT_BELOW_THRESHOLD
            raise
        return False
    return True


def entry(account: MarginAccount, asset: str) -> LiquidationPrice:
    """Our exact liquidation price of one asset."""
    prices = judged(account).liquidation_prices
    return next(one for one in prices if one.asset == asset)


@pytest.mark.parametrize(
    ("collateral", "amount", "debt", "owed"),
    [
        ("WBTC", 123_456_789, "USDC", 40_000 * 10**6),
        ("WETH", 3 * WAD + 1, "DAI", 5_000 * WAD),
        ("USDC", 10_000 * 10**6, "WETH", 2 * WAD),
        ("LINK", 777 * WAD, "GUSD", 1_000_00),
        ("wstETH", WAD // 1000, "WBTC", 2_000),
    ],
)
def test_our_aave_price_is_the_smallest_healthy_one_on_the_chain(
    world: World, collateral: str, amount: int, debt: str, owed: int
) -> None:
    """Bisected on the chain: at that price and one unit above healthy, one unit below not."""
    market, user, product = world.aave, world.chain.new_account(), Product(world)
    market.supply(user, collateral, amount)
    market.borrow(user, debt, owed)
    price = aave_v3_random.price_at_threshold(market, user, collateral)
    for step, liquidatable in ((-1, True), (0, False), (1, False)):
        with world.chain.undone():
            market.set_price(collateral, price + step)
            account = product.account(user, AAVE)
            assert judged(account).actionable.liquidatable is liquidatable
            assert entry(account, collateral).raw == price
            assert (market.account_data(user).health_factor < WAD) is liquidatable
            assert liquidates(market, user, collateral, debt) is liquidatable


def test_aave_health_one_wei_below_at_and_above_one(world: World) -> None:
    """A debt worth 1e18 base units makes one unit of value one wei of health: all three agree."""
    market, user, product = world.aave, world.chain.new_account(), Product(world)
    market.supply(user, "WBTC", 10**8)
    market.borrow(user, "DAI", 10_000 * WAD)
    market.set_price("DAI", 10**14)
    price = aave_v3_random.price_at_threshold(market, user, "WBTC")
    found: dict[int, bool | None] = {}
    for step in range(-4, 5):
        with world.chain.undone():
            market.set_price("WBTC", price + step)
            ours = judged(product.account(user, AAVE))
            factor = market.account_data(user).health_factor
            assert ours.actionable.health.value == Decimal(factor).scaleb(-18)
            assert ours.actionable.liquidatable is (factor < WAD)
            found[factor - WAD] = ours.actionable.liquidatable
    assert {offset: found[offset] for offset in (-1, 0, 1)} == {-1: True, 0: False, 1: False}


@pytest.mark.parametrize("scale", AAVE_SCALES)
def test_random_aave_accounts_cross_at_our_prices(world: World, scale: Scale) -> None:
    """Every liquidation price of every account, both sides, is where the pool's verdict flips."""
    market, crossed = world.aave, Counter[str]()
    for seed in scale.seeds:
        with world.chain.undone():
            product = Product(world)
            opened = aave_v3_random.random_accounts(market, scale.accounts, seed, True)
            aave_v3_random.shake(market, seed)
            # Read as of the second in which every probe of a price will be mined.
            with world.chain.undone():
                world.chain.mine()
                books = product.books([one.address for one in opened], AAVE)
            for one, book in zip(opened, books, strict=True):
                for price in judged(account_in(book, AAVE)).liquidation_prices:
                    if price.raw is not None:
                        _flips(market, one, price)
                        crossed[price.side] += 1
    assert min(crossed["down"], crossed["up"]) > 4 * len(scale.seeds)


def _flips(market: AaveMarket, one: RandomAccount, price: LiquidationPrice) -> None:
    """The pool calls the account healthy at the price, and not so one unit beyond it."""
    assert price.raw is not None
    beyond = price.raw + (-1 if price.side == "down" else 1)
    category = _common_price(market, one, price.asset)
    for level, healthy in ((price.raw, True), (beyond, False)):
        if level == 0:
            continue  # the oracle refuses a price of zero: nothing can be compared
        with _at(market, price.asset, category, level):
            factor = market.account_data(one.address).health_factor
            assert (factor >= WAD) is healthy, (price, level, factor)


def _common_price(market: AaveMarket, one: RandomAccount, asset: str) -> int | None:
    """The category whose own feed prices this asset for this account, if one does."""
    applies = one.emode in market.emode_feeds
    return one.emode if applies and market.reserves[asset].terms.emode == one.emode else None


@contextmanager
def _at(market: AaveMarket, asset: str, category: int | None, price: int) -> Iterator[None]:
    """The asset, or its eMode category, at a price, undone afterwards."""
    with market.chain.undone():
        if category is None:
            market.set_price(asset, price)
        else:
            market.set_emode_price(category, price)
        yield


# Morpho


def healthy(venue: MorphoVenue, market: MorphoMarket, user: str, price: int) -> bool:
    """The contract's verdict in the next block at this price."""
    with venue.chain.undone():
        venue.set_price(market, price)
        return venue.simulate_liquidate(market, user)[1] == "position is healthy"


def id_of(market: MorphoMarket) -> str:
    """The market's id as accounts are named."""
    return f"0x{market.id.hex()}"


def check_limit(world: World, product: Product, market: MorphoMarket, user: str) -> None:
    """Around the bisected price: verdicts, our own price, and health to the last loan unit."""
    venue = world.morpho
    price = smallest(lambda at: healthy(venue, market, user, at), listed_price(market.terms))
    for step, liquidatable in ((-1, True), (0, False), (1, False)):
        with world.chain.undone():
            venue.set_price(market, price + step)
            account = product.account(user, MORPHO, id_of(market))
            ours = judged(account)
            assert ours.actionable.liquidatable is liquidatable
            assert account.venue_answer is not None
            assert venue.simulate_liquidate(market, user)[1] == (
                "" if liquidatable else "position is healthy"
            )
            (ours_price,) = ours.liquidation_prices
            assert ours_price.raw == price
            gap = ours.figures["maxBorrow"] - ours.figures["borrowAssets"]
            assert (gap < 0) is liquidatable


@pytest.mark.parametrize("index", range(7))
def test_morpho_health_one_unit_below_at_and_above_the_limit(world: World, index: int) -> None:
    """The limit lands one loan unit below the debt, on it, and one above: only the first is lost."""
    venue, market, product = world.morpho, world.morpho.markets[index], Product(world)
    user = world.chain.new_account()
    venue.supply_collateral(market, user, units(market.terms.collateral, 50_000))
    venue.borrow(market, user, units(market.terms.loan, 17_777))
    check_limit(world, product, market, user)
    start = listed_price(market.terms)
    at_limit = smallest(lambda at: healthy(venue, market, user, at), start)
    found: dict[int, bool] = {}
    with world.chain.undone():
        venue.set_price(market, at_limit)
        debt = judged(product.account(user, MORPHO, id_of(market))).figures["borrowAssets"]
    collateral = venue.position(market, user).collateral
    for offset in (-1, 0, 1):
        value = -(-(debt + offset) * WAD // market.terms.lltv)
        price = -(-value * 10**36 // collateral)
        with world.chain.undone():
            venue.set_price(market, price)
            ours = judged(product.account(user, MORPHO, id_of(market)))
            assert ours.figures["maxBorrow"] - ours.figures["borrowAssets"] == offset
            found[offset] = venue.simulate_liquidate(market, user) == (True, "")
            assert ours.actionable.liquidatable is found[offset]
            state = ours.actionable.health.state
            assert state is (State.LIQUIDATABLE if offset < 0 else State.OK)
    assert found == {-1: True, 0: False, 1: False}


@pytest.mark.parametrize("scale", MORPHO_SCALES)
def test_random_morpho_accounts_cross_at_our_price(world: World, scale: Scale) -> None:
    """The smallest healthy price of every borrower, bisected on the chain, is ours."""
    compared = 0
    for seed in scale.seeds:
        with world.chain.undone():
            product = Product(world)
            opened = morpho_random.random_accounts(world.morpho, scale.accounts, seed)
            morpho_random.shake(world.morpho, seed)
            for one in opened:
                if one.borrowed and one.collateral:
                    check_limit(world, product, one.market, one.address)
                    compared += 1
    assert compared > scale.accounts // 2 * len(scale.seeds)
