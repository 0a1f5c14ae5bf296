"""Amazon EC2: instances, launch templates, key pairs and an account's defaults in a Region."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from partywall.tables.cidr import is_public
from partywall.tables.secret_patterns import user_data_kinds
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
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]
_GONE: Final = ("terminated", "shutting-down")
_MOMENT: Final = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")


def _public_addresses(instance: Element) -> list[str]:
    """The public IPv4 addresses and the internet-routable IPv6 addresses of an instance's interfaces."""
    found = {instance.get("PublicIpAddress")}
    for interface in instance.get("NetworkInterfaces") or ():
        found.add((interface.get("Association") or {}).get("PublicIp"))
        for private in interface.get("PrivateIpAddresses") or ():
            found.add((private.get("Association") or {}).get("PublicIp"))
        for block in interface.get("Ipv6Addresses") or ():
            address = block.get("Ipv6Address")
            if address and is_public(address):
                found.add(address)
    return sorted(address for address in found if address)


def _transition(reason: str) -> datetime | None:
    """The moment that a state transition reason names: "User initiated (2016-11-14 18:44:19 GMT)"."""
    found = _MOMENT.search(reason)
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if found else None


def _attribute(attribute: str) -> Call:
    return Call("ec2:DescribeInstanceAttribute", {"InstanceId": "instance_id", "Attribute": Const(attribute)})


instance = Table(
    "ec2_instance",
    service="ec2",
    scope="regional",
    resource_type="AWS::EC2::Instance",
    doc="An instance that is not terminated.",
    rows=Call("ec2:DescribeInstances", {"MaxResults": 1000}, at="Reservations[].Instances[]"),
    keep=lambda e: (e.get("State") or {}).get("Name") not in _GONE,
    arn="arn:{partition}:ec2:{region}:{account_id}:instance/{instance_id}",
    title="InstanceId",
    tags="Tags",
    calls={
        "user_data": _attribute("userData"),
        "termination": _attribute("disableApiTermination"),
        "image": Lookup(
            "ec2:DescribeInstanceImageMetadata",
            at="InstanceImageMetadata",
            key="InstanceId",
            by="instance_id",
            params={"MaxResults": 1000},
        ),
        "status": Lookup(
            "ec2:DescribeInstanceStatus",
            at="InstanceStatuses",
            key="InstanceId",
            by="instance_id",
            params={"IncludeAllInstances": True, "MaxResults": 1000},
        ),
    },
    columns=(
        Column("instance_id", Str, "InstanceId"),
        Column("image_id", Str, "ImageId", ""),
        Column("instance_type", Str, "InstanceType", ""),
        Column(
            "state",
            Enum("pending", "running", "stopping", "stopped", "shutting-down", "terminated"),
            "State.Name",
        ),
        Column(
            "state_changed_at",
            Timestamp,
            "StateTransitionReason",
            fn=_transition,
            doc="When it was stopped, as EC2 tells in its reason; NULL while it runs.",
        ),
        Column("launch_time", Timestamp, "LaunchTime", doc="When it was last started."),
        Column("platform", Enum("windows", "linux"), "Platform", "linux", fn=str.lower),
        Column("platform_details", Str, "PlatformDetails", "", doc='Such as "Red Hat Enterprise Linux".'),
        Column("architecture", Str, "Architecture", ""),
        Column("virtualization_type", Enum("hvm", "paravirtual"), "VirtualizationType"),
        Column(
            "lifecycle",
            Enum("on-demand", "spot", "scheduled", "capacity-block", "interruptible-capacity-reservation"),
            "InstanceLifecycle",
            "on-demand",
        ),
        Column("tenancy", Enum("default", "dedicated", "host"), "Placement.Tenancy", "default"),
        Column("availability_zone", Str, "Placement.AvailabilityZone", ""),
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_id", Str, "SubnetId", ""),
        Column("private_ip", Str, "PrivateIpAddress", ""),
        Column("public_ip", Str, "PublicIpAddress", "", doc="The primary public IPv4 address."),
        Column(
            "public_addresses",
            List(Str),
            ".",
            fn=_public_addresses,
            doc="All its public IPv4 addresses and internet-routable IPv6 addresses.",
        ),
        Column("security_group_ids", List(Str), "SecurityGroups[].GroupId"),
        Column("security_group_names", List(Str), "SecurityGroups[].GroupName"),
        Column("network_interface_ids", List(Str), "NetworkInterfaces[].NetworkInterfaceId"),
        Column("source_dest_check", Bool, "SourceDestCheck", True),
        Column(
            "instance_profile_arn", Str, "IamInstanceProfile.Arn", "", doc="Empty: it has no role of its own."
        ),
        Column("key_name", Str, "KeyName", "", doc="The SSH key pair given at launch; empty: none."),
        Column(
            "http_tokens",
            Enum("optional", "required"),
            "MetadataOptions.HttpTokens",
            "optional",
            doc="required: the metadata service answers version 2 requests only.",
        ),
        Column(
            "http_endpoint",
            Enum("enabled", "disabled"),
            "MetadataOptions.HttpEndpoint",
            "enabled",
            doc="disabled: there is no metadata service.",
        ),
        Column(
            "http_put_response_hop_limit",
            Int,
            "MetadataOptions.HttpPutResponseHopLimit",
            1,
            doc="How many network hops a metadata token may travel; 1: not into containers.",
        ),
        Column(
            "instance_metadata_tags",
            Enum("enabled", "disabled"),
            "MetadataOptions.InstanceMetadataTags",
            "disabled",
        ),
        Column("monitoring", Enum("disabled", "disabling", "enabled", "pending"), "Monitoring.State"),
        Column("ebs_optimized", Bool, "EbsOptimized", False),
        Column("enclave_enabled", Bool, "EnclaveOptions.Enabled", False, doc="It may run Nitro Enclaves."),
        Column("outpost_arn", Str, "OutpostArn", "", doc="Empty: not on an Outpost."),
        Column(
            "managed_by",
            Str,
            "Operator.Principal",
            "",
            doc="The AWS service that manages the instance (EKS Auto Mode, ECS Managed Instances); or empty.",
        ),
        Column(
            "block_devices",
            List(
                Struct(
                    Field("device_name", Str, "DeviceName", ""),
                    Field("volume_id", Str, "Ebs.VolumeId", ""),
                    Field("delete_on_termination", Bool, "Ebs.DeleteOnTermination", False),
                )
            ),
            "BlockDeviceMappings",
        ),
        Column(
            "user_data_secrets",
            List(Str),
            "user_data.UserData.Value",
            fn=user_data_kinds,
            doc="Kinds of credentials that its user data seems to hold; the data itself is not kept.",
        ),
        Column("termination_protection", Bool, "termination.DisableApiTermination.Value"),
        Column("image_owner_id", Str, "image.ImageMetadata.OwnerId", doc="The account that owns its image."),
        Column(
            "image_owner_alias",
            Str,
            "image.ImageMetadata.ImageOwnerAlias",
            doc="amazon, aws-marketplace, aws-backup-vault, or an account id.",
        ),
        Column("image_is_public", Bool, "image.ImageMetadata.IsPublic"),
        Column("image_state", Str, "image.ImageMetadata.State", doc="available, disabled, deregistered …"),
        Column(
            "image_deprecation_set",
            Bool,
            "image.ImageMetadata",
            fn=lambda v: bool(v.get("DeprecationTime")),
            doc="Its image has a date of deprecation.",
        ),
        Column("image_deprecated_at", Timestamp, "image.ImageMetadata.DeprecationTime"),
        Column(
            "scheduled_events",
            List(
                Struct(
                    Field("code", Str, "Code", ""),
                    Field("not_before", Timestamp, "NotBefore"),
                    Field(
                        "is_over",
                        Bool,
                        "Description",
                        False,
                        fn=lambda v: str(v).startswith(("[Completed]", "[Canceled]")),
                    ),
                )
            ),
            "status.Events",
            doc="AWS's maintenance of the machine: instance-retirement, system-reboot …",
        ),
    ),
    relations=(
        Relation(
            "security_groups",
            "vpc_security_group",
            ("group_id", "name", "ingress", "ingress_from_anywhere"),
            {"security_group_ids[]": "group_id", "region": "region"},
        ),
        Relation(
            "managed_instances",
            "ssm_managed_instance",
            ("instance_id", "ping_status"),
            {"instance_id": "instance_id", "region": "region"},
            doc="The instance as Systems Manager knows it; none: it is not managed.",
        ),
        Relation(
            "backups",
            "backup_protected_resource",
            ("arn", "last_backup_at"),
            {"arn": "arn", "region": "region"},
            doc="What AWS Backup keeps of the instance.",
        ),
    ),
)

launch_template = Table(
    "ec2_launch_template",
    service="ec2",
    scope="regional",
    resource_type="AWS::EC2::LaunchTemplate",
    doc="A launch template as its default version has it.",
    rows=Call("ec2:DescribeLaunchTemplates", {"MaxResults": 200}, at="LaunchTemplates"),
    arn="arn:{partition}:ec2:{region}:{account_id}:launch-template/{launch_template_id}",
    title="LaunchTemplateName",
    tags="Tags",
    calls={
        # Without a template's id, $Default stands for the default versions of all templates.
        "version": Lookup(
            "ec2:DescribeLaunchTemplateVersions",
            at="LaunchTemplateVersions",
            key="LaunchTemplateId",
            by="launch_template_id",
            params={"Versions": [Const("$Default")]},
        ),
    },
    columns=(
        Column("launch_template_id", Str, "LaunchTemplateId"),
        Column("default_version", Int, "DefaultVersionNumber"),
        Column("latest_version", Int, "LatestVersionNumber"),
        Column("create_time", Timestamp, "CreateTime"),
        Column("created_by", Str, "CreatedBy", ""),
        Column("image_id", Str, "version.LaunchTemplateData.ImageId", ""),
        Column(
            "instance_profile",
            Str,
            "version.LaunchTemplateData.IamInstanceProfile",
            "",
            doc="ARN or name of the instance profile; empty: none.",
            fn=lambda v: v.get("Arn") or v.get("Name"),
        ),
        Column("key_name", Str, "version.LaunchTemplateData.KeyName", ""),
        Column(
            "http_tokens",
            Enum("optional", "required", "default"),
            "version.LaunchTemplateData.MetadataOptions.HttpTokens",
            "default",
            doc="default: the template leaves it to the account's default and the image.",
        ),
        Column(
            "http_endpoint",
            Enum("enabled", "disabled", "default"),
            "version.LaunchTemplateData.MetadataOptions.HttpEndpoint",
            "default",
        ),
        Column(
            "http_put_response_hop_limit",
            Int,
            "version.LaunchTemplateData.MetadataOptions.HttpPutResponseHopLimit",
            0,
            doc="0: left to the default.",
        ),
        Column(
            "network_interfaces",
            List(
                Struct(
                    Field("device_index", Int, "DeviceIndex", 0),
                    Field("associate_public_ip", Bool, "AssociatePublicIpAddress", False),
                    Field("subnet_id", Str, "SubnetId", ""),
                )
            ),
            "version.LaunchTemplateData.NetworkInterfaces",
        ),
        Column(
            "block_devices",
            List(
                Struct(
                    Field("device_name", Str, "DeviceName", ""),
                    Field("is_ebs", Bool, "Ebs", False, fn=lambda v: v is not None),
                    Field("encrypted", Bool, "Ebs.Encrypted", False),
                    Field("kms_key_id", Str, "Ebs.KmsKeyId", ""),
                )
            ),
            "version.LaunchTemplateData.BlockDeviceMappings",
        ),
        Column(
            "user_data_secrets",
            List(Str),
            "version.LaunchTemplateData.UserData",
            fn=user_data_kinds,
            doc="Kinds of credentials that the user data seems to hold; the data itself is not kept.",
        ),
    ),
    relations=(
        Relation(
            "region_settings",
            "ec2_region_settings",
            ("imds_http_tokens", "ebs_encryption_by_default"),
            {"account_id": "account_id", "region": "region"},
        ),
    ),
)

key_pair = Table(
    "ec2_key_pair",
    service="ec2",
    scope="regional",
    resource_type="AWS::EC2::KeyPair",
    doc="A key pair for SSH or for the Windows password; EC2 keeps the public half only.",
    rows=Call("ec2:DescribeKeyPairs", at="KeyPairs"),
    arn="arn:{partition}:ec2:{region}:{account_id}:key-pair/{key_pair_id}",
    title="KeyName",
    tags="Tags",
    columns=(
        Column("key_pair_id", Str, "KeyPairId"),
        Column("key_type", Enum("rsa", "ed25519"), "KeyType", "rsa"),
        Column("fingerprint", Str, "KeyFingerprint", ""),
        Column("create_time", Timestamp, "CreateTime"),
    ),
    relations=(
        Relation(
            "instances",
            "ec2_instance",
            ("instance_id", "state"),
            {"name": "key_name", "region": "region"},
        ),
    ),
)

region_settings = Table(
    "ec2_region_settings",
    service="ec2",
    scope="regional",
    resource_type="AWS::::Account",
    doc="EC2's and EBS's defaults of the account in a Region, one row each. AWS has no ARN for it.",
    rows=Single(),
    arn="arn:{partition}:ec2:{region}:{account_id}:region-settings",
    title="{region}",
    calls={
        "encryption": Call("ec2:GetEbsEncryptionByDefault"),
        "key": Call("ec2:GetEbsDefaultKmsKeyId"),
        "snapshots": Call("ec2:GetSnapshotBlockPublicAccessState"),
        "images": Call("ec2:GetImageBlockPublicAccessState"),
        "metadata": Call("ec2:GetInstanceMetadataDefaults", at="AccountLevel"),
        "serial": Call("ec2:GetSerialConsoleAccessStatus"),
        "allowed": Call("ec2:GetAllowedImagesSettings"),
    },
    columns=(
        Column("ebs_encryption_by_default", Bool, "encryption.EbsEncryptionByDefault"),
        Column("ebs_default_kms_key", Str, "key.KmsKeyId", doc="An alias (alias/aws/ebs) or an ARN."),
        Column(
            "snapshot_block_public_access",
            Enum("block-all-sharing", "block-new-sharing", "unblocked"),
            "snapshots.State",
        ),
        Column(
            "image_block_public_access",
            Enum("block-new-sharing", "unblocked"),
            "images.ImageBlockPublicAccessState",
        ),
        Column(
            "imds_http_tokens",
            Enum("required", "optional", "no-preference"),
            "metadata.HttpTokens",
            "no-preference",
            doc="Default of new instances: required means version 2 only; no-preference: the image decides.",
        ),
        Column(
            "imds_http_put_response_hop_limit",
            Int,
            "metadata.HttpPutResponseHopLimit",
            0,
            fn=lambda v: None if v == -1 else v,
            doc="0: no preference.",
        ),
        Column(
            "imds_http_tokens_enforced",
            Bool,
            "metadata.HttpTokensEnforced",
            False,
            doc="Launches that would allow version 1 fail.",
        ),
        Column("serial_console_access", Bool, "serial.SerialConsoleAccessEnabled"),
        Column(
            "allowed_images_state",
            Enum("disabled", "audit-mode", "enabled"),
            "allowed.State",
            doc="Whether instances may only be launched from images that meet criteria (Allowed AMIs).",
        ),
    ),
    relations=(
        Relation(
            "instances",
            "ec2_instance",
            ("instance_id", "state"),
            {"account_id": "account_id", "region": "region"},
        ),
    ),
)

TABLES = (instance, launch_template, key_pair, region_settings)
