"""What moto leaves out of networks: learned routes of transit gateways, gateways that few accounts have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partywall.demo.fake_defaults import empty

if TYPE_CHECKING:
    from partywall.demo.fake import Asked

_EMPTY: dict[str, str] = {
    "cloudfront": "ListVpcOrigins",
    "directconnect": "DescribeDirectConnectGatewayAssociations",
    "ec2": "DescribeLocalGatewayRouteTableVpcAssociations SearchLocalGatewayRoutes",
    "globalaccelerator": "ListEndpointGroups ListListeners",
}


def _learned(asked: Asked) -> dict[str, Any] | None:
    """moto's static routes, with those of the VPCs that propagate into the table, as AWS answers them."""
    from moto.ec2.models import ec2_backends

    answer = asked.ask_moto()
    if answer is None:
        return None
    backend: Any = ec2_backends[asked.account][asked.region]
    table = backend.transit_gateways_route_tables.get(asked.params["TransitGatewayRouteTableId"])
    if table is None:
        return answer
    known = {route.get("DestinationCidrBlock") for route in answer.get("Routes", [])}
    for learned in table.route_table_propagation:
        attachment_id = learned.transitGatewayAttachmentId
        attachment = backend.transit_gateway_attachments[attachment_id]
        if attachment.resource_type != "vpc" or attachment.state != "available":
            continue
        block = backend.vpcs[attachment.resource_id].cidr_block
        if block in known:
            continue
        answer.setdefault("Routes", []).append(
            {
                "DestinationCidrBlock": block,
                "State": "active",
                "Type": "propagated",
                "TransitGatewayAttachments": [
                    {
                        "ResourceId": attachment.resource_id,
                        "ResourceType": "vpc",
                        "TransitGatewayAttachmentId": attachment_id,
                    }
                ],
            }
        )
    return answer


def _only(listed: str, member: str) -> Any:
    """moto's attachments of one kind; it lists all kinds by either operation."""

    def answer(asked: Asked) -> dict[str, Any] | None:
        found = asked.ask_moto()
        if found is not None:
            found[listed] = [each for each in found.get(listed, []) if each.get(member)]
        return found

    return answer


def _all() -> dict[str, dict[str, Any]]:
    answers: dict[str, dict[str, Any]] = {
        service: {name: empty(service, name) for name in names.split()} for service, names in _EMPTY.items()
    }
    answers["ec2"]["SearchTransitGatewayRoutes"] = _learned
    answers["ec2"]["DescribeTransitGatewayVpcAttachments"] = _only("TransitGatewayVpcAttachments", "VpcId")
    answers["ec2"]["DescribeTransitGatewayPeeringAttachments"] = _only(
        "TransitGatewayPeeringAttachments", "RequesterTgwInfo"
    )
    return answers


ANSWERS = _all()
