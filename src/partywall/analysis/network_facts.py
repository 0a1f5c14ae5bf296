"""What an address range is: its size and whether the internet can reach or be reached by it."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, ip_network
from typing import Final, TypedDict

# RFC 1918, 6598, 3927, 1122 and 5735; RFC 4193, 4291 and 3879: never routed on the internet.
_PRIVATE: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/32",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/128",
        "::1/128",
        "2001:db8::/32",
        "fc00::/7",
        "fe80::/9",
        "ff00::/8",
    )
)


class CidrFacts(TypedDict):
    family: int
    """4 or 6."""
    prefix: int
    """Length of the network prefix in bits."""
    addresses: float
    """How many addresses it holds; a double, for IPv6 exceeds 64 bits."""
    public: bool
    """Some of its addresses are routed on the internet."""
    anywhere: bool
    """It is the whole of its family: 0.0.0.0/0 or ::/0."""


@lru_cache(maxsize=65536)
def _facts(cidr: str) -> tuple[int, int, float, bool, bool] | None:
    try:
        network = ip_network(cidr.strip(), strict=False)
    except ValueError:
        return None
    inside = any(
        network.version == private.version and network.subnet_of(private)  # type: ignore[arg-type]
        for private in _PRIVATE
    )
    return (
        4 if isinstance(network, IPv4Network) else 6,
        network.prefixlen,
        float(network.num_addresses),
        not inside,
        network.prefixlen == 0,
    )


def cidr_facts(cidr: str) -> CidrFacts | None:
    """The facts of an IPv4 or IPv6 range or single address in CIDR notation; None where it is neither."""
    found = _facts(cidr)
    if found is None:
        return None
    family, prefix, addresses, public, anywhere = found
    return CidrFacts(family=family, prefix=prefix, addresses=addresses, public=public, anywhere=anywhere)


def is_public(cidr: str) -> bool | None:
    """Whether some of the range is routed on the internet; None where the text is no range."""
    found = _facts(cidr)
    return found[3] if found else None


def is_anywhere(cidr: str) -> bool | None:
    """Whether the range is 0.0.0.0/0 or ::/0; None where the text is no range."""
    found = _facts(cidr)
    return found[4] if found else None
