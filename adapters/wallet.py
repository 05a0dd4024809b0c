"""What an owner holds outside every venue: the native coin, tokens, and receipts looked through.

A receipt token (ERC-4626 share, aToken) is a claim on what it redeems for at the block; a receipt
for a receipt is followed down to a plain token. The plan runs in lockstep with the venues: all
balances in the first round, what the held receipts redeem for in the second, one more per further
level. Facts only bring calls forward, so a warm and a cold read ask the same.

What a venue's own account counts (an aToken is a supply of the Aave account) is taken out where
all reads of a chain come together: ``receipts`` says which legs that may be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ..core.book.model import Asset, Claim, Leg, RawAmount, Spot
from ..core.book.portfolio import BlockRef
from ..core.errors import Failure, Problem, Reason, Severity
from ..core.units import decimal_of, ratio_of
from .address import checksum_address
from .chain.call import Call, Contract, ReadPlan
from .chain.multicall import MULTICALL3
from .facts import Facts
from .redeem import Redeemed, checked_amount, identity_calls, redeem
from .tokens import TokenRegistry

__all__ = ["WALLET", "WalletRequest", "WalletSnapshot", "read_wallet"]

WALLET = "wallet"
_TOKEN = Contract("wallet", "Token")
_COINS = Contract("wallet", "Multicall3")
_BALANCE = "balanceOf(address)"


@dataclass(frozen=True, slots=True)
class WalletRequest:
    """Whose wallet to read, at which block; ``added`` are addresses beside the registry's.

    A token of the registry without code does not exist at the block: on a ``public`` chain, where
    it does today, that is noted; on any other it is no matter.
    """

    owner: str
    block: BlockRef
    tokens: TokenRegistry
    facts: Facts
    added: tuple[str, ...] = ()
    public: bool = True


@dataclass(frozen=True, slots=True)
class WalletSnapshot:
    """The wallet's legs; one that could not be read carries its failure.

    ``receipts`` are the ids of the legs whose token a venue may count as its own.
    """

    legs: tuple[Leg, ...] = ()
    problems: tuple[Problem, ...] = ()
    receipts: frozenset[str] = field(default_factory=frozenset[str])


def read_wallet(request: WalletRequest) -> ReadPlan[WalletSnapshot]:
    """The wallet of one owner on one chain: two rounds, one more per nested level of receipts."""
    wallet = _Wallet(request)
    replies = yield wallet.first_calls()
    for token in wallet.tokens:
        wallet.take(token, checked_amount(replies[wallet.balance_call(token)]))
    coin = None if wallet.native is None else checked_amount(replies[wallet.coin_call()])
    wallet.take_coin(coin)
    redeemed = yield from redeem(
        request.block.chain_id, request.tokens, request.facts, wallet.shares, replies
    )
    for token, what in redeemed.items():
        wallet.take_redeemed(token, what)
    return wallet.snapshot()


class _Wallet:
    """The legs found so far."""

    def __init__(self, request: WalletRequest) -> None:
        self._request = request
        self._chain = request.block.chain_id
        listed = (asset.address for asset in request.tokens.on(self._chain))
        self.tokens = tuple(dict.fromkeys((*listed, *map(str.lower, request.added))))
        priced = request.tokens.wrapped(self._chain)  # a coin that nothing prices says nothing
        self.native = request.tokens.native(self._chain) if priced else None
        self.shares: dict[str, int] = {}
        self._legs: list[Leg] = []
        self._problems: list[Problem] = []
        self._receipts: set[str] = set()

    def first_calls(self) -> list[Call[object]]:
        """Every balance; of tokens that the caller added, also what they are."""
        calls: list[Call[object]] = [self.balance_call(token) for token in self.tokens]
        if self.native is not None:
            calls.append(self.coin_call())
        strangers = (token for token in self.tokens if self._is_stranger(token))
        return calls + [call for token in strangers for call in identity_calls(token)]

    def balance_call(self, token: str) -> Call[int]:
        return _TOKEN.uint(token, "balanceOf", self._request.owner)

    def coin_call(self) -> Call[int]:
        return _COINS.uint(MULTICALL3, "getEthBalance", self._request.owner)

    def take(self, token: str, balance: int | Failure) -> None:
        """A token's balance: a leg, a share to look through, or nothing where it is 0."""
        asset = self._request.tokens.at(self._chain, token)
        if isinstance(balance, Failure):
            self._take_unread(asset, token, balance)
        elif balance and (not asset.known or self._request.tokens.receipt(self._chain, token)):
            self.shares[token] = balance
        elif balance:
            self._add_spot(asset, token, balance)

    def _take_unread(self, asset: Asset, token: str, failure: Failure) -> None:
        """A token without code did not exist yet at the block: an asset less, and a note of it."""
        if self._is_stranger(token) or not _no_code(failure):
            self._add_unread(asset, failure)
        elif self._request.public:
            detail = f"{asset.symbol} has no code at this block: it is not counted"
            self._note(Failure(failure.reason, failure.code, detail))

    def take_coin(self, balance: int | Failure | None) -> None:
        """The native coin's balance; None where the registry knows no coin or no price of it."""
        if self.native is None or balance is None:
            self._note(
                Failure(Reason.NOT_SUPPORTED, "native_coin", "this chain's coin is not known")
            )
        elif isinstance(balance, Failure):
            if self._request.public or not _no_code(balance):
                self._add_unread(self.native, balance)
            else:
                detail = "no Multicall3 on this chain: its coin is not counted"
                self._note(Failure(balance.reason, balance.code, detail))
        elif balance:
            self._add_spot(self.native, MULTICALL3, balance, "getEthBalance(address)")

    def take_redeemed(self, token: str, what: Redeemed | Failure) -> None:
        """What a share redeems for; a stranger that is no share is held as it is."""
        shares = self.shares[token]
        if isinstance(what, Failure):
            self._add_unread(self._request.tokens.at(self._chain, token), what)
            self._receipts.add(self._legs[-1].id)
        elif what.share == what.asset:
            self._add_spot(what.asset, token, shares)
            self._receipts.add(self._legs[-1].id)
        else:
            amount = decimal_of(what.amount, what.asset.decimals)
            quantity = decimal_of(shares, what.share.decimals)
            claim = Claim(what.share.symbol, what.asset, ratio_of(amount, quantity))
            raw = RawAmount(shares, what.share.decimals, checksum_address(token), _BALANCE)
            self._legs.append(Leg(self._leg_id(what.share), claim, quantity, raw=raw))
            self._receipts.add(self._legs[-1].id)

    def snapshot(self) -> WalletSnapshot:
        return WalletSnapshot(tuple(self._legs), tuple(self._problems), frozenset(self._receipts))

    def _is_stranger(self, token: str) -> bool:
        return not self._request.tokens.at(self._chain, token).known

    def _add_spot(self, asset: Asset, contract: str, balance: int, call: str = _BALANCE) -> None:
        raw = RawAmount(balance, asset.decimals, checksum_address(contract), call)
        quantity = decimal_of(balance, asset.decimals)
        self._legs.append(Leg(self._leg_id(asset), Spot(asset), quantity, raw=raw))

    def _add_unread(self, asset: Asset, failure: Failure) -> None:
        self._legs.append(Leg(self._leg_id(asset), Spot(asset), Decimal(0), failure=failure))

    def _leg_id(self, asset: Asset) -> str:
        """Unique in a wallet of many holders and chains: chain, holder, token.

        One key can stand for several contracts (a registry may list them), an address cannot; the
        chain's own coin has none.
        """
        token = asset.address.lower() or asset.key
        return f"{self._chain}/{self._request.owner.lower()}/{token}"

    def _note(self, failure: Failure) -> None:
        place = f"{self._chain}/{self._request.owner.lower()}"
        self._problems.append(Problem.of(failure, venue=WALLET, leg=place, severity=Severity.NOTE))


def _no_code(failure: Failure) -> bool:
    return failure.reason is Reason.BAD_RETURN_DATA and failure.code == "no_code"
