"""IAM Identity Center (once AWS SSO): instances and the permission sets that people sign in with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Call,
    Column,
    Enum,
    Field,
    Float,
    List,
    Policy,
    Str,
    Struct,
    Table,
    Timestamp,
)

_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def hours(duration: str) -> float:
    """An ISO 8601 duration such as PT8H in hours; raises ValueError where it is of another form."""
    found = _DURATION.fullmatch(duration)
    if not found:
        raise ValueError(f"expected a duration such as PT8H, got {duration[:40]!r}")
    days, whole_hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return days * 24 + whole_hours + minutes / 60 + seconds / 3600


def _own(row: Mapping[str, Any]) -> bool:
    """Permission sets are told to the owner of the instance; other accounts see that it exists."""
    return row.get("owner_account_id") in (None, row.get("account_id"))


_SET = {"InstanceArn": "instance_arn", "PermissionSetArn": "permission_set_arn"}

instance = Table(
    "sso_instance",
    service="sso",
    scope="regional",
    resource_type="AWS::SSO::Instance",
    doc="An instance of IAM Identity Center, of the organization or of the account alone.",
    rows=Call("sso-admin:ListInstances", at="Instances"),
    arn="InstanceArn",
    title="{instance_name}",
    columns=(
        Column("instance_arn", Str, "InstanceArn"),
        Column("instance_name", Str, "Name", "", doc="Empty: it has no name."),
        Column("identity_store_id", Str, "IdentityStoreId"),
        Column("owner_account_id", Str, "OwnerAccountId"),
        Column(
            "status", Enum("CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "ACTIVE"), "Status"
        ),
        Column("created_at", Timestamp, "CreatedDate"),
    ),
)

permission_set = Table(
    "sso_permission_set",
    service="sso",
    scope="regional",
    resource_type="AWS::SSO::PermissionSet",
    doc="A permission set: becomes a role in each account to which it is assigned.",
    parent="sso_instance",
    parent_when=_own,
    rows=Call("sso-admin:ListPermissionSets", {"InstanceArn": "@parent.instance_arn"}, at="PermissionSets"),
    arn=".",
    title="set.Name",
    calls={
        "set": Call("sso-admin:DescribePermissionSet", _SET, at="PermissionSet"),
        "managed": Call("sso-admin:ListManagedPoliciesInPermissionSet", _SET),
        "inline": Call("sso-admin:GetInlinePolicyForPermissionSet", _SET),
        "accounts": Call("sso-admin:ListAccountsForProvisionedPermissionSet", _SET),
    },
    columns=(
        Column("permission_set_arn", Str, "."),
        Column("instance_arn", Str, "@parent.instance_arn"),
        Column("description", Str, "set.Description", ""),
        Column("created_at", Timestamp, "set.CreatedDate"),
        Column(
            "session_hours",
            Float,
            "set.SessionDuration",
            1.0,
            doc="How long a session lasts; one hour where none is set.",
            fn=hours,
        ),
        Column(
            "attached_policies",
            List(Struct(Field("name", Str, "Name", ""), Field("arn", Str, "Arn", ""))),
            "managed.AttachedManagedPolicies",
            doc="AWS managed policies attached.",
        ),
        Column("inline_policy", Policy("identity"), "inline.InlinePolicy", "", doc="Empty: there is none."),
        Column(
            "provisioned_account_ids", List(Str), "accounts.AccountIds", doc="Accounts that have its role."
        ),
    ),
)

TABLES = (instance, permission_set)
