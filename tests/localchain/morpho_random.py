"""Random accounts, time jumps and price moves for the Morpho test venue, all from a seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from .chain import Reverted
from .morpho_blue import WAD, MorphoMarket, MorphoVenue, listed_price, units

__all__ = ["RandomBorrower", "random_accounts", "shake"]

_LONGEST_JUMP = 6.8906  # log10 of 90 days in seconds


@dataclass
class RandomBorrower:
    """One address in one market: what it lent, posted and owes. `refused` holds Morpho's words."""

    address: str
    market: MorphoMarket
    lent: int = 0
    collateral: int = 0
    borrowed: int = 0
    refused: str = ""


def random_accounts(venue: MorphoVenue, n: int, seed: int) -> Sequence[RandomBorrower]:
    """Open `n` positions over the markets: dust to millions, some without debt, some lenders only."""
    rng = random.Random(seed)  # noqa: S311 (a seeded generator is the point)
    return [_open(venue, rng, rng.choice(venue.markets)) for _ in range(n)]


def shake(venue: MorphoVenue, seed: int) -> int:
    """Jump 1 second to 90 days and move every price; returns the seconds."""
    rng = random.Random(seed)  # noqa: S311
    seconds = int(10 ** rng.uniform(0, _LONGEST_JUMP))
    venue.chain.increase_time(seconds)
    crash = rng.random() < 0.5
    for market in venue.markets:
        move = rng.uniform(0.5, 0.98) if crash else 1 + rng.gauss(0, 0.05)
        venue.set_price(market, max(1, int(venue.price(market) * move)))
    return seconds


def _open(venue: MorphoVenue, rng: random.Random, market: MorphoMarket) -> RandomBorrower:
    account = RandomBorrower(venue.chain.new_account(), market)
    usd = 10 ** (rng.uniform(-4, 1) if rng.random() < 0.15 else rng.uniform(1, 6.5))
    kind = rng.choices(("borrower", "idle", "lender"), (80, 10, 10))[0]
    if kind == "lender" or rng.random() < 0.1:
        account.lent = max(1, units(market.terms.loan, usd))
        venue.supply(market, account.address, account.lent)
    if kind != "lender":
        account.collateral = max(1, units(market.terms.collateral, usd) + rng.randrange(-3, 4))
        venue.supply_collateral(market, account.address, account.collateral)
    if kind == "borrower":
        _borrow(venue, rng, account)
    return account


def _borrow(venue: MorphoVenue, rng: random.Random, account: RandomBorrower) -> None:
    """Borrow a share of the limit, often within a whisker of it."""
    market = account.market
    limit = account.collateral * listed_price(market.terms) // 10**36 * market.terms.lltv // WAD
    share = rng.choice((rng.random(), rng.uniform(0.9, 1), 10 ** rng.uniform(-6, -1)))
    assets = max(1, int(limit * share))
    try:
        venue.borrow(market, account.address, assets)
    except Reverted as refused:
        account.refused = refused.reason
    else:
        account.borrowed = assets
