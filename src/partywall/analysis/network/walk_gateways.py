"""Following one packet through what joins VPCs to each other and to the world."""

from __future__ import annotations

from typing import Final

from partywall.analysis.network.addresses import cidr, version
from partywall.analysis.network.cells import Point
from partywall.analysis.network.firewall import judge
from partywall.analysis.network.links import working
from partywall.analysis.network.model import (
    Firewall,
    Gateway,
    Interface,
    Peering,
    RouteTable,
    Subnet,
    Unread,
    Vpc,
    VpcEndpoint,
)
from partywall.analysis.network.sets import ALL, ICMP, ICMPV6, NONE, forward, reply, services, spans
from partywall.analysis.network.steps import End, Kind
from partywall.analysis.network.walk import Walk

RFC1918: Final = tuple(cidr(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
RFC6598: Final = cidr("100.64.0.0/10")
NAT64: Final = cidr("64:ff9b::/96")
GLOBAL6: Final = cidr("2000::/3")
# Amazon VPC User Guide, "NAT gateway basics": TCP, UDP and ICMP.
_NAT_CARRIES: Final = forward(services(6) | services(17) | services(1) | services(58))
_ECHO: Final = spans(
    (
        (ICMP, ICMP + 255),
        (ICMP + 2048, ICMP + 2303),
        (ICMPV6 + 32768, ICMPV6 + 33023),
        (ICMPV6 + 33024, ICMPV6 + 33279),
    )
)
OPEN: Final = ("available", "attached", "active", "Available")


def cross_gateway(walk: Walk, target: str, vpc: Vpc, subnet: Subnet | None) -> End:
    """To a route's target that is a gateway or a connection."""
    kind = target.split("-", 1)[0]
    if kind == "igw":
        return to_internet(walk, target, vpc, subnet)
    if kind == "eigw":
        return _to_egress_only(walk, target, vpc, subnet)
    if kind == "nat":
        return _to_nat(walk, target, vpc, subnet)
    if kind == "vgw":
        return _to_vpn_gateway(walk, target, vpc)
    if kind == "tgw":
        from partywall.analysis.network.walk_transit import to_transit_gateway

        return to_transit_gateway(walk, target, vpc, subnet)
    if kind == "pcx":
        return _to_peering(walk, target, vpc)
    if kind == "cagw":
        return _to_carrier(walk, target, vpc)
    if kind == "lgw":
        return _to_local_gateway(walk, target, vpc)
    return walk.unknown(
        Kind.ROUTE_TABLE, target, (Unread("route_tables", "", reason="target not modelled"),), vpc.id
    )


def _attached(walk: Walk, kind: Kind, field: str, target: str, vpc: Vpc) -> Gateway | None:
    held = walk.world.gateway(target)
    if held is None:
        blamed = walk.world.network.blame(field, target, vpc.account, vpc.region)
        walk.doubt(kind, target, blamed, vpc.id)
        return None
    if held.state not in OPEN or vpc.id not in held.vpcs:
        walk.stop(kind, target, "BAD_STATE_ATTACHMENT", vpc.id)
    else:
        walk.note(kind, target, vpc=vpc.id)
    return held


# The internet.


def to_internet(walk: Walk, target: str, vpc: Vpc, subnet: Subnet | None) -> End:
    """Out by an internet gateway: the source must be an interface's in the VPC, with a public address."""
    world = walk.world
    if _attached(walk, Kind.INTERNET_GATEWAY, "internet_gateways", target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    if version(walk.destination.value) == 4:
        if not walk.is_reply:
            if any(walk.destination.within(each) for each in RFC1918):
                return walk.lost(
                    Kind.INTERNET_GATEWAY, target, "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS", vpc.id
                )
            if walk.destination.within(RFC6598):
                return walk.lost(
                    Kind.INTERNET_GATEWAY, target, "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS", vpc.id
                )
        public = _public(walk, vpc)
        if public is None:
            return walk.lost(Kind.INTERNET_GATEWAY, target, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", vpc.id)
        walk.source, walk.steps[-1].translated = Point(public), public
    elif not walk.source.within(GLOBAL6) or world.holder(vpc.id, walk.source) is None:
        return walk.lost(Kind.INTERNET_GATEWAY, target, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", vpc.id)
    if not walk.is_reply:
        home = walk.nat.subnet if walk.nat else _home(walk, vpc)
        _block(walk, Kind.INTERNET_GATEWAY, target, vpc, home, "nat" if walk.nat else "direct")
    return End("internet", target, vpc.id, walk.source)


def _public(walk: Walk, vpc: Vpc) -> int | None:
    if walk.nat is not None:
        if walk.nat.connectivity != "public":
            return None
        return next((each.public for each in walk.nat.addresses if each.public is not None), None)
    found = walk.world.private.get((vpc.id, walk.source.value))
    if found is None:
        walk.world.holder(vpc.id, walk.source)
    else:
        walk.source.narrow(walk.source.value, walk.source.value)
    return found


def _home(walk: Walk, vpc: Vpc) -> str:
    place = walk.world.public.get(walk.source.value)
    if place is not None:
        return place[0].subnet
    holder = walk.world.holder(vpc.id, walk.source)
    return holder.subnet if holder else ""


def _block(walk: Walk, kind: Kind, gateway: str, vpc: Vpc, subnet: str, way: str) -> None:
    """VPC Block Public Access: `way` is in, nat (or egress-only) or direct."""
    mode = walk.world.block_mode(vpc, subnet)
    if not isinstance(mode, str):
        walk.note(kind, gateway, NONE, ALL, "VPC_BLOCK_PUBLIC_ACCESS_ENABLED", vpc.id, subnet, unread=mode)
    elif mode == "block-bidirectional" or (mode in ("block-ingress", "allow-egress") and way != "nat"):
        walk.stop(kind, gateway, "VPC_BLOCK_PUBLIC_ACCESS_ENABLED", vpc.id, subnet)


def from_internet(walk: Walk, target: str, vpc: Vpc) -> End:
    """In by an internet gateway to the interface that a public address stands for."""
    world = walk.world
    egress_only = target.startswith("eigw-")
    kind = Kind.EGRESS_ONLY_GATEWAY if egress_only else Kind.INTERNET_GATEWAY
    listing = "egress_only_gateways" if egress_only else "internet_gateways"
    if _attached(walk, kind, listing, target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    home = ""
    if not walk.is_reply:
        _spoofed(walk, kind, target, vpc)
    if version(walk.destination.value) == 4:
        place = world.public.get(walk.destination.value)
        nat = walk.nat
        if nat is not None and any(each.public == walk.destination.value for each in nat.addresses):
            if nat.regional:
                walk.note(Kind.NAT_GATEWAY, nat.id, vpc=vpc.id)
                return End("nat", nat.id, vpc.id, walk.source)
            private = next((e.private for e in nat.addresses if e.public == walk.destination.value), None)
            home = nat.subnet
        elif place is not None and place[0].vpc == vpc.id:
            private, home = place[1], place[0].subnet
        else:
            private = None
        if private is None:
            walk.stop(Kind.INTERNET_GATEWAY, target, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", vpc.id)
            if not any(walk.destination.within(each) for each in vpc.cidrs):
                return End("lost", target, vpc.id, walk.source)
        else:
            walk.destination = Point(private)
    else:
        holder = world.holder(vpc.id, walk.destination)
        home = holder.subnet if holder else ""
        if holder is not None and holder.deny_all_igw is not False and not walk.is_reply:
            _denied(walk, kind, target, holder)
        if not walk.destination.within(GLOBAL6):
            return walk.lost(Kind.INTERNET_GATEWAY, target, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", vpc.id)
    if not walk.is_reply:
        _block(walk, Kind.INTERNET_GATEWAY, target, vpc, home, "in")
    return arrive(walk, target, vpc)


def _spoofed(walk: Walk, kind: Kind, gateway: str, vpc: Vpc) -> None:
    """Stop private sources, which are told apart (`answers`) before they come here."""
    for those, name in ((RFC1918, "RFC1918"), ((RFC6598,), "RFC6598")):
        held = next((each for each in those if walk.source.value in each), None)
        if held is not None and walk.source.within(held):
            walk.stop(kind, gateway, f"IGW_SOURCE_ADDRESS_NOT_IN_{name}_INGRESS", vpc.id)


def _denied(walk: Walk, kind: Kind, gateway: str, holder: Interface) -> None:
    """Application Load Balancer User Guide, "Load balancer attributes": ipv6.deny_all_igw_traffic."""
    if holder.deny_all_igw:
        walk.stop(kind, gateway, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", holder.vpc, holder.subnet)
    else:
        blamed = walk.world.network.blame("interfaces", holder.id, holder.account, holder.region)
        walk.doubt(kind, gateway, blamed, holder.vpc, holder.subnet)


def arrive(walk: Walk, gateway: str, vpc: Vpc) -> End:
    """Into a VPC by a gateway, by its own route table if it has one (edge association)."""
    table = walk.world.edge_table(gateway, vpc)
    if table is None:
        return walk.deliver(vpc, None)
    if not isinstance(table, RouteTable):
        return walk.unknown(Kind.ROUTE_TABLE, gateway, table, vpc.id)
    return walk.take(table, vpc, None)


def _to_egress_only(walk: Walk, target: str, vpc: Vpc, subnet: Subnet | None) -> End:
    if _attached(walk, Kind.EGRESS_ONLY_GATEWAY, "egress_only_gateways", target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    if version(walk.destination.value) == 4:
        return walk.lost(Kind.EGRESS_ONLY_GATEWAY, target, "PROTOCOL_RESTRICTION", vpc.id)
    if not walk.source.within(GLOBAL6) or walk.world.holder(vpc.id, walk.source) is None:
        return walk.lost(Kind.EGRESS_ONLY_GATEWAY, target, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", vpc.id)
    if not walk.is_reply:
        _block(walk, Kind.EGRESS_ONLY_GATEWAY, target, vpc, _home(walk, vpc), "nat")
    return End("internet", target, vpc.id, walk.source)


def _to_carrier(walk: Walk, target: str, vpc: Vpc) -> End:
    if _attached(walk, Kind.CARRIER_GATEWAY, "carrier_gateways", target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    if version(walk.destination.value) == 4:
        public = walk.world.carrier.get((vpc.id, walk.source.value))
        if public is None:
            return walk.lost(Kind.CARRIER_GATEWAY, target, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", vpc.id)
        walk.source, walk.steps[-1].translated = Point(public), public
    return End("internet", target, vpc.id, walk.source)


def from_carrier(walk: Walk, target: str, vpc: Vpc) -> End:
    """In by a carrier gateway to the interface that a carrier address stands for."""
    held = _attached(walk, Kind.CARRIER_GATEWAY, "carrier_gateways", target, vpc)
    if held is None:
        return End("unknown", target, vpc.id, walk.source)
    if version(walk.destination.value) == 4:
        place = walk.world.public.get(walk.destination.value)
        if place is None or (vpc.id, place[1]) not in walk.world.carrier:
            return walk.lost(Kind.CARRIER_GATEWAY, target, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", vpc.id)
        walk.destination = Point(place[1])
    return walk.deliver(vpc, None)


def _to_nat(walk: Walk, target: str, vpc: Vpc, subnet: Subnet | None) -> End:
    world = walk.world
    nat = world.network.index["nat_gateways"].get(target)
    if nat is None:
        blamed = world.network.blame("nat_gateways", target, vpc.account, vpc.region)
        return walk.unknown(Kind.NAT_GATEWAY, target, blamed, vpc.id)
    if not nat.regional:
        there = world.subnets.get(nat.subnet)
        if there is None:
            blamed = world.network.blame("subnets", nat.subnet, vpc.account, vpc.region)
            return walk.unknown(Kind.NAT_GATEWAY, target, blamed, vpc.id)
        if subnet is None or subnet.id != there.id:
            walk.acl(there, egress=False)
    if nat.state != "available":
        walk.stop(Kind.NAT_GATEWAY, target, "BAD_STATE", vpc.id, nat.subnet)
    if walk.entered in ("peering", "vpn"):
        walk.stop(Kind.NAT_GATEWAY, target, "NGW_REQUIRES_SOURCE_IN_VPC", vpc.id, nat.subnet)
    if version(walk.destination.value) == 6 and not walk.destination.within(NAT64):
        return walk.lost(Kind.NAT_GATEWAY, target, "PROTOCOL_RESTRICTION", vpc.id, nat.subnet)
    walk.note(
        Kind.NAT_GATEWAY, target, _NAT_CARRIES, code="PROTOCOL_RESTRICTION", vpc=vpc.id, subnet=nat.subnet
    )
    return End("nat", target, vpc.id, walk.source)


# Other networks of the customer.


def _to_vpn_gateway(walk: Walk, target: str, vpc: Vpc) -> End:
    if _attached(walk, Kind.VPN_GATEWAY, "vpn_gateways", target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    if not any(walk.source.within(each) for each in vpc.cidrs):
        return walk.lost(Kind.VPN_GATEWAY, target, "VGW_PRIVATE_IP_ASSOCIATION_FOR_EGRESS", vpc.id)
    working(walk, target, vpc)
    return End("outside", target, vpc.id, walk.source)


def from_vpn_gateway(walk: Walk, target: str, vpc: Vpc) -> End:
    """In from another network by a virtual private gateway."""
    if _attached(walk, Kind.VPN_GATEWAY, "vpn_gateways", target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    if not walk.is_reply:
        working(walk, target, vpc)
    walk.entered = "vpn"
    walk.discard(Kind.VPN_GATEWAY, target)
    return arrive(walk, target, vpc)


def _to_local_gateway(walk: Walk, target: str, vpc: Vpc) -> End:
    if _attached(walk, Kind.LOCAL_GATEWAY, "local_gateways", target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    return End("outside", target, vpc.id, walk.source)


def from_local_gateway(walk: Walk, target: str, vpc: Vpc) -> End:
    """In from the network around an Outpost."""
    if _attached(walk, Kind.LOCAL_GATEWAY, "local_gateways", target, vpc) is None:
        return End("unknown", target, vpc.id, walk.source)
    walk.entered = "vpn"
    walk.discard(Kind.LOCAL_GATEWAY, target)
    return walk.deliver(vpc, None)


def _to_peering(walk: Walk, target: str, vpc: Vpc) -> End:
    """Amazon VPC Peering Guide, "Unsupported VPC peering configurations": neither end is a way through."""
    world = walk.world
    held: Peering | None = world.network.index["peerings"].get(target)
    if held is None:
        blamed = world.network.blame("peerings", target, vpc.account, vpc.region)
        return walk.unknown(Kind.PEERING, target, blamed, vpc.id)
    if vpc.id not in (held.requester.vpc, held.accepter.vpc):
        return walk.lost(Kind.PEERING, target, "BAD_STATE_ATTACHMENT", vpc.id)
    other = held.accepter if held.requester.vpc == vpc.id else held.requester
    if held.state != "active":
        walk.stop(Kind.PEERING, target, "BAD_STATE", vpc.id)
    else:
        walk.note(Kind.PEERING, target, vpc=vpc.id)
    there = world.vpcs.get(other.vpc)
    if there is None:
        blamed = world.network.blame("vpcs", other.vpc, other.account, other.region)
        return walk.unknown(Kind.PEERING, target, blamed, other.vpc)
    if not any(walk.source.within(each) for each in vpc.cidrs):
        walk.stop(Kind.PEERING, target, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR", vpc.id)
    if not any(walk.destination.within(each) for each in there.cidrs):
        return walk.lost(Kind.PEERING, target, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR", vpc.id)
    if held.requester.region != held.accepter.region:
        walk.discard(Kind.PEERING, target)
    walk.entered = "peering"
    return walk.deliver(there, None)


# Endpoints.


def gateway_endpoint(walk: Walk, endpoint: VpcEndpoint, vpc: Vpc) -> End:
    """To an AWS service by a gateway endpoint: TCP and ICMP echo. Its policy is IAM's matter."""
    if not any(walk.source.within(each) for each in vpc.cidrs):
        walk.stop(Kind.VPC_ENDPOINT, endpoint.id, "GATEWAY_REJECTS_SPOOFED_TRAFFIC", vpc.id)
    carries = forward(services(6) | _ECHO) if not walk.is_reply else reply(services(6) | _ECHO)
    walk.note(Kind.VPC_ENDPOINT, endpoint.id, carries, code="VPCE_GATEWAY_PROTOCOL_RESTRICTION", vpc=vpc.id)
    return End("service", endpoint.id, vpc.id, walk.source)


def inspect(walk: Walk, firewall: Firewall, endpoint: str, vpc: Vpc, subnet: Subnet) -> None:
    """Pass a Network Firewall endpoint; those of one firewall know nothing of each other's flows."""
    world = walk.world
    policy = world.network.index["firewall_policies"].get(firewall.policy) if firewall.policy else None
    if policy is None:
        kind = "firewall_policies" if firewall.policy else "firewalls"
        blamed = world.network.blame(kind, firewall.policy or firewall.id, firewall.account, firewall.region)
        walk.doubt(Kind.FIREWALL, firewall.id, blamed, vpc.id, subnet.id)
        return
    tracked = walk.seen_firewalls.get(endpoint, False) if walk.is_reply else True
    sure, maybe = judge(policy, walk.source, walk.destination, walk.is_reply, tracked)
    unread: tuple[Unread, ...] = ()
    if sure != maybe:
        seen = sure if tracked else judge(policy, walk.source, walk.destination, walk.is_reply, True)[0]
        if seen != maybe:
            unread = world.network.blame("firewall_policies", policy.id, policy.account, policy.region)
        if not tracked:
            reason = "it does not see the first packet"
            unread = (Unread("firewalls", "", id=firewall.id, reason=reason), *unread)
    walk.firewalls[endpoint] = True
    walk.note(
        Kind.FIREWALL,
        firewall.id,
        sure,
        maybe,
        "FIREWALL_RULES_RESTRICTION",
        vpc.id,
        subnet.id,
        unread=unread,
    )
