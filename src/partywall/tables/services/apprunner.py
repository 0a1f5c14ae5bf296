"""AWS App Runner: services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.secret_patterns import secret_variables
from partywall.tables.spec import Bool, Call, Column, Enum, List, Str, Table, Timestamp
from partywall.tables.tagging import tagging

Element = Mapping[str, Any]


def _secrets(source: Element) -> list[str]:
    """Names of a source's variables that seem to hold credentials."""
    code = ((source.get("CodeRepository") or {}).get("CodeConfiguration") or {}).get(
        "CodeConfigurationValues"
    )
    image = (source.get("ImageRepository") or {}).get("ImageConfiguration")
    variables = [(part or {}).get("RuntimeEnvironmentVariables") or {} for part in (code, image)]
    return sorted({name for v in variables for name in secret_variables(v)})


service = Table(
    "apprunner_service",
    service="apprunner",
    scope="regional",
    resource_type="AWS::AppRunner::Service",
    doc="A service that runs a container, built by App Runner or brought along. Values of its variables are "
    "not kept.",
    rows=Call("apprunner:ListServices", {"MaxResults": 20}, at="ServiceSummaryList"),
    keep=lambda e: e.get("Status") != "DELETED",
    arn="ServiceArn",
    title="ServiceName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("apprunner:service"),
        "described": Call("apprunner:DescribeService", {"ServiceArn": "arn"}, at="Service"),
    },
    columns=(
        Column("status", Str, "Status", ""),
        Column("url", Str, "ServiceUrl", ""),
        Column("created_at", Timestamp, "CreatedAt"),
        Column("updated_at", Timestamp, "UpdatedAt"),
        Column(
            "image",
            Str,
            "described.SourceConfiguration.ImageRepository.ImageIdentifier",
            "",
            doc="Empty: App Runner builds the image from source code.",
        ),
        Column(
            "image_repository_type",
            Enum("ECR", "ECR_PUBLIC", ""),
            "described.SourceConfiguration.ImageRepository.ImageRepositoryType",
            "",
        ),
        Column("repository_url", Str, "described.SourceConfiguration.CodeRepository.RepositoryUrl", ""),
        Column(
            "runtime",
            Str,
            "described.SourceConfiguration.CodeRepository.CodeConfiguration.CodeConfigurationValues.Runtime",
            "",
            doc="Of a service built from code, where its settings are not in the repository: PYTHON_311.",
        ),
        Column(
            "auto_deployments",
            Bool,
            "described.SourceConfiguration.AutoDeploymentsEnabled",
            False,
            doc="A new image or commit is deployed by itself.",
        ),
        Column(
            "publicly_accessible",
            Bool,
            "described.NetworkConfiguration.IngressConfiguration.IsPubliclyAccessible",
            True,
        ),
        Column(
            "egress_type",
            Enum("DEFAULT", "VPC"),
            "described.NetworkConfiguration.EgressConfiguration.EgressType",
            "DEFAULT",
        ),
        Column("instance_role_arn", Str, "described.InstanceConfiguration.InstanceRoleArn", ""),
        Column("kms_key", Str, "described.EncryptionConfiguration.KmsKey", "", doc="Empty: a key of AWS."),
        Column("tracing", Bool, "described.ObservabilityConfiguration.ObservabilityEnabled", False),
        Column(
            "environment_secrets",
            List(Str),
            "described.SourceConfiguration",
            doc="Names of the variables that seem to hold credentials in the clear.",
            fn=_secrets,
        ),
    ),
)

TABLES = (service,)
