"""What policies say and what of it is used: statements, lint, effective and unused permissions."""

from __future__ import annotations

from typing import Final

from partywall.tables.spec import (
    Analysis,
    Bool,
    Column,
    Enum,
    Field,
    Float,
    Int,
    List,
    Str,
    Struct,
    Table,
    Timestamp,
)

_ATTACHED: Final = ("attached_policies", "inline_policies", "inline_policy", "inline_policy_names")
PRINCIPALS: Final[dict[str, tuple[str, ...]]] = {
    "iam_user": (*_ATTACHED, "group_names", "permissions_boundary", "user_id", "create_date"),
    "iam_role": (
        *_ATTACHED,
        "permissions_boundary",
        "role_id",
        "create_date",
        "is_aws_managed",
        "trust_policy",
        "last_active",
    ),
    "iam_group": _ATTACHED,
    "iam_policy": ("document", "attachment_count", "boundary_usage_count", "default_version_id"),
    "iam_aws_managed_policy": ("document", "attachment_count"),
}
"""The tables of identity policies, and the columns that analyses read of them."""
ORGANIZATION: Final[dict[str, tuple[str, ...]]] = {
    "account": ("organization_id", "management_account_id"),
    "organizations_account": ("member_account_id", "ancestor_ids", "parent_type"),
    "organizations_policy_type": ("policy_type", "status"),
    "organizations_policy": ("policy_type", "content", "target_ids", "aws_managed"),
}
RESOURCE_POLICIES: Final[dict[str, tuple[str, ...]]] = {
    "acmpca_certificate_authority": ("policy",),
    "apigateway_rest_api": ("policy",),
    "backup_vault": ("policy",),
    "cloudhsm_backup": ("policy",),
    "cloudtrail_event_data_store": ("policy",),
    "codebuild_project": ("policy",),
    "dynamodb_table": ("policy",),
    "ecr_public_repository": ("policy",),
    "ecr_registry": ("policy",),
    "ecr_repository": ("policy",),
    "efs_file_system": ("policy",),
    "events_bus": ("policy",),
    "glacier_vault": ("policy", "lock_policy"),
    "glue_data_catalog": ("policy",),
    "kinesis_stream": ("policy",),
    "kms_key": ("policy",),
    "lambda_function": ("policy",),
    "lambda_layer": ("policy",),
    "logs_destination": ("access_policy",),
    "logs_resource_policy": ("policy",),
    "msk_cluster": ("policy",),
    "opensearch_domain": ("policy",),
    "s3_access_point": ("policy",),
    "s3_bucket": ("policy",),
    "s3_directory_bucket": ("policy",),
    "secretsmanager_secret": ("policy",),
    "ses_identity": ("policy",),
    "sns_topic": ("policy",),
    "sqs_queue": ("policy",),
    "vpc_endpoint": ("policy",),
}
"""The tables of resources that carry a policy, and its columns."""
_KINDS: Final = ("managed", "aws_managed", "inline", "permission_set", "trust", "resource", "scp", "rcp")
_IDENTITY: Final = ("managed", "inline")
_ALL: Final = {
    **PRINCIPALS,
    **RESOURCE_POLICIES,
    "organizations_policy": ORGANIZATION["organizations_policy"],
    "sso_permission_set": ("inline_policy",),
}
_WRITTEN: Final = {name: columns for name, columns in _ALL.items() if name != "iam_aws_managed_policy"}
_MODULE: Final = "partywall.analysis.iam.tables_policies"
_PERMISSIONS: Final = "partywall.analysis.iam.tables_permissions"
_CODES: Final = List(Str)
_LINTED: Final = (
    Column("errors", _CODES, "", doc="Codes of IAM Access Analyzer's policy validation of the grade ERROR."),
    Column("security_warnings", _CODES, "", doc="Its codes of the grade SECURITY_WARNING."),
    Column("warnings", _CODES, "", doc="Its codes of the grade WARNING."),
    Column("suggestions", _CODES, "", doc="Its codes of the grade SUGGESTION."),
)

statement = Table(
    "iam_statement",
    service="iam",
    scope="global",
    doc="A statement of a policy: identity policies, trust policies, policies of resources, SCPs and RCPs. A "
    "policy that could not be read is one row with nothing known.",
    rows=Analysis(f"{_MODULE}:statements", _ALL, tuple(_ALL)),
    arn="",
    columns=(
        Column("policy_kind", Enum(*_KINDS), ""),
        Column("holder_arn", Str, "", doc="The principal or resource that has it; empty: managed."),
        Column("position", Int, "", doc="From 1, its place in the policy."),
        Column("sid", Str, "", doc="Empty: it has none."),
        Column("effect", Enum("Allow", "Deny"), ""),
        Column("problem", Str, "", doc="Why AWS would not read it; empty: it is well formed."),
        Column("actions", List(Str), "", doc="Of Action or NotAction, in lower case."),
        Column("not_action", Bool, "", doc="The actions are those left out."),
        Column("action_count", Int, "", doc="How many of AWS's actions it takes in."),
        Column("resources", List(Str), "", doc="Of Resource or NotResource; empty: it names none."),
        Column("not_resource", Bool, ""),
        Column("principals", List(Str), "", doc="Such as `AWS:arn:…`, `Service:…`, or `*`."),
        Column("not_principal", Bool, ""),
        Column(
            "conditions",
            List(Struct(Field("operator", Str, ""), Field("key", Str, ""), Field("values", List(Str), ""))),
            "",
        ),
    ),
)

policy_finding = Table(
    "iam_policy_finding",
    service="iam",
    scope="global",
    doc="A finding of the policy lint, by the codes of IAM Access Analyzer's policy validation, on a policy "
    "that the account's owner wrote. A policy that could not be read is one row with nothing known.",
    rows=Analysis(f"{_MODULE}:findings", _WRITTEN, tuple(_WRITTEN)),
    arn="",
    columns=(
        Column("policy_kind", Enum(*_KINDS), ""),
        Column("holder_arn", Str, "", doc="The principal or resource that has it; empty: managed."),
        Column("code", Str, "", doc="Such as INVALID_ACTION."),
        Column("severity", Enum("ERROR", "SECURITY_WARNING", "WARNING", "SUGGESTION"), ""),
        Column("message", Str, ""),
        Column("path", Str, "", doc="Where in the document, such as Statement[0].Action[2]."),
        Column("line", Int, "", doc="From 1, in the document as AWS gives it."),
        Column("column", Int, ""),
    ),
)

policy_review = Table(
    "iam_policy_review",
    service="iam",
    scope="global",
    doc="A permission policy that the account's owner wrote, managed or inline, as a reviewer would read it.",
    rows=Analysis(
        f"{_MODULE}:reviews",
        {name: PRINCIPALS[name] for name in ("iam_policy", "iam_user", "iam_group", "iam_role")},
        ("iam_policy", "iam_user", "iam_group", "iam_role"),
    ),
    arn="",
    columns=(
        Column("policy_kind", Enum(*_IDENTITY), ""),
        Column("holder_arn", Str, "", doc="Of an inline policy its user, group or role; empty: managed."),
        Column("attachments", Int, "", doc="Users, groups and roles that have it; of an inline policy 1."),
        Column("boundary_uses", Int, "", doc="Users and roles that it bounds."),
        Column("size", Int, "", doc="Characters, white space left out."),
        Column("statement_count", Int, ""),
        *_LINTED,
        Column("allows_everything", Bool, "", doc="Every action on every resource, without a condition."),
        Column(
            "allows_not_action",
            Bool,
            "",
            doc="A statement allows all actions but some (NotAction), and with them those yet to come.",
        ),
        Column(
            "wildcard_services",
            List(Str),
            "",
            doc="Services of which it allows every action on every resource, without a condition; `*`: all.",
        ),
        Column(
            "passes_any_role",
            Bool,
            "",
            doc="It allows iam:PassRole on any role, without saying to which service.",
        ),
        Column(
            "escalation_actions",
            List(Str),
            "",
            doc="Actions that it allows on every resource, without a condition, by which one gains rights.",
        ),
        Column(
            "exfiltration_actions",
            List(Str),
            "",
            doc="Actions that it allows on every resource, without a condition, by which data leaves.",
        ),
        Column(
            "idle_denies",
            List(Str),
            "",
            doc="Deny statements that hold of no request: Sid or place, and why.",
        ),
        Column(
            "idle_allows",
            List(Str),
            "",
            doc="Allow statements that say nothing beside another of the same policy: Sid or place, and why.",
        ),
    ),
)

resource_policy = Table(
    "iam_resource_policy",
    service="iam",
    scope="global",
    doc="A role's trust policy, or the policy of a resource that could have one, by the codes of the policy "
    "lint. The Region of a row is its resource's.",
    rows=Analysis(
        f"{_MODULE}:resource_policies",
        {**RESOURCE_POLICIES, "iam_role": ("trust_policy", "is_aws_managed")},
        (*RESOURCE_POLICIES, "iam_role"),
    ),
    arn="",
    columns=(
        Column("policy_kind", Enum("trust", "resource"), ""),
        Column("table_name", Str, "", doc="The table that the resource is a row of."),
        Column("column_name", Str, "", doc="The column that the policy is in."),
        Column("has_policy", Bool, "", doc="There is a policy; of what follows nothing is told otherwise."),
        Column("statement_count", Int, ""),
        *_LINTED,
        Column("allows_not_principal", Bool, "", doc="A statement allows everyone but some (NotPrincipal)."),
        Column("idle_denies", List(Str), "", doc="Deny statements that hold of no request, and why."),
    ),
)

effective_permission = Table(
    "iam_effective_permission",
    service="iam",
    scope="global",
    doc="What a class of principals (those with the same policies, boundary and SCPs) may do in one service, "
    "policies of resources apart. `may`: on some resource, under some condition; `must`: on every one.",
    rows=Analysis(f"{_PERMISSIONS}:effective", {**PRINCIPALS, **ORGANIZATION}, ("iam_user", "iam_role")),
    arn="",
    columns=(
        Column(
            "members", List(Str), "", doc="The ARNs of all principals of the class; the row's is the first."
        ),
        Column("service_prefix", Str, "", doc="Such as s3."),
        Column("may_count", Int, "", doc="How many actions it may do."),
        Column("must_count", Int, ""),
        Column("total_count", Int, "", doc="How many actions the service has."),
        Column("may", List(Str), "", doc="Those actions; `*` alone: all that the service has."),
        Column("must", List(Str), "", doc="Likewise."),
    ),
)

_USAGE: Final = {
    **{k: v for k, v in PRINCIPALS.items() if k not in ("iam_user", "iam_role")},
    "iam_user": (*PRINCIPALS["iam_user"], "last_accessed"),
    "iam_role": (*PRINCIPALS["iam_role"], "last_accessed"),
}

unused_permission = Table(
    "iam_unused_permission",
    service="iam",
    scope="global",
    doc="A service that a principal's policies and boundary allow, or that AWS reports on, and its last use.",
    rows=Analysis(f"{_PERMISSIONS}:unused", _USAGE, ("iam_user", "iam_role")),
    arn="",
    columns=(
        Column("service_prefix", Str, "", doc="Such as s3."),
        Column("granted_count", Int, "", doc="How many of its actions the principal may do."),
        Column("tracked", Bool, "", doc="AWS reports on the principal's use of the service."),
        Column("used", Bool, "", doc="Used within AWS's tracking period (400 days at most)."),
        Column("last_used", Timestamp, "", doc="NULL where it was not used within it, or is not tracked."),
        Column(
            "unused_days",
            Int,
            "",
            doc="Days since the last use; without one since the principal was made, 400 at most.",
        ),
        Column(
            "unused_actions",
            List(Str),
            "",
            doc="Of the actions that AWS tracks one by one, those allowed and not used for 90 days.",
        ),
    ),
)

principal_usage = Table(
    "iam_principal_usage",
    service="iam",
    scope="global",
    doc="What a user or role may do by its policies and boundary, against what it used.",
    rows=Analysis(f"{_PERMISSIONS}:usage", _USAGE, ("iam_user", "iam_role")),
    arn="",
    columns=(
        Column("principal_kind", Enum("user", "role"), ""),
        Column("is_aws_managed", Bool, "", doc="A role that AWS made and keeps."),
        Column("age_days", Int, "", doc="Days since it was made."),
        Column("idle_days", Int, "", doc="Days since the last use of any service; without one, its age."),
        Column("allows_everything", Bool, "", doc="Every action on every resource, come what may."),
        Column(
            "high_risk_actions",
            List(Str),
            "",
            doc="Actions allowed on some resource by which rights are gained or data leaves.",
        ),
        Column("granted_services", List(Str), "", doc="Services that it may use and AWS reports on."),
        Column(
            "unused_services",
            List(Str),
            "",
            doc="Those of them not used for 90 days; none while the principal is younger than that.",
        ),
        Column("unused_share", Float, "", doc="Unused ones in a whole of 1; 0 where there are none."),
        Column(
            "unused_high_risk",
            List(Str),
            "",
            doc="High-risk actions of services, or themselves, not used for 90 days.",
        ),
        Column("has_boundary", Bool, ""),
        Column(
            "boundary_allows_everything",
            Bool,
            "",
            doc="Its permissions boundary bounds nothing; false where there is no boundary.",
        ),
    ),
)

TABLES = (
    statement,
    policy_finding,
    policy_review,
    resource_policy,
    effective_permission,
    unused_permission,
    principal_usage,
)
