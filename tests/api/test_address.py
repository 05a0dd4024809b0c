"""Addresses as people type them."""

import pytest

from crossmargin.adapters.address import checksum_address
from crossmargin.api.address import read_accounts, read_owner
from crossmargin.core.errors import AddressError

# The examples of EIP-55.
CHECKSUMMED = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_any_single_case_gives_the_checksummed_form(address):
    """Lower case, upper case and the checksum itself all read as the checksum."""
    for form in (address, address.lower(), "0X" + address[2:].upper(), f"  {address}\n"):
        assert read_owner(form) == address
    assert checksum_address(address.lower()) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no address"),
        ("0x1234", "4 digits"),
        ("0x" + "a" * 41, "41 digits"),
        ("vitalik.eth", "name"),
        ("0x" + "g" * 40, "not an address"),
        ("x" * 1_000_000, "not an address"),
        ("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "not an address"),
        ("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "checksum"),
    ],
)
def test_what_is_no_address_is_said_why(text, said):
    """A wrong address is refused with its field and with what is wrong about it."""
    with pytest.raises(AddressError, match=said) as caught:
        read_owner(text, field="owner")
    assert caught.value.field == "owner"
    assert len(str(caught.value)) < 250


def test_owners_are_kept_in_order_and_once():
    """The same address in two cases is one owner."""
    first, second = CHECKSUMMED[2], CHECKSUMMED[3]
    assert read_accounts([second, first.lower(), first]) == (second, first)
