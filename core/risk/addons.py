"""Add-ons that are never netted: liquidity, gas and confidence (rules 12, 13 and 14).

All are USD, zero or more, and linear in the book except the impact term, which grows faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..book.market import Market
from ..book.model import Debt, MarginAccount, Option, Perp
from ..book.portfolio import BlockRef
from ..value.positions import Position, is_liability
from .parameters import ModelParameters

__all__ = ["confidence", "gas", "liquidity"]

OPTION_SPREAD_OF_PREMIUM = 0.05
OPTION_SPREAD_IN_VOLATILITY = 0.005
FREE_SHARE_OF_DEPTH = 0.01  # impact is charged beyond this share of a day's volume
UNQUOTED_SIGMA = 0.08  # a day's sigma where nobody gave one (rule 8's floor)
L1_CHAINS = frozenset({"eip155:1"})
GAS_UNITS = {"lending": 350_000, "perp": 900_000, "option": 600_000}
L1_ETH_PER_GAS = 100e-9
L2_ETH_PER_GAS = 0.1e-9
L2_USD_PER_ACTION = 0.5
ACTIONS_PER_ACCOUNT = 2


def liquidity(positions: Mapping[str, Sequence[Position]], parameters: ModelParameters) -> float:
    """Half spreads of every leg, and the impact of each venue's net position per underlying.

    ``positions`` are by venue. Cash costs nothing to close.
    """
    total = 0.0
    for held in positions.values():
        net: dict[str, tuple[float, bool]] = {}
        for position in held:
            unit = position.unit
            if unit.kind == "cash":
                continue
            stable = unit.kind == "stable"
            total += abs(position.quantity) * _half_spread(position, parameters)
            usd = position.quantity * position.sensitivity.delta * unit.price
            before = net.get(unit.underlying, (0.0, stable))[0]
            net[unit.underlying] = (before + usd, stable)
        total += sum(
            _impact(abs(usd), name, parameters, stable=stable)
            for name, (usd, stable) in net.items()
        )
    return total


def _half_spread(position: Position, parameters: ModelParameters) -> float:
    """USD per unit of the asset."""
    unit = position.unit
    if unit.kind != "option":
        stable = unit.kind == "stable"
        return unit.price * parameters.half_spread_of(unit.underlying, stable=stable)
    greeks = position.sensitivity
    return max(
        OPTION_SPREAD_OF_PREMIUM * greeks.value,
        OPTION_SPREAD_IN_VOLATILITY * greeks.vega,
    )


def _impact(usd: float, name: str, parameters: ModelParameters, *, stable: bool) -> float:
    """``Y sigma N sqrt(N / ADV)`` on what exceeds a hundredth of the day's volume."""
    depth = parameters.depth_of(name, stable=stable)
    excess = max(0.0, usd - FREE_SHARE_OF_DEPTH * depth)
    sigma = parameters.sigma_of(name)
    return (
        parameters.impact
        * (UNQUOTED_SIGMA if sigma is None else sigma)
        * excess
        * float(np.sqrt(excess / depth))
    )


def gas(
    accounts: Iterable[MarginAccount],
    as_of: Sequence[BlockRef],
    market: Market,
    parameters: ModelParameters,
) -> float | None:
    """Two actions for each account that can owe something; None where ETH has no price.

    An account without a chain is on the answer's only chain, or else on the dearest (L1).
    """
    if parameters.gas is not None:
        return parameters.gas
    chains = {block.chain_id for block in as_of}
    only = next(iter(chains)) if len(chains) == 1 else ""
    eth = market.underlying_price("ETH")
    total = 0.0
    for account in accounts:
        if not any(is_liability(leg) for leg in account.legs):
            continue
        if eth is None:
            return None
        units = GAS_UNITS[_action(account)]
        if (account.chain_id or only or "eip155:1") in L1_CHAINS:
            one = units * L1_ETH_PER_GAS * float(eth)
        else:
            one = units * L2_ETH_PER_GAS * float(eth) + L2_USD_PER_ACTION
        total += ACTIONS_PER_ACCOUNT * one
    return total


def _action(account: MarginAccount) -> str:
    """The dearest kind of action that the account's legs need."""
    kinds = {type(leg.instrument) for leg in account.legs}
    if Perp in kinds:
        return "perp"
    return "option" if Option in kinds and Debt not in kinds else "lending"


def confidence(positions: Iterable[Position]) -> float:
    """A debt in a token that nobody knows is charged in full: nothing offsets it."""
    return sum(
        abs(held.quantity) * held.unit.price
        for held in positions
        if not held.unit.known and held.quantity < 0
    )
