"""Amazon Kinesis Data Streams."""

from partywall.tables.spec import (
    Call,
    Column,
    Enum,
    Int,
    Policy,
    Relation,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

stream = Table(
    "kinesis_stream",
    service="kinesis",
    scope="regional",
    resource_type="AWS::Kinesis::Stream",
    doc="A data stream.",
    rows=Call("kinesis:ListStreams", at="StreamNames"),
    arn="arn:{partition}:kinesis:{region}:{account_id}:stream/{stream_name}",
    title=".",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("kinesis:stream"),
        "detail": Call(
            "kinesis:DescribeStreamSummary", {"StreamName": "stream_name"}, at="StreamDescriptionSummary"
        ),
        "policy": Call("kinesis:GetResourcePolicy", {"ResourceARN": "arn"}),
    },
    columns=(
        Column("stream_name", Str, ".", doc="The same as `name`."),
        Column("status", Str, "detail.StreamStatus"),
        Column(
            "mode", Enum("PROVISIONED", "ON_DEMAND"), "detail.StreamModeDetails.StreamMode", "PROVISIONED"
        ),
        Column("created_at", Timestamp, "detail.StreamCreationTimestamp"),
        Column("encryption_type", Enum("NONE", "KMS"), "detail.EncryptionType", "NONE"),
        Column("kms_key_id", Str, "detail.KeyId", "", doc="alias/aws/kinesis: the key that AWS manages."),
        Column("retention_hours", Int, "detail.RetentionPeriodHours"),
        Column("consumer_count", Int, "detail.ConsumerCount", 0),
        Column(
            "policy",
            Policy("resource"),
            "policy.Policy",
            "",
            doc="Empty: there is none.",
            # A stream without a policy answers with an empty document.
            fn=lambda v: None if v in ("", "{}") else v,
        ),
    ),
    relations=(
        Relation(
            "kms_keys",
            "kms_key",
            ("key_manager",),
            {"kms_key_id": "arn", "region": "region"},
            doc="The key, where it is named by its ARN and one of this account.",
        ),
    ),
)

TABLES = (stream,)
