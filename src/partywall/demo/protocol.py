"""Answers and errors in the form of each AWS protocol, written from botocore's models."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import Any, cast
from xml.sax.saxutils import escape

from partywall.demo.http import Reply, Request
from partywall.demo.identify import moto_request, route_rest, service_model

REQUEST_ID = "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE"


@dataclass(slots=True)
class AwsError(Exception):
    """An error as AWS answers it; `fields` are further members of the error's shape."""

    code: str
    message: str
    status: int = 400
    fields: dict[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def protocol_of(service: str, request: Request) -> str:
    """The protocol that a request to a service speaks: json, rest-json, rest-xml, query or ec2."""
    model = service_model(service)
    protocols = cast(list[str], model.metadata.get("protocols", [model.protocol]))
    if "x-amz-target" in request.headers and "json" in protocols:
        return "json"
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return "ec2" if "ec2" in protocols else "query" if "query" in protocols else protocols[0]
    return next((p for p in protocols if p != "smithy-rpc-v2-cbor"), protocols[0])


def parse_params(service: str, operation: str, request: Request) -> dict[str, Any]:
    """The request's parameters under the names of the operation's input shape."""
    from moto.core.parse import PROTOCOL_PARSERS

    protocol = protocol_of(service, request)
    url_params = route_rest(service, request)[1] if protocol.startswith("rest") else {}
    wire = moto_request(request)
    parser: Any = PROTOCOL_PARSERS[protocol](service_model(service).operation_model(operation))
    parsed: Any = parser.parse(
        {
            "method": wire.method,
            "values": wire.values,
            "headers": wire.headers,
            "body": request.body,
            "url_path": request.path,
            "url_params": url_params,
        }
    )
    return dict(parsed or {})


@functools.lru_cache(maxsize=2048)
def _serializer_class(service: str, protocol: str) -> Any:
    from moto.core.serialize import get_serializer_class

    return get_serializer_class(service, protocol)


def write_answer(service: str, operation: str, protocol: str, answer: dict[str, Any]) -> Reply:
    """The reply that carries an answer shaped like the operation's output."""
    model = service_model(service).operation_model(operation)
    written = _serializer_class(service, protocol)(operation_model=model).serialize(answer)
    body = written["body"]
    headers = {**written["headers"], "x-amzn-RequestId": REQUEST_ID}
    return Reply(
        int(written["status_code"]),
        [(name, str(value)) for name, value in headers.items()],
        body.encode() if isinstance(body, str) else bytes(body),
    )


def read_answer(service: str, operation: str, protocol: str, reply: Reply) -> dict[str, Any] | None:
    """The answer that a reply carries, as botocore parses it; None where it carries an error."""
    from botocore.parsers import create_parser

    if reply.status >= 300:
        return None
    parser: Any = create_parser(protocol)
    shape = service_model(service).operation_model(operation).output_shape
    wire = {"body": reply.body, "headers": dict(reply.headers), "status_code": reply.status}
    answer: dict[str, Any] = parser.parse(wire, shape)
    answer.pop("ResponseMetadata", None)
    return answer


def write_error(service: str, protocol: str, error: AwsError) -> Reply:
    """The reply that carries an error in the protocol's own shape."""
    extra = [("x-amzn-RequestId", REQUEST_ID)]
    code, message = escape(error.code), escape(error.message)
    if protocol in ("json", "rest-json"):
        body = json.dumps({"__type": error.code, "message": error.message, **error.fields}, default=str)
        kind = "application/x-amz-json-1.1" if protocol == "json" else "application/json"
        extra += [("Content-Type", kind), ("x-amzn-ErrorType", error.code)]
        return Reply(error.status, extra, body.encode())
    extra.append(("Content-Type", "text/xml"))
    more = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in error.fields.items())
    detail = f"<Code>{code}</Code><Message>{message}</Message>{more}"
    if protocol == "ec2":
        text = (
            f"<Response><Errors><Error>{detail}</Error></Errors>"
            f"<RequestID>{REQUEST_ID}</RequestID></Response>"
        )
    elif service == "s3":
        text = f"<Error>{detail}<RequestId>{REQUEST_ID}</RequestId></Error>"
    else:
        sender = "Sender" if error.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{sender}</Type>{detail}</Error>"
            f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
    return Reply(error.status, extra, b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode())


def unsupported(service: str, operation: str, protocol: str) -> AwsError:
    """What AWS says to an operation that it does not know."""
    if protocol == "json":
        return AwsError("UnknownOperationException", "")
    if protocol in ("query", "ec2"):
        return AwsError("InvalidAction", f"The action {operation} is not valid for this web service.")
    if service == "s3":
        return AwsError("NotImplemented", "A header you provided implies functionality not implemented.", 501)
    return AwsError("UnknownOperationException", "The requested operation is not recognized.", 404)
