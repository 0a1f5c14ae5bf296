"""AWS Direct Connect: connections, virtual interfaces and gateways; BGP keys are never kept."""

from partywall.tables.spec import Bool, Call, Column, Enum, Field, List, Relation, Str, Struct, Table

_STATES = (
    "ordering",
    "requested",
    "pending",
    "available",
    "down",
    "deleting",
    "deleted",
    "rejected",
    "unknown",
)

connection = Table(
    "directconnect_connection",
    service="directconnect",
    scope="regional",
    doc="A dedicated or hosted connection at a Direct Connect location.",
    rows=Call("directconnect:DescribeConnections", at="connections"),
    arn="arn:{partition}:directconnect:{region}:{account_id}:dxcon/{connection_id}",
    title="connectionName",
    tags="tags",
    columns=(
        Column("connection_id", Str, "connectionId"),
        Column("owner_id", Str, "ownerAccount"),
        Column("state", Enum(*_STATES), "connectionState", "unknown"),
        Column("location", Str, "location", ""),
        Column("bandwidth", Str, "bandwidth", ""),
        Column("partner_name", Str, "partnerName", "", doc="Of a hosted connection."),
        Column("lag_id", Str, "lagId", ""),
        Column("mac_sec_capable", Bool, "macSecCapable", False),
        Column(
            "encryption_mode", Enum("no_encrypt", "should_encrypt", "must_encrypt", ""), "encryptionMode", ""
        ),
        Column(
            "port_encryption_status",
            Str,
            "portEncryptionStatus",
            "",
            doc="`Encryption Up` where MACsec works.",
        ),
    ),
    relations=(
        Relation(
            "connections",
            "directconnect_connection",
            ("connection_id", "location", "state"),
            {"region": "region", "account_id": "account_id"},
            doc="All connections of the account and Region, this one among them.",
        ),
    ),
)

virtual_interface = Table(
    "directconnect_virtual_interface",
    service="directconnect",
    scope="regional",
    doc="A virtual interface with its BGP sessions.",
    rows=Call("directconnect:DescribeVirtualInterfaces", at="virtualInterfaces"),
    arn="arn:{partition}:directconnect:{region}:{account_id}:dxvif/{virtual_interface_id}",
    title="virtualInterfaceName",
    tags="tags",
    columns=(
        Column("virtual_interface_id", Str, "virtualInterfaceId"),
        Column("owner_id", Str, "ownerAccount"),
        Column("type", Enum("private", "public", "transit"), "virtualInterfaceType", ""),
        Column("state", Str, "virtualInterfaceState", "unknown"),
        Column("connection_id", Str, "connectionId", ""),
        Column("location", Str, "location", ""),
        Column("direct_connect_gateway_id", Str, "directConnectGatewayId", ""),
        Column("virtual_gateway_id", Str, "virtualGatewayId", ""),
        Column(
            "route_filter_prefixes",
            List(Str),
            "routeFilterPrefixes[].cidr",
            doc="Of a public one: the blocks that it announces to AWS.",
        ),
        Column(
            "bgp_peers",
            List(
                Struct(
                    Field("status", Enum("up", "down", "unknown"), "bgpStatus", "unknown"),
                    Field("address_family", Enum("ipv4", "ipv6"), "addressFamily", ""),
                )
            ),
            "bgpPeers",
        ),
    ),
)

gateway = Table(
    "directconnect_gateway",
    service="directconnect",
    scope="global",
    doc="A Direct Connect gateway with the virtual interfaces that lead to it.",
    rows=Call("directconnect:DescribeDirectConnectGateways", at="directConnectGateways"),
    arn="arn:{partition}:directconnect::{owner_id}:dx-gateway/{direct_connect_gateway_id}",
    title="directConnectGatewayName",
    tags="tags",
    calls={
        "associations": Call(
            "directconnect:DescribeDirectConnectGatewayAssociations",
            {"directConnectGatewayId": "direct_connect_gateway_id"},
        ),
    },
    columns=(
        Column("direct_connect_gateway_id", Str, "directConnectGatewayId"),
        Column("owner_id", Str, "ownerAccount"),
        Column("state", Enum("pending", "available", "deleting", "deleted"), "directConnectGatewayState"),
        Column(
            "associations",
            List(
                Struct(
                    Field("gateway_id", Str, "associatedGateway.id", ""),
                    Field("gateway_type", Str, "associatedGateway.type", ""),
                    Field("gateway_owner_id", Str, "associatedGateway.ownerAccount", ""),
                    Field("gateway_region", Str, "associatedGateway.region", ""),
                    Field("state", Str, "associationState", ""),
                    Field(
                        "allowed_prefixes",
                        List(Str),
                        "allowedPrefixesToDirectConnectGateway",
                        [],
                        fn=lambda v: [str(p.get("cidr", "")) for p in v],
                    ),
                )
            ),
            "associations.directConnectGatewayAssociations",
            doc="The virtual private and transit gateways that it leads to.",
        ),
    ),
    relations=(
        Relation(
            "virtual_interfaces",
            "directconnect_virtual_interface",
            ("virtual_interface_id", "connection_id", "location", "state"),
            {"direct_connect_gateway_id": "direct_connect_gateway_id"},
        ),
    ),
)

TABLES = (connection, virtual_interface, gateway)
