"""Amazon VPC Transit Gateways: gateways, attachments of VPCs and peers, route tables with their routes."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.cidr import CIDR_FIELDS, cidr_facts
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    List,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)


def _routes(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The routes that a search found; raises ValueError where there are more than it answers."""
    if answer.get("AdditionalRoutesAvailable") and not answer.get("NextToken"):
        raise ValueError("the route table has more routes than the search answers")
    return [
        {
            "prefix_list_id": route.get("PrefixListId", ""),
            "type": route.get("Type", ""),
            "state": route.get("State", ""),
            "attachment_ids": [
                a.get("TransitGatewayAttachmentId", "") for a in route.get("TransitGatewayAttachments") or ()
            ],
            **(cidr_facts(route["DestinationCidrBlock"]) if route.get("DestinationCidrBlock") else {}),
        }
        for route in answer.get("Routes") or ()
    ]


transit_gateway = Table(
    "vpc_transit_gateway",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TransitGateway",
    doc="A transit gateway; shared ones are listed too, with their owner.",
    rows=Call("ec2:DescribeTransitGateways", at="TransitGateways"),
    arn="TransitGatewayArn",
    title="TransitGatewayId",
    tags="Tags",
    columns=(
        Column("transit_gateway_id", Str, "TransitGatewayId"),
        Column("owner_id", Str, "OwnerId"),
        Column("state", Str, "State"),
        Column("description", Str, "Description", ""),
        Column(
            "auto_accept_shared_attachments",
            Enum("enable", "disable"),
            "Options.AutoAcceptSharedAttachments",
            doc="Attachments from other accounts are accepted without anyone looking.",
        ),
        Column(
            "default_route_table_association",
            Enum("enable", "disable"),
            "Options.DefaultRouteTableAssociation",
        ),
        Column(
            "default_route_table_propagation",
            Enum("enable", "disable"),
            "Options.DefaultRouteTablePropagation",
        ),
        Column(
            "security_group_referencing",
            Enum("enable", "disable"),
            "Options.SecurityGroupReferencingSupport",
            "disable",
        ),
        Column("cidr_blocks", List(Str), "Options.TransitGatewayCidrBlocks", doc="The gateway's own blocks."),
        Column(
            "encryption_state",
            Enum("enabling", "enabled", "disabling", "disabled"),
            "Options.EncryptionSupport.EncryptionState",
            "disabled",
        ),
        Column("created_at", Timestamp, "CreationTime"),
    ),
    relations=(
        Relation(
            "flow_logs",
            "vpc_flow_log",
            ("flow_log_id", "status"),
            {"transit_gateway_id": "resource_id", "region": "region"},
        ),
    ),
)

transit_gateway_attachment = Table(
    "vpc_transit_gateway_attachment",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TransitGatewayAttachment",
    doc="What is attached to a transit gateway: VPCs, VPNs, Direct Connect gateways, peers.",
    rows=Call("ec2:DescribeTransitGatewayAttachments", at="TransitGatewayAttachments"),
    arn="arn:{partition}:ec2:{region}:{account_id}:transit-gateway-attachment/{transit_gateway_attachment_id}",
    title="TransitGatewayAttachmentId",
    tags="Tags",
    columns=(
        Column("transit_gateway_attachment_id", Str, "TransitGatewayAttachmentId"),
        Column("transit_gateway_id", Str, "TransitGatewayId", ""),
        Column("transit_gateway_owner_id", Str, "TransitGatewayOwnerId"),
        Column("resource_owner_id", Str, "ResourceOwnerId"),
        Column("attached_type", Str, "ResourceType", "", doc="vpc, vpn, direct-connect-gateway, peering…"),
        Column("attached_id", Str, "ResourceId", ""),
        Column("state", Str, "State", ""),
        Column("route_table_id", Str, "Association.TransitGatewayRouteTableId", ""),
        Column(
            "association_state",
            Str,
            "Association.State",
            "",
            doc="associated: its traffic follows the table.",
        ),
        Column("created_at", Timestamp, "CreationTime"),
    ),
)

transit_gateway_route_table = Table(
    "vpc_transit_gateway_route_table",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TransitGatewayRouteTable",
    doc="A route table of a transit gateway.",
    rows=Call("ec2:DescribeTransitGatewayRouteTables", at="TransitGatewayRouteTables"),
    arn="arn:{partition}:ec2:{region}:{account_id}:transit-gateway-route-table/{transit_gateway_route_table_id}",
    title="TransitGatewayRouteTableId",
    tags="Tags",
    calls={
        # Every route in one search per table, propagated ones with the attachment they came from.
        "routes": Call(
            "ec2:SearchTransitGatewayRoutes",
            {
                "TransitGatewayRouteTableId": "transit_gateway_route_table_id",
                "Filters": [{"Name": Const("state"), "Values": [Const("active"), Const("blackhole")]}],
            },
        ),
        "propagations": Call(
            "ec2:GetTransitGatewayRouteTablePropagations",
            {"TransitGatewayRouteTableId": "transit_gateway_route_table_id"},
        ),
    },
    columns=(
        Column("transit_gateway_route_table_id", Str, "TransitGatewayRouteTableId"),
        Column("transit_gateway_id", Str, "TransitGatewayId", ""),
        Column("state", Str, "State", ""),
        Column("is_default_association", Bool, "DefaultAssociationRouteTable", False),
        Column("is_default_propagation", Bool, "DefaultPropagationRouteTable", False),
        Column("created_at", Timestamp, "CreationTime"),
        Column(
            "routes",
            List(
                Struct(
                    Field("prefix_list_id", Str, "prefix_list_id", ""),
                    Field("type", Enum("static", "propagated", "system"), "type", ""),
                    Field("state", Str, "state", ""),
                    Field("attachment_ids", List(Str), "attachment_ids", []),
                    *CIDR_FIELDS,
                )
            ),
            "routes",
            fn=_routes,
            doc="Its active and blackhole routes, with the attachments that they lead to.",
        ),
        Column(
            "propagating_attachment_ids",
            List(Str),
            "propagations.TransitGatewayRouteTablePropagations",
            fn=lambda v: [p["TransitGatewayAttachmentId"] for p in v if p.get("State") == "enabled"],
            doc="The attachments whose networks it learns.",
        ),
    ),
)

transit_gateway_vpc_attachment = Table(
    "vpc_transit_gateway_vpc_attachment",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TransitGatewayVpcAttachment",
    doc="A VPC's attachment to a transit gateway, with the subnets through which it is reached.",
    rows=Call("ec2:DescribeTransitGatewayVpcAttachments", at="TransitGatewayVpcAttachments"),
    arn="arn:{partition}:ec2:{region}:{account_id}:transit-gateway-attachment/{transit_gateway_attachment_id}",
    title="TransitGatewayAttachmentId",
    tags="Tags",
    columns=(
        Column("transit_gateway_attachment_id", Str, "TransitGatewayAttachmentId"),
        Column("transit_gateway_id", Str, "TransitGatewayId", ""),
        Column("vpc_id", Str, "VpcId", ""),
        Column("vpc_owner_id", Str, "VpcOwnerId"),
        Column("state", Str, "State", ""),
        Column("subnet_ids", List(Str), "SubnetIds", doc="One per zone; only these zones are reached."),
        Column("dns_support", Enum("enable", "disable"), "Options.DnsSupport", "enable"),
        Column("ipv6_support", Enum("enable", "disable"), "Options.Ipv6Support", "disable"),
        Column(
            "appliance_mode",
            Enum("enable", "disable"),
            "Options.ApplianceModeSupport",
            "disable",
            doc="enable: both directions of a flow pass through the same zone.",
        ),
        Column(
            "security_group_referencing",
            Enum("enable", "disable"),
            "Options.SecurityGroupReferencingSupport",
            "disable",
            doc="enable: inbound rules may name groups of other VPCs on the gateway.",
        ),
    ),
)

transit_gateway_peering_attachment = Table(
    "vpc_transit_gateway_peering_attachment",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::TransitGatewayPeeringAttachment",
    doc="A peering of two transit gateways, of other Regions or accounts too.",
    rows=Call("ec2:DescribeTransitGatewayPeeringAttachments", at="TransitGatewayPeeringAttachments"),
    arn="arn:{partition}:ec2:{region}:{account_id}:transit-gateway-attachment/{transit_gateway_attachment_id}",
    title="TransitGatewayAttachmentId",
    tags="Tags",
    columns=(
        Column("transit_gateway_attachment_id", Str, "TransitGatewayAttachmentId"),
        Column("accepter_attachment_id", Str, "AccepterTransitGatewayAttachmentId", ""),
        Column("state", Str, "State", ""),
        Column("requester_gateway_id", Str, "RequesterTgwInfo.TransitGatewayId", ""),
        Column("requester_owner_id", Str, "RequesterTgwInfo.OwnerId", ""),
        Column("requester_region", Str, "RequesterTgwInfo.Region", ""),
        Column("accepter_gateway_id", Str, "AccepterTgwInfo.TransitGatewayId", ""),
        Column("accepter_owner_id", Str, "AccepterTgwInfo.OwnerId", ""),
        Column("accepter_region", Str, "AccepterTgwInfo.Region", ""),
    ),
)

TABLES = (
    transit_gateway,
    transit_gateway_attachment,
    transit_gateway_route_table,
    transit_gateway_vpc_attachment,
    transit_gateway_peering_attachment,
)
