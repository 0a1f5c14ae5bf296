"""Amazon CloudWatch Logs: log groups, metric filters, destinations and resource policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Int,
    List,
    Policy,
    Relation,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging
from partywall.tables.trail_activity import caught

_NEVER: Final = 0


def metric_ids(transformations: list[Mapping[str, Any]]) -> list[str]:
    """The metrics that a filter feeds with something other than zero, as "namespace/name"."""
    return [f"{t['metricNamespace']}/{t['metricName']}" for t in transformations if t["metricValue"] != "0"]


group = Table(
    "logs_group",
    service="logs",
    scope="regional",
    resource_type="AWS::Logs::LogGroup",
    doc="A log group.",
    rows=Call("logs:DescribeLogGroups", at="logGroups"),
    arn="arn:{partition}:logs:{region}:{account_id}:log-group:{name}",
    title="logGroupName",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("logs:log-group"),
    },
    columns=(
        Column("log_group_name", Str, "logGroupName"),
        Column("creation_date", Timestamp, "creationTime"),
        Column("retention_days", Int, "retentionInDays", _NEVER, doc="0: events never expire."),
        Column("stored_bytes", Int, "storedBytes", 0),
        Column("kms_key_id", Str, "kmsKeyId", "", doc="Empty: encrypted with a key of AWS's own."),
        Column(
            "log_group_class",
            Enum("STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"),
            "logGroupClass",
            "STANDARD",
        ),
        Column(
            "data_protection_status",
            Enum("ACTIVATED", "DELETED", "ARCHIVED", "DISABLED", "none"),
            "dataProtectionStatus",
            "none",
            doc="Of the group's own data protection policy, which masks sensitive data; none: there is none.",
        ),
        Column(
            "inherits_data_protection",
            Bool,
            "inheritedProperties",
            False,
            doc="The account's policy applies.",
            fn=lambda v: "ACCOUNT_DATA_PROTECTION" in v,
        ),
        Column("deletion_protection_enabled", Bool, "deletionProtectionEnabled", False),
        Column("metric_filter_count", Int, "metricFilterCount", 0),
    ),
    relations=(
        Relation(
            "trails",
            "cloudtrail_trail",
            ("name", "is_logging"),
            {"account_id": "log_group_account", "region": "region", "log_group_name": "log_group_name"},
            doc="The trails that send their events here.",
        ),
    ),
)

metric_filter = Table(
    "logs_metric_filter",
    service="logs",
    scope="regional",
    resource_type="AWS::Logs::MetricFilter",
    doc="A metric filter: a pattern over a log group's events that feeds a metric.",
    rows=Call("logs:DescribeMetricFilters", at="metricFilters"),
    arn="arn:{partition}:logs:{region}:{account_id}:log-group:{log_group_name}:metric-filter:{name}",
    title="filterName",
    columns=(
        Column("log_group_name", Str, "logGroupName", ""),
        Column("filter_pattern", Str, "filterPattern", ""),
        Column(
            "activities",
            List(Str),
            "filterPattern",
            doc="What the pattern catches of CloudTrail's events, judged by matching them (such as "
            "root-use, trail-changes): every event of the activity, and none of everyday work.",
            fn=caught,
        ),
        Column("metric_ids", List(Str), "metricTransformations", doc='As "namespace/name".', fn=metric_ids),
        Column(
            "field_selection_criteria",
            Str,
            "fieldSelectionCriteria",
            "",
            doc="Narrows it to some accounts or Regions.",
        ),
        Column("creation_date", Timestamp, "creationTime"),
    ),
    relations=(
        Relation(
            "alarms",
            "cloudwatch_alarm",
            ("name", "actions_enabled", "comparison_operator", "topics"),
            {"account_id": "account_id", "region": "region", "metric_ids[]": "metric_ids[]"},
            doc="The alarms on the filter's metrics, with the topics that they notify.",
        ),
    ),
)

resource_policy = Table(
    "logs_resource_policy",
    service="logs",
    scope="regional",
    resource_type="AWS::Logs::ResourcePolicy",
    doc="A resource policy of the account's logs in the Region; AWS has no ARN for it.",
    rows=Call("logs:DescribeResourcePolicies", at="resourcePolicies"),
    arn="arn:{partition}:logs:{region}:{account_id}:resource-policy:{name}",
    title="policyName",
    columns=(
        Column("policy", Policy("resource"), "policyDocument", ""),
        Column("last_updated_time", Timestamp, "lastUpdatedTime"),
    ),
)

destination = Table(
    "logs_destination",
    service="logs",
    scope="regional",
    resource_type="AWS::Logs::Destination",
    doc="A destination, by which other accounts send their log events to a stream of this one.",
    rows=Call("logs:DescribeDestinations", at="destinations"),
    arn="arn",
    title="destinationName",
    columns=(
        Column("target_arn", Str, "targetArn", ""),
        Column("role_arn", Str, "roleArn", ""),
        Column("access_policy", Policy("resource"), "accessPolicy", ""),
    ),
)

TABLES = (group, metric_filter, resource_policy, destination)
