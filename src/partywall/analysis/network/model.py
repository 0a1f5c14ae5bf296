"""What AWS networking is made of, as frozen records: the input of every answer.

Names are AWS's. Prefixes are `addresses.Cidr`, single addresses whole numbers of `addresses.address`.
A field that may be None is None where it was not read; `Unread` names the call to blame. What is known to
be empty is an empty tuple or string. Gateways, load balancers and what lies beyond them are in
`model_gateways`, filters in `model_filters`; all are exported here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Final

from partywall.analysis.network.addresses import Cidr
from partywall.analysis.network.model_filters import (
    AclEntry,
    BlockPublicAccess,
    BlockPublicAccessExclusion,
    Firewall,
    FirewallPolicy,
    NetworkAcl,
    PrefixList,
    SecurityGroup,
    SecurityGroupRule,
    StatefulGroup,
    StatefulRule,
    StatelessGroup,
    StatelessRule,
)
from partywall.analysis.network.model_gateways import (
    ClientVpn,
    ClientVpnRule,
    DirectConnectAssociation,
    EndpointService,
    Gateway,
    GatewayKind,
    NatAddress,
    NatGateway,
    Peering,
    PeeringSide,
    TransitGateway,
    TransitGatewayAttachment,
    TransitGatewayRoute,
    TransitGatewayRouteTable,
    VirtualInterface,
    VpcEndpoint,
    VpnConnection,
)
from partywall.analysis.network.model_loads import (
    Listener,
    ListenerRule,
    LoadBalancer,
    Target,
    TargetGroup,
)

__all__ = [
    "CALLS",
    "AclEntry",
    "BlockPublicAccess",
    "BlockPublicAccessExclusion",
    "ClientVpn",
    "ClientVpnRule",
    "DirectConnectAssociation",
    "EndpointService",
    "Firewall",
    "FirewallPolicy",
    "Gateway",
    "GatewayKind",
    "Interface",
    "Listener",
    "ListenerRule",
    "LoadBalancer",
    "NatAddress",
    "NatGateway",
    "Network",
    "NetworkAcl",
    "Peering",
    "PeeringSide",
    "PrefixList",
    "PrivateAddress",
    "PublicAddress",
    "Route",
    "RouteTable",
    "SecurityGroup",
    "SecurityGroupRule",
    "StatefulGroup",
    "StatefulRule",
    "StatelessGroup",
    "StatelessRule",
    "Subnet",
    "Target",
    "TargetGroup",
    "TransitGateway",
    "TransitGatewayAttachment",
    "TransitGatewayRoute",
    "TransitGatewayRouteTable",
    "Unread",
    "VirtualInterface",
    "Vpc",
    "VpcEndpoint",
    "VpnConnection",
]


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that was not read, with the call to blame.

    `kind` is the name of a field of `Network` (`route_tables`, `security_groups` …). With `id` just that
    object lacks something; without, the listing of that account and Region did not answer ("" is every one).
    """

    kind: str
    call: str
    account: str = ""
    region: str = ""
    id: str = ""
    reason: str = ""
    """The error code or why it was not asked, for people."""


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC with all associated prefixes of both families."""

    id: str
    account: str
    region: str
    cidrs: tuple[Cidr, ...]
    name: str = ""
    dns_support: bool | None = None
    """Whether Amazon's resolver answers in it; None where that was not read."""


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet. `account` owns it (with the VPC), whoever else it is shared with."""

    id: str
    vpc: str
    account: str
    region: str
    zone: str
    """Availability Zone (its id where known; one way throughout a network)."""
    cidrs: tuple[Cidr, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class PrivateAddress:
    """An IPv4 address of an interface and the public, Elastic or carrier address that maps onto it."""

    private: int
    public: int | None = None
    """None: there is none."""
    carrier: int | None = None


@dataclass(frozen=True, slots=True)
class Interface:
    """An elastic network interface, of an instance, a managed service, a NAT gateway, a load balancer …"""

    id: str
    account: str
    region: str
    vpc: str
    subnet: str
    addresses: tuple[PrivateAddress, ...]
    ipv6: tuple[int, ...] = ()
    groups: tuple[str, ...] | None = ()
    prefixes: tuple[Cidr, ...] = ()
    """Prefixes delegated to it; their addresses are its own."""
    kind: str = "interface"
    """AWS's interface type: interface, nat_gateway, network_load_balancer, vpc_endpoint, lambda …"""
    source_dest_check: bool | None = True
    status: str = "in-use"
    instance: str = ""
    owner: str = ""
    """ARN or id of what holds it, where that is no instance."""
    description: str = ""
    name: str = ""
    deny_all_igw: bool | None = False
    """What comes to its IPv6 addresses by an internet gateway is dropped (internal load balancers)."""


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a VPC's route table: to a prefix or a prefix list, by way of `target`.

    `target` is the id of the gateway, interface (eni-), instance (i-), endpoint (vpce-) or connection, or
    "local".
    """

    target: str
    destination: Cidr | None = None
    prefix_list: str = ""
    state: str = "active"
    """active or blackhole."""
    origin: str = "CreateRoute"
    """CreateRouteTable (local), CreateRoute (static) or EnableVgwRoutePropagation."""


@dataclass(frozen=True, slots=True)
class RouteTable:
    """A route table with its associations: subnets, gateways (edge association), main."""

    id: str
    vpc: str
    account: str
    region: str
    routes: tuple[Route, ...] | None
    subnets: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    main: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """An Elastic IP address or another allocated public one."""

    address: int
    account: str
    region: str
    allocation: str = ""
    interface: str = ""
    private: int | None = None


CALLS: Final[Mapping[str, str]] = {
    "vpcs": "ec2:DescribeVpcs",
    "subnets": "ec2:DescribeSubnets",
    "interfaces": "ec2:DescribeNetworkInterfaces",
    "security_groups": "ec2:DescribeSecurityGroupRules",
    "prefix_lists": "ec2:GetManagedPrefixListEntries",
    "network_acls": "ec2:DescribeNetworkAcls",
    "route_tables": "ec2:DescribeRouteTables",
    "public_addresses": "ec2:DescribeAddresses",
    "internet_gateways": "ec2:DescribeInternetGateways",
    "egress_only_gateways": "ec2:DescribeEgressOnlyInternetGateways",
    "vpn_gateways": "ec2:DescribeVpnGateways",
    "carrier_gateways": "ec2:DescribeCarrierGateways",
    "local_gateways": "ec2:DescribeLocalGatewayRouteTableVpcAssociations",
    "nat_gateways": "ec2:DescribeNatGateways",
    "peerings": "ec2:DescribeVpcPeeringConnections",
    "transit_gateways": "ec2:DescribeTransitGateways",
    "transit_gateway_attachments": "ec2:DescribeTransitGatewayAttachments",
    "transit_gateway_route_tables": "ec2:SearchTransitGatewayRoutes",
    "endpoints": "ec2:DescribeVpcEndpoints",
    "endpoint_services": "ec2:DescribeVpcEndpointServiceConfigurations",
    "vpn_connections": "ec2:DescribeVpnConnections",
    "client_vpns": "ec2:DescribeClientVpnEndpoints",
    "virtual_interfaces": "directconnect:DescribeVirtualInterfaces",
    "direct_connect_associations": "directconnect:DescribeDirectConnectGatewayAssociations",
    "firewalls": "network-firewall:DescribeFirewall",
    "firewall_policies": "network-firewall:DescribeFirewallPolicy",
    "block_public_access": "ec2:DescribeVpcBlockPublicAccessOptions",
    "block_public_access_exclusions": "ec2:DescribeVpcBlockPublicAccessExclusions",
    "load_balancers": "elasticloadbalancing:DescribeLoadBalancers",
    "target_groups": "elasticloadbalancing:DescribeTargetHealth",
}
"""The call that fills each field of `Network`, blamed where no `Unread` names another."""


@dataclass(frozen=True)
class Network:
    """Everything read, of all accounts and Regions, in any order. Ids are unique within each field."""

    vpcs: tuple[Vpc, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    prefix_lists: tuple[PrefixList, ...] = ()
    network_acls: tuple[NetworkAcl, ...] = ()
    route_tables: tuple[RouteTable, ...] = ()
    public_addresses: tuple[PublicAddress, ...] = ()
    internet_gateways: tuple[Gateway, ...] = ()
    egress_only_gateways: tuple[Gateway, ...] = ()
    vpn_gateways: tuple[Gateway, ...] = ()
    carrier_gateways: tuple[Gateway, ...] = ()
    local_gateways: tuple[Gateway, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    peerings: tuple[Peering, ...] = ()
    transit_gateways: tuple[TransitGateway, ...] = ()
    transit_gateway_attachments: tuple[TransitGatewayAttachment, ...] = ()
    transit_gateway_route_tables: tuple[TransitGatewayRouteTable, ...] = ()
    endpoints: tuple[VpcEndpoint, ...] = ()
    endpoint_services: tuple[EndpointService, ...] = ()
    vpn_connections: tuple[VpnConnection, ...] = ()
    client_vpns: tuple[ClientVpn, ...] = ()
    virtual_interfaces: tuple[VirtualInterface, ...] = ()
    direct_connect_associations: tuple[DirectConnectAssociation, ...] = ()
    firewalls: tuple[Firewall, ...] = ()
    firewall_policies: tuple[FirewallPolicy, ...] = ()
    block_public_access: tuple[BlockPublicAccess, ...] = ()
    block_public_access_exclusions: tuple[BlockPublicAccessExclusion, ...] = ()
    load_balancers: tuple[LoadBalancer, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()
    unread: tuple[Unread, ...] = ()

    @cached_property
    def index(self) -> Mapping[str, Mapping[str, Any]]:
        """Each field's objects by id (ARN where that is their name)."""
        return {
            each.name: {_key(item): item for item in getattr(self, each.name)}
            for each in fields(self)
            if each.name not in ("unread", "public_addresses", "block_public_access")
        }

    @cached_property
    def _unread(self) -> Mapping[str, tuple[Unread, ...]]:
        found: dict[str, list[Unread]] = {}
        for each in self.unread:
            found.setdefault(each.kind, []).append(each)
        return {kind: tuple(those) for kind, those in found.items()}

    def unlisted(self, kind: str, account: str = "", region: str = "") -> tuple[Unread, ...]:
        """The listings of a kind that did not answer and could have shown more of it ("" is anywhere)."""
        return tuple(
            each
            for each in self._unread.get(kind, ())
            if not each.id
            and (not account or each.account in ("", account))
            and (not region or each.region in ("", region))
        )

    def blame(self, kind: str, id: str, account: str = "", region: str = "") -> tuple[Unread, ...]:
        """Whom to blame for not knowing one object: its own marks, else its listing's, else its call."""
        own = tuple(each for each in self._unread.get(kind, ()) if each.id == id)
        return (
            own or self.unlisted(kind, account, region) or (Unread(kind, CALLS[kind], account, region, id),)
        )


def _key(item: Any) -> str:
    return item.id if hasattr(item, "id") else item.arn


def network(parts: Iterable[Any], unread: Iterable[Unread] = ()) -> Network:
    """A network of objects in any order, each put in the field of its type (gateways by their kind)."""
    found: dict[str, list[Any]] = {}
    for part in parts:
        kind = part.kind.field if isinstance(part, Gateway) else _FIELDS[type(part)]
        found.setdefault(kind, []).append(part)
    return Network(**{kind: tuple(those) for kind, those in found.items()}, unread=tuple(unread))


_FIELDS: Final[Mapping[type, str]] = {
    Vpc: "vpcs",
    Subnet: "subnets",
    Interface: "interfaces",
    SecurityGroup: "security_groups",
    PrefixList: "prefix_lists",
    NetworkAcl: "network_acls",
    RouteTable: "route_tables",
    PublicAddress: "public_addresses",
    NatGateway: "nat_gateways",
    Peering: "peerings",
    TransitGateway: "transit_gateways",
    TransitGatewayAttachment: "transit_gateway_attachments",
    TransitGatewayRouteTable: "transit_gateway_route_tables",
    VpcEndpoint: "endpoints",
    EndpointService: "endpoint_services",
    VpnConnection: "vpn_connections",
    ClientVpn: "client_vpns",
    VirtualInterface: "virtual_interfaces",
    DirectConnectAssociation: "direct_connect_associations",
    Firewall: "firewalls",
    FirewallPolicy: "firewall_policies",
    BlockPublicAccess: "block_public_access",
    BlockPublicAccessExclusion: "block_public_access_exclusions",
    LoadBalancer: "load_balancers",
    TargetGroup: "target_groups",
}
