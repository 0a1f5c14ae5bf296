"""What moto leaves out of networks: learned routes of transit gateways, gateways that few accounts have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partywall.demo.fake_defaults import empty
from partywall.demo.protocol import AwsError

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

_EMPTY: dict[str, str] = {
    "cloudfront": "ListVpcOrigins",
    "directconnect": "DescribeDirectConnectGatewayAssociations",
    "ec2": "DescribeLocalGatewayRouteTableVpcAssociations SearchLocalGatewayRoutes",
    "globalaccelerator": "ListEndpointGroups ListListeners",
}


def _routes(asked: Asked) -> dict[str, Any]:
    """Static routes, and those of VPCs that propagate into the table; moto fails where pages are asked."""
    from moto.ec2.models import ec2_backends

    backend: Any = ec2_backends[asked.account][asked.region]
    table = backend.transit_gateways_route_tables.get(asked.params["TransitGatewayRouteTableId"])
    if table is None:
        raise AwsError("InvalidRouteTableID.NotFound", "Transit gateway route table not found.")
    found: dict[str, dict[str, Any]] = {}
    for learned in table.route_table_propagation:
        attachment = backend.transit_gateway_attachments[learned.transitGatewayAttachmentId]
        if attachment.resource_type == "vpc" and attachment.state == "available":
            block = backend.vpcs[attachment.resource_id].cidr_block
            found[block] = _route(block, attachment, "active", "propagated")
    for block, route in table.routes.items():
        held = route.get("transitGatewayAttachments") or {}
        attachment = backend.transit_gateway_attachments.get(held.get("transitGatewayAttachmentId"))
        found[block] = _route(block, attachment, route.get("state") or "active", "static")
    return {"Routes": list(found.values()), "AdditionalRoutesAvailable": False}


def _route(block: str, attachment: Any, state: str, kind: str) -> dict[str, Any]:
    target = {
        "ResourceId": getattr(attachment, "resource_id", ""),
        "ResourceType": getattr(attachment, "resource_type", ""),
        "TransitGatewayAttachmentId": getattr(attachment, "id", ""),
    }
    return {
        "DestinationCidrBlock": block,
        "State": state,
        "Type": kind,
        "TransitGatewayAttachments": [target] if attachment else [],
    }


def _only(listed: str, member: str) -> Any:
    """moto's attachments of one kind; it lists all kinds by either operation."""

    def answer(asked: Asked) -> dict[str, Any] | None:
        found = asked.ask_moto()
        if found is not None:
            found[listed] = [each for each in found.get(listed, []) if each.get(member)]
        return found

    return answer


def _prefix_lists(asked: Asked) -> dict[str, Any] | None:
    """AWS's own lists with blocks, as they are in Ireland (ip-ranges.json); moto names the lists alone."""
    found = asked.ask_moto()
    for each in (found or {}).get("PrefixLists", []):
        service = each["PrefixListName"].rpartition(".")[2]
        each["Cidrs"] = _SERVICE_BLOCKS.get(service, ["192.0.2.0/24"])
    return found


_SERVICE_BLOCKS = {
    "s3": ["3.5.64.0/21", "52.92.0.0/17", "52.218.0.0/17"],
    "dynamodb": ["52.94.24.0/23", "52.119.240.0/21"],
    "origin-facing": ["130.176.0.0/17", "52.46.0.0/18", "64.252.64.0/18"],
}


def _all() -> dict[str, dict[str, Any]]:
    answers: dict[str, dict[str, Any]] = {
        service: {name: empty(service, name) for name in names.split()} for service, names in _EMPTY.items()
    }
    answers["ec2"]["SearchTransitGatewayRoutes"] = _routes
    answers["ec2"]["DescribeTransitGatewayVpcAttachments"] = _only("TransitGatewayVpcAttachments", "VpcId")
    answers["ec2"]["DescribeTransitGatewayPeeringAttachments"] = _only(
        "TransitGatewayPeeringAttachments", "RequesterTgwInfo"
    )
    answers["ec2"]["DescribePrefixLists"] = _prefix_lists
    return answers


ANSWERS = _all()
