"""EMR without machines of its own: virtual clusters on EKS, and serverless applications."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    List,
    Relation,
    Str,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]


def _images(application: Element) -> list[str]:
    """The custom images of an application: its own, and those of single kinds of workers."""
    workers: Mapping[str, Any] = application.get("workerTypeSpecifications") or {}
    holders = [application, *workers.values()]
    found = [(h.get("imageConfiguration") or {}).get("imageUri") for h in holders]
    return sorted({str(image) for image in found if image})


virtual_cluster = Table(
    "emr_virtual_cluster",
    service="emr",
    scope="regional",
    resource_type="AWS::EMRContainers::VirtualCluster",
    doc="A namespace of an EKS cluster in which EMR runs jobs.",
    rows=Call(
        "emr-containers:ListVirtualClusters",
        {"states": [Const("RUNNING"), Const("ARRESTED")], "maxResults": 100},
        at="virtualClusters",
    ),
    arn="arn",
    title="name",
    tags="tags",
    columns=(
        Column("cluster_id", Str, "id"),
        Column("state", Enum("RUNNING", "TERMINATING", "TERMINATED", "ARRESTED"), "state"),
        Column("eks_cluster", Str, "containerProvider.id", doc="The name of the EKS cluster."),
        Column("eks_namespace", Str, "containerProvider.info.eksInfo.namespace", ""),
        Column("security_configuration_id", Str, "securityConfigurationId", "", doc="Empty: none."),
        Column("created_at", Timestamp, "createdAt"),
    ),
    relations=(
        Relation(
            "eks_clusters",
            "eks_cluster",
            ("arn", "version", "version_status", "auto_mode"),
            {"eks_cluster": "name", "region": "region", "account_id": "account_id"},
        ),
    ),
)

application = Table(
    "emr_serverless_application",
    service="emr",
    scope="regional",
    resource_type="AWS::EMRServerless::Application",
    doc="A serverless application of Spark or Hive that is not terminated.",
    rows=Call("emr-serverless:ListApplications", {"maxResults": 50}, at="applications"),
    keep=lambda e: e.get("state") != "TERMINATED",
    arn="arn",
    title="name",
    tags="described.application.tags",
    calls={"described": Call("emr-serverless:GetApplication", {"applicationId": "application_id"})},
    columns=(
        Column("application_id", Str, "id"),
        Column("release", Str, "releaseLabel", doc="It pins the engine: emr-7.9.0."),
        Column("kind", Str, "type", doc="Spark or Hive."),
        Column("state", Str, "state", ""),
        Column("created_at", Timestamp, "createdAt"),
        Column("subnet_ids", List(Str), "described.application.networkConfiguration.subnetIds"),
        Column(
            "custom_images",
            List(Str),
            "described.application",
            doc="Images of the customer's own; none: EMR's.",
            fn=_images,
        ),
        Column(
            "disk_kms_key",
            Str,
            "described.application.diskEncryptionConfiguration.encryptionKeyArn",
            "",
            doc="Empty: a key that AWS owns.",
        ),
        Column(
            "managed_logs",
            Bool,
            "described.application.monitoringConfiguration.managedPersistenceMonitoringConfiguration.enabled",
            True,
            doc="EMR keeps the logs of jobs for 30 days.",
        ),
        Column(
            "log_uri",
            Str,
            "described.application.monitoringConfiguration.s3MonitoringConfiguration.logUri",
            "",
        ),
        Column(
            "cloudwatch_logs",
            Bool,
            "described.application.monitoringConfiguration.cloudWatchLoggingConfiguration.enabled",
            False,
        ),
    ),
)

TABLES = (virtual_cluster, application)
