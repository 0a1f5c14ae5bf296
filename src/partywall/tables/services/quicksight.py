"""Amazon QuickSight: the account's subscription."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Enum, Int, Single, Str, Table

_ACCOUNT = {"AwsAccountId": "@account_id"}

account = Table(
    "quicksight_account",
    service="quicksight",
    scope="global",
    resource_type="AWS::::Account",
    doc="QuickSight in the account, one row; an empty edition: the account has no subscription.",
    rows=Single(),
    arn="arn:{partition}:quicksight::{account_id}:account",
    title="QuickSight",
    calls={
        "settings": Call(
            "quicksight:DescribeAccountSettings",
            _ACCOUNT,
            at="AccountSettings",
            absent=("ResourceNotFoundException",),
        ),
        "addresses": Call(
            "quicksight:DescribeIpRestriction",
            _ACCOUNT,
            absent=("ResourceNotFoundException",),
            when=lambda row: row["edition"] != "",
            after=("edition",),
        ),
    },
    columns=(
        Column("edition", Enum("STANDARD", "ENTERPRISE", "ENTERPRISE_AND_Q", ""), "settings.Edition", ""),
        Column("account_name", Str, "settings.AccountName", ""),
        Column(
            "public_sharing",
            Bool,
            "settings.PublicSharingEnabled",
            False,
            doc="Dashboards may be shown to everyone on the internet.",
        ),
        Column("termination_protection", Bool, "settings.TerminationProtectionEnabled", False),
        Column("ip_restriction", Bool, "addresses.Enabled", False, doc="Only listed networks may sign in."),
        Column("ip_rules", Int, "addresses.IpRestrictionRuleMap", 0, fn=len),
    ),
)

TABLES = (account,)
