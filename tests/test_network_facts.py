"""Facts of address ranges (RFC 1918, 4193, 6598, 3927, 4291, 5737)."""

from __future__ import annotations

import pytest

from partywall.analysis.network_facts import cidr_facts, is_anywhere, is_public

CASES = [
    ("0.0.0.0/0", (4, 0, 2.0**32, True, True)),
    ("::/0", (6, 0, 2.0**128, True, True)),
    ("10.0.0.0/8", (4, 8, 2.0**24, False, False)),
    ("10.1.2.3/32", (4, 32, 1.0, False, False)),
    ("172.16.0.0/12", (4, 12, 2.0**20, False, False)),
    ("172.16.0.0/11", (4, 11, 2.0**21, True, False)),
    ("192.168.1.5/24", (4, 24, 256.0, False, False)),
    ("100.64.0.0/10", (4, 10, 2.0**22, False, False)),
    ("169.254.169.254", (4, 32, 1.0, False, False)),
    ("8.8.8.8/32", (4, 32, 1.0, True, False)),
    ("54.0.0.0/8", (4, 8, 2.0**24, True, False)),
    ("fd00::/8", (6, 8, 2.0**120, False, False)),
    ("fe80::1/128", (6, 128, 1.0, False, False)),
    ("2600:1f00::/24", (6, 24, 2.0**104, True, False)),
    (" 10.0.0.0/16 ", (4, 16, 65536.0, False, False)),
]


@pytest.mark.parametrize(("cidr", "expected"), CASES)
def test_ranges(cidr: str, expected: tuple[int, int, float, bool, bool]) -> None:
    found = cidr_facts(cidr)
    assert found is not None
    assert tuple(found.values()) == expected
    assert (is_public(cidr), is_anywhere(cidr)) == expected[3:]


@pytest.mark.parametrize("text", ["", "sg-1", "pl-123", "10.0.0.0/33", "10.0.0", "::g/0"])
def test_what_is_no_range_is_unknown(text: str) -> None:
    assert cidr_facts(text) is None
    assert is_public(text) is None
    assert is_anywhere(text) is None
