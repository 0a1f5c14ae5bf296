"""Amazon EBS volumes and snapshots, and machine images."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]

volume = Table(
    "ec2_volume",
    service="ec2",
    scope="regional",
    resource_type="AWS::EC2::Volume",
    doc="An EBS volume.",
    rows=Call("ec2:DescribeVolumes", {"MaxResults": 1000}, at="Volumes"),
    arn="arn:{partition}:ec2:{region}:{account_id}:volume/{volume_id}",
    title="VolumeId",
    tags="Tags",
    columns=(
        Column("volume_id", Str, "VolumeId"),
        Column("state", Enum("creating", "available", "in-use", "deleting", "deleted", "error"), "State"),
        Column("volume_type", Enum("standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"), "VolumeType"),
        Column("size", Int, "Size", 0, doc="GiB."),
        Column("encrypted", Bool, "Encrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="ARN of its key; empty: it is not encrypted."),
        Column("snapshot_id", Str, "SnapshotId", "", doc="What it was made from; or empty."),
        Column("create_time", Timestamp, "CreateTime"),
        Column("availability_zone", Str, "AvailabilityZone", ""),
        Column("multi_attach_enabled", Bool, "MultiAttachEnabled", False),
        Column("managed_by", Str, "Operator.Principal", "", doc="The AWS service that manages it; or empty."),
        Column(
            "attachments",
            List(
                Struct(
                    Field("instance_id", Str, "InstanceId", ""),
                    Field("device", Str, "Device", ""),
                    Field("state", Str, "State", ""),
                    Field("delete_on_termination", Bool, "DeleteOnTermination", False),
                )
            ),
            "Attachments",
        ),
    ),
    relations=(
        Relation(
            "snapshots",
            "ec2_snapshot",
            ("snapshot_id", "start_time", "state"),
            {"volume_id": "volume_id", "region": "region"},
            doc="The account's own snapshots of the volume.",
        ),
        Relation(
            "backups",
            "backup_protected_resource",
            ("arn", "last_backup_at"),
            {"arn": "arn", "region": "region"},
            doc="What AWS Backup keeps of the volume.",
        ),
    ),
)

snapshot = Table(
    "ec2_snapshot",
    service="ec2",
    scope="regional",
    resource_type="AWS::EC2::Snapshot",
    doc="An EBS snapshot that the account owns.",
    rows=Call("ec2:DescribeSnapshots", {"OwnerIds": [Const("self")], "MaxResults": 1000}, at="Snapshots"),
    arn="arn:{partition}:ec2:{region}:{account_id}:snapshot/{snapshot_id}",
    title="SnapshotId",
    tags="Tags",
    calls={
        # One call finds all public ones; the attribute would take a call for each snapshot.
        "public": Lookup(
            "ec2:DescribeSnapshots",
            at="Snapshots",
            key="SnapshotId",
            by="snapshot_id",
            params={
                "OwnerIds": [Const("self")],
                "RestorableByUserIds": [Const("all")],
                "MaxResults": 1000,
            },
        ),
        "permission": Call(
            "ec2:DescribeSnapshotAttribute",
            {"SnapshotId": "snapshot_id", "Attribute": Const("createVolumePermission")},
        ),
    },
    columns=(
        Column("snapshot_id", Str, "SnapshotId"),
        Column("volume_id", Str, "VolumeId", ""),
        Column("state", Enum("pending", "completed", "error", "recoverable", "recovering"), "State"),
        Column("start_time", Timestamp, "StartTime"),
        Column("volume_size", Int, "VolumeSize", 0, doc="GiB."),
        Column("description", Str, "Description", ""),
        Column("encrypted", Bool, "Encrypted", False),
        Column("kms_key_id", Str, "KmsKeyId", "", doc="ARN of its key; empty: it is not encrypted."),
        Column("storage_tier", Enum("standard", "archive"), "StorageTier", "standard"),
        Column(
            "is_public",
            Bool,
            "public.SnapshotId",
            False,
            fn=bool,
            doc="Every AWS account may make a volume of it.",
        ),
        Column(
            "shared_accounts",
            List(Str),
            "permission.CreateVolumePermissions[].UserId",
            doc="Accounts that may make a volume of it.",
        ),
    ),
)


def _all_encrypted(devices: list[Element]) -> bool:
    return all(d["Ebs"].get("Encrypted", False) for d in devices if d.get("Ebs"))


image = Table(
    "ec2_image",
    service="ec2",
    scope="regional",
    resource_type="AWS::EC2::Image",
    doc="A machine image (AMI) that the account owns, deprecated and disabled ones too.",
    rows=Call(
        "ec2:DescribeImages",
        {"Owners": [Const("self")], "IncludeDeprecated": True, "IncludeDisabled": True},
        at="Images",
    ),
    arn="arn:{partition}:ec2:{region}:{account_id}:image/{image_id}",
    title="Name",
    tags="Tags",
    calls={
        "permission": Call(
            "ec2:DescribeImageAttribute",
            {"ImageId": "image_id", "Attribute": Const("launchPermission")},
            # EC2 shares no disabled or pending image, and refuses to tell about some of them.
            when=lambda row: row["state"] == "available",
        ),
    },
    columns=(
        Column("image_id", Str, "ImageId"),
        Column("state", Str, "State", doc="available, pending, disabled, failed …"),
        Column("creation_date", Timestamp, "CreationDate"),
        Column("description", Str, "Description", ""),
        Column("is_public", Bool, "Public", False, doc="Every AWS account may launch it."),
        Column("platform", Enum("windows", "linux"), "Platform", "linux", fn=str.lower),
        Column("architecture", Str, "Architecture", ""),
        Column("root_device_type", Enum("ebs", "instance-store"), "RootDeviceType"),
        Column("virtualization_type", Enum("hvm", "paravirtual"), "VirtualizationType"),
        Column(
            "imds_support",
            Enum("v2.0", ""),
            "ImdsSupport",
            "",
            doc="v2.0: instances launched from it require version 2 of the metadata service by default.",
        ),
        Column("source_instance_id", Str, "SourceInstanceId", ""),
        Column("last_launched_at", Timestamp, "LastLaunchedTime", doc="NULL: EC2 tells of no launch."),
        Column(
            "is_encrypted",
            Bool,
            "BlockDeviceMappings",
            True,
            fn=_all_encrypted,
            doc="All its EBS snapshots are encrypted.",
        ),
        Column("snapshot_ids", List(Str), "BlockDeviceMappings[].Ebs.SnapshotId"),
        Column("deregistration_protection", Str, "DeregistrationProtection", "disabled"),
        Column(
            "shared_accounts",
            List(Str),
            "permission.LaunchPermissions[].UserId",
            doc="Accounts that may launch it.",
        ),
        Column(
            "shared_organizations",
            List(Str),
            "permission.LaunchPermissions[].OrganizationArn",
            doc="ARNs of organizations whose accounts may launch it.",
        ),
    ),
    relations=(
        Relation("instances", "ec2_instance", ("instance_id",), {"image_id": "image_id", "region": "region"}),
    ),
)

TABLES = (volume, snapshot, image)
