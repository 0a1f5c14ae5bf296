"""Amazon EFS: file systems, their mount targets and access points."""

from fnmatch import fnmatchcase
from typing import Any, Final

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
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

# Conditions that hold for a client without credentials as well.
_NETWORK_KEYS: Final = frozenset(
    {
        "elasticfilesystem:accessedviamounttarget",
        "elasticfilesystem:accesspointarn",
        "aws:securetransport",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
    }
)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _anonymous_mount(document: str) -> bool:
    """Whether some Allow lets clients mount that show no credentials."""
    import orjson

    return any(_mounts_anonymously(s) for s in _listed(orjson.loads(document).get("Statement") or []))


def _mounts_anonymously(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = _listed(principal.get("AWS") or []) if isinstance(principal, dict) else [principal]
    if statement.get("Effect") != "Allow" or "*" not in named:
        return False
    actions = [str(a).lower() for a in _listed(statement.get("Action") or [])]
    if not any(fnmatchcase("elasticfilesystem:clientmount", a) for a in actions):
        return False
    conditions: dict[str, dict[str, Any]] = statement.get("Condition") or {}
    return all(key.lower() in _NETWORK_KEYS for operator in conditions.values() for key in operator)


file_system = Table(
    "efs_file_system",
    service="efs",
    scope="regional",
    resource_type="AWS::EFS::FileSystem",
    doc="A file system.",
    rows=Call("efs:DescribeFileSystems", at="FileSystems"),
    arn="FileSystemArn",
    title="FileSystemId",
    tags="Tags",
    calls={
        "policy": Call(
            "efs:DescribeFileSystemPolicy", {"FileSystemId": "file_system_id"}, absent=("PolicyNotFound",)
        ),
        "backup": Call(
            "efs:DescribeBackupPolicy", {"FileSystemId": "file_system_id"}, absent=("PolicyNotFound",)
        ),
        "replication": Lookup(
            "efs:DescribeReplicationConfigurations",
            at="Replications",
            key="SourceFileSystemId",
            by="file_system_id",
            absent=("ReplicationNotFound",),
        ),
    },
    columns=(
        Column("file_system_id", Str, "FileSystemId"),
        Column("display_name", Str, "Name", ""),
        Column("created_at", Timestamp, "CreationTime"),
        Column("life_cycle_state", Str, "LifeCycleState"),
        Column("mount_target_count", Int, "NumberOfMountTargets", 0),
        Column("size_bytes", Int, "SizeInBytes.Value", 0),
        Column("encrypted", Bool, "Encrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", ""),
        Column(
            "availability_zone", Str, "AvailabilityZoneName", "", doc="Empty: it spans the Region's zones."
        ),
        Column(
            "overwrite_protection",
            Enum("ENABLED", "DISABLED", "REPLICATING"),
            "FileSystemProtection.ReplicationOverwriteProtection",
            "ENABLED",
            doc="Keeps the file system from becoming the target of a replication.",
        ),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Empty: AWS's default, full access."),
        Column(
            "anonymous_mount",
            Bool,
            "policy.Policy",
            True,
            doc="A client may mount without IAM: there is no policy, or an Allow of ClientMount for everyone "
            "with conditions on the network alone. Deny statements are not read.",
            fn=_anonymous_mount,
        ),
        Column(
            "automatic_backups",
            Bool,
            "backup.BackupPolicy.Status",
            False,
            doc="AWS Backup's default plan for EFS includes it.",
            fn=lambda v: v in ("ENABLED", "ENABLING"),
        ),
        Column("replica_regions", List(Str), "replication.Destinations[].Region"),
    ),
    relations=(
        Relation(
            "kms_keys",
            "kms_key",
            ("key_manager",),
            {"kms_key_id": "arn", "region": "region"},
            doc="The key, where it is one of this account; AWS's own keys are never another's.",
        ),
        Relation(
            "backups",
            "backup_protected_resource",
            ("resource_arn", "last_backup_at"),
            {"arn": "resource_arn", "region": "region"},
            doc="What AWS Backup holds of it: one element, or none.",
        ),
    ),
)

mount_target = Table(
    "efs_mount_target",
    service="efs",
    scope="regional",
    resource_type="AWS::EFS::MountTarget",
    doc="A file system's network endpoint in one subnet.",
    parent="efs_file_system",
    parent_when=lambda row: row["mount_target_count"] != 0,
    rows=Call("efs:DescribeMountTargets", {"FileSystemId": "@parent.file_system_id"}, at="MountTargets"),
    arn="arn:{partition}:elasticfilesystem:{region}:{account_id}:mount-target/{mount_target_id}",
    title="MountTargetId",
    columns=(
        Column("mount_target_id", Str, "MountTargetId"),
        Column("file_system_id", Str, "FileSystemId"),
        Column("subnet_id", Str, "SubnetId"),
        Column("vpc_id", Str, "VpcId", ""),
        Column("availability_zone", Str, "AvailabilityZoneName", ""),
        Column("network_interface_id", Str, "NetworkInterfaceId", ""),
        Column("ip_address", Str, "IpAddress", ""),
    ),
    relations=(
        Relation(
            "subnets",
            "vpc_subnet",
            ("subnet_id", "map_public_ip_on_launch"),
            {"subnet_id": "subnet_id", "region": "region"},
        ),
    ),
)

access_point = Table(
    "efs_access_point",
    service="efs",
    scope="regional",
    resource_type="AWS::EFS::AccessPoint",
    doc="An entry to a file system that can force a user and a root directory.",
    rows=Call("efs:DescribeAccessPoints", at="AccessPoints"),
    arn="AccessPointArn",
    title="AccessPointId",
    tags="Tags",
    columns=(
        Column("file_system_id", Str, "FileSystemId"),
        Column("root_directory", Str, "RootDirectory.Path", "/"),
        Column(
            "enforces_user",
            Bool,
            "PosixUser",
            False,
            doc="Every request is made as the access point's POSIX user.",
            fn=lambda v: "Uid" in v,
        ),
        Column("posix_uid", Int, "PosixUser.Uid", doc="NULL where no user is enforced."),
        Column("posix_gid", Int, "PosixUser.Gid", doc="NULL where no user is enforced."),
    ),
)

TABLES = (file_system, mount_target, access_point)
