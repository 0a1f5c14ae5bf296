"""AWS Backup: vaults, plans with their selections, recovery points, report plans and what is protected."""

from fnmatch import fnmatchcase
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Relation,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _opted_in(preferences: dict[str, Any]) -> list[str]:
    return sorted(name for name, is_on in preferences.items() if is_on)


region = Table(
    "backup_region",
    service="backup",
    scope="regional",
    resource_type="AWS::::Account",
    doc="AWS Backup in a Region, one row each. AWS has no ARN for it.",
    rows=Single(),
    arn="arn:{partition}:backup:{region}:{account_id}:region-settings",
    title="{region}",
    calls={"settings": Call("backup:DescribeRegionSettings")},
    columns=(
        Column(
            "opted_in_types",
            List(Str),
            "settings.ResourceTypeOptInPreference",
            doc="Resource types that plans back up here.",
            fn=_opted_in,
        ),
    ),
    relations=(
        Relation("vaults", "backup_vault", ("arn",), {"account_id": "account_id", "region": "region"}),
        Relation("plans", "backup_plan", ("arn",), {"account_id": "account_id", "region": "region"}),
        Relation(
            "report_plans", "backup_report_plan", ("arn",), {"account_id": "account_id", "region": "region"}
        ),
        Relation(
            "databases",
            "rds_instance",
            ("arn",),
            {"account_id": "account_id", "region": "region"},
            doc="RDS instances in the Region.",
        ),
        Relation(
            "clusters",
            "rds_cluster",
            ("arn",),
            {"account_id": "account_id", "region": "region"},
            doc="Aurora and Multi-AZ DB clusters in the Region.",
        ),
        Relation(
            "dynamodb_tables", "dynamodb_table", ("arn",), {"account_id": "account_id", "region": "region"}
        ),
        Relation(
            "file_systems", "efs_file_system", ("arn",), {"account_id": "account_id", "region": "region"}
        ),
    ),
)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _denies_deletion(document: str) -> bool:
    """Whether some statement keeps everyone from deleting recovery points."""
    import orjson

    return any(_denies_everyone(s) for s in _listed(orjson.loads(document).get("Statement") or []))


def _denies_everyone(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = _listed(principal.get("AWS") or []) if isinstance(principal, dict) else [principal]
    actions = [str(a).lower() for a in _listed(statement.get("Action") or [])]
    return (
        statement.get("Effect") == "Deny"
        and "*" in named
        and not statement.get("Condition")
        and any(fnmatchcase("backup:deleterecoverypoint", action) for action in actions)
    )


vault = Table(
    "backup_vault",
    service="backup",
    scope="regional",
    resource_type="AWS::Backup::BackupVault",
    doc="A vault that keeps recovery points.",
    rows=Call("backup:ListBackupVaults", {"MaxResults": 1000}, at="BackupVaultList"),
    arn="BackupVaultArn",
    title="BackupVaultName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("backup:backup-vault"),
        # Both answer ResourceNotFoundException for a vault that has none.
        "policy": Call(
            "backup:GetBackupVaultAccessPolicy",
            {"BackupVaultName": "name"},
            absent=("ResourceNotFoundException",),
        ),
        "notifications": Call(
            "backup:GetBackupVaultNotifications",
            {"BackupVaultName": "name"},
            absent=("ResourceNotFoundException",),
        ),
    },
    columns=(
        Column(
            "vault_type",
            Enum("BACKUP_VAULT", "LOGICALLY_AIR_GAPPED_BACKUP_VAULT", "RESTORE_ACCESS_BACKUP_VAULT"),
            "VaultType",
            "BACKUP_VAULT",
        ),
        Column("creation_date", Timestamp, "CreationDate"),
        Column("encryption_key_arn", Str, "EncryptionKeyArn", ""),
        Column("recovery_points", Int, "NumberOfRecoveryPoints", 0, doc="How many it holds."),
        Column("locked", Bool, "Locked", False, doc="Vault Lock holds deletion and lifecycle changes off."),
        Column("lock_date", Timestamp, "LockDate", doc="From when on the lock cannot be taken off."),
        Column("min_retention_days", Int, "MinRetentionDays", 0, doc="0: no limit."),
        Column("max_retention_days", Int, "MaxRetentionDays", 0, doc="0: no limit."),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Access policy; empty: there is none."),
        Column(
            "denies_deletion",
            Bool,
            "policy.Policy",
            False,
            doc="The policy denies everyone backup:DeleteRecoveryPoint, without a condition.",
            fn=_denies_deletion,
        ),
        Column("notification_topic", Str, "notifications.SNSTopicArn", "", doc="Empty: nobody is told."),
        Column("notification_events", List(Str), "notifications.BackupVaultEvents"),
    ),
)

_RULE = Struct(
    Field("name", Str, "RuleName", ""),
    Field("vault", Str, "TargetBackupVaultName", ""),
    Field("schedule", Str, "ScheduleExpression", ""),
    Field("delete_after_days", Int, "Lifecycle.DeleteAfterDays", 0),
    Field("cold_after_days", Int, "Lifecycle.MoveToColdStorageAfterDays", 0),
    Field("copies_to", List(Str), "CopyActions[].DestinationBackupVaultArn"),
    Field("continuous", Bool, "EnableContinuousBackup", False),
)

plan = Table(
    "backup_plan",
    service="backup",
    scope="regional",
    resource_type="AWS::Backup::BackupPlan",
    doc="A backup plan: its rules say when and for how long, its selections what.",
    rows=Call("backup:ListBackupPlans", {"MaxResults": 1000}, at="BackupPlansList"),
    arn="BackupPlanArn",
    title="BackupPlanName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("backup:backup-plan"),
        "detail": Call("backup:GetBackupPlan", {"BackupPlanId": "plan_id"}, at="BackupPlan"),
        "selections": Call("backup:ListBackupSelections", {"BackupPlanId": "plan_id"}),
    },
    columns=(
        Column("plan_id", Str, "BackupPlanId"),
        Column("creation_date", Timestamp, "CreationDate"),
        Column("last_execution_date", Timestamp, "LastExecutionDate", doc="NULL: it never ran."),
        Column(
            "rules", List(_RULE), "detail.Rules", doc="delete_after_days is 0 where points are kept for ever."
        ),
        Column(
            "selection_ids",
            List(Str),
            "selections.BackupSelectionsList[].SelectionId",
            doc="The selections that assign resources to the plan.",
        ),
    ),
)

recovery_point = Table(
    "backup_recovery_point",
    service="backup",
    scope="regional",
    resource_type="AWS::Backup::RecoveryPoint",
    doc="A backup of a resource at one time.",
    parent="backup_vault",
    parent_when=lambda row: row["recovery_points"] != 0,
    rows=Call(
        "backup:ListRecoveryPointsByBackupVault",
        {"BackupVaultName": "@parent.name", "MaxResults": 1000},
        at="RecoveryPoints",
    ),
    arn="RecoveryPointArn",
    tags="tagging.Tags",
    calls={"tagging": tagging("backup:recovery-point")},
    columns=(
        Column("vault", Str, "BackupVaultName"),
        Column("resource_arn", Str, "ResourceArn"),
        Column("resource_type", Str, "ResourceType"),
        Column("status", Str, "Status"),
        Column("creation_date", Timestamp, "CreationDate"),
        Column("is_encrypted", Bool, "IsEncrypted", False),
        Column("encryption_key_arn", Str, "EncryptionKeyArn", ""),
        Column(
            "delete_after_days", Int, "Lifecycle.DeleteAfterDays", 0, doc="0: kept until someone deletes it."
        ),
    ),
)

protected_resource = Table(
    "backup_protected_resource",
    service="backup",
    scope="regional",
    resource_type="AWS::Backup::RecoveryPoint",
    doc="A resource that AWS Backup has a recovery point of; `arn` is the resource's own.",
    rows=Call("backup:ListProtectedResources", {"MaxResults": 1000}, at="Results"),
    arn="ResourceArn",
    columns=(
        Column("resource_arn", Str, "ResourceArn", doc="The same as `arn`."),
        Column("resource_type", Str, "ResourceType", doc="As AWS Backup calls it: RDS, EFS, DynamoDB."),
        Column("last_backup_at", Timestamp, "LastBackupTime"),
        Column("last_vault_arn", Str, "LastBackupVaultArn", ""),
    ),
)

report_plan = Table(
    "backup_report_plan",
    service="backup",
    scope="regional",
    resource_type="AWS::Backup::ReportPlan",
    doc="A report on backup jobs or compliance that is written to S3.",
    rows=Call("backup:ListReportPlans", at="ReportPlans"),
    arn="ReportPlanArn",
    title="ReportPlanName",
    tags="tagging.Tags",
    calls={"tagging": tagging("backup:report-plan")},
    columns=(
        Column("template", Str, "ReportSetting.ReportTemplate", ""),
        Column("bucket", Str, "ReportDeliveryChannel.S3BucketName", ""),
        Column("last_success", Timestamp, "LastSuccessfulExecutionTime", doc="NULL: it never ran."),
    ),
)

TABLES = (region, vault, plan, recovery_point, protected_resource, report_plan)
