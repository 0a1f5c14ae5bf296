"""Interfaces that nothing in a network can tell apart, so that one answer serves all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from partywall.analysis.network.addresses import V6_START, Cidr
from partywall.analysis.network.model import Interface, Network
from partywall.analysis.network.world import World


@dataclass(frozen=True, slots=True)
class EndpointClass:
    """Interfaces of one subnet with one set of groups, whose addresses every rule treats alike.

    `v4` and `v6` are the addresses of its first member.
    """

    subnet: str
    vpc: str
    groups: tuple[str, ...] | None
    members: tuple[str, ...]
    v4: tuple[int, ...]
    v6: tuple[int, ...]

    @property
    def first(self) -> str:
        """The member that stands for all."""
        return self.members[0]


class Atoms:
    """The spans of addresses between the ends of all prefixes that some rule or route names."""

    def __init__(self, network: Network) -> None:
        starts = {0, V6_START}
        for prefix in _prefixes(network):
            starts.add(prefix.first)
            starts.add(prefix.last + 1)
        self._starts = sorted(starts)

    def of(self, address: int) -> int:
        """The number of the span that an address lies in."""
        return bisect_right(self._starts, address)


def _prefixes(network: Network) -> Iterable[Cidr]:
    for group in network.security_groups:
        yield from (rule.cidr for rule in group.rules or () if rule.cidr is not None)
    for held in network.prefix_lists:
        yield from held.entries or ()
    for acl in network.network_acls:
        yield from (entry.cidr for entry in acl.entries or ())
    for table in (*network.route_tables, *network.transit_gateway_route_tables):
        yield from (route.destination for route in table.routes or () if route.destination is not None)
    for policy in network.firewall_policies:
        for group in policy.stateless_groups:
            for rule in group.rules or ():
                yield from (*rule.sources, *rule.destinations)
        for group in policy.stateful_groups:
            for rule in group.rules or ():
                yield from (*(rule.sources or ()), *(rule.destinations or ()))


def classes(network: Network) -> list[EndpointClass]:
    """All interfaces by class, ordered by VPC and subnet."""
    atoms = Atoms(network)
    found: dict[tuple[object, ...], list[Interface]] = {}
    states = {id: endpoint.state for endpoint in network.endpoints for id in endpoint.interfaces}
    for each in network.interfaces:
        own = (*(address.private for address in each.addresses), *each.ipv6)
        key = (
            each.vpc,
            each.subnet,
            None if each.groups is None else tuple(sorted(each.groups)),
            each.status,
            each.kind if each.kind in ("vpc_endpoint", "nat_gateway") else "",
            states.get(each.id, ""),
            frozenset(
                (
                    *((at := atoms.of(address), at) for address in own),
                    *((atoms.of(held.first), atoms.of(held.last)) for held in each.prefixes),
                )
            ),
            bool(each.addresses),
            bool(each.ipv6),
            each.deny_all_igw,
        )
        found.setdefault(key, []).append(each)
    ordered = sorted(found.values(), key=lambda members: (members[0].vpc, members[0].subnet, members[0].id))
    return [
        EndpointClass(
            members[0].subnet,
            members[0].vpc,
            None if (groups := members[0].groups) is None else tuple(sorted(groups)),
            tuple(each.id for each in members),
            tuple(each.private for each in members[0].addresses),
            members[0].ipv6,
        )
        for members in ordered
    ]


class Digests:
    """Fingerprints of what answers rest on, alike in every process, so that answers outlive a scan."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._groups: dict[str, str] = {}
        self._vpcs: dict[str, str] = {}

    @cached_property
    def shared(self) -> str:
        """Of everything that is in no one VPC."""
        network = self._world.network
        return _digest(
            (
                network.prefix_lists,
                network.internet_gateways,
                network.egress_only_gateways,
                network.vpn_gateways,
                network.carrier_gateways,
                network.local_gateways,
                network.peerings,
                network.transit_gateways,
                network.transit_gateway_attachments,
                network.transit_gateway_route_tables,
                network.vpn_connections,
                network.virtual_interfaces,
                network.client_vpns,
                network.direct_connect_associations,
                network.firewalls,
                network.firewall_policies,
                network.block_public_access,
                network.block_public_access_exclusions,
                network.unread,
                self._world.assume_appliances_forward,
            )
        )

    def group(self, id: str) -> str:
        """Of one security group's rules."""
        if id not in self._groups:
            self._groups[id] = _digest((self._world.network.index["security_groups"].get(id),))
        return self._groups[id]

    def vpc(self, id: str) -> str:
        """Of a VPC's own routing: subnets, tables, lists, NAT gateways, endpoints, appliances."""
        if not self._vpcs:
            self._fill()
        return self._vpcs.get(id, "")

    def reach(self, id: str) -> str:
        """Of all that a packet in a VPC can meet: of every VPC where routes lead out of it to others."""
        network = self._world.network
        leads_out = any(
            route.target.startswith(("tgw-", "pcx-"))
            for table in network.route_tables
            if table.vpc == id
            for route in table.routes or ()
        )
        return self.shared + (self.all if leads_out else self.vpc(id))

    @cached_property
    def all(self) -> str:
        """Of every VPC."""
        return _digest(tuple(self.vpc(each.id) for each in self._world.network.vpcs))

    def _fill(self) -> None:
        network = self._world.network
        parts: dict[str, list[object]] = {each.id: [each] for each in network.vpcs}
        for held in (
            network.subnets,
            network.route_tables,
            network.network_acls,
            network.nat_gateways,
            network.endpoints,
        ):
            for each in held:
                parts.setdefault(each.vpc, []).append(each)
        for table in network.route_tables:
            for route in table.routes or ():
                if route.target.startswith(("eni-", "i-")):
                    held = self._world.interfaces.get(route.target)
                    appliances = [held] if held else self._world.instances.get(route.target, [])
                    for each in appliances:
                        parts.setdefault(table.vpc, []).append(each)
                        parts[table.vpc].extend(self.group(group) for group in each.groups or ())
        self._vpcs = {id: _digest(tuple(those)) for id, those in parts.items()}


def _digest(parts: Sequence[object]) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:32]
