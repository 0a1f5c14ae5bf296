"""IAM principals: users, groups, roles and instance profiles, with their policies and credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import unquote

import orjson

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Policy,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

AUTHORIZATION_DETAILS = {
    "Filter": [Const(kind) for kind in ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")]
}
"""The parameters of the one listing that users, groups, roles and managed policies share."""

ATTACHED = List(Struct(Field("name", Str, "PolicyName", ""), Field("arn", Str, "PolicyArn", "")))
_NEVER = ("", "N/A", "no_information", "not_supported")


def merged_policy(policies: Sequence[Mapping[str, Any]]) -> str | None:
    """All inline policies of a principal as one document: its statements are those of all of them.

    IAM evaluates the statements of all identity policies together, so the union says exactly what they say.
    Raises ValueError where a document is not JSON.
    """
    statements: list[Any] = []
    for policy in policies:
        text = policy["PolicyDocument"]
        document: Any = orjson.loads(unquote(text)) if isinstance(text, str) else text
        found: Any = document.get("Statement", [])
        statements.extend(cast("list[Any]", found) if isinstance(found, list) else [found])
    if not statements:
        return None
    return orjson.dumps({"Version": "2012-10-17", "Statement": statements}).decode()


def _inline_names(member: str) -> Column:
    return Column(
        "inline_policy_names", List(Str), f"{member}[].PolicyName", doc="The names of the inline policies."
    )


def _inline(member: str) -> Column:
    return Column(
        "inline_policy",
        Policy("identity"),
        member,
        "",
        doc="The statements of all inline policies as one document; empty: there is none.",
        fn=merged_policy,
    )


def _documents(policies: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each inline policy with its own document as text."""
    found: list[dict[str, str]] = []
    for policy in policies:
        raw: Any = policy["PolicyDocument"]
        text = unquote(raw) if isinstance(raw, str) else orjson.dumps(raw).decode()
        found.append({"name": policy.get("PolicyName", ""), "document": text})
    return found


def _inline_each(member: str) -> Column:
    return Column(
        "inline_policies",
        List(Struct(Field("name", Str, "name"), Field("document", Str, "document"))),
        member,
        doc="The inline policies one by one, each document as it was written.",
        fn=_documents,
    )


LAST_ACCESSED_CALLS = {
    "last_accessed_job": Call(
        "iam:GenerateServiceLastAccessedDetails", {"Arn": "arn", "Granularity": Const("ACTION_LEVEL")}
    ),
    "last_accessed": Call("iam:GetServiceLastAccessedDetails", {"JobId": "last_accessed_job"}),
}
"""IAM User Guide, Refine permissions in AWS using last accessed information: a report of one principal."""


def _last_accessed() -> tuple[Column, Column]:
    return (
        Column(
            "last_accessed_job",
            Str,
            "last_accessed_job.JobId",
            doc="The id of AWS's job that made `last_accessed`; another in each scan.",
        ),
        Column(
            "last_accessed",
            List(
                Struct(
                    Field("service", Str, "ServiceNamespace"),
                    Field("used", Bool, "LastAuthenticated", False, fn=lambda _: True),
                    Field("last_used", Timestamp, "LastAuthenticated"),
                    Field(
                        "actions",
                        List(
                            Struct(
                                Field("name", Str, "ActionName"),
                                Field("used", Bool, "LastAccessedTime", False, fn=lambda _: True),
                                Field("last_used", Timestamp, "LastAccessedTime"),
                            )
                        ),
                        "TrackedActionsLastAccessed",
                    ),
                )
            ),
            "last_accessed.ServicesLastAccessed",
            doc="Of each service that its policies allow, when it was last used within AWS's tracking period "
            "(400 days at most); `actions` are those that AWS tracks one by one, mostly of management.",
        ),
    )


def _attached() -> tuple[Column, Column]:
    return (
        Column("attached_policies", ATTACHED, "AttachedManagedPolicies", doc="Managed policies attached."),
        Column(
            "attached_policy_arns",
            List(Str),
            "AttachedManagedPolicies[].PolicyArn",
            doc="Their ARNs alone, to join by.",
        ),
    )


_CUSTOMER_POLICIES = Relation(
    "customer_policies",
    "iam_policy",
    columns=("name", "arn", "document_facts"),
    on={"account_id": "account_id", "attached_policy_arns[]": "arn"},
    doc="The customer managed policies among those attached.",
)


def _boundary() -> Column:
    return Column(
        "permissions_boundary",
        Str,
        "PermissionsBoundary.PermissionsBoundaryArn",
        "",
        doc="The ARN of the policy that bounds the permissions; empty: there is none.",
    )


def report_time(member: str) -> Any:
    """A function from a line of the credential report to that time, or the next best one that is known."""

    def read(line: Mapping[str, str]) -> str | None:
        for name in (member, *_FALLBACK.get(member, ()), "user_creation_time"):
            value = line.get(name, "")
            if value not in _NEVER:
                return value
        return None

    return read


_FALLBACK = {
    "password_last_used": ("password_last_changed",),
    "access_key_1_last_used_date": ("access_key_1_last_rotated",),
    "access_key_2_last_used_date": ("access_key_2_last_rotated",),
}


def report_flag(value: str) -> str | None:
    """true or false as the credential report writes them; None where it says neither."""
    return value if value.lower() in ("true", "false") else None


def report_keys(line: Mapping[str, str]) -> list[dict[str, Any]]:
    """The access keys that a line of the credential report tells of: those active or once made."""
    keys: list[dict[str, Any]] = []
    for slot in (1, 2):
        prefix = f"access_key_{slot}_"
        active = line[f"{prefix}active"]
        if active.lower() != "true" and line.get(f"{prefix}last_rotated", "") in _NEVER:
            continue
        used = line.get(f"{prefix}last_used_date", "")
        keys.append(
            {
                "slot": slot,
                "active": active,
                "created": report_time(f"{prefix}last_rotated")(line),
                "last_active": report_time(f"{prefix}last_used_date")(line),
                "used": used not in _NEVER,
                "service": line.get(f"{prefix}last_used_service", ""),
            }
        )
    return keys


ACCESS_KEYS = List(
    Struct(
        Field("slot", Int, "slot"),
        Field("active", Bool, "active"),
        Field("created", Timestamp, "created"),
        Field("last_active", Timestamp, "last_active"),
        Field("used", Bool, "used"),
        Field("service", Str, "service", "", fn=lambda v: None if v in _NEVER else v),
    )
)


def report_columns(prefix: str = "report.") -> tuple[Column, ...]:
    """The columns read from a line of the credential report, below the call named in `prefix`."""
    line = prefix.rstrip(".") or "."
    return (
        Column(
            "password_enabled",
            Bool,
            f"{prefix}password_enabled",
            doc="Can sign in to the console with a password; unknown where the report does not tell.",
            fn=report_flag,
        ),
        Column(
            "password_last_active",
            Timestamp,
            line,
            doc="When the password was last used or, where it never was, set; without one, the creation.",
            fn=report_time("password_last_used"),
        ),
        Column(
            "password_used",
            Bool,
            f"{prefix}password_last_used",
            doc="The password has been used since AWS began to keep track (October 2014).",
            fn=lambda v: v not in _NEVER,
        ),
        Column(
            "password_last_changed",
            Timestamp,
            line,
            doc="When the password was last set; without one, the user's creation.",
            fn=report_time("password_last_changed"),
        ),
        Column("mfa_active", Bool, f"{prefix}mfa_active", doc="Some MFA device is in use.", fn=report_flag),
        Column(
            "access_keys",
            ACCESS_KEYS,
            line,
            None,
            doc="Access keys as the credential report tells of them; `last_active` is the last use or, where "
            "there was none, the making of the key. NULL for a user younger than the report.",
            fn=report_keys,
        ),
        Column(
            "signing_certificate_active",
            Bool,
            line,
            doc="An X.509 signing certificate is active.",
            fn=lambda v: "true" in (v["cert_1_active"].lower(), v["cert_2_active"].lower()),
        ),
    )


CREDENTIAL_REPORT = Lookup("iam:GetCredentialReport", at="Content[csv]", key="arn", by="arn")
VIRTUAL_MFA = Relation(
    "virtual_mfa_devices",
    "iam_virtual_mfa_device",
    columns=("arn", "assigned", "enabled_at"),
    on={"account_id": "account_id", "arn": "user_arn"},
    doc="Virtual (software) MFA devices of this user.",
)

user = Table(
    "iam_user",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::User",
    doc="An IAM user. Credentials are as in the credential report, which AWS renews every four hours.",
    rows=Call("iam:GetAccountAuthorizationDetails", AUTHORIZATION_DETAILS, at="UserDetailList"),
    arn="Arn",
    title="UserName",
    tags="Tags",
    calls={
        "report": CREDENTIAL_REPORT,
        "keys": Call("iam:ListAccessKeys", {"UserName": "name"}),
        "mfa": Call("iam:ListMFADevices", {"UserName": "name"}),
        **LAST_ACCESSED_CALLS,
    },
    columns=(
        Column("path", Str, "Path", "/"),
        Column("user_id", Str, "UserId"),
        Column("create_date", Timestamp, "CreateDate"),
        Column("group_names", List(Str), "GroupList"),
        *_attached(),
        _inline_names("UserPolicyList"),
        _inline("UserPolicyList"),
        _inline_each("UserPolicyList"),
        _boundary(),
        *_last_accessed(),
        *report_columns(),
        Column(
            "access_key_metadata",
            List(
                Struct(
                    Field("id", Str, "AccessKeyId"),
                    Field("status", Enum("Active", "Inactive", "Expired"), "Status"),
                    Field("created", Timestamp, "CreateDate"),
                )
            ),
            "keys.AccessKeyMetadata",
            doc="Access keys with their ids, one call per user; `access_keys` comes with one call for all.",
        ),
        Column(
            "mfa_serial_numbers",
            List(Str),
            "mfa.MFADevices[].SerialNumber",
            doc="MFA devices: an ARN with mfa/ is virtual, one with u2f/ a security key, another a token.",
        ),
    ),
    relations=(
        VIRTUAL_MFA,
        _CUSTOMER_POLICIES,
        Relation(
            "groups",
            "iam_group",
            columns=("name", "attached_policies", "inline_policy_facts", "customer_policies"),
            on={"account_id": "account_id", "group_names[]": "name"},
            doc="The groups that the user is in.",
        ),
    ),
)

group = Table(
    "iam_group",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::Group",
    doc="An IAM group with its policies.",
    rows=Call("iam:GetAccountAuthorizationDetails", AUTHORIZATION_DETAILS, at="GroupDetailList"),
    arn="Arn",
    title="GroupName",
    columns=(
        Column("path", Str, "Path", "/"),
        Column("group_id", Str, "GroupId"),
        Column("create_date", Timestamp, "CreateDate"),
        *_attached(),
        _inline_names("GroupPolicyList"),
        _inline("GroupPolicyList"),
        _inline_each("GroupPolicyList"),
    ),
    relations=(
        _CUSTOMER_POLICIES,
        Relation(
            "members",
            "iam_user",
            columns=("name", "mfa_active", "password_enabled"),
            on={"account_id": "account_id", "name": "group_names[]"},
            doc="The users in the group.",
        ),
    ),
)


def _last_active(role: Mapping[str, Any]) -> Any:
    """When the role was last used or, where AWS tells of no use, made."""
    return (role.get("RoleLastUsed") or {}).get("LastUsedDate") or role.get("CreateDate")


role = Table(
    "iam_role",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::Role",
    doc="An IAM role with its trust policy and permissions.",
    rows=Call("iam:GetAccountAuthorizationDetails", AUTHORIZATION_DETAILS, at="RoleDetailList"),
    arn="Arn",
    title="RoleName",
    tags="Tags",
    calls=LAST_ACCESSED_CALLS,
    columns=(
        Column("path", Str, "Path", "/"),
        Column("role_id", Str, "RoleId"),
        Column("create_date", Timestamp, "CreateDate"),
        Column(
            "is_aws_managed",
            Bool,
            "Path",
            False,
            doc="AWS made the role and keeps it: service-linked, or of an Identity Center permission set.",
            fn=lambda v: v.startswith(("/aws-service-role/", "/aws-reserved/")),
        ),
        Column(
            "trust_policy",
            Policy("trust"),
            "AssumeRolePolicyDocument",
            "",
            doc="Who may assume the role.",
        ),
        *_attached(),
        _inline_names("RolePolicyList"),
        _inline("RolePolicyList"),
        _inline_each("RolePolicyList"),
        _boundary(),
        *_last_accessed(),
        Column(
            "instance_profile_arns",
            List(Str),
            "InstanceProfileList[].Arn",
            doc="Instance profiles that hand the role to EC2 instances.",
        ),
        Column(
            "last_active",
            Timestamp,
            ".",
            doc="When the role was last used or, where AWS tells of no use in its tracking period, made.",
            fn=_last_active,
        ),
        Column(
            "used",
            Bool,
            "RoleLastUsed.LastUsedDate",
            False,
            doc="AWS tells of a use within its tracking period (400 days at most).",
            fn=lambda _: True,
        ),
        Column("last_used_region", Str, "RoleLastUsed.Region", ""),
    ),
    relations=(
        _CUSTOMER_POLICIES,
        Relation(
            "own_account",
            "account",
            columns=("management_account_id",),
            on={"account_id": "account_id"},
            doc="The account that the role is in, one element.",
        ),
    ),
)

instance_profile = Table(
    "iam_instance_profile",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::InstanceProfile",
    doc="An instance profile, which hands a role to EC2 instances.",
    rows=Call("iam:ListInstanceProfiles", at="InstanceProfiles"),
    arn="Arn",
    title="InstanceProfileName",
    tags="Tags",
    columns=(
        Column("path", Str, "Path", "/"),
        Column("create_date", Timestamp, "CreateDate"),
        Column("role_arns", List(Str), "Roles[].Arn", doc="The role, as a list of one or none."),
    ),
)

TABLES = (user, group, role, instance_profile)
