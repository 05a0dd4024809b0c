"""Wallets, receipts, names and proxies on real contracts, through the whole product."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson
import pytest

from crossmargin.adapters.address import checksum_address
from crossmargin.adapters.base import Deployment
from crossmargin.adapters.chain.call import Call, Read, Replies, selector
from crossmargin.adapters.chain.client import Chain
from crossmargin.adapters.facts import Facts
from crossmargin.adapters.holders import HOLDERS, name_hash
from crossmargin.api.answers import Answer, Kind
from crossmargin.api.evidence import reopen
from crossmargin.api.pipeline import answer, judge
from crossmargin.api.query import Query
from crossmargin.core.book.portfolio import BlockRef
from crossmargin.core.errors import AddressError, Failure, Reason, SourceError
from tests.localchain.chain import Contract
from tests.localchain.solc import compile_own
from tests.localchain.world import World, open_chain

WAD, USDC = 10**18, 10**6
NAME = "desk.example.eth"
NOWHERE = "0x" + "0" * 40
DOWN = Failure(Reason.RPC_UNAVAILABLE, "timeout", "injected")


@dataclass
class Desk:
    """A wallet on a world with a registry of names and one of proxies; facts are kept."""

    world: World
    names: Contract
    proxies: Contract
    owner: str
    facts: Facts
    rounds: int = 0

    def deployments(self) -> list[Deployment]:
        """The world's venues, and where names and proxies are registered."""
        contracts = {
            "ens_registry": checksum_address(self.names.address),
            "proxy_registry": checksum_address(self.proxies.address),
        }
        directory = Deployment(HOLDERS, self.world.chain_id, "local", contracts)
        return [*self.world.deployments(), directory]

    def ask(
        self,
        kind: Kind = "health",
        owners: Sequence[str] = (),
        tokens: Sequence[str] = (),
        venues: tuple[str, ...] = (),
        failing: Read | None = None,
        facts: Facts | None = None,
    ) -> Answer:
        """The answer at the latest block; ``failing`` is one read that finds nobody."""
        added = [f"{self.world.chain_id}:{token}" for token in tokens]
        options: Mapping[str, Any] = {"wallet": {"tokens": added}} if tokens else {}
        query = Query(tuple(owners) or (self.owner,), "latest", venues, options)

        async def work() -> Answer:
            chain = FailingChain(open_chain(self.world.chain), failing)
            sources = replace(
                self.world.sources(chain),
                deployments=self.deployments(),
                facts=self.facts if facts is None else facts,
            )
            try:
                return await answer(kind, query, sources)
            finally:
                self.rounds = chain.rounds
                await chain.aclose()

        return asyncio.run(work())

    def token(self, symbol: str) -> Contract:
        """A token of the world."""
        return self.world.aave.reserves[symbol].token

    def usd(self, symbol: str, amount: float) -> float:
        """What the oracle says that an amount of a token is worth."""
        return amount * self.world.aave.price(symbol) / 10**8

    def hold(self, symbol: str, amount: int, who: str = "") -> None:
        """Give tokens to the owner's wallet."""
        self.token(symbol).send("mint", who or self.owner, amount)

    def vault(self, symbol: str, asset: str, decimals: int = 18) -> Contract:
        """A vault over an asset."""
        return self.world.chain.deploy(compile_own()["Vault"], (symbol, decimals, asset))

    def proxy(self, owner: str = "") -> str:
        """A proxy that the registry names for the owner."""
        self.proxies.send("build", owner or self.owner)
        return checksum_address(self.proxies.call("proxies", owner or self.owner))

    def register(self, address: str) -> None:
        """Let the name stand for an address."""
        self.names.send("set", name_hash(NAME), self.names.address, address)


class FailingChain:
    """A chain of which one read fails as if no endpoint answered."""

    def __init__(self, inner: Chain, failing: Read | None) -> None:
        self._inner = inner
        self._failing = failing

    @property
    def chain_id(self) -> str:
        """See ``Chain``."""
        return self._inner.chain_id

    @property
    def rounds(self) -> int:
        """See ``Chain``."""
        return self._inner.rounds

    async def pin(self, block: int | str) -> BlockRef:
        """See ``Chain``."""
        return await self._inner.pin(block)

    async def fetch(self, reads: Sequence[Read], block: BlockRef) -> Replies:
        """See ``Chain``."""
        replies = await self._inner.fetch(reads, block)
        raw = {read: replies.raw(read) for read in reads}
        return Replies(raw | {read: DOWN for read in reads if read == self._failing})

    async def aclose(self) -> None:
        """See ``Chain``."""
        await self._inner.aclose()


@pytest.fixture
def desk(world: World) -> Desk:
    """An owner without positions, and empty registries."""
    own = compile_own()
    names, proxies = world.chain.deploy(own["Names"]), world.chain.deploy(own["Proxies"])
    owner = checksum_address(world.chain.new_account())
    return Desk(world, names, proxies, owner, Facts())


def equity(given: Answer) -> Decimal:
    """The equity of a whole answer."""
    assert given.complete, given.document["problems"]
    return Decimal(given.document["equity"])


def wallet(given: Answer) -> dict[str, dict[str, Any]]:
    """The wallet's legs of a portfolio answer by their share or token."""
    return {leg.get("share") or leg["asset"]["symbol"]: leg for leg in given.document["wallet"]}


def venues_of(given: Answer) -> list[tuple[str, str]]:
    """Venue and holder of each account."""
    return [(each["venue"], each["holder"]) for each in given.document["accounts"]]


def near(amount: Decimal | float) -> Any:
    """Equal but for the interest of a few seconds."""
    return pytest.approx(float(amount), rel=1e-7)


def test_borrowing_and_keeping_the_proceeds_leaves_net_worth_unchanged(desk):
    """A loan adds a debt and the same amount of cash, on Aave and on Morpho."""
    desk.world.aave.supply(desk.owner, "WETH", 10 * WAD)
    market = desk.world.market("DAI", "WETH")
    desk.world.morpho.supply_collateral(market, desk.owner, 8 * WAD)
    before = equity(desk.ask())
    desk.world.aave.borrow(desk.owner, "USDC", 5_000 * USDC)
    desk.world.morpho.borrow(market, desk.owner, 4_000 * WAD)
    after = desk.ask()
    assert float(equity(after)) == near(before)
    assert {"USDC", "DAI"} <= wallet(desk.ask("portfolio")).keys()


def test_moving_money_between_wallet_and_venue_changes_nothing(desk):
    """Supplying what the wallet held moves the leg, it does not double it."""
    desk.hold("WETH", 3 * WAD)
    held = equity(desk.ask())
    pool = desk.world.aave.pool
    desk.token("WETH").send("approve", pool, 3 * WAD, sender=desk.owner)
    desk.world.aave.core.pool.send(
        "supply", desk.token("WETH").address, 3 * WAD, desk.owner, 0, sender=desk.owner
    )
    supplied = desk.ask("portfolio")
    assert float(equity(desk.ask())) == near(held)
    assert "WETH" not in wallet(supplied)


def test_the_wallet_is_in_core_only_where_it_is_a_risk(desk):
    """Dollars in the wallet are equity and no risk; ether is both."""
    desk.world.aave.supply(desk.owner, "WETH", 10 * WAD)
    desk.world.aave.borrow(desk.owner, "DAI", 5_000 * WAD)
    first = desk.ask("margin").document
    desk.hold("USDC", 1_000 * USDC)
    richer = desk.ask("margin").document
    desk.hold("WETH", WAD)
    longer = desk.ask("margin").document
    assert float(richer["equity"]) == near(float(first["equity"]) + desk.usd("USDC", 1_000))
    assert float(richer["core"]["value"]) == near(float(first["core"]["value"]))
    assert float(longer["equity"]) == near(float(richer["equity"]) + desk.usd("WETH", 1))
    assert float(longer["core"]["value"]) > float(richer["core"]["value"]) * 1.05
    assert "wallet" in [row["venue"] for row in longer["contributions"]]


def test_the_native_coin_has_its_wrapped_token_s_price(desk):
    """Half an ether in the account is worth half a WETH, though no WETH is held."""
    desk.world.chain.rpc("anvil_setBalance", [desk.owner, hex(WAD // 2)])
    assert float(equity(desk.ask())) == near(desk.usd("WETH", 0.5))
    assert wallet(desk.ask("portfolio"))["ETH"]["quantity"] == "0.5"


def test_a_chain_of_receipts_is_counted_once(desk):
    """A vault over a vault over aTokens is a claim on the reserve's token, worth it exactly."""
    aave = desk.world.aave
    a_token = aave.core.pool.call("getReserveData", aave.asset("USDC"))[8]
    inner = desk.vault("vaUSDC", a_token, 6)
    outer = desk.vault("vvUSDC", inner.address)
    aave.supply(inner.address, "USDC", 9_000 * USDC)
    aave.supply(desk.owner, "USDC", 1_000 * USDC)
    inner.send("mint", outer.address, 3_000 * USDC)
    inner.send("mint", NOWHERE, 5_000 * USDC)
    outer.send("mint", desk.owner, 2 * WAD)
    outer.send("mint", NOWHERE, 4 * WAD)
    added = (a_token, inner.address, outer.address)
    given = desk.ask("portfolio", tokens=added)
    legs = wallet(given)
    (held,) = legs.values()  # the aToken is the Aave account's, and nothing of `inner` is held
    inner_assets = outer.call("convertToAssets", 2 * WAD)
    expected = inner.call("convertToAssets", inner_assets)
    assert held["asset"]["symbol"] == "USDC"
    assert Decimal(held["assets"]) == Decimal(expected).scaleb(-6)
    assert (held["shares"], held["raw"]["value"]) == ("2", str(2 * WAD))
    total = equity(desk.ask(tokens=added))
    assert float(total) == near(desk.usd("USDC", 1_000 + expected / USDC))
    reread = judge("margin", orjson.dumps(given.document), desk.world.sources())
    assert Decimal(reread.document["equity"]) == total


def test_a_warm_wallet_costs_no_round_trip_of_its_own(desk):
    """With a share held, a warm answer takes the two rounds that the venues take alone."""
    desk.world.aave.supply(desk.owner, "WETH", 10 * WAD)
    vault = desk.vault("vUSDC", desk.token("USDC").address, 6)
    desk.hold("USDC", 700 * USDC, vault.address)
    vault.send("mint", desk.owner, 500 * USDC)
    desk.ask(tokens=[vault.address])
    warm = desk.ask(tokens=[vault.address])
    assert warm.complete
    assert desk.rounds == 2
    desk.ask(venues=("aave-v3", "morpho-blue"))
    assert desk.rounds == 2


def reads_of(given: Answer, functions: Sequence[str], targets: Sequence[str] = ()) -> list[Read]:
    """The recorded calls of these functions, at these targets if any are given."""
    wanted, places = {selector(one) for one in functions}, {one.lower() for one in targets}
    assert given.evidence is not None
    return [
        read
        for _, read in given.evidence.recording.replies
        if isinstance(read, Call) and read.data[:4] in wanted
        if not places or read.target in places
    ]


def test_no_failed_read_of_wallet_or_holders_is_silent(desk):
    """Each balance, conversion, registry and owner in turn: named, incomplete, never healthier."""
    proxy = desk.proxy()
    desk.world.aave.supply(desk.owner, "WETH", 10 * WAD)
    desk.world.aave.borrow(desk.owner, "DAI", 5_000 * WAD)
    desk.world.aave.supply(proxy, "USDC", 100 * USDC)
    vault = desk.vault("vUSDC", desk.token("USDC").address, 6)
    desk.hold("USDC", 700 * USDC, vault.address)
    vault.send("mint", desk.owner, 500 * USDC)
    whole = desk.ask("margin", tokens=[vault.address])
    figures = ("equity", "haircut_equity", "buffer", "free")
    tokens = [listed.token.address for listed in desk.world.aave.reserves.values()]
    sites = reads_of(whole, ["balanceOf(address)"], [*tokens, vault.address])
    sites += reads_of(whole, ["convertToAssets(uint256)", "getEthBalance(address)"])
    sites += reads_of(whole, ["proxies(address)", "owner()"])
    sites += reads_of(whole, ["asset()", "decimals()"], [vault.address])
    assert len(sites) > 20
    for site in sites:
        given = desk.ask("margin", tokens=[vault.address], failing=site)
        named = [row for row in given.document["problems"] if row["detail"] == DOWN.detail]
        assert named, site
        assert {row["venue"] for row in named} <= {"wallet", "holders"}, site
        assert not given.complete, site
        for figure in figures:
            less, more = given.document[figure], whole.document[figure]
            assert less is None or Decimal(less) <= Decimal(more), (site, figure)
        value, limit = (one.document["health"]["value"] for one in (given, whole))
        assert value is None or Decimal(value) <= Decimal(limit), site


def test_a_name_is_resolved_at_the_block_and_the_answer_is_its_address_s(desk):
    """An ENS name is an owner; when known it costs no round, and when it moves it is followed."""
    desk.world.aave.supply(desk.owner, "WETH", 10 * WAD)
    desk.register(desk.owner)
    by_address = desk.ask("portfolio")
    by_name = desk.ask("portfolio", [NAME])
    assert by_name.document["accounts"] == by_address.document["accounts"]
    assert by_name.document["owner"] == desk.owner
    assert by_name.document["holders"] == [
        {"address": desk.owner, "kind": "account", "found_by": f"ens:{NAME}", "chain_id": ""}
    ]
    assert desk.rounds == 4  # resolver and address, then the two of a warm account
    desk.ask("portfolio", [NAME])
    assert desk.rounds == 2
    other = checksum_address(desk.world.chain.new_account())
    desk.register(other)
    assert desk.ask("portfolio", [NAME]).document["owner"] == other


def test_a_name_without_address_or_answer_is_refused(desk):
    """Nobody's name is bad input; a name that could not be read is an unreachable source."""
    with pytest.raises(AddressError, match="has no address"):
        desk.ask(owners=[NAME])
    desk.register(desk.owner)
    known = desk.ask(owners=[NAME])
    for site in reads_of(known, ["resolver(bytes32)", "addr(bytes32)"]):
        for facts in (Facts(), desk.facts):
            with pytest.raises(SourceError, match="could not be resolved"):
                desk.ask(owners=[NAME], failing=site, facts=facts)


def test_what_a_proxy_holds_is_the_owner_s(desk):
    """The owner's proxy is found, listed and read; each account says whose it is."""
    proxy = desk.proxy()
    desk.world.aave.supply(desk.owner, "WETH", WAD)
    desk.world.aave.supply(proxy, "WETH", 10 * WAD)
    desk.world.aave.borrow(proxy, "USDC", 5_000 * USDC)
    desk.hold("DAI", 50 * WAD, proxy)
    cold = desk.ask()
    cold_rounds = desk.rounds
    warm = desk.ask()
    assert desk.rounds == 2
    assert cold.document | {"evidence_id": ""} == warm.document | {"evidence_id": ""}
    assert cold.document["holders"] == [
        {"address": desk.owner, "kind": "account", "found_by": "given", "chain_id": ""},
        {
            "address": proxy,
            "kind": "dsproxy",
            "found_by": "proxy_registry",
            "chain_id": desk.world.chain_id,
        },
    ]
    assert venues_of(cold) == [("aave-v3", desk.owner), ("aave-v3", proxy)]
    # The proceeds stay with the proxy.
    assert float(equity(cold)) == near(desk.usd("WETH", 11) + desk.usd("DAI", 50))
    desk.ask(owners=[desk.owner, proxy], facts=Facts())
    assert cold_rounds <= desk.rounds + 1


def test_a_proxy_that_was_given_away_is_not_counted(desk):
    """The registry keeps it; its owner is someone else, so its positions are."""
    proxy = desk.proxy()
    desk.world.aave.supply(proxy, "WETH", 10 * WAD)
    assert venues_of(desk.ask()) == [("aave-v3", proxy)]
    stranger = desk.world.chain.new_account()
    desk.world.chain.send(proxy, "setOwner(address)", [stranger])
    given = desk.ask()
    assert venues_of(given) == []
    assert [holder["address"] for holder in given.document["holders"]] == [desk.owner]
    assert given.complete


def test_several_addresses_are_one_book_and_the_document_reads_back(desk):
    """A second owner and a Safe: accounts of the same market, each with its holder, reread."""
    signers = [desk.owner, desk.world.chain.new_account()]
    safe = checksum_address(desk.world.chain.deploy(compile_own()["Shared"], (signers,)).address)
    desk.world.aave.supply(desk.owner, "WETH", 2 * WAD)
    desk.world.aave.supply(safe, "WETH", WAD)
    desk.world.aave.borrow(safe, "USDC", 500 * USDC)
    desk.hold("DAI", 10 * WAD, safe)
    given = desk.ask("portfolio", [desk.owner, safe])
    assert given.document["owners"] == [desk.owner, safe]
    assert [holder["kind"] for holder in given.document["holders"]] == ["account", "safe"]
    assert venues_of(given) == [("aave-v3", desk.owner), ("aave-v3", safe)]
    live = desk.ask("margin", [desk.owner, safe])
    again = judge("margin", orjson.dumps(given.document), desk.world.sources())
    assert again.document["equity"] == live.document["equity"]
    assert again.document["holders"] == live.document["holders"]
    assert float(equity(live)) == near(desk.usd("WETH", 3) + desk.usd("DAI", 10))


@pytest.mark.parametrize("warm", [False, True])
def test_an_answer_with_name_proxy_and_receipts_replays_to_the_byte(desk, warm):
    """Everything that was asked is in the evidence, also of what facts brought forward."""
    proxy = desk.proxy()
    desk.register(desk.owner)
    vault = desk.vault("vUSDC", desk.token("USDC").address, 6)
    desk.hold("USDC", 700 * USDC, vault.address)
    vault.send("mint", proxy, 500 * USDC)
    desk.hold("DAI", 10 * WAD)
    if warm:
        desk.ask(owners=[NAME], tokens=[vault.address], venues=("wallet",))
    given = desk.ask(owners=[NAME], tokens=[vault.address], venues=("wallet",))
    assert given.complete
    assert given.evidence is not None
    kind, query, sources = reopen(given.evidence)
    assert asyncio.run(answer(kind, query, sources)).text == given.text
