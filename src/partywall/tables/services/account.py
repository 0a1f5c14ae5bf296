"""The account itself: its name, contacts and organization, and the Regions enabled in it."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)

_CONTACT = Struct(
    Field("name", Str, "Name", ""),
    Field("title", Str, "Title", ""),
    Field("email", Str, "EmailAddress", ""),
    Field("phone", Str, "PhoneNumber", ""),
)
_NO_CONTACT = {"name": "", "title": "", "email": "", "phone": ""}


def _contact(kind: str) -> Call:
    """An alternate contact; AWS answers ResourceNotFoundException where none is set."""
    return Call(
        "account:GetAlternateContact",
        {"AlternateContactType": Const(kind)},
        at="AlternateContact",
        absent=("ResourceNotFoundException",),
    )


account = Table(
    "account",
    service="account",
    scope="global",
    resource_type="AWS::::Account",
    doc="The account, one row: whom AWS can reach about it and which organization it belongs to.",
    rows=Single(),
    arn="arn:{partition}:iam::{account_id}:root",
    title="{account_id}",
    calls={
        "information": Call("account:GetAccountInformation"),
        "aliases": Call("iam:ListAccountAliases"),
        "contact": Call("account:GetContactInformation", absent=("ResourceNotFoundException",)),
        "security": _contact("SECURITY"),
        "billing": _contact("BILLING"),
        "operations": _contact("OPERATIONS"),
        "organization": Call(
            "organizations:DescribeOrganization",
            at="Organization",
            absent=("AWSOrganizationsNotInUseException",),
        ),
    },
    columns=(
        Column("account_name", Str, "information.AccountName", "", doc="The name shown in the console."),
        Column("created_at", Timestamp, "information.AccountCreatedDate"),
        Column(
            "state",
            Enum("PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "CLOSED"),
            "information.AccountState",
        ),
        Column(
            "alias",
            Str,
            "aliases.AccountAliases",
            "",
            doc="The sign-in alias; empty: there is none.",
            fn=lambda v: v[0] if v else None,
        ),
        Column("contact_full_name", Str, "contact.ContactInformation.FullName", ""),
        Column("contact_company", Str, "contact.ContactInformation.CompanyName", ""),
        Column("contact_phone", Str, "contact.ContactInformation.PhoneNumber", ""),
        Column("contact_country", Str, "contact.ContactInformation.CountryCode", ""),
        Column(
            "contact_verification",
            Enum("PENDING", "VERIFIED", "UNVERIFIED", "NOT_SUPPORTED"),
            "contact.VerificationStatus",
            "NOT_SUPPORTED",
            doc="Whether AWS has verified the primary contact, where it does so.",
        ),
        Column("security_contact", _CONTACT, "security", _NO_CONTACT, doc="Fields are empty: none is set."),
        Column("billing_contact", _CONTACT, "billing", _NO_CONTACT, doc="Fields are empty: none is set."),
        Column(
            "operations_contact", _CONTACT, "operations", _NO_CONTACT, doc="Fields are empty: none is set."
        ),
        Column(
            "organization_id", Str, "organization.Id", "", doc="Empty: the account is in no organization."
        ),
        Column(
            "organization_feature_set",
            Enum("ALL", "CONSOLIDATED_BILLING", "none"),
            "organization.FeatureSet",
            "none",
        ),
        Column("management_account_id", Str, "organization.MasterAccountId", ""),
    ),
)

account_region = Table(
    "account_region",
    service="account",
    scope="global",
    resource_type="AWS::::Account",
    doc="A Region enabled in the account. AWS has no ARN for it; `arn` is made of account and Region.",
    rows=Call("ec2:DescribeRegions", {"AllRegions": False}, at="Regions"),
    arn="arn:{partition}:account::{account_id}:region/{region_name}",
    title="RegionName",
    columns=(
        Column("region", Str, "RegionName", doc="The Region that the row is about."),
        Column("region_name", Str, "RegionName", doc="The same, for relations and names."),
        Column("opt_in_status", Enum("opt-in-not-required", "opted-in", "not-opted-in"), "OptInStatus"),
        Column(
            "is_opt_in",
            Bool,
            "OptInStatus",
            doc="The Region is off in new accounts, and someone turned it on here.",
            fn=lambda v: v == "opted-in",
        ),
    ),
)

TABLES = (account, account_region)
