"""Amazon EC2 Auto Scaling: groups and launch configurations."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.secret_patterns import user_data_kinds
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]


def _instance_types(group: Element) -> list[str]:
    """The instance types that a group may launch, as far as it names them itself."""
    mixed = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    named = {o.get("InstanceType") for o in mixed.get("Overrides") or ()}
    running = {i.get("InstanceType") for i in group.get("Instances") or ()}
    return sorted(t for t in named | running if t)


def _flexible(group: Element) -> bool:
    """Whether a group describes what it needs instead of naming types."""
    mixed = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    return any(o.get("InstanceRequirements") for o in mixed.get("Overrides") or ())


def _template_id(group: Element) -> str | None:
    """The launch template's id, of the group itself or of its mixed instances policy."""
    mixed = (group.get("MixedInstancesPolicy") or {}).get("LaunchTemplate") or {}
    spec = group.get("LaunchTemplate") or mixed.get("LaunchTemplateSpecification") or {}
    return spec.get("LaunchTemplateId")


group = Table(
    "autoscaling_group",
    service="autoscaling",
    scope="regional",
    resource_type="AWS::AutoScaling::AutoScalingGroup",
    doc="An Auto Scaling group.",
    rows=Call("autoscaling:DescribeAutoScalingGroups", {"MaxRecords": 100}, at="AutoScalingGroups"),
    arn="AutoScalingGroupARN",
    title="AutoScalingGroupName",
    tags="Tags",
    columns=(
        Column("launch_configuration_name", Str, "LaunchConfigurationName", "", doc="Empty: a template."),
        Column("launch_template_id", Str, ".", "", fn=_template_id, doc="Empty: a launch configuration."),
        Column("min_size", Int, "MinSize", 0),
        Column("max_size", Int, "MaxSize", 0),
        Column("desired_capacity", Int, "DesiredCapacity", 0),
        Column("availability_zones", List(Str), "AvailabilityZones"),
        Column("load_balancer_names", List(Str), "LoadBalancerNames"),
        Column("target_group_arns", List(Str), "TargetGroupARNs"),
        Column("health_check_types", List(Str), "HealthCheckType", fn=lambda v: v.split(",")),
        Column("instance_types", List(Str), ".", fn=_instance_types, doc="Named in overrides or running."),
        Column("attribute_based", Bool, ".", fn=_flexible, doc="It names what it needs instead of types."),
        Column("instance_ids", List(Str), "Instances[].InstanceId"),
        Column("suspended_processes", List(Str), "SuspendedProcesses[].ProcessName"),
        Column("capacity_rebalance", Bool, "CapacityRebalance", False),
        Column(
            "tags_propagated",
            List(
                Struct(
                    Field("key", Str, "Key", ""),
                    Field("propagate_at_launch", Bool, "PropagateAtLaunch", False),
                )
            ),
            "Tags",
            doc="Which of its tags new instances get.",
        ),
        Column("created_at", Timestamp, "CreatedTime"),
    ),
    relations=(
        Relation(
            "launch_configurations",
            "autoscaling_launch_configuration",
            ("name", "http_tokens", "http_endpoint", "associate_public_ip"),
            {"launch_configuration_name": "name", "region": "region", "account_id": "account_id"},
        ),
    ),
)

launch_configuration = Table(
    "autoscaling_launch_configuration",
    service="autoscaling",
    scope="regional",
    resource_type="AWS::AutoScaling::LaunchConfiguration",
    doc="A launch configuration, the forerunner of launch templates.",
    rows=Call("autoscaling:DescribeLaunchConfigurations", {"MaxRecords": 100}, at="LaunchConfigurations"),
    arn="LaunchConfigurationARN",
    title="LaunchConfigurationName",
    columns=(
        Column("image_id", Str, "ImageId", ""),
        Column("key_name", Str, "KeyName", ""),
        Column("security_groups", List(Str), "SecurityGroups"),
        Column("http_tokens", Enum("optional", "required"), "MetadataOptions.HttpTokens", "optional"),
        Column("http_endpoint", Enum("enabled", "disabled"), "MetadataOptions.HttpEndpoint", "enabled"),
        Column(
            "http_put_response_hop_limit",
            Int,
            "MetadataOptions.HttpPutResponseHopLimit",
            1,
        ),
        Column(
            "associate_public_ip",
            Enum("true", "false", "default"),
            "AssociatePublicIpAddress",
            "default",
            doc="default: the subnet decides.",
        ),
        Column(
            "block_devices",
            List(
                Struct(
                    Field("device_name", Str, "DeviceName", ""),
                    Field("is_ebs", Bool, "Ebs", False, fn=lambda v: v is not None),
                    Field("encrypted", Bool, "Ebs.Encrypted", False),
                )
            ),
            "BlockDeviceMappings",
        ),
        Column(
            "user_data_secrets",
            List(Str),
            "UserData",
            fn=lambda v: user_data_kinds(v) if v else [],
            doc="Kinds of credentials that the user data seems to hold; the data itself is not kept.",
        ),
        Column("created_at", Timestamp, "CreatedTime"),
    ),
)

TABLES = (group, launch_configuration)
