"""AWS Secrets Manager: secrets with their rotation, key and resource policy; never their values."""

from __future__ import annotations

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Int,
    Policy,
    Str,
    Table,
    Timestamp,
)

secret = Table(
    "secretsmanager_secret",
    service="secretsmanager",
    scope="regional",
    resource_type="AWS::SecretsManager::Secret",
    doc="A secret's settings. Its value is never read.",
    rows=Call("secretsmanager:ListSecrets", at="SecretList"),
    arn="ARN",
    title="Name",
    tags="Tags",
    calls={"policy": Call("secretsmanager:GetResourcePolicy", {"SecretId": "arn"})},
    columns=(
        Column("description", Str, "Description", ""),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: AWS's own key aws/secretsmanager."),
        Column("rotation_enabled", Bool, "RotationEnabled", False),
        Column("rotation_lambda_arn", Str, "RotationLambdaARN", ""),
        Column(
            "rotation_days",
            Int,
            "RotationRules.AutomaticallyAfterDays",
            0,
            doc="Days between rotations; 0: none, or a schedule expression rules.",
        ),
        Column("rotation_schedule", Str, "RotationRules.ScheduleExpression", ""),
        Column("next_rotation_date", Timestamp, "NextRotationDate", doc="Only where rotation is on."),
        Column(
            "last_rotated",
            Timestamp,
            ".",
            doc="When it was last rotated or, where it never was, made.",
            fn=lambda v: v.get("LastRotatedDate") or v.get("CreatedDate"),
        ),
        Column(
            "last_changed",
            Timestamp,
            ".",
            doc="When value or settings last changed or, where they never did, it was made.",
            fn=lambda v: v.get("LastChangedDate") or v.get("CreatedDate"),
        ),
        Column(
            "last_active",
            Timestamp,
            ".",
            doc="The day on which it was last retrieved or, where it never was, made.",
            fn=lambda v: v.get("LastAccessedDate") or v.get("CreatedDate"),
        ),
        Column("created_date", Timestamp, "CreatedDate"),
        Column("owning_service", Str, "OwningService", "", doc="The AWS service that manages it; or empty."),
        Column("primary_region", Str, "PrimaryRegion", "", doc="Of replicated secrets: where it began."),
        Column("policy", Policy("resource"), "policy.ResourcePolicy", "", doc="Empty: there is none."),
    ),
)

TABLES = (secret,)
