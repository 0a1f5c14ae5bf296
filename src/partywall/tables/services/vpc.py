"""Amazon VPC: networks, subnets, routing, flow logs, prefix lists and public-access blocks."""

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.cidr import CIDR_FIELDS, cidr_facts
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Relation,
    Single,
    Str,
    StrMap,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]
_BLOCK_MODE: Final = Enum("off", "block-bidirectional", "block-ingress")

vpc = Table(
    "vpc",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPC",
    doc="A virtual private cloud; shared ones are listed too, with their owner.",
    rows=Call("ec2:DescribeVpcs", at="Vpcs"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:vpc/{vpc_id}",
    title="VpcId",
    tags="Tags",
    calls={
        "dns_support": Call(
            "ec2:DescribeVpcAttribute", {"VpcId": "vpc_id", "Attribute": Const("enableDnsSupport")}
        ),
        "dns_hostnames": Call(
            "ec2:DescribeVpcAttribute", {"VpcId": "vpc_id", "Attribute": Const("enableDnsHostnames")}
        ),
    },
    columns=(
        Column("vpc_id", Str, "VpcId"),
        Column("owner_id", Str, "OwnerId", doc="The account that owns the VPC."),
        Column("state", Enum("pending", "available", "deleting"), "State"),
        Column("is_default", Bool, "IsDefault", False),
        Column("cidr_blocks", List(Str), "CidrBlockAssociationSet[].CidrBlock", doc="IPv4 blocks."),
        Column("ipv6_cidr_blocks", List(Str), "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock"),
        Column("dhcp_options_id", Str, "DhcpOptionsId", ""),
        Column("instance_tenancy", Enum("default", "dedicated", "host"), "InstanceTenancy"),
        Column(
            "internet_gateway_block_mode",
            _BLOCK_MODE,
            "BlockPublicAccessStates.InternetGatewayBlockMode",
            "off",
            doc="What VPC Block Public Access does to this VPC, exclusions taken into account.",
        ),
        Column(
            "encryption_control_mode",
            Enum("monitor", "enforce", "none"),
            "EncryptionControl.Mode",
            "none",
            doc="VPC encryption controls: watch for or refuse traffic in plain text.",
        ),
        Column("dns_support", Bool, "dns_support.EnableDnsSupport.Value"),
        Column("dns_hostnames", Bool, "dns_hostnames.EnableDnsHostnames.Value"),
    ),
    relations=(
        Relation(
            "flow_logs",
            "vpc_flow_log",
            ("flow_log_id", "status", "traffic_type", "deliver_logs_status", "destination"),
            {"vpc_id": "resource_id", "region": "region"},
            doc="Flow logs of the VPC as a whole.",
        ),
        Relation(
            "subnets",
            "vpc_subnet",
            ("subnet_id", "availability_zone", "route_tables", "vpc_route_tables"),
            {"vpc_id": "vpc_id", "region": "region"},
        ),
        Relation(
            "endpoints",
            "vpc_endpoint",
            ("vpc_endpoint_id", "endpoint_type", "service_name", "state"),
            {"vpc_id": "vpc_id", "region": "region"},
        ),
        Relation(
            "query_logs",
            "route53_resolver_query_log_association",
            ("query_log_config_id", "status"),
            {"vpc_id": "vpc_id", "region": "region"},
            doc="Logging of the DNS queries that the VPC's resolver answers.",
        ),
        Relation(
            "dns_firewalls",
            "route53_dns_firewall_association",
            ("name", "rule_group_id", "status"),
            {"vpc_id": "vpc_id", "region": "region"},
        ),
        Relation(
            "interfaces",
            "vpc_network_interface",
            ("network_interface_id", "interface_type", "public_ip"),
            {"vpc_id": "vpc_id", "region": "region"},
        ),
    ),
)

subnet = Table(
    "vpc_subnet",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::Subnet",
    doc="A subnet, with the route tables that lead out of it.",
    rows=Call("ec2:DescribeSubnets", at="Subnets"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:subnet/{subnet_id}",
    title="SubnetId",
    tags="Tags",
    calls={
        "zones": Lookup(
            "ec2:DescribeAvailabilityZones", at="AvailabilityZones", key="ZoneId", by="availability_zone_id"
        ),
    },
    columns=(
        Column("subnet_id", Str, "SubnetId"),
        Column("owner_id", Str, "OwnerId"),
        Column("vpc_id", Str, "VpcId"),
        Column("state", Str, "State"),
        Column("availability_zone", Str, "AvailabilityZone", ""),
        Column("availability_zone_id", Str, "AvailabilityZoneId", ""),
        Column("cidr_block", Str, "CidrBlock", ""),
        Column("ipv6_cidr_blocks", List(Str), "Ipv6CidrBlockAssociationSet[].Ipv6CidrBlock"),
        Column("available_ip_address_count", Int, "AvailableIpAddressCount"),
        Column("is_default_for_az", Bool, "DefaultForAz", False),
        Column("map_public_ip_on_launch", Bool, "MapPublicIpOnLaunch", False),
        Column("assign_ipv6_address_on_creation", Bool, "AssignIpv6AddressOnCreation", False),
        Column(
            "internet_gateway_block_mode",
            _BLOCK_MODE,
            "BlockPublicAccessStates.InternetGatewayBlockMode",
            "off",
            doc="What VPC Block Public Access does to this subnet, exclusions taken into account.",
        ),
        Column("outpost_arn", Str, "OutpostArn", "", doc="Empty: not on an Outpost."),
        Column(
            "zone_type",
            Enum("availability-zone", "local-zone", "wavelength-zone"),
            "zones.ZoneType",
            doc="Local Zones are AWS's smaller sites, Wavelength Zones those of telecom carriers.",
        ),
    ),
    relations=(
        Relation(
            "route_tables",
            "vpc_route_table",
            ("route_table_id", "has_internet_route"),
            {"subnet_id": "subnet_ids[]", "region": "region"},
            doc="The route table associated with the subnet; none: the VPC's main one holds.",
        ),
        Relation(
            "vpc_route_tables",
            "vpc_route_table",
            ("route_table_id", "is_main", "has_internet_route"),
            {"vpc_id": "vpc_id", "region": "region"},
            doc="All route tables of the VPC, the main one among them.",
        ),
        Relation(
            "flow_logs",
            "vpc_flow_log",
            ("flow_log_id", "status", "traffic_type"),
            {"subnet_id": "resource_id", "region": "region"},
        ),
    ),
)

_TARGETS: Final = (
    ("NatGatewayId", "nat-gateway"),
    ("TransitGatewayId", "transit-gateway"),
    ("VpcPeeringConnectionId", "vpc-peering-connection"),
    ("EgressOnlyInternetGatewayId", "egress-only-internet-gateway"),
    ("LocalGatewayId", "local-gateway"),
    ("CarrierGatewayId", "carrier-gateway"),
    ("CoreNetworkArn", "core-network"),
    ("OdbNetworkArn", "odb-network"),
    ("InstanceId", "instance"),
    ("NetworkInterfaceId", "network-interface"),
)
_GATEWAYS: Final = {"igw": "internet-gateway", "vgw": "vpn-gateway", "vpce": "vpc-endpoint", "local": "local"}


def _target(route: Element) -> tuple[str, str]:
    """A route's target and its kind; GatewayId alone stands for several kinds, told by the id's prefix."""
    gateway = route.get("GatewayId")
    if gateway:
        return gateway, _GATEWAYS.get(gateway.partition("-")[0], "gateway")
    return next(((route[name], kind) for name, kind in _TARGETS if route.get(name)), ("", ""))


def routes(raw: list[Element]) -> list[dict[str, Any]]:
    """The routes of a table, each with one destination and one target."""
    found: list[dict[str, Any]] = []
    for route in raw:
        block = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock") or ""
        target, kind = _target(route)
        found.append(
            {
                "destination": block or route.get("DestinationPrefixListId", ""),
                "target": target,
                "target_type": kind,
                "state": route.get("State", ""),
                "origin": route.get("Origin", ""),
                "network_interface_id": route.get("NetworkInterfaceId", ""),
                **(cidr_facts(block) if block else {}),
            }
        )
    return found


def _has_internet_route(raw: list[Element]) -> bool:
    return any(r["target_type"] == "internet-gateway" and r["state"] != "blackhole" for r in routes(raw))


route_table = Table(
    "vpc_route_table",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::RouteTable",
    doc="A route table with its routes and the subnets and gateways that follow it.",
    rows=Call("ec2:DescribeRouteTables", at="RouteTables"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:route-table/{route_table_id}",
    title="RouteTableId",
    tags="Tags",
    columns=(
        Column("route_table_id", Str, "RouteTableId"),
        Column("owner_id", Str, "OwnerId"),
        Column("vpc_id", Str, "VpcId"),
        Column(
            "is_main",
            Bool,
            "Associations[].Main",
            False,
            doc="The VPC's main route table.",
            fn=lambda v: any(v),
        ),
        Column("subnet_ids", List(Str), "Associations[].SubnetId", doc="Subnets associated by name."),
        Column("gateway_ids", List(Str), "Associations[].GatewayId", doc="Gateways whose traffic it routes."),
        Column("propagating_gateway_ids", List(Str), "PropagatingVgws[].GatewayId"),
        Column(
            "routes",
            List(
                Struct(
                    Field("destination", Str, "destination", ""),
                    Field("target", Str, "target", ""),
                    Field("target_type", Str, "target_type", ""),
                    Field("state", Enum("active", "blackhole", "filtered"), "state", ""),
                    Field("origin", Str, "origin", ""),
                    Field("network_interface_id", Str, "network_interface_id", ""),
                    *CIDR_FIELDS,
                )
            ),
            "Routes",
            fn=routes,
            doc="Its routes: a destination block or prefix list, and one target with its kind.",
        ),
        Column(
            "has_internet_route",
            Bool,
            "Routes",
            False,
            fn=_has_internet_route,
            doc="A live route to an internet gateway: the subnets that follow the table are public.",
        ),
        Column(
            "peering_connection_ids",
            List(Str),
            "Routes[].VpcPeeringConnectionId",
            doc="The peering connections that it routes to.",
        ),
    ),
)

internet_gateway = Table(
    "vpc_internet_gateway",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::InternetGateway",
    doc="An internet gateway and the VPC that it is attached to.",
    rows=Call("ec2:DescribeInternetGateways", at="InternetGateways"),
    arn="arn:{partition}:ec2:{region}:{owner_id}:internet-gateway/{internet_gateway_id}",
    title="InternetGatewayId",
    tags="Tags",
    columns=(
        Column("internet_gateway_id", Str, "InternetGatewayId"),
        Column("owner_id", Str, "OwnerId"),
        Column("vpc_ids", List(Str), "Attachments[].VpcId"),
    ),
)

egress_only_internet_gateway = Table(
    "vpc_egress_only_internet_gateway",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::EgressOnlyInternetGateway",
    doc="An egress-only internet gateway: IPv6 out, nothing in.",
    rows=Call("ec2:DescribeEgressOnlyInternetGateways", at="EgressOnlyInternetGateways"),
    arn="arn:{partition}:ec2:{region}:{account_id}:egress-only-internet-gateway/{egress_only_internet_gateway_id}",
    title="EgressOnlyInternetGatewayId",
    tags="Tags",
    columns=(
        Column("egress_only_internet_gateway_id", Str, "EgressOnlyInternetGatewayId"),
        Column("vpc_ids", List(Str), "Attachments[].VpcId"),
    ),
)


def _dhcp(raw: list[Element]) -> dict[str, str]:
    return {
        option.get("Key", ""): ",".join(v.get("Value", "") for v in option.get("Values", ()))
        for option in raw
    }


dhcp_options = Table(
    "vpc_dhcp_options",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::DHCPOptions",
    doc="A DHCP option set: the name servers and domain that instances are told.",
    rows=Call("ec2:DescribeDhcpOptions", at="DhcpOptions"),
    arn="arn:{partition}:ec2:{region}:{account_id}:dhcp-options/{dhcp_options_id}",
    title="DhcpOptionsId",
    tags="Tags",
    columns=(
        Column("dhcp_options_id", Str, "DhcpOptionsId"),
        Column(
            "options", StrMap, "DhcpConfigurations", fn=_dhcp, doc="Options by name, values joined by commas."
        ),
    ),
)

flow_log = Table(
    "vpc_flow_log",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::FlowLog",
    doc="A flow log of a VPC, subnet, interface or transit gateway.",
    rows=Call("ec2:DescribeFlowLogs", at="FlowLogs"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-flow-log/{flow_log_id}",
    title="FlowLogId",
    tags="Tags",
    columns=(
        Column("flow_log_id", Str, "FlowLogId"),
        Column("resource_id", Str, "ResourceId", "", doc="What it watches."),
        Column("status", Str, "FlowLogStatus", "", doc="ACTIVE where it runs."),
        Column("traffic_type", Enum("ACCEPT", "REJECT", "ALL"), "TrafficType", "ALL"),
        Column(
            "deliver_logs_status",
            Enum("SUCCESS", "FAILED", ""),
            "DeliverLogsStatus",
            "",
            doc="FAILED: records do not reach their destination.",
        ),
        Column("deliver_logs_error", Str, "DeliverLogsErrorMessage", ""),
        Column("destination_type", Str, "LogDestinationType", "cloud-watch-logs"),
        Column("destination", Str, "LogDestination", "", doc="ARN of the bucket, log group or stream."),
        Column("log_group_name", Str, "LogGroupName", ""),
        Column("log_format", Str, "LogFormat", "", doc="The fields of its records."),
        Column("max_aggregation_interval", Int, "MaxAggregationInterval", 600, doc="Seconds."),
        Column("created_at", Timestamp, "CreationTime"),
    ),
)

prefix_list = Table(
    "vpc_prefix_list",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::PrefixList",
    doc="A managed prefix list that a customer owns; AWS's own lists are left out.",
    rows=Call("ec2:DescribeManagedPrefixLists", at="PrefixLists"),
    arn="PrefixListArn",
    title="PrefixListName",
    tags="Tags",
    keep=lambda e: e.get("OwnerId") != "AWS",
    calls={"entries": Call("ec2:GetManagedPrefixListEntries", {"PrefixListId": "prefix_list_id"})},
    columns=(
        Column("prefix_list_id", Str, "PrefixListId"),
        Column("owner_id", Str, "OwnerId"),
        Column("state", Str, "State", ""),
        Column("address_family", Enum("IPv4", "IPv6"), "AddressFamily", ""),
        Column("max_entries", Int, "MaxEntries", 0),
        Column(
            "entries",
            List(Struct(*CIDR_FIELDS)),
            "entries.Entries[].Cidr",
            fn=lambda v: [cidr_facts(block) for block in v],
            doc="Its blocks.",
        ),
    ),
)

block_public_access = Table(
    "vpc_block_public_access",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPCBlockPublicAccessOptions",
    doc="VPC Block Public Access in an account and Region: whether internet gateways let traffic through.",
    rows=Single(),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-block-public-access",
    title="VPC Block Public Access {region}",
    calls={"options": Call("ec2:DescribeVpcBlockPublicAccessOptions", at="VpcBlockPublicAccessOptions")},
    columns=(
        Column("internet_gateway_block_mode", _BLOCK_MODE, "options.InternetGatewayBlockMode", "off"),
        Column("state", Str, "options.State", "default-state"),
        Column("managed_by", Enum("account", "declarative-policy"), "options.ManagedBy", "account"),
        Column("exclusions_allowed", Enum("allowed", "not-allowed"), "options.ExclusionsAllowed", "allowed"),
        Column("updated_at", Timestamp, "options.LastUpdateTimestamp"),
    ),
    relations=(
        Relation("vpcs", "vpc", ("vpc_id", "is_default"), {"region": "region", "account_id": "account_id"}),
        Relation(
            "internet_gateways",
            "vpc_internet_gateway",
            ("internet_gateway_id", "vpc_ids"),
            {"region": "region", "account_id": "account_id"},
        ),
    ),
)

block_public_access_exclusion = Table(
    "vpc_block_public_access_exclusion",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::VPCBlockPublicAccessExclusion",
    doc="A VPC or subnet that VPC Block Public Access leaves out.",
    rows=Call("ec2:DescribeVpcBlockPublicAccessExclusions", at="VpcBlockPublicAccessExclusions"),
    arn="arn:{partition}:ec2:{region}:{account_id}:vpc-block-public-access-exclusion/{exclusion_id}",
    title="ExclusionId",
    tags="Tags",
    columns=(
        Column("exclusion_id", Str, "ExclusionId"),
        Column(
            "mode",
            Enum("allow-bidirectional", "allow-egress"),
            "InternetGatewayExclusionMode",
            "allow-bidirectional",
        ),
        Column("resource_arn", Str, "ResourceArn", "", doc="The VPC or subnet that is left out."),
        Column("state", Str, "State", ""),
        Column("created_at", Timestamp, "CreationTimestamp"),
    ),
)

TABLES = (
    vpc,
    subnet,
    route_table,
    internet_gateway,
    egress_only_internet_gateway,
    dhcp_options,
    flow_log,
    prefix_list,
    block_public_access,
    block_public_access_exclusion,
)
