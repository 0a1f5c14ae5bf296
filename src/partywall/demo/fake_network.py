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
    answers["ec2"]["SearchTransitGatewayRoutes"] = _learned
    answers["ec2"]["DescribeTransitGatewayVpcAttachments"] = _only("TransitGatewayVpcAttachments", "VpcId")
    answers["ec2"]["DescribeTransitGatewayPeeringAttachments"] = _only(
        "TransitGatewayPeeringAttachments", "RequesterTgwInfo"
    )
    answers["ec2"]["DescribePrefixLists"] = _prefix_lists
    return answers


ANSWERS = _all()
