"""AWS X-Ray: the encryption of traces in each Region."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Enum, Single, Str, Table

region = Table(
    "xray_region",
    service="xray",
    scope="regional",
    resource_type="AWS::::Account",
    doc="X-Ray in a Region of the account, one row.",
    rows=Single(),
    arn="arn:{partition}:xray:{region}:{account_id}:region",
    title="X-Ray in {region}",
    calls={"encryption": Call("xray:GetEncryptionConfig", at="EncryptionConfig")},
    columns=(
        Column("encryption", Enum("NONE", "KMS"), "encryption.Type", "NONE", doc="NONE: X-Ray's own key."),
        Column("kms_key_id", Str, "encryption.KeyId", ""),
        Column("status", Enum("UPDATING", "ACTIVE"), "encryption.Status", "ACTIVE"),
    ),
)

TABLES = (region,)
