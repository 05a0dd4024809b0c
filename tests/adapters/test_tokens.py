"""The bundled tokens: addresses are right and unique, names resolve, strangers stay strangers."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.tokens import bundled_tokens
from crossmargin.core.book.model import Asset

DOCUMENT = tomllib.loads(files("crossmargin.adapters").joinpath("tokens.toml").read_text())
RECEIPTS = tomllib.loads(files("crossmargin.adapters").joinpath("receipts.toml").read_text())


def test_every_address_carries_its_checksum():
    """A mistyped digit would show in the checksum."""
    for key, entry in (DOCUMENT | RECEIPTS).items():
        for address in entry.get("addresses", {}).values():
            assert checksum_address(address) == address, key


def test_no_two_tokens_share_an_address():
    """Each address of each chain is one token."""
    places = [
        (chain, address.lower())
        for entry in (DOCUMENT | RECEIPTS).values()
        for chain, address in entry.get("addresses", {}).items()
    ]
    assert len(places) == len(set(places)) > 80


def test_no_two_keys_differ_only_in_case():
    """Hand-written symbols are matched without their case."""
    keys = [*DOCUMENT, *RECEIPTS]
    assert len({key.upper() for key in keys}) == len(keys)


def test_every_underlying_is_itself_a_known_token():
    """A risk factor that nobody can name would never be priced."""
    for key, entry in DOCUMENT.items():
        underlying = entry.get("underlying", key)
        assert underlying in DOCUMENT, key
        assert DOCUMENT[underlying].get("kind") != "lst", key


def test_a_stablecoin_is_its_own_underlying():
    """No stablecoin borrows another's peg, bridged forms included."""
    for key, entry in DOCUMENT.items():
        if entry.get("kind") == "stable":
            assert entry.get("underlying", key) == key


@pytest.mark.parametrize(
    ("symbol", "underlying", "kind"),
    [
        ("ETH", "ETH", "volatile"),
        ("weth", "ETH", "volatile"),
        ("wstETH", "ETH", "lst"),
        ("BTC", "BTC", "volatile"),
        ("WBTC", "BTC", "volatile"),
        ("USDC", "USDC", "stable"),
        ("usdc.e", "USDC.e", "stable"),
        ("USD", "USD", "usd"),
    ],
)
def test_a_hand_written_symbol_resolves(symbol, underlying, kind):
    """The symbols that people write mean the known token, in any case."""
    asset = bundled_tokens().named(symbol)
    assert (asset.underlying, asset.kind, asset.known) == (underlying, kind, True)


def test_a_stranger_with_a_known_symbol_stays_a_stranger():
    """A token at an unknown address calls itself USDC: it gets a key that no known token has."""
    asset = bundled_tokens().at("eip155:1", "0x" + "66" * 20, symbol="USDC", decimals=6)
    assert not asset.known
    assert asset.key == asset.underlying == "eip155:1/0x" + "66" * 20


def test_every_receipt_is_of_a_token_on_its_own_chain():
    """A share redeems for a token that the registry knows there, and follows its underlying."""
    tokens = bundled_tokens()
    receipts = {key: entry for key, entry in (DOCUMENT | RECEIPTS).items() if "of" in entry}
    assert len(receipts) > 50
    for key, entry in receipts.items():
        for chain, address in entry["addresses"].items():
            receipt = tokens.receipt(chain, address)
            assert receipt is not None
            assert receipt.asset.key == key
            inner = tokens.at(chain, tokens.address_of(chain, receipt.of))
            assert (inner.known, inner.key) == (True, entry["of"])
            assert (receipt.asset.underlying, receipt.asset.kind) == (inner.underlying, "lst")


def test_every_native_coin_has_a_wrapped_token():
    """The coin of a public chain takes the price of a token that an oracle can know."""
    tokens = bundled_tokens()
    chains = {chain for entry in DOCUMENT.values() for chain in entry.get("native", ())}
    for chain in chains - {"eip155:31337"}:
        coin = tokens.native(chain)
        assert coin is not None
        assert tokens.at(chain, tokens.wrapped(chain)).underlying == coin.key
    assert tokens.native("eip155:999999") is None
    assert tokens.wrapped("eip155:999999") == ""


def test_receipts_and_coins_survive_a_caller_s_tokens():
    """Adding tokens takes nothing away."""
    extended = bundled_tokens().extended([Asset("X", "X", "X", chain_id="eip155:1", address="0x1")])
    assert extended.receipt("eip155:1", "0x83F20F44975D03b1b09e64809B757c47f942BEeA") is not None
    assert extended.native("eip155:1") is not None
    assert "X" in {asset.key for asset in extended.on("eip155:1")}
