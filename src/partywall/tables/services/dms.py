"""AWS Database Migration Service: replication instances, endpoints and tasks."""

from collections.abc import Callable
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Lookup,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

# One call for all tables of the service.
_TAGGING = tagging("dms:rep", "dms:endpoint", "dms:task", "dms:cert", "dms:replication-config")

# The severities that a task's component can log at, quietest first; from Default on it logs usefully.
_LOGS = ("LOGGER_SEVERITY_DEFAULT", "LOGGER_SEVERITY_DEBUG", "LOGGER_SEVERITY_DETAILED_DEBUG")


def _logged_components(settings: str) -> list[str]:
    """The components of a task that log at Default severity or finer, while logging is on."""
    import orjson

    logging: dict[str, Any] = orjson.loads(settings).get("Logging") or {}
    if not logging.get("EnableLogging"):
        return []
    components: list[dict[str, Any]] = logging.get("LogComponents") or []
    return sorted(str(c.get("Id")) for c in components if c.get("Severity") in _LOGS)


instance = Table(
    "dms_replication_instance",
    service="dms",
    scope="regional",
    resource_type="AWS::DMS::ReplicationInstance",
    doc="An instance that runs replication tasks.",
    rows=Call("dms:DescribeReplicationInstances", at="ReplicationInstances"),
    arn="ReplicationInstanceArn",
    title="ReplicationInstanceIdentifier",
    tags="tagging.Tags",
    calls={
        "tagging": _TAGGING,
        "pending": Lookup(
            "dms:DescribePendingMaintenanceActions",
            at="PendingMaintenanceActions",
            key="ResourceIdentifier",
            by="arn",
        ),
    },
    columns=(
        Column(
            "pending_maintenance",
            List(
                Struct(
                    Field("action", Str, "Action", ""),
                    Field("opt_in_status", Str, "OptInStatus", ""),
                    Field("auto_applied_after", Timestamp, "AutoAppliedAfterDate"),
                    Field("forced_apply_date", Timestamp, "ForcedApplyDate"),
                    Field("current_apply_date", Timestamp, "CurrentApplyDate"),
                )
            ),
            "pending.PendingMaintenanceActionDetails",
            doc="Maintenance that waits: engine upgrades, updates of the operating system.",
        ),
        Column("status", Str, "ReplicationInstanceStatus", ""),
        Column("instance_class", Str, "ReplicationInstanceClass", ""),
        Column("engine_version", Str, "EngineVersion", ""),
        Column("created_at", Timestamp, "InstanceCreateTime"),
        Column("publicly_accessible", Bool, "PubliclyAccessible"),
        Column("public_ip_addresses", List(Str), "ReplicationInstancePublicIpAddresses"),
        Column("multi_az", Bool, "MultiAZ", False),
        Column("auto_minor_version_upgrade", Bool, "AutoMinorVersionUpgrade", False),
        Column("kms_key_id", Str, "KmsKeyId", ""),
        Column("vpc_id", Str, "ReplicationSubnetGroup.VpcId", ""),
        Column("security_group_ids", List(Str), "VpcSecurityGroups[].VpcSecurityGroupId"),
    ),
)


def _setting(path: str, name: str, doc: str, fn: Callable[[Any], Any] | None = None) -> Column:
    return Column(name, Str, path, "", doc=doc, fn=fn)


endpoint = Table(
    "dms_endpoint",
    service="dms",
    scope="regional",
    resource_type="AWS::DMS::Endpoint",
    doc="A database or store that tasks read from or write to.",
    rows=Call("dms:DescribeEndpoints", at="Endpoints"),
    arn="EndpointArn",
    title="EndpointIdentifier",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("endpoint_type", Enum("source", "target"), "EndpointType", fn=lambda v: str(v).lower()),
        Column("engine", Str, "EngineName"),
        Column("server", Str, "ServerName", ""),
        Column("port", Int, "Port", 0),
        Column("user_name", Str, "Username", ""),
        Column("status", Str, "Status", ""),
        Column("kms_key_id", Str, "KmsKeyId", ""),
        Column(
            "ssl_mode",
            Enum("none", "require", "verify-ca", "verify-full"),
            "SslMode",
            "none",
            doc="none also stands for engines that have their own setting.",
        ),
        Column("certificate_arn", Str, "CertificateArn", ""),
        Column("neptune_iam_auth", Bool, "NeptuneSettings.IamAuthEnabled", False),
        _setting("MongoDbSettings.AuthType", "mongodb_auth_type", "no or password; empty: not MongoDB."),
        _setting("MongoDbSettings.AuthMechanism", "mongodb_auth_mechanism", "Empty: not MongoDB."),
        _setting("RedisSettings.SslSecurityProtocol", "redis_ssl_protocol", "Empty: not Redis."),
        _setting("KafkaSettings.SecurityProtocol", "kafka_security_protocol", "Empty: not Kafka."),
    ),
)

task = Table(
    "dms_replication_task",
    service="dms",
    scope="regional",
    resource_type="AWS::DMS::ReplicationTask",
    doc="A task that copies from a source endpoint to a target endpoint.",
    rows=Call("dms:DescribeReplicationTasks", at="ReplicationTasks"),
    arn="ReplicationTaskArn",
    title="ReplicationTaskIdentifier",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("status", Str, "Status", ""),
        Column("migration_type", Str, "MigrationType", ""),
        Column("source_endpoint_arn", Str, "SourceEndpointArn", ""),
        Column("target_endpoint_arn", Str, "TargetEndpointArn", ""),
        Column("instance_arn", Str, "ReplicationInstanceArn", ""),
        Column(
            "logged_components",
            List(Str),
            "ReplicationTaskSettings",
            doc="Components that log at Default severity or finer; empty: logging is off.",
            fn=_logged_components,
        ),
    ),
)

certificate = Table(
    "dms_certificate",
    service="dms",
    scope="regional",
    resource_type="AWS::DMS::Certificate",
    doc="A certificate that endpoints verify servers with.",
    rows=Call("dms:DescribeCertificates", at="Certificates"),
    arn="CertificateArn",
    title="CertificateIdentifier",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column("valid_from", Timestamp, "ValidFromDate"),
        Column("valid_to", Timestamp, "ValidToDate"),
        Column("key_length", Int, "KeyLength", 0),
        Column("signing_algorithm", Str, "SigningAlgorithm", ""),
    ),
)

replication_config = Table(
    "dms_replication_config",
    service="dms",
    scope="regional",
    resource_type="AWS::DMS::ReplicationConfig",
    doc="A serverless replication: AWS keeps the machine that runs it.",
    rows=Call("dms:DescribeReplicationConfigs", at="ReplicationConfigs"),
    arn="ReplicationConfigArn",
    title="ReplicationConfigIdentifier",
    tags="tagging.Tags",
    calls={"tagging": _TAGGING},
    columns=(
        Column(
            "replication_type",
            Enum("full-load", "cdc", "full-load-and-cdc"),
            "ReplicationType",
        ),
        Column("source_endpoint_arn", Str, "SourceEndpointArn", ""),
        Column("target_endpoint_arn", Str, "TargetEndpointArn", ""),
        Column("kms_key_id", Str, "ComputeConfig.KmsKeyId", "", doc="Empty: DMS's own key."),
        Column("multi_az", Bool, "ComputeConfig.MultiAZ", False),
        Column("security_group_ids", List(Str), "ComputeConfig.VpcSecurityGroupIds"),
        Column("created_at", Timestamp, "ReplicationConfigCreateTime"),
        Column(
            "logged_components",
            List(Str),
            "ReplicationSettings",
            doc="Components that log at Default severity or finer; empty: logging is off.",
            fn=_logged_components,
        ),
    ),
)

TABLES = (instance, endpoint, task, certificate, replication_config)
