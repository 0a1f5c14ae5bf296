"""Amazon Keyspaces (for Apache Cassandra): keyspaces and tables."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, List, Str, Table, Timestamp

_TAGS = Call("keyspaces:ListTagsForResource", {"resourceArn": "arn"})

keyspace = Table(
    "keyspaces_keyspace",
    service="keyspaces",
    scope="regional",
    resource_type="AWS::Cassandra::Keyspace",
    doc="A keyspace of the account; Cassandra's own system keyspaces are left out.",
    rows=Call("keyspaces:ListKeyspaces", {"maxResults": 100}, at="keyspaces"),
    keep=lambda e: not str(e.get("keyspaceName")).startswith("system"),
    arn="resourceArn",
    title="keyspaceName",
    tags="tagging.tags",
    calls={"tagging": _TAGS},
    columns=(
        Column("replication_strategy", Enum("SINGLE_REGION", "MULTI_REGION"), "replicationStrategy"),
        Column("replication_regions", List(Str), "replicationRegions"),
    ),
)

table = Table(
    "keyspaces_table",
    service="keyspaces",
    scope="regional",
    resource_type="AWS::Cassandra::Table",
    doc="A table of a keyspace; always encrypted.",
    parent="keyspaces_keyspace",
    rows=Call("keyspaces:ListTables", {"keyspaceName": "@parent.name", "maxResults": 100}, at="tables"),
    arn="resourceArn",
    title="tableName",
    tags="tagging.tags",
    calls={
        "described": Call("keyspaces:GetTable", {"keyspaceName": "keyspace", "tableName": "name"}),
        "tagging": _TAGS,
    },
    columns=(
        Column("keyspace", Str, "keyspaceName"),
        Column("status", Str, "described.status", ""),
        Column("created_at", Timestamp, "described.creationTimestamp"),
        Column(
            "encryption_type",
            Enum("CUSTOMER_MANAGED_KMS_KEY", "AWS_OWNED_KMS_KEY"),
            "described.encryptionSpecification.type",
            "AWS_OWNED_KMS_KEY",
        ),
        Column("kms_key_id", Str, "described.encryptionSpecification.kmsKeyIdentifier", ""),
        Column(
            "point_in_time_recovery",
            Enum("ENABLED", "DISABLED"),
            "described.pointInTimeRecovery.status",
            "DISABLED",
        ),
    ),
)

TABLES = (keyspace, table)
