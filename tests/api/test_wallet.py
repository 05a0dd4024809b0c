"""The wallet on the outside: options, public chains, and what is printed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossmargin.adapters.registry import installed_adapters
from crossmargin.api.cli.options import build_query
from crossmargin.api.inputs import check_tokens, check_venues
from crossmargin.api.sources import open_sources
from crossmargin.core.errors import InputError

ADAPTERS = installed_adapters().adapters
SAVINGS_DAI = "0x83F20F44975D03b1b09e64809B757c47f942BEeA"


def test_added_tokens_are_kept_by_chain():
    """A chain may be given by name, number or CAIP-2 id; each token is looked for on its own."""
    given = [f"ethereum:{SAVINGS_DAI}", f"1:{SAVINGS_DAI.lower()}", f"eip155:10:{SAVINGS_DAI}"]
    owner = "0x" + "ab" * 20
    query = build_query(owner, ["desk.eth"], "latest", None, None, given, False, {})
    assert query.added_tokens("eip155:1") == (SAVINGS_DAI.lower(),)
    assert query.added_tokens("eip155:10") == (SAVINGS_DAI.lower(),)
    assert query.added_tokens("eip155:5") == ()
    assert query.owners[1] == "desk.eth"
    assert query == type(query).from_document(query.document())


@pytest.mark.parametrize("text", [SAVINGS_DAI, "ethereum:0x12", f"nochain:{SAVINGS_DAI}", ":", ""])
def test_a_token_that_is_none_is_refused(text):
    """One line says what is wrong with it."""
    with pytest.raises(InputError):
        check_tokens([text])


def test_the_wallet_can_be_asked_alone_or_left_out():
    """``--venue wallet`` reads nothing else; other venues alone leave the wallet out."""
    assert check_venues(["wallet"], ["aave-v3"]) == ("wallet",)
    owner = "0x" + "ab" * 20
    asked = [
        build_query(owner, None, "latest", venues, None, None, False, ADAPTERS).wants_wallet
        for venues in (None, ["wallet"], ["aave-v3"])
    ]
    assert asked == [True, True, False]


def test_a_chain_is_public_where_a_shipped_deployment_is_read():
    """A caller's own deployments make a chain their own; a copy of a shipped one does not."""
    sources = open_sources({})
    assert sources.is_public("eip155:1")
    assert not sources.is_public("eip155:31337")
    shipped = next(each for each in sources.deployments if each.venue == "aave-v3")
    own = replace(shipped, contracts={"pool_addresses_provider": SAVINGS_DAI})
    assert not replace(sources, deployments=[own]).is_public(shipped.chain_id)
    assert replace(sources, deployments=[own, shipped]).is_public(shipped.chain_id)


def test_the_demo_s_wallet_is_in_its_portfolio(run, recording, owner):
    """Cash that was not spent is printed with the positions, and read back by ``margin``."""
    document = run("portfolio", owner, "--bundle", recording, "--json").document
    assert {leg["asset"]["symbol"] for leg in document["wallet"]} == {"USDC", "DAI", "ETH"}
    table = run("portfolio", owner, "--bundle", recording).out
    assert table.count("wallet") == 3


def test_a_log_scan_is_asked_of_every_venue_that_can():
    """``--scan-logs`` reaches the venues whose positions no call lists, and no other."""
    query = build_query("0x" + "ab" * 20, None, "latest", None, None, None, True, ADAPTERS)
    assert query.options["morpho-blue"] == {"discover": "logs"}
    assert "aave-v3" not in query.options
