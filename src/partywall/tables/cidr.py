"""Facts about CIDR blocks, computed once when rows are mapped: family, prefix length, size, reach."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, Final

from partywall.tables.types import Bool, Enum, Field, Float, Int, Str, Struct

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Special-purpose blocks that the internet does not route (IANA special-purpose address registries).
_NOT_ROUTED: Final[tuple[_Network, ...]] = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/127",
        "2001:db8::/32",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    )
)

CIDR_FIELDS: Final = (
    Field("cidr", Str, "cidr", ""),
    Field("family", Enum("ipv4", "ipv6", ""), "family", ""),
    Field("prefix_length", Int, "prefix_length", -1),
    Field("addresses", Float, "addresses", 0.0),
    Field("is_public", Bool, "is_public", False),
    Field("is_anywhere", Bool, "is_anywhere", False),
)
"""Struct members for a block: `addresses` is how many it holds, `is_public` that the internet routes some of
them, `is_anywhere` that it is the whole of IPv4 or IPv6. Where a rule names no block: "", -1, 0, false."""

CIDR: Final = Struct(*CIDR_FIELDS)


@lru_cache(maxsize=65536)
def cidr_facts(block: str) -> dict[str, Any]:
    """The members of `CIDR` for a block such as "10.0.0.0/8"; raises ValueError where it is none.

    Host bits are tolerated, as EC2 tolerates them in old rules. The dictionary is shared: do not change it.
    """
    network = ipaddress.ip_network(block, strict=False)
    return {
        "cidr": block,
        "family": f"ipv{network.version}",
        "prefix_length": network.prefixlen,
        "addresses": float(network.num_addresses),
        "is_public": is_public(block),
        "is_anywhere": network.prefixlen == 0,
    }


@lru_cache(maxsize=65536)
def is_public(block: str) -> bool:
    """Whether the internet routes any address of a block (or of one address without a prefix length)."""
    network = ipaddress.ip_network(block, strict=False)
    return not any(_inside(network, special) for special in _NOT_ROUTED)


def is_anywhere(block: str) -> bool:
    """Whether a block is the whole of IPv4 or of IPv6; False for text that is no block."""
    try:
        return bool(cidr_facts(block)["is_anywhere"])
    except ValueError:
        return False


def _inside(network: _Network, outer: _Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and network.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and network.subnet_of(outer)
