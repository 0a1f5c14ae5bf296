"""The network of a scan: from its collected tables to the records of `model`, across accounts and Regions.

What a listing left out is marked with the call to blame; a value that was not read stays None in the record.
A thing that several accounts see (a shared VPC, a peering) is one record, its owner's row before others'.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.network.addresses import Cidr, address, cidr
from partywall.analysis.network.model import (
    AclEntry,
    BlockPublicAccess,
    BlockPublicAccessExclusion,
    Interface,
    Network,
    NetworkAcl,
    PrefixList,
    PrivateAddress,
    PublicAddress,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Unread,
    Vpc,
    network,
)
from partywall.analysis.network.scan_tables import Failure, Reading, Row, block_of, cidrs, known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from partywall.analysis.network.scan_services import Service
    from partywall.lake.engine import Lake

_PROTOCOLS: Final = {"-1": -1, "icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
_PORTS: Final = (0, 65535)


@dataclass(frozen=True, slots=True)
class ScannedNetwork:
    """A scan's network, and the failed call that each of its marks stands for."""

    network: Network
    failures: Mapping[Unread, Failure]
    rows: Reading
    """The rows that it was read from, for names, tags and what stands before an entry point."""
    services: tuple[Service, ...] = ()
    """What else listens in the accounts besides interfaces and load balancers."""

    def failed(self, unread: Iterable[Unread]) -> list[dict[str, str]]:
        """Marks as elements of `_failed`, each failed call once."""
        found = {
            self.failures.get(u) or Failure(u.call, u.region, "not_collected", "", "", u.reason)
            for u in unread
        }
        return [f.struct() for f in sorted(found, key=lambda f: (f.operation, f.region, f.code, f.message))]


def load(lake: Lake) -> ScannedNetwork:
    """The network of a scan's accounts, all that its tables tell."""
    from partywall.analysis.network.assumed import with_assumed
    from partywall.analysis.network.scan_gateways import gateways
    from partywall.analysis.network.scan_loads import loads
    from partywall.analysis.network.scan_services import services
    from partywall.analysis.network.stand_ins import StandIns

    reading = Reading(lake)
    parts = [*_core(reading), *gateways(reading)]
    stand_ins = StandIns(
        (p for p in parts if isinstance(p, Subnet)), (p for p in parts if isinstance(p, Interface))
    )
    parts += loads(reading, stand_ins)
    found, held = services(reading, stand_ins)
    parts = with_assumed([*parts, *held], {a["account_id"] for a in lake.manifest.accounts})
    return ScannedNetwork(network(parts, reading.unread), reading.failures, reading, tuple(found))


def _core(reading: Reading) -> list[Any]:
    zones = _zone_names(reading)
    return [
        *_vpcs(reading),
        *_subnets(reading, zones),
        *_interfaces(reading),
        *_groups(reading),
        *_prefix_lists(reading),
        *_acls(reading),
        *_route_tables(reading),
        *_addresses(reading),
        *_blocks(reading),
    ]


def owned(rows: Iterable[Row], key: str, owner: str = "owner_id") -> list[Row]:
    """One row per id: the owner's own where it was scanned, else the first."""
    found: dict[str, Row] = {}
    for row in rows:
        if row[key] is None:
            continue
        there = found.get(row[key])
        if there is None or (row.get(owner) == row["account_id"] != there["account_id"]):
            found[row[key]] = row
    return list(found.values())


def title(row: Row) -> str:
    """What people call a thing: its Name tag, else its name."""
    return str((row.get("tags") or {}).get("Name") or row.get("name") or "")


def _zone_names(reading: Reading) -> dict[tuple[str, str], str]:
    """(account, zone name) -> zone id, since names differ between accounts."""
    return {
        (row["account_id"], row["availability_zone"]): row["availability_zone_id"]
        for row in reading.rows("vpc_subnet")
        if row["availability_zone"] and row["availability_zone_id"]
    }


def _vpcs(reading: Reading) -> list[Vpc]:
    reading.open("vpcs", "vpc")
    return [
        Vpc(
            row["vpc_id"],
            row["owner_id"] or row["account_id"],
            row["region"],
            cidrs(row["cidr_blocks"], row["ipv6_cidr_blocks"]),
            title(row),
        )
        for row in owned(reading.rows("vpc"), "vpc_id")
    ]


def _subnets(reading: Reading, zones: dict[tuple[str, str], str]) -> list[Subnet]:
    reading.open("subnets", "vpc_subnet")
    return [
        Subnet(
            row["subnet_id"],
            row["vpc_id"] or "",
            row["owner_id"] or row["account_id"],
            row["region"],
            zones.get((row["account_id"], row["availability_zone"]), row["availability_zone"] or ""),
            cidrs([row["cidr_block"]], row["ipv6_cidr_blocks"]),
            title(row),
        )
        for row in owned(reading.rows("vpc_subnet"), "subnet_id")
    ]


def _interfaces(reading: Reading) -> list[Interface]:
    reading.open("interfaces", "vpc_network_interface")
    owners = load_balancer_owners(reading)
    found: list[Interface] = []
    for row in owned(reading.rows("vpc_network_interface"), "network_interface_id"):
        description = row["description"] or ""
        found.append(
            Interface(
                row["network_interface_id"],
                row["owner_id"] or row["account_id"],
                row["region"],
                row["vpc_id"] or "",
                row["subnet_id"] or "",
                _private(row),
                tuple(address(a) for a in known(row["ipv6_addresses"])),
                None if row["group_ids"] is None else tuple(known(row["group_ids"])),
                cidrs(row["prefixes"]),
                row["interface_type"] or "interface",
                row["source_dest_check"],
                row["status"] or "in-use",
                row["instance_id"] or "",
                owners.get((row["account_id"], row["region"], description), ""),
                description,
                title(row),
                row["deny_all_igw_traffic"],
            )
        )
    return found


def _private(row: Row) -> tuple[PrivateAddress, ...]:
    found: list[PrivateAddress] = []
    listed = [a for a in known(row["private_addresses"]) if a["private_ip"]]
    mapped = {a["public_ip"] for a in listed}
    for each in listed:
        public = each["public_ip"]
        # The interface's own association is the primary address's.
        if not public and each["private_ip"] == row["private_ip"] and row["public_ip"] not in mapped:
            public = row["public_ip"]
        found.append(
            PrivateAddress(
                address(each["private_ip"]),
                address(public) if public else None,
                address(each["carrier_ip"]) if each["carrier_ip"] else None,
            )
        )
    if not found and row["private_ip"]:
        public = row["public_ip"]
        found.append(PrivateAddress(address(row["private_ip"]), address(public) if public else None))
    return tuple(found)


def load_balancer_owners(reading: Reading) -> dict[tuple[str, str, str], str]:
    """(account, Region, description of an interface) -> the ARN of the load balancer that holds it."""
    found: dict[tuple[str, str, str], str] = {}
    for row in reading.rows("elbv2_load_balancer"):
        arn = row["load_balancer_arn"] or row["arn"] or ""
        named = arn.partition(":loadbalancer/")[2]
        found[row["account_id"], row["region"], f"ELB {named}"] = arn
    for row in reading.rows("elb_load_balancer"):
        found[row["account_id"], row["region"], f"ELB {row['name']}"] = row["arn"]
    return found


def protocol_number(text: str | None) -> int:
    """The number of a protocol as the tables write it; -1 is all."""
    number = _PROTOCOLS.get(text or "-1")
    return number if number is not None else int(text or -1)


def _span(entry: Row) -> tuple[int, int]:
    """Ports as the model has them: -1 to -1 for all, type and code for ICMP."""
    if entry["protocol"] in ("icmp", "icmpv6"):
        return (_number(entry["icmp_type"]), _number(entry["icmp_code"]))
    span = (_number(entry["from_port"]), _number(entry["to_port"]))
    return (-1, -1) if span == _PORTS else span


def _number(value: int | None) -> int:
    return -1 if value is None else value


def _groups(reading: Reading) -> list[SecurityGroup]:
    reading.open("security_groups", "vpc_security_group")
    found: list[SecurityGroup] = []
    for row in owned(reading.rows("vpc_security_group"), "group_id"):
        rules: list[SecurityGroupRule] | None = []
        for column, egress in (("ingress", False), ("egress", True)):
            if row[column] is None:
                reading.lack("security_groups", row, column, "vpc_security_group", row["group_id"])
                rules = None
            elif rules is not None:
                rules += [_rule(row["group_id"], entry, egress) for entry in known(row[column])]
        found.append(
            SecurityGroup(
                row["group_id"],
                row["vpc_id"] or "",
                row["owner_id"] or row["account_id"],
                row["region"],
                None if rules is None else tuple(rules),
                row["name"] or "",
            )
        )
    return found


def rule_id(group: str, entry: Row, egress: bool) -> str:
    """A rule's name from what it says, alike in every scan: "sg-1 in tcp 22-22 0.0.0.0/0"."""
    first, last = _span(entry)
    way = "out" if egress else "in"
    return f"{group} {way} {entry['protocol']} {first}-{last} {entry['peer']}"


def _rule(group: str, entry: Row, egress: bool) -> SecurityGroupRule:
    first, last = _span(entry)
    kind, peer = entry["peer_type"], entry["peer"] or ""
    return SecurityGroupRule(
        rule_id(group, entry, egress),
        egress,
        protocol_number(entry["protocol"]),
        first,
        last,
        block_of(peer) if kind == "cidr" else None,
        peer if kind == "prefix-list" else "",
        peer if kind == "security-group" else "",
        entry["peer_account_id"] or "",
        entry["description"] or "",
    )


def _prefix_lists(reading: Reading) -> list[PrefixList]:
    reading.open("prefix_lists", "vpc_prefix_list")
    found: list[PrefixList] = []
    for row in owned(reading.rows("vpc_prefix_list"), "prefix_list_id"):
        entries = row["entries"]
        if entries is None:
            reading.lack("prefix_lists", row, "entries", "vpc_prefix_list", row["prefix_list_id"])
        found.append(
            PrefixList(
                row["prefix_list_id"],
                row["owner_id"] or row["account_id"],
                row["region"],
                None if entries is None else cidrs([e["cidr"] for e in known(entries)]),
                row["name"] or "",
            )
        )
    table = "vpc_aws_prefix_list"
    reading.open("prefix_lists", table)
    for row in owned(reading.rows(table), "prefix_list_id"):
        if row["blocks"] is None:
            reading.lack("prefix_lists", row, "blocks", table, row["prefix_list_id"])
        entries = None if row["blocks"] is None else cidrs(row["blocks"])
        found.append(PrefixList(row["prefix_list_id"], "aws", row["region"], entries, row["name"] or ""))
    return found


def _acls(reading: Reading) -> list[NetworkAcl]:
    reading.open("network_acls", "vpc_network_acl")
    found: list[NetworkAcl] = []
    for row in owned(reading.rows("vpc_network_acl"), "network_acl_id"):
        entries = row["entries"]
        if entries is None:
            reading.lack("network_acls", row, "entries", "vpc_network_acl", row["network_acl_id"])
        found.append(
            NetworkAcl(
                row["network_acl_id"],
                row["vpc_id"] or "",
                row["owner_id"] or row["account_id"],
                row["region"],
                tuple(known(row["subnet_ids"])),
                None if entries is None else tuple(_entry(e) for e in known(entries)),
                bool(row["is_default"]),
            )
        )
    return found


def _entry(entry: Row) -> AclEntry:
    protocol = protocol_number(entry["protocol"])
    icmp = protocol in (1, 58)
    ports = (entry["from_port"], entry["to_port"])
    first, last = (-1, -1) if icmp or ports == _PORTS else ports
    return AclEntry(
        entry["rule_number"],
        entry["egress"],
        entry["action"] == "allow",
        protocol,
        cidr(entry["cidr"]),
        first,
        last,
        entry["icmp_type"] if icmp else -1,
        entry["icmp_code"] if icmp else -1,
    )


def _route_tables(reading: Reading) -> list[RouteTable]:
    reading.open("route_tables", "vpc_route_table")
    found: list[RouteTable] = []
    for row in owned(reading.rows("vpc_route_table"), "route_table_id"):
        routes = row["routes"]
        if routes is None:
            reading.lack("route_tables", row, "routes", "vpc_route_table", row["route_table_id"])
        found.append(
            RouteTable(
                row["route_table_id"],
                row["vpc_id"] or "",
                row["owner_id"] or row["account_id"],
                row["region"],
                None if routes is None else tuple(_route(r) for r in known(routes)),
                tuple(known(row["subnet_ids"])),
                tuple(known(row["gateway_ids"])),
                bool(row["is_main"]),
                title(row),
            )
        )
    return found


def _route(entry: Row) -> Route:
    block: Cidr | None = block_of(entry["cidr"])
    # A route to an instance names its interface too, which says exactly where packets go.
    target = entry["network_interface_id"] or entry["target"] or ""
    return Route(
        target,
        block,
        "" if block else entry["destination"] or "",
        "blackhole" if entry["state"] == "blackhole" else "active",
        entry["origin"] or "CreateRoute",
    )


def _addresses(reading: Reading) -> list[PublicAddress]:
    reading.open("public_addresses", "vpc_elastic_ip")
    return [
        PublicAddress(
            address(row["public_ip"]),
            row["account_id"],
            row["region"],
            row["allocation_id"] or "",
            row["network_interface_id"] or "",
        )
        for row in reading.rows("vpc_elastic_ip")
        if row["public_ip"]
    ]


def _blocks(reading: Reading) -> list[Any]:
    found: list[Any] = []
    kind = "block_public_access"
    reading.open(kind, "vpc_block_public_access")
    for row in reading.rows("vpc_block_public_access"):
        mode = row["internet_gateway_block_mode"]
        if mode is None:
            reading.lack(kind, row, "internet_gateway_block_mode", "vpc_block_public_access", "")
        else:
            found.append(BlockPublicAccess(row["account_id"], row["region"], mode))
    reading.open("block_public_access_exclusions", "vpc_block_public_access_exclusion")
    for row in reading.rows("vpc_block_public_access_exclusion"):
        kind_, _, id_ = (row["resource_arn"] or "").rpartition(":")[2].partition("/")
        found.append(
            BlockPublicAccessExclusion(
                row["exclusion_id"],
                row["account_id"],
                row["region"],
                row["mode"] or "",
                id_ if kind_ == "vpc" else "",
                id_ if kind_ == "subnet" else "",
                row["state"] or "",
            )
        )
    return found
