"""Amazon Aurora DSQL: clusters."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Enum, List, Str, Table, Timestamp

cluster = Table(
    "dsql_cluster",
    service="dsql",
    scope="regional",
    resource_type="AWS::DSQL::Cluster",
    doc="A serverless cluster; always encrypted, reached over TLS with IAM tokens only.",
    rows=Call("dsql:ListClusters", {"maxResults": 100}, at="clusters"),
    arn="arn",
    title="identifier",
    tags="described.tags",
    calls={"described": Call("dsql:GetCluster", {"identifier": "name"})},
    columns=(
        Column("status", Str, "described.status", ""),
        Column("created_at", Timestamp, "described.creationTime"),
        Column("deletion_protection", Bool, "described.deletionProtectionEnabled", False),
        Column(
            "encryption_type",
            Enum("AWS_OWNED_KMS_KEY", "CUSTOMER_MANAGED_KMS_KEY"),
            "described.encryptionDetails.encryptionType",
            "AWS_OWNED_KMS_KEY",
        ),
        Column(
            "encryption_status",
            Enum("ENABLED", "UPDATING", "KMS_KEY_INACCESSIBLE", "ENABLING"),
            "described.encryptionDetails.encryptionStatus",
            "ENABLED",
        ),
        Column("kms_key_arn", Str, "described.encryptionDetails.kmsKeyArn", ""),
        Column(
            "witness_region",
            Str,
            "described.multiRegionProperties.witnessRegion",
            "",
            doc="Empty: the cluster is of one Region.",
        ),
        Column("linked_clusters", List(Str), "described.multiRegionProperties.clusters"),
    ),
)

TABLES = (cluster,)
