"""Amazon S3: buckets with their access, encryption, logging and lifecycle settings; directory buckets."""

from dataclasses import replace
from typing import Any

from partywall.tables.spec import (
    Bool,
    Call,
    Column,
    Enum,
    Field,
    Int,
    List,
    Policy,
    Relation,
    Str,
    Struct,
    Table,
    Timestamp,
)
from partywall.tables.tagging import tagging

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
_GRANT = Struct(
    Field("grantee_type", Str, "Grantee.Type", ""),
    Field("grantee_uri", Str, "Grantee.URI", ""),
    Field("grantee_id", Str, "Grantee.ID", ""),
    Field("permission", Str, "Permission", ""),
)
_LIFECYCLE_RULE = Struct(
    Field("id", Str, "ID", ""),
    Field("is_enabled", Bool, "Status", False, fn=lambda v: v == "Enabled"),
    Field("expiration_days", Int, "Expiration.Days", 0),
    Field("noncurrent_days", Int, "NoncurrentVersionExpiration.NoncurrentDays", 0),
    Field("noncurrent_transitions", List(Str), "NoncurrentVersionTransitions[].StorageClass"),
    Field("transitions", List(Str), "Transitions[].StorageClass"),
    Field("abort_upload_days", Int, "AbortIncompleteMultipartUpload.DaysAfterInitiation", 0),
)
_REPLICATION_RULE = Struct(
    Field("id", Str, "ID", ""),
    Field("is_enabled", Bool, "Status", False, fn=lambda v: v == "Enabled"),
    Field("destination_bucket", Str, "Destination.Bucket", ""),
    Field("destination_account", Str, "Destination.Account", ""),
)
_CORS_RULE = Struct(
    Field("allowed_origins", List(Str), "AllowedOrigins"),
    Field("allowed_methods", List(Str), "AllowedMethods"),
)


def _first(values: list[Any]) -> Any:
    return values[0] if values else None


def _targets(configuration: dict[str, Any]) -> list[str]:
    """All destinations of a bucket's notifications, as ARNs; "eventbridge" for Amazon EventBridge."""
    kinds = (
        ("TopicConfigurations", "TopicArn"),
        ("QueueConfigurations", "QueueArn"),
        ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    )
    found = [entry[arn] for kind, arn in kinds for entry in configuration.get(kind) or [] if entry.get(arn)]
    return found + (["eventbridge"] if configuration.get("EventBridgeConfiguration") is not None else [])


def _bucket(operation: str, *absent: str, at: str = "") -> Call:
    """A per-bucket call, made in the bucket's own Region."""
    return Call(f"s3:{operation}", {"Bucket": "name"}, at=at, absent=absent, region="region")


def _versioned(operation: str, *absent: str, at: str = "") -> Call:
    """A call about what needs versioning: replication and Object Lock forbid turning it off."""
    return replace(
        _bucket(operation, *absent, at=at),
        when=lambda row: row["versioning"] in ("Enabled", None),
        after=("versioning",),
    )


bucket = Table(
    "s3_bucket",
    service="s3",
    scope="global",
    resource_type="AWS::S3::Bucket",
    doc="A bucket. `region` is the bucket's own Region; policy and ACL are kept as AWS returns them.",
    rows=Call("s3:ListBuckets", {"MaxBuckets": 1000}, at="Buckets"),
    arn="arn:{partition}:s3:::{name}",
    title="Name",
    tags="tagging.Tags",
    calls={
        # ListBuckets names the Region where it is asked with a parameter; older emulators do not.
        "location": Call(
            "s3:GetBucketLocation", {"Bucket": "name"}, when=lambda row: not row["listed_region"]
        ),
        "tagging": tagging("s3", region="region"),
        "versioning": _bucket("GetBucketVersioning"),
        "policy": _bucket("GetBucketPolicy", "NoSuchBucketPolicy"),
        "policy_status": _bucket("GetBucketPolicyStatus", "NoSuchBucketPolicy", at="PolicyStatus"),
        # With ACLs disabled none is in force; the answer would be the owner's own grant.
        "acl": replace(
            _bucket("GetBucketAcl"),
            when=lambda row: row["object_ownership"] != "BucketOwnerEnforced",
            after=("object_ownership",),
        ),
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
        "lifecycle": _bucket("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
        "replication": _versioned(
            "GetBucketReplication", "ReplicationConfigurationNotFoundError", at="ReplicationConfiguration"
        ),
        "lock": _versioned(
            "GetObjectLockConfiguration",
            "ObjectLockConfigurationNotFoundError",
            at="ObjectLockConfiguration",
        ),
        "notification": _bucket("GetBucketNotificationConfiguration"),
        "website": _bucket("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
        "cors": _bucket("GetBucketCors", "NoSuchCORSConfiguration"),
        "inventory": _bucket("ListBucketInventoryConfigurations"),
    },
    columns=(
        Column(
            "region",
            Str,
            "location.LocationConstraint",
            "us-east-1",
            doc="The bucket's own Region.",
            fn=lambda v: {"": None, "EU": "eu-west-1"}.get(v, v),
            listed="BucketRegion",
        ),
        Column("listed_region", Str, "BucketRegion", "", doc="The Region as the listing told it; or empty."),
        Column("creation_date", Timestamp, "CreationDate"),
        Column("versioning", Enum("Enabled", "Suspended", "Disabled"), "versioning.Status", "Disabled"),
        Column("mfa_delete", Enum("Enabled", "Disabled"), "versioning.MFADelete", "Disabled"),
        Column(
            "policy", Policy("resource"), "policy.Policy", "", doc="The bucket policy; empty: there is none."
        ),
        Column(
            "policy_is_public",
            Bool,
            "policy_status.IsPublic",
            False,
            doc="AWS's own judgement of the policy, before the public access block.",
        ),
        Column(
            "acl_owner",
            Str,
            "acl.Owner.ID",
            "",
            doc="Canonical user id of the bucket's owner; empty where ACLs are disabled.",
        ),
        Column(
            "acl_grants",
            List(_GRANT),
            "acl.Grants",
            doc="Grants of the access control list; none where ACLs are disabled.",
        ),
        Column(
            "object_ownership",
            Enum("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"),
            "ownership.Rules[].ObjectOwnership",
            "ObjectWriter",
            doc="BucketOwnerEnforced: access control lists are disabled.",
            fn=_first,
        ),
        Column(
            "sse_algorithm",
            Enum("AES256", "aws:kms", "aws:kms:dsse", "none"),
            "encryption.Rules[].ApplyServerSideEncryptionByDefault.SSEAlgorithm",
            "none",
            doc="Default encryption of new objects.",
            fn=_first,
        ),
        Column(
            "sse_kms_key",
            Str,
            "encryption.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
            "",
            doc="Key of the default encryption; empty: S3's own, or aws/s3 where the algorithm is aws:kms.",
            fn=_first,
        ),
        Column("bucket_key_enabled", Bool, "encryption.Rules[].BucketKeyEnabled", False, fn=_first),
        Column("public_access_block", _BPA, "public_access", _BPA_ABSENT, doc="The bucket's own settings."),
        Column(
            "logging_bucket", Str, "logging.TargetBucket", "", doc="Where access logs go; empty: nowhere."
        ),
        Column("lifecycle_rules", List(_LIFECYCLE_RULE), "lifecycle.Rules", doc="Days are 0 where not set."),
        Column("replication_rules", List(_REPLICATION_RULE), "replication.Rules"),
        Column("object_lock_enabled", Bool, "lock.ObjectLockEnabled", False),
        Column(
            "object_lock_mode",
            Enum("GOVERNANCE", "COMPLIANCE", "none"),
            "lock.Rule.DefaultRetention.Mode",
            "none",
            doc="Default retention of new objects; none: objects are locked only one by one.",
        ),
        Column("object_lock_days", Int, "lock.Rule.DefaultRetention.Days", 0),
        Column("object_lock_years", Int, "lock.Rule.DefaultRetention.Years", 0),
        Column(
            "notification_targets",
            List(Str),
            "notification",
            doc='ARNs that get event notifications; "eventbridge" for Amazon EventBridge.',
            fn=_targets,
        ),
        Column(
            "website_enabled",
            Bool,
            "website",
            False,
            doc="The bucket is set up as a static website, be it only to redirect.",
            fn=lambda v: "IndexDocument" in v or "RedirectAllRequestsTo" in v,
        ),
        Column("cors_rules", List(_CORS_RULE), "cors.CORSRules"),
        Column("inventory_ids", List(Str), "inventory.InventoryConfigurationList[].Id"),
    ),
    relations=(
        Relation(
            "account_block",
            "s3_account_public_access_block",
            ("block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"),
            {"account_id": "account_id"},
            doc="The account's own block public access settings, which override the bucket's.",
        ),
    ),
)

directory_bucket = Table(
    "s3_directory_bucket",
    service="s3",
    scope="regional",
    resource_type="AWS::S3Express::DirectoryBucket",
    doc="A directory bucket (S3 Express One Zone, Local Zones); it has no ACL and no public access.",
    rows=Call("s3:ListDirectoryBuckets", at="Buckets"),
    # Every directory bucket's name ends so (S3 User Guide, Directory bucket naming rules).
    keep=lambda element: str(element.get("Name", "")).endswith("--x-s3"),
    arn="arn:{partition}:s3express:{region}:{account_id}:bucket/{name}",
    title="Name",
    calls={
        "lifecycle": Call(
            "s3:GetBucketLifecycleConfiguration",
            {"Bucket": "name"},
            absent=("NoSuchLifecycleConfiguration",),
        ),
        "policy": Call("s3:GetBucketPolicy", {"Bucket": "name"}, absent=("NoSuchBucketPolicy",)),
    },
    columns=(
        Column("creation_date", Timestamp, "CreationDate"),
        Column("lifecycle_rules", List(_LIFECYCLE_RULE), "lifecycle.Rules", doc="Days are 0 where not set."),
        Column("policy", Policy("resource"), "policy.Policy", "", doc="Empty: there is none."),
    ),
)

TABLES = (bucket, directory_bucket)
