"""Amazon GuardDuty: detectors with their features, members, exports, and open findings."""

from __future__ import annotations

from typing import Any

from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    Float,
    Int,
    List,
    Relation,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)


def features(listed: list[dict[str, Any]]) -> list[str]:
    """The features that are on, and their additional configuration as "FEATURE/NAME"."""
    found: list[str] = []
    for feature in listed:
        if feature.get("Status") == "ENABLED":
            found.append(feature["Name"])
            found += [
                f"{feature['Name']}/{more['Name']}"
                for more in feature.get("AdditionalConfiguration") or ()
                if more.get("Status") == "ENABLED"
            ]
    return found


_DETECTOR = {"DetectorId": "detector_id"}

detector = Table(
    "guardduty_detector",
    service="guardduty",
    scope="regional",
    resource_type="AWS::GuardDuty::Detector",
    doc="A detector: GuardDuty in a Region; there is one at most.",
    rows=Call("guardduty:ListDetectors", at="DetectorIds"),
    arn="arn:{partition}:guardduty:{region}:{account_id}:detector/{detector_id}",
    title="{detector_id}",
    tags="detector.Tags",
    calls={
        "detector": Call("guardduty:GetDetector", _DETECTOR),
        "administrator": Call("guardduty:GetAdministratorAccount", _DETECTOR, at="Administrator"),
        "members": Call("guardduty:ListMembers", _DETECTOR),
        "exports": Call("guardduty:ListPublishingDestinations", _DETECTOR),
    },
    columns=(
        Column("detector_id", Str, "."),
        Column("is_enabled", Bool, "detector.Status", fn=lambda v: v == "ENABLED"),
        Column(
            "features",
            List(Str),
            "detector.Features",
            doc="The features that are on (S3_DATA_EVENTS, …) and their additional configuration "
            "(RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT, …).",
            fn=features,
        ),
        Column(
            "finding_publishing_frequency",
            Enum("FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"),
            "detector.FindingPublishingFrequency",
            "SIX_HOURS",
        ),
        Column("created_at", Timestamp, "detector.CreatedAt"),
        Column("administrator_account", Str, "administrator.AccountId", "", doc="Empty: there is none."),
        Column("administrator_status", Str, "administrator.RelationshipStatus", "none"),
        Column(
            "members",
            List(
                Struct(
                    Field("member_account", Str, "AccountId"),
                    Field("status", Str, "RelationshipStatus"),
                )
            ),
            "members.Members",
            doc="The accounts that this one administers.",
        ),
        Column(
            "exports",
            List(Struct(Field("destination_type", Str, "DestinationType"), Field("status", Str, "Status"))),
            "exports.Destinations",
            doc="Where findings are exported to.",
        ),
    ),
    relations=(
        Relation(
            "findings",
            "guardduty_finding",
            ("finding_type", "severity"),
            {"account_id": "account_id", "region": "region"},
            doc="Findings of medium severity and above that are not archived.",
        ),
    ),
)

finding = Table(
    "guardduty_finding",
    service="guardduty",
    scope="regional",
    resource_type="AWS::GuardDuty::Detector",
    doc="A finding of medium severity or above (4.0 and more) that is not archived.",
    parent="guardduty_detector",
    rows=Call(
        "guardduty:ListFindings",
        {
            "DetectorId": "@parent.detector_id",
            "FindingCriteria": {
                "Criterion": {
                    "service.archived": {"Equals": [Const("false")]},
                    "severity": {"GreaterThanOrEqual": 4},
                }
            },
        },
        at="FindingIds",
    ),
    arn="{parent.arn}/finding/{finding_id}",
    title="{finding_id}",
    calls={
        "finding": Batch(
            "guardduty:GetFindings",
            param="FindingIds",
            by="finding_id",
            at="Findings",
            key="Id",
            size=50,
            params=_DETECTOR,
        ),
    },
    columns=(
        Column("finding_id", Str, "."),
        Column("detector_id", Str, "@parent.detector_id"),
        Column("finding_type", Str, "finding.Type"),
        Column("title", Str, "finding.Title", ""),
        Column("severity", Float, "finding.Severity", doc="4: medium, 7: high, 9: critical, and above."),
        Column("owner_account", Str, "finding.AccountId", doc="The account that the finding is about."),
        Column("resource_kind", Str, "finding.Resource.ResourceType", ""),
        Column("event_count", Int, "finding.Service.Count", 0),
        Column("created_at", Timestamp, "finding.CreatedAt"),
        Column("updated_at", Timestamp, "finding.UpdatedAt"),
    ),
)

region = Table(
    "guardduty_region",
    service="guardduty",
    scope="regional",
    resource_type="AWS::::Account",
    doc="GuardDuty in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:guardduty:{region}:{account_id}:region",
    title="GuardDuty in {region}",
    columns=(),
    relations=(
        Relation(
            "detectors",
            "guardduty_detector",
            ("name", "is_enabled"),
            {"account_id": "account_id", "region": "region"},
            doc="The detector in the Region.",
        ),
    ),
)

malware_plan = Table(
    "guardduty_malware_protection_plan",
    service="guardduty",
    scope="regional",
    resource_type="AWS::GuardDuty::MalwareProtectionPlan",
    doc="A malware protection plan: new objects of a bucket are scanned.",
    rows=Call("guardduty:ListMalwareProtectionPlans", at="MalwareProtectionPlans"),
    arn="arn:{partition}:guardduty:{region}:{account_id}:malware-protection-plan/{plan_id}",
    title="MalwareProtectionPlanId",
    tags="plan.Tags",
    calls={"plan": Call("guardduty:GetMalwareProtectionPlan", {"MalwareProtectionPlanId": "plan_id"})},
    columns=(
        Column("plan_id", Str, "MalwareProtectionPlanId"),
        Column("bucket_name", Str, "plan.ProtectedResource.S3Bucket.BucketName", ""),
        Column("status", Enum("ACTIVE", "WARNING", "ERROR"), "plan.Status"),
        Column("status_reasons", List(Str), "plan.StatusReasons[].Code"),
    ),
)

TABLES = (detector, finding, region, malware_plan)
