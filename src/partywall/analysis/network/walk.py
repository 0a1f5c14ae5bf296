"""Following one packet from where it is sent to where it arrives, within VPCs.

`walk_gateways` takes it through what joins VPCs to each other and to the world.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from partywall.analysis.network.addresses import cidr, host
from partywall.analysis.network.cells import Point
from partywall.analysis.network.groups import Allowed
from partywall.analysis.network.model import (
    Interface,
    NatGateway,
    Route,
    RouteTable,
    Subnet,
    Unread,
    Vpc,
)
from partywall.analysis.network.sets import ALL, EMPTY, FULL, NONE, Flows, forward, reply
from partywall.analysis.network.steps import End, Kind, Step

if TYPE_CHECKING:
    from partywall.analysis.network.world import Blamed, World

_ATTACHED = ("in-use", "associated", "attached")
_LINK_LOCAL = (cidr("169.254.169.0/24"), cidr("169.254.170.2/32"), cidr("fd00:ec2::/32"))
# Amazon VPC User Guide, "Control traffic to your AWS resources using security groups": what no group filters.
OWN_SERVICES = {
    "instance-metadata": (cidr("169.254.169.254/32"), cidr("fd00:ec2::254/128")),
    "time-sync": (cidr("169.254.169.123/32"), cidr("fd00:ec2::123/128")),
    "task-metadata": (cidr("169.254.170.2/32"),),
    "resolver": (cidr("169.254.169.253/32"), cidr("fd00:ec2::253/128")),
}
"""What every subnet reaches by itself, past groups, lists and routes: name -> addresses."""


class Walk:
    """One packet's way. Its steps gather in `steps`; `go_…` methods return the end."""

    def __init__(
        self, world: World, source: Point, destination: Point, is_reply: bool = False, zone: str = ""
    ) -> None:
        self.world = world
        self.source = source
        self.destination = destination
        self.is_reply = is_reply
        self.steps: list[Step] = []
        self.kept: bool | None = True
        """Whether references to security groups match after this way (None: perhaps)."""
        self.kept_egress: bool | None = True
        self.discarded: dict[bool, tuple[Kind, str, str]] = {}
        """By direction of the rules (egress): what first lost the groups of the other end, and why."""
        self.kept_unread: Blamed = ()
        """For lack of which it is not known whether groups are lost."""
        self.zone = zone
        self.entered = ""
        """By which kind of connection it came into the VPC it is in: "" none, peering, vpn, transit."""
        self.nat: NatGateway | None = None
        self.firewalls: dict[str, bool | None] = {}
        self.seen_firewalls: dict[str, bool | None] = {}
        """Of a reply: the firewall endpoints that saw the first packet."""
        self.appliance_zones: dict[str, Subnet] = {}
        """Attachment in appliance mode -> the subnet by which the flow came in; a reply's are the first's."""
        self.to_subnets = False
        """Whether a packet has arrived when it is in its destination's subnet, whoever is there."""
        self._visited: set[tuple[str, str]] = set()

    def visit(self, how: str, where: str) -> bool:
        """Whether the packet comes there for the first time; a second time it would go round for ever."""
        if (how, where) in self._visited:
            return False
        self._visited.add((how, where))
        return True

    def discard(
        self,
        kind: Kind,
        component: str,
        code: str = "SG_REFERENCES_NOT_PRESERVED",
        egress: bool | None = None,
    ) -> None:
        """Past a component, rules that name groups do not match (`egress` None: of either direction)."""
        for side in (False, True) if egress is None else (egress,):
            self.discarded.setdefault(side, (kind, component, code))
        if egress is not True:
            self.kept = False
        if egress is not False:
            self.kept_egress = False

    # What a step records.

    def note(
        self,
        kind: Kind,
        component: str,
        sure: Flows = ALL,
        maybe: Flows | None = None,
        code: str = "",
        vpc: str = "",
        subnet: str = "",
        holder: str = "",
        egress: bool = False,
        unread: Blamed = (),
    ) -> Step:
        """Record a step at the packet's present addresses; `maybe` is `sure` unless given."""
        step = Step(
            kind,
            component,
            self.is_reply,
            self.source.value,
            self.destination.value,
            sure,
            sure if maybe is None else maybe,
            code,
            vpc,
            subnet,
            holder,
            egress,
            unread=unread,
        )
        self.steps.append(step)
        return step

    def stop(
        self, kind: Kind, component: str, code: str, vpc: str = "", subnet: str = "", holder: str = ""
    ) -> None:
        """Record that a component stops every packet; the way is followed further to find what else does."""
        self.note(kind, component, NONE, NONE, code, vpc, subnet, holder)

    def lost(
        self, kind: Kind, component: str, code: str, vpc: str = "", subnet: str = "", holder: str = ""
    ) -> End:
        """Record that a component stops every packet and that it goes no further."""
        self.stop(kind, component, code, vpc, subnet, holder)
        return End("lost", component, vpc, self.source)

    def doubt(self, kind: Kind, component: str, unread: Blamed, vpc: str = "", subnet: str = "") -> None:
        """Record that nothing is known of what a component lets through."""
        self.note(kind, component, NONE, ALL, "UNKNOWN_RESOURCE", vpc, subnet, unread=unread)

    def unknown(self, kind: Kind, component: str, unread: Blamed, vpc: str = "", subnet: str = "") -> End:
        """Record that where the packet goes from here is not known."""
        self.doubt(kind, component, unread, vpc, subnet)
        return End("unknown", component, vpc, self.source)

    # Filters.

    def acl(self, subnet: Subnet, egress: bool) -> None:
        """Pass a subnet's network ACL on the way out of it or into it."""
        remote = self.destination if egress else self.source
        id, allowed = self.world.judged(subnet, egress, remote)
        turn = reply if self.is_reply else forward
        sure = turn(allowed.sure)
        maybe = sure if allowed.maybe is allowed.sure else turn(allowed.maybe)
        self.note(
            Kind.NETWORK_ACL,
            id,
            sure,
            maybe,
            "SUBNET_ACL_RESTRICTION",
            subnet.vpc,
            subnet.id,
            egress=egress,
            unread=allowed.unread,
        )

    def group(
        self,
        interface: Interface,
        egress: bool,
        remote: Point | None,
        remote_groups: frozenset[str] | None,
        kept: bool | None,
    ) -> Step | None:
        """Pass an interface's security groups: the first packet alone is judged. None where it has none."""
        if self.is_reply or interface.groups == ():
            return None
        allowed = group_allowed(self.world, interface, egress, remote, remote_groups, kept)
        step = self.note(
            Kind.SECURITY_GROUP,
            ",".join(interface.groups or ()) or interface.id,
            forward(allowed.sure),
            forward(allowed.maybe),
            "ENI_SG_RULES_MISMATCH",
            interface.vpc,
            interface.subnet,
            interface.id,
            egress,
            allowed.unread,
        )
        step.groups = interface.groups or ()
        if kept is False and remote_groups and egress in self.discarded:
            step.lost = self.world.groups.named(step.groups, egress, remote_groups)
            step.discarded = self.discarded[egress]
        elif kept is None and allowed.maybe is not allowed.sure:
            step.unread = tuple(dict.fromkeys((*step.unread, *self.kept_unread)))
        step.remote_groups = (remote_groups or frozenset()) if kept is not False else frozenset()
        return step

    # Ways within a VPC.

    def go_from(self, interface: Interface) -> End:
        """From an interface (its security groups aside, which are judged when the way is known)."""
        subnet = self.world.subnets.get(interface.subnet)
        if subnet is None:
            blamed = self.world.network.blame("subnets", interface.subnet, "", interface.region)
            return self.unknown(Kind.INTERFACE, interface.id, blamed, interface.vpc)
        if interface.status not in _ATTACHED:
            self.stop(Kind.INTERFACE, interface.id, "BAD_STATE", interface.vpc, subnet.id)
        else:
            self.note(Kind.INTERFACE, interface.id, vpc=interface.vpc, subnet=subnet.id, egress=True)
        if interface.kind == "vpc_endpoint" and not self.is_reply:
            self.stop(Kind.INTERFACE, interface.id, "VPCE_INTRA_VPC_TRAFFIC", interface.vpc, subnet.id)
        self.zone = subnet.zone
        return self.leave(subnet)

    def leave(self, subnet: Subnet) -> End:
        """From something in a subnet, whatever that is."""
        vpc = self.world.vpcs.get(subnet.vpc)
        if vpc is None:
            blamed = self.world.network.blame("vpcs", subnet.vpc, subnet.account, subnet.region)
            return self.unknown(Kind.VPC, subnet.vpc, blamed, subnet.vpc)
        where = self.world.subnet_at(vpc.id, self.destination)
        if where is not None and where.id == subnet.id:
            return self.deliver(vpc, subnet)
        if not self.is_reply and (service := self.own_service(vpc)):
            return service
        if not self.visit("leave", subnet.id):
            return self.lost(Kind.VPC, vpc.id, "NO_PATH", vpc.id, subnet.id)
        self.acl(subnet, egress=True)
        table = self.world.table_of(subnet)
        if not isinstance(table, RouteTable):
            return self.unknown(Kind.ROUTE_TABLE, subnet.id, table, vpc.id, subnet.id)
        return self.take(table, vpc, subnet)

    def own_service(self, vpc: Vpc) -> End | None:
        """To a service that AWS runs beside every interface; None where the destination is none of them."""
        block = next((each for each in vpc.cidrs if each.version == 4), None)
        base = host(block.first + 2) if block is not None else None
        resolver = base is not None and self.destination.within(base)
        if not resolver and not any(self.destination.within(each) for each in _LINK_LOCAL):
            return None
        for name, addresses in OWN_SERVICES.items():
            if any(self.destination.within(each) for each in addresses) or (resolver and name == "resolver"):
                if name == "resolver" and vpc.dns_support is False:
                    return self.lost(Kind.VPC, vpc.id, "NO_POSSIBLE_DESTINATION", vpc.id)
                if name == "resolver" and vpc.dns_support is None:
                    blamed = (Unread("vpcs", "ec2:DescribeVpcAttribute", vpc.account, vpc.region, vpc.id),)
                    self.doubt(Kind.VPC, vpc.id, blamed, vpc.id)
                return End("service", name, vpc.id, self.source)
        return None

    def take(self, table: RouteTable, vpc: Vpc, subnet: Subnet | None) -> End:
        """By the route that a table has for the destination; `subnet` None comes from a gateway."""
        taken = self.world.routes(table).take(self.destination)
        here = subnet.id if subnet else ""
        if taken.unread:
            return self.unknown(Kind.ROUTE_TABLE, table.id, taken.unread, vpc.id, here)
        route = taken.route
        if route is None:
            return self.lost(Kind.ROUTE_TABLE, table.id, "NO_ROUTE_TO_DESTINATION", vpc.id, here)
        step = self.note(Kind.ROUTE_TABLE, table.id, vpc=vpc.id, subnet=here)
        step.route, step.matched = route, str(taken.matched)
        if route.state == "blackhole":
            step.sure = step.maybe = NONE
            step.code = "BAD_STATE_ROUTE"
            return End("lost", table.id, vpc.id, self.source)
        return self.dispatch(route, vpc, subnet)

    def deliver(self, vpc: Vpc, subnet: Subnet | None) -> End:
        """To the interface in a VPC that has the destination; `subnet` is the packet's own, if it has one."""
        if not any(self.destination.within(each) for each in vpc.cidrs):
            return self.lost(Kind.VPC, vpc.id, "VPC_LOCAL_ROUTE_CIDR_RESTRICTION", vpc.id)
        if self.to_subnets:
            return self.deliver_subnet(vpc, subnet)
        nat = self.world.nat_at.get((vpc.id, self.destination.value))
        holder = self.world.holder(vpc.id, self.destination)
        if holder is None and nat is None:
            blamed = self.world.network.unlisted("interfaces", "", vpc.region)
            if blamed:
                return self.unknown(Kind.VPC, vpc.id, blamed, vpc.id)
            return self.lost(Kind.VPC, vpc.id, "NO_POSSIBLE_DESTINATION", vpc.id)
        home = nat.subnet if holder is None and nat is not None else holder.subnet if holder else ""
        there = self.world.subnets.get(home)
        if there is None:
            blamed = self.world.network.blame("subnets", home, "", vpc.region)
            return self.unknown(Kind.VPC, vpc.id, blamed, vpc.id)
        if subnet is None or subnet.id != there.id:
            self.acl(there, egress=False)
        if nat is not None:
            if self.is_reply:
                self.note(Kind.NAT_GATEWAY, nat.id, vpc=vpc.id, subnet=there.id)
                return End("nat", nat.id, vpc.id, self.source)
            return self.lost(Kind.NAT_GATEWAY, nat.id, "NO_POSSIBLE_DESTINATION", vpc.id, there.id)
        assert holder is not None
        if holder.status not in _ATTACHED:
            self.stop(Kind.INTERFACE, holder.id, "BAD_STATE", vpc.id, there.id)
        if holder.kind == "nat_gateway":
            return self.lost(Kind.NAT_GATEWAY, holder.id, "NO_POSSIBLE_DESTINATION", vpc.id, there.id)
        endpoint = self.world.endpoint_of.get(holder.id)
        if endpoint is None and holder.kind == "vpc_endpoint":
            unlisted = self.world.network.unlisted("endpoints", "", vpc.region)
            if unlisted:
                self.doubt(Kind.VPC_ENDPOINT, holder.id, unlisted, vpc.id, there.id)
        if endpoint is not None and endpoint.state.lower() not in ("", "available", "partial"):
            # Its owner has not accepted the connection, or no more.
            self.stop(Kind.VPC_ENDPOINT, endpoint.id, "BAD_STATE", vpc.id, there.id)
        return End("interface", holder.id, vpc.id, self.source)

    def deliver_subnet(self, vpc: Vpc, subnet: Subnet | None) -> End:
        """To the subnet in a VPC that the destination is in."""
        there = self.world.subnet_at(vpc.id, self.destination)
        if there is None:
            blamed = self.world.network.unlisted("subnets", "", vpc.region)
            if blamed:
                return self.unknown(Kind.VPC, vpc.id, blamed, vpc.id)
            return self.lost(Kind.VPC, vpc.id, "NO_POSSIBLE_DESTINATION", vpc.id)
        if subnet is None or subnet.id != there.id:
            self.acl(there, egress=False)
        return End("subnet", there.id, vpc.id, self.source)

    def dispatch(self, route: Route, vpc: Vpc, subnet: Subnet | None) -> End:
        """To a route's target."""
        target = route.target
        if target == "local":
            return self.deliver(vpc, subnet)
        if target.startswith(("eni-", "i-")):
            return self.to_appliance(target, vpc, subnet)
        if target.startswith("vpce-"):
            return self.to_endpoint(target, vpc, subnet)
        from partywall.analysis.network.walk_gateways import cross_gateway

        return cross_gateway(self, target, vpc, subnet)

    def to_appliance(self, target: str, vpc: Vpc, subnet: Subnet | None) -> End:
        """To an interface that is to pass packets on that are not its own."""
        world = self.world
        held = world.instances.get(target, []) if target.startswith("i-") else []
        interface = held[0] if held else world.interfaces.get(target)
        if interface is None:
            blamed = world.network.blame("interfaces", target, "", vpc.region)
            return self.unknown(Kind.INTERFACE, target, blamed, vpc.id)
        there = world.subnets.get(interface.subnet)
        if there is None:
            blamed = world.network.blame("subnets", interface.subnet, "", interface.region)
            return self.unknown(Kind.INTERFACE, interface.id, blamed, vpc.id)
        own = world.holder(vpc.id, self.destination)
        if own is not None and own.id == interface.id:
            if subnet is None or subnet.id != there.id:
                self.acl(there, egress=False)
            return End("interface", interface.id, vpc.id, self.source)
        self.discard(Kind.INTERFACE, interface.id)
        if subnet is None or subnet.id != there.id:
            self.acl(there, egress=False)
        if interface.status not in _ATTACHED:
            self.stop(Kind.INTERFACE, interface.id, "BAD_STATE", vpc.id, there.id)
        if interface.source_dest_check:
            self.stop(Kind.INTERFACE, interface.id, "ENI_SOURCE_DEST_CHECK_RESTRICTION", vpc.id, there.id)
        elif interface.source_dest_check is None:
            blamed = world.network.blame("interfaces", interface.id, interface.account, interface.region)
            self.doubt(Kind.INTERFACE, interface.id, blamed, vpc.id, there.id)
        self.group(interface, False, self.source, None, False)
        self.appliance(Kind.INTERFACE, interface.id, vpc.id, there.id)
        if not world.assume_appliances_forward:
            # It may put its own address for the packet's, as a NAT instance does.
            return End("unknown", interface.id, vpc.id, self.source)
        self.group(interface, True, self.destination, None, False)
        return self.leave(there)

    def appliance(self, kind: Kind, id: str, vpc: str, subnet: str) -> None:
        """Pass something whose own configuration decides."""
        if self.world.assume_appliances_forward:
            self.note(kind, id, vpc=vpc, subnet=subnet)
        else:
            self.doubt(
                kind, id, (Unread("appliances", "", id=id, reason="its own rules decide"),), vpc, subnet
            )

    def to_endpoint(self, target: str, vpc: Vpc, subnet: Subnet | None) -> End:
        """To a gateway endpoint, a Gateway Load Balancer endpoint or a firewall's."""
        from partywall.analysis.network.walk_gateways import gateway_endpoint, inspect

        world = self.world
        endpoint = world.network.index["endpoints"].get(target)
        if endpoint is None:
            blamed = world.network.blame("endpoints", target, vpc.account, vpc.region)
            return self.unknown(Kind.VPC_ENDPOINT, target, blamed, vpc.id)
        if endpoint.state.lower() not in ("available", "pending"):
            self.stop(Kind.VPC_ENDPOINT, target, "BAD_STATE", vpc.id)
        if endpoint.kind == "Gateway":
            return gateway_endpoint(self, endpoint, vpc)
        there = world.subnets.get(endpoint.subnets[0]) if endpoint.subnets else None
        if there is None:
            lacking = ("subnets", endpoint.subnets[0]) if endpoint.subnets else ("endpoints", target)
            blamed = world.network.blame(*lacking, vpc.account, vpc.region)
            return self.unknown(Kind.VPC_ENDPOINT, target, blamed, vpc.id)
        self.discard(Kind.VPC_ENDPOINT, target)
        if subnet is None or subnet.id != there.id:
            self.acl(there, egress=False)
        firewall = world.firewall_of.get(target)
        if firewall is not None:
            inspect(self, firewall, target, vpc, there)
        elif unlisted := world.network.unlisted("firewalls", vpc.account, vpc.region):
            self.doubt(Kind.VPC_ENDPOINT, target, unlisted, vpc.id, there.id)
        else:
            self.appliance(Kind.VPC_ENDPOINT, target, vpc.id, there.id)
        return self.leave(there)


def group_allowed(
    world: World,
    interface: Interface,
    egress: bool,
    remote: Point | None,
    remote_groups: frozenset[str] | None,
    kept: bool | None,
) -> Allowed:
    """What an interface's security groups allow to or from a remote address."""
    if interface.groups is None:
        blamed = world.network.blame("interfaces", interface.id, interface.account, interface.region)
        return Allowed(EMPTY, FULL, blamed)
    return world.groups.allowed(
        interface.groups, egress, remote, remote_groups, kept, interface.account, interface.region
    )
