"""Amazon Lightsail: instances and managed databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]


def _takes_snapshots(add_ons: list[Element]) -> bool:
    return any(a.get("name") == "AutoSnapshot" and a.get("status") == "Enabled" for a in add_ons)


instance = Table(
    "lightsail_instance",
    service="lightsail",
    scope="regional",
    resource_type="AWS::Lightsail::Instance",
    doc="A virtual server of Lightsail.",
    rows=Call("lightsail:GetInstances", at="instances"),
    arn="arn",
    title="name",
    tags="tags",
    columns=(
        Column("blueprint_id", Str, "blueprintId", "", doc="The image it was made of: ubuntu_24_04."),
        Column("bundle_id", Str, "bundleId", "", doc="Its size: nano_3_0."),
        Column("state", Str, "state.name", ""),
        Column("created_at", Timestamp, "createdAt"),
        Column("availability_zone", Str, "location.availabilityZone", ""),
        Column("public_ip", Str, "publicIpAddress", "", doc="Empty: it has none."),
        Column("is_static_ip", Bool, "isStaticIp", False),
        Column("ssh_key_name", Str, "sshKeyName", ""),
        Column(
            "automatic_snapshots",
            Bool,
            "addOns",
            False,
            doc="Lightsail takes a snapshot every day.",
            fn=_takes_snapshots,
        ),
        Column("http_tokens", Enum("optional", "required"), "metadataOptions.httpTokens", "optional"),
        Column("http_endpoint", Enum("disabled", "enabled"), "metadataOptions.httpEndpoint", "enabled"),
        Column(
            "ports",
            List(
                Struct(
                    Field("from_port", Int, "fromPort"),
                    Field("to_port", Int, "toPort"),
                    Field("protocol", Enum("tcp", "all", "udp", "icmp", "icmpv6"), "protocol", "all"),
                    Field("cidrs", List(Str), "cidrs"),
                    Field("ipv6_cidrs", List(Str), "ipv6Cidrs"),
                )
            ),
            "networking.ports",
            doc="What the instance's firewall lets in.",
        ),
    ),
)

database = Table(
    "lightsail_database",
    service="lightsail",
    scope="regional",
    resource_type="AWS::Lightsail::Database",
    doc="A managed database of Lightsail.",
    rows=Call("lightsail:GetRelationalDatabases", at="relationalDatabases"),
    arn="arn",
    title="name",
    tags="tags",
    columns=(
        Column("engine", Str, "engine", ""),
        Column("engine_version", Str, "engineVersion", ""),
        Column("state", Str, "state", ""),
        Column("created_at", Timestamp, "createdAt"),
        Column("publicly_accessible", Bool, "publiclyAccessible", False),
        Column("backup_retention", Bool, "backupRetentionEnabled", False, doc="Automatic backups are on."),
        Column("standby_zone", Str, "secondaryAvailabilityZone", "", doc="Empty: it has no standby."),
        Column("ca_certificate", Str, "caCertificateIdentifier", ""),
        Column(
            "pending_maintenance",
            List(
                Struct(
                    Field("action", Str, "action", ""),
                    Field("description", Str, "description", ""),
                    Field("current_apply_date", Timestamp, "currentApplyDate"),
                )
            ),
            "pendingMaintenanceActions",
            doc="Maintenance that waits: updates of the engine or of the system below it.",
        ),
    ),
)

TABLES = (instance, database)
