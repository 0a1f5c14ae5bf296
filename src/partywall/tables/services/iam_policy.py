"""IAM managed policies, the customer's own and AWS's, and the account's password policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from partywall.tables.services.iam import AUTHORIZATION_DETAILS
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Field,
    Int,
    List,
    Policy,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _default_document(versions: Sequence[Mapping[str, Any]]) -> Any:
    """The document of the version in force."""
    return next((v["Document"] for v in versions if v.get("IsDefaultVersion")), None)


def _other_versions(versions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The versions that are not in force, which SetDefaultPolicyVersion can bring back."""
    return [
        {
            "version_id": v["VersionId"],
            "create_date": v.get("CreateDate"),
            "document": _text(v["Document"]) if "Document" in v else None,
        }
        for v in versions
        if not v.get("IsDefaultVersion")
    ]


def _text(document: Any) -> str:
    return unquote(document) if isinstance(document, str) else orjson.dumps(document).decode()


def _name(policy: Mapping[str, Any]) -> str:
    return policy.get("PolicyName") or policy["Arn"].rpartition("/")[2]


def _of_aws(policy: Mapping[str, Any]) -> bool:
    """AWS's own managed policies have "aws" for an account (IAM User Guide, IAM identifiers)."""
    return policy["Arn"].split(":")[4] == "aws"


policy = Table(
    "iam_policy",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::ManagedPolicy",
    doc="A customer managed policy with the document of its default version.",
    rows=Call("iam:GetAccountAuthorizationDetails", AUTHORIZATION_DETAILS, at="Policies"),
    keep=lambda policy: not _of_aws(policy),
    arn="Arn",
    title="{policy_name}",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("iam:policy"),
    },
    columns=(
        Column(
            "policy_name",
            Str,
            ".",
            doc="The last part of the ARN.",
            fn=_name,
        ),
        Column("path", Str, "Path", "/"),
        Column("policy_id", Str, "PolicyId"),
        Column("create_date", Timestamp, "CreateDate"),
        Column("update_date", Timestamp, "UpdateDate"),
        Column("default_version_id", Str, "DefaultVersionId"),
        Column(
            "document",
            Policy("identity"),
            "PolicyVersionList",
            doc="The default version's document.",
            fn=_default_document,
        ),
        Column(
            "other_versions",
            List(
                Struct(
                    Field("version_id", Str, "version_id"),
                    Field("create_date", Timestamp, "create_date"),
                    Field("document", Str, "document"),
                )
            ),
            "PolicyVersionList",
            doc="The versions kept beside the default one, which can be made the default again.",
            fn=_other_versions,
        ),
        Column(
            "attachment_count", Int, "AttachmentCount", 0, doc="Users, groups and roles it is attached to."
        ),
        Column(
            "boundary_usage_count",
            Int,
            "PermissionsBoundaryUsageCount",
            0,
            doc="Users and roles that it bounds.",
        ),
    ),
)

aws_managed_policy = Table(
    "iam_aws_managed_policy",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::ManagedPolicy",
    doc="A policy that AWS wrote and keeps, where some user, group or role of the account has it.",
    rows=Call("iam:GetAccountAuthorizationDetails", AUTHORIZATION_DETAILS, at="Policies"),
    keep=lambda policy: _of_aws(policy) and bool(policy.get("AttachmentCount")),
    arn="Arn",
    title="{policy_name}",
    columns=(
        Column("policy_name", Str, ".", doc="The last part of the ARN.", fn=_name),
        Column("path", Str, "Path", "/"),
        Column("update_date", Timestamp, "UpdateDate", doc="When AWS last changed it."),
        Column("default_version_id", Str, "DefaultVersionId"),
        Column(
            "document",
            Policy("identity"),
            "PolicyVersionList",
            doc="The default version's document.",
            fn=_default_document,
        ),
        Column("attachment_count", Int, "AttachmentCount", 0, doc="Users, groups and roles that have it."),
    ),
)

password_policy = Table(
    "iam_password_policy",
    service="iam",
    scope="global",
    resource_type="AWS::::Account",
    doc="The rules for IAM users' passwords, one row. Where none are set, AWS's default holds: 8 characters, "
    "of three kinds, no expiry, no history (IAM User Guide, Set an account password policy for IAM users).",
    rows=Single(),
    arn="arn:{partition}:iam::{account_id}:password-policy",
    title="{account_id}",
    calls={
        "policy": Call("iam:GetAccountPasswordPolicy", at="PasswordPolicy", absent=("NoSuchEntity",)),
    },
    columns=(
        Column("is_set", Bool, "policy", False, doc="The account has its own rules.", fn=bool),
        Column("minimum_length", Int, "policy.MinimumPasswordLength", 8),
        Column("require_symbols", Bool, "policy.RequireSymbols", False),
        Column("require_numbers", Bool, "policy.RequireNumbers", False),
        Column("require_uppercase", Bool, "policy.RequireUppercaseCharacters", False),
        Column("require_lowercase", Bool, "policy.RequireLowercaseCharacters", False),
        Column("allow_users_to_change", Bool, "policy.AllowUsersToChangePassword", False),
        Column("expires", Bool, "policy.ExpirePasswords", False),
        Column("max_age_days", Int, "policy.MaxPasswordAge", 0, doc="0: passwords do not expire."),
        Column(
            "reuse_prevention",
            Int,
            "policy.PasswordReusePrevention",
            0,
            doc="How many earlier passwords cannot be taken again.",
        ),
        Column("hard_expiry", Bool, "policy.HardExpiry", False, doc="Who lets one expire is locked out."),
    ),
)

TABLES = (policy, aws_managed_policy, password_policy)
