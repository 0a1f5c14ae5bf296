"""The resources that others may be let into: which table holds them, and what of it decides.

IAM User Guide: AWS services that work with IAM (resource-based policies); IAM Access Analyzer resource types
for external access.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from partywall.analysis.iam.access_sharing import shared
from partywall.analysis.iam.document import Policy

Row = Mapping[str, Any]
_ASSUME: Final = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


@dataclass(frozen=True, slots=True)
class Holder:
    """A table of resources. `service`: the prefixes of their actions, with blanks between."""

    table: str
    service: str
    policies: tuple[str, ...] = ("policy",)
    """Columns with policies."""
    parts: tuple[str, ...] = ()
    """Patterns of the ARNs beneath one, with {arn}, {partition}, {region}, {account}, {id}."""
    actions: tuple[str, ...] = ()
    """The only actions that can be granted, where they are few."""
    anonymous: bool = False
    """The service takes calls that nobody signed."""
    more: tuple[str, ...] = ()
    """Further columns that decide."""
    sharing: Callable[[str, Row], list[Policy] | None] | None = None
    """The statements that other columns come to; None where they are not known."""
    where: Callable[[Row], bool] | None = None
    """Whether a policy decides at all of a row; others have none of these rows."""


def _of_accounts(column: str, *actions: str) -> Callable[[str, Row], list[Policy] | None]:
    """Sharing with the accounts of a list, of which `all` stands for everyone."""

    def made(name: str, row: Row) -> list[Policy] | None:
        accounts = row[column]
        if accounts is None:
            return None
        return shared(name, actions, [a for a in accounts if a != "all"], everyone="all" in accounts)

    return made


def _image(name: str, row: Row) -> list[Policy] | None:
    if row["is_public"] is None or row["shared_accounts"] is None or row["shared_organizations"] is None:
        return None
    return shared(
        name,
        ("ec2:RunInstances", "ec2:CopyImage"),
        row["shared_accounts"],
        everyone=row["is_public"],
        organizations=row["shared_organizations"],
    )


def _snapshot(name: str, row: Row) -> list[Policy] | None:
    if row["is_public"] is None or row["shared_accounts"] is None:
        return None
    accounts = [a for a in row["shared_accounts"] if a != "all"]
    actions = ("ebs:GetSnapshotBlock", "ec2:CopySnapshot", "ec2:CreateVolume")
    return shared(name, actions, accounts, everyone=row["is_public"])


def _endpoint_service(name: str, row: Row) -> list[Policy] | None:
    allowed = row["allowed_principals"]
    if allowed is None:
        return None
    named = [each["principal"] for each in allowed]
    return shared(name, ("ec2:CreateVpcEndpoint",), [n for n in named if n != "*"], everyone="*" in named)


_BELOW: Final = ("{arn}/*",)
_RDS: Final = "rds:RestoreDBInstanceFromDBSnapshot", "rds:CopyDBSnapshot"
_CLUSTER: Final = "rds:RestoreDBClusterFromSnapshot", "rds:CopyDBClusterSnapshot"
_REDSHIFT: Final = ("redshift:RestoreFromClusterSnapshot",)

HOLDERS: Final[tuple[Holder, ...]] = (
    Holder("acmpca_certificate_authority", "acm-pca"),
    Holder(
        "apigateway_rest_api",
        "execute-api",
        parts=("arn:{partition}:execute-api:{region}:{account}:{id}/*",),
        anonymous=True,
        more=("rest_api_id",),
        # Without a policy only the methods' own authorization decides.
        where=lambda row: row["policy"] != "",
    ),
    Holder("backup_vault", "backup", parts=("arn:{partition}:*:{region}:*:*",)),
    Holder("cloudhsm_backup", "cloudhsm"),
    Holder("cloudtrail_event_data_store", "cloudtrail"),
    Holder("codebuild_project", "codebuild"),
    Holder(
        "documentdb_cluster_snapshot",
        "rds",
        (),
        actions=tuple(a.lower() for a in _CLUSTER),
        more=("restore_accounts",),
        sharing=_of_accounts("restore_accounts", *_CLUSTER),
    ),
    Holder("dynamodb_table", "dynamodb", parts=_BELOW),
    Holder(
        "ec2_image",
        "ec2",
        (),
        actions=("ec2:copyimage", "ec2:runinstances"),
        more=("is_public", "shared_accounts", "shared_organizations"),
        sharing=_image,
    ),
    Holder(
        "ec2_snapshot",
        "ec2",
        (),
        actions=("ebs:getsnapshotblock", "ec2:copysnapshot", "ec2:createvolume"),
        more=("is_public", "shared_accounts"),
        sharing=_snapshot,
    ),
    Holder("ecr_public_repository", "ecr-public"),
    Holder(
        "ecr_registry",
        "ecr",
        parts=("arn:{partition}:ecr:{region}:{account}:repository/*",),
        actions=("ecr:batchimportupstreamimage", "ecr:createrepository", "ecr:replicateimage"),
    ),
    Holder("ecr_repository", "ecr"),
    Holder("efs_file_system", "elasticfilesystem", anonymous=True),
    Holder("events_bus", "events", parts=("arn:{partition}:events:{region}:{account}:rule/*",)),
    Holder("glacier_vault", "glacier", ("policy", "lock_policy")),
    Holder("glue_data_catalog", "glue", parts=("arn:{partition}:glue:{region}:{account}:*",)),
    Holder("iam_role", "sts", ("trust_policy",), actions=_ASSUME),
    Holder("kinesis_stream", "kinesis", parts=_BELOW),
    Holder("kms_key", "kms", more=("grants",)),
    Holder("lambda_function", "lambda", parts=("{arn}:*",), anonymous=True, more=("urls",)),
    Holder("lambda_layer", "lambda", actions=("lambda:getlayerversion",)),
    Holder("logs_destination", "logs", ("access_policy",)),
    Holder(
        "logs_resource_policy",
        "logs",
        parts=("arn:{partition}:logs:{region}:{account}:*",),
    ),
    Holder("msk_cluster", "kafka kafka-cluster", parts=("arn:{partition}:kafka:{region}:{account}:*",)),
    Holder(
        "neptune_cluster_snapshot",
        "rds",
        (),
        actions=tuple(a.lower() for a in _CLUSTER),
        more=("restore_accounts",),
        sharing=_of_accounts("restore_accounts", *_CLUSTER),
    ),
    Holder("opensearch_domain", "es", parts=_BELOW, anonymous=True, more=("vpc_id",)),
    Holder("organizations_organization", "organizations", ("resource_policy",)),
    Holder(
        "rds_cluster_snapshot",
        "rds",
        (),
        actions=tuple(a.lower() for a in _CLUSTER),
        more=("restore_accounts",),
        sharing=_of_accounts("restore_accounts", *_CLUSTER),
    ),
    Holder(
        "rds_snapshot",
        "rds",
        (),
        actions=tuple(a.lower() for a in _RDS),
        more=("restore_accounts",),
        sharing=_of_accounts("restore_accounts", *_RDS),
    ),
    Holder(
        "redshift_snapshot",
        "redshift",
        (),
        actions=tuple(a.lower() for a in _REDSHIFT),
        more=("restore_accounts",),
        sharing=_of_accounts("restore_accounts", *_REDSHIFT),
    ),
    Holder(
        "s3_access_point",
        "s3",
        parts=("{arn}/object/*",),
        anonymous=True,
        more=("network_origin", "restrict_public_buckets"),
    ),
    Holder(
        "s3_bucket",
        "s3",
        parts=_BELOW,
        anonymous=True,
        more=(
            "acl_grants",
            "acl_owner",
            "object_ownership",
            "public_access_block",
            "policy_is_public",
        ),
    ),
    Holder("s3_directory_bucket", "s3express"),
    Holder("secretsmanager_secret", "secretsmanager"),
    Holder("ses_identity", "ses"),
    Holder("sns_topic", "sns", anonymous=True),
    Holder("sqs_queue", "sqs", anonymous=True),
    Holder(
        "ssm_document",
        "ssm",
        (),
        actions=("ssm:describedocument", "ssm:getdocument"),
        more=("shared_account_ids",),
        sharing=_of_accounts("shared_account_ids", "ssm:DescribeDocument", "ssm:GetDocument"),
    ),
    Holder(
        "vpc_endpoint_service",
        "ec2",
        (),
        actions=("ec2:createvpcendpoint",),
        more=("allowed_principals",),
        sharing=_endpoint_service,
    ),
)
