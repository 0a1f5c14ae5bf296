"""Which service and operation an HTTP request is for, told from its signature and botocore's models."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote_plus

from partywall.demo.http import Request

# Signing names that several services share or that differ from botocore's name of the service.
_SIGNING_NAMES = {
    "access-analyzer": "accessanalyzer",
    "airflow": "mwaa",
    "aoss": "opensearchserverless",
    "aps": "amp",
    "bedrock-agentcore": "bedrock-agentcore-control",
    "cassandra": "keyspaces",
    "cloudcontrolapi": "cloudcontrol",
    "cloudhsm": "cloudhsmv2",
    "elasticfilesystem": "efs",
    "elasticmapreduce": "emr",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
    "states": "stepfunctions",
    "sso": "sso-admin",
    "tagging": "resourcegroupstaggingapi",
    "timestream": "timestream-write",
}
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_ACTION = re.compile(rb"(?:^|&)Action=([^&]+)")
_VERSION = re.compile(rb"(?:^|&)Version=([^&]+)")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request asks for; `operation` is empty where the models do not know it."""

    service: str
    operation: str
    region: str
    access_key: str


def signed_scope(request: Request) -> tuple[str, str, str] | None:
    """The access key, region and signing name of a SigV4 request, in its header or its query."""
    match = _SCOPE.search(request.headers.get("authorization", ""))
    if match is None and "X-Amz-Credential" in request.query:
        match = _SCOPE.search(unquote_plus(request.query).replace("X-Amz-Credential=", "Credential="))
    return (match[1], match[2], match[3].lower()) if match else None


def _service_of(signing_name: str, request: Request) -> str:
    path = request.path
    if signing_name == "s3-outposts":
        return "s3control" if path.startswith("/v20180820/") else "s3outposts"
    if signing_name in ("s3", "s3express"):
        return "s3control" if path.startswith("/v20180820/") else "s3"
    if signing_name == "elasticloadbalancing":
        version = _VERSION.search(request.body) or _VERSION.search(request.query.encode())
        return "elb" if version is not None and version[1] == b"2012-06-01" else "elbv2"
    if signing_name == "apigateway":
        return "apigatewayv2" if path.startswith("/v2/") else "apigateway"
    if signing_name == "es":
        return "opensearch" if path.startswith("/2021-01-01/") else "es"
    if signing_name == "ses":
        return "sesv2" if path.startswith("/v2/") else "ses"
    if signing_name == "dynamodb" and "Streams" in request.headers.get("x-amz-target", ""):
        return "dynamodbstreams"
    return _SIGNING_NAMES.get(signing_name, signing_name)


@functools.cache
def known_services() -> frozenset[str]:
    """botocore's names of all services."""
    from partywall.aws.models import loader

    models: Any = loader()
    return frozenset(cast(list[str], models.list_available_services("service-2")))


@functools.cache
def service_model(service: str) -> Any:
    """moto's view of botocore's model of a service, which its serialisers need."""
    from moto.core.utils import get_service_model

    return get_service_model(service)


def moto_request(request: Request) -> Any:
    """The request as moto's router and parsers take it."""
    from moto.core.request import Request as MotoRequest

    return MotoRequest.from_primitives(
        request.method, f"http://localhost{request.target}", dict(request.raw_headers), request.body
    )


def route_rest(service: str, request: Request) -> tuple[str, dict[str, Any]]:
    """Operation and path parameters of a REST request; an empty operation where nothing matches."""
    from moto.core.routing import get_service_router
    from werkzeug.exceptions import NotFound

    # Routing by path does not read the body, and a body's content type must not change the protocol.
    bare = Request(request.method, request.target, {}, b"", [h for h in request.raw_headers if _kept(h[0])])
    try:
        operation, params = get_service_router(service).match(moto_request(bare))
    except (NotFound, NotImplementedError):
        return "", {}
    return str(operation.name), params


def _kept(header: str) -> bool:
    return header.lower() not in ("content-type", "content-length", "transfer-encoding")


def identify(request: Request) -> Target | None:
    """What a signed request asks for; None where it is unsigned or of a service without a model."""
    scope = signed_scope(request)
    if scope is None:
        return None
    access_key, region, signing_name = scope
    service = _service_of(signing_name, request)
    if service not in known_services():
        return None
    target = request.headers.get("x-amz-target")
    if target is not None:
        return Target(service, target.rpartition(".")[2], region, access_key)
    model = service_model(service)
    protocols = model.metadata.get("protocols", [model.protocol])
    if "query" in protocols or "ec2" in protocols:
        action = _ACTION.search(request.body) or _ACTION.search(request.query.encode())
        return Target(service, action[1].decode() if action else "", region, access_key)
    # Directory buckets are listed with the same request line as buckets, at another host.
    listing = signing_name == "s3express" and request.path == "/"
    operation = "ListDirectoryBuckets" if listing else route_rest(service, request)[0]
    return Target(service, operation, region, access_key)
