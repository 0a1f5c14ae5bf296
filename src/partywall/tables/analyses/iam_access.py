"""Who from outside their accounts can reach the resources that others may be let into."""

from __future__ import annotations

from typing import Final

from partywall.tables.spec import Analysis, Bool, Column, Enum, Field, List, Str, StrMap, Struct, Table

_HELD: Final[dict[str, tuple[str, ...]]] = {
    "acmpca_certificate_authority": ("policy",),
    "apigateway_rest_api": ("policy", "rest_api_id"),
    "backup_vault": ("policy",),
    "cloudhsm_backup": ("policy",),
    "cloudtrail_event_data_store": ("policy",),
    "codebuild_project": ("policy",),
    "documentdb_cluster_snapshot": ("restore_accounts",),
    "dynamodb_table": ("policy",),
    "ec2_image": ("is_public", "shared_accounts", "shared_organizations"),
    "ec2_snapshot": ("is_public", "shared_accounts"),
    "ecr_public_repository": ("policy",),
    "ecr_registry": ("policy",),
    "ecr_repository": ("policy",),
    "efs_file_system": ("policy",),
    "events_bus": ("policy",),
    "glacier_vault": ("policy", "lock_policy"),
    "glue_data_catalog": ("policy",),
    "iam_role": ("trust_policy",),
    "kinesis_stream": ("policy",),
    "kms_key": ("policy", "grants"),
    "lambda_function": ("policy", "urls"),
    "lambda_layer": ("policy",),
    "logs_destination": ("access_policy",),
    "logs_resource_policy": ("policy",),
    "msk_cluster": ("policy",),
    "neptune_cluster_snapshot": ("restore_accounts",),
    "opensearch_domain": ("policy", "vpc_id"),
    "organizations_organization": ("resource_policy",),
    "rds_cluster_snapshot": ("restore_accounts",),
    "rds_snapshot": ("restore_accounts",),
    "redshift_snapshot": ("restore_accounts",),
    "s3_access_point": ("policy", "network_origin", "restrict_public_buckets"),
    "s3_bucket": (
        "policy",
        "acl_grants",
        "acl_owner",
        "object_ownership",
        "public_access_block",
        "policy_is_public",
    ),
    "s3_directory_bucket": ("policy",),
    "secretsmanager_secret": ("policy",),
    "ses_identity": ("policy",),
    "sns_topic": ("policy",),
    "sqs_queue": ("policy",),
    "ssm_document": ("shared_account_ids",),
    "vpc_endpoint_service": ("allowed_principals",),
}
_ABOVE: Final[dict[str, tuple[str, ...]]] = {
    "account": ("organization_id", "management_account_id"),
    "ec2_region_settings": ("snapshot_block_public_access",),
    "organizations_account": ("member_account_id", "ancestor_ids", "parent_type", "organization_path"),
    "organizations_policy": ("policy_type", "content", "target_ids"),
    "organizations_policy_type": ("policy_type", "status"),
    "organizations_root": ("root_id",),
    "s3_account_public_access_block": ("restrict_public_buckets", "ignore_public_acls"),
}

resource_access = Table(
    "iam_resource_access",
    service="iam",
    scope="regional",
    doc="For each resource that others may be let into and each kind of outsider: what they can do and under "
    "which conditions, by policies, access control lists, grants and sharing, after Block Public Access and "
    "resource control policies. What the caller's own account must allow besides is taken to be allowed.",
    rows=Analysis(
        build="partywall.analysis.iam.access_table:resource_access",
        inputs={**_HELD, **_ABOVE},
        rows_from=tuple(_HELD),
    ),
    arn="",
    columns=(
        Column("resource_type", Str, "", doc="The resource's table."),
        Column(
            "kind",
            Enum(
                "anonymous",
                "any_principal",
                "foreign_account",
                "organization_account",
                "scanned_account",
                "service",
                "federated",
            ),
            "",
            doc="anonymous: unsigned calls; any_principal: any AWS account; foreign_account: one that is "
            "neither of the owner's organization nor scanned; organization_account: another of the "
            "organization; scanned_account: another of this scan outside it; service: an AWS service; "
            "federated: identities of an identity provider that a role trusts.",
        ),
        Column(
            "access",
            Bool,
            "",
            doc="Some of that kind are let in. Of anonymous and any_principal only where no condition ties "
            "the call to somebody: an account, organization, network or endpoint.",
        ),
        Column("granted", Bool, "", doc="So, before Block Public Access and resource control policies."),
        Column(
            "limited",
            Bool,
            "",
            doc="Some are let in only from a network or by a VPC endpoint, access point or other fixed value "
            "that the policy names.",
        ),
        Column(
            "by_name",
            Bool,
            "",
            doc="Some are let in by name (account, organization, service, provider), not as everyone.",
        ),
        Column(
            "unbound",
            Bool,
            "",
            doc="The call need not be tied to the owner: no external id of a foreign account, no source of a "
            "service that tells it, no tenant of an identity provider.",
        ),
        Column("can_read", Bool, "", doc="By some action of the access levels List and Read."),
        Column("can_write", Bool, "", doc="By some action of the access levels Write and Tagging."),
        Column("can_change_permissions", Bool, "", doc="By some action of Permissions management."),
        Column("can_do_everything", Bool, "", doc="Every action of the service on the resource."),
        Column("actions", List(Str), "", doc="Those of AWS's actions that are, or may be, allowed."),
        Column(
            "principals",
            List(Str),
            "",
            doc="Who: account ids, organizations, services, providers; `*` for everyone of the kind.",
        ),
        Column("unbound_principals", List(Str), "", doc="Those of them for whom `unbound` holds or may."),
        Column("statements", List(Str), "", doc="The statements that let them in: policy and Sid or number."),
        Column(
            "conditions",
            List(
                Struct(
                    Field("effect", Enum("Allow", "Deny"), ""),
                    Field("statement", Str, ""),
                    Field("operator", Str, ""),
                    Field("key", Str, ""),
                    Field("values", List(Str), ""),
                )
            ),
            "",
            doc="The conditions of those statements, and of the Deny statements that they must escape; none "
            "where one statement lets them in whatever the conditions.",
        ),
        Column("blocked_by", List(Str), "", doc="What holds back some that the resource's policies let in."),
        Column("undecided", List(Str), "", doc="Condition keys and settings that leave an answer open."),
        Column(
            "witness", StrMap, "", doc="A request that is let in: action, resource and context; or empty."
        ),
        Column("summary", Str, "", doc="All that in one sentence; empty where nobody is let in."),
    ),
)

TABLES = (resource_access,)
