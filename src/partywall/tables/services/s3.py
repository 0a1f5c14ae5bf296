"""Amazon S3: buckets with their access, encryption, logging and lifecycle settings."""

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    List,
    Policy,
    Str,
    Struct,
    Table,
    Timestamp,
)

_BPA = Struct(
    Field("block_public_acls", Bool, "BlockPublicAcls", False),
    Field("ignore_public_acls", Bool, "IgnorePublicAcls", False),
    Field("block_public_policy", Bool, "BlockPublicPolicy", False),
    Field("restrict_public_buckets", Bool, "RestrictPublicBuckets", False),
)
_BPA_ABSENT = {
    "block_public_acls": False,
    "ignore_public_acls": False,
    "block_public_policy": False,
    "restrict_public_buckets": False,
}


def _bucket(operation: str, *absent: str, at: str = "") -> Call:
    """A per-bucket call, made in the bucket's own Region."""
    return Call(f"s3:{operation}", {"Bucket": "name"}, at=at, absent=absent, region="region")


bucket = Table(
    "s3_bucket",
    service="s3",
    scope="global",
    resource_type="AWS::S3::Bucket",
    doc="A bucket. `region` is the bucket's own Region; policy and ACL are kept as AWS returns them.",
    rows=Call("s3:ListBuckets", at="Buckets"),
    arn="arn:{partition}:s3:::{name}",
    title="Name",
    tags="tagging.TagSet",
    calls={
        "location": Call("s3:GetBucketLocation", {"Bucket": "name"}),
        "tagging": _bucket("GetBucketTagging", "NoSuchTagSet"),
        "versioning": _bucket("GetBucketVersioning"),
        "policy": _bucket("GetBucketPolicy", "NoSuchBucketPolicy"),
        "acl": _bucket("GetBucketAcl"),
        "ownership": _bucket(
            "GetBucketOwnershipControls", "OwnershipControlsNotFoundError", at="OwnershipControls"
        ),
        "encryption": _bucket(
            "GetBucketEncryption",
            "ServerSideEncryptionConfigurationNotFoundError",
            at="ServerSideEncryptionConfiguration",
        ),
        "public_access": _bucket(
            "GetPublicAccessBlock",
            "NoSuchPublicAccessBlockConfiguration",
            at="PublicAccessBlockConfiguration",
        ),
        "logging": _bucket("GetBucketLogging", at="LoggingEnabled"),
    },
    columns=(
        Column(
            "region",
            Str,
            "location.LocationConstraint",
            "us-east-1",
            doc="The bucket's own Region.",
            fn=lambda v: {"": None, "EU": "eu-west-1"}.get(v, v),
        ),
        Column("creation_date", Timestamp, "CreationDate"),
        Column("versioning", Enum("Enabled", "Suspended", "Disabled"), "versioning.Status", "Disabled"),
        Column("mfa_delete", Enum("Enabled", "Disabled"), "versioning.MFADelete", "Disabled"),
        Column(
            "policy", Policy("resource"), "policy.Policy", "", doc="The bucket policy; empty: there is none."
        ),
        Column(
            "acl_grants",
            List(
                Struct(
                    Field("grantee_type", Str, "Grantee.Type", ""),
                    Field(
                        "grantee_uri",
                        Str,
                        "Grantee.URI",
                        "",
                    ),
                    Field("grantee_id", Str, "Grantee.ID", ""),
                    Field("permission", Str, "Permission", ""),
                )
            ),
            "acl.Grants",
            doc="Grants of the bucket's access control list.",
        ),
        Column(
            "object_ownership",
            Enum("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"),
            "ownership.Rules[].ObjectOwnership",
            "ObjectWriter",
            fn=lambda v: v[0] if v else None,
        ),
        Column(
            "sse_algorithm",
            Enum("AES256", "aws:kms", "aws:kms:dsse", "none"),
            "encryption.Rules[].ApplyServerSideEncryptionByDefault.SSEAlgorithm",
            "none",
            fn=lambda v: v[0] if v else None,
        ),
        Column(
            "sse_kms_key",
            Str,
            "encryption.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
            "",
            fn=lambda v: v[0] if v else None,
        ),
        Column("public_access_block", _BPA, "public_access", _BPA_ABSENT),
        Column(
            "logging_bucket", Str, "logging.TargetBucket", "", doc="Where access logs go; empty: nowhere."
        ),
    ),
)

TABLES = (bucket,)
