"""AWS Systems Manager: managed nodes and their patches, documents, parameters, associations, settings."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

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
    Lookup,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

_OWN = {"Filters": [{"Key": Const("Owner"), "Values": [Const("Self")]}]}

# An access key id, the head of a private key, or a password given as a plain value.
_SECRET: Final = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
    r"|(?i:\b(?:password|passwd|secret_?key|api_?key|auth_?token)['\"]?\s*[:=]\s*['\"][^'\"{}$\s]{8,}['\"])"
)


def holds_secret(text: str) -> bool:
    """Whether a document's text holds something that looks like a credential. The text is not kept."""
    return _SECRET.search(text) is not None


def _session_input(name: str) -> Any:
    """A function from the session document's content to one of its inputs; raises ValueError if not JSON."""

    def read(content: str) -> Any:
        return orjson.loads(content).get("inputs", {}).get(name)

    return read


def _setting(setting: str) -> Call:
    return Call(
        "ssm:GetServiceSetting",
        {"SettingId": Const(setting)},
        at="ServiceSetting",
        absent=("ServiceSettingNotFound",),
    )


managed_instance = Table(
    "ssm_managed_instance",
    service="ssm",
    scope="regional",
    resource_type="AWS::SSM::ManagedInstance",
    doc="A node that Systems Manager manages: an EC2 instance, or a machine elsewhere (mi-…).",
    rows=Call("ssm:DescribeInstanceInformation", at="InstanceInformationList"),
    arn="arn:{partition}:ssm:{region}:{account_id}:managed-instance/{instance_id}",
    title="InstanceId",
    calls={
        "patches": Batch(
            "ssm:DescribeInstancePatchStates",
            param="InstanceIds",
            by="instance_id",
            at="InstancePatchStates",
            key="InstanceId",
            size=50,
            missing_is_absent=True,
        ),
        "compliance": Lookup(
            "ssm:ListResourceComplianceSummaries",
            at="ResourceComplianceSummaryItems",
            key="ResourceId",
            by="instance_id",
            many=True,
        ),
    },
    columns=(
        Column("instance_id", Str, "InstanceId"),
        Column("resource_kind", Enum("EC2Instance", "ManagedInstance"), "ResourceType"),
        Column("ping_status", Enum("Online", "ConnectionLost", "Inactive"), "PingStatus"),
        Column("last_ping", Timestamp, "LastPingDateTime"),
        Column("agent_version", Str, "AgentVersion", ""),
        Column("is_latest_version", Bool, "IsLatestVersion", doc="Whether the agent is the newest one."),
        Column("platform_type", Enum("Windows", "Linux", "MacOS"), "PlatformType", ""),
        Column("platform_name", Str, "PlatformName", ""),
        Column("platform_version", Str, "PlatformVersion", ""),
        Column("computer_name", Str, "ComputerName", ""),
        Column("iam_role", Str, "IamRole", "", doc="The role of a node outside EC2."),
        Column("association_status", Str, "AssociationStatus", ""),
        Column(
            "compliance",
            List(
                Struct(
                    Field("type", Str, "ComplianceType"),
                    Field("status", Enum("COMPLIANT", "NON_COMPLIANT"), "Status"),
                    Field("severity", Str, "OverallSeverity", "UNSPECIFIED"),
                    Field("non_compliant", Int, "NonCompliantSummary.NonCompliantCount", 0),
                )
            ),
            "compliance",
            doc="What the node reported of each kind: Patch, Association, and kinds of your own.",
        ),
        Column(
            "patches_reported",
            Bool,
            "patches.InstanceId",
            False,
            doc="Patch Manager has scanned the node; otherwise the following columns are NULL.",
            fn=bool,
        ),
        Column("patch_baseline_id", Str, "patches.BaselineId", ""),
        Column("patch_scan_time", Timestamp, "patches.OperationEndTime"),
        Column("patches_missing", Int, "patches.MissingCount"),
        Column("patches_failed", Int, "patches.FailedCount"),
        Column("patches_pending_reboot", Int, "patches.InstalledPendingRebootCount"),
        Column("patches_critical_missing", Int, "patches.CriticalNonCompliantCount"),
        Column("patches_security_missing", Int, "patches.SecurityNonCompliantCount"),
    ),
)

patch_baseline = Table(
    "ssm_patch_baseline",
    service="ssm",
    scope="regional",
    resource_type="AWS::SSM::PatchBaseline",
    doc="A patch baseline of the account's own: which patches are approved, and when.",
    rows=Call(
        "ssm:DescribePatchBaselines",
        {"Filters": [{"Key": Const("OWNER"), "Values": [Const("Self")]}]},
        at="BaselineIdentities",
    ),
    arn="arn:{partition}:ssm:{region}:{account_id}:patchbaseline/{baseline_id}",
    title="BaselineName",
    tags="tagging.Tags",
    calls={
        "baseline": Call("ssm:GetPatchBaseline", {"BaselineId": "baseline_id"}),
        "tagging": tagging("ssm:patchbaseline"),
    },
    columns=(
        Column("baseline_id", Str, "BaselineId"),
        Column("operating_system", Str, "OperatingSystem", "WINDOWS"),
        Column("is_default", Bool, "DefaultBaseline", False),
        Column(
            "approval_rules",
            List(
                Struct(
                    Field("approve_after_days", Int, "ApproveAfterDays", -1),
                    Field("approve_until_date", Str, "ApproveUntilDate", ""),
                    Field("compliance_level", Str, "ComplianceLevel", "UNSPECIFIED"),
                )
            ),
            "baseline.ApprovalRules.PatchRules",
            doc="Rules that approve patches: so many days after release, or (-1) all up to a date.",
        ),
        Column("rejected_patches", List(Str), "baseline.RejectedPatches"),
        Column("patch_groups", List(Str), "baseline.PatchGroups"),
    ),
)

document = Table(
    "ssm_document",
    service="ssm",
    scope="regional",
    resource_type="AWS::SSM::Document",
    doc="A Systems Manager document that the account owns.",
    rows=Call("ssm:ListDocuments", _OWN, at="DocumentIdentifiers"),
    arn="arn:{partition}:ssm:{region}:{account_id}:document/{name}",
    title="Name",
    tags="Tags",
    calls={
        "permission": Call(
            "ssm:DescribeDocumentPermission", {"Name": "name", "PermissionType": Const("Share")}
        ),
        "document": Call("ssm:GetDocument", {"Name": "name"}),
    },
    columns=(
        Column("document_type", Str, "DocumentType", ""),
        Column("document_format", Enum("YAML", "JSON", "TEXT"), "DocumentFormat", "JSON"),
        Column("created_date", Timestamp, "CreatedDate"),
        Column(
            "shared_account_ids",
            List(Str),
            "permission.AccountIds",
            doc="Accounts that it is shared with; `all` for everyone.",
        ),
        Column(
            "holds_secret",
            Bool,
            "document.Content",
            doc="Its text holds an access key, a private key or a plain password. The text is not kept.",
            fn=holds_secret,
        ),
    ),
)

parameter = Table(
    "ssm_parameter",
    service="ssm",
    scope="regional",
    resource_type="AWS::SSM::Parameter",
    doc="A parameter's settings. Its value is never read.",
    rows=Call("ssm:DescribeParameters", at="Parameters"),
    arn="arn:{partition}:ssm:{region}:{account_id}:parameter/{path}",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("ssm:parameter"),
    },
    columns=(
        Column(
            "path",
            Str,
            "Name",
            doc="The name as its ARN has it, without a slash at its beginning.",
            fn=lambda name: name.removeprefix("/"),
        ),
        Column("parameter_type", Enum("String", "StringList", "SecureString"), "Type"),
        Column("key_id", Str, "KeyId", "", doc="The KMS key of a SecureString; otherwise empty."),
        Column("tier", Enum("Standard", "Advanced", "Intelligent-Tiering"), "Tier", "Standard"),
        Column("data_type", Str, "DataType", "text"),
        Column("last_modified", Timestamp, "LastModifiedDate"),
        Column("last_modified_user", Str, "LastModifiedUser", ""),
    ),
)

association = Table(
    "ssm_association",
    service="ssm",
    scope="regional",
    resource_type="AWS::SSM::Association",
    doc="A State Manager association, which keeps nodes in a defined state.",
    rows=Call("ssm:ListAssociations", at="Associations"),
    arn="arn:{partition}:ssm:{region}:{account_id}:association/{association_id}",
    title="{association_id}",
    columns=(
        Column("association_id", Str, "AssociationId"),
        Column("association_name", Str, "AssociationName", ""),
        Column("document_name", Str, "Name", ""),
        Column("schedule", Str, "ScheduleExpression", ""),
        Column("status", Str, "Overview.Status", "Pending", doc="Success, Pending, Failed and so on."),
        Column("last_execution", Timestamp, "LastExecutionDate"),
    ),
)

settings = Table(
    "ssm_settings",
    service="ssm",
    scope="regional",
    resource_type="AWS::::Account",
    doc="Systems Manager's settings for the account in a Region, one row.",
    rows=Single(),
    arn="arn:{partition}:ssm:{region}:{account_id}:servicesetting",
    title="Systems Manager in {region}",
    calls={
        "sharing": _setting("/ssm/documents/console/public-sharing-permission"),
        "automation": _setting("/ssm/automation/customer-script-log-destination"),
        "host": _setting("/ssm/managed-instance/default-ec2-instance-management-role"),
        "session": Call(
            "ssm:GetDocument", {"Name": Const("SSM-SessionManagerRunShell")}, absent=("InvalidDocument",)
        ),
    },
    columns=(
        Column("document_public_sharing", Enum("Enable", "Disable"), "sharing.SettingValue", "Enable"),
        Column(
            "automation_log_destination",
            Str,
            "automation.SettingValue",
            "",
            doc="CloudWatch; empty: nowhere.",
        ),
        Column(
            "default_host_role",
            Str,
            "host.SettingValue",
            "",
            doc="The role by which EC2 instances are managed that bring none of their own.",
        ),
        Column(
            "session_log_group",
            Str,
            "session.Content",
            "",
            doc="Where Session Manager logs sessions; empty: nowhere.",
            fn=_session_input("cloudWatchLogGroupName"),
        ),
        Column("session_log_bucket", Str, "session.Content", "", fn=_session_input("s3BucketName")),
        Column(
            "session_kms_key",
            Str,
            "session.Content",
            "",
            doc="The key that encrypts sessions beyond TLS; empty: none.",
            fn=_session_input("kmsKeyId"),
        ),
    ),
)

TABLES = (managed_instance, patch_baseline, document, parameter, association, settings)
