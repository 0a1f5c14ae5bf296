"""What RDS databases share: parameter and option groups, proxies and event subscriptions."""

from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Field,
    Int,
    List,
    Relation,
    Single,
    Str,
    StrMap,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

# One call for all tables of the service.
_TAGGING = tagging("rds:pg", "rds:cluster-pg", "rds:og", "rds:db-proxy", "rds:es")

_HERE = {"account_id": "account_id", "region": "region"}

# The parameters that decide about encryption in transit, auditing and file access, over all engines. RDS is
# asked for these alone: a whole parameter group is several pages.
SECURITY_PARAMETERS = (
    "rds.force_ssl",
    "require_secure_transport",
    "tls",
    "tls_version",
    "ssl_min_protocol_version",
    "rds.tls10",
    "rds.tls11",
    "neptune_enforce_ssl",
    "audit_logs",
    "neptune_enable_audit_log",
    "server_audit_logging",
    "server_audit_events",
    "general_log",
    "slow_query_log",
    "log_connections",
    "log_disconnections",
    "log_statement",
    "pgaudit.log",
    "shared_preload_libraries",
    "local_infile",
    "password_encryption",
)


def _parameters(name: str, operation: str) -> Call:
    return Call(
        f"rds:{operation}",
        {
            name: "name",
            "Filters": [{"Name": Const("parameter-name"), "Values": [Const(p) for p in SECURITY_PARAMETERS]}],
        },
    )


def _values(parameters: list[dict[str, Any]]) -> dict[str, str]:
    return {
        p["ParameterName"]: p["ParameterValue"]
        for p in parameters
        if p.get("ParameterValue") is not None and p.get("ParameterName") in SECURITY_PARAMETERS
    }


def _parameter_columns() -> tuple[Column, ...]:
    return (
        Column("family", Str, "DBParameterGroupFamily", ""),
        Column("description", Str, "Description", ""),
        Column(
            "parameters",
            StrMap,
            "values.Parameters",
            doc="Values in force of the parameters that matter to security; one without a value is left out.",
            fn=_values,
        ),
    )


parameter_group = Table(
    "rds_parameter_group",
    service="rds",
    scope="regional",
    resource_type="AWS::RDS::DBParameterGroup",
    doc="A DB parameter group: settings of the engine that instances share.",
    rows=Call("rds:DescribeDBParameterGroups", at="DBParameterGroups"),
    arn="DBParameterGroupArn",
    title="DBParameterGroupName",
    tags="tagging.Tags",
    calls={
        "tagging": _TAGGING,
        "values": _parameters("DBParameterGroupName", "DescribeDBParameters"),
    },
    columns=_parameter_columns(),
)

cluster_parameter_group = Table(
    "rds_cluster_parameter_group",
    service="rds",
    scope="regional",
    resource_type="AWS::RDS::DBClusterParameterGroup",
    doc="A DB cluster parameter group of Aurora, Neptune, DocumentDB or a Multi-AZ DB cluster.",
    rows=Call("rds:DescribeDBClusterParameterGroups", at="DBClusterParameterGroups"),
    arn="DBClusterParameterGroupArn",
    title="DBClusterParameterGroupName",
    tags="tagging.Tags",
    calls={
        "tagging": _TAGGING,
        "values": _parameters("DBClusterParameterGroupName", "DescribeDBClusterParameters"),
    },
    columns=_parameter_columns(),
)

option_group = Table(
    "rds_option_group",
    service="rds",
    scope="regional",
    resource_type="AWS::RDS::OptionGroup",
    doc="An option group: extra features of an engine, such as Oracle's native network encryption.",
    rows=Call("rds:DescribeOptionGroups", at="OptionGroupsList"),
    arn="OptionGroupArn",
    title="OptionGroupName",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("engine", Str, "EngineName", ""),
        Column("major_engine_version", Str, "MajorEngineVersion", ""),
        Column(
            "options",
            List(
                Struct(
                    Field("name", Str, "OptionName", ""),
                    Field("version", Str, "OptionVersion", ""),
                    Field("port", Int, "Port", 0),
                    Field("settings", StrMap, "OptionSettings"),
                )
            ),
            "Options",
        ),
    ),
)

proxy = Table(
    "rds_proxy",
    service="rds",
    scope="regional",
    resource_type="AWS::RDS::DBProxy",
    doc="An RDS Proxy: pools connections of clients to databases.",
    rows=Call("rds:DescribeDBProxies", at="DBProxies"),
    arn="DBProxyArn",
    title="DBProxyName",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("status", Str, "Status", ""),
        Column("engine_family", Str, "EngineFamily", ""),
        Column("require_tls", Bool, "RequireTLS", False),
        Column("debug_logging", Bool, "DebugLogging", False, doc="SQL text is written to the logs."),
        Column(
            "auth",
            List(
                Struct(
                    Field("scheme", Str, "AuthScheme", ""),
                    Field("secret_arn", Str, "SecretArn", ""),
                    Field("iam_auth", Str, "IAMAuth", "DISABLED"),
                    Field("client_password_type", Str, "ClientPasswordAuthType", ""),
                )
            ),
            "Auth",
        ),
        Column("default_auth_scheme", Str, "DefaultAuthScheme", ""),
        Column("role_arn", Str, "RoleArn", ""),
        Column("vpc_id", Str, "VpcId", ""),
        Column("subnet_ids", List(Str), "VpcSubnetIds"),
        Column("security_group_ids", List(Str), "VpcSecurityGroupIds"),
        Column("created_at", Timestamp, "CreatedDate"),
    ),
)

event_subscription = Table(
    "rds_event_subscription",
    service="rds",
    scope="regional",
    resource_type="AWS::RDS::EventSubscription",
    doc="A subscription that sends RDS events to an SNS topic.",
    rows=Call("rds:DescribeEventSubscriptions", at="EventSubscriptionsList"),
    arn="EventSubscriptionArn",
    title="CustSubscriptionId",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("topic_arn", Str, "SnsTopicArn", ""),
        Column("status", Str, "Status", ""),
        Column("enabled", Bool, "Enabled", False),
        Column("source_type", Str, "SourceType", "", doc="db-instance, db-cluster, …; empty: all."),
        Column("source_ids", List(Str), "SourceIdsList", doc="Empty: all of the type."),
        Column("event_categories", List(Str), "EventCategoriesList", doc="Empty: all."),
    ),
)

region = Table(
    "rds_region",
    service="rds",
    scope="regional",
    resource_type="AWS::::Account",
    doc="RDS in a Region, one row each, with what it holds. AWS has no ARN for it.",
    rows=Single(),
    arn="arn:{partition}:rds:{region}:{account_id}:region",
    title="{region}",
    columns=(),
    relations=(
        Relation(
            "subscriptions",
            "rds_event_subscription",
            ("enabled", "source_type", "source_ids", "event_categories"),
            _HERE,
        ),
        Relation("instances", "rds_instance", ("arn",), _HERE),
        Relation("clusters", "rds_cluster", ("arn",), _HERE),
    ),
)

TABLES = (parameter_group, cluster_parameter_group, option_group, proxy, event_subscription, region)
