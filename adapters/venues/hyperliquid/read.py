"""What to read for an owner on HyperCore: one round for a warm account, three for a cold one.

Precompiles answer at the node's head only, so all that judges is one frame, which also says its own
block. Round 1, for an owner never seen: whether HyperCore knows it, because the precompiles burn all
gas for a stranger. Round 2: every configured perp's row, and marks and terms of the perps last seen
to be held. Round 3, where others are held now: the same frame again with theirs.

A call that burns the frame's gas is left out and the frame read again, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from ....core.errors import Failure, Problem, Reason, Severity
from ...base import ReadRequest, VenueSnapshot
from ...chain.call import Call, ReadPlan
from .account import build_accounts, mark_prices
from .asking import Answers, HyperCore
from .maths import USD_DECIMALS
from .reading import (
    DexReading,
    PledgeReading,
    PositionReading,
    Reading,
    Size,
    Summary,
    Terms,
)
from .rule import VENUE
from .universe import Dex, PledgeToken, Universe, universe_of

__all__ = ["read_snapshot"]

_EXISTS, _HELD = "hypercore_user", "hypercore_held"
_MOST_FRAMES = 4
_MOST_BLOCKS_AHEAD = 120  # the head moves on while an answer is read: two minutes of small blocks
_SPOT_PRICE_DECIMALS = 8
_BPS = 10_000


def read_snapshot(request: ReadRequest) -> ReadPlan[VenueSnapshot]:
    """The owner's islands on every configured dex."""
    universe = universe_of(request)
    frame = _Frame(request, universe)
    found = yield from frame.run()
    enumeration = "list" if universe.listed else "curated"
    if found is None:
        return VenueSnapshot(enumeration=enumeration)
    if isinstance(found, Failure):
        action = "read again at the latest block; what the owner holds here is not known"
        problem = Problem.of(found, venue=VENUE, account=request.deployment.market, action=action)
        return VenueSnapshot(problems=(problem,), enumeration=enumeration, complete=False)
    return VenueSnapshot(
        build_accounts(request, universe, found),
        mark_prices(request, found),
        tuple(_notes(request, universe, found)),
        enumeration,
        complete=universe.listed,
    )


class _Frame:
    """The questions to HyperCore, all in one frame, until every position's terms are known."""

    def __init__(self, request: ReadRequest, universe: Universe) -> None:
        self._request = request
        self._owner = request.owner
        self._universe = universe
        self._core = HyperCore(request.deployment.contracts)
        self._left_out: set[Call[Any]] = set()
        self._burned = Failure(Reason.CALL_REVERTED, "gas_burned", "no answer from HyperCore")

    def run(self) -> ReadPlan[Reading | Failure | None]:
        """What was read; None where HyperCore does not know the owner."""
        chain, facts = self._request.deployment.chain_id, self._request.facts
        if not facts.get(chain, self._owner, _EXISTS):
            exists = yield from self._exists()
            if exists is not True:
                return exists if isinstance(exists, Failure) else None
            facts.put(chain, self._owner, _EXISTS, True)
        known = set(facts.get(chain, self._owner, _HELD) or ())
        held = [perp for perp in self._universe.perps if perp in known]
        for _ in range(_MOST_FRAMES):
            answers = yield from self._ask(self._calls(held))
            if isinstance(answers, Failure):
                return answers
            if self._leaves_out(answers.burned):
                continue
            found = [perp for perp in self._universe.perps if self._is_held(answers, perp)]
            if set(found) <= set(held):
                facts.put(chain, self._owner, _HELD, tuple(found))
                return self._reading(answers)
            held = [perp for perp in self._universe.perps if perp in {*held, *found}]
        return Failure(Reason.POSITIONS_INCOMPLETE, "moving", "positions changed at every read")

    def _exists(self) -> ReadPlan[bool | Failure]:
        calls = [*self._head(), self._core.call("coreUserExists", self._owner)]
        answers = yield from self._ask(calls)
        if isinstance(answers, Failure):
            return answers
        exists = answers[calls[-1]]
        return exists if isinstance(exists, Failure) else bool(exists[0])

    def _ask(self, calls: Sequence[Call[Any]]) -> ReadPlan[Answers | Failure]:
        """One frame's answers, where its block is the one that was meant."""
        whole = self._core.aggregate(calls)
        replies = yield [whole]
        rows = replies[whole]
        if isinstance(rows, Failure):
            return rows
        answers = Answers(calls, rows, self._burned)
        for call in self._head():
            answer = answers[call]
            if isinstance(answer, Failure):
                return answer
        return self._misplaced(answers) or answers

    def _misplaced(self, answers: Answers) -> Failure | None:
        """Why the frame's block is not the one asked for: only the head can be read."""
        block, ahead = self._request.block, self._number(answers, "getBlockNumber")
        ahead -= block.number
        if ahead == 0 or (block.finality == "latest" and 0 < ahead <= _MOST_BLOCKS_AHEAD):
            return None
        detail = f"precompiles answer at the head only, {ahead} blocks from the block asked for"
        return Failure(Reason.NOT_SUPPORTED, "latest_only", detail)

    def _leaves_out(self, burned: Call[Any] | None) -> bool:
        """Whether to read again without the call that burned the gas; its failure is kept."""
        if burned is None or self._left_out or burned == self._borrow_call():
            return False
        detail = f"{burned.function.signature} {burned.data.hex().lstrip('0')[-24:]}"
        self._burned = replace(self._burned, detail=f"{detail}: no such index or user?")
        self._left_out.add(burned)
        return True

    def _head(self) -> list[Call[Any]]:
        blocks = [self._core.block(name) for name in ("getBlockNumber", "getCurrentBlockTimestamp")]
        return [*blocks, self._core.call("l1BlockNumber")]

    def _calls(self, held: Iterable[int]) -> list[Call[Any]]:
        """Everything to ask; what may fail for a sound account comes last."""
        universe, core = self._universe, self._core
        calls = [*self._head()]
        calls += [
            core.call("accountMarginSummary", dex.index, self._owner) for dex in universe.dexes
        ]
        if universe.mode in ("unified", "portfolio"):
            for token in universe.tokens:
                calls += self._token_calls(token)
        if universe.mode == "portfolio":
            for pledge in universe.pledges:
                calls += [*self._token_calls(pledge.token), core.call("spotPx", pledge.spot)]
                calls.append(core.call("borrowLendReserveState", pledge.token))
        for perp in held:
            calls += [core.call("markPx", perp), core.call("perpAssetInfo", perp)]
        calls += [self._row_call(perp) for perp in universe.perps]
        if universe.mode == "portfolio" and universe.borrow_token not in universe.borrowed:
            calls.append(self._borrow_call())
        return [call for call in dict.fromkeys(calls) if call not in self._left_out]

    def _token_calls(self, token: int) -> list[Call[Any]]:
        balance = self._core.call("spotBalance", self._owner, token)
        return [self._core.call("tokenInfo", token), balance]

    def _row_call(self, perp: int) -> Call[Any]:
        return self._core.call("position2", self._owner, perp)

    def _borrow_call(self) -> Call[Any]:
        token = self._universe.borrow_token
        return self._core.call("borrowLendUserState", self._owner, token)

    def _is_held(self, answers: Answers, perp: int) -> bool:
        row = answers[self._row_call(perp)]
        return not isinstance(row, Failure) and row[0] != 0

    def _number(self, answers: Answers, name: str) -> int:
        answer = answers[self._core.block(name)]
        return -1 if isinstance(answer, Failure) else int(answer[0])

    def _reading(self, answers: Answers) -> Reading:
        l1_block = answers[self._core.call("l1BlockNumber")]
        universe = self._universe
        is_pooled = universe.mode in ("unified", "portfolio")
        is_portfolio = universe.mode == "portfolio"
        return Reading(
            self._number(answers, "getBlockNumber"),
            -1 if isinstance(l1_block, Failure) else int(l1_block[0]),
            tuple(self._dex(answers, dex) for dex in universe.dexes),
            {token: self._balance(answers, token) for token in universe.tokens if is_pooled},
            self._borrowed(answers) if is_portfolio else None,
            tuple(self._pledge(answers, each) for each in universe.pledges if is_portfolio),
        )

    def _dex(self, answers: Answers, dex: Dex) -> DexReading:
        summary = answers[self._core.call("accountMarginSummary", dex.index, self._owner)]
        positions, unread, idle = [], [], 0
        for perp in dex.perps:
            row = answers[self._row_call(perp)]
            if isinstance(row, Failure):
                unread.append(row)
                continue
            size = Size(*row)
            if size.size:
                positions.append(self._position(answers, dex, perp, size))
            elif size.is_isolated:
                idle += max(size.isolated_usd, 0)
        return DexReading(
            dex,
            summary if isinstance(summary, Failure) else Summary(*summary),
            tuple(positions),
            tuple(dict.fromkeys(unread)),
            idle,
        )

    def _position(self, answers: Answers, dex: Dex, perp: int, row: Size) -> PositionReading:
        mark = answers[self._core.call("markPx", perp)]
        terms = answers[self._core.call("perpAssetInfo", perp)]
        price: int | Failure = mark if isinstance(mark, Failure) else int(mark[0])
        if price == 0:
            price = Failure(Reason.NO_PRICE, "zero_price", f"perp {perp} has no mark")
        found = terms if isinstance(terms, Failure) else _terms(dex, perp, *terms[0])
        return PositionReading(perp, row, price, found)

    def _balance(self, answers: Answers, token: int) -> Fraction | Failure:
        """The spot total in units of the token."""
        info, balance = (answers[call] for call in self._token_calls(token))
        if isinstance(info, Failure):
            return info
        return balance if isinstance(balance, Failure) else Fraction(balance[0], 10 ** info[0][6])

    def _borrowed(self, answers: Answers) -> Fraction | Failure:
        """What is owed of the borrow token, in units.

        HyperCore fails alike for an account that never lent or borrowed and for one that it could
        not look up, so a failure stays one.
        """
        token = self._universe.borrow_token
        if token in self._universe.borrowed:
            return self._universe.borrowed[token]
        state, info = answers[self._borrow_call()], answers[self._token_calls(token)[0]]
        if isinstance(state, Failure):
            return replace(state, code="borrow_unread")
        return info if isinstance(info, Failure) else Fraction(state[0][1], 10 ** info[0][6])

    def _pledge(self, answers: Answers, pledge: PledgeToken) -> PledgeReading:
        info = answers[self._token_calls(pledge.token)[0]]
        price = answers[self._core.call("spotPx", pledge.spot)]
        reserve = answers[self._core.call("borrowLendReserveState", pledge.token)]
        if not isinstance(price, Failure) and not isinstance(info, Failure):
            price = Fraction(price[0] * 10 ** info[0][5], 10**_SPOT_PRICE_DECIMALS)
        return PledgeReading(
            pledge.token,
            pledge.symbol,
            self._balance(answers, pledge.token),
            info if isinstance(info, Failure) else price,
            reserve if isinstance(reserve, Failure) else Fraction(reserve[5], _BPS),
            pledge.supply_cap,
        )


def _terms(
    dex: Dex, perp: int, coin: str, table: int, decimals: int, most: int, _isolated: bool
) -> Terms | Failure:
    """A perp's terms; a mark has ``6 - decimals`` decimals, so there can be no more than 6."""
    if decimals > USD_DECIMALS:
        return Failure(Reason.UNSUPPORTED_VERSION, "size_decimals", f"perp {perp}: {decimals}")
    return Terms(coin, decimals, dex.tiers(table, most))


def _notes(request: ReadRequest, universe: Universe, reading: Reading) -> Iterable[Problem]:
    """What is worth knowing of the answer as a whole."""
    market = request.deployment.market
    if not universe.listed:
        names = ", ".join(dex.name for dex in universe.dexes)
        detail = f"asked are the configured perps of {names}; other dexes would not be seen"
        action = "give further perps and dexes (options perps, dexes)"
        reason, code = Reason.POSITIONS_INCOMPLETE, "curated"
        yield Problem(Severity.NOTE, reason, code, VENUE, market, detail=detail, action=action)
    if reading.evm_block != request.block.number:
        detail = f"read at block {reading.evm_block}, the head, not {request.block.number}"
        yield Problem(
            Severity.NOTE, Reason.NOT_SUPPORTED, "latest_only", VENUE, market, detail=detail
        )
