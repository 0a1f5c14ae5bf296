"""Amazon FSx: file systems of Windows File Server, Lustre, NetApp ONTAP and OpenZFS."""

from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Int,
    List,
    Relation,
    Str,
    Table,
    Timestamp,
)

_KINDS = ("WindowsConfiguration", "LustreConfiguration", "OntapConfiguration", "OpenZFSConfiguration")


def _own(member: str) -> Any:
    """A function that reads a member of whichever kind's configuration the file system has."""

    def read(element: dict[str, Any]) -> Any:
        return next(
            (element[k][member] for k in _KINDS if (element.get(k) or {}).get(member) is not None), None
        )

    return read


file_system = Table(
    "fsx_file_system",
    service="fsx",
    scope="regional",
    resource_type="AWS::FSx::FileSystem",
    doc="A file system; FSx always encrypts it at rest.",
    rows=Call("fsx:DescribeFileSystems", at="FileSystems"),
    arn="ResourceARN",
    title="FileSystemId",
    tags="Tags",
    columns=(
        Column("file_system_id", Str, "FileSystemId"),
        Column("file_system_type", Enum("WINDOWS", "LUSTRE", "ONTAP", "OPENZFS"), "FileSystemType"),
        Column("state", Str, "Lifecycle", ""),
        Column("created_at", Timestamp, "CreationTime"),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: a key that AWS owns (Lustre scratch)."),
        Column(
            "type_version",
            Str,
            "FileSystemTypeVersion",
            "",
            doc="Of Lustre, 2.10 to 2.15; it never changes. Empty for the others.",
        ),
        Column(
            "maintenance_window",
            Str,
            ".",
            "",
            doc="Day of the week (1: Monday) and UTC time at which AWS patches it: 7:02:30.",
            fn=_own("WeeklyMaintenanceStartTime"),
        ),
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_ids", List(Str), "SubnetIds"),
        Column("deployment_type", Str, ".", "", doc="SINGLE_AZ_1, MULTI_AZ_1, …", fn=_own("DeploymentType")),
        Column("copy_tags_to_backups", Bool, ".", False, fn=_own("CopyTagsToBackups")),
        Column("copy_tags_to_volumes", Bool, ".", False, fn=_own("CopyTagsToVolumes")),
        Column(
            "backup_retention_days",
            Int,
            ".",
            0,
            doc="0: no automatic daily backups.",
            fn=_own("AutomaticBackupRetentionDays"),
        ),
        Column(
            "audit_level",
            Enum("DISABLED", "SUCCESS_ONLY", "FAILURE_ONLY", "SUCCESS_AND_FAILURE"),
            "WindowsConfiguration.AuditLogConfiguration.FileAccessAuditLogLevel",
            "DISABLED",
            doc="Which accesses to files Windows File Server records.",
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

TABLES = (file_system,)
