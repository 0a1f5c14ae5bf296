"""AWS Lambda: functions with their policies, URLs and settings, event sources, layers, code signing."""

from collections.abc import Mapping
from typing import Any

from partywall.tables.lambda_runtimes import end_of_support, has_end
from partywall.tables.secret_patterns import secret_variables
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

Element = Mapping[str, Any]
_MISSING = "ResourceNotFoundException"


def _variables(environment: Element) -> Mapping[str, Any]:
    """The environment's variables; raises ValueError where Lambda could not decrypt them."""
    if environment.get("Error"):
        raise ValueError(f"Lambda could not read them: {environment['Error'].get('ErrorCode', '')}")
    return environment.get("Variables") or {}


def _account(arn: str) -> str:
    return (arn.split(":") + [""] * 5)[4]


def _function(operation: str, *absent: str) -> Call:
    return Call(f"lambda:{operation}", {"FunctionName": "arn"}, absent=absent)


function = Table(
    "lambda_function",
    service="lambda",
    scope="regional",
    resource_type="AWS::Lambda::Function",
    doc="A function as its unpublished version ($LATEST) is set.",
    rows=Call("lambda:ListFunctions", {"MaxItems": 50}, at="Functions"),
    arn="FunctionArn",
    title="FunctionName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("lambda:function"),
        "policy": _function("GetPolicy", _MISSING),
        "urls": _function("ListFunctionUrlConfigs"),
        # Functions from container images have neither code signing nor a managed runtime.
        "signing": Call(
            "lambda:GetFunctionCodeSigningConfig",
            {"FunctionName": "arn"},
            absent=(_MISSING, "CodeSigningConfigNotFoundException"),
            when=lambda row: row["package_type"] == "Zip",
        ),
        "updates": Call(
            "lambda:GetRuntimeManagementConfig",
            {"FunctionName": "arn"},
            when=lambda row: row["package_type"] == "Zip",
        ),
        "concurrency": _function("GetFunctionConcurrency"),
        "invocation": _function("ListFunctionEventInvokeConfigs"),
    },
    columns=(
        Column("package_type", Enum("Zip", "Image"), "PackageType", "Zip"),
        Column("runtime", Str, "Runtime", "", doc="Empty for a container image."),
        Column(
            "runtime_has_end",
            Bool,
            "Runtime",
            fn=has_end,
            doc="AWS has set a day for the end of the runtime's support; NULL: a runtime not known here.",
        ),
        Column(
            "runtime_ends_at",
            Timestamp,
            "Runtime",
            fn=end_of_support,
            doc="When support ends (AWS Lambda Developer Guide, Lambda runtimes).",
        ),
        Column("handler", Str, "Handler", ""),
        Column("role", Str, "Role", "", doc="ARN of the execution role."),
        Column("description", Str, "Description", ""),
        Column("timeout", Int, "Timeout", 3, doc="Seconds."),
        Column("memory_size", Int, "MemorySize", 128, doc="MiB."),
        Column("architectures", List(Str), "Architectures"),
        Column("last_modified", Timestamp, "LastModified"),
        Column("state", Str, "State", "", doc="Active, Inactive, Failed …"),
        Column("vpc_id", Str, "VpcConfig.VpcId", "", doc="Empty: it runs outside your VPCs."),
        Column("subnet_ids", List(Str), "VpcConfig.SubnetIds"),
        Column("security_group_ids", List(Str), "VpcConfig.SecurityGroupIds"),
        Column(
            "environment_names",
            List(Str),
            "Environment",
            fn=lambda v: sorted(_variables(v)),
            doc="Names of its environment variables; values are not kept.",
        ),
        Column(
            "environment_secrets",
            List(Str),
            "Environment",
            fn=lambda v: secret_variables(_variables(v)),
            doc="Names of the variables that seem to hold credentials in the clear.",
        ),
        Column(
            "kms_key_arn",
            Str,
            "KMSKeyArn",
            "",
            doc="Customer managed key of the environment variables; empty: Lambda's own.",
        ),
        Column("dead_letter_target", Str, "DeadLetterConfig.TargetArn", ""),
        Column("tracing_mode", Enum("Active", "PassThrough"), "TracingConfig.Mode", "PassThrough"),
        Column(
            "layers",
            List(
                Struct(
                    Field("arn", Str, "Arn"),
                    Field("account_id", Str, "Arn", "", fn=_account),
                    Field("signing_job", Str, "SigningJobArn", ""),
                )
            ),
            "Layers",
        ),
        Column("log_group", Str, "LoggingConfig.LogGroup", ""),
        Column("log_format", Enum("Text", "JSON"), "LoggingConfig.LogFormat", "Text"),
        Column("snap_start", Enum("PublishedVersions", "None"), "SnapStart.ApplyOn", "None"),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="The function's own policy."),
        Column(
            "urls",
            List(
                Struct(
                    Field("url", Str, "FunctionUrl"),
                    Field("function_arn", Str, "FunctionArn", ""),
                    Field("auth_type", Enum("NONE", "AWS_IAM"), "AuthType"),
                    Field("allow_origins", List(Str), "Cors.AllowOrigins"),
                    Field("allow_credentials", Bool, "Cors.AllowCredentials", False),
                )
            ),
            "urls.FunctionUrlConfigs",
            doc="Function URLs, of the function and its aliases.",
        ),
        Column(
            "code_signing_config",
            Str,
            "signing.CodeSigningConfigArn",
            "",
            doc="Empty: code is not checked for signatures.",
        ),
        Column(
            "runtime_update_mode",
            Enum("Auto", "FunctionUpdate", "Manual", "none"),
            "updates.UpdateRuntimeOn",
            "none",
            doc="Who applies runtime patches: AWS (Auto), your next deployment, or you; none: an image.",
        ),
        Column(
            "runtime_version_arn",
            Str,
            "updates.RuntimeVersionArn",
            "",
            doc="The runtime version that update mode Manual holds the function to; empty in other modes.",
        ),
        Column(
            "capacity_provider_arn",
            Str,
            "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig.CapacityProviderArn",
            "",
            doc="Of Lambda Managed Instances; empty: it runs on Lambda's own machines.",
        ),
        Column(
            "custom_runtime_arn",
            Str,
            "RuntimeConfig.RuntimeArn",
            "",
            doc="A runtime of the customer's own; empty: one that Lambda names, or an image.",
        ),
        Column(
            "reserved_concurrency",
            Int,
            "concurrency.ReservedConcurrentExecutions",
            -1,
            doc="-1: no limit of its own.",
        ),
        Column(
            "failure_destinations",
            List(Str),
            "invocation.FunctionEventInvokeConfigs[].DestinationConfig.OnFailure.Destination",
            doc="Where failed asynchronous events go.",
        ),
    ),
    relations=(
        Relation(
            "subnets",
            "vpc_subnet",
            ("subnet_id", "availability_zone"),
            {"subnet_ids[]": "subnet_id", "region": "region"},
        ),
        Relation(
            "roles",
            "iam_role",
            ("arn", "attached_policy_arns", "inline_policy_facts"),
            {"account_id": "account_id", "role": "arn"},
            doc="The execution role; none: it is another account's, or gone.",
        ),
    ),
)

event_source_mapping = Table(
    "lambda_event_source_mapping",
    service="lambda",
    scope="regional",
    resource_type="AWS::Lambda::EventSourceMapping",
    doc="A stream or queue that a function is fed from.",
    rows=Call("lambda:ListEventSourceMappings", {"MaxItems": 100}, at="EventSourceMappings"),
    arn="arn:{partition}:lambda:{region}:{account_id}:event-source-mapping:{uuid}",
    title="UUID",
    columns=(
        Column("uuid", Str, "UUID"),
        Column("function_arn", Str, "FunctionArn", ""),
        Column("event_source_arn", Str, "EventSourceArn", "", doc="Empty for a self-managed cluster."),
        Column("state", Str, "State", "", doc="Enabled, Disabled …"),
        Column("failure_destination", Str, "DestinationConfig.OnFailure.Destination", ""),
        Column(
            "maximum_retry_attempts", Int, "MaximumRetryAttempts", -1, doc="-1: until the record expires."
        ),
        Column("kms_key_arn", Str, "KMSKeyArn", "", doc="Customer managed key of the filter criteria."),
        Column("source_access_types", List(Str), "SourceAccessConfigurations[].Type"),
    ),
)

layer = Table(
    "lambda_layer",
    service="lambda",
    scope="regional",
    resource_type="AWS::Lambda::LayerVersion",
    doc="The latest version of a layer.",
    rows=Call("lambda:ListLayers", {"MaxItems": 50}, at="Layers"),
    arn="LatestMatchingVersion.LayerVersionArn",
    title="LayerName",
    calls={
        "policy": Call(
            "lambda:GetLayerVersionPolicy",
            {"LayerName": "name", "VersionNumber": "version"},
            absent=(_MISSING,),
        ),
    },
    columns=(
        Column("layer_arn", Str, "LayerArn", doc="Without the version."),
        Column("version", Int, "LatestMatchingVersion.Version"),
        Column("created_at", Timestamp, "LatestMatchingVersion.CreatedDate"),
        Column("compatible_runtimes", List(Str), "LatestMatchingVersion.CompatibleRuntimes"),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Who else may use this version."),
    ),
)

code_signing_config = Table(
    "lambda_code_signing_config",
    service="lambda",
    scope="regional",
    resource_type="AWS::Lambda::CodeSigningConfig",
    doc="Whose signatures functions ask for, and what happens to code without them.",
    rows=Call("lambda:ListCodeSigningConfigs", {"MaxItems": 100}, at="CodeSigningConfigs"),
    arn="CodeSigningConfigArn",
    title="CodeSigningConfigId",
    columns=(
        Column("publishers", List(Str), "AllowedPublishers.SigningProfileVersionArns"),
        Column(
            "untrusted_artifact_action",
            Enum("Warn", "Enforce"),
            "CodeSigningPolicies.UntrustedArtifactOnDeployment",
        ),
        Column("last_modified", Timestamp, "LastModified"),
    ),
)

TABLES = (function, event_source_mapping, layer, code_signing_config)
