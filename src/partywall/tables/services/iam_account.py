"""IAM of the account as a whole: root user, credential report, MFA devices, certificates, providers."""

from __future__ import annotations

from partywall.tables.services.iam import CREDENTIAL_REPORT, VIRTUAL_MFA, report_columns
from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Int,
    List,
    Relation,
    Single,
    Str,
    StrMap,
    Table,
    Timestamp,
)

root = Table(
    "iam_root",
    service="iam",
    scope="global",
    resource_type="AWS::::Account",
    doc="The account's root user, one row.",
    rows=Single(),
    arn="arn:{partition}:iam::{account_id}:root",
    title="root of {account_id}",
    calls={
        "summary": Call("iam:GetAccountSummary", at="SummaryMap"),
        "report": CREDENTIAL_REPORT,
        "organization": Call(
            "organizations:DescribeOrganization",
            at="Organization",
            absent=("AWSOrganizationsNotInUseException",),
        ),
    },
    columns=(
        Column("mfa_enabled", Bool, "summary.AccountMFAEnabled", fn=bool),
        Column("access_keys_present", Bool, "summary.AccountAccessKeysPresent", fn=bool),
        Column(
            "signing_certificates_present",
            Bool,
            "summary.AccountSigningCertificatesPresent",
            False,
            fn=bool,
        ),
        Column(
            "password_present",
            Bool,
            "summary.AccountPasswordPresent",
            True,
            fn=bool,
            doc="The root user can sign in; every account's could before AWS let organizations delete it.",
        ),
        *(c for c in report_columns() if c.name not in ("password_enabled", "mfa_active")),
        Column(
            "management_account_id", Str, "organization.MasterAccountId", "", doc="Empty: no organization."
        ),
    ),
    relations=(VIRTUAL_MFA,),
)

account = Table(
    "iam_account",
    service="iam",
    scope="global",
    resource_type="AWS::::Account",
    doc="IAM's counts and quotas of the account, one row, and what its principals have in common.",
    rows=Single(),
    arn="arn:{partition}:iam::{account_id}:account",
    title="{account_id}",
    calls={"summary": Call("iam:GetAccountSummary", at="SummaryMap")},
    columns=(
        Column("users", Int, "summary.Users"),
        Column("groups", Int, "summary.Groups"),
        Column("roles", Int, "summary.Roles"),
        Column("policies", Int, "summary.Policies", doc="Customer managed policies."),
        Column("mfa_devices", Int, "summary.MFADevices"),
        Column("mfa_devices_in_use", Int, "summary.MFADevicesInUse"),
        Column("providers", Int, "summary.Providers", doc="SAML and OIDC identity providers."),
        Column(
            "global_endpoint_token_version",
            Int,
            "summary.GlobalEndpointTokenVersion",
            1,
            doc="Version of the tokens that the global STS endpoint gives: 2 is valid in all Regions.",
        ),
        Column("summary", StrMap, "summary", doc="All of AWS's counts and quotas by its own names."),
    ),
    relations=(
        Relation(
            "aws_policies",
            "iam_aws_managed_policy",
            columns=("name", "arn", "attachment_count"),
            on={"account_id": "account_id"},
            doc="AWS managed policies that are attached somewhere.",
        ),
        Relation(
            "iam_users",
            "iam_user",
            columns=("name", "password_enabled"),
            on={"account_id": "account_id"},
            doc="The IAM users.",
        ),
    ),
)

credential_report = Table(
    "iam_credential_report",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::User",
    doc="A line of the credential report: an IAM user or the root user. AWS renews it every four hours.",
    rows=Call("iam:GetCredentialReport", at="Content[csv]"),
    arn="arn",
    title="user",
    columns=(
        Column("user_name", Str, "user", doc="`<root_account>` is the root user."),
        Column("create_date", Timestamp, "user_creation_time"),
        *report_columns(""),
    ),
)

virtual_mfa_device = Table(
    "iam_virtual_mfa_device",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::VirtualMFADevice",
    doc="A software MFA device, assigned to a user or the root user, or to nobody.",
    rows=Call("iam:ListVirtualMFADevices", at="VirtualMFADevices"),
    arn="SerialNumber",
    columns=(
        Column("user_arn", Str, "User.Arn", "", doc="Whose it is; empty: nobody's."),
        Column("assigned", Bool, "User", False, doc="Somebody uses it.", fn=bool),
        Column("enabled_at", Timestamp, "EnableDate"),
    ),
)

server_certificate = Table(
    "iam_server_certificate",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::ServerCertificate",
    doc="A TLS certificate uploaded to IAM, the way from before ACM.",
    rows=Call("iam:ListServerCertificates", at="ServerCertificateMetadataList"),
    arn="Arn",
    title="ServerCertificateName",
    columns=(
        Column("path", Str, "Path", "/"),
        Column("upload_date", Timestamp, "UploadDate"),
        Column("expiration", Timestamp, "Expiration"),
    ),
)

saml_provider = Table(
    "iam_saml_provider",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::SAMLProvider",
    doc="A SAML identity provider whose users may assume roles.",
    rows=Call("iam:ListSAMLProviders", at="SAMLProviderList"),
    arn="Arn",
    tags="provider.Tags",
    calls={"provider": Call("iam:GetSAMLProvider", {"SAMLProviderArn": "arn"})},
    columns=(
        Column("create_date", Timestamp, "CreateDate"),
        Column("valid_until", Timestamp, "ValidUntil", doc="When the provider's metadata expires."),
        Column(
            "assertion_encryption",
            Enum("Required", "Allowed", "none"),
            "provider.AssertionEncryptionMode",
            "none",
            doc="Whether assertions must be encrypted; none: the provider has no key for it.",
        ),
    ),
)

oidc_provider = Table(
    "iam_oidc_provider",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::OIDCProvider",
    doc="An OpenID Connect identity provider whose users may assume roles.",
    rows=Call("iam:ListOpenIDConnectProviders", at="OpenIDConnectProviderList"),
    arn="Arn",
    tags="provider.Tags",
    calls={"provider": Call("iam:GetOpenIDConnectProvider", {"OpenIDConnectProviderArn": "arn"})},
    columns=(
        Column("url", Str, "provider.Url"),
        Column("client_ids", List(Str), "provider.ClientIDList", doc="Audiences that tokens may be for."),
        Column("thumbprints", List(Str), "provider.ThumbprintList"),
        Column("create_date", Timestamp, "provider.CreateDate"),
    ),
)

service_credential = Table(
    "iam_service_credential",
    service="iam",
    scope="global",
    resource_type="AWS::IAM::User",
    doc="A long-lived credential of a user for one service, such as CodeCommit, Keyspaces or Bedrock.",
    rows=Call(
        "iam:ListServiceSpecificCredentials",
        {"AllUsers": True},
        at="ServiceSpecificCredentials",
    ),
    arn="arn:{partition}:iam::{account_id}:user/{user_name}/service-credential/{credential_id}",
    title="{user_name}/{service_name}",
    columns=(
        Column("user_name", Str, "UserName"),
        Column("credential_id", Str, "ServiceSpecificCredentialId"),
        Column("service_name", Str, "ServiceName", doc="Such as codecommit.amazonaws.com."),
        Column("status", Enum("Active", "Inactive", "Expired"), "Status"),
        Column("create_date", Timestamp, "CreateDate"),
        Column(
            "expires",
            Bool,
            "ExpirationDate",
            False,
            doc="It has an end; only some services' credentials can.",
            fn=lambda _: True,
        ),
    ),
)

TABLES = (
    root,
    account,
    credential_report,
    virtual_mfa_device,
    server_certificate,
    saml_provider,
    oidc_provider,
    service_credential,
)
