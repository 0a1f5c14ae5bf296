"""Every kind of resource that others may be let into, by cases: shared, public, for services, closed, unread.

IAM User Guide: IAM Access Analyzer resource types for external access; and the pages named in `access_kinds`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from partywall.analysis.iam.access import Access
from partywall.analysis.iam.access_callers import Zone
from partywall.analysis.iam.access_keys import Outsider
from partywall.analysis.iam.access_kinds import HOLDERS, Holder
from partywall.analysis.iam.access_scan import _Reading  # pyright: ignore[reportPrivateUsage]
from partywall.analysis.iam.world import Account, World

OWNER, OTHER = "111111111111", "222222222222"
HERE = f"us-east-1:{OWNER}"
# Table -> (ARN of one, an action that its policy grants, columns that decide beside).
POLICIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "acmpca_certificate_authority": (
        f"acm-pca:{HERE}:certificate-authority/a",
        "acm-pca:IssueCertificate",
        {},
    ),
    "apigateway_rest_api": (f"apigateway:{HERE}:/restapis/a", "execute-api:Invoke", {"rest_api_id": "a"}),
    "backup_vault": (f"backup:{HERE}:backup-vault:a", "backup:CopyIntoBackupVault", {}),
    "cloudhsm_backup": (f"cloudhsm:{HERE}:backup/a", "cloudhsm:DescribeBackups", {}),
    "cloudtrail_event_data_store": (f"cloudtrail:{HERE}:eventdatastore/a", "cloudtrail:GetQueryResults", {}),
    "codebuild_project": (f"codebuild:{HERE}:project/a", "codebuild:BatchGetProjects", {}),
    "dynamodb_table": (f"dynamodb:{HERE}:table/a", "dynamodb:GetItem", {}),
    "ecr_public_repository": (f"ecr-public::{OWNER}:repository/a", "ecr-public:PutImage", {}),
    "ecr_registry": (f"ecr:{HERE}:registry", "ecr:ReplicateImage", {}),
    "ecr_repository": (f"ecr:{HERE}:repository/a", "ecr:BatchGetImage", {}),
    "efs_file_system": (
        f"elasticfilesystem:{HERE}:file-system/a",
        "elasticfilesystem:ClientMount",
        {},
    ),
    "events_bus": (f"events:{HERE}:event-bus/a", "events:PutEvents", {}),
    "glacier_vault": (f"glacier:{HERE}:vaults/a", "glacier:InitiateJob", {"lock_policy": ""}),
    "glue_data_catalog": (f"glue:{HERE}:catalog", "glue:GetTable", {}),
    "iam_role": (f"iam::{OWNER}:role/a", "sts:AssumeRole", {}),
    "kinesis_stream": (f"kinesis:{HERE}:stream/a", "kinesis:GetRecords", {}),
    "kms_key": (f"kms:{HERE}:key/a", "kms:Decrypt", {"grants": []}),
    "lambda_function": (f"lambda:{HERE}:function:a", "lambda:InvokeFunction", {"urls": []}),
    "lambda_layer": (f"lambda:{HERE}:layer:a:1", "lambda:GetLayerVersion", {}),
    "logs_destination": (f"logs:{HERE}:destination:a", "logs:PutSubscriptionFilter", {}),
    "logs_resource_policy": (f"logs:{HERE}:resource-policy:a", "logs:PutLogEvents", {}),
    "msk_cluster": (f"kafka:{HERE}:cluster/a/1", "kafka:CreateVpcConnection", {}),
    "opensearch_domain": (f"es:{HERE}:domain/a", "es:ESHttpGet", {"vpc_id": ""}),
    "organizations_organization": (
        f"organizations::{OWNER}:organization/o-1",
        "organizations:ListAccounts",
        {},
    ),
    "s3_access_point": (
        f"s3:{HERE}:accesspoint/a",
        "s3:GetObject",
        {"network_origin": "Internet", "restrict_public_buckets": False},
    ),
    "s3_bucket": (
        "s3:::a",
        "s3:GetObject",
        {
            "acl_grants": [],
            "acl_owner": "c1",
            "object_ownership": "BucketOwnerEnforced",
            "public_access_block": {"restrict_public_buckets": False, "ignore_public_acls": False},
            "policy_is_public": False,
        },
    ),
    "s3_directory_bucket": (f"s3express:{HERE}:bucket/a", "s3express:CreateSession", {}),
    "secretsmanager_secret": (f"secretsmanager:{HERE}:secret:a-1", "secretsmanager:GetSecretValue", {}),
    "ses_identity": (f"ses:{HERE}:identity/a", "ses:SendEmail", {}),
    "sns_topic": (f"sns:{HERE}:a", "sns:Publish", {}),
    "sqs_queue": (f"sqs:{HERE}:a", "sqs:SendMessage", {}),
}
# Table -> (ARN of one, its columns for one account, for everyone, for nobody, and those not read).
_ACCOUNTS: tuple[dict[str, Any], ...] = tuple(
    {"restore_accounts": each} for each in ([OTHER], ["all"], [], None)
)
_EBS: tuple[dict[str, Any], ...] = tuple(
    {"is_public": public, "shared_accounts": accounts}
    for public, accounts in ((False, [OTHER]), (True, []), (False, []), (None, None))
)
SHARED: dict[str, tuple[str, tuple[dict[str, Any], ...]]] = {
    "documentdb_cluster_snapshot": (f"rds:{HERE}:cluster-snapshot:a", _ACCOUNTS),
    "ec2_image": ("ec2:us-east-1::image/ami-1", tuple(r | {"shared_organizations": []} for r in _EBS)),
    "ec2_snapshot": ("ec2:us-east-1::snapshot/snap-1", _EBS),
    "neptune_cluster_snapshot": (f"rds:{HERE}:cluster-snapshot:a", _ACCOUNTS),
    "rds_cluster_snapshot": (f"rds:{HERE}:cluster-snapshot:a", _ACCOUNTS),
    "rds_snapshot": (f"rds:{HERE}:snapshot:a", _ACCOUNTS),
    "redshift_snapshot": (f"redshift:{HERE}:snapshot:c/a", _ACCOUNTS),
    "ssm_document": (
        f"ssm:{HERE}:document/a",
        tuple({"shared_account_ids": each} for each in ([OTHER], ["all"], [], None)),
    ),
    "vpc_endpoint_service": (
        f"ec2:{HERE}:vpc-endpoint-service/vpce-svc-1",
        tuple(
            {"allowed_principals": each}
            for each in (
                [{"principal": f"arn:aws:iam::{OTHER}:root"}],
                [{"principal": "*"}],
                [],
                None,
            )
        ),
    ),
}
BY_TABLE = {holder.table: holder for holder in HOLDERS}


def reading() -> _Reading:
    made = _Reading.__new__(_Reading)
    made.world, made.canonical = World(), {}
    made.blocks = {OWNER: {"restrict_public_buckets": False, "ignore_public_acls": False}}
    made.world.accounts[OWNER] = Account(OWNER, organization="")
    made.settings = {(OWNER, "us-east-1"): "unblocked"}
    made.zones = {OWNER: Zone(OWNER, "", {}, frozenset())}
    return made


def assess(holder: Holder, arn: str, columns: dict[str, Any]) -> dict[Outsider, Access]:
    common = {"account_id": OWNER, "region": "us-east-1", "name": "a", "tags": {}, "_failed": []}
    return reading().assess(holder, {**common, "arn": f"arn:aws:{arn}", **columns})


def by_policy(table: str, **statement: Any) -> dict[Outsider, Access]:
    arn, action, columns = POLICIES[table]
    made = {"Effect": "Allow", "Action": action, **({} if table == "iam_role" else {"Resource": "*"})}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [made | statement]})
    return assess(BY_TABLE[table], arn, columns | {BY_TABLE[table].policies[0]: policy})


def test_every_kind_has_its_cases() -> None:
    assert POLICIES.keys() | SHARED.keys() == BY_TABLE.keys()


@pytest.mark.parametrize("table", POLICIES)
def test_policies_by_kind(table: str) -> None:
    shared = by_policy(table, Principal={"AWS": OTHER})
    assert (shared[Outsider.FOREIGN].access, shared[Outsider.FOREIGN].by_name) == (True, True)
    assert shared[Outsider.FOREIGN].principals == {OTHER}
    assert (shared[Outsider.ANY].access, shared[Outsider.SERVICE].access) == (False, False)
    public = by_policy(table, Principal="*")
    assert public[Outsider.ANY].access is True
    assert public[Outsider.FOREIGN].by_name is False
    anonymous = BY_TABLE[table].anonymous and table != "lambda_function"
    assert public[Outsider.ANONYMOUS].access is anonymous
    ours = {"StringEquals": {"aws:PrincipalOrgID": "o-theirs12345"}}
    organization = by_policy(table, Principal="*", Condition=ours)
    assert organization[Outsider.ANY].access is False
    assert organization[Outsider.FOREIGN].principals == {"o-theirs12345"}
    denied = by_policy(table, Principal={"AWS": f"arn:aws:iam::{OWNER}:role/r"})
    assert all(access.access is False for access in denied.values())


@pytest.mark.parametrize("table", POLICIES)
def test_services_by_kind(table: str) -> None:
    service = {"Service": "events.amazonaws.com"}
    loose = by_policy(table, Principal=service)[Outsider.SERVICE]
    assert (loose.access, loose.unbound) == (True, True)
    bound = by_policy(table, Principal=service, Condition={"StringEquals": {"aws:SourceAccount": OWNER}})
    assert (bound[Outsider.SERVICE].access, bound[Outsider.SERVICE].unbound) == (True, False)
    theirs = by_policy(table, Principal=service, Condition={"StringEquals": {"aws:SourceAccount": OTHER}})
    assert theirs[Outsider.FOREIGN].access is True


@pytest.mark.parametrize("table", POLICIES)
def test_policies_that_are_none_or_not_read(table: str) -> None:
    arn, _, columns = POLICIES[table]
    holder = BY_TABLE[table]
    unread = assess(holder, arn, columns | dict.fromkeys(holder.policies))
    assert {access.access for access in unread.values()} == {None}
    none = assess(holder, arn, columns | dict.fromkeys(holder.policies, ""))
    assert {access.access for access in none.values()} == {False}


@pytest.mark.parametrize("table", SHARED)
def test_sharing_by_kind(table: str) -> None:
    arn, (one, everyone, nobody, unread) = SHARED[table]
    holder = BY_TABLE[table]
    shared = assess(holder, arn, one)
    assert (shared[Outsider.FOREIGN].access, shared[Outsider.ANY].access) == (True, False)
    assert shared[Outsider.FOREIGN].principals == {OTHER}
    public = assess(holder, arn, everyone)
    assert (public[Outsider.ANY].access, public[Outsider.ANONYMOUS].access) == (True, False)
    assert {access.access for access in assess(holder, arn, nobody).values()} == {False}
    assert {access.access for access in assess(holder, arn, unread).values()} == {None}
