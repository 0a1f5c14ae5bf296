"""IAM Access Analyzer: analyzers, their open findings, and whether each Region and the account have them."""

from partywall.tables.spec import (
    Call,
    Column,
    Const,
    Enum,
    Int,
    Relation,
    Single,
    Str,
    Table,
    Timestamp,
)

analyzer = Table(
    "accessanalyzer_analyzer",
    service="accessanalyzer",
    scope="regional",
    resource_type="AWS::AccessAnalyzer::Analyzer",
    doc="An analyzer: of external access (ACCOUNT, ORGANIZATION), of unused or of internal access.",
    rows=Call("accessanalyzer:ListAnalyzers", at="analyzers"),
    arn="arn",
    title="name",
    tags="tags",
    columns=(
        Column(
            "analyzer_type",
            Enum(
                "ACCOUNT",
                "ORGANIZATION",
                "ACCOUNT_UNUSED_ACCESS",
                "ORGANIZATION_UNUSED_ACCESS",
                "ACCOUNT_INTERNAL_ACCESS",
                "ORGANIZATION_INTERNAL_ACCESS",
            ),
            "type",
        ),
        Column("status", Enum("ACTIVE", "CREATING", "DISABLED", "FAILED"), "status"),
        Column("status_reason", Str, "statusReason.code", ""),
        Column("created_at", Timestamp, "createdAt"),
        Column(
            "unused_access_age_days",
            Int,
            "configuration.unusedAccess.unusedAccessAge",
            0,
            doc="Days without use that make a finding; 0 for analyzers of another type.",
        ),
    ),
    relations=(
        Relation(
            "active_findings",
            "accessanalyzer_finding",
            columns=("resource", "resource_kind", "finding_type"),
            on={"account_id": "account_id", "region": "region", "arn": "analyzer_arn"},
            doc="Its open findings.",
        ),
    ),
)

finding = Table(
    "accessanalyzer_finding",
    service="accessanalyzer",
    scope="regional",
    resource_type="AWS::AccessAnalyzer::Analyzer",
    doc="An open finding of an analyzer: a resource that outsiders reach, or access that nobody uses.",
    parent="accessanalyzer_analyzer",
    rows=Call(
        "accessanalyzer:ListFindingsV2",
        {"analyzerArn": "@parent.arn", "filter": {"status": {"eq": [Const("ACTIVE")]}}},
        at="findings",
    ),
    arn="{parent.arn}/finding/{finding_id}",
    title="{resource}",
    columns=(
        Column("finding_id", Str, "id"),
        Column("analyzer_arn", Str, "@parent.arn"),
        Column("resource", Str, "resource", "", doc="The ARN of the resource that the finding is about."),
        Column("resource_kind", Str, "resourceType", doc="Its CloudFormation type."),
        Column(
            "finding_type",
            Enum(
                "ExternalAccess",
                "UnusedIAMRole",
                "UnusedIAMUserAccessKey",
                "UnusedIAMUserPassword",
                "UnusedPermission",
                "InternalAccess",
            ),
            "findingType",
            "ExternalAccess",
        ),
        Column("resource_owner_account", Str, "resourceOwnerAccount", ""),
        Column("error", Str, "error", "", doc="Why the resource could not be analyzed; empty: it was."),
        Column("created_at", Timestamp, "createdAt"),
        Column("updated_at", Timestamp, "updatedAt"),
    ),
)

region = Table(
    "accessanalyzer_region",
    service="accessanalyzer",
    scope="regional",
    resource_type="AWS::::Account",
    doc="Access Analyzer in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:access-analyzer:{region}:{account_id}:region",
    title="Access Analyzer in {region}",
    columns=(),
    relations=(
        Relation(
            "analyzers",
            "accessanalyzer_analyzer",
            columns=("name", "analyzer_type", "status"),
            on={"account_id": "account_id", "region": "region"},
            doc="The analyzers in the Region.",
        ),
    ),
)

account = Table(
    "accessanalyzer_account",
    service="accessanalyzer",
    scope="global",
    resource_type="AWS::::Account",
    doc="Access Analyzer in all Regions of the account, one row.",
    rows=Single(),
    arn="arn:{partition}:access-analyzer::{account_id}:account",
    title="Access Analyzer of {account_id}",
    columns=(),
    relations=(
        Relation(
            "analyzers",
            "accessanalyzer_analyzer",
            columns=("name", "region", "analyzer_type", "status"),
            on={"account_id": "account_id"},
            doc="The analyzers in all Regions.",
        ),
    ),
)

TABLES = (analyzer, finding, region, account)
