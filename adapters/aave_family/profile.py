"""Which arithmetic a pool runs: one row per version of Aave v3, found by ``POOL_REVISION``.

Sources: revision 1 is the published npm package @aave/core-v3 1.19.3; the others the tags and the
history of the public repository aave-dao/aave-v3-origin (GenericLogic, LiquidationLogic,
ValidationLogic, MathUtils of each). ``ran`` revisions were compared with their own bytecode;
``source_read`` ones were only read.

A fork can change its arithmetic and keep its revision. ``DIRECTED`` is such a variant, read in the
public repository sparkdotfi/sparklend-v1-core (GenericLogic, LiquidationLogic): 3.0 in structure
and liquidation, 3.5 in the rounding of balances and values and in health. Only what the pool
itself answers can tell a variant from its base (``choice``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ...core.errors import Failure, Reason

__all__ = [
    "BY_NAME",
    "DIRECTED",
    "PROFILES",
    "Evidence",
    "Liquidation",
    "Modes",
    "Profile",
    "profile_of_revision",
]


class Evidence(StrEnum):
    """How a revision's arithmetic is known."""

    RAN = "ran"  # equal to the wei against the revision's own bytecode
    SOURCE_READ = "source_read"  # read in the source, not yet run


class Modes(StrEnum):
    """How eMode membership is stored."""

    CATEGORY = "category"  # a category number in the reserve's configuration word, price source
    BITMAP = "bitmap"  # a collateral bitmap in the category


class Liquidation(StrEnum):
    """Which generation of close factor and seizure the pool runs."""

    RESERVE_SHARE = "3.0"  # half of the reserve's debt above health 0.95, else all of it
    TOTAL_SHARE = "3.3"  # half of the account's debt if both sides are large and health > 0.95
    TOTAL_SHARE_CEIL = "3.5"  # the same; values and the debt of a capped seizure round up
    TOTAL_SHARE_DIRECTED = "3.7"  # the same; bonus and fee round for the protocol


@dataclass(frozen=True, slots=True)
class Profile:
    """The arithmetic of one version. Every flag names what the version does."""

    name: str
    revisions: tuple[int, ...]
    ran: frozenset[int]
    directed_balances: bool  # supply rounds down and debt up, instead of both half up
    debt_value_up: bool  # a debt's value rounds up, instead of down
    exact_health: bool  # health from the unrounded sum, instead of the average threshold
    available_down: bool  # available borrows round down, instead of half up
    short_compounding: bool  # the three-term form of 3.4, instead of the binomial one
    skips_zero_threshold: bool  # collateral with threshold 0 is left out, and cannot be seized
    modes: Modes
    zero_ltv_bitmap: bool  # LTV 0 inside eMode is a bit of the category, not the reserve's LTV
    isolated_modes: bool  # an isolated category gives outside collateral LTV 0
    stable_debt: bool  # stable-rate debt tokens exist and count
    reported_debt: bool  # a reserve without virtual accounting counts its token's balanceOf
    grace_period: bool  # a reserve can be excluded from liquidation for a time
    sentinel: bool  # a sequencer sentinel can block liquidation
    liquidation: Liquidation

    def evidence(self, revision: int) -> Evidence:
        """How well this revision is known."""
        return Evidence.RAN if revision in self.ran else Evidence.SOURCE_READ


def _profile(
    name: str,
    revisions: tuple[int, ...],
    *,
    ran: tuple[int, ...] = (),
    liquidation: Liquidation,
    reported_debt: bool = False,
) -> Profile:
    """One row of the table; what changed at a version is a comparison with its number."""
    minor = int(name.partition(".")[2])
    return Profile(
        name=name,
        revisions=revisions,
        ran=frozenset(ran),
        directed_balances=minor >= 5,
        debt_value_up=minor >= 5,
        exact_health=minor >= 5,
        available_down=minor >= 5,
        short_compounding=minor >= 4,
        skips_zero_threshold=minor <= 5,
        modes=Modes.CATEGORY if minor <= 1 else Modes.BITMAP,
        zero_ltv_bitmap=minor >= 6,
        isolated_modes=minor >= 7,
        stable_debt=minor <= 1,
        reported_debt=reported_debt,
        grace_period=minor >= 1,
        sentinel=minor <= 6,
        liquidation=liquidation,
    )


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        _profile("3.0", (1, 2, 3), ran=(1,), liquidation=Liquidation.RESERVE_SHARE),
        _profile("3.1", (4,), liquidation=Liquidation.RESERVE_SHARE),
        _profile("3.2", (5,), liquidation=Liquidation.RESERVE_SHARE),
        _profile("3.3", (6, 7), liquidation=Liquidation.TOTAL_SHARE, reported_debt=True),
        _profile("3.4", (8,), liquidation=Liquidation.TOTAL_SHARE),
        _profile("3.5", (9,), liquidation=Liquidation.TOTAL_SHARE_CEIL),
        _profile("3.6", (10,), ran=(10,), liquidation=Liquidation.TOTAL_SHARE_CEIL),
        _profile("3.7", (11,), ran=(11,), liquidation=Liquidation.TOTAL_SHARE_DIRECTED),
    )
}

DIRECTED = replace(
    PROFILES["3.0"],
    name="3.0-directed",
    ran=frozenset(),
    directed_balances=True,
    debt_value_up=True,
    exact_health=True,
)

BY_NAME: dict[str, Profile] = {**PROFILES, DIRECTED.name: DIRECTED}

_BY_REVISION = {revision: row for row in PROFILES.values() for revision in row.revisions}


def profile_of_revision(revision: int) -> Profile | Failure:
    """The profile of a ``POOL_REVISION``; an unknown one is a failure, never a guess."""
    known = _BY_REVISION.get(revision)
    if known is None:
        detail = f"POOL_REVISION {revision} is none of {min(_BY_REVISION)} to {max(_BY_REVISION)}"
        return Failure(Reason.UNSUPPORTED_VERSION, "pool_revision", detail)
    return known
