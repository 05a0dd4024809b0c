"""A margin account from what was read of one vault: legs, rule, both answers, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from ....core.book.health import Judgement, Parity, VenueAnswer, Verdict
from ....core.book.model import Asset, Debt, Leg, LiquidationTerms, MarginAccount, RawAmount, Spot
from ....core.errors import Failure, Problem, Reason, Severity
from ....core.units import WAD, decimal_of
from ...base import Price, ReadRequest
from .notes import bark_of, notes_of, owes
from .reading import Reading, TokenReading
from .rule import COLLATERAL, DEBT, UNLOCKED, VENUE, SkyRule

__all__ = ["build_account", "price_of", "problems_of"]

T = TypeVar("T")

_OVERFLOW = Failure(
    Reason.BAD_RETURN_DATA, "overflow", "the contract's own arithmetic reverts on these numbers"
)


def build_account(request: ReadRequest, reading: Reading) -> MarginAccount:
    """The account of a vault that holds or owes something, or may."""
    collateral = _asset(request, reading)
    rule = _rule(request, reading, collateral)
    judgement, venue_answer = rule.judge(), _venue_answer(reading, rule)
    failure = _failure(reading, rule, judgement)
    parity = Parity.between(judgement, venue_answer)
    if failure is None and parity.status == "mismatch":
        failure = _mismatch(parity)
        unknown = Verdict.unknown()
        judgement = replace(judgement, stored=unknown, actionable=unknown)
    notes = [_problem(reading, note, Severity.NOTE) for note in notes_of(request, reading, rule)]
    return MarginAccount(
        venue=VENUE,
        id=reading.vault.id,
        chain_id=request.deployment.chain_id,
        holder=reading.vault.holder,
        legs=tuple(_legs(request, reading, rule, collateral)),
        rule=rule,
        judgement=judgement,
        venue_answer=venue_answer,
        penalty=_penalty(reading),
        terms=_terms(reading),
        failure=failure,
        problems=(*_problems(reading, failure), *notes),
        labels=_labels(reading, rule),
    )


def _problems(reading: Reading, failure: Failure | None) -> Iterator[Problem]:
    """Why the vault cannot be judged, and every other read that failed."""
    if failure is not None:
        yield _problem(reading, failure, Severity.READ)
    for problem, cause in _read_problems(reading, Severity.READ):
        if cause != failure:
            yield problem


def problems_of(reading: Reading, severity: Severity) -> list[Problem]:
    """Every failed read of a vault, at that severity."""
    return [problem for problem, _ in _read_problems(reading, severity)]


def price_of(request: ReadRequest, reading: Reading) -> Price | None:
    """The collateral's price in USD where its feed answers anybody; None elsewhere."""
    feed = reading.type.feed
    if feed is None or isinstance(feed.price, Failure) or feed.price == 0:
        return None
    if not isinstance(reading.type.token, TokenReading):
        return None
    updated = feed.updated
    age = None if isinstance(updated, Failure) else max(request.block.timestamp - updated, 0)
    source = f"{VENUE}:{reading.vault.ilk_name} feed"
    return Price(_asset(request, reading), decimal_of(feed.price, 18), source, age)


def _asset(request: ReadRequest, reading: Reading) -> Asset:
    """The collateral; under the type's own name where its token was not read."""
    token, chain = reading.type.token, request.deployment.chain_id
    if isinstance(token, Failure):
        name = reading.vault.ilk_name
        key = f"{chain}/{name}"
        return Asset(key, name, key, chain_id=chain, known=False)
    name = reading.vault.ilk_name.rpartition("-")[0] or reading.vault.ilk_name
    return request.tokens.at(chain, token.address, symbol=name, decimals=token.decimals)


def _rule(request: ReadRequest, reading: Reading, collateral: Asset) -> SkyRule:
    """The rule. A feed's own answer counts only if a poke would write it."""
    kind, simulated = reading.type, _known(reading.type.simulated)
    price = None if kind.feed is None else _known(kind.feed.price)
    if simulated is not None and not simulated.poked:
        price = None
    return SkyRule(
        request.block.timestamp,
        _known(reading.urn),
        _known(kind.ilk),
        _known(kind.fee),
        _known(kind.mat),
        _known(reading.system.par),
        price,
        None if simulated is None else simulated.spot,
        _known(reading.system.live),
        _known(reading.unlocked) or 0,
        collateral.key,
    )


def _venue_answer(reading: Reading, rule: SkyRule) -> VenueAnswer | Failure | None:
    """The rate, spot and verdict of the contracts themselves, after a simulated drip and poke."""
    simulated, bark = reading.type.simulated, bark_of(reading)
    if not owes(reading):
        return None
    if isinstance(simulated, Failure):
        return simulated
    figures = {"rate": simulated.rate}
    if rule.price is not None:
        # Where the feed does not answer us, our spot is the simulated one and proves nothing.
        figures["spot"] = simulated.spot
    if bark is not None and bark.safe is not None:
        figures["safe"] = int(bark.safe)
    return VenueAnswer(figures, source="poke, drip, vat.ilks and bark, simulated")


def _failure(reading: Reading, rule: SkyRule, judgement: Judgement) -> Failure | None:
    """Why the vault cannot be judged; None where it can be."""
    if judgement.actionable.liquidatable is not None:
        return None
    kind, system = reading.type, reading.system
    needed: list[object] = [reading.urn, kind.ilk, kind.mat, kind.fee, system.par, system.live]
    if rule.price is None:
        needed.append(kind.simulated)
    for read in needed:
        if isinstance(read, Failure):
            return read
    if rule.live is False:
        detail = "the system was shut down: vaults are settled, not liquidated"
        return Failure(Reason.PENDING_SETTLEMENT, "global_settlement", detail)
    if rule.actionable_spot() == 0:
        return Failure(Reason.NO_PRICE, "zero_spot", "the feed has no price: nothing can be judged")
    return _OVERFLOW


def _mismatch(parity: Parity) -> Failure:
    """Our figures differ from the contracts': their arithmetic is not the one we know."""
    differing = ", ".join(f"{name} {off:+d}" for name, off in parity.differences.items() if off)
    return Failure(Reason.CODE_CHANGED, "parity_mismatch", f"ours minus the venue's: {differing}")


def _legs(
    request: ReadRequest, reading: Reading, rule: SkyRule, collateral: Asset
) -> Iterator[Leg]:
    """Collateral locked and not locked, and the debt with the fees up to the block."""
    vault, system = reading.vault, reading.system
    vat = "" if isinstance(system.vat, Failure) else system.vat
    missing = reading.type.token if isinstance(reading.type.token, Failure) else None
    urn = _known(reading.urn)
    call = f"urns({vault.ilk_name}, {vault.urn})"
    if urn is not None and urn.ink:
        yield _leg(COLLATERAL, Spot(collateral), urn.ink, 18, vat, call, missing)
    if urn is not None and urn.art:
        rate, dai = rule.actionable_rate(), system.dai
        debt = _debt_asset(request, dai)
        failure = _rate_failure(reading) if rate is None else None
        failure = dai if isinstance(dai, Failure) else failure
        owed = 0 if rate is None else urn.art * rate
        yield _leg(DEBT, Debt(debt), owed, 45, vat, call, failure)
    if isinstance(reading.unlocked, Failure):
        yield _leg(UNLOCKED, Spot(collateral), 0, 18, vat, call, reading.unlocked)
    elif reading.unlocked:
        call = f"gem({vault.ilk_name}, {vault.urn})"
        yield _leg(UNLOCKED, Spot(collateral), reading.unlocked, 18, vat, call, missing)


def _leg(
    name: str,
    held: Spot | Debt,
    raw: int,
    decimals: int,
    vat: str,
    call: str,
    failure: Failure | None,
) -> Leg:
    """The leg of an amount as the vat keeps it; a failed one where a part was not read."""
    if failure is not None:
        return Leg(name, held, Decimal(0), failure=failure)
    quantity = decimal_of(-raw if isinstance(held, Debt) else raw, decimals)
    return Leg(name, held, quantity, raw=RawAmount(raw, decimals, vat, call))


def _debt_asset(request: ReadRequest, dai: str | Failure) -> Asset:
    """The token owed."""
    if isinstance(dai, Failure):
        return request.tokens.named("DAI")
    return request.tokens.at(request.deployment.chain_id, dai, symbol="DAI", decimals=18)


def _rate_failure(reading: Reading) -> Failure:
    """Why the rate is not known, should it not be."""
    for read in (reading.type.ilk, reading.type.fee):
        if isinstance(read, Failure):
            return read
    return _OVERFLOW


def _penalty(reading: Reading) -> Decimal | None:
    """The auction's penalty as a share of the debt; None where it was not read."""
    chop = reading.type.chop
    # A type that no longer is, or never was, liquidated by auction has no penalty.
    return None if isinstance(chop, Failure) or chop < WAD else decimal_of(chop - WAD, 18)


def _terms(reading: Reading) -> LiquidationTerms | None:
    """One call auctions the whole vault; what the auction leaves over is the owner's again."""
    penalty, ilk = _penalty(reading), reading.type.ilk
    if penalty is None or isinstance(ilk, Failure):
        return None
    return LiquidationTerms(
        Decimal(1),
        penalty,
        "debt",
        seizes_all=True,
        minimum_usd=decimal_of(ilk.dust, 45),
        bad_debt="protocol",
    )


def _labels(reading: Reading, rule: SkyRule) -> dict[str, str]:
    """What the numbers do not say: whose the vault is, and where the price came from."""
    labels = {
        "ilk": reading.vault.ilk_name,
        "cdp": str(reading.vault.cdp),
        "urn": reading.vault.urn,
        "price": "feed" if rule.price is not None else "simulated poke",
    }
    simulated = _known(reading.type.simulated)
    if simulated is not None and not simulated.poked:
        labels["price"] = "stored"
    bark = bark_of(reading)
    if bark is not None and bark.safe is False and bark.refusal:
        labels["blocked"] = bark.refusal
    return labels


def _read_problems(reading: Reading, severity: Severity) -> Iterator[tuple[Problem, Failure]]:
    """Every failed read with its place. A feed that answers only the spotter is no problem."""
    kind, system = reading.type, reading.system
    places: list[tuple[object, str]] = [
        (reading.urn, ""),
        (reading.unlocked, UNLOCKED),
        (kind.ilk, ""),
        (kind.mat, ""),
        (kind.fee, ""),
        (kind.simulated, ""),
        (system.par, ""),
        (system.live, ""),
        (kind.token, COLLATERAL),
        (system.dai, DEBT),
        (kind.chop, ""),
    ]
    for read, leg in places:
        if isinstance(read, Failure):
            yield _problem(reading, read, severity, leg), read
    if kind.feed is not None:
        for read in (kind.feed.price, kind.feed.following, kind.feed.updated):
            if isinstance(read, Failure) and read.reason is not Reason.CALL_REVERTED:
                yield _problem(reading, read, Severity.NOTE), read


def _problem(reading: Reading, failure: Failure, severity: Severity, leg: str = "") -> Problem:
    action = "read again, or ask another endpoint" if severity is Severity.READ else ""
    return Problem.of(
        failure,
        venue=VENUE,
        account=reading.vault.id,
        leg=leg,
        action=action,
        severity=severity,
    )


def _known(value: T | Failure) -> T | None:
    return None if isinstance(value, Failure) else value
