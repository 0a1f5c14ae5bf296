"""Amazon VPC's ways to other networks: VPN, peering and client VPN."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.cidr import CIDR_FIELDS, cidr_facts
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

vpn_gateway = Table(
    "vpc_vpn_gateway",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPNGateway",
    doc="A virtual private gateway: AWS's end of a VPN or Direct Connect link to one VPC.",
    rows=Call("ec2:DescribeVpnGateways", at="VpnGateways"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpn-gateway/{vpn_gateway_id}",
    title="VpnGatewayId",
    tags="Tags",
    columns=(
        Column("vpn_gateway_id", Str, "VpnGatewayId"),
        Column("state", Enum("pending", "available", "deleting", "deleted"), "State"),
        Column("vpc_ids", List(Str), "VpcAttachments[].VpcId"),
        Column("amazon_side_asn", Int, "AmazonSideAsn"),
    ),
)

nat_gateway = Table(
    "vpc_nat_gateway",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::NatGateway",
    doc="A NAT gateway with its addresses.",
    rows=Call("ec2:DescribeNatGateways", at="NatGateways"),
    arn="arn:{partition}:ec2:{region}:{account_id}:natgateway/{nat_gateway_id}",
    title="NatGatewayId",
    tags="Tags",
    columns=(
        Column("nat_gateway_id", Str, "NatGatewayId"),
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_id", Str, "SubnetId", ""),
        Column("state", Enum("pending", "failed", "available", "deleting", "deleted"), "State"),
        Column("connectivity_type", Enum("private", "public"), "ConnectivityType", "public"),
        Column("availability_mode", Enum("zonal", "regional"), "AvailabilityMode", "zonal"),
        Column("public_ips", List(Str), "NatGatewayAddresses[].PublicIp"),
        Column(
            "addresses",
            List(
                Struct(
                    Field("private_ip", Str, "PrivateIp", ""),
                    Field("public_ip", Str, "PublicIp", ""),
                    Field("network_interface_id", Str, "NetworkInterfaceId", ""),
                    Field("availability_zone_id", Str, "AvailabilityZoneId", ""),
                )
            ),
            "NatGatewayAddresses",
        ),
        Column("network_interface_ids", List(Str), "NatGatewayAddresses[].NetworkInterfaceId"),
        Column("route_table_id", Str, "RouteTableId", "", doc="A regional NAT gateway's own route table."),
        Column("created_at", Timestamp, "CreateTime"),
        Column("failure_message", Str, "FailureMessage", ""),
    ),
)

customer_gateway = Table(
    "vpc_customer_gateway",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::CustomerGateway",
    doc="A customer gateway: the customer's end of a VPN.",
    rows=Call("ec2:DescribeCustomerGateways", at="CustomerGateways"),
    arn="arn:{partition}:ec2:{region}:{account_id}:customer-gateway/{customer_gateway_id}",
    title="CustomerGatewayId",
    tags="Tags",
    columns=(
        Column("customer_gateway_id", Str, "CustomerGatewayId"),
        Column("state", Str, "State", ""),
        Column("ip_address", Str, "IpAddress", ""),
        Column("bgp_asn", Str, "BgpAsn", ""),
        Column(
            "certificate_arn",
            Str,
            "CertificateArn",
            "",
            doc="The certificate that it proves itself with; empty: a pre-shared key.",
        ),
    ),
)


def _blocks(side: str) -> Any:
    """A function from a peering connection to the IPv4 and IPv6 blocks of one of its VPCs."""

    def blocks(connection: Mapping[str, Any]) -> list[str]:
        info = connection.get(side) or {}
        found = [b.get("CidrBlock", "") for b in info.get("CidrBlockSet") or ()]
        found += [b.get("Ipv6CidrBlock", "") for b in info.get("Ipv6CidrBlockSet") or ()]
        return sorted({info.get("CidrBlock", ""), *found} - {""})

    return blocks


peering_connection = Table(
    "vpc_peering_connection",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPCPeeringConnection",
    doc="A peering connection of two VPCs, with the route tables that use it.",
    rows=Call("ec2:DescribeVpcPeeringConnections", at="VpcPeeringConnections"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-peering-connection/{vpc_peering_connection_id}",
    title="VpcPeeringConnectionId",
    tags="Tags",
    columns=(
        Column("vpc_peering_connection_id", Str, "VpcPeeringConnectionId"),
        Column("status", Str, "Status.Code", ""),
        Column("accepter_owner_id", Str, "AccepterVpcInfo.OwnerId"),
        Column("accepter_vpc_id", Str, "AccepterVpcInfo.VpcId", ""),
        Column("accepter_region", Str, "AccepterVpcInfo.Region", ""),
        Column("accepter_cidr_blocks", List(Str), ".", fn=_blocks("AccepterVpcInfo")),
        Column("requester_owner_id", Str, "RequesterVpcInfo.OwnerId"),
        Column("requester_vpc_id", Str, "RequesterVpcInfo.VpcId", ""),
        Column("requester_region", Str, "RequesterVpcInfo.Region", ""),
        Column("requester_cidr_blocks", List(Str), ".", fn=_blocks("RequesterVpcInfo")),
    ),
    relations=(
        Relation(
            "route_tables",
            "vpc_route_table",
            ("route_table_id", "routes"),
            {"vpc_peering_connection_id": "peering_connection_ids[]", "region": "region"},
            doc="The route tables of this Region that route to the connection, on the scanned side or sides.",
        ),
    ),
)


def _values(raw: list[Mapping[str, Any]]) -> list[str]:
    return [str(v.get("Value", "")) for v in raw]


vpn_connection = Table(
    "vpc_vpn_connection",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPNConnection",
    doc="A Site-to-Site VPN connection with its tunnels; pre-shared keys are never kept.",
    rows=Call("ec2:DescribeVpnConnections", at="VpnConnections"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpn-connection/{vpn_connection_id}",
    title="VpnConnectionId",
    tags="Tags",
    columns=(
        Column("vpn_connection_id", Str, "VpnConnectionId"),
        Column("state", Enum("pending", "available", "deleting", "deleted"), "State"),
        Column("customer_gateway_id", Str, "CustomerGatewayId", ""),
        Column("vpn_gateway_id", Str, "VpnGatewayId", ""),
        Column("transit_gateway_id", Str, "TransitGatewayId", ""),
        Column("static_routes_only", Bool, "Options.StaticRoutesOnly", False),
        Column("local_ipv4_network", Str, "Options.LocalIpv4NetworkCidr", "", doc="The customer's side."),
        Column("remote_ipv4_network", Str, "Options.RemoteIpv4NetworkCidr", "", doc="AWS's side."),
        Column(
            "static_routes",
            List(Str),
            "Routes",
            fn=lambda v: [r["DestinationCidrBlock"] for r in v if r.get("State") == "available"],
            doc="Blocks behind the customer gateway that were named by hand.",
        ),
        Column(
            "tunnels",
            List(
                Struct(
                    Field("outside_ip_address", Str, "OutsideIpAddress", ""),
                    Field("status", Enum("UP", "DOWN"), "Status"),
                    Field("status_message", Str, "StatusMessage", ""),
                    Field("last_status_change", Timestamp, "LastStatusChange"),
                    Field("certificate_arn", Str, "CertificateArn", ""),
                )
            ),
            "VgwTelemetry",
            doc="What AWS sees of each tunnel.",
        ),
        Column(
            "tunnel_options",
            List(
                Struct(
                    Field("outside_ip_address", Str, "OutsideIpAddress", ""),
                    Field(
                        "log_enabled",
                        Bool,
                        "LogOptions.CloudWatchLogOptions.LogEnabled",
                        False,
                    ),
                    Field("log_group_arn", Str, "LogOptions.CloudWatchLogOptions.LogGroupArn", ""),
                    Field("ike_versions", List(Str), "IkeVersions", [], fn=_values),
                    Field("phase1_encryption", List(Str), "Phase1EncryptionAlgorithms", [], fn=_values),
                    Field("phase2_encryption", List(Str), "Phase2EncryptionAlgorithms", [], fn=_values),
                    Field("phase1_integrity", List(Str), "Phase1IntegrityAlgorithms", [], fn=_values),
                    Field("phase2_integrity", List(Str), "Phase2IntegrityAlgorithms", [], fn=_values),
                    Field("phase1_dh_groups", List(Str), "Phase1DHGroupNumbers", [], fn=_values),
                    Field("phase2_dh_groups", List(Str), "Phase2DHGroupNumbers", [], fn=_values),
                )
            ),
            "Options.TunnelOptions",
            doc="What each tunnel may negotiate; an empty list stands for all that AWS supports.",
        ),
    ),
)

client_vpn_endpoint = Table(
    "vpc_client_vpn_endpoint",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::ClientVpnEndpoint",
    doc="A Client VPN endpoint, where people connect from their own machines.",
    rows=Call("ec2:DescribeClientVpnEndpoints", at="ClientVpnEndpoints"),
    arn="arn:{partition}:ec2:{region}:{account_id}:client-vpn-endpoint/{client_vpn_endpoint_id}",
    title="ClientVpnEndpointId",
    tags="Tags",
    calls={
        "rules": Call(
            "ec2:DescribeClientVpnAuthorizationRules", {"ClientVpnEndpointId": "client_vpn_endpoint_id"}
        ),
        "targets": Call(
            "ec2:DescribeClientVpnTargetNetworks", {"ClientVpnEndpointId": "client_vpn_endpoint_id"}
        ),
        "routes": Call("ec2:DescribeClientVpnRoutes", {"ClientVpnEndpointId": "client_vpn_endpoint_id"}),
    },
    columns=(
        Column("client_vpn_endpoint_id", Str, "ClientVpnEndpointId"),
        Column("status", Str, "Status.Code", ""),
        Column("vpc_id", Str, "VpcId", ""),
        Column("client_cidr_block", Str, "ClientCidrBlock", "", doc="The addresses that clients get."),
        Column("split_tunnel", Bool, "SplitTunnel", False),
        Column("transport_protocol", Enum("tcp", "udp"), "TransportProtocol", ""),
        Column("authentication_types", List(Str), "AuthenticationOptions[].Type"),
        Column("log_enabled", Bool, "ConnectionLogOptions.Enabled", False, doc="Connections are logged."),
        Column("log_group", Str, "ConnectionLogOptions.CloudwatchLogGroup", ""),
        Column("group_ids", List(Str), "SecurityGroupIds", doc="Its security groups."),
        Column("server_certificate_arn", Str, "ServerCertificateArn", ""),
        Column("session_timeout_hours", Int, "SessionTimeoutHours", 24),
        Column("client_connect_enabled", Bool, "ClientConnectOptions.Enabled", False),
        Column(
            "authorization_rules",
            List(
                Struct(
                    Field("access_all", Bool, "AccessAll", False),
                    Field("group_id", Str, "GroupId", ""),
                    *CIDR_FIELDS,
                )
            ),
            "rules.AuthorizationRules",
            fn=lambda v: [
                {**r, **(cidr_facts(r["DestinationCidr"]) if r.get("DestinationCidr") else {})} for r in v
            ],
            doc="Which networks whom is let into; access_all is every authenticated user.",
        ),
        Column(
            "target_networks",
            List(
                Struct(
                    Field("subnet_id", Str, "TargetNetworkId", ""),
                    Field("vpc_id", Str, "VpcId", ""),
                    Field("group_ids", List(Str), "SecurityGroups", []),
                    Field("status", Str, "Status.Code", ""),
                )
            ),
            "targets.ClientVpnTargetNetworks",
            doc="The subnets through which clients come into the VPC.",
        ),
        Column(
            "routes",
            List(
                Struct(
                    Field("destination", Str, "DestinationCidr", ""),
                    Field("subnet_id", Str, "TargetSubnet", ""),
                    Field("status", Str, "Status.Code", ""),
                )
            ),
            "routes.Routes",
        ),
    ),
)

TABLES = (
    nat_gateway,
    vpn_gateway,
    customer_gateway,
    peering_connection,
    vpn_connection,
    client_vpn_endpoint,
)
