"""AWS Organizations, as the management account sees it: accounts, units, policies and delegations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Json,
    List,
    Policy,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)

_NONE = ("AWSOrganizationsNotInUseException",)


def _management(row: Mapping[str, Any]) -> bool:
    """Organizations answers these calls to the management account only, whatever rights a member has."""
    return row.get("management_account_id") in (None, row.get("account_id"))


def _ancestors(account: Mapping[str, Any]) -> list[str] | None:
    """The ids of the root, the units and the account itself; None where AWS does not tell the path."""
    paths = account.get("Paths")
    if not paths:
        return None
    ids = {part for path in paths for part in path.split("/")[1:] if part}
    return sorted(ids | {account["Id"]})


def _path(paths: list[str]) -> str | None:
    """An account's path of the organization's id, the root's and the units', as `aws:PrincipalOrgPaths`."""
    parts = [part for part in (paths or [""])[0].split("/") if part and not part.isdigit()]
    return "/".join(parts) + "/" if parts else None


organization = Table(
    "organizations_organization",
    service="organizations",
    scope="global",
    resource_type="AWS::Organizations::Organization",
    doc="The organization that the account is in. Every account sees it; what is below, and the columns that "
    "other calls fill, the management account alone.",
    rows=Call("organizations:DescribeOrganization", at="Organization", absent=_NONE),
    arn="Arn",
    title="Id",
    calls={
        "features": Call(
            "iam:ListOrganizationsFeatures",
            absent=("ServiceAccessNotEnabledException", "OrganizationNotInAllFeaturesModeException"),
            when=_management,
        ),
        "access": Call("organizations:ListAWSServiceAccessForOrganization", when=_management),
        "resource_policy": Call(
            "organizations:DescribeResourcePolicy",
            at="ResourcePolicy",
            absent=("ResourcePolicyNotFoundException",),
            when=_management,
        ),
        "roots": Call("organizations:ListRoots", when=_management),
        "ai": Call(
            "organizations:DescribeEffectivePolicy",
            {"PolicyType": Const("AISERVICES_OPT_OUT_POLICY")},
            at="EffectivePolicy",
            absent=("EffectivePolicyNotFoundException",),
        ),
    },
    columns=(
        Column("organization_id", Str, "Id"),
        Column("feature_set", Enum("ALL", "CONSOLIDATED_BILLING"), "FeatureSet"),
        Column("management_account_id", Str, "MasterAccountId"),
        Column(
            "root_features",
            List(Enum("RootCredentialsManagement", "RootSessions")),
            "features.EnabledFeatures",
            doc="What IAM may do centrally with the root users of member accounts.",
        ),
        Column(
            "service_access",
            List(Str),
            "access.EnabledServicePrincipals[].ServicePrincipal",
            doc="AWS services with trusted access, such as guardduty.amazonaws.com.",
        ),
        Column(
            "resource_policy",
            Policy("resource"),
            "resource_policy.Content",
            "",
            doc="The policy that delegates the management of policies; empty: there is none.",
        ),
        Column(
            "enabled_policy_types",
            List(Str),
            "roots.Roots[].PolicyTypes[].Type",
            doc="Policy types that the root has enabled or is enabling.",
        ),
        Column(
            "ai_opt_out_policy",
            Json,
            "ai.PolicyContent",
            "",
            doc="The effective opt-out policy for AI services of this account; empty: there is none.",
        ),
    ),
    relations=(
        Relation(
            "policies",
            "organizations_policy",
            columns=("name", "policy_type", "aws_managed", "target_ids", "content"),
            on={"account_id": "account_id"},
            doc="The organization's policies.",
        ),
        Relation(
            "delegated_administrators",
            "organizations_delegated_administrator",
            columns=("name", "member_account_id", "services"),
            on={"account_id": "account_id"},
            doc="Member accounts that administer services for the organization.",
        ),
        Relation(
            "instances",
            "ec2_instance",
            columns=("name", "region", "state"),
            on={"account_id": "account_id"},
            doc="EC2 instances in this account, in all Regions.",
        ),
        Relation(
            "databases",
            "rds_instance",
            columns=("name", "region", "engine"),
            on={"account_id": "account_id"},
            doc="RDS database instances in this account, in all Regions.",
        ),
    ),
)

account = Table(
    "organizations_account",
    service="organizations",
    scope="global",
    resource_type="AWS::Organizations::Account",
    doc="An account of the organization, the management account included.",
    parent="organizations_organization",
    parent_when=_management,
    rows=Call("organizations:ListAccounts", at="Accounts"),
    arn="Arn",
    title="Name",
    tags="tagging.Tags",
    calls={
        "tagging": Call("organizations:ListTagsForResource", {"ResourceId": "member_account_id"}),
        "parents": Call("organizations:ListParents", {"ChildId": "member_account_id"}),
    },
    columns=(
        Column("member_account_id", Str, "Id", doc="The account's own id; `account_id` is the caller's."),
        Column("email", Str, "Email", ""),
        Column("management_account_id", Str, "@parent.management_account_id"),
        Column(
            "state",
            Enum("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"),
            ".",
            fn=lambda v: v.get("State") or v.get("Status"),
        ),
        Column("joined_method", Enum("INVITED", "CREATED"), "JoinedMethod"),
        Column("joined_at", Timestamp, "JoinedTimestamp"),
        Column(
            "ancestor_ids",
            List(Str),
            ".",
            doc="The ids of root, units and account that policies can be attached to; NULL where AWS does "
            "not tell the path.",
            fn=_ancestors,
            absent=None,
        ),
        Column(
            "organization_path",
            Str,
            "Paths",
            doc="Such as o-abc/r-def/ou-def-ghi/; NULL where AWS does not tell it.",
            fn=_path,
        ),
        Column(
            "parent_type",
            Enum("ROOT", "ORGANIZATIONAL_UNIT"),
            "parents.Parents[].Type",
            doc="Where the account hangs.",
            fn=lambda v: v[0] if v else None,
        ),
    ),
    relations=(
        Relation(
            "policies",
            "organizations_policy",
            columns=("name", "policy_type", "aws_managed"),
            on={"account_id": "account_id", "ancestor_ids[]": "target_ids[]"},
            doc="Policies attached to the account or above it.",
        ),
    ),
)

root = Table(
    "organizations_root",
    service="organizations",
    scope="global",
    resource_type="AWS::Organizations::Root",
    doc="The root of the organization's tree.",
    parent="organizations_organization",
    parent_when=_management,
    rows=Call("organizations:ListRoots", at="Roots"),
    arn="Arn",
    title="Name",
    columns=(
        Column("root_id", Str, "Id"),
        Column(
            "policy_types",
            List(Struct(Field("type", Str, "Type"), Field("status", Str, "Status"))),
            "PolicyTypes",
            doc="Policy types with their status: ENABLED, PENDING_ENABLE, PENDING_DISABLE.",
        ),
    ),
)

organizational_unit = Table(
    "organizations_organizational_unit",
    service="organizations",
    scope="global",
    resource_type="AWS::Organizations::OrganizationalUnit",
    doc="An organizational unit right below the root; deeper ones are not listed.",
    parent="organizations_root",
    rows=Call(
        "organizations:ListOrganizationalUnitsForParent",
        {"ParentId": "@parent.root_id"},
        at="OrganizationalUnits",
    ),
    arn="Arn",
    title="Name",
    columns=(
        Column("unit_id", Str, "Id"),
        Column("root_id", Str, "@parent.root_id"),
    ),
)

policy_type = Table(
    "organizations_policy_type",
    service="organizations",
    scope="global",
    resource_type="AWS::Organizations::Root",
    doc="A policy type that is switched on in the root.",
    parent="organizations_organization",
    parent_when=_management,
    rows=Call("organizations:ListRoots", at="Roots[].PolicyTypes[]"),
    arn="arn:{partition}:organizations::{account_id}:policy-type/{policy_type}",
    title="Type",
    columns=(
        Column("policy_type", Str, "Type"),
        Column("status", Enum("ENABLED", "PENDING_ENABLE", "PENDING_DISABLE"), "Status"),
    ),
)

policy = Table(
    "organizations_policy",
    service="organizations",
    scope="global",
    resource_type="AWS::Organizations::Policy",
    doc="A policy of a type that is switched on: service control, resource control, tag, backup and others.",
    parent="organizations_policy_type",
    rows=Call("organizations:ListPolicies", {"Filter": "@parent.policy_type"}, at="Policies"),
    arn="Arn",
    title="Name",
    calls={
        "policy": Call("organizations:DescribePolicy", {"PolicyId": "policy_id"}, at="Policy"),
        "targets": Call("organizations:ListTargetsForPolicy", {"PolicyId": "policy_id"}),
    },
    columns=(
        Column("policy_id", Str, "Id"),
        Column("policy_type", Str, "Type"),
        Column("aws_managed", Bool, "AwsManaged", False, doc="AWS's own, such as FullAWSAccess."),
        Column("description", Str, "Description", ""),
        Column("content", Json, "policy.Content", doc="The document."),
        Column("target_ids", List(Str), "targets.Targets[].TargetId", doc="Where it is attached."),
        Column("target_types", List(Str), "targets.Targets[].Type", doc="ROOT, ACCOUNT and so on."),
    ),
)

delegated_administrator = Table(
    "organizations_delegated_administrator",
    service="organizations",
    scope="global",
    resource_type="AWS::Organizations::Account",
    doc="A member account that administers services for the whole organization.",
    parent="organizations_organization",
    parent_when=_management,
    rows=Call("organizations:ListDelegatedAdministrators", at="DelegatedAdministrators"),
    arn="Arn",
    title="Name",
    calls={
        "services": Call("organizations:ListDelegatedServicesForAccount", {"AccountId": "member_account_id"}),
    },
    columns=(
        Column("member_account_id", Str, "Id"),
        Column(
            "state",
            Enum("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED"),
            ".",
            fn=lambda v: v.get("State") or v.get("Status"),
        ),
        Column("delegated_at", Timestamp, "DelegationEnabledDate"),
        Column("services", List(Str), "services.DelegatedServices[].ServicePrincipal"),
    ),
)

TABLES = (
    organization,
    account,
    root,
    organizational_unit,
    policy_type,
    policy,
    delegated_administrator,
)
