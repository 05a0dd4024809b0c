"""The harness itself: that both chains run the real contracts, alike, and that time and prices move."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from eth_hash.auto import keccak

from . import aave_v3_random, morpho_random, node
from .aave_v3 import AaveMarket, deploy_aave
from .abi import parse_signature, revert_reason
from .anvil import AnvilChain, RpcError
from .chain import LocalChain, Reverted
from .eth_tester_chain import EthTesterChain
from .morpho_blue import MorphoVenue, deploy_morpho, units
from .multicall3 import MULTICALL3, multicall3_runtime
from .solc import compile_own

pytestmark = pytest.mark.differential

WAD = 10**18
NO_DEBT = 2**256 - 1
NOW = "getCurrentBlockTimestamp()->(uint256)"


def test_signature_with_struct_splits_at_the_top_level() -> None:
    """A struct in a signature stays one type."""
    one = parse_signature("f((address,uint256)[], bytes) -> (uint256,(bool,bytes))")
    assert one.inputs == ("(address,uint256)[]", "bytes")
    assert one.outputs == ("uint256", "(bool,bytes)")


def test_signature_without_parentheses_is_refused() -> None:
    """What is no signature is refused with an example."""
    with pytest.raises(ValueError, match="write name"):
        parse_signature("totalSupply")


def test_selector_is_the_known_one() -> None:
    """The selector of `transfer` is the one everybody knows."""
    assert parse_signature("transfer(address,uint256)").selector.hex() == "a9059cbb"


def test_panic_and_custom_error_are_told_apart() -> None:
    """A panic gives its code, an unknown error its bytes, silence says so."""
    assert revert_reason(bytes.fromhex("4e487b71" + "11".zfill(64))) == "panic 0x11"
    assert revert_reason(b"\xde\xad\xbe\xef") == "0xdeadbeef"
    assert revert_reason(b"") == "no reason"


def test_missing_node_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node the error is one line with the remedy."""
    monkeypatch.setenv("PATH", "")
    node._node.cache_clear()
    with pytest.raises(node.NodeMissing, match="install Node") as missing:
        node._node()
    node._node.cache_clear()
    assert "\n" not in str(missing.value)


def test_recursion_limit_stays_pythons_own() -> None:
    """Importing the py-evm chain leaves the interpreter's recursion limit alone."""
    program = (
        "import sys; before = sys.getrecursionlimit(); "
        "import tests.localchain.eth_tester_chain; assert sys.getrecursionlimit() == before"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_token_is_deployed_minted_and_read(local_chain: LocalChain) -> None:
    """A deployed contract keeps what a transaction wrote, and an old block still shows the old state."""
    token = local_chain.deploy(compile_own()["Token"], ("TEST", 6))
    holder, before = local_chain.new_account(), local_chain.block_number
    receipt = token.send("mint", holder, 5)
    assert receipt.block_number == before + 1
    assert token.call("balanceOf", holder) == 5
    assert token.call("balanceOf", holder, block=before) == 0
    assert token.call("decimals") == 6


def test_log_has_the_events_topic(local_chain: LocalChain) -> None:
    """A receipt carries the logs as JSON-RPC words them."""
    token = local_chain.deploy(compile_own()["Token"], ("TEST", 6))
    (log,) = token.send("mint", local_chain.new_account(), 5).logs
    assert log["address"] == token.address
    assert log["topics"][0] == "0x" + keccak(b"Transfer(address,address,uint256)").hex()
    assert int(log["data"], 16) == 5


def test_revert_carries_its_reason(local_chain: LocalChain) -> None:
    """A refused transaction and a refused call both raise with the contract's words."""
    token = local_chain.deploy(compile_own()["Token"], ("TEST", 6))
    thief, owner = local_chain.new_account(), local_chain.accounts[0]
    with pytest.raises(Reverted, match="allowance"):
        token.send("transferFrom", owner, thief, 1, sender=thief)
    with pytest.raises(Reverted, match="allowance"):
        token.call("transferFrom", owner, thief, 1, sender=thief)


def test_time_moves_a_second_a_block_and_by_jumps(local_chain: LocalChain) -> None:
    """Time is one second a block, jumps as told, and a call sees the latest block's time."""
    token, start = local_chain.deploy(compile_own()["Token"], ("TEST", 6)), local_chain.timestamp
    token.send("mint", local_chain.accounts[0], 1)
    assert local_chain.timestamp == start + 1
    assert local_chain.increase_time(86_400) == start + 86_401
    assert local_chain.mine() == start + 86_402
    assert local_chain.mine(start + 90_000) == start + 90_000
    assert local_chain.call(MULTICALL3, NOW) == start + 90_000
    assert local_chain.call(MULTICALL3, NOW, block=local_chain.block_number - 1) == start + 86_402


def test_undone_takes_back_state_and_time(local_chain: LocalChain) -> None:
    """What happened inside `undone` never happened."""
    token = local_chain.deploy(compile_own()["Token"], ("TEST", 6))
    holder = local_chain.new_account()
    state = local_chain.timestamp, local_chain.block_number
    with local_chain.undone():
        token.send("mint", holder, 7)
        local_chain.increase_time(1_000)
    assert (local_chain.timestamp, local_chain.block_number) == state
    assert token.call("balanceOf", holder) == 0
    token.send("mint", holder, 1)
    assert local_chain.timestamp == state[0] + 1


def test_multicall3_is_where_it_is_everywhere(local_chain: LocalChain) -> None:
    """Multicall3 answers at its public address."""
    assert local_chain.multicall3 == MULTICALL3
    token = local_chain.deploy(compile_own()["Token"], ("TEST", 6))
    decimals = parse_signature("decimals()->(uint8)")
    calls = [(token.address, True, decimals.encode(())), (MULTICALL3, True, b"\x00\x00\x00\x00")]
    answers = local_chain.call(
        MULTICALL3, "aggregate3((address,bool,bytes)[])->((bool,bytes)[])", [calls]
    )
    assert [ok for ok, _ in answers] == [True, False]
    assert decimals.decode(answers[0][1]) == 6


def test_multicall3_runtime_is_what_its_creation_code_returns(anvil: AnvilChain) -> None:
    """The slice of the creation code is exactly what deploying it leaves."""
    source = node.package_file("viem/constants/contracts.ts").read_text()
    creation = source.split("multicall3Bytecode =")[1].split("'")[1]
    deployed = anvil.transact(None, bytes.fromhex(creation[2:]), anvil.accounts[0])
    code = anvil.rpc("eth_getCode", [deployed.contract_address, "latest"])
    assert code == "0x" + multicall3_runtime().hex()


def test_pruned_chain_keeps_the_latest_blocks_and_its_marks(node_packages: None) -> None:
    """A chain that keeps ten blocks reads those, and still comes back to a mark far behind."""
    with contextlib.closing(AnvilChain(keep_blocks=10)) as chain:
        token, holder = chain.deploy(compile_own()["Token"], ("TEST", 6)), chain.new_account()
        with chain.undone():
            for _ in range(100):
                token.send("mint", holder, 1)
            assert token.call("balanceOf", holder, block=chain.block_number - 5) == 95
            with pytest.raises(RpcError):
                token.call("balanceOf", holder, block=5)
        assert token.call("balanceOf", holder) == 0


def test_json_rpc_reads_agree(local_chain: LocalChain) -> None:
    """The few JSON-RPC reads an adapter makes work on both chains."""
    assert int(local_chain.rpc("eth_chainId"), 16) == local_chain.chain_id
    header = local_chain.rpc("eth_getBlockByNumber", ["latest", False])
    assert int(header["timestamp"], 16) == local_chain.timestamp
    code = local_chain.rpc("eth_getCode", [MULTICALL3, "latest"])
    assert bytes.fromhex(code[2:]) == multicall3_runtime()
    data = "0x" + parse_signature(NOW).selector.hex()
    answer = local_chain.rpc("eth_call", [{"to": MULTICALL3, "data": data}, "latest"])
    assert int(answer, 16) == local_chain.timestamp


def test_distant_block_still_answers(anvil: AnvilChain) -> None:
    """A thousand blocks later the old state is still there to read."""
    token, holder = anvil.deploy(compile_own()["Token"], ("TEST", 6)), anvil.new_account()
    token.send("mint", holder, 5)
    block = anvil.block_number
    for _ in range(1_000):
        token.send("mint", holder, 1)
    assert token.call("balanceOf", holder, block=block) == 5


def test_unknown_method_is_an_error(anvil: AnvilChain, eth_tester_chain: EthTesterChain) -> None:
    """A method that a chain lacks raises."""
    with pytest.raises(RpcError):
        anvil.rpc("eth_nonsense")
    with pytest.raises(NotImplementedError, match="use anvil"):
        eth_tester_chain.rpc("eth_nonsense")


def test_aave_account_has_the_health_factor_of_its_terms(aave: AaveMarket) -> None:
    """One WETH at USD 3,000 against 1,000 USDC gives collateral * 82.5% / debt."""
    user = aave.chain.new_account()
    aave.supply(user, "WETH", 10**18)
    aave.borrow(user, "USDC", 1_000 * 10**6)
    data = aave.account_data(user)
    second = 1e-8  # more than any rate here earns in the second between the two transactions
    assert data.collateral == pytest.approx(3_000 * 10**8, rel=second)
    assert data.debt == 1_000 * aave.price("USDC")
    assert data.health_factor == pytest.approx(2_475 * 10**8 / data.debt * WAD, rel=second)


def test_aave_time_accrues_and_old_blocks_keep_their_answer(aave: AaveMarket) -> None:
    """Ninety days raise the debt and lower the health factor; the block before says what it said."""
    user = aave.chain.new_account()
    aave.supply(user, "WETH", 10**18)
    aave.borrow(user, "USDC", 1_000 * 10**6)
    before, block = aave.account_data(user), aave.chain.block_number
    aave.chain.increase_time(90 * 86_400)
    after = aave.account_data(user)
    assert before.debt * 1.005 < after.debt < before.debt * 1.05
    assert after.health_factor < before.health_factor
    assert aave.account_data(user, block=block) == before


def test_aave_liquidation_follows_the_price(aave: AaveMarket) -> None:
    """A healthy account is refused; after a fall half the debt is repaid."""
    user = aave.chain.new_account()
    aave.supply(user, "WETH", 10**18)
    aave.borrow(user, "DAI", 2_000 * 10**18)
    with pytest.raises(Reverted, match=r"^45$"):  # HEALTH_FACTOR_NOT_BELOW_THRESHOLD
        aave.liquidate(user, "WETH", "DAI")
    aave.set_price("WETH", 2_400 * 10**8)
    before = aave.account_data(user)
    assert 95 * 10**16 < before.health_factor < WAD
    aave.liquidate(user, "WETH", "DAI")
    assert aave.account_data(user).debt == pytest.approx(before.debt / 2, rel=1e-6)


def test_aave_price_at_threshold_is_sharp(aave: AaveMarket) -> None:
    """At the found price the account is healthy, one unit lower it is not."""
    user = aave.chain.new_account()
    aave.supply(user, "WBTC", 123_456_789)
    aave.borrow(user, "USDC", 40_000 * 10**6)
    price = aave_v3_random.price_at_threshold(aave, user, "WBTC")
    with aave.chain.undone():
        aave.set_price("WBTC", price)
        assert WAD <= aave.account_data(user).health_factor < WAD + 10**9
    aave.set_price("WBTC", price - 1)
    assert aave.account_data(user).health_factor < WAD


def test_aave_repay_withdraw_and_leave(aave: AaveMarket) -> None:
    """After repaying all and withdrawing all nothing is left."""
    user = aave.chain.new_account()
    aave.supply(user, "LINK", 10**21)
    aave.borrow(user, "GUSD", 100_00)
    aave.repay(user, "GUSD")
    aave.withdraw(user, "LINK")
    assert aave.account_data(user) == (0, 0, 0, 0, 0, NO_DEBT)


def test_aave_emode_price_source_replaces_the_assets_prices(aave: AaveMarket) -> None:
    """In the stablecoin category the category's feed prices the collateral."""
    user = aave.chain.new_account()
    aave.supply(user, "DAI", 1_000 * 10**18)
    aave.set_emode(user, 2)
    aave.set_emode_price(2, 98_000_000)
    data = aave.account_data(user)
    assert data.collateral == pytest.approx(1_000 * 98_000_000, rel=1e-7)  # two seconds' interest
    assert (data.ltv, data.liquidation_threshold) == (9_300, 9_500)


def test_aave_random_accounts_cover_the_odd_cases(aave: AaveMarket) -> None:
    """A hundred accounts hold every kind: eModes, isolation, no debt, off, LTV 0, stable debt."""
    opened = aave_v3_random.random_accounts(aave, 100, seed=1, stable_borrowing=True)
    assert {account.emode for account in opened} == {0, 1, 2}
    assert any("EURS" in account.supplies and account.borrows for account in opened)
    assert any(not account.borrows for account in opened)
    assert any(account.collateral_off for account in opened)
    assert any(account.supplies.get("CRV") and account.borrows for account in opened)
    assert {mode for account in opened for _, _, mode in account.borrows} == {1, 2}
    healths = [aave.account_data(account.address).health_factor for account in opened]
    assert min(healths) > WAD
    fallen = 0
    for seed in range(6):
        aave_v3_random.shake(aave, seed)
        fallen += sum(aave.account_data(a.address).health_factor < WAD for a in opened)
    assert fallen > 10


def test_aave_is_the_same_on_both_evms(anvil: AnvilChain, eth_tester_chain: EthTesterChain) -> None:
    """The same seed gives the same answers, to the last digit, on anvil and on py-evm."""
    answers = []
    for chain in (anvil, eth_tester_chain):
        market = deploy_aave(chain)
        opened = aave_v3_random.random_accounts(market, 12, seed=3)
        aave_v3_random.shake(market, seed=4)
        answers.append([market.account_data(account.address) for account in opened])
    assert answers[0] == answers[1]


def test_morpho_borrower_is_liquidatable_after_a_fall(morpho: MorphoVenue) -> None:
    """A healthy position is refused by name, an unhealthy one passes, simulated and for real."""
    market, user = morpho.markets[0], morpho.chain.new_account()
    morpho.supply_collateral(market, user, 10**8)
    morpho.borrow(market, user, units("USDC", 70_000))
    assert morpho.simulate_liquidate(market, user) == (False, "position is healthy")
    morpho.set_price(market, morpho.price(market) * 8 // 10)
    assert morpho.simulate_liquidate(market, user) == (True, "")
    shares = morpho.position(market, user).borrow_shares
    morpho.liquidate(market, user, repaid_shares=shares // 2)
    assert morpho.position(market, user).borrow_shares == shares - shares // 2


def test_morpho_bad_debt_is_no_plain_refusal(morpho: MorphoVenue) -> None:
    """Repaying more than the collateral is worth fails with a panic, not with "healthy"."""
    market, user = morpho.markets[0], morpho.chain.new_account()
    morpho.supply_collateral(market, user, 10**8)
    morpho.borrow(market, user, units("USDC", 70_000))
    morpho.set_price(market, morpho.price(market) // 2)
    shares = morpho.position(market, user).borrow_shares
    assert morpho.simulate_liquidate(market, user, shares) == (False, "panic 0x11")
    assert morpho.simulate_liquidate(market, user) == (True, "")


def test_morpho_time_accrues_only_when_written(morpho: MorphoVenue) -> None:
    """The stored totals stand still until somebody accrues, and the fee goes to its recipient."""
    market, recipient = morpho.markets[0], morpho.chain.accounts[3]
    stored = morpho.totals(market)
    morpho.chain.increase_time(30 * 86_400)
    assert morpho.totals(market) == stored
    morpho.accrue(market)
    assert morpho.totals(market)[2] > stored[2]
    assert morpho.position(market, recipient).supply_shares > 0


def test_morpho_id_is_the_hash_of_its_params(morpho: MorphoVenue) -> None:
    """Each market answers to the id that we computed."""
    for market in morpho.markets:
        assert morpho.morpho.call("idToMarketParams", market.id) == market.params


def test_morpho_repay_and_withdraw_leave_nothing(morpho: MorphoVenue) -> None:
    """After repaying by shares and withdrawing the collateral the position is empty."""
    market, user = morpho.markets[3], morpho.chain.new_account()
    morpho.supply_collateral(market, user, 10**9)
    morpho.borrow(market, user, 10_000)
    morpho.repay(market, user, shares=morpho.position(market, user).borrow_shares)
    morpho.withdraw_collateral(market, user, 10**9)
    assert morpho.position(market, user) == (0, 0, 0)


def test_morpho_random_accounts_cover_every_market(morpho: MorphoVenue) -> None:
    """A hundred positions touch all markets and some fall below their limit when shaken."""
    opened = morpho_random.random_accounts(morpho, 100, seed=2)
    assert {one.market.id for one in opened} == {market.id for market in morpho.markets}
    assert any(not one.borrowed for one in opened)
    morpho_random.shake(morpho, seed=1)
    fallen = [one for one in opened if morpho.simulate_liquidate(one.market, one.address)[0]]
    assert 0 < len(fallen) < len(opened)


def test_morpho_is_the_same_on_both_evms(
    anvil: AnvilChain, eth_tester_chain: EthTesterChain
) -> None:
    """The same seed gives the same shares and the same refusals on anvil and on py-evm."""
    answers = []
    for chain in (anvil, eth_tester_chain):
        venue = deploy_morpho(chain)
        opened = morpho_random.random_accounts(venue, 12, seed=3)
        morpho_random.shake(venue, seed=4)
        positions = [venue.position(one.market, one.address) for one in opened]
        refusals = [venue.simulate_liquidate(one.market, one.address) for one in opened]
        answers.append((positions, refusals))
    assert answers[0] == answers[1]
