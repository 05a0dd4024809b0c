"""The table of versions."""

from __future__ import annotations

import pytest

from crossmargin.adapters.aave_family.profile import (
    PROFILES,
    Evidence,
    Modes,
    Profile,
    profile_of_revision,
)
from crossmargin.core.errors import Failure, Reason


def test_every_revision_to_eleven_has_one_profile() -> None:
    """Each POOL_REVISION from 1 to 11 belongs to exactly one version."""
    revisions = [revision for profile in PROFILES.values() for revision in profile.revisions]
    assert sorted(revisions) == list(range(1, 12))


@pytest.mark.parametrize("revision", [0, 12, 99])
def test_an_unknown_revision_is_unsupported(revision: int) -> None:
    """A revision outside the table is a failure, never the nearest version."""
    found = profile_of_revision(revision)
    assert isinstance(found, Failure)
    assert found.reason is Reason.UNSUPPORTED_VERSION


@pytest.mark.parametrize("revision", range(1, 12))
def test_only_revisions_that_were_run_say_so(revision: int) -> None:
    """Revisions 1, 10 and 11 were run; every other one was read."""
    profile = profile_of_revision(revision)
    assert isinstance(profile, Profile)
    ran = profile.evidence(revision) is Evidence.RAN
    assert ran == (revision in {1, 10, 11})


@pytest.mark.parametrize(
    ("version", "directed", "exact", "skips", "bitmap", "short"),
    [
        ("3.0", False, False, True, False, False),
        ("3.1", False, False, True, False, False),
        ("3.2", False, False, True, True, False),
        ("3.3", False, False, True, True, False),
        ("3.4", False, False, True, True, True),
        ("3.5", True, True, True, True, True),
        ("3.6", True, True, False, True, True),
        ("3.7", True, True, False, True, True),
    ],
)
def test_the_arithmetic_of_each_version(
    version: str, directed: bool, exact: bool, skips: bool, bitmap: bool, short: bool
) -> None:
    """Rounding, health, threshold 0, eMode and compounding follow the table of versions."""
    profile = PROFILES[version]
    assert profile.directed_balances is profile.debt_value_up is directed
    assert profile.exact_health is profile.available_down is exact
    assert profile.skips_zero_threshold is skips
    assert (profile.modes is Modes.BITMAP) is bitmap
    assert profile.short_compounding is short
