"""Answers in the shapes of VPC Reachability Analyzer: botocore's `PathComponent` and `Explanation`.

Explanation codes are those of AWS's page "Reachability Analyzer explanation codes".
"""

from __future__ import annotations

from typing import Any, Final

from partywall.analysis.network.addresses import text
from partywall.analysis.network.answers import Answer, Cell, asked_of
from partywall.analysis.network.groups import remote_cidrs
from partywall.analysis.network.model import (
    AclEntry,
    Route,
    SecurityGroupRule,
    TransitGatewayRoute,
    Unread,
)
from partywall.analysis.network.nacl import Acl
from partywall.analysis.network.sets import STARTS, Flows, Spans, protocol_of, services
from partywall.analysis.network.steps import Kind, Outcome, Step
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
_FIELDS: Final = {
    Kind.NETWORK_ACL: "Acl",
    Kind.ROUTE_TABLE: "RouteTable",
    Kind.INTERNET_GATEWAY: "InternetGateway",
    Kind.NAT_GATEWAY: "NatGateway",
    Kind.PEERING: "VpcPeeringConnection",
    Kind.VPN_GATEWAY: "VpnGateway",
    Kind.TRANSIT_GATEWAY: "TransitGateway",
    Kind.TRANSIT_GATEWAY_ATTACHMENT: "TransitGatewayAttachment",
    Kind.TRANSIT_GATEWAY_ROUTE_TABLE: "TransitGatewayRouteTable",
    Kind.VPC_ENDPOINT: "VpcEndpoint",
    Kind.INTERFACE: "NetworkInterface",
    Kind.VPC: "Vpc",
}


def analysis(world: World, answer: Answer) -> Shape:
    """An answer as a `NetworkInsightsAnalysis`: the path there and back, or everything that stops it.

    `Status` is succeeded, and failed where the answer is unknown; `StatusMessage` then names the calls.
    """
    found: Shape = {
        "Status": "failed" if answer.outcome is Outcome.UNKNOWN else "succeeded",
        "NetworkPathFound": answer.outcome is Outcome.REACHABLE,
    }
    best = answer.best
    if answer.outcome is Outcome.REACHABLE and best is not None:
        found["ForwardPathComponents"] = components(world, best, False)
        found["ReturnPathComponents"] = components(world, best, True)
    elif answer.outcome is Outcome.NOT_REACHABLE:
        found["Explanations"] = blocker_shapes(world, answer)
    else:
        found["StatusMessage"] = "not known without " + "; ".join(named(each) for each in answer.unread)
    return found


def named(unread: Unread) -> str:
    """What was not read, for people: the call, where, and why."""
    where = "/".join(each for each in (unread.account, unread.region, unread.id) if each)
    return " ".join(each for each in (unread.call, f"({where})" if where else "", unread.reason) if each)


def components(world: World, cell: Cell, is_reply: bool) -> list[Shape]:
    """The hops of a path, one way, with the rule of each that lets a packet of it pass."""
    service, port = sample(cell.sure or cell.maybe)
    found: list[Shape] = []
    for step in cell.trace.steps:
        if step.reply != is_reply:
            continue
        hop: Shape = {"SequenceNumber": len(found) + 1, "Component": {"Id": step.component}}
        if step.vpc:
            hop["Vpc"] = {"Id": step.vpc}
        if step.subnet:
            hop["Subnet"] = {"Id": step.subnet}
        if step.holder:
            hop["AttachedTo"] = {"Id": step.holder}
        hop["OutboundHeader" if step.egress else "InboundHeader"] = header(step, service, port)
        rule = deciding(world, step, port if is_reply else service)
        if isinstance(rule, SecurityGroupRule):
            hop["SecurityGroupRule"] = group_rule(step, rule)
        elif isinstance(rule, AclEntry):
            hop["AclRule"] = acl_rule(rule)
        elif isinstance(step.route, Route):
            hop["RouteTableRoute"] = vpc_route(step.route, step.matched)
        elif isinstance(step.route, TransitGatewayRoute):
            hop["TransitGatewayRouteTableRoute"] = transit_route(world, step)
        found.append(hop)
    return found


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


def header(step: Step, service: int, port: int) -> Shape:
    """An `AnalysisPacketHeader`."""
    protocol, number = protocol_of(service)
    found: Shape = {
        "SourceAddresses": [text(step.source)],
        "DestinationAddresses": [text(step.destination)],
        "Protocol": _NAMES.get(protocol, str(protocol)),
    }
    if protocol in (6, 17):
        there = [{"From": number, "To": number}]
        back = [{"From": port % 65536, "To": port % 65536}]
        found["DestinationPortRanges"], found["SourcePortRanges"] = (
            (back, there) if step.reply else (there, back)
        )
    return found


def deciding(world: World, step: Step, service: int) -> SecurityGroupRule | AclEntry | None:
    """The rule of a step's group or list that decides a packet of a service."""
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
                return rule
            if any(remote in cidr for cidr in remote_cidrs(world.network, rule) or ()):
                return rule
    return None


def group_rule(step: Step, rule: SecurityGroupRule) -> Shape:
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
    """An `AnalysisRouteTableRoute`."""
    field = _TARGETS.get(route.target.split("-", 1)[0], "GatewayId")
    if route.target.startswith("arn:"):
        field = "CoreNetworkArn"
    found: Shape = {
        "DestinationCidr": matched,
        field: route.target,
        "Origin": route.origin,
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


def explanation(world: World, step: Step, service: int | None = None) -> Shape:
    """An `Explanation` of why a step stops packets. `ExplanationCode` is AWS's."""
    code = step.code
    if step.kind is Kind.SECURITY_GROUP and not _rules(world, step):
        code = "SG_HAS_NO_RULES"
    direction = "egress" if step.egress else "ingress"
    found: Shape = {"ExplanationCode": code, "Direction": direction, "Component": {"Id": step.component}}
    if step.kind is Kind.SECURITY_GROUP:
        found["SecurityGroups"] = [{"Id": group} for group in step.groups]
        found["NetworkInterface"] = {"Id": step.holder}
        found["Component"] = {"Id": step.groups[0] if step.groups else step.holder}
    elif step.kind in _FIELDS:
        found[_FIELDS[step.kind]] = {"Id": step.component}
    if step.kind is Kind.TRANSIT_GATEWAY_ROUTE_TABLE and step.holder:
        found["TransitGateway"] = {"Id": step.holder}
    if step.vpc:
        found["Vpc"] = {"Id": step.vpc}
    if step.subnet:
        found["Subnet"] = {"Id": step.subnet}
    remote = step.destination if step.egress else step.source
    found["Address"] = text(remote)
    found["Destination"] = {"Id": text(step.destination)}
    if isinstance(step.route, Route):
        found["RouteTableRoute"] = vpc_route(step.route, step.matched)
    elif isinstance(step.route, TransitGatewayRoute):
        found["TransitGatewayRouteTableRoute"] = transit_route(world, step)
    if service is not None and step.kind is Kind.NETWORK_ACL:
        rule = deciding(world, step, service)
        if isinstance(rule, AclEntry):
            found["AclRule"] = acl_rule(rule)
    return found


def _rules(world: World, step: Step) -> bool:
    held = [world.network.index["security_groups"].get(group) for group in step.groups]
    return any(
        rule.egress == step.egress for group in held if group is not None for rule in group.rules or ()
    )


def blocker_shapes(world: World, answer: Answer) -> list[Shape]:
    """Every blocker of an answer as an `Explanation`, with the entry of a network ACL that denies."""
    shapes: list[Shape] = []
    for step in answer.blockers:
        asked = asked_of(answer.ask, answer.cells[0].source) if answer.cells else ()
        service, port = sample(asked)
        shapes.append(explanation(world, step, port if step.reply else service))
    return shapes
