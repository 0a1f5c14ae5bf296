"""Records of the ways out of a VPC and what lies beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from partywall.analysis.network.addresses import Cidr


class GatewayKind(Enum):
    """Gateways that do no more than join a VPC to something."""

    INTERNET = "internet_gateways"
    EGRESS_ONLY = "egress_only_gateways"
    VIRTUAL_PRIVATE = "vpn_gateways"
    CARRIER = "carrier_gateways"
    LOCAL = "local_gateways"

    @property
    def field(self) -> str:
        """The field of `Network` that holds them."""
        return self.value


@dataclass(frozen=True, slots=True)
class Gateway:
    """An internet, egress-only, virtual private, carrier or local gateway."""

    id: str
    kind: GatewayKind
    account: str
    region: str
    vpcs: tuple[str, ...]
    """VPCs it is attached to; more than one only for local gateways."""
    state: str = "available"
    """Of the attachment: available (attached), attaching, detaching, detached."""


@dataclass(frozen=True, slots=True)
class NatAddress:
    """A private address of a NAT gateway and the public one (None of a private gateway) it stands for."""

    private: int | None
    public: int | None = None
    interface: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class NatGateway:
    """A NAT gateway, zonal (in a subnet) or regional (in none: it reaches the internet gateway by itself)."""

    id: str
    vpc: str
    account: str
    region: str
    subnet: str
    """"" of a regional one."""
    addresses: tuple[NatAddress, ...]
    connectivity: str = "public"
    """public or private."""
    state: str = "available"
    regional: bool = False


@dataclass(frozen=True, slots=True)
class PeeringSide:
    """The requester's or the accepter's VPC."""

    vpc: str
    account: str
    region: str
    cidrs: tuple[Cidr, ...] = ()


@dataclass(frozen=True, slots=True)
class Peering:
    """A VPC peering connection."""

    id: str
    requester: PeeringSide
    accepter: PeeringSide
    state: str = "active"


@dataclass(frozen=True, slots=True)
class TransitGateway:
    """A transit gateway; `sg_referencing` None where it was not read."""

    id: str
    account: str
    region: str
    state: str = "available"
    sg_referencing: bool | None = False
    cidrs: tuple[Cidr, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class TransitGatewayAttachment:
    """An attachment. Of a peering, one record per side: `resource` is the other transit gateway."""

    id: str
    transit_gateway: str
    account: str
    region: str
    kind: str
    """vpc, vpn, direct-connect-gateway, connect, peering, network-function …"""
    resource: str
    """The VPC, VPN connection, Direct Connect gateway or other transit gateway."""
    state: str = "available"
    subnets: tuple[str, ...] | None = ()
    """Of a VPC: the subnets it has an interface in; None where they were not read."""
    route_table: str | None = ""
    """The associated transit gateway route table; "" none, None not read."""
    appliance_mode: bool | None = False
    sg_referencing: bool | None = False
    ipv6: bool | None = False


@dataclass(frozen=True, slots=True)
class TransitGatewayRoute:
    """A route of a transit gateway route table, with the attachments that share it (equal cost)."""

    attachments: tuple[str, ...]
    destination: Cidr | None = None
    prefix_list: str = ""
    state: str = "active"
    """active or blackhole."""
    kind: str = "static"
    """static or propagated."""


@dataclass(frozen=True, slots=True)
class TransitGatewayRouteTable:
    """A transit gateway route table. `routes`, propagated ones included, None where they were not read."""

    id: str
    transit_gateway: str
    account: str
    region: str
    routes: tuple[TransitGatewayRoute, ...] | None
    associations: tuple[str, ...] = ()
    propagations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VpcEndpoint:
    """A gateway, interface or Gateway Load Balancer endpoint."""

    id: str
    vpc: str
    account: str
    region: str
    kind: str
    """Gateway, Interface or GatewayLoadBalancer."""
    service: str
    """com.amazonaws.us-east-1.s3, com.amazonaws.vpce.us-east-1.vpce-svc-…"""
    state: str = "available"
    subnets: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    route_tables: tuple[str, ...] = ()
    policy: str | None = ""
    """The policy as text; "" where the service takes none, None where it was not read."""
    private_dns: bool = False


@dataclass(frozen=True, slots=True)
class EndpointService:
    """A PrivateLink endpoint service (vpce-svc-…)."""

    id: str
    service: str
    account: str
    region: str
    load_balancers: tuple[str, ...]
    """ARNs of Network or Gateway Load Balancers."""
    zones: tuple[str, ...] = ()
    acceptance_required: bool = True
    allowed_principals: tuple[str, ...] | None = ()
    state: str = "Available"


@dataclass(frozen=True, slots=True)
class VpnConnection:
    """A Site-to-Site VPN connection. `routes` are static routes to the other side."""

    id: str
    account: str
    region: str
    gateway: str
    """The virtual private gateway or transit gateway it ends at."""
    customer_gateway: str = ""
    state: str = "available"
    tunnels_up: int | None = 1
    """How many of its tunnels are up; None where that was not read."""
    routes: tuple[Cidr, ...] = ()
    static_only: bool = False


@dataclass(frozen=True, slots=True)
class ClientVpnRule:
    """An authorization rule of a Client VPN endpoint."""

    destination: Cidr
    all_groups: bool = True
    group: str = ""
    state: str = "active"


@dataclass(frozen=True, slots=True)
class ClientVpn:
    """A Client VPN endpoint: clients of `cidr` come out of its interfaces in the target subnets."""

    id: str
    account: str
    region: str
    vpc: str
    cidr: Cidr | None
    subnets: tuple[str, ...] | None
    """Associated target networks; None where they were not read."""
    groups: tuple[str, ...] | None
    rules: tuple[ClientVpnRule, ...] | None
    routes: tuple[tuple[Cidr, str], ...] | None = ()
    """Destination and target subnet."""
    split_tunnel: bool = False
    state: str = "available"


@dataclass(frozen=True, slots=True)
class VirtualInterface:
    """A Direct Connect virtual interface."""

    id: str
    account: str
    region: str
    kind: str
    """private, public or transit."""
    gateway: str
    """The virtual private gateway or Direct Connect gateway it ends at."""
    state: str = "available"
    routes: tuple[Cidr, ...] = ()
    """Prefixes known to lie beyond it."""


@dataclass(frozen=True, slots=True)
class DirectConnectAssociation:
    """A Direct Connect gateway's association with a virtual private or transit gateway."""

    id: str
    account: str
    direct_connect_gateway: str
    gateway: str
    allowed: tuple[Cidr, ...] = ()
    state: str = "associated"
