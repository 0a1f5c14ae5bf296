"""Amazon ElastiCache: clusters, replication groups, serverless caches, users and subnet groups."""

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
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

# One call for all tables of the service.
_TAGGING = tagging(
    "elasticache:cluster",
    "elasticache:replicationgroup",
    "elasticache:serverlesscache",
    "elasticache:user",
    "elasticache:subnetgroup",
)

_HERE = {"account_id": "account_id", "region": "region"}
_UPDATE = Struct(
    Field("name", Str, "ServiceUpdateName", ""),
    Field("severity", Str, "ServiceUpdateSeverity", ""),
    Field("released_at", Timestamp, "ServiceUpdateReleaseDate"),
    Field("status", Str, "UpdateActionStatus", ""),
)


def _updates(key: str, by: str) -> Lookup:
    """Security updates that AWS has out and nobody has applied."""
    return Lookup(
        "elasticache:DescribeUpdateActions",
        at="UpdateActions",
        key=key,
        by=by,
        params={
            "ServiceUpdateStatus": [Const("available")],
            "UpdateActionStatus": [Const("not-applied"), Const("waiting-to-start"), Const("stopped")],
        },
        many=True,
    )


cluster = Table(
    "elasticache_cluster",
    service="elasticache",
    scope="regional",
    resource_type="AWS::ElastiCache::CacheCluster",
    doc="A cache cluster: Memcached, one node of a replication group, or a single Redis OSS node.",
    rows=Call("elasticache:DescribeCacheClusters", at="CacheClusters"),
    arn="ARN",
    title="CacheClusterId",
    tags="tagging.Tags",
    calls={
        "tagging": _TAGGING,
        "updates": _updates("CacheClusterId", "cluster_id"),
    },
    columns=(
        Column("cluster_id", Str, "CacheClusterId"),
        Column("engine", Str, "Engine"),
        Column("engine_version", Str, "EngineVersion", ""),
        Column("status", Str, "CacheClusterStatus", ""),
        Column("node_type", Str, "CacheNodeType", ""),
        Column("replication_group_id", Str, "ReplicationGroupId", "", doc="Empty: it stands alone."),
        Column("subnet_group", Str, "CacheSubnetGroupName", ""),
        Column("security_group_ids", List(Str), "SecurityGroups[].SecurityGroupId"),
        Column("auto_minor_version_upgrade", Bool, "AutoMinorVersionUpgrade", False),
        Column("snapshot_retention_days", Int, "SnapshotRetentionLimit", 0, doc="0: no automatic backups."),
        Column("transit_encryption", Bool, "TransitEncryptionEnabled", False),
        Column("at_rest_encryption", Bool, "AtRestEncryptionEnabled", False),
        Column("pending_updates", List(_UPDATE), "updates", doc="Security updates not yet applied."),
    ),
)

replication_group = Table(
    "elasticache_replication_group",
    service="elasticache",
    scope="regional",
    resource_type="AWS::ElastiCache::ReplicationGroup",
    doc="A replication group of Valkey or Redis OSS.",
    rows=Call("elasticache:DescribeReplicationGroups", at="ReplicationGroups"),
    arn="ARN",
    title="ReplicationGroupId",
    tags="tagging.Tags",
    calls={
        "tagging": _TAGGING,
        "updates": _updates("ReplicationGroupId", "replication_group_id"),
    },
    columns=(
        Column("replication_group_id", Str, "ReplicationGroupId"),
        Column("engine", Str, "Engine", "redis"),
        Column("status", Str, "Status", ""),
        Column("member_ids", List(Str), "MemberClusters"),
        Column(
            "automatic_failover",
            Bool,
            "AutomaticFailover",
            False,
            fn=lambda v: v in ("enabled", "enabling"),
        ),
        Column("multi_az", Bool, "MultiAZ", False, fn=lambda v: v == "enabled"),
        Column("snapshot_retention_days", Int, "SnapshotRetentionLimit", 0, doc="0: no automatic backups."),
        Column("auth_token_enabled", Bool, "AuthTokenEnabled", False, doc="Clients need the AUTH password."),
        Column("user_group_ids", List(Str), "UserGroupIds", doc="Access control by users (RBAC)."),
        Column("transit_encryption", Bool, "TransitEncryptionEnabled", False),
        Column(
            "transit_encryption_mode",
            Enum("preferred", "required", ""),
            "TransitEncryptionMode",
            "",
            doc="preferred: plaintext is let through too.",
        ),
        Column("at_rest_encryption", Bool, "AtRestEncryptionEnabled", False),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: a key that AWS owns, or no encryption."),
        Column("auto_minor_version_upgrade", Bool, "AutoMinorVersionUpgrade", False),
        Column("log_types", List(Str), "LogDeliveryConfigurations[].LogType"),
        Column("pending_updates", List(_UPDATE), "updates", doc="Security updates not yet applied."),
    ),
    relations=(
        Relation(
            "kms_keys",
            "kms_key",
            ("key_manager",),
            {"kms_key_id": "arn", "region": "region"},
            doc="The key, where it is one of this account; AWS's own keys are never another's.",
        ),
    ),
)

serverless_cache = Table(
    "elasticache_serverless_cache",
    service="elasticache",
    scope="regional",
    resource_type="AWS::ElastiCache::ServerlessCache",
    doc="A serverless cache; it always encrypts, at rest and in transit.",
    rows=Call("elasticache:DescribeServerlessCaches", at="ServerlessCaches"),
    arn="ARN",
    title="ServerlessCacheName",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("engine", Str, "Engine"),
        Column("engine_version", Str, "FullEngineVersion", ""),
        Column("status", Str, "Status", ""),
        Column("user_group_id", Str, "UserGroupId", "", doc="Empty: no access control by users."),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: a key that AWS owns."),
        Column("snapshot_retention_days", Int, "SnapshotRetentionLimit", 0, doc="0: no automatic backups."),
        Column("connection_type", Enum("vpc", "public"), "ConnectionType", "vpc"),
        Column("subnet_ids", List(Str), "SubnetIds"),
        Column("security_group_ids", List(Str), "SecurityGroupIds"),
    ),
)

user = Table(
    "elasticache_user",
    service="elasticache",
    scope="regional",
    resource_type="AWS::ElastiCache::User",
    doc="A user of Valkey or Redis OSS access control; every account has one called default.",
    rows=Call("elasticache:DescribeUsers", at="Users"),
    arn="ARN",
    title="UserId",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("user_name", Str, "UserName"),
        Column("status", Str, "Status", ""),
        Column("engine", Str, "Engine", ""),
        Column("access_string", Str, "AccessString", "", doc="What the user may do, in Redis' ACL syntax."),
        Column("user_group_ids", List(Str), "UserGroupIds", doc="Empty: the user is of no effect."),
        Column(
            "authentication_type",
            Enum("password", "no-password", "iam"),
            "Authentication.Type",
            "no-password",
        ),
    ),
)

subnet_group = Table(
    "elasticache_subnet_group",
    service="elasticache",
    scope="regional",
    resource_type="AWS::ElastiCache::SubnetGroup",
    doc="The subnets in which cache clusters are placed.",
    rows=Call("elasticache:DescribeCacheSubnetGroups", at="CacheSubnetGroups"),
    arn="ARN",
    title="CacheSubnetGroupName",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_ids", List(Str), "Subnets[].SubnetIdentifier"),
    ),
    relations=(
        Relation("clusters", "elasticache_cluster", ("arn",), {"name": "subnet_group", **_HERE}),
        Relation(
            "route_tables",
            "vpc_route_table",
            ("subnet_ids", "is_main", "has_internet_route"),
            {"vpc_id": "vpc_id", "region": "region"},
            doc="All route tables of the VPC.",
        ),
    ),
)

TABLES = (cluster, replication_group, serverless_cache, user, subnet_group)
