"""Amazon CloudWatch: alarms and the account's sharing of what it monitors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from partywall.tables.spec import (
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
from partywall.tables.tagging import tagging

Alarm = Mapping[str, Any]


def metric_ids(alarm: Alarm) -> list[str]:
    """The metrics that an alarm watches, by itself or in a metric math expression, as "namespace/name"."""
    stats = [m.get("MetricStat", {}).get("Metric", {}) for m in alarm.get("Metrics") or ()]
    found = [(m.get("Namespace"), m.get("MetricName")) for m in (alarm, *stats)]
    return sorted({f"{namespace}/{name}" for namespace, name in found if namespace and name})


def topic_arns(alarm: Alarm) -> list[str | None]:
    """The SNS topics that it notifies; one NULL more where a topic is another account's, unseen from here."""
    account = str(alarm["AlarmArn"]).split(":")[4]
    topics = [arn for arn in alarm.get("AlarmActions") or () if arn.split(":")[2] == "sns"]
    foreign = any(arn.split(":")[4] != account for arn in topics)
    return [*topics, None] if foreign else topics


_LIST: Final = {"AlarmTypes": [Const("MetricAlarm"), Const("CompositeAlarm")]}
_TAGS: Final = tagging("cloudwatch:alarm")
_ACTIONS: Final = (
    Column("description", Str, "AlarmDescription", ""),
    Column(
        "actions_enabled", Bool, "ActionsEnabled", True, doc="Actions are carried out on a change of state."
    ),
    Column("alarm_actions", List(Str), "AlarmActions", doc="ARNs of what happens on ALARM."),
    Column("ok_actions", List(Str), "OKActions"),
    Column("insufficient_data_actions", List(Str), "InsufficientDataActions"),
    Column("state", Enum("OK", "ALARM", "INSUFFICIENT_DATA"), "StateValue"),
    Column("state_updated_at", Timestamp, "StateUpdatedTimestamp"),
)

alarm = Table(
    "cloudwatch_alarm",
    service="cloudwatch",
    scope="regional",
    resource_type="AWS::CloudWatch::Alarm",
    doc="A metric alarm.",
    rows=Call("cloudwatch:DescribeAlarms", _LIST, at="MetricAlarms"),
    arn="AlarmArn",
    title="AlarmName",
    tags="tagging.Tags",
    calls={"tagging": _TAGS},
    columns=(
        *_ACTIONS,
        Column(
            "metric_ids",
            List(Str),
            ".",
            doc='The metrics that it watches, as "namespace/name".',
            fn=metric_ids,
        ),
        Column(
            "dimensions",
            List(Struct(Field("name", Str, "Name"), Field("value", Str, "Value"))),
            "Dimensions",
        ),
        Column("statistic", Str, "Statistic", ""),
        Column("period_seconds", Int, "Period", 0, doc="0 for metric math."),
        Column("evaluation_periods", Int, "EvaluationPeriods", 0),
        Column("threshold", Float, "Threshold"),
        Column("comparison_operator", Str, "ComparisonOperator", ""),
        Column("treat_missing_data", Str, "TreatMissingData", "missing"),
        Column(
            "topic_arns",
            List(Str),
            ".",
            doc="The SNS topics among its alarm actions; with one NULL more where one is another account's.",
            fn=topic_arns,
        ),
    ),
    relations=(
        Relation(
            "topics",
            "sns_topic",
            ("name", "subscriptions_confirmed", "subscriptions"),
            {"region": "region", "topic_arns[]": "topic_arn"},
            doc="The topics that it notifies.",
        ),
    ),
)

composite_alarm = Table(
    "cloudwatch_composite_alarm",
    service="cloudwatch",
    scope="regional",
    resource_type="AWS::CloudWatch::CompositeAlarm",
    doc="A composite alarm: a rule over the states of other alarms.",
    rows=Call("cloudwatch:DescribeAlarms", _LIST, at="CompositeAlarms"),
    arn="AlarmArn",
    title="AlarmName",
    tags="tagging.Tags",
    calls={"tagging": _TAGS},
    columns=(*_ACTIONS, Column("alarm_rule", Str, "AlarmRule", "")),
)

account = Table(
    "cloudwatch_account",
    service="cloudwatch",
    scope="global",
    resource_type="AWS::::Account",
    doc="CloudWatch in the account, one row.",
    rows=Single(),
    arn="arn:{partition}:cloudwatch::{account_id}:account",
    title="CloudWatch of {account_id}",
    columns=(),
    relations=(
        Relation(
            "roles",
            "iam_role",
            ("name", "trust_policy_facts"),
            {"account_id": "account_id"},
            doc="The account's roles; one named CloudWatch-CrossAccountSharingRole shares its monitoring.",
        ),
    ),
)

TABLES = (alarm, composite_alarm, account)
