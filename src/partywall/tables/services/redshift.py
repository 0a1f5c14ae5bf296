"""Amazon Redshift: clusters, parameter and subnet groups, snapshots; serverless workgroups and namespaces."""

from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Field,
    Int,
    List,
    Relation,
    Str,
    StrMap,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

_HERE = {"account_id": "account_id", "region": "region"}


def _values(parameters: list[dict[str, Any]]) -> dict[str, str]:
    return {
        p["ParameterName"]: p["ParameterValue"] for p in parameters if p.get("ParameterValue") is not None
    }


def _security_groups() -> Relation:
    return Relation(
        "security_groups",
        "vpc_security_group",
        ("group_id", "ingress"),
        {"security_group_ids[]": "group_id", "region": "region"},
    )


cluster = Table(
    "redshift_cluster",
    service="redshift",
    scope="regional",
    resource_type="AWS::Redshift::Cluster",
    doc="A provisioned cluster.",
    rows=Call("redshift:DescribeClusters", at="Clusters"),
    arn="arn:{partition}:redshift:{region}:{account_id}:cluster:{cluster_id}",
    title="ClusterIdentifier",
    tags="Tags",
    calls={"logging": Call("redshift:DescribeLoggingStatus", {"ClusterIdentifier": "cluster_id"})},
    columns=(
        Column("cluster_id", Str, "ClusterIdentifier"),
        Column("status", Str, "ClusterStatus", ""),
        Column("node_type", Str, "NodeType", ""),
        Column("created_at", Timestamp, "ClusterCreateTime"),
        Column("master_username", Str, "MasterUsername", ""),
        Column("database_name", Str, "DBName", ""),
        Column("endpoint", Str, "Endpoint.Address", ""),
        Column("port", Int, "Endpoint.Port", doc="NULL while the cluster has no endpoint yet."),
        Column("publicly_accessible", Bool, "PubliclyAccessible"),
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_group", Str, "ClusterSubnetGroupName", ""),
        Column("security_group_ids", List(Str), "VpcSecurityGroups[].VpcSecurityGroupId"),
        Column("encrypted", Bool, "Encrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", ""),
        Column("enhanced_vpc_routing", Bool, "EnhancedVpcRouting", False),
        Column(
            "automated_snapshot_days", Int, "AutomatedSnapshotRetentionPeriod", 0, doc="0: none are taken."
        ),
        Column(
            "snapshot_copy_region", Str, "ClusterSnapshotCopyStatus.DestinationRegion", "", doc="Or empty."
        ),
        Column("allow_version_upgrade", Bool, "AllowVersionUpgrade", False),
        Column("multi_az", Bool, "MultiAZ", False, fn=lambda v: str(v).lower() in ("enabled", "true")),
        Column("parameter_group_names", List(Str), "ClusterParameterGroups[].ParameterGroupName"),
        Column(
            "master_secret_arn", Str, "MasterPasswordSecretArn", "", doc="Empty: not managed by Redshift."
        ),
        Column("cluster_version", Str, "ClusterVersion", ""),
        Column(
            "maintenance_track",
            Str,
            "MaintenanceTrackName",
            "current",
            doc="current: the newest certified release; trailing: the one before.",
        ),
        Column(
            "deferred_maintenance",
            List(
                Struct(
                    Field("start", Timestamp, "DeferMaintenanceStartTime"),
                    Field("end", Timestamp, "DeferMaintenanceEndTime"),
                )
            ),
            "DeferredMaintenanceWindows",
            doc="Times in which the customer keeps AWS from maintaining the cluster.",
        ),
        Column("pending_actions", List(Str), "PendingActions", doc="Cluster operations that wait to start."),
        Column(
            "pending_changes",
            List(Str),
            "PendingModifiedValues",
            doc="Names of settings that wait for the next maintenance window.",
            fn=lambda v: sorted(k for k, value in v.items() if value is not None),
        ),
        Column("audit_logging", Bool, "logging.LoggingEnabled", False),
        Column("log_bucket", Str, "logging.BucketName", "", doc="Empty: not to S3."),
        Column("log_exports", List(Str), "logging.LogExports", doc="Logs sent to CloudWatch Logs."),
    ),
    relations=(
        Relation(
            "parameter_groups",
            "redshift_parameter_group",
            ("name", "parameters"),
            {"parameter_group_names[]": "name", **_HERE},
        ),
        _security_groups(),
        Relation(
            "kms_keys",
            "kms_key",
            ("key_manager",),
            {"kms_key_id": "arn", "region": "region"},
            doc="The key, where it is one of this account; AWS's own keys are never another's.",
        ),
    ),
)

parameter_group = Table(
    "redshift_parameter_group",
    service="redshift",
    scope="regional",
    resource_type="AWS::Redshift::ClusterParameterGroup",
    doc="Settings that clusters share.",
    rows=Call("redshift:DescribeClusterParameterGroups", at="ParameterGroups"),
    arn="arn:{partition}:redshift:{region}:{account_id}:parametergroup:{name}",
    title="ParameterGroupName",
    tags="Tags",
    calls={"values": Call("redshift:DescribeClusterParameters", {"ParameterGroupName": "name"})},
    columns=(
        Column("family", Str, "ParameterGroupFamily", ""),
        Column("description", Str, "Description", ""),
        Column(
            "parameters", StrMap, "values.Parameters", doc="All parameters with their values.", fn=_values
        ),
    ),
)

subnet_group = Table(
    "redshift_subnet_group",
    service="redshift",
    scope="regional",
    resource_type="AWS::Redshift::ClusterSubnetGroup",
    doc="The subnets in which clusters are placed.",
    rows=Call("redshift:DescribeClusterSubnetGroups", at="ClusterSubnetGroups"),
    arn="arn:{partition}:redshift:{region}:{account_id}:subnetgroup:{name}",
    title="ClusterSubnetGroupName",
    tags="Tags",
    columns=(
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_ids", List(Str), "Subnets[].SubnetIdentifier"),
        Column(
            "availability_zones",
            List(Str),
            "Subnets[].SubnetAvailabilityZone.Name",
            doc="Each zone once.",
            fn=lambda v: sorted(set(v)),
        ),
    ),
)

snapshot = Table(
    "redshift_snapshot",
    service="redshift",
    scope="regional",
    resource_type="AWS::Redshift::ClusterSnapshot",
    doc="A snapshot of a cluster; manual ones can be shared.",
    rows=Call("redshift:DescribeClusterSnapshots", at="Snapshots"),
    arn="arn:{partition}:redshift:{region}:{account_id}:snapshot:{cluster_id}/{name}",
    title="SnapshotIdentifier",
    tags="Tags",
    columns=(
        Column("cluster_id", Str, "ClusterIdentifier", ""),
        Column("snapshot_type", Str, "SnapshotType", ""),
        Column("created_at", Timestamp, "SnapshotCreateTime"),
        Column("encrypted", Bool, "Encrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", ""),
        Column("restore_accounts", List(Str), "AccountsWithRestoreAccess[].AccountId"),
    ),
)


def _config(parameters: list[dict[str, Any]]) -> dict[str, str]:
    return {p["parameterKey"]: p["parameterValue"] for p in parameters if p.get("parameterValue") is not None}


workgroup = Table(
    "redshift_serverless_workgroup",
    service="redshift",
    scope="regional",
    resource_type="AWS::RedshiftServerless::Workgroup",
    doc="The compute side of Redshift Serverless.",
    rows=Call("redshift-serverless:ListWorkgroups", at="workgroups"),
    arn="workgroupArn",
    title="workgroupName",
    tags="tagging.Tags",
    calls={"tagging": tagging("redshift-serverless:workgroup")},
    columns=(
        Column("namespace", Str, "namespaceName", ""),
        Column("status", Str, "status", ""),
        Column("endpoint", Str, "endpoint.address", ""),
        Column("port", Int, "port", 5439),
        Column("publicly_accessible", Bool, "publiclyAccessible"),
        Column("enhanced_vpc_routing", Bool, "enhancedVpcRouting", False),
        Column("parameters", StrMap, "configParameters", fn=_config),
        Column("subnet_ids", List(Str), "subnetIds"),
        Column("security_group_ids", List(Str), "securityGroupIds"),
    ),
    relations=(_security_groups(),),
)

namespace = Table(
    "redshift_serverless_namespace",
    service="redshift",
    scope="regional",
    resource_type="AWS::RedshiftServerless::Namespace",
    doc="The storage side of Redshift Serverless: databases and users.",
    rows=Call("redshift-serverless:ListNamespaces", at="namespaces"),
    arn="namespaceArn",
    title="namespaceName",
    tags="tagging.Tags",
    calls={"tagging": tagging("redshift-serverless:namespace")},
    columns=(
        Column("status", Str, "status", ""),
        Column("kms_key_id", Str, "kmsKeyId", "AWS_OWNED_KMS_KEY", doc="AWS_OWNED_KMS_KEY: AWS's own key."),
        Column("admin_username", Str, "adminUsername", ""),
        Column("database_name", Str, "dbName", ""),
        Column("log_exports", List(Str), "logExports"),
        Column("admin_secret_arn", Str, "adminPasswordSecretArn", "", doc="Empty: not managed by Redshift."),
    ),
)

TABLES = (cluster, parameter_group, subnet_group, snapshot, workgroup, namespace)
