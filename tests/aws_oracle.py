"""Generated values of botocore's shapes, and boto3's own client as the oracle for requests and answers."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.auth
import botocore.handlers
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.session import Session
from moto.core.model import ServiceModel
from moto.core.serialize import SERIALIZERS
from multidict import CIMultiDict

from partywall.aws.models import loader, plain_session, protocol_of

KEY, SECRET, TOKEN, ACCOUNT = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "a/session+token==", "123456789012"
REGION = "eu-central-1"
READS = ("List", "Describe", "Get", "Search", "Lookup", "BatchGet")
SERVICES = """
    account organizations iam accessanalyzer s3 s3control ec2 directconnect elb elbv2 cloudfront apigateway
    apigatewayv2 wafv2 waf shield acm kms cloudhsmv2 secretsmanager ssm inspector2 guardduty securityhub
    macie2 detective config cloudtrail cloudwatch logs events sns sqs lambda ecr ecs eks rds dynamodb efs
    elasticache opensearch redshift backup autoscaling route53 codebuild artifact wellarchitected
    resourcegroupstaggingapi sts cloudformation network-firewall lightsail fms resource-explorer-2 memorydb
    glacier stepfunctions
""".split()  # noqa: SIM905


class Maker:
    """Deterministic values of a shape; depth bounds recursion, and lists and maps hold 0 to 2 items."""

    def __init__(self, seed: str, *, full: bool = True) -> None:
        self._random = random.Random(seed)
        self._full = full

    def make(self, shape: Shape, depth: int = 0, name: str = "") -> Any:
        if isinstance(shape, StructureShape):
            return self.structure(shape, depth)
        if isinstance(shape, ListShape):
            count = self._random.choice((0, 1, 2)) if depth < 7 else 0
            count = max(count, shape.metadata.get("min", 0) if depth < 9 else 0)
            return [self.make(shape.member, depth + 1, name) for _ in range(count)]
        if isinstance(shape, MapShape):
            count = self._random.choice((0, 1, 2)) if depth < 7 else 0
            return {
                f"{self.make(shape.key, depth + 1)}{i}": self.make(shape.value, depth + 1)
                for i in range(max(count, shape.metadata.get("min", 0)))
            }
        return self.scalar(shape, name)

    def structure(self, shape: StructureShape, depth: int) -> Any:
        if shape.is_document_type:
            return {"free": ["form", 1]}
        names = list(shape.members)
        if shape.is_tagged_union:
            name = self._random.choice(names)
            return {name: self.make(shape.members[name], depth + 1, name)}
        chosen = {}
        for name in names:
            wanted = self._random.random() < (0.7 if depth < 5 else 0.1)
            if name in shape.required_members or (self._full and wanted):
                chosen[name] = self.make(shape.members[name], depth + 1, name)
        return chosen

    def scalar(self, shape: Shape, name: str) -> Any:
        kind = shape.type_name
        low = int(shape.metadata.get("min", 0) or 0)
        if kind in ("integer", "long"):
            return max(low, 0) + self._random.randrange(3)
        if kind in ("float", "double"):
            return max(low, 0) + self._random.randrange(8) / 4
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind == "timestamp":
            return datetime.fromtimestamp(1_700_000_000 + self._random.randrange(10**7), UTC)
        if kind == "blob":
            return self._random.randbytes(5)
        if name == "Bucket":
            return "some-bucket"
        if name in ("AccountId", "accountId"):
            return ACCOUNT
        if shape.enum:
            return self._random.choice(shape.enum)
        if shape.serialization.get("location") in ("uri", "querystring", "header") or shape.serialization.get(
            "hostLabel"
        ):
            return self._random.choice(("plain", "x1-y2")) + "z" * max(0, low - 5)
        text = self._random.choice(("plain", 'ünï <&> "q" \'é', "a/b c+d%20=e", "l1\nl2", "~*"))
        return text + "z" * max(0, low - len(text))


def frozen() -> datetime:
    return datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@cache
def session() -> Session:
    return plain_session()


class Oracle:
    """One boto3 client whose requests are kept and never sent, and whose answers are given."""

    def __init__(self, service: str, region: str = REGION, token: str | None = TOKEN) -> None:
        self.client = session().create_client(
            service,
            region_name=region,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            aws_session_token=token,
            aws_account_id=ACCOUNT,
        )
        self.sent: Any = None
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"")
        # The retry headers carry a random id, and we do not send them.
        self.client.meta.events.unregister("request-created", botocore.handlers.add_retry_headers)
        self.client.meta.events.register_first("before-send", self._before_send)

    def _before_send(self, request: Any, **_: Any) -> AWSResponse:
        self.sent = request
        status, headers, body = self.answer
        return AWSResponse(request.url, status, CIMultiDict(headers), _Raw(body))

    def call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        parsed = self.client._make_api_call(operation, params)
        parsed.pop("ResponseMetadata", None)
        return parsed

    def failure(self, operation: str, params: dict[str, Any]) -> tuple[str, str]:
        try:
            self.call(operation, params)
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"].get("Message", "")
        raise AssertionError("no error")


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body

    def read(self, *_: Any, **__: Any) -> bytes:
        body, self._body = self._body, b""
        return body


@cache
def oracle(service: str) -> Oracle:
    return Oracle(service)


@cache
def _motos(service: str) -> ServiceModel:
    return ServiceModel(loader().load_service_model(service, "service-2"), service_name=service)


def wire(service: str, operation: str, value: Any) -> tuple[int, dict[str, str], bytes]:
    """A value as the service would send it: moto's serialiser for the protocol that we speak."""
    serializer = SERIALIZERS[protocol_of(service)](_motos(service).operation_model(operation))
    answer = serializer.serialize(value)
    body = answer["body"]
    return answer["status_code"], dict(answer["headers"]), body.encode() if isinstance(body, str) else body


def aware(value: Any) -> Any:
    """Times in UTC, so that equal instants print alike too."""
    if isinstance(value, dict):
        return {key: aware(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [aware(inner) for inner in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value
