"""Amazon Data Firehose delivery streams."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    List,
    Str,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

stream = Table(
    "firehose_delivery_stream",
    service="firehose",
    scope="regional",
    resource_type="AWS::KinesisFirehose::DeliveryStream",
    doc="A delivery stream: takes records in and writes them to a store.",
    # The API has no page token; this is its largest answer, beyond the quota of streams per Region.
    rows=Call("firehose:ListDeliveryStreams", {"Limit": 10000}, at="DeliveryStreamNames"),
    arn="arn:{partition}:firehose:{region}:{account_id}:deliverystream/{stream_name}",
    title=".",
    tags="tagging.Tags",
    calls={
        "tagging": tagging("firehose:deliverystream"),
        "detail": Call(
            "firehose:DescribeDeliveryStream",
            {"DeliveryStreamName": "stream_name"},
            at="DeliveryStreamDescription",
        ),
    },
    columns=(
        Column("stream_name", Str, ".", doc="The same as `name`."),
        Column("status", Str, "detail.DeliveryStreamStatus"),
        Column(
            "source_type", Str, "detail.DeliveryStreamType", "DirectPut", doc="DirectPut or what it reads."
        ),
        Column("created_at", Timestamp, "detail.CreateTimestamp"),
        Column(
            "encryption_enabled",
            Bool,
            "detail.DeliveryStreamEncryptionConfiguration.Status",
            False,
            doc="Records are encrypted while they wait; not settable where a Kinesis stream is the source.",
            fn=lambda v: v == "ENABLED",
        ),
        Column(
            "key_type",
            Enum("AWS_OWNED_CMK", "CUSTOMER_MANAGED_CMK", ""),
            "detail.DeliveryStreamEncryptionConfiguration.KeyType",
            "",
        ),
        Column(
            "destination_buckets",
            List(Str),
            "detail.Destinations[].ExtendedS3DestinationDescription.BucketARN",
            doc="Buckets that it writes to.",
        ),
    ),
)

TABLES = (stream,)
