"""Amazon VPC's ways to places of AWS's own: carriers' networks, Outposts' networks, services' addresses."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import Call, Column, Enum, Field, List, Lookup, Str, Struct, Table

carrier_gateway = Table(
    "vpc_carrier_gateway",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::CarrierGateway",
    doc="A carrier gateway: a VPC's way into a telecom carrier's network and, through it, the internet.",
    rows=Call("ec2:DescribeCarrierGateways", at="CarrierGateways"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:carrier-gateway/{carrier_gateway_id}",
    title="CarrierGatewayId",
    tags="Tags",
    columns=(
        Column("carrier_gateway_id", Str, "CarrierGatewayId"),
        Column("owner_id", Str, "OwnerId"),
        Column("vpc_id", Str, "VpcId", ""),
        Column("state", Enum("pending", "available", "deleting", "deleted"), "State"),
    ),
)

local_gateway_route_table = Table(
    "vpc_local_gateway_route_table",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::LocalGatewayRouteTable",
    doc="A route table of an Outpost's local gateway, with the VPCs that follow it.",
    rows=Call("ec2:DescribeLocalGatewayRouteTables", at="LocalGatewayRouteTables"),
    arn="LocalGatewayRouteTableArn",
    title="LocalGatewayRouteTableId",
    tags="Tags",
    calls={
        "routes": Call(
            "ec2:SearchLocalGatewayRoutes", {"LocalGatewayRouteTableId": "local_gateway_route_table_id"}
        ),
        "vpcs": Lookup(
            "ec2:DescribeLocalGatewayRouteTableVpcAssociations",
            at="LocalGatewayRouteTableVpcAssociations",
            key="LocalGatewayRouteTableId",
            by="local_gateway_route_table_id",
            many=True,
        ),
    },
    columns=(
        Column("local_gateway_route_table_id", Str, "LocalGatewayRouteTableId"),
        Column("local_gateway_id", Str, "LocalGatewayId", ""),
        Column("owner_id", Str, "OwnerId", ""),
        Column("outpost_arn", Str, "OutpostArn", ""),
        Column("state", Str, "State", ""),
        Column(
            "mode",
            Enum("direct-vpc-routing", "coip"),
            "Mode",
            "coip",
            doc="coip: the Outpost's network sees customer-owned addresses instead of private ones.",
        ),
        Column(
            "routes",
            List(
                Struct(
                    Field("destination", Str, "DestinationCidrBlock", ""),
                    Field("prefix_list_id", Str, "DestinationPrefixListId", ""),
                    Field("virtual_interface_group_id", Str, "LocalGatewayVirtualInterfaceGroupId", ""),
                    Field("network_interface_id", Str, "NetworkInterfaceId", ""),
                    Field("state", Str, "State", ""),
                )
            ),
            "routes.Routes",
        ),
        Column(
            "vpc_ids",
            List(Str),
            "vpcs[].VpcId",
            doc="The VPCs that it routes to and from the Outpost's network.",
        ),
    ),
)


def _blocks(element: Mapping[str, Any]) -> list[str]:
    """The blocks of a list; raises ValueError where AWS does not tell them, for none has no block."""
    found: list[str] = element.get("Cidrs") or []
    if not found:
        raise ValueError("the answer tells no blocks of this list")
    return found


aws_prefix_list = Table(
    "vpc_aws_prefix_list",
    service="vpc",
    scope="regional",
    doc="A prefix list that AWS itself keeps: the addresses of a service, for routes and rules.",
    rows=Call("ec2:DescribePrefixLists", at="PrefixLists"),
    arn="arn:{partition}:ec2:{region}:aws:prefix-list/{prefix_list_id}",
    title="PrefixListName",
    columns=(
        Column("prefix_list_id", Str, "PrefixListId"),
        Column("blocks", List(Str), ".", fn=_blocks),
    ),
)

TABLES = (carrier_gateway, local_gateway_route_table, aws_prefix_list)
