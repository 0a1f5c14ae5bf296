"""Interfaces that surely exist and that a scan did not list: of load balancers and managed services.

Filters look at the other side's address, routes at the subnet: so what reaches such an interface follows from
its subnet and groups alone, and any free address of the subnet stands for the one that it has.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

from partywall.analysis.network.addresses import address
from partywall.analysis.network.model import Interface, PrivateAddress, Subnet

_RESERVED: Final = address("240.0.0.0")
"""Class E (RFC 1112): no host has an address of it, so that none is taken twice."""
STAND_IN: Final = "stands for an interface that the scan did not list"


class StandIns:
    """Makes stand-ins in known subnets, each with addresses of its own."""

    def __init__(self, subnets: Iterable[Subnet], interfaces: Iterable[Interface]) -> None:
        self._subnets = {each.id: each for each in subnets}
        self._taken = {(each.vpc, a.private) for each in interfaces for a in each.addresses}
        self._public: set[int] = set()

    def make(
        self,
        owner: str,
        subnets: tuple[str, ...],
        groups: tuple[str, ...] | None,
        *,
        public: bool,
        kind: str = "interface",
        name: str = "",
    ) -> list[Interface]:
        """One per subnet that is known and has an IPv4 block; `public`: it has a public address, too."""
        found: list[Interface] = []
        for id_ in subnets:
            subnet = self._subnets.get(id_)
            private = self._free(subnet, owner) if subnet else None
            if subnet is None or private is None:
                continue
            self._taken.add((subnet.vpc, private))
            found.append(
                Interface(
                    f"{owner}/{id_}",
                    subnet.account,
                    subnet.region,
                    subnet.vpc,
                    id_,
                    (PrivateAddress(private, self._outer(owner + id_) if public else None),),
                    groups=groups,
                    kind=kind,
                    owner=owner,
                    description=STAND_IN,
                    name=name,
                )
            )
        return found

    def _free(self, subnet: Subnet, owner: str) -> int | None:
        block = next((c for c in subnet.cidrs if c.version == 4), None)
        if block is None:
            return None
        # AWS keeps the first four addresses of a subnet and the last one for itself.
        size = block.last - block.first - 4
        start = zlib.crc32(owner.encode())
        for step in range(max(size, 0)):
            place = block.first + 4 + (start + step) % size
            if (subnet.vpc, place) not in self._taken:
                return place
        return None

    def _outer(self, text: str) -> int:
        place = zlib.crc32(text.encode()) % (1 << 28)
        while place in self._public:
            place = (place + 1) % (1 << 28)
        self._public.add(place)
        return _RESERVED + place


def is_stand_in(interface: Interface) -> bool:
    """Whether an interface was made by `StandIns`."""
    return interface.description == STAND_IN
