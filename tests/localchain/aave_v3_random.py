"""Random accounts, time jumps and price moves for the Aave test market, all from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from .aave_v3 import STABLE, VARIABLE, AaveMarket
from .chain import Reverted

__all__ = [
    "PALETTE",
    "Palette",
    "RandomAccount",
    "Shake",
    "price_at_threshold",
    "random_accounts",
    "shake",
]

_LTV_ZERO, _LTV_WHILE_OPENING = "CRV", 5_000
_LONGEST_JUMP = 6.8906  # log10 of 90 days in seconds
_WAD = 10**18


@dataclass(frozen=True)
class Palette:
    """What random accounts of a market choose from: symbols, and per eMode category too."""

    ordinary: Sequence[str]
    emode_assets: Mapping[int, Sequence[str]]
    emode_debts: Mapping[int, Sequence[str]]


PALETTE = Palette(
    ordinary=("WETH", "wstETH", "WBTC", "USDC", "DAI", "LINK", "CRV", "GUSD", "cbETH"),
    emode_assets={1: ("WETH", "wstETH", "cbETH"), 2: ("USDC", "DAI")},
    emode_debts={1: ("WETH", "wstETH", "cbETH"), 2: ("USDC", "DAI", "GUSD")},
)


@dataclass
class RandomAccount:
    """What an account did. `refused` holds the pool's error codes for acts it would not do."""

    address: str
    supplies: dict[str, int] = field(default_factory=dict)
    borrows: list[tuple[str, int, int]] = field(default_factory=list)
    emode: int = 0
    collateral_off: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shake:
    """A random move: the seconds jumped and the new prices."""

    seconds: int
    prices: Mapping[str, int]
    emode_prices: Mapping[int, int]


def random_accounts(
    market: AaveMarket,
    n: int,
    seed: int,
    stable_borrowing: bool = False,
    palette: Palette = PALETTE,
) -> Sequence[RandomAccount]:
    """Open `n` accounts: dust to millions, in eMode or isolated, without debt, collateral off.

    CRV has an LTV only while they open, so that some of them end up with an LTV-0 collateral.
    """
    rng = random.Random(seed)  # noqa: S311 (a seeded generator is the point)
    modes = (STABLE, VARIABLE) if stable_borrowing else (VARIABLE,)
    market.set_ltv(_LTV_ZERO, _LTV_WHILE_OPENING)
    opened = [_open(market, rng, modes, palette) for _ in range(n)]
    market.set_ltv(_LTV_ZERO, 0)
    return opened


def shake(market: AaveMarket, seed: int) -> Shake:
    """Jump 1 second to 90 days and move every price, by little or down through liquidations."""
    rng = random.Random(seed)  # noqa: S311
    seconds = int(10 ** rng.uniform(0, _LONGEST_JUMP))
    market.chain.increase_time(seconds)
    crash = rng.random() < 0.5
    prices = {}
    for symbol, listed in market.reserves.items():
        steady = listed.terms.emode == 2 or symbol == "EURS"
        drift = rng.gauss(0, 0.004 if steady else 0.05)
        fall = rng.uniform(0.4, 0.95) if crash and not steady else 1.0
        prices[symbol] = max(1, int(market.price(symbol) * (1 + drift) * fall))
        market.set_price(symbol, prices[symbol])
    emode_prices = {
        category: rng.randrange(97 * 10**6, 103 * 10**6) for category in market.emode_feeds
    }
    for category, price in emode_prices.items():
        market.set_emode_price(category, price)
    return Shake(seconds, prices, emode_prices)


def price_at_threshold(market: AaveMarket, user: str, symbol: str) -> int:
    """The smallest price of a collateral at which the user is still healthy in the next block.

    The user must owe something else than `symbol`. Set that price for a health factor a hair above
    one, set one less for a hair below: each probe and the final `set_price` mine the same block.
    """
    low, high = 0, market.price(symbol)
    while not _healthy_at(market, user, symbol, high):
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if _healthy_at(market, user, symbol, middle):
            high = middle
        else:
            low = middle
    return high


def _healthy_at(market: AaveMarket, user: str, symbol: str, price: int) -> bool:
    with market.chain.undone():
        market.set_price(symbol, price)
        return market.account_data(user).health_factor >= _WAD


def _open(
    market: AaveMarket, rng: random.Random, modes: Sequence[int], palette: Palette
) -> RandomAccount:
    account = RandomAccount(market.chain.new_account())
    kind = rng.choices(("ordinary", "emode", "isolated", "idle"), (60, 22, 8, 10))[0]
    debts: Sequence[str] = palette.ordinary
    if kind == "emode":
        category = rng.choice(tuple(palette.emode_assets))
        debts = palette.emode_debts[category]
        _supply(market, rng, account, palette.emode_assets[category])
        if rng.random() < 0.4:
            _supply(market, rng, account, palette.ordinary)
        if _try(account, lambda: market.set_emode(account.address, category)):
            account.emode = category
    elif kind == "isolated":
        debts = ("USDC", "DAI")
        _supply(market, rng, account, ("EURS",))
        _try(account, lambda: market.use_as_collateral(account.address, "EURS"))
    else:
        for _ in range(rng.choice((1, 1, 2, 3))):
            _supply(market, rng, account, palette.ordinary)
    if kind != "idle":
        for _ in range(rng.choice((1, 1, 2, 3))):
            _borrow(market, rng, account, debts, modes)
    if rng.random() < 0.2:
        _switch_off(market, rng, account)
    return account


def _supply(
    market: AaveMarket, rng: random.Random, account: RandomAccount, symbols: Sequence[str]
) -> None:
    symbol = rng.choice(symbols)
    usd = 10 ** (rng.uniform(-4, 1) if rng.random() < 0.15 else rng.uniform(1, 6.7))
    amount = max(1, _amount(market, symbol, int(usd * 10**8)) + rng.randrange(-3, 4))
    if _try(account, lambda: market.supply(account.address, symbol, amount)):
        account.supplies[symbol] = account.supplies.get(symbol, 0) + amount


def _borrow(
    market: AaveMarket,
    rng: random.Random,
    account: RandomAccount,
    symbols: Sequence[str],
    modes: Sequence[int],
) -> None:
    symbol, mode = rng.choice(symbols), rng.choice(modes)
    share = rng.choice((rng.random(), rng.uniform(0.9, 1), 10 ** rng.uniform(-6, -1)))
    available = market.account_data(account.address).available_borrows
    amount = max(1, _amount(market, symbol, int(available * share)))
    if _try(account, lambda: market.borrow(account.address, symbol, amount, mode)):
        account.borrows.append((symbol, amount, mode))


def _switch_off(market: AaveMarket, rng: random.Random, account: RandomAccount) -> None:
    for symbol in rng.sample(sorted(account.supplies), len(account.supplies)):
        if _try(account, partial(market.use_as_collateral, account.address, symbol, False)):
            account.collateral_off.append(symbol)
            return


def _amount(market: AaveMarket, symbol: str, base: int) -> int:
    """Token units worth that much base currency at the listed price."""
    terms = market.reserves[symbol].terms
    return int(base * 10**terms.decimals // terms.price)


def _try(account: RandomAccount, act: Callable[[], object]) -> bool:
    try:
        act()
    except Reverted as refused:
        account.refused.append(refused.reason)
        return False
    return True
