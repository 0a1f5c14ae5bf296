"""AWS Artifact: AWS's own compliance reports, and the agreements that the account made with AWS."""

from partywall.tables.spec import Bool, Call, Column, Enum, Int, List, Single, Str, Table, Timestamp

report = Table(
    "artifact_report",
    service="artifact",
    scope="global",
    resource_type="AWS::Artifact::Report",
    doc="A compliance report of AWS or a seller: the evidence for the other side of the wall.",
    rows=Call("artifact:ListReports", at="reports"),
    arn="arn",
    title="name",
    columns=(
        Column("report_id", Str, "id"),
        Column("version", Int, "version"),
        Column("state", Enum("PUBLISHED", "UNPUBLISHED"), "state"),
        Column("series", Str, "series", ""),
        Column("category", Str, "category", "", doc="Such as Certifications and Attestations."),
        Column("company_name", Str, "companyName", ""),
        Column("product_name", Str, "productName", ""),
        Column("description", Str, "description", ""),
        Column("acceptance_type", Enum("PASSTHROUGH", "EXPLICIT"), "acceptanceType", "PASSTHROUGH"),
        Column("period_start", Timestamp, "periodStart"),
        Column(
            "has_period",
            Bool,
            "periodEnd",
            False,
            doc="The report says of what time it speaks, until `period_end`.",
            fn=lambda _: True,
        ),
        Column("period_end", Timestamp, "periodEnd"),
    ),
)

agreement = Table(
    "artifact_customer_agreement",
    service="artifact",
    scope="global",
    resource_type="AWS::Artifact::CustomerAgreement",
    doc="An agreement of the account or its organization with AWS, such as the BAA for HIPAA.",
    rows=Call("artifact:ListCustomerAgreements", at="customerAgreements"),
    arn="arn",
    title="name",
    columns=(
        Column("agreement_id", Str, "id"),
        Column("agreement_arn", Str, "agreementArn", ""),
        Column("organization_arn", Str, "organizationArn", "", doc="Empty: made for the account alone."),
        Column("state", Enum("ACTIVE", "CUSTOMER_TERMINATED", "AWS_TERMINATED"), "state"),
        Column("agreement_type", Enum("CUSTOM", "DEFAULT", "MODIFIED"), "type"),
        Column("description", Str, "description", ""),
        Column("acceptance_terms", List(Str), "acceptanceTerms"),
        Column("effective_start", Timestamp, "effectiveStart"),
        Column(
            "has_end",
            Bool,
            "effectiveEnd",
            False,
            doc="The agreement has an end, in `effective_end`.",
            fn=lambda _: True,
        ),
        Column("effective_end", Timestamp, "effectiveEnd"),
    ),
)

settings = Table(
    "artifact_settings",
    service="artifact",
    scope="global",
    resource_type="AWS::::Account",
    doc="The account's settings in AWS Artifact, one row.",
    rows=Single(),
    arn="arn:{partition}:artifact::{account_id}:settings",
    title="Artifact of {account_id}",
    calls={"settings": Call("artifact:GetAccountSettings", at="accountSettings")},
    columns=(
        Column(
            "notifications",
            Enum("SUBSCRIBED", "NOT_SUBSCRIBED"),
            "settings.notificationSubscriptionStatus",
            "NOT_SUBSCRIBED",
            doc="Whether AWS tells of new reports and agreements.",
        ),
    ),
)

TABLES = (report, agreement, settings)
