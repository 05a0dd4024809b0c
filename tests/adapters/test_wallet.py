"""Wallets: balances in one round, receipts looked through exactly, failures at their place."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from eth_abi import abi as eth_abi

from crossmargin.adapters.chain.call import Call, RawReply, selector
from crossmargin.adapters.chain.multicall import MULTICALL3
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import ReplyKey, replay
from crossmargin.adapters.tokens import Receipt, TokenRegistry
from crossmargin.adapters.wallet import WalletRequest, WalletSnapshot, read_wallet
from crossmargin.core.book.model import Asset, Claim, Leg, Spot
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import Failure, Reason, Severity

CHAIN = "eip155:1"
BLOCK = BlockRef(CHAIN, 1, "0x" + "1" * 64, 1_700_000_000)
OWNER = "0x" + "ab" * 20
USDC, SUSD, OUTER, ATOKEN, STRANGER, WETH = ("0x" + digit * 40 for digit in "123458")
ASSETS = [
    Asset("USDC", "USDC", "USDC", "stable", 6, CHAIN, USDC),
    Asset("sUSD", "sUSD", "USDC", "lst", 18, CHAIN, SUSD),
    Asset("WETH", "WETH", "ETH", "volatile", 18, CHAIN, WETH),
]
COIN = Asset("ETH", "ETH", "ETH", chain_id=CHAIN)
REGISTRY = TokenRegistry(ASSETS, [Receipt(ASSETS[1], "USDC")], [COIN])
SHARES, REDEEMED = 3 * 10**18 + 7, 3_141_592

Replies = Mapping[ReplyKey, RawReply]


def call(target: str, signature: str, kinds: str = "", *args: object) -> tuple[str, bytes]:
    """The key of a call in the replies."""
    encoded = eth_abi.encode(kinds.split(",") if kinds else [], args)
    return target, selector(signature) + encoded


def word(value: int | str) -> bytes:
    """A uint or an address as return data."""
    kind = "address" if isinstance(value, str) else "uint256"
    return eth_abi.encode([kind], [value])


def balance(token: str, amount: int) -> dict[ReplyKey, RawReply]:
    """The owner's balance of a token."""
    return {call(token, "balanceOf(address)", "address", OWNER): word(amount)}


def vault(token: str, asset: str, shares: int, assets: int) -> dict[ReplyKey, RawReply]:
    """What a vault says of its asset and of these shares."""
    return {
        call(token, "asset()"): word(asset),
        call(token, "convertToAssets(uint256)", "uint256", shares): word(assets),
    }


def described(token: str, decimals: int, **says: str) -> dict[ReplyKey, RawReply]:
    """The identity of a token that the registry does not know."""
    refused = Failure(Reason.CALL_REVERTED, "no_data")
    return {
        call(token, "decimals()"): word(decimals),
        call(token, "symbol()"): eth_abi.encode(["string"], ["OUT"]),
        call(token, "asset()"): word(says["asset"]) if "asset" in says else refused,
        call(token, "UNDERLYING_ASSET_ADDRESS()"): (
            word(says["underlying"]) if "underlying" in says else refused
        ),
    }


NATIVE = call(MULTICALL3, "getEthBalance(address)", "address", OWNER)
PLAIN: Replies = {
    NATIVE: word(2 * 10**18),
    **balance(USDC, 1_500_000),
    **balance(SUSD, SHARES),
    **balance(WETH, 9),
    **vault(SUSD, USDC, SHARES, REDEEMED),
}


def read(
    replies: Replies,
    *added: str,
    public: bool = True,
    facts: Facts | None = None,
    tokens: TokenRegistry = REGISTRY,
) -> tuple[WalletSnapshot, list[list[Any]]]:
    """The wallet on these replies, and the batches it asked."""
    request = WalletRequest(OWNER, BLOCK, tokens, facts or Facts(), added, public)
    return replay(read_wallet(request), replies)


def by_token(snapshot: WalletSnapshot) -> dict[str, Leg]:
    """The legs by their token: the key of a listed one, the address of any other."""
    listed = {asset.address.lower(): asset.key for asset in ASSETS}
    tokens = ((leg.id.rpartition("/")[2], leg) for leg in snapshot.legs)
    return {listed.get(token, token): leg for token, leg in tokens}


def redeems_for(leg: Leg) -> int:
    """The raw assets of a claim: quantity times ratio, rounded to the asset's unit."""
    assert isinstance(leg.instrument, Claim)
    exact = leg.quantity * leg.instrument.assets_per_share
    return int(exact.scaleb(leg.instrument.asset.decimals).to_integral_value())


def test_coin_tokens_and_shares_are_one_leg_each():
    """Native coin and tokens are spot; a share is a claim on its token, exact to the unit."""
    snapshot, rounds = read(PLAIN)
    legs = by_token(snapshot)
    assert {name: type(leg.instrument) for name, leg in legs.items()} == {
        "ETH": Spot,
        "USDC": Spot,
        "sUSD": Claim,
        "WETH": Spot,
    }
    assert legs["ETH"].quantity == 2
    assert legs["USDC"].quantity == Decimal("1.5")
    share = legs["sUSD"]
    assert isinstance(share.instrument, Claim)
    assert share.instrument.asset.key == "USDC"
    assert share.quantity == Decimal(SHARES).scaleb(-18)
    assert redeems_for(share) == REDEEMED
    assert share.raw is not None
    assert (share.raw.value, share.raw.contract.lower()) == (SHARES, SUSD)
    assert len(rounds) == 2
    assert snapshot.problems == ()


def test_a_balance_of_nothing_is_no_leg():
    """Tokens that the owner does not hold are not in the answer, and cost one round."""
    zero: Replies = {key: word(0) for key in PLAIN}
    snapshot, rounds = read(zero)
    assert (snapshot.legs, len(rounds)) == ((), 1)


@pytest.mark.parametrize("site", list(PLAIN), ids=lambda site: f"{site[0][:4]}-{site[1][:4].hex()}")
@pytest.mark.parametrize(
    "failure",
    [
        Failure(Reason.RPC_UNAVAILABLE, "timeout"),
        Failure(Reason.CALL_REVERTED, "no_data"),
    ],
    ids=lambda failure: str(failure.code),
)
def test_a_failure_anywhere_is_a_failed_leg(site, failure):
    """No failed read is a zero: the leg is there, named, with the reason, and the others stay."""
    whole, _ = read(PLAIN)
    snapshot, _ = read({**PLAIN, site: failure})
    failed = [leg for leg in snapshot.legs if leg.failure is not None]
    assert [leg.failure for leg in failed] == [failure]
    assert {leg.id for leg in snapshot.legs} == {leg.id for leg in whole.legs}


def test_garbage_is_a_failed_leg():
    """A balance that does not decode is no balance."""
    snapshot, _ = read({**PLAIN, call(USDC, "balanceOf(address)", "address", OWNER): b"\x01"})
    failure = by_token(snapshot)["USDC"].failure
    assert failure is not None
    assert failure.reason is Reason.BAD_RETURN_DATA


@pytest.mark.parametrize("site", list(PLAIN)[:3] + list(PLAIN)[-1:], ids=range(4))
def test_an_amount_that_no_token_has_is_no_amount(site):
    """All bits set decodes as a number; believing it would make the owner very rich."""
    failed = [leg for leg in read({**PLAIN, site: b"\xff" * 32})[0].legs if leg.failure is not None]
    assert [leg.failure.code for leg in failed if leg.failure is not None] == ["absurd_amount"]


def test_a_token_without_code_did_not_exist_yet_at_the_block():
    """At an old block a token of the registry may be missing: one asset less, and a note of it."""
    site = call(USDC, "balanceOf(address)", "address", OWNER)
    whole, _ = read(PLAIN)
    snapshot, _ = read({**PLAIN, site: Failure(Reason.BAD_RETURN_DATA, "no_code")})
    assert len(snapshot.legs) == len(whole.legs) - 1
    (noted,) = snapshot.problems
    assert (noted.severity, noted.code) == (Severity.NOTE, "no_code")
    assert "USDC" in noted.detail


def test_a_token_without_code_does_not_exist_on_a_chain_of_ones_own():
    """On a local chain the registry's missing contracts are no problem; the coin's is a note."""
    absent: Replies = dict.fromkeys(PLAIN, Failure(Reason.BAD_RETURN_DATA, "no_code"))
    snapshot, _ = read(absent, public=False)
    assert snapshot.legs == ()
    assert [problem.severity for problem in snapshot.problems] == [Severity.NOTE]
    dead: Replies = dict.fromkeys(PLAIN, Failure(Reason.RPC_UNAVAILABLE, "timeout"))
    assert len(read(dead, public=False)[0].legs) == 4


@pytest.mark.parametrize(
    "tokens", [TokenRegistry(ASSETS), TokenRegistry(ASSETS[:2], (), [COIN])], ids=["coin", "price"]
)
def test_a_chain_whose_coin_is_unknown_says_so(tokens):
    """A coin that the registry does not know, or cannot price, is not counted; that is a note."""
    snapshot, rounds = read(PLAIN, tokens=tokens)
    assert "ETH" not in by_token(snapshot)
    assert [problem.code for problem in snapshot.problems] == ["native_coin"]
    assert NATIVE not in [(one.target, one.data) for one in rounds[0] if isinstance(one, Call)]


NESTED: Replies = {
    **PLAIN,
    **balance(OUTER, 500),
    **described(OUTER, 2, asset=ATOKEN),
    **vault(OUTER, ATOKEN, 500, 4_000_001),
    **described(ATOKEN, 6, underlying=USDC),
}


def test_a_receipt_of_a_receipt_is_followed_to_the_token():
    """A vault of aTokens is a claim on the reserve's token, one aToken being one unit."""
    facts = Facts()
    snapshot, cold = read(NESTED, OUTER, facts=facts)
    leg = by_token(snapshot)[OUTER]
    assert isinstance(leg.instrument, Claim)
    assert (leg.instrument.share, leg.instrument.asset.key) == ("OUT", "USDC")
    assert leg.quantity == Decimal("5.00")
    assert redeems_for(leg) == 4_000_001
    again, warm = read(NESTED, OUTER, facts=facts)
    assert again == snapshot
    assert (len(cold), len(warm)) == (3, 2)
    asked = [{read.data for batch in rounds for read in batch} for rounds in (cold, warm)]
    assert asked[0] == asked[1]  # so that a warm answer can be replayed cold


def test_a_share_of_a_share_is_converted_twice():
    """A vault whose asset is itself a vault's share is worth what both conversions give."""
    replies: Replies = {
        **PLAIN,
        **balance(OUTER, 500),
        **described(OUTER, 2, asset=SUSD),
        **vault(OUTER, SUSD, 500, 10**18),
        call(SUSD, "convertToAssets(uint256)", "uint256", 10**18): word(1_047_000),
    }
    leg = by_token(read(replies, OUTER)[0])[OUTER]
    assert isinstance(leg.instrument, Claim)
    assert leg.instrument.asset.key == "USDC"
    assert redeems_for(leg) == 1_047_000


def test_a_vault_in_a_circle_is_named_and_not_followed():
    """Receipts deeper than three levels fail with their reason."""
    circle: Replies = {
        **PLAIN,
        **balance(OUTER, 5),
        **described(OUTER, 2, asset=STRANGER),
        **vault(OUTER, STRANGER, 5, 5),
        **described(STRANGER, 2, asset=OUTER),
        **vault(STRANGER, OUTER, 5, 5),
    }
    failure = by_token(read(circle, OUTER)[0])[OUTER].failure
    assert failure is not None
    assert failure.code == "nested_too_deep"


def test_an_added_token_that_is_no_receipt_is_a_stranger():
    """A token the caller added is held as what it is, flagged as unknown."""
    replies = {**PLAIN, **balance(STRANGER, 12), **described(STRANGER, 1)}
    leg = by_token(read(replies, STRANGER)[0])[STRANGER]
    assert isinstance(leg.instrument, Spot)
    assert not leg.instrument.asset.known
    assert leg.quantity == Decimal("1.2")


@pytest.mark.parametrize("missing", ["decimals()", "asset()"])
def test_an_added_token_that_could_not_be_asked_is_unread(missing):
    """Without its decimals, or without knowing whether it is a share, no amount means anything."""
    failure = Failure(Reason.RPC_UNAVAILABLE, "timeout")
    replies: Replies = {
        **PLAIN,
        **balance(STRANGER, 12),
        **described(STRANGER, 1),
        call(STRANGER, missing): failure,
    }
    assert by_token(read(replies, STRANGER)[0])[STRANGER].failure == failure


def test_steth_is_the_wsteth_it_wraps_into():
    """Lido's rebasing token has no oracle of its own: it is a claim on what wrapping it gives."""
    steth, wsteth = "0x" + "6" * 40, "0x" + "7" * 40
    assets = [
        Asset("stETH", "stETH", "ETH", "lst", 18, CHAIN, steth),
        Asset("wstETH", "wstETH", "ETH", "lst", 18, CHAIN, wsteth),
    ]
    replies: Replies = {
        **balance(steth, 10**18),
        **balance(wsteth, 3),
        call(wsteth, "getWstETHByStETH(uint256)", "uint256", 10**18): word(8 * 10**17 + 1),
    }
    registry = TokenRegistry(assets, [Receipt(assets[0], "wstETH", "steth")])
    snapshot, rounds = read(replies, tokens=registry)
    legs = by_token(snapshot)
    claim = legs[steth].instrument
    assert isinstance(claim, Claim)
    assert (claim.asset.key, redeems_for(legs[steth])) == ("wstETH", 8 * 10**17 + 1)
    assert isinstance(legs[wsteth].instrument, Spot)
    assert len(rounds) == 2
