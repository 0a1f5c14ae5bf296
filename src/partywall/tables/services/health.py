"""AWS Health: open events about the account itself. The API needs a Business Support plan or better."""

from __future__ import annotations

from partywall.tables.spec import Call, Column, Const, Enum, Str, Table, Timestamp

event = Table(
    "health_event",
    service="health",
    scope="global",
    resource_type="AWS::::Account",
    doc="An open or coming event that is about this account.",
    rows=Call(
        "health:DescribeEvents",
        {"filter": {"eventStatusCodes": [Const("open"), Const("upcoming")]}},
        at="events",
    ),
    keep=lambda element: element.get("eventScopeCode") != "PUBLIC",
    arn="arn",
    title="eventTypeCode",
    columns=(
        Column("event_service", Str, "service", "", doc="RISK and ABUSE stand for warnings of AWS's own."),
        Column("event_type", Str, "eventTypeCode", ""),
        Column(
            "category",
            Enum("issue", "accountNotification", "scheduledChange", "investigation"),
            "eventTypeCategory",
            "",
        ),
        Column("event_region", Str, "region", ""),
        Column("status", Enum("open", "closed", "upcoming"), "statusCode", ""),
        Column(
            "actionability",
            Enum("ACTION_REQUIRED", "ACTION_MAY_BE_REQUIRED", "INFORMATIONAL"),
            "actionability",
            "INFORMATIONAL",
        ),
        Column("start_time", Timestamp, "startTime"),
        Column("last_updated", Timestamp, "lastUpdatedTime"),
    ),
)

TABLES = (event,)
