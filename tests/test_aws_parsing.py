"""Answers parse as boto3 parses them: generated answers of every read operation, and recorded real ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.utils import parse_timestamp

from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.codec import codec, parse_raw
from partywall.aws.models import operation_model, protocol_of, service_model
from partywall.aws.parsers import Malformed, timestamp
from tests.aws_oracle import READS, SERVICES, Maker, aware, oracle, wire

RECORDED = Path(__file__).parents[2] / "shared/data/aws_responses"


def equal(service: str, operation: str, value: Any) -> bool:
    """Whether both parse the same answer alike; False where the oracle speaks another protocol."""
    op = codec(service).operation(operation)
    if op.needs_boto or protocol_of(service) != service_model(service).resolved_protocol:
        return False
    answer = wire(service, operation, value)
    peer = oracle(service)
    peer.answer = answer
    shape = op.model.input_shape
    params = Maker(service + operation, full=False).make(shape) if shape is not None else {}
    theirs = aware(peer.call(operation, params))
    assert parse_raw(service, operation, *answer) == theirs, operation
    return True


# Answers that moto's serialiser cannot write.
UNWRITABLE = {"GetProductPage"}


@pytest.mark.parametrize("service", SERVICES)
def test_generated_answers_of_all_read_operations(service: str) -> None:
    count = wanted = 0
    for name in service_model(service).operation_names:
        shape = operation_model(service, name).output_shape
        if not name.startswith(READS) or shape is None or name in UNWRITABLE:
            continue
        # An access point's ARN or a multi-region access point is plain botocore's.
        if codec(service).operation(name).needs_boto:
            continue
        wanted += protocol_of(service) == service_model(service).resolved_protocol
        count += equal(service, name, Maker(name).make(shape))
    assert count == wanted


def recorded_services() -> list[str]:
    return [name for name in SERVICES if (RECORDED / f"{file_of(name)}.jsonl").is_file()]


def file_of(service: str) -> str:
    return str(service_model(service).endpoint_prefix)


def revived(value: Any) -> Any:
    """The recording's own spelling of a time as a time."""
    if isinstance(value, list):
        return [revived(item) for item in value]
    if isinstance(value, dict):
        if value.get("__class__") == "datetime":
            parts = ("year", "month", "day", "hour", "minute", "second")
            return datetime(*(int(value.get(part, 0)) for part in parts), tzinfo=UTC)
        return {key: revived(inner) for key, inner in value.items()}
    return value


@pytest.mark.skipif(not RECORDED.is_dir(), reason="needs ../shared/data/aws_responses")
def test_recorded_answers_of_real_accounts() -> None:
    counts: dict[str, int] = {}
    for service in recorded_services():
        names = set(service_model(service).operation_names)
        for line in (RECORDED / f"{file_of(service)}.jsonl").read_text().splitlines():
            row = json.loads(line)
            operation = row["operation"]
            if row["status"] != 200 or operation not in names or not operation.startswith(READS):
                continue
            key = f"{service}:{operation}"
            if counts.get(key, 0) >= 2 or (value := storable(service, revived(row["data"]))) is None:
                continue
            counts[key] = counts.get(key, 0) + equal(service, operation, value)
    assert sum(counts.values()) > 300


def storable(service: str, value: Any) -> Any:
    """What can be written back: IAM's policy documents were decoded after parsing."""
    if service in ("iam", "cloudformation"):
        return stringified(value)
    return value


def stringified(value: Any) -> Any:
    if isinstance(value, list):
        return [stringified(item) for item in value]
    if isinstance(value, dict):
        documents = ("Document", "PolicyDocument", "AssumeRolePolicyDocument", "TemplateBody")
        return {
            key: json.dumps(inner) if key in documents and isinstance(inner, dict) else stringified(inner)
            for key, inner in value.items()
        }
    return value


EC2 = b"<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>"
IAM = b"<ListRolesResponse><ListRolesResult><Roles/></ListRolesResult></ListRolesResponse>"


@pytest.mark.parametrize(
    ("service", "operation", "body"),
    [
        ("ec2", "DescribeVpcs", b""),
        ("ec2", "DescribeVpcs", EC2[:40]),
        ("ec2", "DescribeVpcs", b"<html><body>Sign in</body></html>"),
        ("ec2", "DescribeVpcs", b'{"Vpcs": []}'),
        ("iam", "ListRoles", b"<ListRolesResponse></ListRolesResponse>"),
        ("iam", "ListRoles", IAM[:-8]),
        ("iam", "ListRoles", b"<!DOCTYPE x [<!ENTITY e 'b'>]><ListRolesResponse>&e;</ListRolesResponse>"),
        ("s3", "ListBuckets", b"<html></html>"),
        ("s3", "ListBuckets", b"<ListAllMyBucketsResult><Buckets>"),
        ("s3", "GetBucketVersioning", b""),
        ("kms", "ListKeys", b""),
        ("kms", "ListKeys", b'{"Keys": [{"Key'),
        ("kms", "ListKeys", b"<html>gateway</html>"),
        ("kms", "ListKeys", b"[]"),
        ("kms", "ListKeys", b'"text"'),
        ("kms", "ListKeys", b"null"),
        ("kms", "ListKeys", b'{"Keys": {"KeyId": "x"}}'),
        ("kms", "ListKeys", b'{"Keys": ["x"]}'),
        ("lambda", "ListFunctions", b"upstream error"),
        ("lambda", "ListFunctions", b'{"Functions": [{"Timeout": "soon"}]}'),
        ("eks", "DescribeCluster", b'{"cluster": {"createdAt": "yesterday"}}'),
        ("ecr", "GetRepositoryPolicy", b"\xff\xfe"),
    ],
)
def test_a_malformed_answer_is_never_an_empty_one(service: str, operation: str, body: bytes) -> None:
    with pytest.raises(CallFailed) as caught:
        parse_raw(service, operation, 200, {}, body)
    assert caught.value.code == "MalformedAnswer"
    assert caught.value.outcome is Outcome.ERROR


def test_entities_and_files_are_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    body = (
        f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{secret}">]><ListRolesResponse><ListRolesResult>'
        "<Roles><member><RoleName>&x;</RoleName></member></Roles></ListRolesResult></ListRolesResponse>"
    )
    with pytest.raises(CallFailed, match="MalformedAnswer"):
        parse_raw("iam", "ListRoles", 200, {}, body.encode())


@pytest.mark.parametrize(
    ("service", "operation", "status", "headers", "body", "code", "message"),
    [
        (
            "ec2",
            "DescribeVpcs",
            403,
            {},
            b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>"
            b"<RequestID>1</RequestID></Response>",
            "UnauthorizedOperation",
            "no",
        ),
        (
            "iam",
            "ListRoles",
            403,
            {},
            b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>"
            b"</ErrorResponse>",
            "AccessDenied",
            "no",
        ),
        (
            "s3",
            "GetBucketPolicy",
            404,
            {},
            b"<Error><Code>NoSuchBucketPolicy</Code><Message>none</Message></Error>",
            "NoSuchBucketPolicy",
            "none",
        ),
        (
            "s3",
            "ListBuckets",
            200,
            {},
            b"<Error><Code>SlowDown</Code><Message>later</Message></Error>",
            "SlowDown",
            "later",
        ),
        ("s3", "HeadBucket", 404, {}, b"", "404", "Not Found"),
        (
            "kms",
            "ListKeys",
            400,
            {},
            b'{"__type": "com.amazonaws#AccessDeniedException", "message": "no"}',
            "AccessDeniedException",
            "no",
        ),
        (
            "lambda",
            "GetPolicy",
            404,
            {"x-amzn-errortype": "ResourceNotFoundException:http://x/"},
            b'{"Message": "none"}',
            "ResourceNotFoundException",
            "none",
        ),
        ("lambda", "ListFunctions", 503, {}, b"<html>Unavailable</html>", "503", "Service Unavailable"),
        ("iam", "ListRoles", 502, {}, b"Bad gateway", "502", "unreadable error answer (ResponseParserError)"),
        ("iam", "ListRoles", 503, {}, b"", "503", "Service Unavailable"),
        ("kms", "ListKeys", 500, {}, b"[]", "500", "unreadable error answer (AttributeError)"),
        (
            "sqs",
            "GetQueueUrl",
            400,
            {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"},
            b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "none"}',
            "AWS.SimpleQueueService.NonExistentQueue",
            "none",
        ),
    ],
)
def test_errors_of_every_protocol(
    service: str, operation: str, status: int, headers: dict[str, str], body: bytes, code: str, message: str
) -> None:
    with pytest.raises(CallFailed) as caught:
        parse_raw(service, operation, status, headers, body)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_handlers_of_botocore_run() -> None:
    document = "%7B%22Version%22%3A%222012-10-17%22%7D"
    body = (
        "<GetRoleResponse><GetRoleResult><Role><AssumeRolePolicyDocument>"
        f"{document}</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>"
    )
    role = parse_raw("iam", "GetRole", 200, {}, body.encode())["Role"]
    assert role["AssumeRolePolicyDocument"] == {"Version": "2012-10-17"}
    location = (
        b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>'
    )
    assert parse_raw("s3", "GetBucketLocation", 200, {}, location) == {"LocationConstraint": "eu-west-1"}
    empty = b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'
    assert parse_raw("s3", "GetBucketLocation", 200, {}, empty) == {"LocationConstraint": None}
    keys = b"<EncodingType>url</EncodingType><Contents><Key>a%2Bb</Key></Contents>"
    listing = b"<ListBucketResult>" + keys + b"</ListBucketResult>"
    assert parse_raw("s3", "ListObjectsV2", 200, {}, listing)["Contents"] == [{"Key": "a+b"}]


def test_headers_are_found_in_any_case() -> None:
    answer = parse_raw("s3", "HeadBucket", 200, {"X-Amz-Bucket-Region": "eu-west-1"}, b"")
    assert answer["BucketRegion"] == "eu-west-1"


@pytest.mark.parametrize(
    "value",
    [
        0,
        1_700_000_000,
        1_700_000_000.123,
        "1700000000.5",
        "2024-02-29T12:13:14Z",
        "2024-02-29T12:13:14.5Z",
        "2024-02-29T12:13:14.123456Z",
        "2024-02-29T12:13:14+05:30",
        "Thu, 29 Feb 2024 12:13:14 GMT",
        "20240229T121314Z",
        64_092_211_200,
    ],
)
def test_times_equal_those_of_botocore_and_are_in_utc(value: Any) -> None:
    ours = timestamp(value)
    assert ours == parse_timestamp(value)
    assert ours.utcoffset() == timedelta(0)


def test_a_time_without_zone_is_in_utc() -> None:
    assert timestamp("2024-02-29T12:13:14") == datetime(2024, 2, 29, 12, 13, 14, tzinfo=UTC)


@pytest.mark.parametrize("value", ["", "soon", None, [], "2024-13-01T00:00:00Z"])
def test_what_is_no_time_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        timestamp(value)
