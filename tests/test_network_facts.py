"""Facts of address ranges (RFC 1918, 4193, 6598, 3927, 4291, 5737)."""

from __future__ import annotations

import pytest

from partywall.tables.cidr import cidr_facts, is_anywhere, is_public

CASES = [
    ("0.0.0.0/0", ("ipv4", 0, 2.0**32, True, True)),
    ("::/0", ("ipv6", 0, 2.0**128, True, True)),
    ("10.0.0.0/8", ("ipv4", 8, 2.0**24, False, False)),
    ("10.1.2.3/32", ("ipv4", 32, 1.0, False, False)),
    ("172.16.0.0/12", ("ipv4", 12, 2.0**20, False, False)),
    ("172.16.0.0/11", ("ipv4", 11, 2.0**21, True, False)),
    ("192.168.1.5/24", ("ipv4", 24, 256.0, False, False)),
    ("100.64.0.0/10", ("ipv4", 10, 2.0**22, False, False)),
    ("169.254.169.254", ("ipv4", 32, 1.0, False, False)),
    ("8.8.8.8/32", ("ipv4", 32, 1.0, True, False)),
    ("54.0.0.0/8", ("ipv4", 8, 2.0**24, True, False)),
    ("fd00::/8", ("ipv6", 8, 2.0**120, False, False)),
    ("fe80::1/128", ("ipv6", 128, 1.0, False, False)),
    ("2600:1f00::/24", ("ipv6", 24, 2.0**104, True, False)),
]


@pytest.mark.parametrize(("block", "expected"), CASES)
def test_ranges(block: str, expected: tuple[str, int, float, bool, bool]) -> None:
    found = cidr_facts(block)
    assert tuple(found.values()) == (block, *expected)
    assert (is_public(block), is_anywhere(block)) == expected[3:]


@pytest.mark.parametrize("text", ["", "sg-1", "pl-123", "10.0.0.0/33", "10.0.0", "::g/0"])
def test_what_is_no_range_has_no_facts(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear"):
        cidr_facts(text)
    assert is_anywhere(text) is False
