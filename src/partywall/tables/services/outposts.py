"""AWS Outposts, and the S3 buckets on them."""

from __future__ import annotations

from partywall.tables.spec import Bool, Call, Column, Enum, Int, Str, Table, Timestamp

outpost = Table(
    "outposts_outpost",
    service="outposts",
    scope="regional",
    resource_type="AWS::Outposts::Outpost",
    doc="A rack or server of AWS that stands at the customer's site.",
    rows=Call("outposts:ListOutposts", {"MaxResults": 100}, at="Outposts"),
    arn="OutpostArn",
    title="Name",
    tags="Tags",
    columns=(
        Column("outpost_id", Str, "OutpostId"),
        Column("owner_id", Str, "OwnerId"),
        Column("site_id", Str, "SiteId", ""),
        Column("hardware_type", Enum("RACK", "SERVER"), "SupportedHardwareType"),
        Column("life_cycle_status", Str, "LifeCycleStatus", ""),
        Column("availability_zone", Str, "AvailabilityZone", "", doc="The zone that it is anchored to."),
    ),
)

storage = Table(
    "s3outposts_outpost",
    service="s3outposts",
    scope="regional",
    resource_type="AWS::Outposts::Outpost",
    doc="An Outpost with S3 capacity, the account's own or one shared with it.",
    rows=Call("s3outposts:ListOutpostsWithS3", {"MaxResults": 100}, at="Outposts"),
    arn="S3OutpostArn",
    title="OutpostId",
    columns=(
        Column("outpost_id", Str, "OutpostId"),
        Column("outpost_arn", Str, "OutpostArn"),
        Column("owner_id", Str, "OwnerId", ""),
        Column("capacity_in_bytes", Int, "CapacityInBytes", 0),
    ),
)

bucket = Table(
    "s3outposts_bucket",
    service="s3outposts",
    scope="regional",
    resource_type="AWS::S3Outposts::Bucket",
    doc="A bucket on an Outpost.",
    parent="s3outposts_outpost",
    rows=Call(
        "s3control:ListRegionalBuckets",
        {"AccountId": "@account_id", "OutpostId": "@parent.outpost_id", "MaxResults": 1000},
        at="RegionalBucketList",
    ),
    arn="BucketArn",
    title="Bucket",
    columns=(
        Column("outpost_id", Str, "OutpostId"),
        Column("public_access_block", Bool, "PublicAccessBlockEnabled"),
        Column("created_at", Timestamp, "CreationDate"),
    ),
)

TABLES = (outpost, storage, bucket)
