"""Amazon SES: sending identities with DKIM and policies, configuration sets, and the account's state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from partywall.tables.spec import Bool, Call, Column, Enum, Int, List, Policy, Single, Str, Table


def joined(policies: Mapping[str, str]) -> str | None:
    """All sending authorization policies of an identity as one, statement after statement."""
    statements: list[Any] = []
    for text in policies.values():
        found = json.loads(text).get("Statement") or []
        statements += found if isinstance(found, list) else [found]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else None


identity = Table(
    "ses_identity",
    service="ses",
    scope="regional",
    resource_type="AWS::SES::EmailIdentity",
    doc="An address or domain that mail is sent from.",
    rows=Call("sesv2:ListEmailIdentities", at="EmailIdentities"),
    arn="arn:{partition}:ses:{region}:{account_id}:identity/{identity_name}",
    title="IdentityName",
    tags="identity.Tags",
    calls={"identity": Call("sesv2:GetEmailIdentity", {"EmailIdentity": "identity_name"})},
    columns=(
        Column("identity_name", Str, "IdentityName"),
        Column("identity_type", Enum("EMAIL_ADDRESS", "DOMAIN", "MANAGED_DOMAIN"), "IdentityType"),
        Column("sending_enabled", Bool, "SendingEnabled", False),
        Column(
            "verification_status",
            Enum("PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"),
            "VerificationStatus",
            "NOT_STARTED",
        ),
        Column("dkim_signing_enabled", Bool, "identity.DkimAttributes.SigningEnabled", False),
        Column("dkim_status", Str, "identity.DkimAttributes.Status", "NOT_STARTED"),
        Column(
            "dkim_key_length",
            Int,
            "identity.DkimAttributes.CurrentSigningKeyLength",
            0,
            doc="Bits; 0 where AWS does not tell.",
            fn=lambda v: int(v.split("_")[1]),
        ),
        Column("mail_from_domain", Str, "identity.MailFromAttributes.MailFromDomain", ""),
        Column("mail_from_status", Str, "identity.MailFromAttributes.MailFromDomainStatus", "none"),
        Column("configuration_set", Str, "identity.ConfigurationSetName", "", doc="Empty: no default one."),
        Column(
            "policy",
            Policy("resource"),
            "identity.Policies",
            "",
            doc="All its sending authorization policies as one; empty: there is none.",
            fn=joined,
        ),
    ),
)

configuration_set = Table(
    "ses_configuration_set",
    service="ses",
    scope="regional",
    resource_type="AWS::SES::ConfigurationSet",
    doc="A configuration set: rules for mail that names it.",
    rows=Call("sesv2:ListConfigurationSets", at="ConfigurationSets"),
    arn="arn:{partition}:ses:{region}:{account_id}:configuration-set/{set_name}",
    title="{set_name}",
    tags="set.Tags",
    calls={"set": Call("sesv2:GetConfigurationSet", {"ConfigurationSetName": "set_name"})},
    columns=(
        Column("set_name", Str, "."),
        Column("tls_policy", Enum("REQUIRE", "OPTIONAL"), "set.DeliveryOptions.TlsPolicy", "OPTIONAL"),
        Column("sending_enabled", Bool, "set.SendingOptions.SendingEnabled", True),
        Column("reputation_metrics", Bool, "set.ReputationOptions.ReputationMetricsEnabled", False),
        Column("suppressed_reasons", List(Str), "set.SuppressionOptions.SuppressedReasons"),
    ),
)

region = Table(
    "ses_region",
    service="ses",
    scope="regional",
    resource_type="AWS::::Account",
    doc="SES in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:ses:{region}:{account_id}:region",
    title="SES in {region}",
    calls={"account": Call("sesv2:GetAccount")},
    columns=(
        Column(
            "production_access", Bool, "account.ProductionAccessEnabled", False, doc="Not in the sandbox."
        ),
        Column("sending_enabled", Bool, "account.SendingEnabled", False),
        Column(
            "enforcement_status",
            Str,
            "account.EnforcementStatus",
            "HEALTHY",
            doc="HEALTHY, PROBATION or SHUTDOWN: AWS's view of the account's mail.",
        ),
        Column("suppressed_reasons", List(Str), "account.SuppressionAttributes.SuppressedReasons"),
    ),
)

TABLES = (identity, configuration_set, region)
