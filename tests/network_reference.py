"""A slow, simple simulator of AWS networking: one packet, rule by rule, as the documentation tells it.

It shares only the records of the model with the engine; every rule is written here again, by lists and loops.
It knows no unread input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Network, ip_address, ip_network

from partywall.analysis.network.model import (
    AclEntry,
    Interface,
    NatGateway,
    Network,
    Route,
    RouteTable,
    SecurityGroupRule,
    StatefulRule,
    StatelessRule,
    Subnet,
    TransitGatewayAttachment,
    Vpc,
)

V6 = 1 << 128
ANSWER = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129, 139: 140, 144: 145}
PRIVATE = [ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]


@dataclass(frozen=True)
class Packet:
    """`port` is the destination port; `sport` the source port; ICMP has `type` and `code`."""

    source: int
    destination: int
    protocol: int
    sport: int = 0
    port: int = 0
    type: int = -1
    code: int = -1


@dataclass(frozen=True)
class Stop:
    """Where a packet ended: kind is interface, internet, nat, service or lost."""

    kind: str
    id: str = ""
    packet: Packet | None = None
    references: bool = False
    firewalls: tuple[str, ...] = ()


def inside(address: int, prefix: object) -> bool:
    low = prefix.network + (V6 if prefix.version == 6 else 0)
    bits = 32 if prefix.version == 4 else 128
    if (address >= V6) != (prefix.version == 6):
        return False
    return (address - low) >> (bits - prefix.length) == 0 and address >= low


def routable(address: int) -> bool:
    """Whether an IPv6 address is a global one, 2000::/3."""
    return (address - V6) >> 125 == 1


class Simulator:
    def __init__(self, network: Network) -> None:
        self.n = network

    # Small finders, all by search.

    def vpc(self, id: str) -> Vpc:
        return next(each for each in self.n.vpcs if each.id == id)

    def subnet(self, id: str) -> Subnet:
        return next(each for each in self.n.subnets if each.id == id)

    def interface_at(self, vpc: str, address: int) -> Interface | None:
        for each in self.n.interfaces:
            if each.vpc == vpc and (
                address in each.ipv6 or any(address == held.private for held in each.addresses)
            ):
                return each
        return None

    def table(self, subnet: Subnet) -> RouteTable:
        for each in self.n.route_tables:
            if subnet.id in each.subnets:
                return each
        return next(each for each in self.n.route_tables if each.main and each.vpc == subnet.vpc)

    # Filters.

    def acl_passes(self, subnet: Subnet, egress: bool, packet: Packet) -> bool:
        acls = [each for each in self.n.network_acls if subnet.id in each.subnets]
        acls += [each for each in self.n.network_acls if each.default and each.vpc == subnet.vpc]
        remote = packet.destination if egress else packet.source
        entries = [each for each in acls[0].entries or () if each.egress == egress]
        while entries:
            entry = min(entries, key=lambda each: each.number)
            entries.remove(entry)
            if inside(remote, entry.cidr) and self.entry_matches(entry, packet):
                return entry.allow
        return False

    def entry_matches(self, entry: AclEntry, packet: Packet) -> bool:
        if entry.protocol == -1:
            return True
        if entry.protocol != packet.protocol:
            return False
        if packet.protocol in (6, 17):
            return entry.from_port < 0 or entry.from_port <= packet.port <= entry.to_port
        if packet.protocol in (1, 58):
            if entry.icmp_type < 0:
                return True
            return entry.icmp_type == packet.type and entry.icmp_code in (-1, packet.code)
        return True

    def group_passes(
        self, interface: Interface, egress: bool, packet: Packet, remote: Interface | None, references: bool
    ) -> bool:
        if not interface.groups:
            return True
        address = packet.destination if egress else packet.source
        for group in self.n.security_groups:
            if group.id not in interface.groups:
                continue
            for rule in group.rules or ():
                if rule.egress == egress and self.rule_matches(rule, packet):
                    if rule.cidr is not None and inside(address, rule.cidr):
                        return True
                    if rule.prefix_list and any(
                        inside(address, each) for each in self.entries(rule.prefix_list)
                    ):
                        return True
                    if (
                        rule.group
                        and references
                        and remote is not None
                        and rule.group in (remote.groups or ())
                    ):
                        return True
        return False

    def rule_matches(self, rule: SecurityGroupRule, packet: Packet) -> bool:
        if rule.protocol == -1:
            return True
        if rule.protocol != packet.protocol:
            return False
        if packet.protocol in (6, 17):
            return rule.from_port < 0 or rule.from_port <= packet.port <= rule.to_port
        if packet.protocol in (1, 58):
            return rule.from_port < 0 or (rule.from_port == packet.type and rule.to_port in (-1, packet.code))
        return True

    def entries(self, prefix_list: str) -> tuple:
        return next(each for each in self.n.prefix_lists if each.id == prefix_list).entries or ()

    # Routes.

    def route(self, table: RouteTable, address: int) -> Route | None:
        local = self.vpc(table.vpc).cidrs
        found: list[tuple[int, int, Route]] = []
        for prefix in local:
            if all(route.destination != prefix for route in table.routes or ()) and inside(address, prefix):
                found.append((-prefix.length, 0, Route("local", prefix)))
        for route in table.routes or ():
            if route.prefix_list:
                for prefix in self.entries(route.prefix_list):
                    if inside(address, prefix):
                        found.append((-prefix.length, 1, route))
            elif inside(address, route.destination):
                propagated = route.origin == "EnableVgwRoutePropagation"
                if propagated and any(
                    prefix.version == route.destination.version
                    and prefix.length <= route.destination.length
                    and inside(route.destination.network + (V6 if prefix.version == 6 else 0), prefix)
                    for prefix in local
                ):
                    continue
                found.append((-route.destination.length, 2 if propagated else 0, route))
        return min(found, key=lambda each: each[:2])[2] if found else None

    def bpa(self, vpc: Vpc, subnet: str, way: str) -> bool:
        """Whether Block Public Access lets traffic pass: way is in, direct or nat."""
        mode = next(
            (
                e.mode
                for e in self.n.block_public_access
                if (e.account, e.region) == (vpc.account, vpc.region)
            ),
            "off",
        )
        lets = {
            each.mode
            for each in self.n.block_public_access_exclusions
            if subnet == each.subnet or vpc.id == each.vpc
        }
        if mode == "off" or "allow-bidirectional" in lets:
            return True
        if mode == "block-ingress" or (mode == "block-bidirectional" and "allow-egress" in lets):
            return way == "nat"
        return False

    # Ways.

    def from_subnet(self, subnet: Subnet, packet: Packet, reply: bool, state: dict) -> Stop:
        if any(inside(packet.destination, prefix) for prefix in subnet.cidrs):
            return self.arrive(self.vpc(subnet.vpc), packet, subnet, state)
        state["hops"] = state.get("hops", 0) + 1
        if state["hops"] > 12:
            return Stop("lost", "loop")
        if not self.acl_passes(subnet, True, packet):
            return Stop("lost", "acl out")
        route = self.route(self.table(subnet), packet.destination)
        return self.follow(route, self.vpc(subnet.vpc), subnet, packet, reply, state)

    def follow(
        self, route: Route | None, vpc: Vpc, subnet: Subnet | None, packet: Packet, reply: bool, state: dict
    ) -> Stop:
        if route is None or route.state == "blackhole":
            return Stop("lost", "no route")
        target = route.target
        if target == "local":
            return self.arrive(vpc, packet, subnet, state)
        if target.startswith("igw-"):
            return self.out_internet(target, vpc, packet, reply, state)
        if target.startswith("eigw-"):
            gateway = next(each for each in self.n.egress_only_gateways if each.id == target)
            holder = self.interface_at(vpc.id, packet.source)
            if vpc.id not in gateway.vpcs or packet.destination < V6 or holder is None:
                return Stop("lost", "egress only")
            if not reply and not self.bpa(vpc, holder.subnet, "nat"):
                return Stop("lost", "bpa")
            return Stop("internet", target, packet)
        if target.startswith("nat-"):
            return self.to_nat(target, subnet, packet, state)
        if target.startswith("pcx-"):
            return self.peer(target, vpc, packet, state)
        if target.startswith("tgw-"):
            return self.to_transit(target, vpc, subnet, packet, reply, state)
        if target.startswith("vpce-"):
            return self.to_endpoint(target, vpc, subnet, packet, reply, state)
        raise AssertionError(target)

    def arrive(self, vpc: Vpc, packet: Packet, subnet: Subnet | None, state: dict) -> Stop:
        if not any(inside(packet.destination, prefix) for prefix in vpc.cidrs):
            return Stop("lost", "not in the VPC")
        for nat in self.n.nat_gateways:
            if nat.vpc == vpc.id and any(each.private == packet.destination for each in nat.addresses):
                home = self.subnet(nat.subnet)
                if (subnet is None or subnet.id != home.id) and not self.acl_passes(home, False, packet):
                    return Stop("lost", "acl in")
                return Stop("nat", nat.id, packet)
        holder = self.interface_at(vpc.id, packet.destination)
        if holder is None:
            return Stop("lost", "nobody")
        home = self.subnet(holder.subnet)
        if (subnet is None or subnet.id != home.id) and not self.acl_passes(home, False, packet):
            return Stop("lost", "acl in")
        return Stop(
            "interface", holder.id, packet, state.get("references", True), tuple(state.get("seen", ()))
        )

    def out_internet(self, id: str, vpc: Vpc, packet: Packet, reply: bool, state: dict) -> Stop:
        gateway = next(each for each in self.n.internet_gateways if each.id == id)
        if vpc.id not in gateway.vpcs:
            return Stop("lost", "detached")
        nat: NatGateway | None = state.get("nat")
        if packet.destination < V6:
            if any(
                ip_address(packet.destination) in each for each in PRIVATE if isinstance(each, IPv4Network)
            ):
                return Stop("lost", "private destination")
            if nat is not None:
                public, home = nat.addresses[0].public, nat.subnet
            else:
                holder = self.interface_at(vpc.id, packet.source)
                public = None
                if holder is not None:
                    public = next((e.public for e in holder.addresses if e.private == packet.source), None)
                home = holder.subnet if holder else ""
            if public is None:
                return Stop("lost", "no public address")
            packet = replace(packet, source=public)
        else:
            holder = self.interface_at(vpc.id, packet.source)
            if holder is None or not routable(packet.source):
                return Stop("lost", "not a public interface's")
            home = holder.subnet
        if not reply and not self.bpa(vpc, home, "nat" if nat else "direct"):
            return Stop("lost", "bpa")
        return Stop("internet", id, packet, False, tuple(state.get("seen", ())))

    def in_internet(self, id: str, vpc: Vpc, packet: Packet, reply: bool, state: dict) -> Stop:
        state["references"] = False
        private, home = None, ""
        if packet.destination < V6:
            for each in self.n.interfaces:
                for held in each.addresses:
                    if each.vpc == vpc.id and held.public == packet.destination:
                        private, home = held.private, each.subnet
            for nat in self.n.nat_gateways:
                for held in nat.addresses:
                    if nat.vpc == vpc.id and held.public == packet.destination:
                        private, home = held.private, nat.subnet
            if private is None:
                return Stop("lost", "no such public address")
            packet = replace(packet, destination=private)
        else:
            holder = self.interface_at(vpc.id, packet.destination)
            home = holder.subnet if holder else ""
            if not routable(packet.destination):
                return Stop("lost", "a private IPv6 address")
        if not reply and not self.bpa(vpc, home, "in"):
            return Stop("lost", "bpa")
        for table in self.n.route_tables:
            if id in table.gateways and table.vpc == vpc.id:
                return self.follow(self.route(table, packet.destination), vpc, None, packet, reply, state)
        return self.arrive(vpc, packet, None, state)

    def to_nat(self, id: str, subnet: Subnet | None, packet: Packet, state: dict) -> Stop:
        nat = next(each for each in self.n.nat_gateways if each.id == id)
        home = self.subnet(nat.subnet)
        if packet.destination >= V6 or packet.protocol not in (6, 17, 1):
            return Stop("lost", "not for NAT")
        if state.get("entered") == "peering":
            return Stop("lost", "peering")
        if (subnet is None or subnet.id != home.id) and not self.acl_passes(home, False, packet):
            return Stop("lost", "acl in")
        return Stop("nat", id, packet, False, tuple(state.get("seen", ())))

    def peer(self, id: str, vpc: Vpc, packet: Packet, state: dict) -> Stop:
        peering = next(each for each in self.n.peerings if each.id == id)
        if peering.state != "active" or vpc.id not in (peering.requester.vpc, peering.accepter.vpc):
            return Stop("lost", "peering down")
        other = peering.accepter if peering.requester.vpc == vpc.id else peering.requester
        there = self.vpc(other.vpc)
        if not any(inside(packet.source, prefix) for prefix in vpc.cidrs):
            return Stop("lost", "no transit by peering")
        if not any(inside(packet.destination, prefix) for prefix in there.cidrs):
            return Stop("lost", "no transit by peering")
        if peering.requester.region != peering.accepter.region:
            state["references"] = False
        state["entered"] = "peering"
        return self.arrive(there, packet, None, state)

    def to_transit(
        self, id: str, vpc: Vpc, subnet: Subnet | None, packet: Packet, reply: bool, state: dict
    ) -> Stop:
        attachment = next(
            (
                e
                for e in self.n.transit_gateway_attachments
                if e.transit_gateway == id and e.resource == vpc.id
            ),
            None,
        )
        if attachment is None or attachment.state != "available":
            return Stop("lost", "not attached")
        near = [self.subnet(each) for each in attachment.subnets or ()]
        near = [each for each in near if subnet is None or each.zone == subnet.zone]
        if not near:
            return Stop("lost", "zone")
        if not self.acl_passes(near[0], False, packet):
            return Stop("lost", "acl in")
        gateway = next(each for each in self.n.transit_gateways if each.id == id)
        state["references"] = bool(
            state.get("references", True) and gateway.sg_referencing and attachment.sg_referencing
        )
        state["ingress only"] = True
        if packet.destination >= V6 and not attachment.ipv6:
            return Stop("lost", "no IPv6")
        if subnet is not None:
            state["zone"] = state.get("zone") or subnet.zone
        return self.in_transit(attachment, packet, reply, state)

    def in_transit(
        self, attachment: TransitGatewayAttachment, packet: Packet, reply: bool, state: dict
    ) -> Stop:
        table = next(
            (e for e in self.n.transit_gateway_route_tables if attachment.id in e.associations), None
        )
        if table is None:
            return Stop("lost", "not associated")
        rank = {"static": 0, "propagated": 1}
        routes = [each for each in table.routes or () if inside(packet.destination, each.destination)]
        if not routes:
            return Stop("lost", "no transit route")
        route = min(routes, key=lambda each: (-each.destination.length, rank[each.kind]))
        if route.state == "blackhole":
            return Stop("lost", "blackhole")
        out = next(each for each in self.n.transit_gateway_attachments if each.id == route.attachments[0])
        if out.state != "available":
            return Stop("lost", "attachment down")
        if packet.destination >= V6 and not out.ipv6:
            return Stop("lost", "no IPv6")
        state["references"] = bool(state["references"] and out.sg_referencing)
        state["entered"] = "transit"
        subnets = sorted((self.subnet(each) for each in out.subnets or ()), key=lambda each: each.id)
        near = [each for each in subnets if each.zone == state.get("zone")] or subnets
        state["zone"] = near[0].zone
        return self.from_subnet(near[0], packet, reply, state)

    def to_endpoint(
        self, id: str, vpc: Vpc, subnet: Subnet | None, packet: Packet, reply: bool, state: dict
    ) -> Stop:
        endpoint = next(each for each in self.n.endpoints if each.id == id)
        if endpoint.kind == "Gateway":
            echo = (packet.protocol, packet.type) in ((1, 0), (1, 8), (58, 128), (58, 129))
            if packet.protocol != 6 and not echo:
                return Stop("lost", "not for the endpoint")
            if not any(inside(packet.source, prefix) for prefix in vpc.cidrs):
                return Stop("lost", "spoofed")
            return Stop("service", id, packet)
        home = self.subnet(endpoint.subnets[0])
        state["references"] = False
        state["ingress only"] = True
        if (subnet is None or subnet.id != home.id) and not self.acl_passes(home, False, packet):
            return Stop("lost", "acl in")
        firewall = next(each for each in self.n.firewalls if id in each.endpoints)
        policy = next(each for each in self.n.firewall_policies if each.id == firewall.policy)
        seen = state.setdefault("seen", [])
        before = state.get("before", ())
        verdict = self.stateless(policy, packet)
        if verdict == "drop":
            return Stop("lost", "firewall")
        if verdict == "engine":
            if reply and id not in before:
                return Stop("lost", "firewall saw no first packet")
            if not reply and not self.stateful(policy, packet):
                return Stop("lost", "firewall")
        seen.append(id)
        return self.from_subnet(home, packet, reply, state)

    def stateless(self, policy: object, packet: Packet) -> str:
        rules = [
            (group.priority, rule.priority, rule)
            for group in policy.stateless_groups
            for rule in group.rules or ()
        ]
        actions = policy.stateless_default
        for _, _, rule in sorted(rules, key=lambda each: each[:2]):
            if self.stateless_matches(rule, packet):
                actions = rule.actions
                break
        if "aws:pass" in actions:
            return "pass"
        return "engine" if "aws:forward_to_sfe" in actions else "drop"

    def stateless_matches(self, rule: StatelessRule, packet: Packet) -> bool:
        if rule.sources and not any(inside(packet.source, each) for each in rule.sources):
            return False
        if rule.destinations and not any(inside(packet.destination, each) for each in rule.destinations):
            return False
        if rule.protocols and packet.protocol not in rule.protocols:
            return False
        if rule.source_ports or rule.destination_ports:
            if packet.protocol not in (6, 17):
                return False
            if rule.source_ports and not any(a <= packet.sport <= b for a, b in rule.source_ports):
                return False
            if rule.destination_ports and not any(a <= packet.port <= b for a, b in rule.destination_ports):
                return False
        return True

    def stateful(self, policy: object, packet: Packet) -> bool:
        rules = [
            rule
            for group in sorted(policy.stateful_groups, key=lambda e: e.priority)
            for rule in group.rules or ()
        ]
        if not policy.strict:
            order = ["PASS", "DROP", "REJECT", "ALERT"]
            rules.sort(key=lambda each: order.index(each.action))
        for rule in rules:
            if rule.action != "ALERT" and self.stateful_matches(rule, packet):
                return rule.action == "PASS"
        return not (policy.strict and any(each.startswith("aws:drop") for each in policy.stateful_default))

    def stateful_matches(self, rule: StatefulRule, packet: Packet) -> bool:
        numbers = {"IP": None, "TCP": (6,), "UDP": (17,), "ICMP": (1, 58)}[rule.protocol]
        if numbers is not None and packet.protocol not in numbers:
            return False

        def ends(source: int, destination: int, sport: int, port: int) -> bool:
            if rule.sources and not any(inside(source, each) for each in rule.sources):
                return False
            if rule.destinations and not any(inside(destination, each) for each in rule.destinations):
                return False
            if (rule.source_ports or rule.destination_ports) and packet.protocol not in (6, 17):
                return False
            if rule.source_ports and not any(a <= sport <= b for a, b in rule.source_ports):
                return False
            return not rule.destination_ports or any(a <= port <= b for a, b in rule.destination_ports)

        there = ends(packet.source, packet.destination, packet.sport, packet.port)
        back = ends(packet.destination, packet.source, packet.port, packet.sport)
        return there or (rule.any_direction and back)

    # Flows: there and back.

    def reaches(self, start: str, vpc: str, packet: Packet, goal: str) -> bool:
        """Whether the flow whose first packet this is comes to its goal and its reply comes home.

        `start` is an interface's id, or an internet gateway's with the VPC it leads into. `goal` is an
        interface's id, "internet" or "service".
        """
        near = next((each for each in self.n.interfaces if each.id == start), None)
        state: dict = {}
        if near is not None:
            stop = self.from_subnet(self.subnet(near.subnet), packet, False, state)
        else:
            stop = self.in_internet(start, self.vpc(vpc), packet, False, state)
        if near is not None and stop.kind != "lost":
            far = next((e for e in self.n.interfaces if stop.kind == "interface" and e.id == stop.id), None)
            named = stop.references and not state.get("ingress only", False)
            if not self.group_passes(near, True, packet, far, named):
                return False
        return self.rest(stop, near, start, packet, goal, state)

    def rest(
        self, stop: Stop, near: Interface | None, start: str, packet: Packet, goal: str, state: dict
    ) -> bool:
        if stop.kind == "nat":
            nat = next(each for each in self.n.nat_gateways if each.id == stop.id)
            if near is None or stop.packet.destination == nat.addresses[0].private:
                return False
            ports = self.some_ports() if packet.protocol in (6, 17) else [packet.sport]
            return any(
                self.through_nat(nat, near, packet, port, goal, tuple(state.get("seen", ())))
                for port in ports
            )
        if goal in ("internet", "service"):
            arrived = stop.kind == goal
        else:
            arrived = stop.kind == "interface" and stop.id == goal
            if stop.kind == "internet" and near is not None:
                seen = tuple(state.get("seen", ()))
                return self.hairpin(stop, packet, goal) and self.comes_home(
                    stop, near, near.id, stop.packet, seen
                )
        if not arrived:
            return False
        if stop.kind == "interface":
            far = next(each for each in self.n.interfaces if each.id == stop.id)
            if not self.group_passes(far, False, stop.packet, near, stop.references and near is not None):
                return False
        return self.comes_home(stop, near, start, stop.packet, tuple(state.get("seen", ())))

    def hairpin(self, stop: Stop, packet: Packet, goal: str) -> bool:
        """From the internet in by the goal's own internet gateway, and the reply back into the internet."""
        far = next(each for each in self.n.interfaces if each.id == goal)
        known = {held.public for held in far.addresses} | set(far.ipv6)
        gateway = next((each for each in self.n.internet_gateways if far.vpc in each.vpcs), None)
        if packet.destination not in known or gateway is None:
            return False
        state: dict = {}
        second = self.in_internet(gateway.id, self.vpc(far.vpc), stop.packet, False, state)
        if second.kind != "interface" or second.id != goal:
            return False
        if not self.group_passes(far, False, second.packet, None, False):
            return False
        return self.comes_home(second, None, gateway.id, second.packet, tuple(state.get("seen", ())))

    def some_ports(self) -> list[int]:
        """Ports of a NAT gateway, one of each kind that any rule tells apart."""
        found = {1024, 65535}
        for acl in self.n.network_acls:
            for entry in acl.entries or ():
                found |= {entry.from_port, entry.from_port - 1, entry.to_port, entry.to_port + 1}
        for policy in self.n.firewall_policies:
            for group in (*policy.stateless_groups, *policy.stateful_groups):
                for rule in group.rules or ():
                    for low, high in (*(rule.source_ports or ()), *(rule.destination_ports or ())):
                        found |= {low, low - 1, high, high + 1}
        return [each for each in sorted(found) if 1024 <= each <= 65535]

    def through_nat(
        self, nat: NatGateway, near: Interface, packet: Packet, port: int, goal: str, seen: tuple[str, ...]
    ) -> bool:
        home = self.subnet(nat.subnet)
        state: dict = {"nat": nat}
        outer = replace(packet, source=nat.addresses[0].private, sport=port)
        stop = self.from_subnet(home, outer, False, state)
        outer_seen = tuple(state.get("seen", ()))
        if stop.kind == "internet" and goal not in ("internet", "service"):
            if not self.hairpin(stop, packet, goal):
                return False
        elif stop.kind != goal and not (stop.kind == "interface" and stop.id == goal):
            return False
        if stop.kind == "interface":
            far = next(each for each in self.n.interfaces if each.id == stop.id)
            if not self.group_passes(far, False, stop.packet, None, False):
                return False
        if not self.comes_home(stop, None, nat.id, stop.packet, outer_seen, nat):
            return False
        inner = self.answer(packet)
        simulator = self
        if inner is None:
            simulator = _Silent(self.n)
            inner = replace(packet, source=packet.destination, destination=packet.source)
        end = simulator.from_subnet(home, inner, True, {"before": seen})
        return end.kind == "interface" and end.id == near.id

    def answer(self, packet: Packet) -> Packet | None:
        """The reply to a packet; None where there is none."""
        if packet.protocol in (1, 58):
            kinds = (8, 13, 15, 17) if packet.protocol == 1 else (128, 139, 144)
            if packet.type not in kinds:
                return None
            return replace(
                packet, source=packet.destination, destination=packet.source, type=ANSWER[packet.type], code=0
            )
        return replace(
            packet,
            source=packet.destination,
            destination=packet.source,
            sport=packet.port,
            port=packet.sport,
        )

    def comes_home(
        self,
        stop: Stop,
        near: Interface | None,
        start: str,
        packet: Packet,
        seen: tuple[str, ...],
        nat: NatGateway | None = None,
    ) -> bool:
        reply = self.answer(packet)
        # Routes are followed even for what has no reply: a flow that cannot be answered is no flow.
        silent = reply is None
        if reply is None:
            reply = replace(packet, source=packet.destination, destination=packet.source)
        state: dict = {"before": seen, "silent": silent, "nat": nat if stop.kind == "internet" else None}
        simulator = _Silent(self.n) if silent else self
        if stop.kind == "interface":
            far = next(each for each in self.n.interfaces if each.id == stop.id)
            end = simulator.from_subnet(self.subnet(far.subnet), reply, True, state)
        elif stop.kind == "internet":
            vpc = self._vpc_of(stop.id)
            state["nat"] = None
            end = simulator.in_internet(stop.id, vpc, reply, True, state)
        else:
            endpoint = next(each for each in self.n.endpoints if each.id == stop.id)
            end = simulator.arrive(self.vpc(endpoint.vpc), reply, None, state)
        if near is not None:
            return end.kind == "interface" and end.id == near.id
        if nat is not None:
            return end.kind == "nat" and end.id == nat.id
        return end.kind == "internet" and end.id == start

    def _vpc_of(self, gateway: str) -> Vpc:
        held = next(
            each for each in (*self.n.internet_gateways, *self.n.egress_only_gateways) if each.id == gateway
        )
        return self.vpc(held.vpcs[0])


class _Silent(Simulator):
    """For packets without an answer: only routes count on the way back."""

    def acl_passes(self, subnet: Subnet, egress: bool, packet: Packet) -> bool:
        return True

    def stateless(self, policy: object, packet: Packet) -> str:
        return "pass"
