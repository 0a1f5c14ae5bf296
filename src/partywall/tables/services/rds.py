"""Amazon RDS and its kin: DB instances and clusters of RDS, Aurora, Neptune and DocumentDB."""

from collections.abc import Callable, Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Float,
    Int,
    List,
    Lookup,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]
_HERE = {"account_id": "account_id", "region": "region"}

_MAINTENANCE = Struct(
    Field("action", Str, "Action", ""),
    Field("description", Str, "Description", ""),
    Field("auto_applied_after", Timestamp, "AutoAppliedAfterDate"),
    Field("forced_apply_date", Timestamp, "ForcedApplyDate"),
    Field("current_apply_date", Timestamp, "CurrentApplyDate"),
)

PENDING = Lookup(
    "rds:DescribePendingMaintenanceActions",
    at="PendingMaintenanceActions",
    key="ResourceIdentifier",
    by="arn",
)


def _maintenance() -> Column:
    return Column(
        "pending_maintenance",
        List(_MAINTENANCE),
        "pending.PendingMaintenanceActionDetails",
        doc="Maintenance that waits: engine upgrades, system updates, certificate rotations.",
    )


def is_neptune(element: Element) -> bool:
    """Whether a listed instance, cluster or snapshot is Neptune's."""
    return element.get("Engine") == "neptune"


def is_documentdb(element: Element) -> bool:
    """Whether a listed instance, cluster or snapshot is Amazon DocumentDB's."""
    return element.get("Engine") == "docdb"


def is_rds(element: Element) -> bool:
    """Whether a listed instance, cluster or snapshot is RDS's or Aurora's own."""
    return element.get("Engine") not in ("neptune", "docdb")


def _exposure(what: str) -> tuple[Relation, ...]:
    """Relations that tell whether the internet reaches a database."""
    return (
        Relation(
            "security_groups",
            "vpc_security_group",
            ("group_id", "ingress"),
            {"security_group_ids[]": "group_id", "region": "region"},
        ),
        Relation(
            "route_tables",
            "vpc_route_table",
            ("subnet_ids", "is_main", "has_internet_route"),
            {"vpc_id": "vpc_id", "region": "region"},
            doc=f"All route tables of the {what}'s VPC.",
        ),
    )


MAJORS = Lookup(
    "rds:DescribeDBMajorEngineVersions", at="DBMajorEngineVersions", key="Engine", by="engine", many=True
)


def _major_versions() -> Column:
    lifecycle = Struct(
        Field("name", Str, "LifecycleSupportName", ""),
        Field("ends_at", Timestamp, "LifecycleSupportEndDate"),
    )
    return Column(
        "major_versions",
        List(
            Struct(
                Field("major_version", Str, "MajorEngineVersion", ""),
                Field("lifecycles", List(lifecycle), "SupportedEngineLifecycles"),
            )
        ),
        "majors",
        doc="The major versions of its engine, and when standard and extended support of each end.",
    )


def _keys() -> Relation:
    return Relation(
        "kms_keys",
        "kms_key",
        ("key_manager",),
        {"kms_key_id": "arn", "region": "region"},
        doc="The key, where it is one of this account; AWS's own keys are never another's.",
    )


def _backups() -> Relation:
    return Relation(
        "backups",
        "backup_protected_resource",
        ("resource_arn", "last_backup_at"),
        {"arn": "resource_arn", "region": "region"},
        doc="What AWS Backup holds of it: one element, or none.",
    )


def _instance_columns() -> tuple[Column, ...]:
    """Columns of a DB instance that all engines share."""
    return (
        Column("engine", Str, "Engine"),
        Column("engine_version", Str, "EngineVersion", ""),
        Column("instance_class", Str, "DBInstanceClass", ""),
        Column("status", Str, "DBInstanceStatus", ""),
        Column("created_at", Timestamp, "InstanceCreateTime"),
        Column("cluster_id", Str, "DBClusterIdentifier", "", doc="Empty: it stands alone, in no cluster."),
        Column("endpoint", Str, "Endpoint.Address", ""),
        Column("port", Int, "Endpoint.Port", doc="NULL while the instance has no endpoint yet."),
        Column("publicly_accessible", Bool, "PubliclyAccessible"),
        Column("vpc_id", Str, "DBSubnetGroup.VpcId", "", doc="Empty: not in a VPC."),
        Column("subnet_group", Str, "DBSubnetGroup.DBSubnetGroupName", ""),
        Column("subnet_ids", List(Str), "DBSubnetGroup.Subnets[].SubnetIdentifier"),
        Column("availability_zone", Str, "AvailabilityZone", "", doc="Where it runs; its standby elsewhere."),
        Column("security_group_ids", List(Str), "VpcSecurityGroups[].VpcSecurityGroupId"),
        Column("storage_encrypted", Bool, "StorageEncrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: not encrypted, or with a key that AWS owns."),
        Column("auto_minor_version_upgrade", Bool, "AutoMinorVersionUpgrade", False),
        Column("ca_certificate", Str, "CACertificateIdentifier", ""),
        Column("ca_valid_till", Timestamp, "CertificateDetails.ValidTill", doc="End of its TLS certificate."),
        _maintenance(),
    )


instance = Table(
    "rds_instance",
    service="rds",
    scope="regional",
    resource_type="AWS::RDS::DBInstance",
    doc="A DB instance of RDS or Aurora. What Aurora sets per cluster is in rds_cluster.",
    rows=Call("rds:DescribeDBInstances", at="DBInstances"),
    keep=is_rds,
    arn="DBInstanceArn",
    title="DBInstanceIdentifier",
    tags="TagList",
    calls={
        "pending": PENDING,
        "majors": MAJORS,
        "versions": Call(
            "rds:DescribeDBEngineVersions",
            {"Engine": "engine", "EngineVersion": "engine_version", "IncludeAll": True},
            at="DBEngineVersions",
            once=True,
        ),
    },
    columns=(
        *_instance_columns(),
        Column("multi_az", Bool, "MultiAZ", False),
        Column("master_username", Str, "MasterUsername", ""),
        Column(
            "master_secret_arn",
            Str,
            "MasterUserSecret.SecretArn",
            "",
            doc="Secret in which RDS keeps the master password; empty: RDS does not manage it.",
        ),
        Column("iam_authentication", Bool, "IAMDatabaseAuthenticationEnabled", False),
        Column("backup_retention_days", Int, "BackupRetentionPeriod", 0, doc="0: automated backups are off."),
        Column("replica_source", Str, "ReadReplicaSourceDBInstanceIdentifier", "", doc="Empty: no replica."),
        Column("deletion_protection", Bool, "DeletionProtection", False),
        Column("copy_tags_to_snapshot", Bool, "CopyTagsToSnapshot", False),
        Column(
            "monitoring_interval", Int, "MonitoringInterval", 0, doc="Seconds; 0: no enhanced monitoring."
        ),
        Column("performance_insights", Bool, "PerformanceInsightsEnabled", False),
        Column("performance_insights_key", Str, "PerformanceInsightsKMSKeyId", ""),
        Column("log_exports", List(Str), "EnabledCloudwatchLogsExports", doc="Logs sent to CloudWatch Logs."),
        Column("activity_stream", Str, "ActivityStreamStatus", "stopped"),
        Column(
            "storage_encryption_type", Enum("none", "sse-kms", "sse-rds", ""), "StorageEncryptionType", ""
        ),
        Column("parameter_group_names", List(Str), "DBParameterGroups[].DBParameterGroupName"),
        Column("option_group_names", List(Str), "OptionGroupMemberships[].OptionGroupName"),
        Column(
            "engine_lifecycle_support",
            Str,
            "EngineLifecycleSupport",
            "",
            doc="open-source-rds-extended-support: AWS charges for versions past their standard support.",
        ),
        Column(
            "engine_version_status",
            Str,
            "versions[].Status",
            doc="available or deprecated.",
            fn=lambda v: v[0] if v else None,
        ),
        Column(
            "custom_engine_version_arn",
            Str,
            "versions[].DBEngineVersionArn",
            "",
            doc="Of RDS Custom: the customer's own engine version (CEV); empty: a version that RDS provides.",
            fn=lambda v: v[0] if v else None,
        ),
        _major_versions(),
        Column("outpost_arns", List(Str), "DBSubnetGroup.Subnets[].SubnetOutpost.Arn", doc="None: in AWS."),
    ),
    relations=(
        *_exposure("instance"),
        _backups(),
        _keys(),
        Relation(
            "parameter_groups",
            "rds_parameter_group",
            ("name", "parameters"),
            {"parameter_group_names[]": "name", **_HERE},
        ),
    ),
)

neptune_instance = Table(
    "neptune_instance",
    service="neptune",
    scope="regional",
    resource_type="AWS::Neptune::DBInstance",
    doc="A DB instance of a Neptune cluster.",
    rows=Call("rds:DescribeDBInstances", at="DBInstances"),
    keep=is_neptune,
    arn="DBInstanceArn",
    title="DBInstanceIdentifier",
    tags="TagList",
    calls={"pending": PENDING},
    columns=_instance_columns(),
    relations=_exposure("instance"),
)

documentdb_instance = Table(
    "documentdb_instance",
    service="documentdb",
    scope="regional",
    resource_type="AWS::DocDB::DBInstance",
    doc="A DB instance of an Amazon DocumentDB cluster.",
    rows=Call("rds:DescribeDBInstances", at="DBInstances"),
    keep=is_documentdb,
    arn="DBInstanceArn",
    title="DBInstanceIdentifier",
    tags="TagList",
    calls={"pending": PENDING},
    columns=_instance_columns(),
    relations=_exposure("instance"),
)


def _cluster_columns() -> tuple[Column, ...]:
    """Columns of a DB cluster that all engines share."""
    return (
        Column("engine", Str, "Engine"),
        Column("engine_version", Str, "EngineVersion", ""),
        Column("engine_mode", Str, "EngineMode", "", doc="provisioned or serverless (Aurora Serverless v1)."),
        Column("status", Str, "Status", ""),
        Column("created_at", Timestamp, "ClusterCreateTime"),
        Column("endpoint", Str, "Endpoint", ""),
        Column("port", Int, "Port", doc="NULL while the cluster has no port yet."),
        Column("master_username", Str, "MasterUsername", ""),
        Column("storage_encrypted", Bool, "StorageEncrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: not encrypted, or with a key that AWS owns."),
        Column("multi_az", Bool, "MultiAZ", False),
        Column("member_ids", List(Str), "DBClusterMembers[].DBInstanceIdentifier"),
        Column("backup_retention_days", Int, "BackupRetentionPeriod", 1),
        Column("deletion_protection", Bool, "DeletionProtection", False),
        Column("copy_tags_to_snapshot", Bool, "CopyTagsToSnapshot", False),
        Column("iam_authentication", Bool, "IAMDatabaseAuthenticationEnabled", False),
        Column("log_exports", List(Str), "EnabledCloudwatchLogsExports", doc="Logs sent to CloudWatch Logs."),
        Column("parameter_group", Str, "DBClusterParameterGroup", ""),
        Column("subnet_group", Str, "DBSubnetGroup", ""),
        Column("security_group_ids", List(Str), "VpcSecurityGroups[].VpcSecurityGroupId"),
        Column("global_cluster_id", Str, "GlobalClusterIdentifier", "", doc="Empty: in no global database."),
        _maintenance(),
    )


def _cluster(
    name: str,
    service: str,
    resource_type: str,
    keep: Callable[[Element], bool],
    doc: str,
    extra: tuple[Column, ...] = (),
    calls: Mapping[str, Lookup] | None = None,
) -> Table:
    return Table(
        name,
        service=service,
        scope="regional",
        resource_type=resource_type,
        doc=doc,
        rows=Call("rds:DescribeDBClusters", at="DBClusters"),
        keep=keep,
        arn="DBClusterArn",
        title="DBClusterIdentifier",
        tags="TagList",
        calls={"pending": PENDING, **(calls or {})},
        columns=(*_cluster_columns(), *extra),
        relations=(
            _backups(),
            _keys(),
            Relation(
                "parameter_groups",
                "rds_cluster_parameter_group",
                ("name", "parameters"),
                {"parameter_group": "name", **_HERE},
            ),
            Relation(
                "security_groups",
                "vpc_security_group",
                ("group_id", "ingress"),
                {"security_group_ids[]": "group_id", "region": "region"},
            ),
        ),
    )


cluster = _cluster(
    "rds_cluster",
    "rds",
    "AWS::RDS::DBCluster",
    is_rds,
    "An Aurora cluster, or a Multi-AZ DB cluster of RDS for MySQL or PostgreSQL.",
    (
        Column("publicly_accessible", Bool, "PubliclyAccessible", False, doc="Of Multi-AZ DB clusters."),
        Column(
            "auto_minor_version_upgrade",
            Bool,
            "AutoMinorVersionUpgrade",
            doc="NULL where AWS leaves it to the cluster's instances.",
        ),
        Column("master_secret_arn", Str, "MasterUserSecret.SecretArn", "", doc="Empty: not managed by RDS."),
        Column("backtrack_window", Int, "BacktrackWindow", 0, doc="Seconds; 0: off."),
        Column("http_endpoint_enabled", Bool, "HttpEndpointEnabled", False, doc="The RDS Data API is on."),
        Column("activity_stream", Str, "ActivityStreamStatus", "stopped"),
        Column("monitoring_interval", Int, "MonitoringInterval", 0, doc="Seconds; 0: none, or per instance."),
        Column("engine_lifecycle_support", Str, "EngineLifecycleSupport", ""),
        Column(
            "serverless_v2_max_capacity",
            Float,
            "ServerlessV2ScalingConfiguration.MaxCapacity",
            0.0,
            doc="Aurora capacity units; 0: the cluster has no Serverless v2 instances (class db.serverless).",
        ),
        _major_versions(),
    ),
    {"majors": MAJORS},
)
neptune_cluster = _cluster(
    "neptune_cluster", "neptune", "AWS::Neptune::DBCluster", is_neptune, "A cluster of Amazon Neptune."
)
documentdb_cluster = _cluster(
    "documentdb_cluster",
    "documentdb",
    "AWS::DocDB::DBCluster",
    is_documentdb,
    "An Amazon DocumentDB cluster.",
)

TABLES = (instance, neptune_instance, documentdb_instance, cluster, neptune_cluster, documentdb_cluster)
