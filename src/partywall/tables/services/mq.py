"""Amazon MQ: brokers."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Enum, List, Lookup, Str, Table, Timestamp

broker = Table(
    "mq_broker",
    service="mq",
    scope="regional",
    resource_type="AWS::AmazonMQ::Broker",
    doc="A broker.",
    rows=Call("mq:ListBrokers", at="BrokerSummaries"),
    arn="BrokerArn",
    title="BrokerName",
    tags="broker.Tags",
    calls={
        "broker": Call("mq:DescribeBroker", {"BrokerId": "broker_id"}),
        "types": Lookup(
            "mq:DescribeBrokerEngineTypes",
            at="BrokerEngineTypes",
            key="EngineType",
            by="listed_engine_type",
            many=True,
        ),
    },
    columns=(
        Column("broker_id", Str, "BrokerId"),
        Column("state", Str, "BrokerState", ""),
        Column(
            "deployment_mode",
            Enum("SINGLE_INSTANCE", "ACTIVE_STANDBY_MULTI_AZ", "CLUSTER_MULTI_AZ"),
            "DeploymentMode",
        ),
        Column(
            "engine_type",
            Enum("ACTIVEMQ", "RABBITMQ"),
            "broker.EngineType",
            doc="In capitals, which AWS is not constant about.",
            fn=str.upper,
        ),
        Column("listed_engine_type", Str, "EngineType", "", doc="As the listing spells it.", fn=str.upper),
        Column("instance_type", Str, "HostInstanceType", ""),
        Column("created_at", Timestamp, "Created"),
        Column("engine_version", Str, "broker.EngineVersion", ""),
        Column("auto_minor_version_upgrade", Bool, "broker.AutoMinorVersionUpgrade", False),
        Column(
            "actions_required",
            List(Str),
            "broker.ActionsRequired[].ActionRequiredCode",
            doc="What AWS asks the customer to do.",
        ),
        Column(
            "supported_versions",
            List(Str),
            "types[].EngineVersions[].Name",
            doc="Of its engine, those that Amazon MQ still makes new brokers of.",
        ),
        Column("publicly_accessible", Bool, "broker.PubliclyAccessible", False),
        Column("general_logs", Bool, "broker.Logs.General", False),
        Column("audit_logs", Bool, "broker.Logs.Audit", False, doc="ActiveMQ alone has them."),
        Column("aws_owned_key", Bool, "broker.EncryptionOptions.UseAwsOwnedKey", True),
        Column("kms_key_id", Str, "broker.EncryptionOptions.KmsKeyId", ""),
        Column("security_groups", List(Str), "broker.SecurityGroups"),
        Column("subnet_ids", List(Str), "broker.SubnetIds"),
        Column("authentication", Str, "broker.AuthenticationStrategy", "SIMPLE", fn=str.upper),
    ),
)

TABLES = (broker,)
