"""Amazon Macie: its session in each Region, and how much it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Bool,
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

_HIGH: Final = {"severity.description": {"eq": [Const("High")]}, "archived": {"eq": [Const("false")]}}


def _has_session(row: Mapping[str, Any]) -> bool:
    """Raises KeyError where the session was refused: what Macie refuses for the one, it refuses for all."""
    if row["status"] is None:
        raise KeyError("status")
    return True


def _of_session(operation: str, params: Mapping[str, Any] | None = None, at: str = "") -> Call:
    return Call(f"macie2:{operation}", params or {}, at=at, when=_has_session, after=("status",))


region = Table(
    "macie2_region",
    service="macie2",
    scope="regional",
    resource_type="AWS::Macie::Session",
    doc="Macie in a Region of the account, one row. Where it is off, Macie refuses every call as if without "
    "permission, so that only the absence of its service-linked role tells that it is off.",
    rows=Single(),
    arn="arn:{partition}:macie2:{region}:{account_id}:session",
    title="Macie in {region}",
    calls={
        "session": Call("macie2:GetMacieSession"),
        "discovery": _of_session("GetAutomatedDiscoveryConfiguration"),
        "export": _of_session("GetClassificationExportConfiguration", at="configuration"),
        "publication": _of_session("GetFindingsPublicationConfiguration", at="securityHubConfiguration"),
        "high": _of_session(
            "GetFindingStatistics", {"groupBy": Const("type"), "findingCriteria": {"criterion": _HIGH}}
        ),
    },
    columns=(
        Column("status", Enum("ENABLED", "PAUSED"), "session.status"),
        Column(
            "finding_publishing_frequency",
            Enum("FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"),
            "session.findingPublishingFrequency",
        ),
        Column("created_at", Timestamp, "session.createdAt"),
        Column(
            "automated_discovery",
            Enum("ENABLED", "DISABLED"),
            "discovery.status",
            "DISABLED",
            doc="Macie samples the objects of all buckets by itself.",
        ),
        Column("export_bucket", Str, "export.s3Destination.bucketName", "", doc="Where results are kept."),
        Column("publishes_classification", Bool, "publication.publishClassificationFindings", False),
        Column("publishes_policy", Bool, "publication.publishPolicyFindings", False),
        Column(
            "high_findings",
            Int,
            "high.countsByGroup[].count",
            0,
            doc="Findings of high severity that are not archived.",
            fn=sum,
        ),
    ),
    relations=(
        Relation(
            "roles",
            "iam_role",
            ("name",),
            {"account_id": "account_id"},
            doc="The account's roles; AWSServiceRoleForAmazonMacie is there once Macie has been on.",
        ),
    ),
)

TABLES = (region,)
