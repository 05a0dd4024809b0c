"""The template adapter passes the suite that it tells others to inherit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest
from eth_abi import abi as eth_abi

from crossmargin.adapters.base import VenueSnapshot
from crossmargin.adapters.chain.call import Contract, RawReply
from crossmargin.adapters.conformance import AdapterConformance
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.recordings import RecordedAccount, ReplyKey, replay, summary
from crossmargin.adapters.template import ADAPTER
from crossmargin.core.book.model import MarginAccount
from crossmargin.core.book.portfolio import BlockRef

OWNER = "0x" + "22" * 20
BLOCK = BlockRef("eip155:1", 1, "0x" + "00" * 32, 1_700_000_000)
VAULT = Contract("template", "Vault")


def account(name: str, collateral: int, debt: int, price: int, limit: int) -> RecordedAccount:
    """An owner of the invented venue, and what its contract would say."""
    (deployment,) = ADAPTER.deployments()
    vault = deployment.contracts["vault"]
    calls = (
        (VAULT.all(vault, "account", OWNER), (collateral, debt)),
        (VAULT.uint(vault, "price"), (price,)),
        (VAULT.uint(vault, "borrowLimit", OWNER), (limit,)),
    )
    replies: Mapping[ReplyKey, RawReply] = {
        (call.target, call.data): eth_abi.encode(("uint256",) * len(values), values)
        for call, values in calls
    }
    bare = RecordedAccount(name, OWNER, BLOCK, deployment, replies, {})
    snapshot, _ = replay(ADAPTER.read(bare.request(Facts())), replies)
    return RecordedAccount(name, OWNER, BLOCK, deployment, replies, summary(snapshot))


class TestTemplate(AdapterConformance):
    @pytest.fixture
    def adapter(self):
        """The adapter under test."""
        return ADAPTER

    @pytest.fixture
    def recordings(self):
        """Nothing held, healthy, a raw unit over the limit, bad debt, and no debt at all."""
        price, collateral = 3_000 * 10**6, 10 * 10**18
        limit = 24_000 * 10**6
        return (
            account("empty", 0, 0, price, 0),
            account("ordinary", collateral, 15_000 * 10**6 + 7, price, limit),
            account("ugly", collateral, limit + 1, price, limit),
            account("wiped out", 0, 5, price, 0),
            account("idle", collateral, 0, price, limit),
        )

    def price_today(self, snapshot: VenueSnapshot, account: MarginAccount, asset: str) -> Decimal:
        """The collateral's price in the loan token, out of the rule's own parameters."""
        del snapshot, asset
        document = account.rule.document()
        return Decimal(str(document["price"])).scaleb(-int(str(document["price_decimals"])))
