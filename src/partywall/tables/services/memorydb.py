"""Amazon MemoryDB: clusters and users."""

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
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

# One call for all tables of the service.
_TAGGING = tagging("memorydb:cluster", "memorydb:user")

cluster = Table(
    "memorydb_cluster",
    service="memorydb",
    scope="regional",
    resource_type="AWS::MemoryDB::Cluster",
    doc="A MemoryDB cluster; it always encrypts at rest.",
    rows=Call("memorydb:DescribeClusters", at="Clusters"),
    arn="ARN",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": _TAGGING,
        "updates": Lookup(
            "memorydb:DescribeServiceUpdates",
            at="ServiceUpdates",
            key="ClusterName",
            by="name",
            params={"Status": [Const("available"), Const("scheduled"), Const("in-progress")]},
            many=True,
        ),
    },
    columns=(
        Column("engine", Str, "Engine", "redis"),
        Column("engine_version", Str, "EngineVersion", ""),
        Column("status", Str, "Status", ""),
        Column("availability_mode", Enum("singleaz", "multiaz"), "AvailabilityMode"),
        Column("tls_enabled", Bool, "TLSEnabled", False),
        Column("acl_name", Str, "ACLName", "", doc="open-access: everyone may do everything."),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: a key that AWS owns."),
        Column("snapshot_retention_days", Int, "SnapshotRetentionLimit", 0, doc="0: no automatic snapshots."),
        Column("auto_minor_version_upgrade", Bool, "AutoMinorVersionUpgrade", False),
        Column("subnet_group", Str, "SubnetGroupName", ""),
        Column("security_group_ids", List(Str), "SecurityGroups[].SecurityGroupId"),
        Column("pending_updates", List(Str), "PendingUpdates.ServiceUpdates[].ServiceUpdateName"),
        Column(
            "service_updates",
            List(
                Struct(
                    Field("name", Str, "ServiceUpdateName", ""),
                    Field("status", Str, "Status", ""),
                    Field("release_date", Timestamp, "ReleaseDate"),
                    Field("auto_update_start", Timestamp, "AutoUpdateStartDate"),
                )
            ),
            "updates",
            doc="Security updates that are out for the cluster and not yet applied.",
        ),
    ),
)

user = Table(
    "memorydb_user",
    service="memorydb",
    scope="regional",
    resource_type="AWS::MemoryDB::User",
    doc="A user of MemoryDB's access control lists.",
    rows=Call("memorydb:DescribeUsers", at="Users"),
    arn="ARN",
    title="Name",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("status", Str, "Status", ""),
        Column("access_string", Str, "AccessString", "", doc="What the user may do, in Redis' ACL syntax."),
        Column("acl_names", List(Str), "ACLNames", doc="Empty: the user is of no effect."),
        Column(
            "authentication_type",
            Enum("password", "no-password", "iam"),
            "Authentication.Type",
            "no-password",
        ),
    ),
)

TABLES = (cluster, user)
