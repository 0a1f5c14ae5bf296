"""Every read operation's request, signature included, equals boto3's."""

from __future__ import annotations

from typing import Any

import botocore.auth
import pytest

from partywall.aws import signer
from partywall.aws.answers import CallFailed
from partywall.aws.codec import codec
from partywall.aws.credentials import Credentials
from partywall.aws.models import plain_session, protocol_of, service_model
from partywall.aws.transport import LeanTransport
from tests.aws_oracle import (
    ACCOUNT,
    KEY,
    READS,
    REGION,
    SECRET,
    SERVICES,
    TOKEN,
    Maker,
    Oracle,
    frozen,
    oracle,
)

CREDENTIALS = Credentials(KEY, SECRET, TOKEN, account_id=ACCOUNT)
# Added by HTTP libraries, or naming the program.
_OWN = {"user-agent", "accept-encoding", "content-length", "host"}


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setattr(signer, "utc_now", frozen)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: frozen().replace(tzinfo=None))


def theirs(request: Any) -> tuple[str, str, dict[str, str], bytes]:
    headers = {}
    for name, value in request.headers.items():
        headers[name.lower()] = value.decode() if isinstance(value, bytes) else value
    body = request.body or b""
    return request.method, request.url, headers, body.encode() if isinstance(body, str) else body


def compared(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in _OWN}


def check(lean: LeanTransport, peer: Oracle, service: str, operation: str, params: dict[str, Any]) -> bool:
    spoken = codec(service)
    op = spoken.operation(operation)
    if op.needs_boto:
        return False
    peer.sent = None
    peer.answer = (404, {}, b"")
    try:
        peer.client._make_api_call(operation, dict(params))
    except Exception as error:
        if peer.sent is None:
            with pytest.raises(CallFailed, match="InvalidRequest"):
                lean._build(spoken, op, peer.client.meta.region_name, CREDENTIALS, params)
            assert error is not None
            return False
    ours = lean._build(spoken, op, peer.client.meta.region_name, CREDENTIALS, params)
    method, url, headers, body = theirs(peer.sent)
    assert (ours.method, ours.url, ours.body) == (method, url, body), operation
    assert compared(ours.headers) == compared(headers), operation
    return True


@pytest.mark.parametrize("service", SERVICES)
def test_requests_of_all_read_operations_equal_those_of_boto3(service: str) -> None:
    lean = LeanTransport()
    peer = oracle(service)
    names = [name for name in service_model(service).operation_names if name.startswith(READS)]
    equal = 0
    beyond = {name for name in names if codec(service).operation(name).needs_boto}
    for number, name in enumerate(names):
        shape = service_model(service).operation_model(name).input_shape
        params = Maker(service + name, full=number % 3 > 0).make(shape) if shape is not None else {}
        if protocol_of(service) == service_model(service).resolved_protocol:
            equal += check(lean, peer, service, name, params)
    # A few generated values are refused by both, such as bad ARNs.
    assert equal >= 0.8 * len(names) - len(beyond)


@pytest.mark.parametrize(
    "region", ["us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "ap-southeast-3"]
)
@pytest.mark.parametrize(
    "service", ["s3", "iam", "sts", "ec2", "s3control", "dynamodb", "route53", "organizations"]
)
def test_endpoints_and_signing_regions_equal_those_of_boto3(service: str, region: str) -> None:
    lean = LeanTransport()
    peer = Oracle(service, region)
    calls: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "s3": [
            ("ListBuckets", {}),
            ("GetBucketLocation", {"Bucket": "abc"}),
            ("GetBucketPolicy", {"Bucket": "some.dotted.name"}),
            ("ListObjectsV2", {"Bucket": "abc", "Prefix": "a b/ü+c"}),
            ("HeadObject", {"Bucket": "abc", "Key": "a//b/../c d~e*f"}),
        ],
        "iam": [("ListRoles", {"PathPrefix": "/x y/"})],
        "sts": [("GetCallerIdentity", {})],
        "ec2": [("DescribeInstances", {"Filters": [{"Name": "tag:é", "Values": ["*", "a b"]}]})],
        "s3control": [("GetPublicAccessBlock", {"AccountId": ACCOUNT})],
        "dynamodb": [("DescribeTable", {"TableName": "t"}), ("ListTables", {})],
        "route53": [("ListResourceRecordSets", {"HostedZoneId": "/hostedzone/Z123"})],
        "organizations": [("ListAccounts", {})],
    }
    for name, params in calls[service]:
        assert check(lean, peer, service, name, params)


@pytest.mark.parametrize(
    "settings",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"},
        {"AWS_ENDPOINT_URL": "https://proxy.example.com:8443/base"},
        {"AWS_ENDPOINT_URL_S3": "https://s3.example.com"},
        {"AWS_ENDPOINT_URL_IAM": "https://iam.example.com"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:5000"},
    ],
)
def test_endpoint_settings_are_honoured(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    lean = LeanTransport()
    for service, name, params in [
        ("s3", "GetBucketPolicy", {"Bucket": "abc"}),
        ("iam", "ListUsers", {}),
        ("ec2", "DescribeVpcs", {}),
        ("kms", "ListKeys", {}),
    ]:
        assert check(lean, Oracle(service, "us-west-2"), service, name, params)


def test_the_profile_gives_endpoint_and_addressing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import aws_oracle

    config = tmp_path / "config"
    config.write_text(
        "[profile lab]\nregion = us-west-2\nservices = local\ns3 =\n    addressing_style = path\n"
        "[services local]\nkms =\n    endpoint_url = https://kms.lab.example.com\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setattr(aws_oracle, "session", lambda: plain_session("lab"))
    lean = LeanTransport(plain_session("lab"))
    assert check(lean, Oracle("kms"), "kms", "ListKeys", {})
    assert check(lean, Oracle("s3"), "s3", "GetBucketPolicy", {"Bucket": "abc"})
    url = lean._build(
        codec("s3"), codec("s3").operation("GetBucketAcl"), REGION, CREDENTIALS, {"Bucket": "b-b"}
    ).url
    assert url == f"https://s3.{REGION}.amazonaws.com/b-b?acl"


def test_account_names_are_left_off_addresses_in_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    spoken = codec("s3control")
    request = LeanTransport()._build(
        spoken, spoken.operation("GetPublicAccessBlock"), REGION, CREDENTIALS, {"AccountId": ACCOUNT}
    )
    assert request.url == "http://127.0.0.1:5000/v20180820/configuration/publicAccessBlock"
    assert request.headers["x-amz-account-id"] == ACCOUNT


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("s3", "GetBucketPolicy", {}),
        ("s3", "GetBucketPolicy", {"Bucket": "not a bucket!"}),
        ("iam", "GetRole", {"RoleName": 5}),
        ("ec2", "DescribeVpcs", {"NoSuch": 1}),
    ],
)
def test_bad_parameters_are_named_and_never_sent(
    service: str, operation: str, params: dict[str, Any]
) -> None:
    spoken = codec(service)
    with pytest.raises(CallFailed) as caught:
        LeanTransport()._build(spoken, spoken.operation(operation), REGION, CREDENTIALS, params)
    assert caught.value.code == "InvalidRequest"
    assert not caught.value.retryable
