"""Amazon DynamoDB: tables with their backups, encryption and policies; DAX clusters."""

from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Int,
    List,
    Lookup,
    Policy,
    Relation,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

table = Table(
    "dynamodb_table",
    service="dynamodb",
    scope="regional",
    resource_type="AWS::DynamoDB::Table",
    doc="A table.",
    rows=Call("dynamodb:ListTables", at="TableNames"),
    arn="arn:{partition}:dynamodb:{region}:{account_id}:table/{table_name}",
    title=".",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("dynamodb:table"),
        "detail": Call("dynamodb:DescribeTable", {"TableName": "table_name"}, at="Table"),
        "continuous": Call(
            "dynamodb:DescribeContinuousBackups",
            {"TableName": "table_name"},
            at="ContinuousBackupsDescription",
        ),
        "policy": Call(
            "dynamodb:GetResourcePolicy", {"ResourceArn": "arn"}, absent=("PolicyNotFoundException",)
        ),
        "scaling": Lookup(
            "application-autoscaling:DescribeScalableTargets",
            at="ScalableTargets",
            key="ResourceId",
            by="scalable_id",
            params={"ServiceNamespace": Const("dynamodb")},
            many=True,
        ),
    },
    columns=(
        Column("table_name", Str, ".", doc="The same as `name`."),
        Column(
            "scalable_id",
            Str,
            ".",
            doc="The table's id at Application Auto Scaling.",
            fn=lambda name: f"table/{name}",
        ),
        Column("status", Str, "detail.TableStatus"),
        Column("created_at", Timestamp, "detail.CreationDateTime"),
        Column("item_count", Int, "detail.ItemCount", 0),
        Column("size_bytes", Int, "detail.TableSizeBytes", 0),
        Column(
            "billing_mode",
            Enum("PROVISIONED", "PAY_PER_REQUEST"),
            "detail.BillingModeSummary.BillingMode",
            "PROVISIONED",
        ),
        Column("deletion_protection", Bool, "detail.DeletionProtectionEnabled", False),
        Column(
            "sse_type",
            Enum("KMS", "AES256", "owned"),
            "detail.SSEDescription.SSEType",
            "owned",
            doc="owned: encrypted with a key that AWS owns, the default.",
        ),
        Column("kms_key_arn", Str, "detail.SSEDescription.KMSMasterKeyArn", "", doc="Empty: AWS's own key."),
        Column("stream_enabled", Bool, "detail.StreamSpecification.StreamEnabled", False),
        Column("stream_arn", Str, "detail.LatestStreamArn", ""),
        Column("replica_regions", List(Str), "detail.Replicas[].RegionName"),
        Column(
            "point_in_time_recovery",
            Bool,
            "continuous.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus",
            False,
            doc="Any second of the last days can be restored.",
            fn=lambda v: v == "ENABLED",
        ),
        Column(
            "recovery_period_days", Int, "continuous.PointInTimeRecoveryDescription.RecoveryPeriodInDays", 0
        ),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Empty: there is none."),
        Column(
            "scaled_dimensions",
            List(Str),
            "scaling[].ScalableDimension",
            doc="Capacities that Application Auto Scaling sets.",
        ),
    ),
    relations=(
        Relation(
            "backups",
            "backup_protected_resource",
            ("resource_arn", "last_backup_at"),
            {"arn": "resource_arn", "region": "region"},
            doc="What AWS Backup holds of it: one element, or none.",
        ),
    ),
)


def _zones(nodes: list[Any]) -> list[str]:
    return sorted(set(nodes))


dax_cluster = Table(
    "dax_cluster",
    service="dynamodb",
    scope="regional",
    resource_type="AWS::DAX::Cluster",
    doc="A DynamoDB Accelerator cluster: a cache in front of tables.",
    rows=Call("dax:DescribeClusters", at="Clusters"),
    arn="ClusterArn",
    title="ClusterName",
    tags="tagging.Tags",
    calls={"tagging": tagging("dax:cache")},
    columns=(
        Column("status", Str, "Status", ""),
        Column("node_type", Str, "NodeType", ""),
        Column("total_nodes", Int, "TotalNodes"),
        Column("availability_zones", List(Str), "Nodes[].AvailabilityZone", fn=_zones),
        Column(
            "sse_enabled",
            Bool,
            "SSEDescription.Status",
            False,
            doc="The cache's disks are encrypted at rest.",
            fn=lambda v: v == "ENABLED",
        ),
        Column("endpoint_encryption", Enum("NONE", "TLS"), "ClusterEndpointEncryptionType", "NONE"),
        Column("iam_role_arn", Str, "IamRoleArn", ""),
        Column("security_group_ids", List(Str), "SecurityGroups[].SecurityGroupIdentifier"),
    ),
)

TABLES = (table, dax_cluster)
