"""Amazon ECS: clusters, services, task definitions, container instances, capacity providers, settings."""

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.secret_patterns import secret_pairs
from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Relation,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]
_TAGS: Final = [Const("TAGS")]


def _setting(name: str) -> Any:
    """A function from a list of settings to the value of one; None where it is not among them."""

    def read(settings: list[Element]) -> Any:
        return next((s.get("value") for s in settings if s.get("name") == name), None)

    return read


def _family(arn: str) -> str:
    return arn.rpartition("/")[2].partition(":")[0]


task = Table(
    "ecs_task",
    service="ecs",
    scope="regional",
    doc="A task that runs.",
    parent="ecs_cluster",
    parent_when=lambda cluster: cluster["running_tasks"] != 0,
    parent_after=("running_tasks",),
    rows=Call("ecs:ListTasks", {"cluster": "@parent.arn", "maxResults": 100}, at="taskArns"),
    arn=".",
    tags="described.tags",
    calls={
        "described": Batch(
            "ecs:DescribeTasks",
            param="tasks",
            by="arn",
            at="tasks",
            key="taskArn",
            size=100,
            params={"cluster": "@parent.arn", "include": _TAGS},
        ),
        "definition": Call(
            "ecs:DescribeTaskDefinition", {"taskDefinition": "task_definition_arn"}, once=True
        ),
    },
    columns=(
        Column("cluster_arn", Str, "@parent.arn"),
        Column("group", Str, "described.group", "", doc="service:NAME of a service's tasks."),
        Column("task_definition_arn", Str, "described.taskDefinitionArn"),
        Column("last_status", Str, "described.lastStatus", ""),
        Column("launch_type", Str, "described.launchType", ""),
        Column(
            "enable_execute_command",
            Bool,
            "described.enableExecuteCommand",
            False,
            doc="ECS Exec can open a shell in its containers.",
        ),
        Column(
            "override_role_arn",
            Str,
            "described.overrides.taskRoleArn",
            "",
            doc="The role given in place of the task definition's; empty: none.",
        ),
        Column(
            "task_role_arn",
            Str,
            "definition.taskDefinition.taskRoleArn",
            "",
            doc="The task definition's role; empty: none.",
        ),
    ),
)


def _providers(names: str, which: str) -> Relation:
    return Relation(
        "providers",
        "ecs_capacity_provider",
        ("name", "is_managed_instances"),
        {names: "name", "region": "region", "account_id": "account_id"},
        doc=f"The capacity providers {which}, without AWS's own of Fargate.",
    )


cluster = Table(
    "ecs_cluster",
    service="ecs",
    scope="regional",
    resource_type="AWS::ECS::Cluster",
    doc="A cluster.",
    rows=Call("ecs:ListClusters", {"maxResults": 100}, at="clusterArns"),
    arn=".",
    tags="described.tags",
    calls={
        "described": Batch(
            "ecs:DescribeClusters",
            param="clusters",
            by="arn",
            at="clusters",
            key="clusterArn",
            size=100,
            params={
                "include": [Const("SETTINGS"), Const("CONFIGURATIONS"), Const("STATISTICS"), Const("TAGS")]
            },
        ),
    },
    columns=(
        Column("status", Str, "described.status", "", doc="ACTIVE, PROVISIONING, INACTIVE …"),
        Column(
            "container_insights",
            Enum("enabled", "enhanced", "disabled"),
            "described.settings",
            "disabled",
            fn=_setting("containerInsights"),
        ),
        Column("active_services", Int, "described.activeServicesCount", 0),
        Column("running_tasks", Int, "described.runningTasksCount", 0),
        Column("container_instances", Int, "described.registeredContainerInstancesCount", 0),
        Column("capacity_providers", List(Str), "described.capacityProviders"),
        Column(
            "exec_logging",
            Enum("NONE", "DEFAULT", "OVERRIDE"),
            "described.configuration.executeCommandConfiguration.logging",
            "DEFAULT",
            doc="Where commands of ECS Exec are logged; DEFAULT: where the task definition's awslogs go.",
        ),
        Column("exec_kms_key_id", Str, "described.configuration.executeCommandConfiguration.kmsKeyId", ""),
        Column(
            "fargate_storage_kms_key_id",
            Str,
            "described.configuration.managedStorageConfiguration.fargateEphemeralStorageKmsKeyId",
            "",
            doc="Customer managed key of Fargate's ephemeral storage; empty: AWS's own.",
        ),
    ),
)

service = Table(
    "ecs_service",
    service="ecs",
    scope="regional",
    resource_type="AWS::ECS::Service",
    doc="A service of a cluster.",
    parent="ecs_cluster",
    # Services that are no longer counted are no longer listed either (DeleteService, ECS API Reference).
    parent_when=lambda cluster: cluster["active_services"] != 0,
    parent_after=("active_services",),
    rows=Call("ecs:ListServices", {"cluster": "@parent.arn", "maxResults": 100}, at="serviceArns"),
    arn=".",
    tags="described.tags",
    calls={
        "described": Batch(
            "ecs:DescribeServices",
            param="services",
            by="arn",
            at="services",
            key="serviceArn",
            size=10,
            params={"cluster": "@parent.arn", "include": _TAGS},
        ),
    },
    columns=(
        Column("cluster_arn", Str, "@parent.arn"),
        Column("status", Str, "described.status", ""),
        Column(
            "launch_type",
            Enum("EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES", "capacity-provider"),
            "described.launchType",
            "capacity-provider",
            doc="capacity-provider: its strategy decides.",
        ),
        Column("capacity_providers", List(Str), "described.capacityProviderStrategy[].capacityProvider"),
        Column("platform_version", Str, "described.platformVersion", "", doc="Of Fargate: LATEST, 1.4.0 …"),
        Column("platform_family", Str, "described.platformFamily", "", doc="Of Fargate: Linux, Windows."),
        Column("task_definition", Str, "described.taskDefinition", ""),
        Column("task_definition_family", Str, "described.taskDefinition", "", fn=_family),
        Column("desired_count", Int, "described.desiredCount", 0),
        Column("running_count", Int, "described.runningCount", 0),
        Column("enable_execute_command", Bool, "described.enableExecuteCommand", False),
        Column(
            "assign_public_ip",
            Enum("ENABLED", "DISABLED"),
            "described.networkConfiguration.awsvpcConfiguration.assignPublicIp",
            "DISABLED",
        ),
        Column("subnet_ids", List(Str), "described.networkConfiguration.awsvpcConfiguration.subnets"),
        Column(
            "security_group_ids",
            List(Str),
            "described.networkConfiguration.awsvpcConfiguration.securityGroups",
        ),
        Column("target_group_arns", List(Str), "described.loadBalancers[].targetGroupArn"),
        Column(
            "task_sets",
            List(
                Struct(
                    Field("arn", Str, "taskSetArn", ""),
                    Field(
                        "assign_public_ip",
                        Enum("ENABLED", "DISABLED"),
                        "networkConfiguration.awsvpcConfiguration.assignPublicIp",
                        "DISABLED",
                    ),
                )
            ),
            "described.taskSets",
        ),
        Column("created_at", Timestamp, "described.createdAt"),
    ),
    relations=(_providers("capacity_providers[]", "that its strategy names"),),
)

_CONTAINER: Final = Struct(
    Field("name", Str, "name", ""),
    Field("image", Str, "image", ""),
    Field("user", Str, "user", ""),
    Field("privileged", Bool, "privileged", False),
    Field("readonly_root_filesystem", Bool, "readonlyRootFilesystem", False),
    Field("log_driver", Str, "logConfiguration.logDriver", ""),
    Field("log_mode", Str, "logConfiguration.options", "", fn=lambda v: v.get("mode")),
    Field("added_capabilities", List(Str), "linuxParameters.capabilities.add"),
    Field("environment_names", List(Str), "environment[].name"),
    Field("environment_secrets", List(Str), "environment", fn=secret_pairs),
    Field("secret_names", List(Str), "secrets[].name"),
)
_VOLUME: Final = Struct(
    Field("name", Str, "name", ""),
    Field("host_path", Str, "host.sourcePath", ""),
    Field("efs_file_system_id", Str, "efsVolumeConfiguration.fileSystemId", ""),
    Field("efs_transit_encryption", Str, "efsVolumeConfiguration.transitEncryption", "DISABLED"),
    Field("efs_iam", Str, "efsVolumeConfiguration.authorizationConfig.iam", "DISABLED"),
)

task_definition = Table(
    "ecs_task_definition",
    service="ecs",
    scope="regional",
    resource_type="AWS::ECS::TaskDefinition",
    doc="The latest active revision of a family of task definitions; `arn` names the family.",
    rows=Call(
        "ecs:ListTaskDefinitionFamilies", {"status": Const("ACTIVE"), "maxResults": 100}, at="families"
    ),
    arn="arn:{partition}:ecs:{region}:{account_id}:task-definition/{family}",
    title=".",
    tags="described.tags",
    calls={
        "described": Call("ecs:DescribeTaskDefinition", {"taskDefinition": "family", "include": _TAGS}),
    },
    columns=(
        Column("family", Str, "."),
        Column("task_definition_arn", Str, "described.taskDefinition.taskDefinitionArn"),
        Column("revision", Int, "described.taskDefinition.revision"),
        Column(
            "network_mode",
            Enum("bridge", "host", "awsvpc", "none"),
            "described.taskDefinition.networkMode",
            "bridge",
        ),
        Column("pid_mode", Enum("host", "task", ""), "described.taskDefinition.pidMode", ""),
        Column("ipc_mode", Enum("host", "task", "none", ""), "described.taskDefinition.ipcMode", ""),
        Column("task_role_arn", Str, "described.taskDefinition.taskRoleArn", ""),
        Column("execution_role_arn", Str, "described.taskDefinition.executionRoleArn", ""),
        Column("compatibilities", List(Str), "described.taskDefinition.requiresCompatibilities"),
        Column(
            "operating_system",
            Str,
            "described.taskDefinition.runtimePlatform.operatingSystemFamily",
            "LINUX",
            doc="LINUX, or a release of Windows Server (WINDOWS_SERVER_…).",
        ),
        Column(
            "containers",
            List(_CONTAINER),
            "described.taskDefinition.containerDefinitions",
            doc="Its containers; of environment variables the names only, and those that hold credentials.",
        ),
        Column("volumes", List(_VOLUME), "described.taskDefinition.volumes"),
        Column("registered_at", Timestamp, "described.taskDefinition.registeredAt"),
        Column("registered_by", Str, "described.taskDefinition.registeredBy", ""),
    ),
    relations=(
        Relation(
            "services",
            "ecs_service",
            ("name", "task_definition", "desired_count"),
            {"family": "task_definition_family", "region": "region", "account_id": "account_id"},
            doc="The services that run the family, in whichever revision.",
        ),
        Relation(
            "settings",
            "ecs_settings",
            ("default_log_driver_mode",),
            {"region": "region", "account_id": "account_id"},
        ),
    ),
)

container_instance = Table(
    "ecs_container_instance",
    service="ecs",
    scope="regional",
    resource_type="AWS::ECS::ContainerInstance",
    doc="A machine registered to a cluster.",
    parent="ecs_cluster",
    parent_when=lambda cluster: cluster["container_instances"] != 0,
    parent_after=("container_instances",),
    rows=Call(
        "ecs:ListContainerInstances",
        {"cluster": "@parent.arn", "maxResults": 100},
        at="containerInstanceArns",
    ),
    arn=".",
    tags="described.tags",
    calls={
        "described": Batch(
            "ecs:DescribeContainerInstances",
            param="containerInstances",
            by="arn",
            at="containerInstances",
            key="containerInstanceArn",
            size=100,
            params={"cluster": "@parent.arn", "include": _TAGS},
        ),
    },
    columns=(
        Column("cluster_arn", Str, "@parent.arn"),
        Column("ec2_instance_id", Str, "described.ec2InstanceId", "", doc="Empty or mi-…: not on EC2."),
        Column("status", Str, "described.status", ""),
        Column("agent_connected", Bool, "described.agentConnected", False),
        Column("agent_version", Str, "described.versionInfo.agentVersion", ""),
        Column("docker_version", Str, "described.versionInfo.dockerVersion", ""),
        Column("running_tasks", Int, "described.runningTasksCount", 0),
        Column("registered_at", Timestamp, "described.registeredAt"),
        Column(
            "is_external",
            Bool,
            "described.attributes[].name",
            False,
            doc="Of ECS Anywhere: a machine outside AWS.",
            fn=lambda names: "ecs.capability.external" in names,
        ),
        Column(
            "capacity_provider",
            Str,
            "described.capacityProviderName",
            "",
            doc="Empty: it registered by itself.",
        ),
    ),
    relations=(_providers("capacity_provider", "that it came from: one element, or none"),),
)

capacity_provider = Table(
    "ecs_capacity_provider",
    service="ecs",
    scope="regional",
    resource_type="AWS::ECS::CapacityProvider",
    doc="A source of machines for clusters; AWS's own FARGATE and FARGATE_SPOT are left out.",
    rows=Call("ecs:DescribeCapacityProviders", {"include": _TAGS}, at="capacityProviders"),
    keep=lambda e: e.get("name") not in ("FARGATE", "FARGATE_SPOT"),
    arn="capacityProviderArn",
    title="name",
    tags="tags",
    columns=(
        Column("status", Str, "status", ""),
        Column(
            "auto_scaling_group_arn",
            Str,
            "autoScalingGroupProvider.autoScalingGroupArn",
            "",
            doc="Empty: it is of ECS Managed Instances.",
        ),
        Column(
            "is_managed_instances",
            Bool,
            "managedInstancesProvider",
            False,
            doc="ECS Managed Instances: AWS chooses, patches and replaces the machines.",
            fn=lambda v: True,
        ),
        Column(
            "managed_scaling",
            Enum("ENABLED", "DISABLED"),
            "autoScalingGroupProvider.managedScaling.status",
            "DISABLED",
        ),
        Column(
            "managed_termination_protection",
            Enum("ENABLED", "DISABLED"),
            "autoScalingGroupProvider.managedTerminationProtection",
            "DISABLED",
        ),
    ),
)

settings = Table(
    "ecs_settings",
    service="ecs",
    scope="regional",
    resource_type="AWS::::Account",
    doc="ECS's effective settings of the scanning principal in a Region. AWS has no ARN for it.",
    rows=Single(),
    arn="arn:{partition}:ecs:{region}:{account_id}:settings",
    title="{region}",
    calls={"effective": Call("ecs:ListAccountSettings", {"effectiveSettings": True})},
    columns=(
        Column(
            "container_insights",
            Enum("enabled", "enhanced", "disabled"),
            "effective.settings",
            "disabled",
            fn=_setting("containerInsights"),
            doc="Default of new clusters.",
        ),
        Column(
            "default_log_driver_mode",
            Enum("blocking", "non-blocking"),
            "effective.settings",
            fn=_setting("defaultLogDriverMode"),
            doc="How containers without a mode of their own write logs.",
        ),
        Column(
            "fargate_fips_mode",
            Enum("enabled", "disabled"),
            "effective.settings",
            "disabled",
            fn=_setting("fargateFIPSMode"),
        ),
        Column(
            "tag_resource_authorization",
            Enum("on", "off"),
            "effective.settings",
            fn=_setting("tagResourceAuthorization"),
            doc="Whether tagging at creation needs a right of its own.",
        ),
    ),
)

TABLES = (cluster, service, task, task_definition, container_instance, capacity_provider, settings)
