"""Amazon EventBridge: buses with their policies, rules, archives, global endpoints and connections."""

from __future__ import annotations

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

bus = Table(
    "events_bus",
    service="events",
    scope="regional",
    resource_type="AWS::Events::EventBus",
    doc="An event bus, the default one included.",
    rows=Call("events:ListEventBuses", at="EventBuses"),
    arn="Arn",
    title="Name",
    tags="tagging.Tags",
    calls={
        "bus": Call("events:DescribeEventBus", {"Name": "bus_name"}),
        "tagging": tagging("events:event-bus"),
    },
    columns=(
        Column("bus_name", Str, "Name"),
        Column("is_default", Bool, "Name", fn=lambda v: v == "default"),
        Column(
            "is_partner",
            Bool,
            "Name",
            doc="Receives a partner's events.",
            fn=lambda v: v.startswith("aws.partner/"),
        ),
        Column("policy", Policy("resource"), "Policy", "", doc="Empty: only the account itself sends."),
        Column("managed_by", Str, "ManagedBy", ""),
        Column("kms_key_identifier", Str, "bus.KmsKeyIdentifier", "", doc="Empty: a key of AWS's own."),
        Column("dead_letter_arn", Str, "bus.DeadLetterConfig.Arn", ""),
        Column("log_level", Enum("OFF", "ERROR", "INFO", "TRACE"), "bus.LogConfig.Level", "OFF"),
    ),
    relations=(
        Relation(
            "archives",
            "events_archive",
            ("name", "state"),
            {"account_id": "account_id", "region": "region", "arn": "bus_arn"},
            doc="The archives that keep its events.",
        ),
    ),
)

rule = Table(
    "events_rule",
    service="events",
    scope="regional",
    resource_type="AWS::Events::Rule",
    doc="A rule of a bus, with its targets.",
    parent="events_bus",
    rows=Call("events:ListRules", {"EventBusName": "@parent.bus_name"}, at="Rules"),
    arn="Arn",
    title="Name",
    calls={
        "targets": Call("events:ListTargetsByRule", {"Rule": "rule_name", "EventBusName": "event_bus_name"}),
    },
    columns=(
        Column("rule_name", Str, "Name"),
        Column("event_bus_name", Str, "EventBusName", "default"),
        Column("event_pattern", Str, "EventPattern", "", doc="Empty: the rule runs by a schedule."),
        Column("schedule_expression", Str, "ScheduleExpression", ""),
        Column(
            "state",
            Enum("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"),
            "State",
        ),
        Column("managed_by", Str, "ManagedBy", "", doc="The AWS service that made it; empty: the customer."),
        Column("role_arn", Str, "RoleArn", ""),
        Column(
            "targets",
            List(
                Struct(
                    Field("id", Str, "Id"),
                    Field("arn", Str, "Arn"),
                    Field("target_account", Str, "Arn", "", fn=lambda arn: arn.split(":")[4] or None),
                    Field("role_arn", Str, "RoleArn", ""),
                    Field("dead_letter_arn", Str, "DeadLetterConfig.Arn", ""),
                )
            ),
            "targets.Targets",
        ),
    ),
)

archive = Table(
    "events_archive",
    service="events",
    scope="regional",
    resource_type="AWS::Events::Archive",
    doc="An archive: keeps a bus's events to play them again.",
    rows=Call("events:ListArchives", at="Archives"),
    arn="arn:{partition}:events:{region}:{account_id}:archive/{name}",
    title="ArchiveName",
    columns=(
        Column("bus_arn", Str, "EventSourceArn", ""),
        Column(
            "state",
            Enum("ENABLED", "DISABLED", "CREATING", "UPDATING", "CREATE_FAILED", "UPDATE_FAILED"),
            "State",
        ),
        Column("retention_days", Int, "RetentionDays", 0, doc="0: for ever."),
        Column("event_count", Int, "EventCount", 0),
        Column("created_at", Timestamp, "CreationTime"),
    ),
)

endpoint = Table(
    "events_endpoint",
    service="events",
    scope="regional",
    resource_type="AWS::Events::Endpoint",
    doc="A global endpoint: two buses in two Regions, one standing in for the other.",
    rows=Call("events:ListEndpoints", at="Endpoints"),
    arn="Arn",
    title="Name",
    columns=(
        Column("replication", Enum("ENABLED", "DISABLED"), "ReplicationConfig.State", "ENABLED"),
        Column("state", Str, "State"),
        Column("bus_arns", List(Str), "EventBuses[].EventBusArn"),
    ),
)

api_destination = Table(
    "events_api_destination",
    service="events",
    scope="regional",
    resource_type="AWS::Events::ApiDestination",
    doc="An API destination: an HTTP endpoint that rules send events to.",
    rows=Call("events:ListApiDestinations", at="ApiDestinations"),
    arn="ApiDestinationArn",
    title="Name",
    columns=(
        Column("state", Enum("ACTIVE", "INACTIVE"), "ApiDestinationState"),
        Column("invocation_endpoint", Str, "InvocationEndpoint", ""),
        Column("connection_arn", Str, "ConnectionArn", ""),
        Column("http_method", Str, "HttpMethod", ""),
    ),
)

connection = Table(
    "events_connection",
    service="events",
    scope="regional",
    resource_type="AWS::Events::Connection",
    doc="A connection: how EventBridge authenticates to an HTTP endpoint.",
    rows=Call("events:ListConnections", at="Connections"),
    arn="ConnectionArn",
    title="Name",
    columns=(
        Column("state", Str, "ConnectionState"),
        Column(
            "authorization_type", Enum("BASIC", "OAUTH_CLIENT_CREDENTIALS", "API_KEY"), "AuthorizationType"
        ),
        Column("last_authorized_at", Timestamp, "LastAuthorizedTime"),
    ),
)

TABLES = (bus, rule, archive, endpoint, api_destination, connection)
