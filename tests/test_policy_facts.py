"""Facts of resource policies: tables of cases, each naming the AWS page that it is drawn from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from partywall.analysis.policy import facts

OWNER, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
BUCKET = ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]


def doc(*statements: dict[str, Any], version: str = "2012-10-17") -> str:
    return json.dumps({"Version": version, "Statement": list(statements)})


def allow(
    principal: Any = "*", condition: Any = None, action: Any = "s3:GetObject", **more: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": BUCKET}
    if condition is not None:
        found["Condition"] = condition
    for name in more:
        found.pop(name.removeprefix("Not"), None)
    return found | more


def deny(principal: Any = "*", condition: Any = None, action: Any = "s3:*", **more: Any) -> dict[str, Any]:
    return allow(principal, condition, action, **more) | {"Effect": "Deny"}


def resource(*statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = facts("resource", doc(*statements, **more), OWNER)
    assert found is not None
    return found


# Amazon S3 User Guide, Blocking public access to your Amazon S3 storage (The meaning of "public").
MEANING_OF_PUBLIC: list[tuple[Any, bool | None]] = [
    (None, True),
    ({}, True),
    ({"StringLike": {"aws:SourceVpc": "vpc-*"}}, True),
    ({"StringEquals": {"aws:SourceVpc": "vpc-91237329"}}, False),
    ({"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}, False),
    ({"StringLike": {"aws:SourceVpce": ["vpce-1", "*"]}}, True),
    ({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, False),
    ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, True),
    ({"StringEquals": {"aws:SourceAccount": OWNER}}, False),
    ({"StringEquals": {"AWS:SourceOwner": OWNER}}, False),
    ({"StringEquals": {"aws:PrincipalAccount": [OWNER, OTHER]}}, False),
    ({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{OWNER}:*"}}, False),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:topic"}}, True),
    ({"ArnLike": {"aws:SourceArn": "*"}}, True),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::fixed-name"}}, False),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::prefix-*"}}, True),
    ({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/r"}}, False),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}}, True),
    ({"StringEquals": {"s3:DataAccessPointAccount": OWNER}}, False),
    ({"ArnLike": {"s3:DataAccessPointArn": f"arn:aws:s3:us-west-2:{OWNER}:accesspoint/*"}}, False),
    ({"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "k"}}, False),
    ({"StringLike": {"aws:userid": "AROAEXAMPLEID1234:*"}}, False),
    ({"StringLike": {"aws:userid": "*:session"}}, True),
    ({"StringEquals": {"aws:userid": OWNER}}, False),
    ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
    ({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, True),
    ({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}, True),
    ({"IpAddress": {"aws:SourceIp": "54.0.0.0/7"}}, True),
    ({"IpAddress": {"aws:SourceIp": "54.0.0.0/8"}}, False),
    ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
    ({"IpAddress": {"aws:SourceIp": ["54.0.0.0/8", "55.0.0.0/8"]}}, True),
    ({"IpAddress": {"aws:SourceIp": "::/0"}}, True),
    ({"IpAddress": {"aws:SourceIp": "2600::/31"}}, True),
    ({"IpAddress": {"aws:SourceIp": "2600:1f00::/32"}}, False),
    ({"IpAddress": {"aws:SourceIp": "not an address"}}, False),
    ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, True),
    ({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/16"}}, True),
]

# IAM User Guide, AWS JSON policy elements: Condition operators; AWS global condition context keys.
OPERATORS: list[tuple[Any, bool | None]] = [
    ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}}, True),
    ({"StringEqualsIfExists": {"aws:PrincipalAccount": OWNER}}, False),
    (
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}, "Null": {"aws:PrincipalOrgID": "false"}},
        False,
    ),
    ({"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}}, True),
    ({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, True),
    ({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abc/*"}}, True),
    (
        {
            "ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-abc/*"},
            "Null": {"aws:PrincipalOrgPaths": False},
        },
        False,
    ),
    ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc/r-ab12/ou-1/*"}}, False),
    ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*"}}, True),
    ({"stringequals": {"AWS:PRINCIPALORGID": "o-abc"}}, False),
    ({"Null": {"aws:PrincipalOrgID": "false"}}, True),
    ({"Bool": {"aws:SecureTransport": "true"}}, True),
    ({"Bool": {"aws:MultiFactorAuthPresent": True}}, True),
    ({"Bool": {"aws:PrincipalIsAWSService": "true"}}, False),
    ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, True),
    ({"StringEquals": {"aws:PrincipalTag/team": "red"}}, True),
    ({"StringLike": {"aws:Referer": "https://example.com/*"}}, True),
    ({"StringEquals": {"aws:username": "ann"}}, True),
    ({"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, True),
    ({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}, False),
    ({"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}, False),
    ({"StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}, False),
    ({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalTag/org}"}}, None),
    ({"StringEquals": {"invented:Key": "x"}}, None),
    ({"StringEqualsIfExists": {"invented:Key": "x"}}, None),
    ({"StringNotEquals": {"invented:Key": "x"}}, None),
    ({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, None),
    ({"StringEquals": {"invented:Key": "x", "aws:PrincipalOrgID": "o-abc"}}, False),
    ({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceAccount": OWNER}}, False),
]


@pytest.mark.parametrize(("condition", "expected"), MEANING_OF_PUBLIC + OPERATORS)
def test_conditions_decide_whether_everyone_is_admitted(condition: Any, expected: bool | None) -> None:
    for principal in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
        found = resource(allow(principal, condition))
        assert found["is_public"] is expected
        if expected is None:
            assert found["undecided"]
            assert found["public_actions"] is None
            assert found["public_read"] is None


# Service guides: SQS, SNS, Lambda, KMS, EFS, ECR, OpenSearch, EventBridge.
SERVICES: list[tuple[str, dict[str, Any], bool | None]] = [
    # Amazon EFS User Guide, Blocking public access to EFS file systems.
    (
        "resource",
        allow(
            {"AWS": "*"},
            {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
            "elasticfilesystem:ClientMount",
        ),
        False,
    ),
    # Amazon SNS Developer Guide, the default topic policy.
    ("resource", allow({"AWS": "*"}, {"StringEquals": {"AWS:SourceOwner": OWNER}}, "SNS:Publish"), False),
    ("resource", allow("*", {"StringLike": {"sns:Endpoint": "*@example.com"}}, "SNS:Subscribe"), False),
    ("resource", allow("*", {"StringLike": {"sns:Endpoint": "https://*"}}, "SNS:Subscribe"), True),
    ("resource", allow("*", {"StringEquals": {"sns:Protocol": "https"}}, "SNS:Subscribe"), True),
    # AWS Lambda Developer Guide, Control access to Lambda function URLs.
    (
        "resource",
        allow("*", {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, "lambda:InvokeFunctionUrl"),
        True,
    ),
    # AWS KMS Developer Guide, kms:CallerAccount and kms:ViaService.
    (
        "key",
        allow(
            "*",
            {"StringEquals": {"kms:CallerAccount": OWNER, "kms:ViaService": "s3.us-east-1.amazonaws.com"}},
            "kms:Decrypt",
        ),
        False,
    ),
    (
        "key",
        allow("*", {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, "kms:Decrypt"),
        True,
    ),
    ("key", allow("*", {"StringEquals": {"kms:EncryptionContext:app": "x"}}, "kms:Decrypt"), True),
    # Amazon VPC Lattice User Guide, Control access to VPC Lattice services using auth policies.
    (
        "resource",
        allow("*", {"StringEquals": {"vpc-lattice-svcs:SourceVpc": "vpc-1"}}, "vpc-lattice-svcs:Invoke"),
        False,
    ),
    # Amazon EventBridge User Guide, Permissions for event buses.
    ("resource", allow("*", {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, "events:PutEvents"), False),
    ("resource", allow("*", {"StringEquals": {"events:source": "app"}}, "events:PutEvents"), True),
]


@pytest.mark.parametrize(("kind", "statement", "expected"), SERVICES)
def test_service_keys(kind: str, statement: dict[str, Any], expected: bool | None) -> None:
    found = facts(kind, doc(statement), OWNER)
    assert found is not None
    assert found["is_public"] is expected


def test_function_url_with_iam_takes_no_anonymous_requests() -> None:
    url = "lambda:InvokeFunctionUrl"
    anyone = resource(allow("*", {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, url))
    signed = resource(allow("*", {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}, url))
    assert (anyone["is_public"], anyone["public_without_auth"]) == (True, True)
    assert (signed["is_public"], signed["public_without_auth"]) == (True, False)


# IAM User Guide, AWS JSON policy elements: Principal.
PRINCIPALS: list[tuple[Any, dict[str, Any]]] = [
    ({"AWS": OTHER}, {"foreign_accounts": [OTHER], "is_public": False}),
    ({"AWS": f"arn:aws:iam::{OTHER}:root"}, {"foreign_accounts": [OTHER]}),
    (
        {"AWS": [f"arn:aws:iam::{OTHER}:role/a/b", f"arn:aws:iam::{THIRD}:user/u"]},
        {"foreign_accounts": [OTHER, THIRD]},
    ),
    ({"AWS": f"arn:aws:sts::{OTHER}:assumed-role/r/s"}, {"foreign_accounts": [OTHER]}),
    ({"AWS": f"arn:aws-cn:iam::{OTHER}:root"}, {"foreign_accounts": [OTHER]}),
    ({"AWS": f"arn:aws:iam::{OWNER}:root"}, {"foreign_accounts": []}),
    ({"AWS": "AROAEXAMPLEID12345"}, {"deleted_principals": ["AROAEXAMPLEID12345"], "is_public": False}),
    ({"AWS": "AIDAEXAMPLEID12345"}, {"deleted_principals": ["AIDAEXAMPLEID12345"]}),
    ({"CanonicalUser": "79a5"}, {"foreign_accounts": [], "is_public": False}),
    ({"Service": "cloudtrail.amazonaws.com"}, {"services": ["cloudtrail.amazonaws.com"], "is_public": False}),
    ({"Federated": "graph.facebook.com"}, {"is_public": True, "federated": ["graph.facebook.com"]}),
    (
        {"Federated": f"arn:aws:iam::{OTHER}:saml-provider/p"},
        {"is_public": False, "foreign_accounts": [OTHER]},
    ),
    (
        {"AWS": "arn:aws:iam::*:role/x"},
        {"is_public": None, "undecided": ["principal"]},
    ),
    ({"AWS": ["*", OTHER]}, {"is_public": True}),
    # Application Load Balancers guide, Enable access logs for your Application Load Balancer.
    ({"AWS": "arn:aws:iam::127311923021:root"}, {"foreign_accounts": [], "services": []}),
    (f"arn:aws:iam::{OTHER}:root", {"foreign_accounts": [OTHER], "is_public": False}),
    ({"AWS": "1234"}, {"is_public": False, "foreign_accounts": []}),
]


@pytest.mark.parametrize(("principal", "expected"), PRINCIPALS)
def test_principal_forms(principal: Any, expected: dict[str, Any]) -> None:
    found = resource(allow(principal))
    assert {name: found[name] for name in expected} == expected


def test_not_principal_with_allow_admits_everyone_else() -> None:
    found = resource(allow(NotPrincipal={"AWS": OTHER}))
    assert found["is_public"] is True


def test_accounts_and_organizations_named_by_conditions() -> None:
    found = resource(allow("*", {"StringEquals": {"aws:PrincipalAccount": [OWNER, OTHER]}}))
    assert (found["foreign_accounts"], found["is_public"]) == ([OTHER], False)
    found = resource(
        allow("*", {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-abc/r-1/*", "o-def/*"]}})
    )
    assert found["organizations"] == ["o-abc", "o-def"]
    found = resource(allow("*", {"StringEquals": {"s3:DataAccessPointAccount": THIRD}}))
    assert found["foreign_accounts"] == [THIRD]
    # A named principal that comes by another account's endpoint is still that principal.
    found = resource(allow({"AWS": OTHER}, {"StringEquals": {"aws:VpceAccount": OWNER}}))
    assert found["foreign_accounts"] == [OTHER]
    # A principal whose account the condition leaves out gets nothing.
    found = resource(allow({"AWS": [OTHER, THIRD]}, {"StringEquals": {"aws:PrincipalAccount": THIRD}}))
    assert found["foreign_accounts"] == [THIRD]


def test_unknown_conditions_leave_lists_unknown_not_empty() -> None:
    unknown = allow("*", {"StringEquals": {"invented:Key": "x"}})
    assert resource(unknown)["foreign_accounts"] is None
    assert resource(unknown)["undecided"] == ["invented:key"]
    assert resource(unknown, allow({"AWS": OTHER}))["foreign_accounts"] == [OTHER, None]
    # What is public for certain stays so beside something that is not.
    assert resource(unknown, allow())["is_public"] is True


# IAM User Guide, The confused deputy problem (cross-service confused deputy prevention).
SOURCES: list[tuple[Any, list[str] | None]] = [
    (None, ["sns.amazonaws.com"]),
    ({"StringEquals": {"aws:SourceAccount": OWNER}}, []),
    ({"ArnLike": {"aws:SourceArn": f"arn:aws:sns:*:{OWNER}:*"}}, []),
    ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}}, ["sns.amazonaws.com"]),
    ({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}}, []),
    ({"StringEquals": {"aws:SourceOrgID": "o-abc"}}, []),
    ({"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-abc/*"}}, []),
    ({"StringEqualsIfExists": {"aws:SourceAccount": OWNER}}, ["sns.amazonaws.com"]),
    ({"StringNotEquals": {"aws:SourceAccount": OTHER}}, ["sns.amazonaws.com"]),
    ({"Bool": {"aws:SecureTransport": "true"}}, ["sns.amazonaws.com"]),
    ({"ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:*:{OWNER}:*"}}, []),
    ({"StringEquals": {"invented:Key": "x"}}, None),
]


@pytest.mark.parametrize(("condition", "expected"), SOURCES)
def test_services_bound_to_a_source(condition: Any, expected: list[str] | None) -> None:
    found = resource(allow({"Service": "sns.amazonaws.com"}, condition))
    assert found["services_without_source"] == expected
    services = None if expected is None else ["sns.amazonaws.com"]
    assert (found["services"], found["is_public"]) == (services, False)


def test_a_service_that_acts_for_another_account_admits_that_account() -> None:
    found = resource(allow({"Service": "sns.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": OTHER}}))
    assert found["foreign_accounts"] == [OTHER]


def test_everyone_through_any_service_is_a_confused_deputy() -> None:
    found = resource(allow("*", {"Bool": {"aws:PrincipalIsAWSService": "true"}}))
    assert (found["is_public"], found["services"], found["services_without_source"]) == (False, ["*"], ["*"])


# IAM User Guide, Policy evaluation logic; AWS JSON policy elements: NotPrincipal.
DENIALS: list[tuple[list[dict[str, Any]], bool | None]] = [
    ([deny()], False),
    ([deny(Resource="*")], False),
    # Nothing can be got of the bucket itself.
    ([deny(Resource="arn:aws:s3:::b/*")], False),
    ([deny(Resource="arn:aws:s3:::b/*"), deny(Resource="arn:aws:s3:::b")], False),
    ([deny(action="s3:Put*")], True),
    ([deny(action="S3:GET*")], False),
    ([deny({"AWS": OTHER})], True),
    ([deny(condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}})], False),
    ([deny(condition={"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}})], False),
    ([deny(condition={"StringEquals": {"aws:PrincipalOrgID": "o-abc"}})], True),
    ([deny(condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}})], False),
    ([deny(condition={"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}})], True),
    ([deny(condition={"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})], False),
    ([deny(condition={"Bool": {"aws:SecureTransport": "false"}})], True),
    ([deny(condition={"StringNotEquals": {"invented:Key": "x"}})], None),
    # Spared are callers that make either condition false: the organization, and AWS's services.
    (
        [
            deny(
                condition={
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                }
            )
        ],
        False,
    ),
    ([deny(condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-abc", "aws:PrincipalTag/x": "y"}})], True),
    ([deny(NotAction="s3:Put*")], False),
    ([deny(NotAction="s3:GetObject")], True),
    ([deny(NotPrincipal={"AWS": OWNER})], False),
    ([deny(condition={"Bool": {"aws:SecureTransport": "false"}}, NotPrincipal={"AWS": OWNER})], True),
]


@pytest.mark.parametrize(("denials", "expected"), DENIALS)
def test_denials_take_back_what_they_clearly_cover(
    denials: list[dict[str, Any]], expected: bool | None
) -> None:
    assert resource(allow(), *denials)["is_public"] is expected


def test_denials_name_principals() -> None:
    both = allow({"AWS": [OTHER, f"arn:aws:iam::{THIRD}:role/r"], "Service": "sns.amazonaws.com"})
    assert resource(both, deny({"AWS": f"arn:aws:iam::{OTHER}:root"}))["foreign_accounts"] == [THIRD]
    assert resource(both, deny({"AWS": f"arn:aws:iam::{THIRD}:role/r"}))["foreign_accounts"] == [OTHER]
    assert resource(both, deny({"AWS": f"arn:aws:iam::{THIRD}:role/q"}))["foreign_accounts"] == [OTHER, THIRD]
    assert resource(both, deny({"Service": "sns.amazonaws.com"}))["services"] == []


def test_what_everyone_can_do() -> None:
    found = resource(allow(action=["s3:Get*", "s3:PutObject"]), deny(action="s3:Put*"))
    assert (found["public_actions"], found["public_write"], found["public_read"]) == (
        ["s3:Get*"],
        False,
        True,
    )
    found = resource(allow(action="sqs:SendMessage", Sid="open"))
    assert (found["public_write"], found["public_read"], found["public_statements"]) == (
        True,
        False,
        ["open"],
    )
    found = resource(allow(NotAction="s3:GetObject"))
    assert found["public_write"] is True


# AWS Security Hub, S3.6: bucket policies should restrict what other accounts may do.
def test_sensitive_actions_of_other_accounts() -> None:
    found = resource(allow({"AWS": OTHER}, action=["s3:PutBucket*", "s3:GetObject"]))
    assert "s3:PutBucketPolicy" in found["foreign_sensitive_actions"]
    assert "s3:DeleteBucketPolicy" not in found["foreign_sensitive_actions"]
    assert not [a for a in found["foreign_sensitive_actions"] if not a.startswith("s3:")]
    assert found["foreign_write_accounts"] == [OTHER]
    assert resource(allow({"AWS": OTHER}))["foreign_write_accounts"] == []
    assert resource(allow({"AWS": OWNER}, action="s3:*"))["foreign_sensitive_actions"] == []


SECURE = {"Bool": {"aws:SecureTransport": "false"}}

# Amazon S3 User Guide, Security best practices (Enforce encryption of data in transit).
TLS: list[tuple[list[dict[str, Any]], bool]] = [
    ([deny(condition=SECURE)], True),
    ([deny(condition=SECURE, action="*", Resource="*")], True),
    ([deny({"AWS": "*"}, {"BoolIfExists": {"aws:SecureTransport": False}})], True),
    ([deny(condition={"StringNotEquals": {"aws:SecureTransport": "true"}})], True),
    ([deny(condition=SECURE, Resource="arn:aws:s3:::b*")], True),
    ([deny(condition=SECURE, Resource="arn:aws:s3:::b/*")], False),
    ([deny(condition=SECURE, Resource="arn:aws:s3:::b")], False),
    (
        [
            deny(condition=SECURE, Resource="arn:aws:s3:::b/*"),
            deny(condition=SECURE, Resource="arn:aws:s3:::b"),
        ],
        True,
    ),
    ([deny(condition=SECURE, action="s3:GetObject")], False),
    ([deny({"AWS": OTHER}, SECURE)], False),
    ([deny(condition={"Bool": {"aws:SecureTransport": "true"}})], False),
    ([deny(condition=SECURE | {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}})], False),
    ([deny(condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}})], False),
    ([allow({"AWS": OWNER}, SECURE)], False),
    ([allow({"AWS": OTHER}, Resource=["arn:aws:s3:::c/*"]), deny(condition=SECURE)], False),
    (
        [deny(condition=SECURE, action="SQS:*", Resource=f"arn:aws:sqs:us-east-1:{OWNER}:q")],
        True,
    ),
    # Amazon SNS Developer Guide, Security best practices: topics' policies take no `sns:*`.
    ([deny(condition=SECURE, action="sns:Publish", Resource=f"arn:aws:sns:us-east-1:{OWNER}:t")], True),
    ([deny(condition=SECURE, action="sqs:SendMessage", Resource=f"arn:aws:sqs:us-east-1:{OWNER}:q")], False),
]


@pytest.mark.parametrize(("statements", "expected"), TLS)
def test_plaintext_is_denied(statements: list[dict[str, Any]], expected: bool) -> None:
    assert resource(*statements)["denies_insecure_transport"] is expected


def test_wildcard_denials_do_not_reach_further_than_they_say() -> None:
    # `?` of a Deny is one character, and never the `*` of an Allow.
    assert resource(allow(action="s3:Get*"), deny(action="s3:Get?"))["is_public"] is True
    assert resource(allow(action="s3:Get?"), deny(action="s3:G*"))["is_public"] is False
    # S3 has no action with G that does not begin with Get.
    assert resource(allow(action="s3:G*"), deny(action="s3:Get*"))["is_public"] is False
    assert resource(allow(action="s3:*"), deny(action="s3:Get*"))["is_public"] is True
