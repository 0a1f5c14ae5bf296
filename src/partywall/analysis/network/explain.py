"""Answers in the shapes of VPC Reachability Analyzer: botocore's `NetworkInsightsAnalysis` and `Explanation`.

Explanation codes are those of AWS's page "Reachability Analyzer explanation codes".
"""

from __future__ import annotations

from typing import Final

from partywall.analysis.network.addresses import host, text, version
from partywall.analysis.network.answers import Answer, asked_of
from partywall.analysis.network.hops import (
    Shape,
    acl_rule,
    component,
    components,
    place,
    rule_of,
    sample,
    transit_route,
    vpc_route,
)
from partywall.analysis.network.model import AclEntry, Route, TransitGatewayRoute, Unread
from partywall.analysis.network.sets import cross, forward
from partywall.analysis.network.steps import Kind, Outcome, Step
from partywall.analysis.network.world import World

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


def explanation(world: World, step: Step, service: int | None = None) -> Shape:
    """An `Explanation` of why a step stops packets. `ExplanationCode` is AWS's."""
    code = step.code
    if step.kind is Kind.SECURITY_GROUP and not _rules(world, step):
        code = "SG_HAS_NO_RULES"
    id = step.component
    if step.kind is Kind.SECURITY_GROUP:
        id = step.groups[0] if step.groups else step.holder
    own = component(world, step.kind, id)
    found: Shape = {
        "ExplanationCode": code,
        "Direction": "egress" if step.egress else "ingress",
        "Component": own,
        **place(world, step),
    }
    if step.kind is Kind.SECURITY_GROUP:
        found["SecurityGroups"] = [component(world, Kind.SECURITY_GROUP, group) for group in step.groups]
        found["NetworkInterface"] = component(world, Kind.INTERFACE, step.holder)
    elif step.kind in _FIELDS:
        found[_FIELDS[step.kind]] = own
    if step.holder and step.kind in (Kind.TRANSIT_GATEWAY_ROUTE_TABLE, Kind.TRANSIT_GATEWAY_ATTACHMENT):
        found["TransitGateway"] = component(world, Kind.TRANSIT_GATEWAY, step.holder)
    remote = step.destination if step.egress or step.kind is Kind.ROUTE_TABLE else step.source
    # `Address` is for IPv4 alone.
    if step.source == step.destination:
        # No packet was followed: what was asked for does not meet at all.
        pass
    elif version(remote) == 4:
        found["Address"] = text(remote)
    else:
        found["Cidrs"] = [str(host(remote))]
    if isinstance(step.route, Route):
        found["RouteTableRoute"] = vpc_route(step.route, step.matched)
    elif isinstance(step.route, TransitGatewayRoute):
        found["TransitGatewayRouteTableRoute"] = transit_route(world, step)
    if service is not None and step.kind is Kind.NETWORK_ACL:
        rule = rule_of(world, step, service)
        if isinstance(rule, AclEntry):
            found["AclRule"] = acl_rule(rule)
    return found


def _rules(world: World, step: Step) -> bool:
    held = [world.network.index["security_groups"].get(group) for group in step.groups]
    return any(
        rule.egress == step.egress for group in held if group is not None for rule in group.rules or ()
    )


def _discarded(world: World, step: Step, by: tuple[Kind, str, str]) -> Shape:
    """Why rules that name groups did not let packets pass: what on the way loses the groups."""
    kind, id, code = by
    found: Shape = {
        "ExplanationCode": code,
        "Direction": "egress" if step.egress else "ingress",
        "Component": component(world, kind, id),
        "SecurityGroups": [component(world, Kind.SECURITY_GROUP, group) for group in step.groups],
    }
    if kind in _FIELDS:
        found[_FIELDS[kind]] = found["Component"]
    return found


def blocker_shapes(world: World, answer: Answer) -> list[Shape]:
    """Every blocker of an answer as an `Explanation`, with the entry of a network ACL that denies."""
    shapes: list[Shape] = []
    for step in answer.blockers:
        asked = asked_of(answer.ask, answer.cells[0].source) if answer.cells else ()
        service, port = sample(asked)
        shapes.append(explanation(world, step, port if step.reply else service))
        if step.discarded and cross(forward(step.lost), asked):
            shapes.append(_discarded(world, step, step.discarded))
    return shapes
