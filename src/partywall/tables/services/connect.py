"""Amazon Connect: instances."""

from __future__ import annotations

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Const,
    Enum,
    Field,
    List,
    Str,
    Struct,
    Table,
    Timestamp,
)

_STORAGE = Struct(
    Field("kind", Enum("S3", "KINESIS_VIDEO_STREAM", "KINESIS_STREAM", "KINESIS_FIREHOSE"), "StorageType"),
    Field("bucket", Str, "S3Config.BucketName", ""),
    Field("kms_key", Str, "S3Config.EncryptionConfig.KeyId", ""),
)


def _storage(kind: str) -> Call:
    return Call(
        "connect:ListInstanceStorageConfigs", {"InstanceId": "instance_id", "ResourceType": Const(kind)}
    )


instance = Table(
    "connect_instance",
    service="connect",
    scope="regional",
    resource_type="AWS::Connect::Instance",
    doc="A contact centre, with where it keeps recordings and transcripts.",
    rows=Call("connect:ListInstances", {"MaxResults": 10}, at="InstanceSummaryList"),
    arn="Arn",
    title="InstanceAlias",
    tags="described.Instance.Tags",
    calls={
        "described": Call("connect:DescribeInstance", {"InstanceId": "instance_id"}),
        "flow_logs": Call(
            "connect:DescribeInstanceAttribute",
            {"InstanceId": "instance_id", "AttributeType": Const("CONTACTFLOW_LOGS")},
        ),
        "recordings": _storage("CALL_RECORDINGS"),
        "transcripts": _storage("CHAT_TRANSCRIPTS"),
    },
    columns=(
        Column("instance_id", Str, "Id"),
        Column("status", Str, "InstanceStatus", ""),
        Column("created_at", Timestamp, "CreatedTime"),
        Column(
            "identity_management",
            Enum("SAML", "CONNECT_MANAGED", "EXISTING_DIRECTORY"),
            "IdentityManagementType",
            doc="Who keeps the users' passwords.",
        ),
        Column("inbound_calls", Bool, "InboundCallsEnabled", False),
        Column("outbound_calls", Bool, "OutboundCallsEnabled", False),
        Column(
            "flow_logging",
            Bool,
            "flow_logs.Attribute.Value",
            False,
            doc="Flows are logged to CloudWatch Logs.",
        ),
        Column("recording_storage", List(_STORAGE), "recordings.StorageConfigs", doc="None: not recorded."),
        Column("transcript_storage", List(_STORAGE), "transcripts.StorageConfigs"),
    ),
)

TABLES = (instance,)
