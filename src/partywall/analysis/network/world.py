"""A network compiled for questions: who is where, which table and list a subnet uses, what was not read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import TypeVar

from partywall.analysis.network import client_vpn
from partywall.analysis.network.cells import Pieces, Point
from partywall.analysis.network.groups import Allowed, Groups
from partywall.analysis.network.model import (
    BlockPublicAccessExclusion,
    Gateway,
    Interface,
    NatGateway,
    Network,
    RouteTable,
    Subnet,
    TransitGatewayAttachment,
    TransitGatewayRoute,
    Unread,
    Vpc,
    VpcEndpoint,
)
from partywall.analysis.network.model import Route as VpcRoute
from partywall.analysis.network.nacl import Acl
from partywall.analysis.network.routes import Routes, transit_routes, vpc_routes
from partywall.analysis.network.sets import EMPTY, FULL

Item = TypeVar("Item")
Blamed = tuple[Unread, ...]


class World:
    """A network with its indexes. `assume_appliances_forward`: appliances pass all that is sent to them.

    What a third-party appliance lets through is its own configuration, which AWS does not know: without the
    assumption, answers past one are unknown.
    """

    def __init__(self, network: Network, assume_appliances_forward: bool = False) -> None:
        self.network = network
        self.assume_appliances_forward = assume_appliances_forward
        self.groups = Groups(network)
        self.vpcs: Mapping[str, Vpc] = network.index["vpcs"]
        self.subnets: Mapping[str, Subnet] = network.index["subnets"]
        self.interfaces: Mapping[str, Interface] = network.index["interfaces"]
        self.client_vpn_ends = client_vpn.ends(network)
        """(Client VPN endpoint, target subnet) -> its interface there."""
        if self.client_vpn_ends:
            made = {each.id: each for each in self.client_vpn_ends.values()}
            self.interfaces = {**made, **self.interfaces}
        self._tables: dict[str, Routes[VpcRoute]] = {}
        self._transit: dict[str, Routes[TransitGatewayRoute]] = {}
        self._acls: dict[str, Acl] = {}
        self._places: dict[str, Pieces[Subnet | None]] = {}
        self._vpc_subnets = _grouped((each.vpc, each) for each in network.subnets)
        self._held: dict[tuple[str, int], Interface] = {}
        self.public: dict[int, tuple[Interface, int]] = {}
        """Public and carrier addresses -> the interface and the private address they stand for."""
        self.private: dict[tuple[str, int], int] = {}
        """(VPC, private IPv4 address) -> its public address."""
        self.carrier: dict[tuple[str, int], int] = {}
        self._prefixes: dict[str, list[tuple[int, int, Interface]]] = {}
        """VPC -> first and last address of delegated prefixes, in order, and who has them."""
        self._taken: dict[str, list[int]] = {}
        self.nat_at: dict[tuple[str, int], NatGateway] = {}
        """(VPC, private address) -> the NAT gateway there."""
        for nat in network.nat_gateways:
            for address in nat.addresses:
                if address.private is not None:
                    self.nat_at[nat.vpc, address.private] = nat
        for each in self.interfaces.values():
            self._enter(each)
        self.endpoint_of: dict[str, VpcEndpoint] = {
            interface: each for each in network.endpoints for interface in each.interfaces
        }
        self.instances = _grouped((each.instance, each) for each in network.interfaces if each.instance)
        self.attachments: dict[tuple[str, str], TransitGatewayAttachment] = {
            (each.transit_gateway, each.id): each for each in network.transit_gateway_attachments
        }
        self._vpc_attachments = {
            (each.transit_gateway, each.resource): each
            for each in network.transit_gateway_attachments
            if each.kind == "vpc"
        }
        self._table_of = {subnet: each for each in network.route_tables for subnet in each.subnets}
        self._main_of = {each.vpc: each for each in network.route_tables if each.main}
        self._edge_of = {
            (gateway, each.vpc): each for each in network.route_tables for gateway in each.gateways
        }
        self._acl_of = {subnet: each for each in network.network_acls for subnet in each.subnets}
        self._default_acl = {each.vpc: each for each in network.network_acls if each.default}
        self._association = {
            (table.transit_gateway, attachment): table
            for table in network.transit_gateway_route_tables
            for attachment in table.associations
        }
        self._bpa = {(each.account, each.region): each.mode for each in network.block_public_access}
        self._exclusions: dict[str, list[BlockPublicAccessExclusion]] = _grouped(
            (each.subnet or each.vpc, each)
            for each in network.block_public_access_exclusions
            if each.state
            in ("create-complete", "update-complete", "update-in-progress", "disable-in-progress")
        )
        self.firewall_of = {endpoint: each for each in network.firewalls for endpoint in each.endpoints}
        self._gateways: dict[str, Gateway] = {
            each.id: each
            for those in (
                network.internet_gateways,
                network.egress_only_gateways,
                network.vpn_gateways,
                network.carrier_gateways,
                network.local_gateways,
            )
            for each in those
        }

    def _enter(self, each: Interface) -> None:
        for address in each.addresses:
            self._held[each.vpc, address.private] = each
            if address.public is not None:
                self.public[address.public] = (each, address.private)
                self.private[each.vpc, address.private] = address.public
            if address.carrier is not None:
                self.public[address.carrier] = (each, address.private)
                self.carrier[each.vpc, address.private] = address.carrier
        for address in each.ipv6:
            self._held[each.vpc, address] = each
        for prefix in each.prefixes:
            insort(
                self._prefixes.setdefault(each.vpc, []), (prefix.first, prefix.last, each), key=itemgetter(0)
            )

    def holder(self, vpc: str, point: Point) -> Interface | None:
        """The interface that has an address in a VPC; the point is narrowed to what is surely alike."""
        found = self._held.get((vpc, point.value))
        if found is not None:
            point.narrow(point.value, point.value)
            return found
        delegated = self._prefixes.get(vpc, [])
        place = bisect_right(delegated, point.value, key=itemgetter(0))
        if place > 0:
            first, last, holder = delegated[place - 1]
            if point.value <= last:
                point.narrow(first, last)
                return holder
            point.low = max(point.low, last + 1)
        if place < len(delegated):
            point.high = min(point.high, delegated[place][0] - 1)
        taken = self._taken.get(vpc)
        if taken is None:
            taken = self._taken[vpc] = sorted(
                {at for where, at in (*self._held, *self.nat_at) if where == vpc}
            )
        index = bisect_left(taken, point.value)
        if index < len(taken) and taken[index] == point.value:
            # A NAT gateway's, whose interface was not read.
            point.narrow(point.value, point.value)
            return None
        if index > 0:
            point.low = max(point.low, taken[index - 1] + 1)
        if index < len(taken):
            point.high = min(point.high, taken[index] - 1)
        return None

    def subnet_at(self, vpc: str, point: Point) -> Subnet | None:
        """The subnet of a VPC that an address lies in."""
        places = self._places.get(vpc)
        if places is None:
            subnets = self._vpc_subnets.get(vpc, [])

            def compute(at: int) -> Subnet | None:
                return next((each for each in subnets if any(at in prefix for prefix in each.cidrs)), None)

            places = Pieces((prefix for each in subnets for prefix in each.cidrs), compute)
            self._places[vpc] = places
        return places.at(point)

    def subnets_of(self, vpc: str) -> list[Subnet]:
        """The subnets of a VPC that were read."""
        return self._vpc_subnets.get(vpc, [])

    def gateway(self, id: str) -> Gateway | None:
        """An internet, egress-only, virtual private, carrier or local gateway."""
        return self._gateways.get(id)

    def table_of(self, subnet: Subnet) -> RouteTable | Blamed:
        """The route table a subnet uses, its own or the main one, or why that is not known."""
        found = self._table_of.get(subnet.id)
        if found is None:
            blamed = self.network.unlisted("route_tables", subnet.account, subnet.region)
            found = self._main_of.get(subnet.vpc)
            if blamed or found is None:
                return blamed or self.network.blame("route_tables", subnet.id, subnet.account, subnet.region)
        if found.routes is None:
            return self.network.blame("route_tables", found.id, found.account, found.region)
        return found

    def edge_table(self, gateway: str, vpc: Vpc) -> RouteTable | Blamed | None:
        """The route table associated with a gateway of a VPC; None where there surely is none."""
        found = self._edge_of.get((gateway, vpc.id))
        if found is None:
            return self.network.unlisted("route_tables", vpc.account, vpc.region) or None
        if found.routes is None:
            return self.network.blame("route_tables", found.id, found.account, found.region)
        return found

    def routes(self, table: RouteTable) -> Routes[VpcRoute]:
        """A VPC's route table by address."""
        found = self._tables.get(table.id)
        if found is None:
            vpc = self.vpcs.get(table.vpc)
            found = vpc_routes(self.network, table, vpc.cidrs if vpc else ())
            self._tables[table.id] = found
        return found

    def acl_of(self, subnet: Subnet) -> Acl | Blamed:
        """The network ACL a subnet uses, or why that is not known."""
        held = self._acl_of.get(subnet.id)
        if held is None:
            blamed = self.network.unlisted("network_acls", subnet.account, subnet.region)
            held = self._default_acl.get(subnet.vpc)
            if blamed or held is None:
                return blamed or self.network.blame("network_acls", subnet.id, subnet.account, subnet.region)
        if held.entries is None:
            return self.network.blame("network_acls", held.id, held.account, held.region)
        found = self._acls.get(held.id)
        if found is None:
            found = self._acls[held.id] = Acl(held)
        return found

    def judged(self, subnet: Subnet, egress: bool, remote: Point) -> tuple[str, Allowed]:
        """A subnet's network ACL's id and what it lets through to or from a remote address."""
        acl = self.acl_of(subnet)
        if isinstance(acl, Acl):
            return acl.held.id, acl.allowed(egress, remote)
        return subnet.id, Allowed(EMPTY, FULL, acl)

    def vpc_attachment(self, transit_gateway: str, vpc: str) -> TransitGatewayAttachment | None:
        """The attachment of a VPC to a transit gateway."""
        return self._vpc_attachments.get((transit_gateway, vpc))

    def transit_table(
        self, attachment: TransitGatewayAttachment
    ) -> Routes[TransitGatewayRoute] | Blamed | str:
        """The routes that packets from an attachment take: "" where it is associated with no table."""
        kind = "transit_gateway_route_tables"
        table = self._association.get((attachment.transit_gateway, attachment.id))
        if table is None and attachment.route_table:
            table = self.network.index[kind].get(attachment.route_table)
            if table is None:
                return self.network.blame(kind, attachment.route_table, attachment.account, attachment.region)
        if table is None:
            if attachment.route_table is None:
                return self.network.blame(
                    "transit_gateway_attachments", attachment.id, attachment.account, attachment.region
                )
            return self.network.unlisted(kind, "", attachment.region) or ""
        if table.routes is None:
            return self.network.blame(kind, table.id, table.account, table.region)
        found = self._transit.get(table.id)
        if found is None:
            kinds = {
                id: each.kind
                for (gateway, id), each in self.attachments.items()
                if gateway == table.transit_gateway
            }
            found = self._transit[table.id] = transit_routes(self.network, table, kinds)
        return found

    def transit_table_id(self, attachment: TransitGatewayAttachment) -> str:
        """The id of the table an attachment is associated with, "" where there is none or it is not known."""
        table = self._association.get((attachment.transit_gateway, attachment.id))
        return table.id if table is not None else attachment.route_table or ""

    def block_mode(self, vpc: Vpc, subnet: str) -> str | Blamed:
        """How VPC Block Public Access bears on a subnet: its mode, or allow-egress.

        VPC User Guide, "VPC BPA basics": exclusions that allow egress count in bidirectional mode only.
        """
        mode = self._bpa.get((vpc.account, vpc.region))
        if mode is None:
            return self.network.unlisted("block_public_access", vpc.account, vpc.region) or "off"
        if mode == "off":
            return "off"
        excluded = [*self._exclusions.get(subnet, ()), *self._exclusions.get(vpc.id, ())]
        if any(each.mode == "allow-bidirectional" for each in excluded):
            return "off"
        unread = self.network.unlisted("block_public_access_exclusions", vpc.account, vpc.region)
        if unread:
            return unread
        if mode == "block-bidirectional" and any(each.mode == "allow-egress" for each in excluded):
            return "allow-egress"
        return mode


def _grouped(pairs: Iterable[tuple[str, Item]]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for key, item in pairs:
        found.setdefault(key, []).append(item)
    return found
