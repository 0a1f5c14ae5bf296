"""IPv4 and IPv6 addresses and prefixes as whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

V6_START: Final = 1 << 128
"""IPv4 addresses lie from 0, IPv6 ones from here on one axis, so that one set holds both families."""

BITS: Final = {4: 32, 6: 128}


@dataclass(frozen=True, order=True)
class Cidr:
    """A prefix: `version` 4 or 6, `network` its first address as a number, `length` its fixed bits."""

    version: int
    network: int
    length: int

    @cached_property
    def first(self) -> int:
        """Its first address on the axis of both families."""
        return self.network if self.version == 4 else V6_START + self.network

    @cached_property
    def last(self) -> int:
        """Its last address on the axis of both families."""
        return self.first + (1 << (BITS[self.version] - self.length)) - 1

    def holds(self, other: Cidr) -> bool:
        """Whether all of `other` lies within it."""
        return self.first <= other.first and other.last <= self.last

    def overlaps(self, other: Cidr) -> bool:
        """Whether an address lies in both."""
        return self.first <= other.last and other.first <= self.last

    def __contains__(self, address: int) -> bool:
        """Whether an address of the axis lies within it."""
        return self.first <= address <= self.last

    def __str__(self) -> str:
        return f"{text(self.first)}/{self.length}"


@lru_cache(maxsize=65536)
def cidr(written: str) -> Cidr:
    """A prefix as written (`10.0.0.0/16`, `2001:db8::/32`); a bare address is a prefix of that address alone.

    Host bits are dropped, as EC2 itself does. Raises ValueError for anything else.
    """
    network = ip_network(written.strip(), strict=False)
    return Cidr(network.version, int(network.network_address), network.prefixlen)


@lru_cache(maxsize=65536)
def address(written: str) -> int:
    """An address as written, on the axis of both families. Raises ValueError for anything else."""
    parsed = ip_address(written.strip())
    return int(parsed) if parsed.version == 4 else V6_START + int(parsed)


def version(place: int) -> int:
    """The family, 4 or 6, of an address of the axis."""
    return 6 if place >= V6_START else 4


def text(place: int) -> str:
    """An address of the axis as people write it."""
    return str(IPv6Address(place - V6_START) if place >= V6_START else IPv4Address(place))


def host(place: int) -> Cidr:
    """The prefix that holds one address of the axis alone."""
    if place >= V6_START:
        return Cidr(6, place - V6_START, 128)
    return Cidr(4, place, 32)


ANY4: Final = Cidr(4, 0, 0)
ANY6: Final = Cidr(6, 0, 0)
ANYWHERE: Final = {4: ANY4, 6: ANY6}
