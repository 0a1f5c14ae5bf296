"""AWS CloudTrail: trails with what they log and deliver, CloudTrail Lake, and the account's coverage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Batch,
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Relation,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)

Answer = Mapping[str, Any]

# A data resource that names a service alone stands for all of its resources.
_ALL_OF: Final = re.compile(r"^arn:[a-z-]+:(s3(:::)?|lambda|dynamodb)$")
_DIRECTIONS: Final = {"All": ("read", "write"), "ReadOnly": ("read",), "WriteOnly": ("write",)}
_LOGGED: Final = Struct(
    Field("category", Str, "category"),
    Field("resource_type", Str, "resource_type"),
    Field("direction", Str, "direction"),
    Field("is_complete", Bool, "is_complete"),
    Field("excluded_sources", List(Str), "excluded_sources"),
)
_LOGGED_DOC: Final = (
    "One element per kind of events that a selector logs: category (Management, Data, …), resource_type (of "
    "data events), direction (read or write). is_complete: no selector field narrows it to some resources, "
    "accounts or calls; excluded_sources: event sources left out (AWS KMS, Amazon RDS Data API)."
)


def _kinds(category: str, resource_type: str, directions: tuple[str, ...], **more: Any) -> list[Any]:
    return [
        {"category": category, "resource_type": resource_type, "direction": direction, **more}
        for direction in directions
    ]


def _basic(selector: Answer) -> Iterator[Any]:
    directions = _DIRECTIONS[selector.get("ReadWriteType") or "All"]
    if selector.get("IncludeManagementEvents", True):
        excluded = list(selector.get("ExcludeManagementEventSources") or ())
        yield from _kinds("Management", "", directions, is_complete=True, excluded_sources=excluded)
    for resource in selector.get("DataResources") or ():
        values = resource.get("Values") or ()
        everything = any(_ALL_OF.match(value) for value in values)
        kind = resource.get("Type", "")
        yield from _kinds("Data", kind, directions, is_complete=everything, excluded_sources=[])


def _advanced(selector: Answer) -> Iterator[Any]:
    fields: dict[str, list[Answer]] = {}
    for field in selector.get("FieldSelectors") or ():
        fields.setdefault(field["Field"], []).append(field)
    read_only = [str(v).lower() for f in fields.pop("readOnly", ()) for v in f.get("Equals") or ()]
    directions = ("read", "write")
    if read_only:
        directions = (
            ("read",) if read_only == ["true"] else ("write",) if read_only == ["false"] else directions
        )
    categories = [v for f in fields.pop("eventCategory", ()) for v in f.get("Equals") or ()]
    types = [v for f in fields.pop("resources.type", ()) for v in f.get("Equals") or ()]
    excluded: list[str] = []
    for field in fields.get("eventSource", ()):
        if set(field) == {"Field", "NotEquals"} and "Management" in categories:
            excluded += field["NotEquals"]
        else:
            break
    else:
        fields.pop("eventSource", None)
    for category in categories:
        for kind in types or [""]:
            yield from _kinds(category, kind, directions, is_complete=not fields, excluded_sources=excluded)


def logged(answer: Answer) -> list[Any]:
    """The kinds of events that GetEventSelectors' (or a data store's) selectors log; see `_LOGGED_DOC`."""
    basic, advanced = answer.get("EventSelectors") or (), answer.get("AdvancedEventSelectors") or ()
    if not basic and not advanced:
        return _DEFAULT
    return [kind for s in basic for kind in _basic(s)] + [kind for s in advanced for kind in _advanced(s)]


# A trail without selectors of its own logs all management events (CloudTrail User Guide, Logging management
# events).
_DEFAULT: Final = list(_basic({"ReadWriteType": "All", "IncludeManagementEvents": True}))


def _log_group(part: int) -> Callable[[str], str | None]:
    """A part of the log group's ARN: 4 its account, 6 its name."""

    def get(arn: str) -> str | None:
        parts = arn.split(":")
        return parts[part] if len(parts) > part else None

    return get


def _owner(arn: str) -> str:
    return arn.split(":")[4]


_CALLS: Final = {
    "status": Call("cloudtrail:GetTrailStatus", {"Name": "arn"}, region="home_region"),
    "selectors": Call("cloudtrail:GetEventSelectors", {"TrailName": "arn"}, region="home_region"),
    "insights": Call(
        "cloudtrail:GetInsightSelectors",
        {"TrailName": "arn"},
        absent=("InsightNotEnabledException",),
        region="home_region",
    ),
}
_COLUMNS: Final = (
    Column("home_region", Str, "HomeRegion"),
    Column("owner_account", Str, "TrailARN", doc="The account that the trail belongs to.", fn=_owner),
    Column("s3_bucket_name", Str, "S3BucketName", "", doc="The bucket, of any account, that gets the logs."),
    Column("s3_key_prefix", Str, "S3KeyPrefix", ""),
    Column("sns_topic_arn", Str, "SnsTopicARN", ""),
    Column("include_global_service_events", Bool, "IncludeGlobalServiceEvents", False),
    Column("is_multi_region", Bool, "IsMultiRegionTrail", False),
    Column("is_organization_trail", Bool, "IsOrganizationTrail", False),
    Column("log_file_validation_enabled", Bool, "LogFileValidationEnabled", False),
    Column("log_group_arn", Str, "CloudWatchLogsLogGroupArn", "", doc="Empty: not sent to CloudWatch Logs."),
    Column("log_group_name", Str, "CloudWatchLogsLogGroupArn", "", fn=_log_group(6)),
    Column("log_group_account", Str, "CloudWatchLogsLogGroupArn", "", fn=_log_group(4)),
    Column("kms_key_id", Str, "KmsKeyId", "", doc="Empty: log files are encrypted with S3's own keys."),
    Column("has_custom_event_selectors", Bool, "HasCustomEventSelectors", False),
    Column("has_insight_selectors", Bool, "HasInsightSelectors", False),
    Column("is_logging", Bool, "status.IsLogging", False),
    Column("latest_delivery_time", Timestamp, "status.LatestDeliveryTime", doc="NULL also: never delivered."),
    Column("latest_delivery_error", Str, "status.LatestDeliveryError", "", doc="S3's error; empty: none."),
    Column("latest_digest_delivery_error", Str, "status.LatestDigestDeliveryError", ""),
    Column("latest_notification_error", Str, "status.LatestNotificationError", ""),
    Column("latest_logs_delivery_error", Str, "status.LatestCloudWatchLogsDeliveryError", ""),
    Column("latest_logs_delivery_time", Timestamp, "status.LatestCloudWatchLogsDeliveryTime"),
    Column("logged_events", List(_LOGGED), "selectors", _DEFAULT, doc=_LOGGED_DOC, fn=logged),
    Column("insight_types", List(Str), "insights.InsightSelectors[].InsightType"),
)

trail = Table(
    "cloudtrail_trail",
    service="cloudtrail",
    scope="regional",
    resource_type="AWS::CloudTrail::Trail",
    doc="A trail of the account, in its home Region.",
    rows=Call("cloudtrail:DescribeTrails", {"includeShadowTrails": False}, at="trailList"),
    arn="TrailARN",
    title="Name",
    tags="tagging.TagsList",
    calls={
        **_CALLS,
        "tagging": Batch(
            "cloudtrail:ListTags",
            param="ResourceIdList",
            by="arn",
            at="ResourceTagList",
            key="ResourceId",
            size=20,
        ),
    },
    columns=_COLUMNS,
    relations=(
        Relation(
            "buckets",
            "s3_bucket",
            (
                "name",
                "policy_facts",
                "acl_grants",
                "public_access_block",
                "object_ownership",
                "account_block",
                "logging_bucket",
                "mfa_delete",
            ),
            {"s3_bucket_name": "name"},
            doc="The bucket that gets the logs, where it is of a scanned account.",
        ),
    ),
)

multi_region_trail = Table(
    "cloudtrail_multi_region_trail",
    service="cloudtrail",
    scope="global",
    resource_type="AWS::CloudTrail::Trail",
    doc="A multi-Region trail that logs the account: its own or the organization's, seen from one Region.",
    rows=Call("cloudtrail:DescribeTrails", {"includeShadowTrails": True}, at="trailList"),
    keep=lambda element: bool(element.get("IsMultiRegionTrail")),
    arn="TrailARN",
    title="Name",
    calls=_CALLS,
    columns=_COLUMNS,
    relations=(
        Relation(
            "metric_filters",
            "logs_metric_filter",
            ("name", "activities", "field_selection_criteria", "alarms"),
            {"log_group_account": "account_id", "home_region": "region", "log_group_name": "log_group_name"},
            doc="The metric filters on the trail's log group, with their alarms and the alarms' topics.",
        ),
    ),
)

event_data_store = Table(
    "cloudtrail_event_data_store",
    service="cloudtrail",
    scope="regional",
    resource_type="AWS::CloudTrail::EventDataStore",
    doc="An event data store of CloudTrail Lake.",
    rows=Call("cloudtrail:ListEventDataStores", at="EventDataStores"),
    arn="EventDataStoreArn",
    title="Name",
    tags="tagging.TagsList",
    calls={
        "store": Call("cloudtrail:GetEventDataStore", {"EventDataStore": "arn"}),
        "policy": Call(
            "cloudtrail:GetResourcePolicy",
            {"ResourceArn": "arn"},
            absent=("ResourcePolicyNotFoundException",),
        ),
        "tagging": Batch(
            "cloudtrail:ListTags",
            param="ResourceIdList",
            by="arn",
            at="ResourceTagList",
            key="ResourceId",
            size=20,
        ),
    },
    columns=(
        Column(
            "status",
            Enum(
                "CREATED",
                "ENABLED",
                "PENDING_DELETION",
                "STARTING_INGESTION",
                "STOPPING_INGESTION",
                "STOPPED_INGESTION",
            ),
            "store.Status",
        ),
        Column("termination_protection_enabled", Bool, "store.TerminationProtectionEnabled"),
        Column("is_multi_region", Bool, "store.MultiRegionEnabled"),
        Column("is_organization", Bool, "store.OrganizationEnabled"),
        Column("retention_days", Int, "store.RetentionPeriod"),
        Column("kms_key_id", Str, "store.KmsKeyId", "", doc="Empty: encrypted with a key of AWS's own."),
        Column(
            "federation_status",
            Enum("ENABLING", "ENABLED", "DISABLING", "DISABLED"),
            "store.FederationStatus",
            "DISABLED",
        ),
        Column("logged_events", List(_LOGGED), "store", doc=_LOGGED_DOC, fn=logged),
        Column("policy", Policy("resource"), "policy.ResourcePolicy", "", doc="Empty: there is none."),
    ),
)

region = Table(
    "cloudtrail_region",
    service="cloudtrail",
    scope="regional",
    resource_type="AWS::::Account",
    doc="CloudTrail in a Region of the account, one row, whether or not it is in use.",
    rows=Single(),
    arn="arn:{partition}:cloudtrail:{region}:{account_id}:region",
    title="CloudTrail in {region}",
    columns=(),
    relations=(
        Relation(
            "trails",
            "cloudtrail_trail",
            ("name", "is_logging"),
            {"account_id": "account_id", "region": "region"},
            doc="The account's trails at home in the Region.",
        ),
        Relation(
            "multi_region_trails",
            "cloudtrail_multi_region_trail",
            ("name", "is_logging"),
            {"account_id": "account_id"},
            doc="The trails that log all Regions, the account's own and the organization's.",
        ),
    ),
)

account = Table(
    "cloudtrail_account",
    service="cloudtrail",
    scope="global",
    resource_type="AWS::::Account",
    doc="CloudTrail in all Regions of the account, one row.",
    rows=Single(),
    arn="arn:{partition}:cloudtrail::{account_id}:account",
    title="CloudTrail of {account_id}",
    columns=(),
    relations=(
        Relation(
            "trails",
            "cloudtrail_multi_region_trail",
            (
                "name",
                "owner_account",
                "is_logging",
                "include_global_service_events",
                "log_file_validation_enabled",
                "kms_key_id",
                "logged_events",
                "insight_types",
                "metric_filters",
            ),
            {"account_id": "account_id"},
            doc="The trails that log all Regions, the account's own and the organization's.",
        ),
    ),
)

TABLES = (trail, multi_region_trail, event_data_store, region, account)
