"""AWS CodeBuild: projects, source credentials and report groups."""

import re
from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.secret_patterns import secret_kinds, secret_pairs
from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Enum,
    Field,
    List,
    Policy,
    Str,
    Struct,
    Table,
    Timestamp,
)

Element = Mapping[str, Any]
_USER_INFO: Final = re.compile(r"(?<=://)[^/@]+@")
_AWS_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def _without_credentials(location: str) -> str:
    return _USER_INFO.sub("", location)


def _has_credentials(source: Element) -> bool:
    """Whether a source's address carries a user name or token ("https://token@bitbucket.org/…")."""
    location = str(source.get("location", ""))
    return location.startswith(("http://", "https://")) and _USER_INFO.search(location) is not None


def _plain(variables: list[Element]) -> list[Element]:
    return [v for v in variables if v.get("type", "PLAINTEXT") == "PLAINTEXT"]


def _secrets(variables: list[Element]) -> list[str]:
    """Names of plaintext variables that hold credentials, AWS's own names among them whatever the value."""
    plain = _plain(variables)
    return sorted({*secret_pairs(plain), *(v["name"] for v in plain if v.get("name") in _AWS_KEYS)})


def _buildspec(text: str) -> str:
    """Where the build's commands come from: "inline", an ARN's service ("s3"), or a "file" in the source."""
    if text.startswith("arn:"):
        return "s3"
    return "inline" if "\n" in text or ":" in text else "file"


def _filters(groups: list[list[Element]]) -> list[dict[str, Any]]:
    """A webhook's filters, each with the number of its group (filters of a group hold together)."""
    return [{"group": str(n), **f} for n, filters in enumerate(groups, 1) for f in filters]


_SOURCE: Final = Struct(
    Field("type", Str, "type", "NO_SOURCE"),
    Field("location", Str, "location", "", fn=_without_credentials),
    Field("has_credentials", Bool, ".", fn=_has_credentials),
    Field("auth_type", Str, "auth.type", ""),
    Field("insecure_ssl", Bool, "insecureSsl", False),
)
_ARTIFACTS: Final = Struct(
    Field("type", Enum("CODEPIPELINE", "S3", "NO_ARTIFACTS"), "type", "NO_ARTIFACTS"),
    Field("location", Str, "location", ""),
    Field("encryption_disabled", Bool, "encryptionDisabled", False),
)


def _both(first: str, more: str) -> Any:
    """A function from a project to its first and further sources or artifacts, in one list."""
    return lambda p: [x for x in (p.get(first), *(p.get(more) or ())) if x]


project = Table(
    "codebuild_project",
    service="codebuild",
    scope="regional",
    resource_type="AWS::CodeBuild::Project",
    doc="A build project. Values of variables, credentials in addresses and webhook secrets are not kept.",
    rows=Call("codebuild:ListProjects", at="projects"),
    arn="arn:{partition}:codebuild:{region}:{account_id}:project/{name}",
    title=".",
    tags="described.tags",
    calls={
        "described": Batch(
            "codebuild:BatchGetProjects",
            param="names",
            by="name",
            at="projects",
            key="name",
            size=100,
        ),
        "policy": Call(
            "codebuild:GetResourcePolicy", {"resourceArn": "arn"}, absent=("ResourceNotFoundException",)
        ),
    },
    columns=(
        Column("created_at", Timestamp, "described.created"),
        Column("last_modified", Timestamp, "described.lastModified"),
        Column(
            "visibility",
            Enum("PUBLIC_READ", "PRIVATE"),
            "described.projectVisibility",
            "PRIVATE",
            doc="PUBLIC_READ: everyone sees its builds, logs and artifacts.",
        ),
        Column("service_role", Str, "described.serviceRole", ""),
        Column("sources", List(_SOURCE), "described", fn=_both("source", "secondarySources")),
        Column("artifacts", List(_ARTIFACTS), "described", fn=_both("artifacts", "secondaryArtifacts")),
        Column(
            "buildspec_origin",
            Enum("inline", "s3", "file"),
            "described.source.buildspec",
            "file",
            fn=_buildspec,
            doc="file: whoever can change the source repository decides what the build does.",
        ),
        Column(
            "buildspec_secrets",
            List(Str),
            "described.source.buildspec",
            fn=secret_kinds,
            doc="Kinds of credentials that an inline build specification seems to hold.",
        ),
        Column("encryption_key", Str, "described.encryptionKey", "", doc="Of artifacts; empty: aws/s3."),
        Column("environment_type", Str, "described.environment.type", ""),
        Column("image", Str, "described.environment.image", ""),
        Column("privileged_mode", Bool, "described.environment.privilegedMode", False),
        Column("environment_names", List(Str), "described.environment.environmentVariables[].name"),
        Column(
            "environment_secrets",
            List(Str),
            "described.environment.environmentVariables",
            fn=_secrets,
            doc="Names of plaintext variables that seem to hold credentials.",
        ),
        Column("vpc_id", Str, "described.vpcConfig.vpcId", ""),
        Column(
            "cloudwatch_logs",
            Enum("ENABLED", "DISABLED"),
            "described.logsConfig.cloudWatchLogs.status",
            "ENABLED",
            doc="CodeBuild logs to CloudWatch unless told otherwise.",
        ),
        Column("s3_logs", Enum("ENABLED", "DISABLED"), "described.logsConfig.s3Logs.status", "DISABLED"),
        Column("s3_logs_location", Str, "described.logsConfig.s3Logs.location", ""),
        Column("s3_logs_encryption_disabled", Bool, "described.logsConfig.s3Logs.encryptionDisabled", False),
        Column("has_webhook", Bool, "described.webhook", False, fn=lambda v: v is not None),
        Column(
            "webhook_filters",
            List(
                Struct(
                    Field("group", Str, "group"),
                    Field("type", Str, "type"),
                    Field("pattern", Str, "pattern", ""),
                    Field("is_excluding", Bool, "excludeMatchedPattern", False),
                )
            ),
            "described.webhook.filterGroups",
            fn=_filters,
            doc="Which events start a build; `group` numbers the filters that must all hold.",
        ),
        Column(
            "pull_request_approval",
            Enum("DISABLED", "ALL_PULL_REQUESTS", "FORK_PULL_REQUESTS"),
            "described.webhook.pullRequestBuildPolicy.requiresCommentApproval",
            "DISABLED",
            doc="Whether a member must approve by a comment before a pull request is built.",
        ),
        Column("policy", Policy("resource"), "policy.policy", "", doc="With whom the project is shared."),
    ),
)

source_credential = Table(
    "codebuild_source_credential",
    service="codebuild",
    scope="regional",
    resource_type="AWS::CodeBuild::SourceCredential",
    doc="A credential by which CodeBuild reads a Git server, for all projects of the Region.",
    rows=Call("codebuild:ListSourceCredentials", at="sourceCredentialsInfos"),
    arn="arn",
    columns=(
        Column("server_type", Str, "serverType"),
        Column(
            "auth_type",
            Enum("OAUTH", "BASIC_AUTH", "PERSONAL_ACCESS_TOKEN", "CODECONNECTIONS", "SECRETS_MANAGER"),
            "authType",
        ),
        Column("resource", Str, "resource", "", doc="ARN of the connection or secret."),
    ),
)

report_group = Table(
    "codebuild_report_group",
    service="codebuild",
    scope="regional",
    resource_type="AWS::CodeBuild::ReportGroup",
    doc="A group of test or coverage reports.",
    rows=Call("codebuild:ListReportGroups", {"maxResults": 100}, at="reportGroups"),
    arn=".",
    tags="described.tags",
    calls={
        "described": Batch(
            "codebuild:BatchGetReportGroups",
            param="reportGroupArns",
            by="arn",
            at="reportGroups",
            key="arn",
            size=100,
        ),
    },
    columns=(
        Column("report_type", Enum("TEST", "CODE_COVERAGE"), "described.type"),
        Column(
            "export_type", Enum("S3", "NO_EXPORT"), "described.exportConfig.exportConfigType", "NO_EXPORT"
        ),
        Column("bucket", Str, "described.exportConfig.s3Destination.bucket", ""),
        Column(
            "encryption_disabled",
            Bool,
            "described.exportConfig.s3Destination.encryptionDisabled",
            False,
        ),
    ),
)

TABLES = (project, source_credential, report_group)
