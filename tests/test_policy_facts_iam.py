"""Facts of identity, trust and key policies, and malformed documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from partywall.analysis.policy import FACTS, FIELD_DOCS, facts, facts_table
from partywall.tables.types import BoolType, IntType, ListType, StrType

OWNER, OTHER, THIRD = "111111111111", "222222222222", "333333333333"


def _facts(kind: str, *statements: dict[str, Any]) -> dict[str, Any]:
    found = facts(kind, json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), OWNER)
    assert found is not None
    return found


def identity(*statements: dict[str, Any]) -> dict[str, Any]:
    return _facts("identity", *statements)


def trust(*statements: dict[str, Any]) -> dict[str, Any]:
    return _facts("trust", *statements)


def key(*statements: dict[str, Any]) -> dict[str, Any]:
    return _facts("key", *statements)


def can(action: Any, resource: Any = "*", condition: Any = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": "Allow", "Action": action, "Resource": resource}
    if condition is not None:
        found["Condition"] = condition
    for name in more:
        found.pop(name.removeprefix("Not"), None)
    return found | more


def cannot(action: Any, resource: Any = "*", condition: Any = None, **more: Any) -> dict[str, Any]:
    return can(action, resource, condition, **more) | {"Effect": "Deny"}


def assume(principal: Any, condition: Any = None, action: Any = "sts:AssumeRole") -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
    return found | ({} if condition is None else {"Condition": condition})


# AWS Security Hub, IAM.1; IAM User Guide, AWS JSON policy elements: NotAction.
ADMINS: list[tuple[list[dict[str, Any]], bool | None]] = [
    ([can("*")], True),
    ([can("*:*")], True),
    ([can(["s3:GetObject", "*"])], True),
    ([can("*", ["arn:aws:s3:::b", "*"])], True),
    ([can("*", "arn:aws:s3:::b/*")], False),
    ([can("iam:*")], False),
    ([can("", NotAction="s3:DeleteBucket")], True),
    ([can("", NotAction=["iam:*", "organizations:*", "account:*"])], False),
    ([can("*"), cannot("iam:*")], False),
    ([can("*"), cannot("*")], False),
    ([can("*"), cannot("s3:DeleteBucket")], True),
    ([can("*"), cannot("*", condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})], True),
    ([can("*", condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})], True),
    ([can("*", condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], True),
    ([can("*", condition={"StringEquals": {"aws:ResourceTag/team": "red"}})], False),
    ([can("*", condition={"StringEquals": {"aws:ResourceAccount": OWNER}})], True),
    ([can("*", condition={"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}})], True),
    ([can("*", condition={"StringNotEquals": {"aws:ResourceTag/team": "red"}})], True),
    ([can("*", condition={"StringEquals": {"ec2:Region": "eu-west-1"}})], False),
    ([can("*", condition={"StringEquals": {"aws:InventedKey": "x"}})], None),
]


@pytest.mark.parametrize(("statements", "expected"), ADMINS)
def test_administrators(statements: list[dict[str, Any]], expected: bool | None) -> None:
    found = identity(*statements)
    assert found["is_admin"] is expected
    assert (found["undecided"] == []) is (expected is not None)


def test_unknown_conditions_leave_lists_of_powers_unknown() -> None:
    found = identity(can("iam:*", condition={"StringEquals": {"aws:InventedKey": "x"}}))
    assert (found["escalation"], found["full_service_access"], found["undecided"]) == (
        None,
        None,
        ["aws:inventedkey"],
    )
    found = identity(
        can("iam:*", condition={"StringEquals": {"aws:InventedKey": "x"}}), can("iam:PutUserPolicy")
    )
    assert found["escalation"] == ["iam:PutUserPolicy", None]


def test_services_and_wildcards() -> None:
    found = identity(can(["s3:*", "ec2:Describe*", "sqs:SendMessage"]), can("kms:*", "arn:aws:kms:*:*:key/1"))
    assert found["full_service_access"] == ["s3"]
    assert found["full_kms"] is False
    assert identity(can(["KMS:*", "cloudtrail:*", "cloudshell:*"]))["full_kms"] is True
    assert identity(can("*"), cannot("cloudtrail:*"))["full_cloudtrail"] is False
    assert identity(can("s3:*"), cannot("s3:*"))["full_service_access"] == []


def test_managed_policies_of_aws() -> None:
    """AWS's managed policies are real documents: each is read, and but one is an administrator's."""
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    managed: dict[str, Any] = json.loads(aws_managed_policies_data)
    found = {name: facts("identity", json.dumps(p["Document"]), OWNER) for name, p in managed.items()}
    assert len(found) > 1000
    assert [name for name, f in found.items() if f is None] == []
    assert [name for name, f in found.items() if f and f["is_admin"] is not False] == ["AdministratorAccess"]
    assert [name for name, f in found.items() if f and f["undecided"]] == []
    assert found["ReadOnlyAccess"] is not None
    assert found["ReadOnlyAccess"]["escalation"] == []
    assert found["ReadOnlyAccess"]["s3_read_any"] is True
    assert found["IAMFullAccess"] is not None
    assert found["IAMFullAccess"]["full_service_access"] == ["iam"]


# Service Authorization Reference, Actions, resources, and condition keys for AWS services.
EVERYWHERE: list[tuple[str, dict[str, Any], bool]] = [
    ("pass_role_any", can("iam:PassRole"), True),
    ("pass_role_any", can("iam:Pass*", f"arn:aws:iam::{OWNER}:role/*"), True),
    ("pass_role_any", can("iam:PassRole", "arn:aws-us-gov:iam::*:role/*"), True),
    ("pass_role_any", can("iam:PassRole", f"arn:aws:iam::{OWNER}:role/app-*"), False),
    ("pass_role_any", can("iam:PassRole", f"arn:aws:iam::{OTHER}:role/*"), False),
    (
        "pass_role_any",
        can("iam:PassRole", "*", {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
        False,
    ),
    ("pass_role_any", can("iam:PassRole", "*", {"StringLike": {"iam:PassedToService": "*"}}), True),
    ("assume_role_any", can("sts:AssumeRole"), True),
    ("assume_role_any", can("sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/*"), False),
    ("decrypt_any_key", can("kms:Decrypt"), True),
    ("decrypt_any_key", can("kms:ReEncrypt*"), True),
    ("decrypt_any_key", can("kms:Decrypt", f"arn:aws:kms:*:{OWNER}:key/*"), True),
    ("decrypt_any_key", can("kms:Decrypt", f"arn:aws:kms:us-east-1:{OWNER}:key/*"), False),
    ("decrypt_any_key", can("kms:Decrypt", f"arn:aws:kms:*:{OWNER}:key/1234"), False),
    ("decrypt_any_key", can("kms:Encrypt"), False),
    ("secrets_any", can("secretsmanager:Get*", "arn:aws:secretsmanager:*:*:secret:*"), True),
    ("secrets_any", can("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:app/*"), False),
    ("s3_read_any", can("s3:Get*", "arn:aws:s3:::*"), True),
    ("s3_read_any", can("s3:GetObject", "arn:aws:s3:::b/*"), False),
    ("allow_not_resource", can("s3:GetObject", NotResource="arn:aws:s3:::b"), True),
    ("allow_not_action", can("", NotAction="iam:*"), True),
]


@pytest.mark.parametrize(("field", "statement", "expected"), EVERYWHERE)
def test_reach_of_single_actions(field: str, statement: dict[str, Any], expected: bool) -> None:
    assert identity(statement)[field] is expected


def test_escalation_needs_every_action_of_a_method() -> None:
    method = "iam:PassRole + lambda:CreateFunction + lambda:InvokeFunction"
    functions = f"arn:aws:lambda:*:{OWNER}:function:*"
    parts = [can("iam:PassRole"), can(["lambda:CreateFunction", "lambda:Invoke*"], functions)]
    assert identity(*parts)["escalation"] == [method]
    assert identity(parts[0])["escalation"] == []
    assert identity(parts[1])["escalation"] == []
    assert identity(*parts, cannot("lambda:InvokeFunction"))["escalation"] == []
    assert identity(can("iam:CreatePolicyVersion", f"arn:aws:iam::{OWNER}:policy/*"))["escalation"] == [
        "iam:CreatePolicyVersion"
    ]
    assert identity(can("iam:CreatePolicyVersion", f"arn:aws:iam::{OWNER}:policy/mine"))["escalation"] == []


def test_stopping_logs_and_opening_to_the_public() -> None:
    found = identity(can(["cloudtrail:Stop*", "s3:PutBucketPolicy"]))
    assert found["can_disable_logging"] == [
        "cloudtrail:StopEventDataStoreIngestion",
        "cloudtrail:StopLogging",
    ]
    assert found["can_make_public"] == ["s3:PutBucketPolicy"]


# IAM User Guide, Access to AWS accounts owned by third parties.
def test_trusted_accounts_and_external_ids() -> None:
    fixed = {"StringEquals": {"sts:ExternalId": "abc"}}
    found = trust(assume({"AWS": OTHER}, fixed), assume({"AWS": f"arn:aws:iam::{THIRD}:role/r"}))
    assert found["foreign_accounts"] == [OTHER, THIRD]
    assert found["foreign_accounts_without_external_id"] == [THIRD]
    assert found["foreign_roots"] == [OTHER]
    for loose in (
        {"StringLike": {"sts:ExternalId": "*"}},
        {"StringEqualsIfExists": {"sts:ExternalId": "abc"}},
        {"StringNotEquals": {"sts:ExternalId": "abc"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ):
        assert trust(assume({"AWS": OTHER}, loose))["foreign_accounts_without_external_id"] == [OTHER]
    # TagSession alone lets nobody in.
    assert trust(assume({"AWS": OTHER}, action="sts:TagSession"))["foreign_accounts"] == []
    assert trust(assume({"AWS": OTHER}, action="sts:*"))["foreign_accounts"] == [OTHER]


TRUSTED: list[tuple[Any, Any, bool | None]] = [
    ("*", None, True),
    ({"AWS": "*"}, None, True),
    ({"AWS": "*"}, {"StringEquals": {"sts:ExternalId": "abc"}}, True),
    ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, False),
    ({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWNER}:role/*"}}, False),
    ({"AWS": "*"}, {"StringEquals": {"invented:Key": "x"}}, None),
    ({"AWS": OWNER}, None, False),
]


@pytest.mark.parametrize(("principal", "condition", "expected"), TRUSTED)
def test_roles_that_anyone_can_assume(principal: Any, condition: Any, expected: bool | None) -> None:
    assert trust(assume(principal, condition))["is_public"] is expected


# Cross-service confused deputy prevention, in the guides of the services named.
def test_only_services_that_send_their_source_are_reported() -> None:
    services = ["ec2.amazonaws.com", "states.amazonaws.com", "logs.us-east-1.amazonaws.com"]
    found = trust(assume({"Service": services}))
    assert found["services"] == sorted(services)
    assert found["services_without_source"] == ["logs.us-east-1.amazonaws.com", "states.amazonaws.com"]
    bound = {"StringEquals": {"aws:SourceAccount": OWNER}}
    assert trust(assume({"Service": services}, bound))["services_without_source"] == []


GITHUB, GITLAB = "token.actions.githubusercontent.com", "gitlab.com"
EKS = "oidc.eks.us-east-1.amazonaws.com/id/ABC"
COGNITO = "cognito-identity.amazonaws.com"

# IAM User Guide, Create a role for OpenID Connect federation; GitHub Docs, Configuring OpenID Connect in
# Amazon Web Services; Amazon Cognito Developer Guide, Role trust and permissions; Amazon EKS User Guide,
# Assign IAM roles to Kubernetes service accounts.
OIDC: list[tuple[str, Any, bool | None]] = [
    (GITHUB, None, False),
    (GITHUB, {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, False),
    (GITHUB, {"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}}, True),
    (GITHUB, {"StringLike": {f"{GITHUB}:sub": "repo:acme/app:ref:refs/heads/main"}}, True),
    (GITHUB, {"StringLike": {f"{GITHUB}:sub": "repo:acme*"}}, False),
    (GITHUB, {"StringLike": {f"{GITHUB}:sub": "repo:*"}}, False),
    (GITHUB, {"StringLike": {f"{GITHUB}:sub": "repo:*/app:*"}}, False),
    (GITHUB, {"StringLike": {f"{GITHUB}:sub": "*"}}, False),
    (GITHUB, {"StringLike": {f"{GITHUB}:sub": ["repo:acme/*", "*"]}}, False),
    (GITHUB, {"StringNotLike": {f"{GITHUB}:sub": "repo:evil/*"}}, False),
    (GITHUB, {"StringEquals": {f"{GITHUB}:repository_owner": "acme"}}, True),
    (GITHUB, {"StringLike": {f"{GITHUB}:job_workflow_ref": "acme/ci/.github/*"}}, True),
    (GITHUB, {"StringLike": {f"{GITHUB}:repository_owner": "ac*"}}, False),
    (GITHUB, {"StringEquals": {f"{GITHUB}:environment": "prod"}}, False),
    (GITHUB, {"StringEquals": {f"{GITHUB}:invented": "x"}}, None),
    (GITLAB, {"StringLike": {f"{GITLAB}:sub": "project_path:acme/*"}}, True),
    (GITLAB, {"StringLike": {f"{GITLAB}:sub": "project_path:*"}}, False),
    ("app.terraform.io", {"StringLike": {"app.terraform.io:sub": "organization:acme:*"}}, True),
    ("app.terraform.io", {"StringLike": {"app.terraform.io:sub": "organization:*:project:p:*"}}, False),
    (EKS, {"StringEquals": {f"{EKS}:sub": "system:serviceaccount:ns:app"}}, True),
    (EKS, {"StringLike": {f"{EKS}:sub": "system:serviceaccount:ns:*"}}, True),
    (EKS, {"StringLike": {f"{EKS}:sub": "system:serviceaccount:*:*"}}, False),
    (EKS, {"StringEquals": {f"{EKS}:aud": "sts.amazonaws.com"}}, False),
    ("idp.example.com", {"StringEquals": {"idp.example.com:aud": "client"}}, True),
    ("idp.example.com", None, False),
    (COGNITO, {"StringEquals": {f"{COGNITO}:aud": "us-east-1:pool"}}, True),
    (COGNITO, {"ForAnyValue:StringLike": {f"{COGNITO}:amr": "authenticated"}}, False),
]


@pytest.mark.parametrize(("issuer", "condition", "pinned"), OIDC)
def test_oidc_trust_is_pinned(issuer: str, condition: Any, pinned: bool | None) -> None:
    provider = issuer if issuer == COGNITO else f"arn:aws:iam::{OWNER}:oidc-provider/{issuer}"
    found = trust(assume({"Federated": provider}, condition, "sts:AssumeRoleWithWebIdentity"))
    assert found["oidc_unpinned"] == ([] if pinned else None if pinned is None else [provider])
    assert found["federated"] == [provider]
    assert bool(found["undecided"]) is (pinned is None)
    # Providers of one's own are not everyone; those that anyone signs up with are.
    assert found["is_public"] is (issuer == COGNITO and not pinned)


def test_tokens_carry_no_claims_of_other_providers() -> None:
    provider = f"arn:aws:iam::{OWNER}:oidc-provider/{GITHUB}"
    condition = {"StringEquals": {f"{GITLAB}:sub": "project_path:acme/x"}}
    found = trust(assume({"Federated": provider}, condition, "sts:AssumeRoleWithWebIdentity"))
    assert (found["federated"], found["oidc_unpinned"], found["undecided"]) == ([], [], [])


def test_saml() -> None:
    provider = f"arn:aws:iam::{OWNER}:saml-provider/idp"
    found = trust(assume({"Federated": provider}, action="sts:AssumeRoleWithSAML"))
    assert (found["federated"], found["oidc_unpinned"], found["is_public"]) == ([provider], [], False)


# AWS KMS Developer Guide, Default key policy; Allowing users in other accounts to use a KMS key.
def test_key_policies() -> None:
    def on_key(principal: Any, action: Any, condition: Any = None) -> dict[str, Any]:
        return {**assume(principal, condition, action), "Resource": "*"}

    root = {"AWS": f"arn:aws:iam::{OWNER}:root"}
    found = key(on_key(root, "kms:*"))
    assert (found["can_lock_out"], found["foreign_decrypt"]) == (False, [])
    found = key(on_key({"AWS": f"arn:aws:iam::{OWNER}:role/admin"}, "kms:*"))
    assert found["can_lock_out"] is True
    found = key(on_key(root, ["kms:Put*", "kms:Describe*"]))
    assert found["can_lock_out"] is False
    found = key(on_key(root, "kms:*"), on_key({"AWS": OTHER}, ["kms:Decrypt", "kms:DescribeKey"]))
    assert (found["foreign_decrypt"], found["foreign_administrators"]) == ([OTHER], [])
    assert key(on_key({"AWS": OTHER}, "kms:Encrypt"))["foreign_decrypt"] == []
    assert key(on_key({"AWS": OTHER}, "kms:CreateGrant"))["foreign_decrypt"] == [OTHER]
    found = key(on_key({"AWS": OTHER}, "kms:*"))
    assert found["foreign_administrators"] == [OTHER]


# IAM User Guide, Grammar of the IAM JSON policy language.
MALFORMED = [
    " ",
    "{",
    "null",
    "[]",
    "{}",
    '{"Statement": "x"}',
    '{"Version": "2013-01-01", "Statement": []}',
    '{"Statement": [], "More": 1}',
    '{"Statement": [{"Effect": "allow", "Principal": "*", "Action": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "x", "Action": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Action": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "NotPrincipal": "*", "Action": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "NotAction": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": [1]}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": [1]}, "Action": "*"}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": []}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {"Bool": "x"}}]}',
    '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "condition": {}}]}',
    # AWS refuses operators that there are not, and conditions without values.
    *(
        f'{{"Statement": [{{"Effect": "Allow", "Principal": "*", "Action": "*", "Condition": {condition}}}]}}'
        for condition in (
            '{"StringAlmostEquals": {"aws:PrincipalOrgID": "o-abc"}}',
            '{"ForSomeValues:StringEquals": {"aws:PrincipalOrgID": "o-abc"}}',
            '{"StringNotEquals2": {"x:y": "z"}}',
            '{"StringEquals": {"aws:SourceAccount": []}}',
            '{"NotIpAddress": {"aws:SourceIp": "no address"}}',
        )
    ),
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_documents_are_unknown(text: str) -> None:
    for kind in ("resource", "key", "trust"):
        assert facts(kind, text, OWNER) is None


def test_identity_documents_name_no_principals() -> None:
    assert facts("identity", '{"Statement": {"Effect": "Allow", "Action": "*"}}', OWNER) is None
    text = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}'
    assert facts("identity", text, OWNER) is None
    assert facts("resource", text, OWNER) is not None


def test_policy_variables_are_text_in_the_older_version() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    statement["Condition"] = {"StringEquals": {"aws:SourceVpce": "${aws:PrincipalTag/vpce}"}}  # type: ignore[assignment]
    old = facts("resource", json.dumps({"Version": "2008-10-17", "Statement": statement}), OWNER)
    new = facts("resource", json.dumps({"Version": "2012-10-17", "Statement": statement}), OWNER)
    assert old is not None
    assert new is not None
    assert (old["is_public"], new["is_public"]) == (False, None)


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_no_policy_grants_and_denies_nothing(kind: str) -> None:
    found = facts(kind, "", OWNER)
    assert found is not None
    assert [f.name for f in FACTS[kind].fields] == list(FIELD_DOCS[kind])
    assert set(found) == set(FIELD_DOCS[kind])
    blank: dict[type, Any] = {BoolType: False, IntType: 0, ListType: [], StrType: ""}
    wanted = {f.name: blank[type(f.type)] for f in FACTS[kind].fields}
    if kind == "key":
        wanted["can_lock_out"] = True
    assert found == wanted


def test_table_holds_each_pair_once() -> None:
    text = json.dumps({"Statement": [assume({"AWS": OTHER})]})
    table = facts_table([(text, OWNER), (text, OTHER), (text, OWNER), ("{", OWNER)], "trust")
    assert table.num_rows == 3
    assert table["facts"].type == FACTS["trust"].arrow()
    rows = {(r["policy"], r["account_id"]): r["facts"] for r in table.to_pylist()}
    assert rows[text, OWNER]["foreign_accounts"] == [OTHER]
    assert rows[text, OTHER]["foreign_accounts"] == []
    assert rows["{", OWNER] is None
