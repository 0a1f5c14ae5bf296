"""AWS Certificate Manager and AWS Private CA: certificates and certificate authorities."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    List,
    Policy,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

# Without this filter the listing holds only RSA keys of 1024 and 2048 bits (ACM API Reference, Filters).
_KEY_TYPES = (
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
)

certificate = Table(
    "acm_certificate",
    service="acm",
    scope="regional",
    resource_type="AWS::CertificateManager::Certificate",
    doc="A certificate in ACM, issued by Amazon or a private CA, or imported.",
    rows=Call(
        "acm:ListCertificates",
        {"Includes": {"keyTypes": [Const(t) for t in _KEY_TYPES]}},
        at="CertificateSummaryList",
    ),
    arn="CertificateArn",
    title="DomainName",
    tags="tagging.Tags",
    calls={
        "certificate": Call("acm:DescribeCertificate", {"CertificateArn": "arn"}, at="Certificate"),
        "tagging": tagging("acm:certificate"),
    },
    columns=(
        Column("domain_name", Str, "DomainName", ""),
        Column("alternative_names", List(Str), "SubjectAlternativeNameSummaries", doc="The first hundred."),
        Column(
            "status",
            Enum(
                "PENDING_VALIDATION",
                "ISSUED",
                "INACTIVE",
                "EXPIRED",
                "VALIDATION_TIMED_OUT",
                "REVOKED",
                "FAILED",
            ),
            "Status",
        ),
        Column("certificate_type", Enum("IMPORTED", "AMAZON_ISSUED", "PRIVATE"), "Type"),
        Column("key_algorithm", Enum(*_KEY_TYPES), "KeyAlgorithm"),
        Column("in_use", Bool, "InUse", False, doc="Some AWS resource uses it."),
        Column("exported", Bool, "Exported", False, doc="It was exported with its private key."),
        Column(
            "renewal_eligibility",
            Enum("ELIGIBLE", "INELIGIBLE"),
            "RenewalEligibility",
            "INELIGIBLE",
            doc="Whether ACM renews it by itself.",
        ),
        Column("not_before", Timestamp, "NotBefore"),
        Column("not_after", Timestamp, "NotAfter", doc="When it expires; NULL too before it is issued."),
        Column("created_at", Timestamp, "CreatedAt"),
        Column(
            "transparency_logging",
            Enum("ENABLED", "DISABLED"),
            "certificate.Options.CertificateTransparencyLoggingPreference",
            "DISABLED",
            doc="Of Amazon-issued certificates: whether they are entered in public logs.",
        ),
        Column(
            "renewal_status",
            Enum("PENDING_AUTO_RENEWAL", "PENDING_VALIDATION", "SUCCESS", "FAILED", "none"),
            "certificate.RenewalSummary.RenewalStatus",
            "none",
            doc="Of the latest managed renewal; none: there was none yet.",
        ),
        Column("failure_reason", Str, "certificate.FailureReason", ""),
        Column("in_use_by", List(Str), "certificate.InUseBy", doc="ARNs of the resources that use it."),
    ),
)

certificate_authority = Table(
    "acmpca_certificate_authority",
    service="acm",
    scope="regional",
    resource_type="AWS::ACMPCA::CertificateAuthority",
    doc="A private certificate authority of the account.",
    rows=Call(
        "acm-pca:ListCertificateAuthorities", {"ResourceOwner": Const("SELF")}, at="CertificateAuthorities"
    ),
    arn="Arn",
    tags="tagging.Tags",
    calls={
        "policy": Call("acm-pca:GetPolicy", {"ResourceArn": "arn"}, absent=("ResourceNotFoundException",)),
        "tagging": tagging("acm-pca:certificate-authority"),
    },
    columns=(
        Column("ca_type", Enum("ROOT", "SUBORDINATE"), "Type"),
        Column(
            "status",
            Enum("CREATING", "PENDING_CERTIFICATE", "ACTIVE", "DELETED", "DISABLED", "EXPIRED", "FAILED"),
            "Status",
        ),
        Column("key_algorithm", Str, "CertificateAuthorityConfiguration.KeyAlgorithm"),
        Column("not_after", Timestamp, "NotAfter", doc="When its own certificate expires."),
        Column("crl_enabled", Bool, "RevocationConfiguration.CrlConfiguration.Enabled", False),
        Column("ocsp_enabled", Bool, "RevocationConfiguration.OcspConfiguration.Enabled", False),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Who else may use it; empty: nobody."),
    ),
)

TABLES = (certificate, certificate_authority)
