"""Amazon VPC's network interfaces and Elastic IP addresses."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.cidr import is_public
from partywall.tables.spec import Bool, Call, Column, Enum, Field, List, Relation, Str, Struct, Table

Element = Mapping[str, Any]

elastic_ip = Table(
    "vpc_elastic_ip",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::EIP",
    doc="An Elastic IP address and what it points to.",
    rows=Call("ec2:DescribeAddresses", at="Addresses"),
    arn="arn:{partition}:ec2:{region}:{account_id}:elastic-ip/{allocation_id}",
    title="PublicIp",
    tags="Tags",
    columns=(
        Column("allocation_id", Str, "AllocationId"),
        Column("public_ip", Str, "PublicIp", ""),
        Column("association_id", Str, "AssociationId", "", doc="Empty: it points to nothing."),
        Column("network_interface_id", Str, "NetworkInterfaceId", ""),
        Column("instance_id", Str, "InstanceId", ""),
        Column("service_managed", Str, "ServiceManaged", "", doc="The AWS service that manages the address."),
    ),
    relations=(
        Relation("shield", "shield_subscription", ("subscription_state",), {"account_id": "account_id"}),
        Relation(
            "shield_protections", "shield_protection", ("protection_id",), {"allocation_id": "resource_id"}
        ),
    ),
)


def _public_addresses(interface: Element) -> list[str]:
    """The public IPv4 addresses and the internet-routable IPv6 addresses of an interface."""
    private = interface.get("PrivateIpAddresses") or ()
    found = [a["Association"].get("PublicIp") for a in private if a.get("Association")]
    if interface.get("Association"):
        found.append(interface["Association"].get("PublicIp"))
    found += [
        a["Ipv6Address"]
        for a in interface.get("Ipv6Addresses") or ()
        if a.get("Ipv6Address") and is_public(a["Ipv6Address"])
    ]
    return sorted({address for address in found if address})


def _prefixes(interface: Element) -> list[str]:
    found = [p.get("Ipv4Prefix") for p in interface.get("Ipv4Prefixes") or ()]
    found += [p.get("Ipv6Prefix") for p in interface.get("Ipv6Prefixes") or ()]
    return [prefix for prefix in found if prefix]


network_interface = Table(
    "vpc_network_interface",
    service="vpc",
    scope="regional",
    resource_type="AWS::EC2::NetworkInterface",
    doc="A network interface, of an instance or of an AWS service that works in the VPC.",
    rows=Call("ec2:DescribeNetworkInterfaces", at="NetworkInterfaces"),
    arn="arn:{partition}:ec2:{region}:{account_id}:network-interface/{network_interface_id}",
    title="NetworkInterfaceId",
    tags="TagSet",
    columns=(
        Column("network_interface_id", Str, "NetworkInterfaceId"),
        Column("owner_id", Str, "OwnerId"),
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_id", Str, "SubnetId", ""),
        Column("availability_zone", Str, "AvailabilityZone", ""),
        Column("interface_type", Str, "InterfaceType", "interface"),
        Column("status", Enum("available", "associated", "attaching", "in-use", "detaching"), "Status"),
        Column("description", Str, "Description", ""),
        Column("instance_id", Str, "Attachment.InstanceId", "", doc="Empty where no instance holds it."),
        Column("instance_owner_id", Str, "Attachment.InstanceOwnerId", ""),
        Column("requester_id", Str, "RequesterId", "", doc="The principal that made it on someone's behalf."),
        Column("requester_managed", Bool, "RequesterManaged", False, doc="An AWS service manages it."),
        Column("source_dest_check", Bool, "SourceDestCheck"),
        Column("group_ids", List(Str), "Groups[].GroupId", doc="Its security groups."),
        Column("private_ip", Str, "PrivateIpAddress", ""),
        Column("public_ip", Str, "Association.PublicIp", "", doc="The primary public IPv4 address."),
        Column(
            "public_addresses",
            List(Str),
            ".",
            fn=_public_addresses,
            doc="All its public IPv4 addresses and internet-routable IPv6 addresses.",
        ),
        Column("ipv6_addresses", List(Str), "Ipv6Addresses[].Ipv6Address"),
        Column(
            "private_addresses",
            List(
                Struct(
                    Field("private_ip", Str, "PrivateIpAddress", ""),
                    Field("public_ip", Str, "Association.PublicIp", ""),
                    Field("carrier_ip", Str, "Association.CarrierIp", ""),
                    Field("customer_owned_ip", Str, "Association.CustomerOwnedIp", ""),
                )
            ),
            "PrivateIpAddresses",
            doc="Its private IPv4 addresses, each with the public one that is translated to it.",
        ),
        Column(
            "prefixes",
            List(Str),
            ".",
            fn=_prefixes,
            doc="IPv4 and IPv6 blocks delegated to the interface, such as to the pods of a node.",
        ),
        Column(
            "deny_all_igw_traffic",
            Bool,
            "DenyAllIgwTraffic",
            False,
            doc="Nothing passes between it and an internet gateway.",
        ),
    ),
    relations=(
        Relation(
            "groups",
            "vpc_security_group",
            ("group_id", "ingress"),
            {"group_ids[]": "group_id", "region": "region"},
            doc="Its security groups, as far as the account may see them.",
        ),
    ),
)

TABLES = (elastic_ip, network_interface)
