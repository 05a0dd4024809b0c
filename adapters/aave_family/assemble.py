"""From a plan's answers to the account: legs, rule, both answers, and every problem by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...core.book.health import Judgement, Parity, VenueAnswer, Verdict
from ...core.book.model import Debt, Leg, MarginAccount, RawAmount, Spot
from ...core.errors import Failure, Problem, Reason, Severity
from ...core.units import decimal_of
from ..base import Price, ReadRequest, VenueSnapshot
from .calls import NO_ADDRESS
from .choice import choose
from .found import Found, Venue
from .maths import AccountData, collateral_factors, stable_balance, supply_balance, variable_debt
from .position import Category, Position, Reserve
from .profile import Evidence, Modes, Profile
from .rows import Missing, Row, rows_of
from .rule import AaveRule, UnreadRule, health_of, leg_id
from .terms import terms_of

__all__ = ["assemble"]

_ACTIONS = {
    Reason.UNSUPPORTED_VERSION: "update the package; until then only the venue's answer is shown",
    Reason.NO_PRICE: "wait for the venue's oracle, which gives no price for this asset",
    Reason.CODE_CHANGED: "rely on the venue's answer and report the difference",
}
_AGAIN = "read again; if it lasts, ask another endpoint"


def assemble(request: ReadRequest, venue: Venue, found: Found) -> VenueSnapshot:
    """The snapshot of one deployment; no account where nothing is held and nothing failed."""
    rows = list(rows_of(request, found)) if found.market is not None else []
    missing = [missing for row in rows for missing in row.missing]
    builder = _Builder(request, venue, found, rows, missing)
    account = builder.account()
    nothing = not account.legs and account.failure is None and found.bitmap == 0
    hidden = any(entry.hides_position for entry in missing)
    complete = found.market is not None and not hidden and _enumerated(found)
    pools = () if found.market is None else (found.market.pool,)
    if nothing and not request.options.get("include_empty"):
        return VenueSnapshot(problems=account.problems, complete=complete, contracts=pools)
    return VenueSnapshot((account,), tuple(builder.prices()), complete=complete, contracts=pools)


def _enumerated(found: Found) -> bool:
    """Whether the user's word, the reserve list and the version were all read."""
    return (
        isinstance(found.bitmap, int)
        and isinstance(found.profile, Profile)
        and not any("getReservesList" in failure.detail for _, failure in found.failures)
    )


@dataclass(slots=True)
class _Builder:
    """Builds one account; its steps run in the order of ``account``."""

    request: ReadRequest
    venue: Venue
    found: Found
    rows: Sequence[Row]
    missing: list[Missing]

    def account(self) -> MarginAccount:
        """The account with everything known about it."""
        position = self._position()
        failures = [
            *self.found.failures,
            *((entry.leg, entry.failure) for entry in self.missing if entry.needed),
        ]
        venue_answer = self._venue_answer()
        rule = self._rule(position, failures)
        remark = None
        if isinstance(rule, AaveRule) and position is not None:
            variant = self.venue.variants.get(position.profile.name)
            chosen = choose(rule, variant, venue_answer)
            rule, remark = chosen.rule, chosen.remark
            position = replace(position, profile=rule.position.profile)
        judgement = rule.judge()
        failure = failures[0][1] if failures else None
        parity = Parity.between(judgement, venue_answer)
        if failure is None and parity.status == "mismatch":
            failure = _mismatch(parity)
            unknown = Verdict.unknown()
            judgement = replace(judgement, stored=unknown, actionable=unknown)
        account = MarginAccount(
            venue=self.venue.name,
            id=self.request.deployment.market,
            chain_id=self.request.block.chain_id,
            holder=self.request.owner,
            legs=tuple(self._legs(position)),
            rule=rule,
            judgement=judgement,
            venue_answer=venue_answer,
            penalty=rule.penalty() if isinstance(rule, AaveRule) else None,
            terms=terms_of(rule.position) if isinstance(rule, AaveRule) and not failures else None,
            failure=failure,
            labels=self._labels(rule, position),
        )
        problems = [*self._problems(rule, judgement, venue_answer, failure, parity)]
        if remark is not None:
            action = "its figures are computed that way; health is exact where parity is"
            problems.append(self._problem(remark, "", Severity.NOTE, action))
        problems += self._spare(problems)
        return replace(account, problems=tuple(problems))

    def _position(self) -> Position | None:
        """The position of all reserves that were read; None where the version is not known."""
        found = self.found
        if not isinstance(found.profile, Profile) or not isinstance(found.revision, int):
            return None
        unit = found.base[1] if found.base is not None else 1
        currency = found.base[0] if found.base is not None else ""
        return Position(
            profile=found.profile,
            revision=found.revision,
            timestamp=self.request.block.timestamp,
            bitmap=found.bitmap if isinstance(found.bitmap, int) else 0,
            reserves=tuple(row.reserve for row in self.rows if row.reserve is not None),
            category=self._category(found.profile),
            base_unit=unit,
            base_currency="USD" if currency == NO_ADDRESS else currency,
            liquidation_allowed=self._liquidation_allowed(found.profile),
        )

    def _category(self, profile: Profile) -> Category | None:
        """The owner's eMode category; a part that is missing forbids a judgement."""
        found, mode = self.found, self.found.mode
        if not isinstance(mode, int) or mode == 0 or found.market is None:
            return None
        if profile.modes is Modes.CATEGORY:
            struct = found.need(found.calls.legacy_category(found.market, mode))
            if isinstance(struct, Failure):
                return None
            price = self._source_price()
            return Category(mode, int(struct[0]), int(struct[1]), int(struct[2]), price)
        config = found.need(found.calls.category(found.market, mode))
        collateral = found.need(found.calls.collateral_bitmap(found.market, mode))
        ltvzero: int | Failure = 0
        isolated: bool | Failure = False
        if profile.zero_ltv_bitmap:
            ltvzero = found.need(found.calls.ltvzero_bitmap(found.market, mode))
        if profile.isolated_modes:
            isolated = found.need(found.calls.isolated(found.market, mode))
        if (
            isinstance(config, Failure)
            or isinstance(collateral, Failure)
            or isinstance(ltvzero, Failure)
            or isinstance(isolated, Failure)
        ):
            return None
        ltv, threshold, bonus = (int(part) for part in config)
        return Category(mode, ltv, threshold, bonus, 0, collateral, ltvzero, isolated)

    def _source_price(self) -> int:
        """The price of the category's own source; 0 where it has none."""
        source, market = self.found.price_source, self.found.market
        if source is None or market is None:
            return 0
        price = self.found.need(self.found.calls.price(market, source))
        return 0 if isinstance(price, Failure) else price

    def _liquidation_allowed(self, profile: Profile) -> bool | None:
        """The sentinel's word; None with a note where it was not read."""
        if not profile.sentinel:
            return True
        sentinel = self.found.answers.maybe(self.found.calls.sentinel())
        if sentinel == NO_ADDRESS:
            return True
        if sentinel is None:
            sentinel = Failure(Reason.CODE_CHANGED, "revision_lowered", "sentinel was not asked")
        if isinstance(sentinel, Failure):
            self.missing.append(Missing("", sentinel))
            return None
        allowed = self.found.get(self.found.calls.liquidation_allowed(sentinel))
        if isinstance(allowed, Failure):
            self.missing.append(Missing("", allowed))
            return None
        return allowed

    def _rule(
        self, position: Position | None, failures: Sequence[tuple[str, Failure]]
    ) -> AaveRule | UnreadRule:
        """The account's rule; reserves without a price take no part (only equity needs them)."""
        if failures or position is None:
            first = failures[0][1] if failures else Failure(Reason.UNSUPPORTED_VERSION)
            return UnreadRule(first, self.venue.name)
        priced = {row.label for row in self.rows if row.priced}
        reserves = tuple(entry for entry in position.reserves if entry.label in priced)
        return AaveRule(replace(position, reserves=reserves), self.venue.name)

    def _venue_answer(self) -> VenueAnswer | Failure:
        """``getUserAccountData`` at the block."""
        found = self.found
        if found.market is None:
            reasons = [failure for _, failure in found.failures]
            return reasons[0] if reasons else Failure(Reason.RPC_UNAVAILABLE)
        words = found.get(found.calls.account_data(found.market))
        if isinstance(words, Failure):
            return words
        data = AccountData(*(int(word) for word in words))
        unread = not isinstance(found.bitmap, int)
        held = unread or any(entry.hides_position for entry in self.missing) or self._holds()
        health = health_of(data.collateral, data.debt, data.health_factor, held=held)
        return VenueAnswer(data.figures(), health, "Pool.getUserAccountData")

    def _holds(self) -> bool:
        """Whether any reserve that was read holds a supply or a debt."""
        reserves = (row.reserve for row in self.rows if row.reserve is not None)
        return any(one.scaled_supply or one.scaled_debt or one.stable_debt for one in reserves)

    def _legs(self, position: Position | None) -> Iterator[Leg]:
        for row in self.rows:
            failed = {entry.leg: entry.failure for entry in row.missing if entry.hides_position}
            for leg, failure in failed.items():
                kind = Spot if leg.startswith("supply:") else Debt
                yield Leg(leg, kind(row.asset), decimal_of(0, 0), failure=failure)
            if row.reserve is not None and position is not None:
                for leg_ in _read_legs(row, row.reserve, position):
                    if leg_.id not in failed:
                        yield leg_

    def _labels(self, rule: AaveRule | UnreadRule, position: Position | None) -> dict[str, str]:
        labels = {"market": self.request.deployment.market}
        if self.found.market is not None:
            labels["pool"] = self.found.market.pool
        if position is not None:
            labels["profile"] = position.profile.name
            labels["profile_evidence"] = position.profile.evidence(position.revision).value
            labels |= _facts(position)
        if isinstance(self.found.mode, int) and self.found.mode:
            labels["emode"] = str(self.found.mode)
        return labels

    def _problems(
        self,
        rule: AaveRule | UnreadRule,
        judgement: Judgement,
        venue_answer: VenueAnswer | Failure,
        failure: Failure | None,
        parity: Parity,
    ) -> Iterator[Problem]:
        for leg, found in self.found.failures:
            yield self._problem(found, leg)
        for entry in self.missing:
            yield self._problem(entry.failure, entry.leg, entry.severity)
        if isinstance(venue_answer, Failure) and self.found.market is not None:
            detail = f"getUserAccountData: {venue_answer.detail}".rstrip(": ")
            yield self._problem(replace(venue_answer, detail=detail))
        if failure is not None and parity.status == "mismatch":
            yield self._problem(failure)
        if isinstance(rule, AaveRule):
            yield from self._notes(rule, judgement, parity)

    def _notes(self, rule: AaveRule, judgement: Judgement, parity: Parity) -> Iterator[Problem]:
        position = rule.position
        evidence = position.profile.evidence(position.revision)
        if evidence is Evidence.SOURCE_READ and parity.status != "exact":
            detail = f"the arithmetic of {position.profile.name} was read, not yet run"
            failure = Failure(Reason.UNSUPPORTED_VERSION, "source_read", detail)
            yield self._problem(failure, "", Severity.NOTE, "compare with the venue's answer")
        if judgement.stored.liquidatable and judgement.actionable.liquidatable is False:
            blocks = sorted({block for block in rule.liquidation_blocks() if block})
            detail = "no pair can be liquidated now: " + (", ".join(blocks) or "no collateral")
            failure = Failure(Reason.NOT_SUPPORTED, "liquidation_blocked", detail)
            yield self._problem(failure, "", Severity.NOTE, "the block can end at any time")

    def _spare(self, problems: Sequence[Problem]) -> Iterator[Problem]:
        """One note per kind of lost read that nothing of the owner's depends on."""
        named = {(problem.reason, problem.code) for problem in problems}
        for call, failure in self.found.answers.lost():
            if (failure.reason, failure.code) not in named:
                named.add((failure.reason, failure.code))
                detail = f"{call.function.signature}: {failure.detail}".rstrip(": ")
                yield self._problem(replace(failure, detail=detail), "", Severity.NOTE)

    def _problem(
        self,
        failure: Failure,
        leg: str = "",
        severity: Severity = Severity.READ,
        action: str = "",
    ) -> Problem:
        return Problem.of(
            failure,
            venue=self.venue.name,
            account=self.request.deployment.market,
            leg=leg,
            action=action or _ACTIONS.get(failure.reason, _AGAIN),
            severity=severity,
        )

    def prices(self) -> Iterator[Price]:
        """USD prices of the reserves held, where the base currency is USD."""
        if self.found.base is None or self.found.base[0] != NO_ADDRESS:
            return
        decimals = len(str(self.found.base[1])) - 1
        source = f"{self.venue.name}:{self.request.deployment.market}"
        for row in self.rows:
            if row.reserve is not None and row.priced:
                yield Price(row.asset, decimal_of(row.reserve.price, decimals), source)


def _mismatch(parity: Parity) -> Failure:
    """Our figures differ from the venue's: its arithmetic is not the one we know."""
    differing = ", ".join(
        f"{name} {difference:+d}" for name, difference in parity.differences.items() if difference
    )
    return Failure(Reason.CODE_CHANGED, "parity_mismatch", f"ours minus the venue's: {differing}")


def _read_legs(row: Row, reserve: Reserve, position: Position) -> Iterator[Leg]:
    """The legs of a reserve that was read: supply, variable debt, stable debt, where not 0."""
    tokens = row.tokens
    assert tokens is not None  # noqa: S101 - a reserve that was read has tokens
    decimals = reserve.config.decimals
    supply = supply_balance(position, reserve)
    if supply:
        raw = RawAmount(supply, decimals, tokens.supply_token, "balanceOf(address)")
        quantity = decimal_of(supply, decimals)
        yield Leg(leg_id("supply", row.label), Spot(row.asset), quantity, raw=raw)
    debts = (
        ("debt", variable_debt(position, reserve), tokens.variable_token),
        ("stable", stable_balance(position, reserve), tokens.stable_token),
    )
    for side, owed, token in debts:
        if owed:
            raw = RawAmount(owed, decimals, token, "balanceOf(address)")
            quantity = decimal_of(-owed, decimals)
            yield Leg(leg_id(side, row.label), Debt(row.asset), quantity, raw=raw)


def _facts(position: Position) -> dict[str, str]:
    """Facts that do not enter health but restrict the owner, as lists of reserve labels."""
    lists: dict[str, list[str]] = {"frozen": [], "paused": [], "ltv_zero": [], "not_collateral": []}
    enabled = [entry for entry in position.reserves if position.uses_as_collateral(entry)]
    for entry in position.reserves:
        if entry.config.frozen:
            lists["frozen"].append(entry.label)
        if entry.config.paused:
            lists["paused"].append(entry.label)
        if entry.scaled_supply and entry not in enabled:
            lists["not_collateral"].append(entry.label)
    lists["ltv_zero"] = [entry.label for entry in enabled if _has_zero_ltv(position, entry)]
    if len(enabled) == 1 and enabled[0].config.debt_ceiling and position.profile.sentinel:
        lists["isolated"] = [enabled[0].label]
    if position.category is not None and position.category.isolated:
        lists["isolated"] = [f"emode {position.category.id}"]
    return {name: ",".join(found) for name, found in lists.items() if found}


def _has_zero_ltv(position: Position, reserve: Reserve) -> bool:
    factors = collateral_factors(position, reserve)
    return factors is not None and factors[0] == 0
