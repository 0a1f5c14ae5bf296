"""AWS Batch: job definitions, compute environments and job queues."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.secret_patterns import secret_kinds, secret_pairs
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Str,
    Struct,
    Table,
)

Element = Mapping[str, Any]


def _containers(job: Element) -> list[Element]:
    """The containers of a job definition, of whichever kind: single, multi-node, ECS tasks or EKS pods."""
    found: list[Element] = [job["containerProperties"]] if job.get("containerProperties") else []
    nodes = (job.get("nodeProperties") or {}).get("nodeRangeProperties") or ()
    holders = [job, *nodes]
    found += [n["container"] for n in nodes if n.get("container")]
    for holder in holders:
        for task in (holder.get("ecsProperties") or {}).get("taskProperties") or ():
            found += task.get("containers") or ()
        pod = (holder.get("eksProperties") or {}).get("podProperties") or {}
        for container in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
            context = container.get("securityContext") or {}
            found.append(
                {
                    **container,
                    "environment": container.get("env") or [],
                    "privileged": context.get("privileged", False),
                    "readonlyRootFilesystem": context.get("readOnlyRootFilesystem", False),
                }
            )
    return found


def _job_role(job: Element) -> str | None:
    """The role of a job's containers; of several kinds of containers the first that has one."""
    holders = [job, *((job.get("nodeProperties") or {}).get("nodeRangeProperties") or ())]
    for holder in holders:
        container = holder.get("containerProperties") or holder.get("container") or {}
        tasks = (holder.get("ecsProperties") or {}).get("taskProperties") or ()
        roles = [container.get("jobRoleArn"), *(task.get("taskRoleArn") for task in tasks)]
        found = next((str(role) for role in roles if role), None)
        if found:
            return found
    return None


job_definition = Table(
    "batch_job_definition",
    service="batch",
    scope="regional",
    resource_type="AWS::Batch::JobDefinition",
    doc="An active revision of a job definition. Values of its variables are not kept.",
    rows=Call(
        "batch:DescribeJobDefinitions", {"status": Const("ACTIVE"), "maxResults": 100}, at="jobDefinitions"
    ),
    arn="jobDefinitionArn",
    title="jobDefinitionName",
    tags="tags",
    columns=(
        Column("revision", Int, "revision"),
        Column("kind", Enum("container", "multinode"), "type"),
        Column("platforms", List(Str), "platformCapabilities"),
        Column(
            "containers",
            List(
                Struct(
                    Field("image", Str, "image", ""),
                    Field("user", Str, "user", ""),
                    Field("privileged", Bool, "privileged", False),
                    Field("readonly_root_filesystem", Bool, "readonlyRootFilesystem", False),
                    Field("environment_secrets", List(Str), "environment", fn=secret_pairs),
                    Field(
                        "command_secrets",
                        List(Str),
                        "command",
                        fn=lambda v: secret_kinds(" ".join(str(part) for part in v)),
                    ),
                    Field(
                        "assign_public_ip",
                        Enum("ENABLED", "DISABLED"),
                        "networkConfiguration.assignPublicIp",
                        "DISABLED",
                    ),
                )
            ),
            ".",
            fn=_containers,
            doc="Its containers; of variables and commands only what seems to hold credentials.",
        ),
        Column("host_paths", List(Str), "containerProperties.volumes[].host.sourcePath"),
        Column("job_role_arn", Str, ".", "", fn=_job_role, doc="The role that its containers run with."),
    ),
)


def _images(resources: Element) -> list[str]:
    """The images that a compute environment is told to use in place of Batch's own."""
    chosen = [c.get("imageIdOverride") for c in resources.get("ec2Configuration") or ()]
    return sorted({str(image) for image in (resources.get("imageId"), *chosen) if image})


compute_environment = Table(
    "batch_compute_environment",
    service="batch",
    scope="regional",
    resource_type="AWS::Batch::ComputeEnvironment",
    doc="The machines, or Fargate, that jobs run on.",
    rows=Call("batch:DescribeComputeEnvironments", {"maxResults": 100}, at="computeEnvironments"),
    arn="computeEnvironmentArn",
    title="computeEnvironmentName",
    tags="tags",
    columns=(
        Column("state", Enum("ENABLED", "DISABLED"), "state", ""),
        Column("status", Str, "status", ""),
        Column("kind", Enum("MANAGED", "UNMANAGED"), "type", ""),
        Column("resource_kind", Str, "computeResources.type", "", doc="EC2, SPOT, FARGATE …"),
        Column("subnets", List(Str), "computeResources.subnets"),
        Column("security_group_ids", List(Str), "computeResources.securityGroupIds"),
        Column("ec2_key_pair", Str, "computeResources.ec2KeyPair", ""),
        Column("instance_role", Str, "computeResources.instanceRole", ""),
        Column("resource_tags", List(Str), "computeResources.tags", fn=sorted, doc="Keys of machines' tags."),
        Column("orchestrator", Enum("ECS", "EKS"), "containerOrchestrationType", "ECS"),
        Column("ecs_cluster_arn", Str, "ecsClusterArn", "", doc="The cluster that Batch keeps for it."),
        Column("eks_cluster_arn", Str, "eksConfiguration.eksClusterArn", "", doc="Empty: not on EKS."),
        Column(
            "custom_image_ids",
            List(Str),
            "computeResources",
            doc="Images of the customer's choice; none: Batch's own.",
            fn=_images,
        ),
        Column(
            "image_statuses",
            List(Str),
            "computeResources.ec2Configuration[].batchImageStatus",
            doc="Of Batch's own images: LATEST or UPDATE_AVAILABLE.",
        ),
    ),
)

job_queue = Table(
    "batch_job_queue",
    service="batch",
    scope="regional",
    resource_type="AWS::Batch::JobQueue",
    doc="A queue of jobs.",
    rows=Call("batch:DescribeJobQueues", {"maxResults": 100}, at="jobQueues"),
    arn="jobQueueArn",
    title="jobQueueName",
    tags="tags",
    columns=(
        Column("state", Enum("ENABLED", "DISABLED"), "state", ""),
        Column("compute_environments", List(Str), "computeEnvironmentOrder[].computeEnvironment"),
    ),
)

TABLES = (job_definition, compute_environment, job_queue)
