"""Amazon Security Lake: the data lake of each Region."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, Int, List, Str, Table

lake = Table(
    "securitylake_data_lake",
    service="securitylake",
    scope="regional",
    resource_type="AWS::SecurityLake::DataLake",
    doc="Security Lake's data lake of a Region.",
    rows=Call("securitylake:ListDataLakes", {"regions": ["@region"]}, at="dataLakes"),
    arn="dataLakeArn",
    columns=(
        Column("status", Enum("INITIALIZED", "PENDING", "COMPLETED", "FAILED"), "createStatus", "COMPLETED"),
        Column(
            "kms_key_id",
            Str,
            "encryptionConfiguration.kmsKeyId",
            "S3_MANAGED_KEY",
            doc="S3_MANAGED_KEY: S3's own key.",
        ),
        Column("expiration_days", Int, "lifecycleConfiguration.expiration.days", 0, doc="0: kept for ever."),
        Column("replication_regions", List(Str), "replicationConfiguration.regions"),
        Column("bucket_arn", Str, "s3BucketArn", ""),
        Column("update_error", Str, "updateStatus.exception.reason", ""),
    ),
)

TABLES = (lake,)
