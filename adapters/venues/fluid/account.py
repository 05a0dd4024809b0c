"""A margin account from one Fluid position: legs, the vault's verdict, what has no value here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ....core.book.health import VenueAnswer
from ....core.book.model import Asset, Debt, Leg, LiquidationTerms, MarginAccount, Spot
from ....core.errors import Failure, Problem, Reason
from ....core.units import BPS, WAD, decimal_of
from ...address import checksum_address
from ...base import ReadRequest
from ...viewed.rule import Counted, PriceAnchor, ViewedRule
from ...viewed.tokens import asset_leg
from .position import Side, VaultPosition

__all__ = ["KIND", "MEASURE", "VENUE", "build_account", "unread_account"]

VENUE = KIND = "fluid"
MEASURE = "threshold value / debt"
COLLATERAL, DEBT = "collateral", "debt"
_SHARES = Failure(
    Reason.NOT_SUPPORTED, "dex_shares", "an amount of DEX shares, whose value is not read here"
)
_TYPES = {10_000: "T1", 20_000: "T2", 30_000: "T3", 40_000: "T4"}


def build_account(
    request: ReadRequest,
    position: VaultPosition,
    resolver: str,
    assets: Mapping[str, Asset | Failure],
) -> MarginAccount:
    """The account of a position; ``assets`` are its tokens by lower-case address."""
    source = (resolver, f"positionByNftId({position.nft})")
    sides = ((COLLATERAL, position.collateral), (DEBT, position.debt))
    legs = tuple(_leg(request, name, side, assets, source) for name, side in sides if side.raw)
    failure = _unpriced(position)
    rule = _rule(position, assets, failure)
    missing = [leg for leg in legs if leg.failure is not None]
    return MarginAccount(
        venue=VENUE,
        id=str(position.nft),
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=legs,
        rule=rule,
        judgement=rule.judge(),
        venue_answer=VenueAnswer(_figures(position), source=source[1]),
        penalty=decimal_of(position.penalty, 4),
        terms=LiquidationTerms(Decimal(1), decimal_of(position.penalty, 4), bad_debt="protocol"),
        failure=failure,
        problems=(
            *(() if failure is None else (_problem(position.nft, failure),)),
            *(_problem(position.nft, leg.failure, leg.id) for leg in missing if leg.failure),
        ),
        labels=_labels(position),
    )


def unread_account(request: ReadRequest, nft: int, failure: Failure) -> MarginAccount:
    """A position that is the owner's and could not be read."""
    return MarginAccount(
        venue=VENUE,
        id=str(nft),
        chain_id=request.deployment.chain_id,
        holder=request.owner,
        legs=(),
        rule=ViewedRule(KIND, MEASURE, None, None),
        failure=failure,
        problems=(_problem(nft, failure),),
    )


def _leg(
    request: ReadRequest,
    name: str,
    side: Side,
    assets: Mapping[str, Asset | Failure],
    source: tuple[str, str],
) -> Leg:
    if not side.is_shares:
        return asset_leg(name, assets[side.token], side.raw, source, owed=name == DEBT)
    key = f"{request.deployment.chain_id}/{side.contract}"
    shares = Asset(key, "DEX shares", key, chain_id=request.deployment.chain_id, known=False)
    held = Debt(shares) if name == DEBT else Spot(shares)
    return Leg(name, held, Decimal(0), failure=_SHARES)


def _unpriced(position: VaultPosition) -> Failure | None:
    """Why the position cannot be judged: the vault refuses the oracle's price too."""
    if not position.owes or position.has_price:
        return None
    return Failure(Reason.NO_PRICE, "oracle_price", f"the oracle says {position.price}"[:100])


def _rule(
    position: VaultPosition, assets: Mapping[str, Asset | Failure], failure: Failure | None
) -> ViewedRule:
    judged = position.owes and failure is None
    return ViewedRule(
        KIND,
        MEASURE,
        position.health if judged else None,
        position.owes,
        covered=not judged or position.is_covered,
        counted=(
            Counted(
                COLLATERAL,
                position.collateral.raw,
                _decimals(position.collateral, assets),
                position.threshold * WAD // BPS,
            ),
            Counted(DEBT, position.debt.raw, _decimals(position.debt, assets), owed=True),
        ),
        anchor=_anchor(position, assets) if judged else None,
        empty=not position.owes and position.collateral.raw == 0,
    )


def _decimals(side: Side, assets: Mapping[str, Asset | Failure]) -> int:
    """The token's decimals; DEX shares have 18."""
    asset = assets.get(side.token)
    return asset.decimals if isinstance(asset, Asset) and not side.is_shares else 18


def _anchor(position: VaultPosition, assets: Mapping[str, Asset | Failure]) -> PriceAnchor | None:
    """The oracle's price, where both sides are tokens and not the same one."""
    held, owed = (assets.get(side.token) for side in (position.collateral, position.debt))
    if not isinstance(held, Asset) or not isinstance(owed, Asset) or held.key == owed.key:
        return None
    if position.collateral.is_shares or position.debt.is_shares:
        return None
    return PriceAnchor(held.key, position.price, 27 + owed.decimals - held.decimals, owed.key)


def _figures(position: VaultPosition) -> dict[str, int]:
    """What the resolver said, under its own names."""
    return {
        "supply": position.collateral.raw,
        "borrow": position.debt.raw,
        "dustBorrow": position.dust,
        "tick": position.tick,
        "isLiquidated": int(position.is_liquidated),
        "liquidationThreshold": position.threshold,
        "oraclePriceLiquidate": position.price,
    }


def _labels(position: VaultPosition) -> dict[str, str]:
    labels = {
        "vault": checksum_address(position.vault),
        "vault_id": str(position.vault_id),
        "vault_type": _TYPES.get(position.vault_type, str(position.vault_type)),
        "nft": str(position.nft),
    }
    for name, side in (("smart_collateral", position.collateral), ("smart_debt", position.debt)):
        if side.is_shares:
            labels[name] = f"{checksum_address(side.token)} {checksum_address(side.second_token)}"
    return labels | ({"status": "was_liquidated"} if position.is_liquidated else {})


def _problem(nft: int, failure: Failure, leg: str = "") -> Problem:
    lasting = failure.reason is Reason.NOT_SUPPORTED
    action = "value the shares elsewhere" if lasting else "read again, or ask another endpoint"
    return Problem.of(failure, venue=VENUE, account=str(nft), leg=leg, action=action)
