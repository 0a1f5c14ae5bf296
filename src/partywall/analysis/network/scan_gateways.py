"""Gateways, peerings, transit gateways, endpoints and private links of a scan, as records of `model`."""

from __future__ import annotations

from typing import Any, Final

from partywall.analysis.network.addresses import address
from partywall.analysis.network.model import (
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
from partywall.analysis.network.scan_network import owned, title
from partywall.analysis.network.scan_tables import Reading, Row, block_of, cidrs, known

# table, id column, kind; their attachments are lists of VPCs.
_ATTACHED: Final = (
    ("vpc_internet_gateway", "internet_gateway_id", GatewayKind.INTERNET),
    ("vpc_egress_only_internet_gateway", "egress_only_internet_gateway_id", GatewayKind.EGRESS_ONLY),
    ("vpc_vpn_gateway", "vpn_gateway_id", GatewayKind.VIRTUAL_PRIVATE),
)


def gateways(reading: Reading) -> list[Any]:
    """Everything that joins VPCs to each other and to what lies beyond."""
    return [
        *_gateways(reading),
        *_nat_gateways(reading),
        *_peerings(reading),
        *_transit_gateways(reading),
        *_attachments(reading),
        *_transit_tables(reading),
        *_endpoints(reading),
        *_services(reading),
        *_vpns(reading),
        *_client_vpns(reading),
        *_direct_connect(reading),
    ]


def _gateways(reading: Reading) -> list[Gateway]:
    found: list[Gateway] = []
    for table, key, kind in _ATTACHED:
        reading.open(kind.field, table)
        for row in owned(reading.rows(table), key):
            vpcs = tuple(known(row["vpc_ids"]))
            owner = row.get("owner_id") or row["account_id"]
            found.append(Gateway(row[key], kind, owner, row["region"], vpcs))
    kind = GatewayKind.CARRIER
    reading.open(kind.field, "vpc_carrier_gateway")
    for row in owned(reading.rows("vpc_carrier_gateway"), "carrier_gateway_id"):
        vpcs = (row["vpc_id"],) if row["vpc_id"] else ()
        found.append(
            Gateway(
                row["carrier_gateway_id"], kind, row["account_id"], row["region"], vpcs, row["state"] or ""
            )
        )
    kind = GatewayKind.LOCAL
    reading.open(kind.field, "vpc_local_gateway_route_table")
    joined: dict[tuple[str, str, str], list[str]] = {}
    for row in reading.rows("vpc_local_gateway_route_table"):
        if row["local_gateway_id"]:
            if row["vpc_ids"] is None:
                reading.lack(
                    kind.field, row, "vpc_ids", "vpc_local_gateway_route_table", row["local_gateway_id"]
                )
            place = (row["local_gateway_id"], row["account_id"], row["region"])
            joined.setdefault(place, []).extend(known(row["vpc_ids"]))
    found += [Gateway(id_, kind, a, r, tuple(dict.fromkeys(v))) for (id_, a, r), v in joined.items()]
    return found


def _nat_gateways(reading: Reading) -> list[NatGateway]:
    reading.open("nat_gateways", "vpc_nat_gateway")
    found: list[NatGateway] = []
    for row in owned(reading.rows("vpc_nat_gateway"), "nat_gateway_id"):
        addresses = tuple(
            NatAddress(
                address(a["private_ip"]) if a["private_ip"] else None,
                address(a["public_ip"]) if a["public_ip"] else None,
                a["network_interface_id"] or "",
                a["availability_zone_id"] or "",
            )
            for a in known(row["addresses"])
        )
        found.append(
            NatGateway(
                row["nat_gateway_id"],
                row["vpc_id"] or "",
                row["account_id"],
                row["region"],
                row["subnet_id"] or "",
                addresses,
                row["connectivity_type"] or "public",
                row["state"] or "available",
                row["availability_mode"] == "regional",
            )
        )
    return found


def _peerings(reading: Reading) -> list[Peering]:
    reading.open("peerings", "vpc_peering_connection")

    def side(row: Row, name: str) -> PeeringSide:
        return PeeringSide(
            row[f"{name}_vpc_id"] or "",
            row[f"{name}_owner_id"] or "",
            row[f"{name}_region"] or row["region"],
            cidrs(row[f"{name}_cidr_blocks"]),
        )

    return [
        Peering(
            row["vpc_peering_connection_id"],
            side(row, "requester"),
            side(row, "accepter"),
            row["status"] or "",
        )
        for row in owned(reading.rows("vpc_peering_connection"), "vpc_peering_connection_id")
    ]


def _transit_gateways(reading: Reading) -> list[TransitGateway]:
    reading.open("transit_gateways", "vpc_transit_gateway")
    return [
        TransitGateway(
            row["transit_gateway_id"],
            row["owner_id"] or row["account_id"],
            row["region"],
            row["state"] or "available",
            _enabled(row["security_group_referencing"]),
            cidrs(row["cidr_blocks"]),
            title(row),
        )
        for row in owned(reading.rows("vpc_transit_gateway"), "transit_gateway_id")
    ]


def _enabled(text: str | None) -> bool | None:
    return None if text is None else text == "enable"


def _attachments(reading: Reading) -> list[TransitGatewayAttachment]:
    kind = "transit_gateway_attachments"
    reading.open(kind, "vpc_transit_gateway_attachment")
    details = {
        row["transit_gateway_attachment_id"]: row
        for row in reading.rows("vpc_transit_gateway_vpc_attachment")
    }
    found: dict[tuple[str, str], TransitGatewayAttachment] = {}
    rows = reading.rows("vpc_transit_gateway_attachment")
    # The gateway's owner sees the association; a VPC's owner may not.
    for row in sorted(rows, key=lambda r: r["transit_gateway_owner_id"] != r["account_id"]):
        id_ = row["transit_gateway_attachment_id"]
        gateway = _gateway_of(reading, row)
        if (gateway, id_) in found:
            continue
        vpc = row["attached_type"] == "vpc"
        detail = details.get(id_, {})
        if vpc and detail.get("subnet_ids") is None:
            reading.open(kind, "vpc_transit_gateway_vpc_attachment")
        own = row["transit_gateway_owner_id"] == row["account_id"]
        associated = row["route_table_id"] if row["association_state"] in ("associated", "") else ""
        found[gateway, id_] = TransitGatewayAttachment(
            id_,
            gateway,
            row["resource_owner_id"] or row["account_id"],
            row["region"],
            row["attached_type"] or "",
            _resource(row, gateway),
            row["state"] or "available",
            (None if detail.get("subnet_ids") is None else tuple(known(detail["subnet_ids"]))) if vpc else (),
            associated if own or associated else None,
            _enabled(detail.get("appliance_mode")) if vpc else False,
            _enabled(detail.get("security_group_referencing")) if vpc else False,
            _enabled(detail.get("ipv6_support")) if vpc else True,
        )
    return list(found.values())


def _gateway_of(reading: Reading, row: Row) -> str:
    """The gateway on whose side an attachment's row stands: that of the row's own account and Region."""
    gateway = row["transit_gateway_id"] or ""
    if row["attached_type"] != "peering":
        return gateway
    here = {
        r["transit_gateway_id"]
        for r in reading.rows("vpc_transit_gateway")
        if (r["account_id"], r["region"]) == (row["account_id"], row["region"])
    }
    other = row["attached_id"] or ""
    return other if gateway not in here and other in here else gateway


def _resource(row: Row, gateway: str) -> str:
    attached = row["attached_id"] or ""
    return (row["transit_gateway_id"] or "") if attached == gateway else attached


def _transit_tables(reading: Reading) -> list[TransitGatewayRouteTable]:
    kind, table = "transit_gateway_route_tables", "vpc_transit_gateway_route_table"
    reading.open(kind, table)
    associated: dict[str, list[str]] = {}
    for row in reading.rows("vpc_transit_gateway_attachment"):
        if row["route_table_id"] and row["association_state"] in ("associated", ""):
            associated.setdefault(row["route_table_id"], []).append(row["transit_gateway_attachment_id"])
    found: list[TransitGatewayRouteTable] = []
    for row in owned(reading.rows(table), "transit_gateway_route_table_id"):
        id_, routes = row["transit_gateway_route_table_id"], row["routes"]
        if routes is None:
            reading.lack(kind, row, "routes", table, id_)
        found.append(
            TransitGatewayRouteTable(
                id_,
                row["transit_gateway_id"] or "",
                row["account_id"],
                row["region"],
                None if routes is None else tuple(_transit_route(r) for r in known(routes)),
                tuple(dict.fromkeys(associated.get(id_, ()))),
                tuple(known(row["propagating_attachment_ids"])),
            )
        )
    return found


def _transit_route(route: Row) -> TransitGatewayRoute:
    return TransitGatewayRoute(
        tuple(known(route["attachment_ids"])),
        block_of(route["cidr"]),
        route["prefix_list_id"] or "",
        route["state"] or "active",
        route["type"] or "static",
    )


def _endpoints(reading: Reading) -> list[VpcEndpoint]:
    reading.open("endpoints", "vpc_endpoint")
    return [
        VpcEndpoint(
            row["vpc_endpoint_id"],
            row["vpc_id"] or "",
            row["owner_id"] or row["account_id"],
            row["region"],
            row["endpoint_type"] or "Gateway",
            row["service_name"] or "",
            row["state"] or "available",
            tuple(known(row["subnet_ids"])),
            tuple(known(row["network_interface_ids"])),
            tuple(known(row["route_table_ids"])),
            row["policy"],
            bool(row["private_dns_enabled"]),
        )
        for row in owned(reading.rows("vpc_endpoint"), "vpc_endpoint_id")
    ]


def _services(reading: Reading) -> list[EndpointService]:
    kind, table = "endpoint_services", "vpc_endpoint_service"
    reading.open(kind, table)
    found: list[EndpointService] = []
    for row in owned(reading.rows(table), "service_id"):
        principals = row["allowed_principals"]
        if principals is None:
            reading.lack(kind, row, "allowed_principals", table, row["service_id"])
        found.append(
            EndpointService(
                row["service_id"],
                row["service_name"] or "",
                row["account_id"],
                row["region"],
                (*known(row["network_load_balancer_arns"]), *known(row["gateway_load_balancer_arns"])),
                tuple(known(row["availability_zones"])),
                row["acceptance_required"] is not False,
                None if principals is None else tuple(p["principal"] for p in known(principals)),
                row["state"] or "Available",
            )
        )
    return found


def _vpns(reading: Reading) -> list[VpnConnection]:
    reading.open("vpn_connections", "vpc_vpn_connection")
    return [
        VpnConnection(
            row["vpn_connection_id"],
            row["account_id"],
            row["region"],
            row["vpn_gateway_id"] or row["transit_gateway_id"] or "",
            row["customer_gateway_id"] or "",
            row["state"] or "available",
            None if row["tunnels"] is None else sum(t["status"] == "UP" for t in known(row["tunnels"])),
            cidrs(row["static_routes"]),
            bool(row["static_routes_only"]),
        )
        for row in owned(reading.rows("vpc_vpn_connection"), "vpn_connection_id")
    ]


def _client_vpns(reading: Reading) -> list[ClientVpn]:
    kind, table = "client_vpns", "vpc_client_vpn_endpoint"
    reading.open(kind, table)
    found: list[ClientVpn] = []
    for row in owned(reading.rows(table), "client_vpn_endpoint_id"):
        for column in ("authorization_rules", "target_networks", "routes"):
            if row[column] is None:
                reading.lack(kind, row, column, table, row["client_vpn_endpoint_id"])
        rules, targets, routes = row["authorization_rules"], row["target_networks"], row["routes"]
        found.append(
            ClientVpn(
                row["client_vpn_endpoint_id"],
                row["account_id"],
                row["region"],
                row["vpc_id"] or "",
                block_of(row["client_cidr_block"]),
                None
                if targets is None
                else tuple(t["subnet_id"] for t in known(targets) if t["status"] in ("associated", "")),
                None if row["group_ids"] is None else tuple(known(row["group_ids"])),
                None
                if rules is None
                else tuple(
                    ClientVpnRule(block, bool(r["access_all"]), r["group_id"] or "")
                    for r in known(rules)
                    if (block := block_of(r["cidr"])) is not None
                ),
                None
                if routes is None
                else tuple(
                    (block, r["subnet_id"] or "")
                    for r in known(routes)
                    if (block := block_of(r["destination"])) is not None
                ),
                bool(row["split_tunnel"]),
                row["status"] or "available",
            )
        )
    return found


def _direct_connect(reading: Reading) -> list[Any]:
    reading.open("virtual_interfaces", "directconnect_virtual_interface")
    found: list[Any] = [
        VirtualInterface(
            row["virtual_interface_id"],
            row["account_id"],
            row["region"],
            row["type"] or "private",
            row["virtual_gateway_id"] or row["direct_connect_gateway_id"] or "",
            row["state"] or "available",
            cidrs(row["route_filter_prefixes"]),
        )
        for row in owned(reading.rows("directconnect_virtual_interface"), "virtual_interface_id")
    ]
    kind, table = "direct_connect_associations", "directconnect_gateway"
    reading.open(kind, table)
    for row in owned(reading.rows(table), "direct_connect_gateway_id"):
        gateway = row["direct_connect_gateway_id"]
        if row["associations"] is None:
            reading.lack(kind, row, "associations", table, gateway)
        found += [
            DirectConnectAssociation(
                f"{gateway}/{each['gateway_id']}",
                row["account_id"],
                gateway,
                each["gateway_id"] or "",
                cidrs(each["allowed_prefixes"]),
                each["state"] or "associated",
            )
            for each in known(row["associations"])
        ]
    return found
