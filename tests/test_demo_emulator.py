"""The emulator: one endpoint for moto and the fake, its log, its faults, its connections."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, IncompleteReadError
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from partywall.demo.emulator import Call, Emulator, EmulatorProcess
from partywall.demo.faults import Fault

MANAGEMENT = "123456789012"


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults(emulator: Emulator) -> Iterator[None]:
    yield
    emulator.clear_faults()


def client(emulator: Emulator, service: str, region: str = "eu-west-1", **keys: str) -> Any:
    credentials = {"aws_access_key_id": "AKIAEXAMPLE000000000", "aws_secret_access_key": "x", **keys}
    return get_session().create_client(
        service,
        region_name=region,
        endpoint_url=emulator.url,
        config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        **credentials,
    )


def failure(call: Any, **params: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    error = response["Error"]
    return error["Code"], error.get("Message", ""), response["ResponseMetadata"]["HTTPStatusCode"]


def test_moto_and_fake_share_one_port_and_every_request_is_logged(emulator: Emulator) -> None:
    before = len(emulator.requests)
    client(emulator, "s3").create_bucket(
        Bucket="logged", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    client(emulator, "ec2", "eu-central-1").describe_vpcs()
    client(emulator, "accessanalyzer").list_analyzers()
    client(emulator, "elb").describe_load_balancers()
    client(emulator, "elbv2").describe_load_balancers()
    client(emulator, "cloudwatch").list_metrics()
    assert emulator.requests[before:] == [
        Call("s3", "CreateBucket", MANAGEMENT, "eu-west-1"),
        Call("ec2", "DescribeVpcs", MANAGEMENT, "eu-central-1"),
        Call("accessanalyzer", "ListAnalyzers", MANAGEMENT, "eu-west-1"),
        Call("elb", "DescribeLoadBalancers", MANAGEMENT, "eu-west-1"),
        Call("elbv2", "DescribeLoadBalancers", MANAGEMENT, "eu-west-1"),
        Call("cloudwatch", "ListMetrics", MANAGEMENT, "eu-west-1"),
    ]


def test_assumed_credentials_are_bound_to_the_roles_account(emulator: Emulator) -> None:
    assumed = client(emulator, "sts").assume_role(
        RoleArn="arn:aws:iam::222222222222:role/Audit", RoleSessionName="test"
    )["Credentials"]
    keys = {
        "aws_access_key_id": assumed["AccessKeyId"],
        "aws_secret_access_key": assumed["SecretAccessKey"],
        "aws_session_token": assumed["SessionToken"],
    }
    client(emulator, "accessanalyzer", **keys).create_analyzer(analyzerName="mine", type="ACCOUNT")
    made = client(emulator, "accessanalyzer", **keys).list_analyzers()["analyzers"]
    assert [a["arn"] for a in made] == ["arn:aws:access-analyzer:eu-west-1:222222222222:analyzer/mine"]
    assert emulator.requests[-1].account == "222222222222"
    assert client(emulator, "accessanalyzer").list_analyzers()["analyzers"] == []


@pytest.mark.parametrize(
    ("service", "method", "code"),
    [
        ("glacier", "list_provisioned_capacity", "UnknownOperationException"),
        ("ssm", "describe_maintenance_window_schedule", "UnknownOperationException"),
        ("ec2", "describe_capacity_blocks", "InvalidAction"),
        ("redshift", "describe_storage", "InvalidAction"),
        ("mgn", "describe_jobs", "UnknownOperationException"),
    ],
)
def test_what_neither_knows_is_refused_as_aws_refuses_it(
    emulator: Emulator, service: str, method: str, code: str
) -> None:
    assert failure(getattr(client(emulator, service), method))[0] == code


@pytest.mark.parametrize(
    ("service", "method", "params", "code", "status"),
    [
        ("iam", "list_users", {}, "AccessDenied", 403),
        ("ec2", "describe_vpcs", {}, "UnauthorizedOperation", 403),
        ("s3", "list_buckets", {}, "AccessDenied", 403),
        ("kms", "list_keys", {}, "AccessDeniedException", 400),
        ("lambda", "list_functions", {}, "AccessDeniedException", 403),
        ("sns", "list_topics", {}, "AuthorizationError", 403),
        ("cloudfront", "list_distributions", {}, "AccessDenied", 403),
        ("accessanalyzer", "list_analyzers", {}, "AccessDeniedException", 403),
    ],
)
def test_a_denial_is_worded_and_shaped_as_aws_does(
    emulator: Emulator, service: str, method: str, params: dict[str, Any], code: str, status: int
) -> None:
    emulator.inject(Fault("deny", service))
    found, message, http_status = failure(getattr(client(emulator, service), method), **params)
    assert (found, http_status) == (code, status)
    assert "is not authorized to perform: " in message
    assert "because no identity-based policy allows the " in message


def test_a_denial_names_the_policy_that_denies(emulator: Emulator) -> None:
    emulator.inject(Fault("deny", "s3", "ListBuckets", policy="scp", explicit=True))
    assert failure(client(emulator, "s3").list_buckets)[1] == (
        f"User: arn:aws:iam::{MANAGEMENT}:user/scanner is not authorized to perform: s3:ListAllMyBuckets "
        "with an explicit deny in a service control policy"
    )


def test_a_fault_hits_only_its_operation_account_and_region(emulator: Emulator) -> None:
    emulator.inject(
        Fault("deny", "sqs", "ListQueues", region="us-east-1"),
        Fault("deny", "sqs", "ListQueues", account="999999999999"),
    )
    assert failure(client(emulator, "sqs", "us-east-1").list_queues)[0] == "AccessDeniedException"
    client(emulator, "sqs", "eu-west-1").list_queues()
    client(emulator, "sns", "us-east-1").list_topics()


def test_throttling_ends_after_its_times(emulator: Emulator) -> None:
    emulator.inject(Fault("throttle", "ec2", times=2))
    vpcs = client(emulator, "ec2").describe_vpcs
    assert [failure(vpcs)[0] for _ in range(2)] == ["RequestLimitExceeded"] * 2
    vpcs()


def test_a_rate_limit_throttles_what_exceeds_it(emulator: Emulator) -> None:
    emulator.inject(Fault("rate", "kms", "ListKeys", rate=5))
    keys = client(emulator, "kms").list_keys
    outcomes: list[str] = []
    for _ in range(12):
        try:
            keys()
            outcomes.append("ok")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes[:5] == ["ok"] * 5
    assert "ThrottlingException" in outcomes[5:]
    time.sleep(0.5)
    keys()


@pytest.mark.parametrize(
    ("service", "method", "kind", "code"),
    [
        ("ec2", "describe_vpcs", "region_disabled", "AuthFailure"),
        ("kms", "list_keys", "region_disabled", "UnrecognizedClientException"),
        ("sns", "list_topics", "region_disabled", "InvalidClientTokenId"),
        ("kms", "list_keys", "opt_in", "OptInRequired"),
        ("s3", "list_buckets", "error", "InternalError"),
        ("kms", "list_keys", "error", "InternalFailure"),
    ],
)
def test_disabled_regions_and_server_errors(
    emulator: Emulator, service: str, method: str, kind: Any, code: str
) -> None:
    emulator.inject(Fault(kind, service))
    assert failure(getattr(client(emulator, service), method))[0] == code


def test_a_cut_connection_ends_mid_body(emulator: Emulator) -> None:
    emulator.inject(Fault("cut", "iam", "ListPolicies"))
    with pytest.raises((IncompleteReadError, ConnectionClosedError, ResponseParserError)) as caught:
        client(emulator, "iam").list_policies()
    assert caught.value is not None
    emulator.clear_faults()
    client(emulator, "iam").list_policies()


def test_a_malformed_body_does_not_parse(emulator: Emulator) -> None:
    emulator.inject(Fault("malformed", "iam", "ListUsers"))
    with pytest.raises(ResponseParserError):
        client(emulator, "iam").list_users()


def test_latency_holds_up_no_other_request(emulator: Emulator) -> None:
    emulator.inject(Fault("latency", "kms", "ListKeys", latency_ms=300))
    clients = [client(emulator, "kms") for _ in range(5)]
    clients[0].list_keys()
    start = time.perf_counter()
    threads = [threading.Thread(target=c.list_keys) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.3 <= time.perf_counter() - start < 1.2


def test_200_concurrent_keep_alive_connections_are_served(emulator: Emulator) -> None:
    host = urlsplit(emulator.url).netloc
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE000000000/20260101/eu-west-1/accessanalyzer/aws4_request, "
        "SignedHeaders=host, Signature=0"
    ).replace("accessanalyzer", "access-analyzer")
    connections = [http.client.HTTPConnection(host, timeout=30) for _ in range(200)]
    try:
        sockets: set[int] = set()
        for _ in range(2):
            for connection in connections:
                connection.request("GET", "/analyzer", headers={"Authorization": authorization})
            for connection in connections:
                answer = connection.getresponse()
                assert (answer.status, answer.read()) == (200, b'{"analyzers": []}')
                assert connection.sock is not None, "the server closed a connection that asked to live"
                sockets.add(id(connection.sock))
        assert len(sockets) == 200
    finally:
        for connection in connections:
            connection.close()


def test_uploads_wait_for_continue_and_odd_keys_survive(emulator: Emulator) -> None:
    s3 = client(emulator, "s3", "us-east-1")
    s3.create_bucket(Bucket="keys")
    for key in ("a/b c+d", "snow ☃.txt", "dir/"):
        s3.put_object(Bucket="keys", Key=key, Body=b"x" * 70000, Metadata={"a_b": "1"})
    listed = s3.list_objects_v2(Bucket="keys")["Contents"]
    assert sorted(o["Key"] for o in listed) == ["a/b c+d", "dir/", "snow ☃.txt"]
    found = s3.get_object(Bucket="keys", Key="a/b c+d")
    assert (len(found["Body"].read()), found["Metadata"]) == (70000, {"a_b": "1"})
    assert s3.head_object(Bucket="keys", Key="dir/")["ContentLength"] == 70000


def test_the_child_process_serves_and_stops() -> None:
    child = EmulatorProcess().start()
    try:
        sts = get_session().create_client(
            "sts", "us-east-1", endpoint_url=child.url, aws_access_key_id="a", aws_secret_access_key="b"
        )
        assert sts.get_caller_identity()["Account"] == MANAGEMENT
    finally:
        child.stop()
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection(urlsplit(child.url).netloc, timeout=2).request("GET", "/")
