"""Deployment files: the layout that is read, and the field that a refusal names."""

from __future__ import annotations

import pytest

from crossmargin.adapters.registry import load_deployments, parse_deployments
from crossmargin.core.errors import AddressError, InputError

POOL = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
GOOD = f"""
[[deployment]]
venue = "aave-v3"
chain_id = "eip155:1"
market = "core"
[deployment.contracts]
pool = "{POOL.lower()}"
[deployment.settings]
start_block = 16291127
"""


def test_a_deployment_is_read_with_its_address_checksummed():
    """Every part of the table arrives; a lower-case address gets its checksum."""
    (deployment,) = parse_deployments(GOOD)
    assert (deployment.venue, deployment.chain_id, deployment.market) == (
        "aave-v3",
        "eip155:1",
        "core",
    )
    assert deployment.contracts == {"pool": POOL}
    assert deployment.settings == {"start_block": 16291127}


def test_a_venues_own_file_may_leave_the_venue_out():
    """Inside a venue's package the venue is known already."""
    (deployment,) = parse_deployments(GOOD.replace('venue = "aave-v3"', ""), "aave-v3")
    assert deployment.venue == "aave-v3"


def test_a_callers_file_is_read_by_its_path(tmp_path):
    """The same layout is read from a file."""
    path = tmp_path / "deployments.toml"
    path.write_text(GOOD)
    assert load_deployments(path) == parse_deployments(GOOD)


def test_a_file_that_cannot_be_read_is_an_input_error(tmp_path):
    """A missing file, or one that is not text, is the caller's to mend."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "missing.toml", binary):
        with pytest.raises(InputError):
            load_deployments(path)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('venue = "aave-v3"', "", "deployment[0].venue"),
        ('venue = "aave-v3"', 'venue = "Aave V3"', "deployment[0].venue"),
        ('"eip155:1"', '"1"', "deployment[0].chain_id"),
        ('"eip155:1"', "1", "deployment[0].chain_id"),
        ('market = "core"', "", "deployment[0].market"),
        (f'pool = "{POOL.lower()}"', "", "deployment[0].contracts"),
        (f'"{POOL.lower()}"', "1", "deployment[0].contracts.pool"),
        ("[deployment.settings]", "[deployment.extras]", "deployment[0].extras"),
        ("[[deployment]]", "[[deployments]]", "deployments"),
        ("[[deployment]]", "[[deployment", "deployments"),
    ],
)
def test_a_wrong_field_is_named(old, new, field):
    """A deployment that cannot be used is refused with the place of the fault."""
    with pytest.raises(InputError) as caught:
        parse_deployments(GOOD.replace(old, new, 1))
    assert caught.value.field == field


@pytest.mark.parametrize("address", ["0x12", POOL.replace("B", "b", 1)])
def test_a_wrong_address_is_refused_with_its_role(address):
    """A malformed or wrongly checksummed contract address names its role."""
    with pytest.raises(AddressError) as caught:
        parse_deployments(GOOD.replace(POOL.lower(), address))
    assert caught.value.field == "deployment[0].contracts.pool"


def test_another_venue_in_a_venues_own_file_is_refused():
    """A venue's own file holds that venue and no other."""
    with pytest.raises(InputError, match="venue"):
        parse_deployments(GOOD, "morpho-blue")


def test_a_deployment_that_is_there_twice_is_refused():
    """Two tables of one name would be read, and counted, twice."""
    with pytest.raises(InputError, match="twice"):
        parse_deployments(GOOD + GOOD)
