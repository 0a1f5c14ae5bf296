"""A path's hops in the shapes and the order of VPC Reachability Analyzer: botocore's `PathComponent`.

Order and headers after the page "Getting started with Reachability Analyzer using the AWS CLI": an end is an
instance before its interface, a gateway before what lies behind it; headers stand at both ends and where
addresses are translated; the way back names security groups, which let replies pass, without a rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, summarize_address_range
from typing import Any, Final

from partywall.analysis.network.addresses import V6_START, host
from partywall.analysis.network.answers import Cell
from partywall.analysis.network.groups import remote_cidrs
from partywall.analysis.network.model import (
    AclEntry,
    Interface,
    Route,
    SecurityGroupRule,
    TransitGatewayRoute,
)
from partywall.analysis.network.nacl import Acl
from partywall.analysis.network.sets import PORTED, STARTS, Flows, Spans, protocol_of, services
from partywall.analysis.network.steps import Kind, Step
from partywall.analysis.network.world import World

Shape = dict[str, Any]
_NAMES: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}
_TARGETS: Final = {
    "igw": "GatewayId",
    "vgw": "GatewayId",
    "vpce": "GatewayId",
    "local": "GatewayId",
    "eigw": "EgressOnlyInternetGatewayId",
    "nat": "NatGatewayId",
    "tgw": "TransitGatewayId",
    "pcx": "VpcPeeringConnectionId",
    "eni": "NetworkInterfaceId",
    "i": "InstanceId",
    "cagw": "CarrierGatewayId",
    "lgw": "LocalGatewayId",
}
_HELD: Final = {
    Kind.INTERFACE: ("interfaces", "network-interface"),
    Kind.SECURITY_GROUP: ("security_groups", "security-group"),
    Kind.NETWORK_ACL: ("network_acls", "network-acl"),
    Kind.ROUTE_TABLE: ("route_tables", "route-table"),
    Kind.INTERNET_GATEWAY: ("internet_gateways", "internet-gateway"),
    Kind.EGRESS_ONLY_GATEWAY: ("egress_only_gateways", "egress-only-internet-gateway"),
    Kind.NAT_GATEWAY: ("nat_gateways", "natgateway"),
    Kind.VPN_GATEWAY: ("vpn_gateways", "vpn-gateway"),
    Kind.CARRIER_GATEWAY: ("carrier_gateways", "carrier-gateway"),
    Kind.LOCAL_GATEWAY: ("local_gateways", "local-gateway"),
    Kind.TRANSIT_GATEWAY: ("transit_gateways", "transit-gateway"),
    Kind.TRANSIT_GATEWAY_ROUTE_TABLE: ("transit_gateway_route_tables", "transit-gateway-route-table"),
    Kind.VPC_ENDPOINT: ("endpoints", "vpc-endpoint"),
    Kind.VPC: ("vpcs", "vpc"),
}
"""Of each kind: the field of `Network` that holds it and its word in EC2's ARNs."""
_TRANSLATES: Final = (
    Kind.INTERNET_GATEWAY,
    Kind.EGRESS_ONLY_GATEWAY,
    Kind.CARRIER_GATEWAY,
    Kind.NAT_GATEWAY,
)
# Amazon VPC User Guide, "NAT gateway basics".
_NAT_PORTS: Final = {"From": 1024, "To": 65535}


def component(world: World, kind: Kind, id: str) -> Shape:
    """An `AnalysisComponent`, with its ARN and name where the network holds it."""
    if id.startswith("arn:"):
        return {"Id": id.rpartition("/")[2], "Arn": id}
    found: Shape = {"Id": id}
    field, word = _HELD.get(kind, ("", ""))
    held = world.network.index[field].get(id) if field else None
    if held is not None and held.account and held.region:
        found["Arn"] = _arn(held.account, held.region, word, id)
        if name := getattr(held, "name", ""):
            found["Name"] = name
    return found


def _arn(account: str, region: str, word: str, id: str) -> str:
    from partywall.aws.partitions import partition_of

    return f"arn:{partition_of(region)}:ec2:{region}:{account}:{word}/{id}"


def place(world: World, step: Step) -> Shape:
    """`Vpc` and `Subnet` of a step."""
    found: Shape = {}
    if step.vpc:
        found["Vpc"] = component(world, Kind.VPC, step.vpc)
    if step.subnet:
        found["Subnet"] = {"Id": step.subnet}
        held = world.subnets.get(step.subnet)
        if held is not None:
            found["Subnet"]["Arn"] = _arn(held.account, held.region, "subnet", step.subnet)
    return found


def components(world: World, cell: Cell, is_reply: bool) -> list[Shape]:
    """The hops of a path, one way, with the rule of each that lets a packet of it pass."""
    flows = cell.sure or cell.maybe
    service, port = sample(flows)
    steps = [step for step in cell.trace.steps if step.reply == is_reply]
    first = next((s for s in cell.trace.steps if not s.reply), None)
    near = world.interfaces.get(first.component) if first and first.kind is Kind.INTERFACE else None
    end = cell.trace.end
    far = world.interfaces.get(end.id) if end.kind == "interface" else None
    here, there = (far, near) if is_reply else (near, far)
    found: list[Shape] = []
    if here is not None and here.instance and steps:
        found.append(_instance(here, "OutboundHeader", header(cell, steps[0])))
    for step in steps:
        found.append(_hop(world, step, port if is_reply else service))
        if step is steps[0] and here is not None:
            if not here.instance:
                found[-1]["OutboundHeader"] = header(cell, step)
            if is_reply and here.groups:
                found.append({"Component": component(world, Kind.SECURITY_GROUP, here.groups[0])})
    if there is not None and steps:
        arrived = header(cell, steps[-1])
        if is_reply and there.groups:
            found.append({"Component": component(world, Kind.SECURITY_GROUP, there.groups[0])})
        found.append(_interface(world, there))
        if there.instance:
            found.append(_instance(there, "InboundHeader", arrived))
        else:
            found[-1]["InboundHeader"] = arrived
    _headers(cell, steps, found)
    return [{"SequenceNumber": number, **hop} for number, hop in enumerate(found, 1)]


def _headers(cell: Cell, steps: list[Step], found: list[Shape]) -> None:
    """Put headers on the gateways that translate addresses or at which a path begins or ends."""
    by_id = {hop["Component"]["Id"]: hop for hop in found}
    for index, step in enumerate(steps):
        if step.kind not in _TRANSLATES:
            continue
        hop = by_id.get(step.component)
        if hop is None:
            continue
        last = index + 1 == len(steps)
        if index or not last:
            hop["InboundHeader"] = header(cell, step)
        if not last:
            hop["OutboundHeader"] = header(cell, steps[index + 1])
        elif step.kind is not Kind.NAT_GATEWAY:
            hop["OutboundHeader"] = header(cell, step, step.translated)
            hop.pop("InboundHeader", None)


def _hop(world: World, step: Step, service: int) -> Shape:
    rule = deciding(world, step, service)
    id = step.component
    if step.kind is Kind.SECURITY_GROUP:
        id = (rule.security_group if isinstance(rule, _Ruled) else "") or next(iter(step.groups), id)
    hop: Shape = {"Component": component(world, step.kind, id)}
    if step.kind in (Kind.INTERFACE, *_TRANSLATES):
        hop |= place(world, step)
        held = world.interfaces.get(step.component)
        if held is not None and held.instance:
            hop["AttachedTo"] = _attached(held)
    elif step.kind is Kind.TRANSIT_GATEWAY_ATTACHMENT and step.holder:
        hop["TransitGateway"] = component(world, Kind.TRANSIT_GATEWAY, step.holder)
    if isinstance(rule, _Ruled):
        hop["SecurityGroupRule"] = group_rule(rule.rule)
    elif isinstance(rule, AclEntry):
        hop["AclRule"] = acl_rule(rule)
    elif isinstance(step.route, Route):
        hop["RouteTableRoute"] = vpc_route(step.route, step.matched)
    elif isinstance(step.route, TransitGatewayRoute):
        hop["TransitGateway"] = component(world, Kind.TRANSIT_GATEWAY, step.holder)
        hop["TransitGatewayRouteTableRoute"] = transit_route(world, step)
    return hop


def _interface(world: World, held: Interface) -> Shape:
    at = Step(Kind.INTERFACE, held.id, False, 0, 0, vpc=held.vpc, subnet=held.subnet)
    return _hop(world, at, 0)


def _attached(held: Interface) -> Shape:
    return {"Id": held.instance, "Arn": _arn(held.account, held.region, "instance", held.instance)}


def _instance(held: Interface, which: str, written: Shape) -> Shape:
    return {"Component": _attached(held), which: written}


# Packets.


def sample(flows: Flows) -> tuple[int, int]:
    """One packet of some flows: its service, and the place its reply goes to (a source port)."""
    if not flows or not flows[0][0]:
        return 0, 0
    service = flows[0][0].spans[0][0]
    start = next((at for at in STARTS.values() if at <= service < at + 65536), None)
    if start is None or start >= STARTS[1]:
        return service, service
    back = flows[0][1] & Spans(((start, start + 65535),))
    # A client's own port is most often an ephemeral one.
    high = next((max(low, start + 32768) for low, top in back if top >= start + 32768), None)
    return service, high if high is not None else back.spans[0][0] if back else service


def header(cell: Cell, step: Step, source: int | None = None) -> Shape:
    """An `AnalysisPacketHeader`: every address and port of the cell, as translated so far.

    `source` is the source address where that is another than the step's.
    """
    flows = cell.sure or cell.maybe
    service, _ = sample(flows)
    protocol, _ = protocol_of(service)
    found: Shape = {
        "SourceAddresses": _addresses(cell, step.source if source is None else source),
        "DestinationAddresses": _addresses(cell, step.destination),
        "Protocol": str(protocol),
    }
    if protocol in (6, 17) and flows:
        there = _port_ranges(flows[0][0] & services(protocol), protocol)
        back = (
            [dict(_NAT_PORTS)]
            if step.remapped
            else _port_ranges(flows[0][1] & services(protocol) & PORTED, protocol)
        )
        found["DestinationPortRanges"] = back if step.reply else there
        found["SourcePortRanges"] = there if step.reply else back
    return found


def _addresses(cell: Cell, value: int) -> list[str]:
    """An address as prefixes: all of those that fare alike, where it stands for them."""
    for those in (cell.source, cell.destination):
        if those and those.spans[0][0] == value:
            return list(prefixes(those))
    return [str(host(value))]


def prefixes(addresses: Spans) -> Iterable[str]:
    """Addresses of the axis of both families as prefixes."""
    for low, high in addresses:
        if low >= V6_START:
            found = summarize_address_range(IPv6Address(low - V6_START), IPv6Address(high - V6_START))
        else:
            found = summarize_address_range(IPv4Address(low), IPv4Address(high))
        yield from (str(each) for each in found)


def _port_ranges(found: Spans, protocol: int) -> list[Shape]:
    start = STARTS[protocol]
    return [{"From": low - start, "To": high - start} for low, high in found]


# Rules and routes.


class _Ruled:
    """A security group's rule and the group it is of."""

    __slots__ = ("rule", "security_group")

    def __init__(self, security_group: str, rule: SecurityGroupRule) -> None:
        self.security_group = security_group
        self.rule = rule


def rule_of(world: World, step: Step, service: int) -> SecurityGroupRule | AclEntry | None:
    """The rule of a step's group or list that decides a packet of a service."""
    found = deciding(world, step, service)
    return found.rule if isinstance(found, _Ruled) else found


def deciding(world: World, step: Step, service: int) -> _Ruled | AclEntry | None:
    """As `rule_of`, with the security group that the rule is of."""
    remote = step.destination if step.egress else step.source
    if step.kind is Kind.NETWORK_ACL:
        subnet = world.subnets.get(step.subnet)
        acl = world.acl_of(subnet) if subnet else None
        return acl.deciding(step.egress, remote, service) if isinstance(acl, Acl) else None
    if step.kind is not Kind.SECURITY_GROUP:
        return None
    for group in step.groups:
        held = world.network.index["security_groups"].get(group)
        for rule in (held.rules or ()) if held is not None else ():
            if rule.egress != step.egress or service not in services(
                rule.protocol, rule.from_port, rule.to_port
            ):
                continue
            if rule.group and rule.group in step.remote_groups:
                return _Ruled(group, rule)
            if any(remote in cidr for cidr in remote_cidrs(world.network, rule) or ()):
                return _Ruled(group, rule)
    return None


def group_rule(rule: SecurityGroupRule) -> Shape:
    """An `AnalysisSecurityGroupRule`."""
    found: Shape = {
        "Direction": "egress" if rule.egress else "ingress",
        "Protocol": "all" if rule.protocol < 0 else _NAMES.get(rule.protocol, str(rule.protocol)),
    }
    if rule.cidr is not None:
        found["Cidr"] = str(rule.cidr)
    if rule.prefix_list:
        found["PrefixListId"] = rule.prefix_list
    if rule.group:
        found["SecurityGroupId"] = rule.group
    if rule.from_port >= 0:
        found["PortRange"] = {"From": rule.from_port, "To": rule.to_port}
    return found


def acl_rule(entry: AclEntry) -> Shape:
    """An `AnalysisAclRule`."""
    found: Shape = {
        "Cidr": str(entry.cidr),
        "Egress": entry.egress,
        "Protocol": "all" if entry.protocol < 0 else _NAMES.get(entry.protocol, str(entry.protocol)),
        "RuleAction": "allow" if entry.allow else "deny",
        "RuleNumber": entry.number,
    }
    if entry.from_port >= 0:
        found["PortRange"] = {"From": entry.from_port, "To": entry.to_port}
    return found


def vpc_route(route: Route, matched: str) -> Shape:
    """An `AnalysisRouteTableRoute`; origins in lower case, as Reachability Analyzer writes them."""
    field = _TARGETS.get(route.target.split("-", 1)[0], "GatewayId")
    if route.target.startswith("arn:"):
        field = "CoreNetworkArn"
    found: Shape = {
        "DestinationCidr": matched,
        field: route.target,
        "Origin": route.origin.lower(),
        "State": route.state,
    }
    if route.prefix_list:
        found["DestinationPrefixListId"] = route.prefix_list
    return found


def transit_route(world: World, step: Step) -> Shape:
    """A `TransitGatewayRouteTableRoute`."""
    route = step.route
    assert isinstance(route, TransitGatewayRoute)
    found: Shape = {"DestinationCidr": step.matched, "State": route.state, "RouteOrigin": route.kind}
    if route.prefix_list:
        found["PrefixListId"] = route.prefix_list
    if route.attachments:
        found["AttachmentId"] = route.attachments[0]
        held = world.attachments.get((step.holder, route.attachments[0]))
        if held is not None:
            found["ResourceId"], found["ResourceType"] = held.resource, held.kind
    return found
