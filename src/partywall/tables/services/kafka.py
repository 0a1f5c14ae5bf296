"""Amazon MSK: Kafka clusters and MSK Connect connectors."""

from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Int,
    List,
    Lookup,
    Policy,
    Relation,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging


def _destinations(logs: dict[str, Any]) -> list[str]:
    """The kinds of destinations that get logs: CloudWatchLogs, Firehose, S3 (in either spelling)."""
    kinds = {"cloudWatchLogs": "CloudWatchLogs", "firehose": "Firehose", "s3": "S3"}
    return sorted(
        kinds.get(kind, kind)
        for kind, setting in logs.items()
        if isinstance(setting, dict) and (setting.get("Enabled") or setting.get("enabled"))
    )


cluster = Table(
    "msk_cluster",
    service="kafka",
    scope="regional",
    resource_type="AWS::MSK::Cluster",
    doc="An MSK cluster, provisioned or serverless. Serverless ones always use TLS and IAM.",
    rows=Call("kafka:ListClustersV2", at="ClusterInfoList"),
    arn="ClusterArn",
    title="ClusterName",
    tags="Tags",
    calls={
        "policy": Call("kafka:GetClusterPolicy", {"ClusterArn": "arn"}, absent=("NotFoundException",)),
        "versions": Lookup("kafka:ListKafkaVersions", at="KafkaVersions", key="Version", by="kafka_version"),
    },
    columns=(
        Column("cluster_type", Enum("PROVISIONED", "SERVERLESS"), "ClusterType"),
        Column("state", Str, "State", ""),
        Column("created_at", Timestamp, "CreationTime"),
        Column(
            "kafka_version",
            Str,
            "Provisioned.CurrentBrokerSoftwareInfo.KafkaVersion",
            "",
            doc="Empty: serverless.",
        ),
        Column(
            "kafka_version_status",
            Enum("ACTIVE", "DEPRECATED", "not-offered"),
            "versions.Status",
            "not-offered",
            doc="not-offered: AWS lists the version no more, or the cluster is serverless.",
        ),
        Column(
            "public_access",
            Enum("DISABLED", "SERVICE_PROVIDED_EIPS"),
            "Provisioned.BrokerNodeGroupInfo.ConnectivityInfo.PublicAccess.Type",
            "DISABLED",
        ),
        Column(
            "client_encryption",
            Enum("TLS", "TLS_PLAINTEXT", "PLAINTEXT"),
            "Provisioned.EncryptionInfo.EncryptionInTransit.ClientBroker",
            "TLS",
        ),
        Column(
            "in_cluster_encryption", Bool, "Provisioned.EncryptionInfo.EncryptionInTransit.InCluster", True
        ),
        Column(
            "kms_key_arn",
            Str,
            "Provisioned.EncryptionInfo.EncryptionAtRest.DataVolumeKMSKeyId",
            "",
            doc="Empty: serverless.",
        ),
        Column(
            "unauthenticated_access", Bool, "Provisioned.ClientAuthentication.Unauthenticated.Enabled", False
        ),
        Column("iam_authentication", Bool, "Provisioned.ClientAuthentication.Sasl.Iam.Enabled", False),
        Column("scram_authentication", Bool, "Provisioned.ClientAuthentication.Sasl.Scram.Enabled", False),
        Column("tls_authentication", Bool, "Provisioned.ClientAuthentication.Tls.Enabled", False),
        Column(
            "customer_action",
            Enum("CRITICAL_ACTION_REQUIRED", "ACTION_RECOMMENDED", "NONE"),
            "Provisioned.CustomerActionStatus",
            "NONE",
            doc="What AWS asks of the customer before it patches the brokers.",
        ),
        Column(
            "enhanced_monitoring",
            Enum("DEFAULT", "PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION"),
            "Provisioned.EnhancedMonitoring",
            "DEFAULT",
        ),
        Column(
            "broker_log_destinations",
            List(Str),
            "Provisioned.LoggingInfo.BrokerLogs",
            doc="Kinds of destinations that get the brokers' logs.",
            fn=_destinations,
        ),
        Column("broker_count", Int, "Provisioned.NumberOfBrokerNodes", 0),
        Column("security_group_ids", List(Str), "Provisioned.BrokerNodeGroupInfo.SecurityGroups"),
        Column("subnet_ids", List(Str), "Provisioned.BrokerNodeGroupInfo.ClientSubnets"),
        Column(
            "policy", Policy("resource"), "policy.Policy", "", doc="Cluster policy; empty: there is none."
        ),
    ),
    relations=(
        Relation(
            "kms_keys",
            "kms_key",
            ("key_manager",),
            {"kms_key_arn": "arn", "region": "region"},
            doc="The key, where it is one of this account; AWS's own keys are never another's.",
        ),
    ),
)

connector = Table(
    "msk_connector",
    service="kafka",
    scope="regional",
    resource_type="AWS::KafkaConnect::Connector",
    doc="An MSK Connect connector: copies between Kafka and another system.",
    rows=Call("kafkaconnect:ListConnectors", at="connectors"),
    arn="connectorArn",
    title="connectorName",
    tags="tagging.Tags",
    calls={"tagging": tagging("kafkaconnect:connector")},
    columns=(
        Column("state", Str, "connectorState", ""),
        Column(
            "encryption_in_transit",
            Enum("PLAINTEXT", "TLS"),
            "kafkaClusterEncryptionInTransit.encryptionType",
            "PLAINTEXT",
        ),
        Column(
            "authentication",
            Enum("NONE", "IAM"),
            "kafkaClusterClientAuthentication.authenticationType",
            "NONE",
            doc="How it logs in to the cluster.",
        ),
        Column(
            "log_destinations",
            List(Str),
            "logDelivery.workerLogDelivery",
            doc="Kinds of destinations that get the workers' logs.",
            fn=_destinations,
        ),
        Column("role_arn", Str, "serviceExecutionRoleArn", ""),
    ),
)

TABLES = (cluster, connector)
