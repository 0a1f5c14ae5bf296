"""Amazon S3 above the bucket: the account's public access block, and access points."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    List,
    Policy,
    Single,
    Str,
    Struct,
    Table,
    Timestamp,
)

_ACCOUNT = {"AccountId": "@account_id"}
_POINT = {"AccountId": "@account_id", "Name": "name"}


def _block(prefix: str) -> tuple[Column, ...]:
    """The four block public access settings below a path."""
    members = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    names = ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets")
    return tuple(Column(n, Bool, f"{prefix}.{m}", False) for n, m in zip(names, members, strict=True))


account_public_access_block = Table(
    "s3_account_public_access_block",
    service="s3control",
    scope="global",
    resource_type="AWS::::Account",
    doc="The account's block public access settings, one row; all false where nobody set them.",
    rows=Single(),
    arn="arn:{partition}:iam::{account_id}:root",
    title="{account_id}",
    calls={
        "block": Call(
            "s3control:GetPublicAccessBlock",
            _ACCOUNT,
            at="PublicAccessBlockConfiguration",
            absent=("NoSuchPublicAccessBlockConfiguration",),
        )
    },
    columns=_block("block"),
)

access_point = Table(
    "s3_access_point",
    service="s3control",
    scope="regional",
    resource_type="AWS::S3::AccessPoint",
    doc="An access point of a bucket; its block public access settings are fixed when it is made.",
    rows=Call("s3control:ListAccessPoints", _ACCOUNT, at="AccessPointList"),
    arn="AccessPointArn",
    title="Name",
    calls={
        "detail": Call("s3control:GetAccessPoint", _POINT),
        "policy": Call("s3control:GetAccessPointPolicy", _POINT, absent=("NoSuchAccessPointPolicy",)),
    },
    columns=(
        Column("network_origin", Enum("Internet", "VPC"), "NetworkOrigin"),
        Column("vpc_id", Str, "VpcConfiguration.VpcId", "", doc="Empty: reachable from the internet."),
        Column("bucket", Str, "Bucket", ""),
        Column("bucket_account_id", Str, "BucketAccountId", "", doc="Owner of the bucket; empty: not told."),
        Column("alias", Str, "Alias", ""),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Empty: there is none."),
        *_block("detail.PublicAccessBlockConfiguration"),
    ),
)

multi_region_access_point = Table(
    "s3_multi_region_access_point",
    service="s3control",
    scope="global",
    resource_type="AWS::S3::MultiRegionAccessPoint",
    doc="A Multi-Region Access Point. S3 answers its control operations in us-west-2 alone.",
    parent="account_region",
    parent_when=lambda row: row["region"] == "us-west-2",
    rows=Call("s3control:ListMultiRegionAccessPoints", _ACCOUNT, at="AccessPoints", region="@parent.region"),
    arn="arn:{partition}:s3::{account_id}:accesspoint/{alias}",
    title="Name",
    columns=(
        Column("alias", Str, "Alias", ""),
        Column("created_at", Timestamp, "CreatedAt"),
        Column("status", Str, "Status"),
        Column(
            "buckets",
            List(Struct(Field("bucket", Str, "Bucket", ""), Field("region", Str, "Region", ""))),
            "Regions",
            doc="The buckets behind it.",
        ),
        *_block("PublicAccessBlock"),
    ),
)

TABLES = (account_public_access_block, access_point, multi_region_access_point)
