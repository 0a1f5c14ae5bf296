"""Snapshots of RDS, Aurora, Neptune and DocumentDB, with the accounts that may restore them."""

from collections.abc import Callable
from typing import Any

from partywall.tables.services.rds import Element, is_documentdb, is_neptune, is_rds
from partywall.tables.spec import Bool, Call, Column, List, Str, Table, Timestamp


def restorers(attributes: list[dict[str, Any]]) -> list[str]:
    """The values of the attribute "restore"."""
    return [
        v for a in attributes if a.get("AttributeName") == "restore" for v in a.get("AttributeValues") or []
    ]


def _restore() -> Column:
    return Column(
        "restore_accounts",
        List(Str),
        "attributes",
        doc='Accounts that may copy or restore it; "all": anyone. Only manual snapshots can be shared.',
        fn=restorers,
    )


snapshot = Table(
    "rds_snapshot",
    service="rds",
    scope="regional",
    resource_type="AWS::RDS::DBSnapshot",
    doc="A snapshot of a DB instance.",
    rows=Call("rds:DescribeDBSnapshots", at="DBSnapshots"),
    keep=is_rds,
    arn="DBSnapshotArn",
    title="DBSnapshotIdentifier",
    tags="TagList",
    calls={
        "attributes": Call(
            "rds:DescribeDBSnapshotAttributes",
            {"DBSnapshotIdentifier": "name"},
            at="DBSnapshotAttributesResult.DBSnapshotAttributes",
            when=lambda row: row["snapshot_type"] == "manual",
        )
    },
    columns=(
        Column("instance_id", Str, "DBInstanceIdentifier", ""),
        Column("engine", Str, "Engine", ""),
        Column("engine_version", Str, "EngineVersion", ""),
        Column("snapshot_type", Str, "SnapshotType", doc="manual, automated or awsbackup."),
        Column("status", Str, "Status", ""),
        Column("created_at", Timestamp, "SnapshotCreateTime"),
        Column("encrypted", Bool, "Encrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", ""),
        _restore(),
    ),
)


def _cluster_snapshot(
    name: str, service: str, resource_type: str, keep: Callable[[Element], bool], doc: str
) -> Table:
    return Table(
        name,
        service=service,
        scope="regional",
        resource_type=resource_type,
        doc=doc,
        rows=Call("rds:DescribeDBClusterSnapshots", at="DBClusterSnapshots"),
        keep=keep,
        arn="DBClusterSnapshotArn",
        title="DBClusterSnapshotIdentifier",
        tags="TagList",
        calls={
            "attributes": Call(
                "rds:DescribeDBClusterSnapshotAttributes",
                {"DBClusterSnapshotIdentifier": "name"},
                at="DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes",
                when=lambda row: row["snapshot_type"] == "manual",
            )
        },
        columns=(
            Column("cluster_id", Str, "DBClusterIdentifier", ""),
            Column("engine", Str, "Engine", ""),
            Column("engine_version", Str, "EngineVersion", ""),
            Column("snapshot_type", Str, "SnapshotType", doc="manual, automated or awsbackup."),
            Column("status", Str, "Status", ""),
            Column("created_at", Timestamp, "SnapshotCreateTime"),
            Column("encrypted", Bool, "StorageEncrypted", False),
            Column("kms_key_id", Str, "KmsKeyId", ""),
            _restore(),
        ),
    )


TABLES = (
    snapshot,
    _cluster_snapshot(
        "rds_cluster_snapshot",
        "rds",
        "AWS::RDS::DBClusterSnapshot",
        is_rds,
        "A snapshot of an Aurora or Multi-AZ DB cluster.",
    ),
    _cluster_snapshot(
        "neptune_cluster_snapshot",
        "neptune",
        "AWS::Neptune::DBClusterSnapshot",
        is_neptune,
        "A snapshot of a Neptune cluster.",
    ),
    _cluster_snapshot(
        "documentdb_cluster_snapshot",
        "documentdb",
        "AWS::DocDB::DBClusterSnapshot",
        is_documentdb,
        "A snapshot of an Amazon DocumentDB cluster.",
    ),
)
