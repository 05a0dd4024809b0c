"""The reads of one account (an owner or a sub-account) in its two rounds, and their answers.

First its vaults' configuration, its balances and debt, and the venue's own answers; then what
needs those: the oracle's quotes, the vaults' totals, unknown tokens. Facts that cannot change (a
vault's asset, oracle and unit of account, a token's decimals) are asked once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ....core.errors import Failure, Reason
from ...base import ReadRequest
from ...chain.call import Call, Contract, Replies, selector
from .maths import Ltv, debt_of

__all__ = ["ZERO", "AccountReading", "Enabled", "Key", "is_currency"]

_EVC = Contract("euler_v2", "EVC")
_VAULT = Contract("euler_v2", "EVault")
_ORACLE = Contract("euler_v2", "Oracle")
_FACTORY = Contract("euler_v2", "Factory")
_TOKEN = Contract("erc20", "Token")

ZERO = "0x" + "00" * 20

# What a read is called in an account: the contract (lower case), the function, an argument.
Key = tuple[str, str, str]

_STATIC = ("asset", "oracle", "unitOfAccount", "decimals", "symbol", "isProxy")
_CHECKED_AT = "getLastAccountStatusCheckTimestamp"
# The kit keeps amounts in 112 bits and exact debts in 144 (Types.sol); no token of another vault
# needs more than 128. A value above 196 bits overflows the vault's own ``value * 1e18``.
_BITS = {
    "balanceOf": 128,
    "convertToAssets": 128,
    "cash": 112,
    "totalBorrows": 112,
    "totalSupply": 112,
    "debtOfExact": 144,
    "getQuote": 196,
    "getQuotes": 196,
}
# euler-xyz/euler-price-oracle src/lib/Errors.sol, and Pyth's PythErrors.sol.
_STALE = tuple(
    f"0x{selector(error).hex()}"
    for error in ("PriceOracle_TooStale(uint256,uint256)", "StalePrice()")
)


@dataclass(frozen=True, slots=True)
class Enabled:
    """What the EVC has enabled for an account, all addresses lower case.

    ``index`` is the sub-account's number. ``deposits`` are vaults that the caller asked about and
    that are not enabled: shares in them cover no debt.
    """

    account: str
    index: int
    controllers: tuple[str, ...]
    collaterals: tuple[str, ...]
    deposits: tuple[str, ...] = ()

    @property
    def controller(self) -> str:
        """The vault that is owed; empty without one."""
        return self.controllers[0] if self.controllers else ""

    @property
    def vaults(self) -> tuple[str, ...]:
        """Every vault that may hold shares of the account."""
        return self.collaterals + self.deposits


class AccountReading:
    """One account's reads and what came back; an answer is a value or a ``Failure``."""

    def __init__(self, request: ReadRequest, enabled: Enabled) -> None:
        self.request = request
        self.enabled = enabled
        self.answers: dict[Key, Any] = {}
        self._asked: dict[Key, Call[Any]] = {}

    def first(self) -> list[Call[Any]]:
        """The reads that need nothing but the addresses."""
        return self._ask([*self._debt_calls(), *self._collateral_calls()])

    def second(self) -> list[Call[Any]]:
        """The reads that need a balance, a debt or an asset's address."""
        return self._ask([*self._quote_calls(), *self._share_calls(), *self._token_calls()])

    def take(self, replies: Replies) -> None:
        """Keep the answers to what was last asked, and the facts among them."""
        for key, call in self._asked.items():
            answer = replies[call]
            if key[1] in ("getQuote", "getQuotes") and isinstance(answer, Failure):
                answer = _unpriced(answer)
            self.answers[key] = answer = self._plausible(key[1], answer)
            if key[1] in _STATIC and not isinstance(answer, Failure):
                self.request.facts.put(self._chain, key[0], key[1], answer)

    def get(self, contract: str, function: str, argument: str = "") -> Any:
        """An answer, or its ``Failure``; None where there was no need to ask."""
        return self.answers.get((contract, function, argument))

    def failures(self) -> Iterator[tuple[Key, Failure]]:
        """Every read that failed, in the order of asking."""
        for key, answer in self.answers.items():
            if isinstance(answer, Failure):
                yield key, answer

    def ltv(self, vault: str) -> Ltv | Failure | None:
        """A collateral's configuration; a vault that is not enabled has none."""
        if vault in self.enabled.deposits:
            return Ltv(0, 0, 0, 0, 0)
        ltv: Ltv | Failure | None = self.get(self.enabled.controller, "LTVFull", vault)
        return ltv

    def asset_of(self, vault: str) -> str | Failure:
        """The token behind a vault's shares; a share that is no vault's is its own asset."""
        asset = self.get(vault, "asset")
        refused = isinstance(asset, Failure) and asset.reason in _REFUSED
        if refused and self.get(vault, "isProxy") is False:
            return vault
        return asset if isinstance(asset, Failure) else str(asset)

    @property
    def _chain(self) -> str:
        return self.request.deployment.chain_id

    def _plausible(self, function: str, answer: Any) -> Any:
        """The answer, or ``bad_return_data`` where no vault or oracle can have given it."""
        values = answer if isinstance(answer, tuple) else (answer,)
        limit = 1 << _BITS.get(function, 256)
        if function == _CHECKED_AT:
            limit = self.request.block.timestamp + 1  # no check can lie in the future
        possible = all(not isinstance(value, int) or value < limit for value in values)
        if isinstance(answer, Ltv) and not answer.possible_at(self.request.block.timestamp):
            possible = False
        if possible:
            return answer
        return Failure(Reason.BAD_RETURN_DATA, "out_of_range", f"{function} returned {values}")

    def _ask(self, calls: Iterable[tuple[Key, Call[Any]]]) -> list[Call[Any]]:
        """The calls to make: facts are looked up instead."""
        self._asked = {}
        for key, call in calls:
            known = (
                self.request.facts.get(self._chain, key[0], key[1]) if key[1] in _STATIC else None
            )
            if known is None:
                self._asked[key] = call
            else:
                self.answers[key] = known
        return list(self._asked.values())

    def _debt_calls(self) -> Iterator[tuple[Key, Call[Any]]]:
        """The controller's configuration, the account's debt, the venue's own view."""
        vault, account = self.enabled.controller, self.enabled.account
        if not vault:
            return
        for name in ("asset", "oracle", "unitOfAccount"):
            yield (vault, name, ""), _VAULT.address(vault, name)
        for name in ("maxLiquidationDiscount", "liquidationCoolOffTime"):
            yield (vault, name, ""), _VAULT.uint(vault, name)
        for name in ("debtOf", "debtOfExact"):
            yield (vault, name, ""), _VAULT.uint(vault, name, account)
        yield (vault, "hookConfig", ""), _VAULT.all(vault, "hookConfig")
        for liquidation in (True, False):
            key = (vault, "accountLiquidity", str(liquidation).lower())
            yield key, _VAULT.all(vault, "accountLiquidity", account, liquidation)
        evc = self.request.deployment.contracts["evc"]
        yield (evc.lower(), _CHECKED_AT, ""), _EVC.uint(evc, _CHECKED_AT, account)

    def _collateral_calls(self) -> Iterator[tuple[Key, Call[Any]]]:
        """Each vault's balance and asset; what the controller says of it as collateral."""
        controller, account = self.enabled.controller, self.enabled.account
        factory = self.request.deployment.contracts["factory"]
        for vault in self.enabled.vaults:
            yield (vault, "balanceOf", ""), _VAULT.uint(vault, "balanceOf", account)
            yield (vault, "asset", ""), _VAULT.address(vault, "asset")
            yield (vault, "decimals", ""), _VAULT.uint(vault, "decimals")
            yield (vault, "isProxy", ""), _FACTORY.one(factory, "isProxy", vault)
        for vault in self.enabled.collaterals if controller else ():
            function = _VAULT.all(controller, "LTVFull", vault)
            ltv = Call(function.target, function.data, function.function, lambda out: Ltv(*out))
            yield (controller, "LTVFull", vault), ltv
            check = _VAULT.all(controller, "checkLiquidation", ZERO, account, vault)
            yield (controller, "checkLiquidation", vault), check

    def _quote_calls(self) -> Iterator[tuple[Key, Call[Any]]]:
        """The oracle's values of the shares and of the debt: mid, and bid and ask."""
        controller = self.enabled.controller
        if not controller:
            return
        oracle, unit = self.get(controller, "oracle"), self.get(controller, "unitOfAccount")
        asset, exact = self.get(controller, "asset"), self.get(controller, "debtOfExact")
        if not isinstance(oracle, str) or not isinstance(unit, str):
            return
        amounts = {vault: self.get(vault, "balanceOf") for vault in self.enabled.collaterals}
        amounts = {vault: self._quotable(vault, amount) for vault, amount in amounts.items()}
        if isinstance(asset, str) and isinstance(exact, int) and asset != unit:
            amounts[asset] = debt_of(exact)
        for base, amount in amounts.items():
            if isinstance(amount, int) and amount:
                yield (
                    (oracle, "getQuote", base),
                    _ORACLE.uint(oracle, "getQuote", amount, base, unit),
                )
                yield (
                    (oracle, "getQuotes", base),
                    _ORACLE.all(oracle, "getQuotes", amount, base, unit),
                )

    def _quotable(self, vault: str, shares: object) -> object:
        """The shares, or nothing where the controller never configured the vault: no oracle does."""
        ltv = self.ltv(vault)
        return 0 if isinstance(ltv, Ltv) and not ltv.recognized else shares

    def _share_calls(self) -> Iterator[tuple[Key, Call[Any]]]:
        """What each vault's shares are worth, and the totals to compute the same."""
        for vault in self.enabled.vaults:
            shares = self.get(vault, "balanceOf")
            if not isinstance(shares, int) or not shares or self.asset_of(vault) == vault:
                continue
            call = _VAULT.uint(vault, "convertToAssets", shares)
            yield (vault, "convertToAssets", ""), call
            if self.get(vault, "isProxy") is True:
                for name in ("cash", "totalBorrows", "totalSupply"):
                    yield (vault, name, ""), _VAULT.uint(vault, name)

    def _token_calls(self) -> Iterator[tuple[Key, Call[Any]]]:
        """Decimals and symbol of the tokens that the registry does not list."""
        controller = self.enabled.controller
        tokens: list[Any] = [self.asset_of(vault) for vault in self.enabled.vaults]
        if controller:
            tokens += [self.get(controller, name) for name in ("asset", "unitOfAccount")]
        for token in dict.fromkeys(tokens):
            if not isinstance(token, str) or is_currency(token):
                continue
            if not self.request.tokens.at(self._chain, token).known:
                yield (token, "decimals", ""), _TOKEN.uint(token, "decimals")
                yield (token, "symbol", ""), _TOKEN.one(token, "symbol")


_REFUSED = (Reason.CALL_REVERTED, Reason.BAD_RETURN_DATA)


def is_currency(unit: str) -> bool:
    """Whether a unit of account is an ISO 4217 number (0x…0348 is USD), not a token."""
    return 0 < int(unit, 16) < 2**32


def _unpriced(failure: Failure) -> Failure:
    """An oracle that refuses has no price, or a stale one; a read that failed stays what it is."""
    if failure.reason not in _REFUSED:
        return failure
    stale = failure.detail.startswith(_STALE)
    code = failure.code or "oracle_reverted"
    return Failure(Reason.STALE_PRICE if stale else Reason.NO_PRICE, code, failure.detail)
