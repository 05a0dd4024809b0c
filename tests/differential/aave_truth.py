"""What the Aave contracts themselves say about accounts, read without the product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.localchain.aave_v3 import AaveMarket
from tests.localchain.abi import parse_signature

__all__ = ["FIGURES", "balances", "figures"]

FIGURES = (
    "totalCollateralBase",
    "totalDebtBase",
    "availableBorrowsBase",
    "currentLiquidationThreshold",
    "ltv",
    "healthFactor",
)
_BALANCE = parse_signature("balanceOf(address)->(uint256)")
_AGGREGATE = "aggregate3((address,bool,bytes)[])->((bool,bytes)[])"


def figures(market: AaveMarket, owner: str) -> dict[str, int]:
    """The six words of ``getUserAccountData`` by name."""
    return dict(zip(FIGURES, market.account_data(owner), strict=True))


def balances(market: AaveMarket, owner: str) -> Mapping[str, int]:
    """``balanceOf`` of every aToken and debt token, by the name of the leg; zeros left out."""
    tokens = _tokens(market)
    call = _BALANCE.encode([owner])
    rows: Sequence[tuple[str, bool, bytes]] = [(token, False, call) for token in tokens.values()]
    answers = market.chain.call(market.chain.multicall3, _AGGREGATE, [rows])
    found = {
        leg: int.from_bytes(data, "big") for leg, (_, data) in zip(tokens, answers, strict=True)
    }
    return {leg: balance for leg, balance in found.items() if balance}


def _tokens(market: AaveMarket) -> Mapping[str, str]:
    """Every token that the market issues, by the name of its leg."""
    found = {}
    for symbol, listed in market.reserves.items():
        found[f"supply:{symbol}"] = listed.a_token
        found[f"debt:{symbol}"] = listed.variable_debt
        found[f"stable:{symbol}"] = listed.stable_debt
    return found
