"""Addresses: what is accepted, what is refused, and the checksum."""

from __future__ import annotations

import pytest

from crossmargin.adapters.address import checksum_address
from crossmargin.core.errors import AddressError

# The examples of EIP-55.
CHECKSUMMED = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
)


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_any_one_case_and_the_right_checksum_are_accepted(address):
    """An address in one case, or with its checksum, comes out with its checksum."""
    for text in (address, address.lower(), "0x" + address[2:].upper()):
        assert checksum_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "vitalik.eth",
        "0x" + "1" * 39,
        "0x" + "1" * 41,
        "0x" + "g" * 40,
        "1" * 40,
        "x" * 999,
    ],
)
def test_what_is_no_address_is_refused_in_one_line(text):
    """Anything but 0x and 40 hexadecimal digits is refused with one short line."""
    with pytest.raises(AddressError) as caught:
        checksum_address(text, field="owner")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    assert caught.value.field == "owner"


def test_a_mistyped_case_is_refused():
    """Mixed case that is not the checksum shows a mistyped digit."""
    with pytest.raises(AddressError, match="checksum"):
        checksum_address("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
