"""The collected tables that the network model is read from, with the columns that it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from partywall.analysis.network.addresses import Cidr, cidr
from partywall.analysis.network.model import Unread

if TYPE_CHECKING:
    from partywall.lake.engine import Lake

Row = dict[str, Any]

CORE: Final[Mapping[str, tuple[str, ...]]] = {
    "vpc": ("vpc_id", "owner_id", "cidr_blocks", "ipv6_cidr_blocks", "is_default"),
    "vpc_subnet": (
        "subnet_id",
        "owner_id",
        "vpc_id",
        "availability_zone",
        "availability_zone_id",
        "cidr_block",
        "ipv6_cidr_blocks",
    ),
    "vpc_network_interface": (
        "network_interface_id",
        "owner_id",
        "vpc_id",
        "subnet_id",
        "interface_type",
        "status",
        "description",
        "instance_id",
        "source_dest_check",
        "group_ids",
        "private_ip",
        "public_ip",
        "private_addresses",
        "ipv6_addresses",
        "prefixes",
        "deny_all_igw_traffic",
        "requester_id",
    ),
    "vpc_security_group": ("group_id", "owner_id", "vpc_id", "ingress", "egress", "is_default"),
    "vpc_prefix_list": ("prefix_list_id", "owner_id", "entries"),
    "vpc_aws_prefix_list": ("prefix_list_id", "blocks"),
    "vpc_network_acl": ("network_acl_id", "owner_id", "vpc_id", "is_default", "subnet_ids", "entries"),
    "vpc_route_table": (
        "route_table_id",
        "owner_id",
        "vpc_id",
        "is_main",
        "subnet_ids",
        "gateway_ids",
        "propagating_gateway_ids",
        "routes",
    ),
    "vpc_elastic_ip": ("allocation_id", "public_ip", "network_interface_id"),
    "vpc_block_public_access": ("internet_gateway_block_mode",),
    "vpc_block_public_access_exclusion": ("exclusion_id", "mode", "resource_arn", "state"),
    "networkfirewall_firewall": ("vpc_id", "firewall_policy_arn", "endpoints"),
    "networkfirewall_policy": (
        "stateless_rule_groups",
        "stateful_rule_groups",
        "stateless_default_actions",
        "stateful_default_actions",
        "stateful_rule_order",
        "variables",
    ),
    "networkfirewall_rule_group": (
        "type",
        "stateless_rule_list",
        "stateful_rule_list",
        "has_rules_string",
        "domain_targets",
        "ip_sets",
        "port_sets",
        "ip_set_references",
    ),
}
GATEWAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "vpc_internet_gateway": ("internet_gateway_id", "owner_id", "vpc_ids"),
    "vpc_egress_only_internet_gateway": ("egress_only_internet_gateway_id", "vpc_ids"),
    "vpc_vpn_gateway": ("vpn_gateway_id", "state", "vpc_ids"),
    "vpc_carrier_gateway": ("carrier_gateway_id", "owner_id", "vpc_id", "state"),
    "vpc_local_gateway_route_table": ("local_gateway_route_table_id", "local_gateway_id", "vpc_ids"),
    "vpc_nat_gateway": (
        "nat_gateway_id",
        "vpc_id",
        "subnet_id",
        "state",
        "connectivity_type",
        "availability_mode",
        "addresses",
    ),
    "vpc_peering_connection": (
        "vpc_peering_connection_id",
        "status",
        "accepter_owner_id",
        "accepter_vpc_id",
        "accepter_region",
        "accepter_cidr_blocks",
        "requester_owner_id",
        "requester_vpc_id",
        "requester_region",
        "requester_cidr_blocks",
    ),
    "vpc_transit_gateway": (
        "transit_gateway_id",
        "owner_id",
        "state",
        "security_group_referencing",
        "cidr_blocks",
    ),
    "vpc_transit_gateway_attachment": (
        "transit_gateway_attachment_id",
        "transit_gateway_id",
        "transit_gateway_owner_id",
        "resource_owner_id",
        "attached_type",
        "attached_id",
        "state",
        "route_table_id",
        "association_state",
    ),
    "vpc_transit_gateway_vpc_attachment": (
        "transit_gateway_attachment_id",
        "subnet_ids",
        "appliance_mode",
        "security_group_referencing",
        "ipv6_support",
    ),
    "vpc_transit_gateway_route_table": (
        "transit_gateway_route_table_id",
        "transit_gateway_id",
        "routes",
        "propagating_attachment_ids",
    ),
    "vpc_endpoint": (
        "vpc_endpoint_id",
        "owner_id",
        "vpc_id",
        "endpoint_type",
        "service_name",
        "state",
        "policy",
        "private_dns_enabled",
        "subnet_ids",
        "route_table_ids",
        "network_interface_ids",
    ),
    "vpc_endpoint_service": (
        "service_id",
        "service_name",
        "state",
        "acceptance_required",
        "network_load_balancer_arns",
        "gateway_load_balancer_arns",
        "availability_zones",
        "allowed_principals",
    ),
    "vpc_vpn_connection": (
        "vpn_connection_id",
        "state",
        "customer_gateway_id",
        "vpn_gateway_id",
        "transit_gateway_id",
        "static_routes_only",
        "static_routes",
        "tunnels",
    ),
    "vpc_client_vpn_endpoint": (
        "client_vpn_endpoint_id",
        "status",
        "vpc_id",
        "client_cidr_block",
        "split_tunnel",
        "group_ids",
        "authorization_rules",
        "target_networks",
        "routes",
    ),
    "directconnect_virtual_interface": (
        "virtual_interface_id",
        "type",
        "state",
        "direct_connect_gateway_id",
        "virtual_gateway_id",
        "route_filter_prefixes",
    ),
    "directconnect_gateway": ("direct_connect_gateway_id", "owner_id", "associations"),
}
LOADS: Final[Mapping[str, tuple[str, ...]]] = {
    "elbv2_load_balancer": (
        "load_balancer_arn",
        "type",
        "scheme",
        "state",
        "vpc_id",
        "subnet_ids",
        "group_ids",
        "cross_zone",
        "enforce_groups_on_private_link",
        "web_acl_arn",
    ),
    "elbv2_listener": (
        "listener_arn",
        "load_balancer_arn",
        "port",
        "protocol",
        "ssl_policy",
        "rules",
        "mutual_authentication_mode",
    ),
    "elbv2_target_group": (
        "target_group_arn",
        "target_type",
        "protocol",
        "port",
        "vpc_id",
        "targets",
        "preserve_client_ip",
    ),
    "elb_load_balancer": ("scheme", "vpc_id", "subnet_ids", "group_ids", "instance_ids", "listeners"),
}
SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    "rds_instance": (
        "engine",
        "port",
        "publicly_accessible",
        "vpc_id",
        "subnet_ids",
        "security_group_ids",
        "availability_zone",
        "multi_az",
    ),
    "redshift_cluster": (
        "port",
        "publicly_accessible",
        "vpc_id",
        "subnet_group",
        "security_group_ids",
    ),
    "redshift_subnet_group": ("subnet_ids",),
    "redshift_serverless_workgroup": ("port", "publicly_accessible", "subnet_ids", "security_group_ids"),
    "opensearch_domain": ("vpc_id", "subnet_ids", "security_group_ids", "policy", "enforce_https"),
    "elasticache_cluster": ("engine", "subnet_group", "security_group_ids"),
    "elasticache_subnet_group": ("subnet_ids",),
    "eks_cluster": (
        "endpoint_public_access",
        "public_access_cidrs",
        "vpc_id",
        "subnet_ids",
        "security_group_ids",
        "cluster_security_group_id",
    ),
    "ecs_service": ("assign_public_ip", "subnet_ids", "security_group_ids", "target_group_arns"),
    "lambda_function": ("urls", "vpc_id", "subnet_ids", "security_group_ids"),
    "cloudfront_distribution": (
        "enabled",
        "web_acl_id",
        "behaviors",
        "origins",
        "minimum_protocol_version",
        "domain_name",
    ),
    "cloudfront_vpc_origin": ("vpc_origin_id", "origin_endpoint_arn"),
    "apigateway_rest_api": (
        "rest_api_id",
        "endpoint_types",
        "disable_execute_api_endpoint",
        "policy",
        "methods",
    ),
    "apigateway_stage": ("rest_api_id", "stage_name", "web_acl_arn"),
    "apigateway_vpc_link": ("vpc_link_id", "target_arns"),
    "apigatewayv2_api": ("api_id", "disable_execute_api_endpoint", "routes", "integrations"),
    "apigatewayv2_stage": ("api_id", "stage_name"),
    "globalaccelerator_listener": ("accelerator_arn", "enabled", "protocol", "port_ranges"),
    "globalaccelerator_endpoint_group": ("listener_arn", "endpoint_region", "endpoints", "port_overrides"),
}
INPUTS: Final[Mapping[str, tuple[str, ...]]] = {**CORE, **GATEWAYS, **LOADS, **SERVICES}
"""What `scan_network.load` reads: the demand of every analysis table that is made of the network."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that did not answer, as `_failed` holds it."""

    operation: str
    region: str
    outcome: str
    code: str
    denied_by: str
    message: str

    def struct(self) -> dict[str, str]:
        """An element of `_failed` of an analysis table."""
        return {
            "call": "rows",
            "operation": self.operation,
            "region": self.region,
            "outcome": self.outcome,
            "code": self.code,
            "denied_by": self.denied_by,
            "message": self.message,
        }


class Reading:
    """The rows of collected tables, and marks for what was not read of them."""

    def __init__(self, lake: Lake) -> None:
        from partywall.analysis.tables import listing_failures

        self.lake = lake
        self.unread: list[Unread] = []
        self.failures: dict[Unread, Failure] = {}
        self.unplaced: dict[str, list[tuple[str, str, dict[str, str]]]] = {}
        """Table -> rows of which no call told where in the network they are: account, Region, the call."""
        self._listings: dict[tuple[str, str, str], Failure] = {}
        self._rows: dict[tuple[str, tuple[str, ...]], list[Row]] = {}
        for name in INPUTS:
            for account, region, call in listing_failures(lake, (name,)):
                self._listings.setdefault((name, account, region), _failure(call))

    def rows(self, table: str, columns: tuple[str, ...] | None = None) -> list[Row]:
        """A table's rows as dicts with `account_id, region, arn, name, tags`, the columns and `_failed`."""
        import pyarrow.parquet as pq

        from partywall.tables.registry import all_tables

        wanted = INPUTS[table] if columns is None else columns
        found = self._rows.get((table, wanted))
        if found is not None:
            return found
        source = self.lake.source
        names = {"account_id", "region", "arn", "name", "tags", "_failed", *wanted}
        files = source.files(table)
        there = source.there(all_tables()[table], files) & names if files else set[str]()
        lacking = dict.fromkeys(names - there)
        found = self._rows[table, wanted] = []
        for file in files:
            read = pq.ParquetFile(file).read(columns=sorted(there), use_threads=False)
            found += [row | lacking for row in read.to_pylist(maps_as_pydicts="lossy")]
        return found

    def open(self, kind: str, table: str) -> None:
        """Marks the places where a table's listing did not answer as not read."""
        asked = self.lake.manifest.regions
        for account, region in sorted(self.lake.source.incomplete.get(table, ())):
            where = "" if region == "*" else region
            # What leads into a Region that was not scanned is not known by its own id already.
            if where and where not in asked:
                continue
            self.mark(kind, self._listing(table, account, where), account, where)

    def misplaced(self, table: str, row: Row) -> None:
        """Notes a row of which it is not known where in the network it is."""
        calls = [(row["account_id"], row["region"], {**f, "call": "rows"}) for f in row.get("_failed") or ()]
        self.unplaced.setdefault(table, []).extend(calls)

    def unlisted(self, table: str, account: str, region: str) -> tuple[dict[str, str], ...]:
        """The failed listing of a table in one place, as elements of `_failed`; none where it answered."""
        open_places = self.lake.source.incomplete.get(table, set[tuple[str, str]]())
        if not {(account, region), (account, "*")} & open_places:
            return ()
        return (self._listing(table, account, region).struct(),)

    def _listing(self, table: str, account: str, region: str) -> Failure:
        from partywall.tables.registry import all_tables
        from partywall.tables.spec import Call

        failed = self._listings.get((table, account, region or "global"))
        failed = failed or self._listings.get((table, account, region))
        if failed is not None:
            return failed
        rows = all_tables()[table].rows
        operation = rows.operation if isinstance(rows, Call) else table
        return Failure(operation, region, "not_collected", "", "", "this scan did not ask")

    def lack(self, kind: str, row: Row, column: str, table: str, id: str) -> None:
        """Marks one object as not wholly read, a column of its row being NULL; blames the call behind it."""
        from partywall.tables.registry import all_tables

        declared = all_tables()[table]
        path = next(c.path for c in declared.columns if c.name == column)
        name = path.partition(".")[0].removesuffix("[]")
        call = declared.calls.get(name)
        told = [f for f in row.get("_failed") or () if call is not None and f["call"] == name]
        if told:
            failed = _failure(told[0])
        else:
            operation = call.operation if call is not None else getattr(declared.rows, "operation", table)
            failed = Failure(operation, row["region"], "not_collected", "", "", "this scan did not ask")
        self.mark(kind, failed, row["account_id"], row["region"], id)

    def mark(self, kind: str, failed: Failure, account: str, region: str, id: str = "") -> None:
        """Adds a mark, remembering the failed call that it stands for."""
        unread = Unread(kind, failed.operation, account, region, id, failed.code or failed.message)
        if unread not in self.failures:
            self.failures[unread] = failed
            self.unread.append(unread)


def _failure(call: Mapping[str, str]) -> Failure:
    return Failure(*(str(call.get(name) or "") for name in Failure.__slots__))


def known(value: Any) -> Iterator[Any]:
    """The known elements of a list column; none where the list is not known."""
    return (item for item in value or () if item is not None)


def cidrs(*lists: Any) -> tuple[Cidr, ...]:
    """The blocks of list columns, unknown and malformed ones left out."""
    found: list[Cidr] = []
    for written in lists:
        for text in known(written):
            block = block_of(text)
            if block is not None:
                found.append(block)
    return tuple(found)


def block_of(text: str | None) -> Cidr | None:
    """A block, None where the text is none."""
    try:
        return cidr(text) if text else None
    except ValueError:
        return None
