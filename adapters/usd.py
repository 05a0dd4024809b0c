"""The declared source of USD prices for the unified market: one oracle per chain, labelled ours.

A venue is judged at its own prices. The unified margin needs one price per asset, and takes it at
the same block from one declared oracle: the chain's first Aave v3 deployment. The plan runs in
lockstep with the venues and asks for the tokens that the owner was last seen to hold, so that a
warm answer pays no round trip for it; tokens found only now cost one more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.errors import Failure, Reason
from .base import Deployment
from .chain.call import Call, Contract, ReadPlan, Replies
from .facts import Facts

__all__ = ["UsdPrices", "usd_prices", "usd_source"]

_PROVIDER = Contract("aave_v3", "AddressesProvider")
_ORACLE = Contract("aave_v3", "Oracle")
_USD = "0x" + "0" * 40
_FACT = "price_oracle"

# The oracle's answer per token (lower-case address): its raw price and decimals, or why not.
UsdPrices = Mapping[str, tuple[int, int] | Failure]


def usd_source(deployment: Deployment) -> str:
    """How prices from this oracle are labelled."""
    return f"{deployment.venue}:{deployment.market} oracle"


def usd_prices(deployment: Deployment, tokens: Iterable[str], facts: Facts) -> ReadPlan[UsdPrices]:
    """Read the USD price of each token from the deployment's oracle: two rounds, three when cold.

    A token that the oracle does not list, or answers with 0, has a ``no_price`` failure.
    """
    wanted = sorted({token.lower() for token in tokens})
    provider = deployment.contracts["pool_addresses_provider"]
    where = _PROVIDER.address(provider, "getPriceOracle")
    known: str | None = facts.get(deployment.chain_id, provider, _FACT)
    replies = yield [where, *(_unit_calls(known) if known else ())]
    oracle = replies[where]
    if isinstance(oracle, Failure):
        return dict.fromkeys(wanted, oracle)
    if oracle != known:
        replies = yield _unit_calls(oracle)
        facts.put(deployment.chain_id, provider, _FACT, oracle)
    decimals = _decimals(oracle, replies)
    if isinstance(decimals, Failure):
        return dict.fromkeys(wanted, decimals)
    calls = {token: _ORACLE.uint(oracle, "getAssetPrice", token) for token in wanted}
    replies = yield list(calls.values())
    return {token: _price(replies[call], decimals) for token, call in calls.items()}


def _unit_calls(oracle: str) -> list[Call[object]]:
    return [_ORACLE.address(oracle, "BASE_CURRENCY"), _ORACLE.uint(oracle, "BASE_CURRENCY_UNIT")]


def _decimals(oracle: str, replies: Replies) -> int | Failure:
    """The number of decimals of the oracle's USD prices."""
    currency_call, unit_call = _unit_calls(oracle)
    currency, unit = replies[currency_call], replies[unit_call]
    if isinstance(currency, Failure):
        return currency
    if isinstance(unit, Failure):
        return unit
    decimals = len(str(unit)) - 1
    if currency != _USD or unit != 10**decimals:
        return Failure(Reason.NO_PRICE, "not_usd", f"the oracle's base currency is {currency}")
    return decimals


def _price(raw: int | Failure, decimals: int) -> tuple[int, int] | Failure:
    if isinstance(raw, Failure):
        return Failure(Reason.NO_PRICE, raw.code or raw.reason, raw.detail)
    if raw >> 128:
        return Failure(Reason.NO_PRICE, "absurd_price", f"the oracle answered {raw}")
    return (raw, decimals) if raw > 0 else Failure(Reason.NO_PRICE, "zero_price")
