"""Amazon SageMaker AI: notebook instances, models, endpoint configurations domains and their users."""

from typing import Any

from partywall.tables.secret_patterns import secret_variables
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _tagging(kind: str) -> Lookup:
    """All tagged resources of a kind in one call per Region."""
    return tagging(f"sagemaker:{kind}")


def _secrets(model: dict[str, Any]) -> list[str]:
    """Names of the variables of a model's containers that seem to hold credentials."""
    containers = [model.get("PrimaryContainer") or {}, *(model.get("Containers") or ())]
    return sorted({name for c in containers for name in secret_variables(c.get("Environment") or {})})


def _images(model: dict[str, Any]) -> list[str]:
    containers = [model.get("PrimaryContainer") or {}, *(model.get("Containers") or ())]
    return sorted({str(c["Image"]) for c in containers if c.get("Image")})


notebook = Table(
    "sagemaker_notebook_instance",
    service="sagemaker",
    scope="regional",
    resource_type="AWS::SageMaker::NotebookInstance",
    doc="A notebook instance.",
    rows=Call("sagemaker:ListNotebookInstances", {"MaxResults": 100}, at="NotebookInstances"),
    arn="NotebookInstanceArn",
    title="NotebookInstanceName",
    tags="tagging.Tags",
    calls={
        "tagging": _tagging("notebook-instance"),
        "described": Call("sagemaker:DescribeNotebookInstance", {"NotebookInstanceName": "name"}),
    },
    columns=(
        Column("status", Str, "NotebookInstanceStatus", ""),
        Column(
            "direct_internet_access", Enum("Enabled", "Disabled"), "described.DirectInternetAccess", "Enabled"
        ),
        Column("subnet_id", Str, "described.SubnetId", "", doc="Empty: it is not in a VPC of yours."),
        Column("security_groups", List(Str), "described.SecurityGroups"),
        Column("root_access", Enum("Enabled", "Disabled"), "described.RootAccess", "Enabled"),
        Column("kms_key_id", Str, "described.KmsKeyId", "", doc="Empty: a key of AWS."),
        Column("role_arn", Str, "described.RoleArn", ""),
        Column(
            "last_modified_at",
            Timestamp,
            "LastModifiedTime",
            doc="It cannot have been restarted, and so patched, after that.",
        ),
        Column("platform_identifier", Str, "described.PlatformIdentifier", "", doc="notebook-al2023-v1 …"),
        Column(
            "minimum_imds_version",
            Str,
            "described.InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion",
            "1",
            doc="1 or 2.",
        ),
    ),
)

model = Table(
    "sagemaker_model",
    service="sagemaker",
    scope="regional",
    resource_type="AWS::SageMaker::Model",
    doc="A model. Values of its containers' variables are not kept.",
    rows=Call("sagemaker:ListModels", {"MaxResults": 100}, at="Models"),
    arn="ModelArn",
    title="ModelName",
    tags="tagging.Tags",
    calls={
        "tagging": _tagging("model"),
        "described": Call("sagemaker:DescribeModel", {"ModelName": "name"}),
    },
    columns=(
        Column("network_isolation", Bool, "described.EnableNetworkIsolation", False),
        Column("subnets", List(Str), "described.VpcConfig.Subnets", doc="None: it runs outside your VPCs."),
        Column("execution_role_arn", Str, "described.ExecutionRoleArn", ""),
        Column(
            "environment_secrets",
            List(Str),
            "described",
            fn=_secrets,
            doc="Names of variables that seem to hold credentials.",
        ),
        Column(
            "images",
            List(Str),
            "described",
            fn=_images,
            doc="Container images; those in another account's ECR are AWS's or a vendor's.",
        ),
    ),
)

endpoint_config = Table(
    "sagemaker_endpoint_config",
    service="sagemaker",
    scope="regional",
    resource_type="AWS::SageMaker::EndpointConfig",
    doc="How an endpoint runs its models.",
    rows=Call("sagemaker:ListEndpointConfigs", {"MaxResults": 100}, at="EndpointConfigs"),
    arn="EndpointConfigArn",
    title="EndpointConfigName",
    tags="tagging.Tags",
    calls={
        "tagging": _tagging("endpoint-config"),
        "described": Call("sagemaker:DescribeEndpointConfig", {"EndpointConfigName": "name"}),
    },
    columns=(
        Column("kms_key_id", Str, "described.KmsKeyId", "", doc="Of the machines' storage; empty: none."),
        Column("data_capture", Bool, "described.DataCaptureConfig.EnableCapture", False),
        Column("data_capture_kms_key_id", Str, "described.DataCaptureConfig.KmsKeyId", ""),
        Column("network_isolation", Bool, "described.EnableNetworkIsolation", False),
        Column(
            "variants",
            List(
                Struct(
                    Field("name", Str, "VariantName", ""),
                    Field("model", Str, "ModelName", ""),
                    Field("instance_type", Str, "InstanceType", ""),
                    Field("initial_instance_count", Int, "InitialInstanceCount", 0),
                    Field("is_serverless", Bool, "ServerlessConfig", False, fn=lambda v: v is not None),
                    Field("ssm_access", Bool, "EnableSSMAccess", False),
                )
            ),
            "described.ProductionVariants",
        ),
    ),
)

domain = Table(
    "sagemaker_domain",
    service="sagemaker",
    scope="regional",
    resource_type="AWS::SageMaker::Domain",
    doc="A domain of SageMaker Studio.",
    rows=Call("sagemaker:ListDomains", {"MaxResults": 100}, at="Domains"),
    arn="DomainArn",
    title="DomainName",
    tags="tagging.Tags",
    calls={
        "tagging": _tagging("domain"),
        "described": Call("sagemaker:DescribeDomain", {"DomainId": "domain_id"}),
    },
    columns=(
        Column("domain_id", Str, "DomainId"),
        Column("auth_mode", Enum("SSO", "IAM"), "described.AuthMode"),
        Column(
            "network_access",
            Enum("PublicInternetOnly", "VpcOnly"),
            "described.AppNetworkAccessType",
            "PublicInternetOnly",
        ),
        Column("kms_key_id", Str, "described.KmsKeyId", ""),
        Column(
            "default_execution_role",
            Str,
            "described.DefaultUserSettings.ExecutionRole",
            "",
            doc="The role of user profiles that have none of their own.",
        ),
        Column(
            "docker_access",
            Enum("ENABLED", "DISABLED"),
            "described.DomainSettings.DockerSettings.EnableDockerAccess",
            "DISABLED",
        ),
    ),
)

user_profile = Table(
    "sagemaker_user_profile",
    service="sagemaker",
    scope="regional",
    resource_type="AWS::SageMaker::UserProfile",
    doc="A user of a Studio domain.",
    parent="sagemaker_domain",
    rows=Call(
        "sagemaker:ListUserProfiles",
        {"DomainIdEquals": "@parent.domain_id", "MaxResults": 100},
        at="UserProfiles",
    ),
    arn="arn:{partition}:sagemaker:{region}:{account_id}:user-profile/{domain_id}/{name}",
    title="UserProfileName",
    calls={
        "described": Call(
            "sagemaker:DescribeUserProfile", {"DomainId": "domain_id", "UserProfileName": "name"}
        ),
    },
    columns=(
        Column("domain_id", Str, "DomainId"),
        Column("status", Str, "Status", ""),
        Column("created_at", Timestamp, "CreationTime"),
        Column(
            "execution_role",
            Str,
            "described.UserSettings.ExecutionRole",
            "",
            doc="The role that its apps run with; empty: the domain's.",
        ),
    ),
)

TABLES = (notebook, model, endpoint_config, domain, user_profile)
