"""One service's wire format: parameters into requests, HTTP answers into dicts or CallFailed.

botocore's own event handlers run wherever it has any for an operation (bucket names in URLs, IAM policy
documents decoded, S3 errors inside a 200, bucket location, list keys decoded, Route 53 ids, Glacier's account
id, API Gateway's Accept header, parameter aliases), so that answers equal boto3's.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from botocore.model import OperationModel, Shape, StructureShape

from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.models import operation_model, plain_session, protocol_of, service_model
from partywall.aws.parsers import (
    JsonCompiler,
    Malformed,
    XmlCompiler,
    load_json,
    load_xml,
    local_name,
    members_of,
    timestamp,
)

# Handlers that botocore has for every operation, which do nothing for reads: idempotency tokens, checksum
# modes, Lambda's recursion header, endpoint discovery. Operations that need them say so in their model.
_UNIVERSAL = frozenset(
    {
        "generate_idempotent_uuid",
        "_handle_request_validation_mode_member",
        "add_recursion_detection_header",
        "inject_api_version_header_if_needed",
    }
)


@cache
def emitter() -> Any:
    """The event emitter of a plain session: botocore's built-in handlers and no others."""
    return cast(Any, plain_session().get_component("event_emitter"))


def _handlers(event: str) -> list[Any]:
    found = emitter()._emitter._handlers.prefix_search(event)
    return [handler for handler in found if getattr(handler, "__name__", "") not in _UNIVERSAL]


@dataclass
class Operation:
    """What is known of one operation before any call of it."""

    name: str
    model: OperationModel
    builds: bool
    before_call: bool
    before_parse: bool
    after_call: bool
    needs_boto: str
    signature: str
    # Ruleset parameters that the call's own members fill, as (parameter, member).
    context_members: tuple[tuple[str, str], ...]
    context_paths: bool
    # Operations with equal traits and context values have equal endpoints.
    endpoint_traits: str
    result_wrapper: str = ""
    convert: Any = None
    payload: str = ""
    payload_is_text: bool = False
    located: list[tuple[str, Shape]] = field(default_factory=list[tuple[str, Shape]])
    has_body: bool = False


class Codec:
    """Serialises requests and parses answers of one service."""

    def __init__(self, service: str) -> None:
        from botocore.parsers import create_parser  # pyright: ignore[reportUnknownVariableType]
        from botocore.serialize import create_serializer  # pyright: ignore[reportUnknownVariableType]

        self.service = service
        self.model = service_model(service)
        self.protocol = protocol_of(service)
        self.event_name = str(cast(Any, self.model.service_id).hyphenize())
        self.serializer: Any = create_serializer(self.protocol, True)
        self.parser: Any = create_parser(self.protocol)
        self.parser._timestamp_parser = timestamp
        self._compiler: JsonCompiler | XmlCompiler
        if self.protocol in ("query", "ec2", "rest-xml"):
            self._compiler = XmlCompiler()
        else:
            typed = self.protocol == "smithy-rpc-v2-cbor"
            self._compiler = JsonCompiler(rest=self.protocol == "rest-json", typed=typed)
        self._operations: dict[str, Operation] = {}

    def operation(self, name: str) -> Operation:
        """The operation, prepared on its first use. Raises ValueError for an unknown one."""
        found = self._operations.get(name)
        if found is None:
            found = self._operations[name] = self._prepare(name)
        return found

    def _prepare(self, name: str) -> Operation:
        model = operation_model(self.service, name)
        event = f"{self.event_name}.{name}"
        extra: Any = model
        made = Operation(
            name=name,
            model=model,
            builds=bool(_handlers(f"before-parameter-build.{event}") or extra.idempotent_members),
            before_call=bool(_handlers(f"before-call.{event}") or extra.is_endpoint_discovery_operation),
            before_parse=bool(_handlers(f"before-parse.{event}")),
            after_call=bool(_handlers(f"after-call.{event}")),
            needs_boto=_beyond_us(model),
            signature=str(extra.resolved_auth_type or ""),
            context_members=tuple(
                (str(param.name), str(param.member_name)) for param in extra.context_parameters
            ),
            context_paths=bool(extra.operation_context_parameters),
            endpoint_traits=_endpoint_traits(self.service, name, extra),
        )
        shape = cast("StructureShape | None", model.output_shape)
        # What botocore sends for us is still parsed by us when it is replayed, streams aside.
        if shape is None or extra.has_streaming_output or extra.has_event_stream_output:
            return made
        traits = cast("dict[str, Any]", shape.serialization)
        made.result_wrapper = str(traits.get("resultWrapper", ""))
        members = members_of(shape)
        rest = self.protocol.startswith("rest-")
        if rest:
            made.located = [(key, member) for key, member in members.items() if _location(member)]
        if rest and "payload" in traits:
            made.payload = str(traits["payload"])
            inner = members[made.payload]
            made.payload_is_text = inner.type_name in ("string", "blob")
            if not made.payload_is_text:
                made.convert = self._compiler.compile(inner)
                made.has_body = True
        else:
            made.convert = self._compiler.compile(shape)
            made.has_body = len(members) > len(made.located)
        return made

    def parse(self, operation: str, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """An HTTP answer as botocore would parse it, without ResponseMetadata.

        Raises CallFailed for errors, with code MalformedAnswer for a body that cannot be what it should.
        """
        op = self.operation(operation)
        custom: dict[str, Any] = {}
        received = status
        if op.before_parse:
            raw: dict[str, Any] = {
                "status_code": status,
                "headers": headers,
                "body": body,
                "context": {"operation_name": operation},
            }
            emitter().emit(
                f"before-parse.{self.event_name}.{operation}",
                operation_model=op.model,
                response_dict=raw,
                customized_response_dict=custom,
            )
            status, headers, body = raw["status_code"], raw["headers"], raw["body"]
        if status >= 300:
            failed = self._error(op, status, headers, body)
            if received < 300 and failed.code == str(status):
                # botocore calls an unreadable body under a 200 from S3 a server error.
                raise malformed("not XML", received)
            raise failed
        try:
            parsed = self._success(op, status, headers, body)
        except Malformed as error:
            raise malformed(str(error), status) from None
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise malformed(f"{type(error).__name__}: {error}", status) from None
        parsed.update(custom)
        if op.after_call:
            emitter().emit(
                f"after-call.{self.event_name}.{operation}",
                http_response=SimpleNamespace(content=body, raw=body, status_code=status, headers=headers),
                parsed=parsed,
                model=op.model,
                # Keys are asked for in URL encoding behind the caller's back, so they are decoded likewise.
                context={"encoding_type_auto_set": True},
            )
        parsed.pop("ResponseMetadata", None)
        return parsed

    def _success(self, op: Operation, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        if op.model.output_shape is None:
            return {}
        made: dict[str, Any] = {}
        for name, shape in op.located:
            self._from_headers(made, name, shape, status, headers)
        if op.payload_is_text:
            made[op.payload] = body.decode("utf-8")
            return made
        if not body:
            if op.has_body and status not in (202, 204) and not op.payload:
                raise Malformed("empty body")
            if op.payload and self.protocol == "rest-xml":
                made[op.payload] = {}
            return made
        value = self._load(op, body)
        converted = value if op.convert is None else op.convert(value)
        if op.payload:
            made[op.payload] = converted
        elif isinstance(converted, dict):
            made.update(cast("dict[str, Any]", converted))
        else:
            raise Malformed("the answer is not an object")
        return made

    def _load(self, op: Operation, body: bytes) -> Any:
        if self.protocol in ("json", "rest-json"):
            return load_json(body)
        if self.protocol == "smithy-rpc-v2-cbor":
            return self._load_cbor(body)
        root = load_xml(body)
        name = local_name(root.tag)
        if self.protocol == "rest-xml":
            # A proxy's page parses as XML too, and would read as an answer with nothing in it.
            if name.lower() == "html":
                raise Malformed("an HTML page")
            return root
        if not name.endswith("Response") or name == "ErrorResponse":
            raise Malformed(f"{name} where {op.name}Response was due")
        if not op.result_wrapper:
            return root
        for child in root:
            if local_name(child.tag) == op.result_wrapper:
                return child
        raise Malformed(f"no {op.result_wrapper} in the answer")

    def _load_cbor(self, body: bytes) -> Any:
        from botocore.parsers import ResponseParserError

        try:
            return self.parser._initial_body_parse(body)
        except (ResponseParserError, ValueError) as error:
            raise Malformed(str(error)) from None

    def _from_headers(
        self, made: dict[str, Any], name: str, shape: Shape, status: int, headers: Mapping[str, str]
    ) -> None:
        traits = cast("dict[str, Any]", shape.serialization)
        location = traits["location"]
        if location == "statusCode":
            made[name] = status
        elif location == "headers":
            prefix = str(traits.get("name", "")).lower()
            made[name] = {
                key[len(prefix) :]: value for key, value in headers.items() if key.lower().startswith(prefix)
            }
        elif (header := traits.get("name", name)) in headers:
            made[name] = self.parser._parse_shape(shape, headers[header])

    def _error(self, op: Operation, status: int, headers: Mapping[str, str], body: bytes) -> CallFailed:
        code, message, region = "", "", ""
        answer = {"status_code": status, "headers": headers, "body": body, "context": {}}
        try:
            parsed = cast("dict[str, Any]", self.parser.parse(answer, op.model.output_shape))
            found = cast("dict[str, Any]", parsed.get("Error") or {})
            code = str(found.get("Code") or "")
            message = str(found.get("Message") or "")
            region = str(found.get("Region") or "")
        except Exception as error:
            # Gateways and proxies answer in formats of their own; the status still tells what happened.
            message = f"unreadable error answer ({type(error).__name__})"
        code = code or str(status)
        if not message and code == str(status):
            message = http.client.responses.get(status, "")
        return CallFailed(
            code, message, status, bucket_region=headers.get("x-amz-bucket-region", "") or region
        )


def malformed(message: str, status: int) -> CallFailed:
    """The failure of an answer that cannot be parsed; another attempt may bring a whole one."""
    return CallFailed("MalformedAnswer", message[:300], status, outcome=Outcome.ERROR, retryable=True)


def _endpoint_traits(service: str, operation: str, model: Any) -> str:
    # botocore's handler for S3 looks at the operation's name for this one alone.
    special = operation if (service, operation) == ("s3", "GetBucketLocation") else ""
    static = sorted((str(param.name), str(param.value)) for param in model.static_context_parameters)
    return f"{special} {model.resolved_auth_type} {static}"


def _location(shape: Shape) -> str:
    location = str(cast("dict[str, Any]", shape.serialization).get("location", ""))
    return location if location in ("header", "headers", "statusCode") else ""


def _beyond_us(model: OperationModel) -> str:
    """Why an operation goes through plain botocore; "" where the lean transport serves it."""
    extra: Any = model
    if extra.has_streaming_output or extra.has_streaming_input:
        return "streaming body"
    if extra.has_event_stream_output or extra.has_event_stream_input:
        return "event stream"
    if extra.http_checksum or extra.http_checksum_required:
        return "checksums"
    if (extra.endpoint_discovery or {}).get("required"):
        return "endpoint discovery"
    if extra.resolved_auth_type not in (None, "v4", "s3v4", "none", "v4-unsigned-body"):
        return f"signature {extra.resolved_auth_type}"
    return ""


@cache
def codec(service: str) -> Codec:
    """The codec of a service, made on its first use. Raises ValueError for an unknown service."""
    return Codec(service)


def parse_raw(
    service: str, operation: str, status: int, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """Parse a recorded HTTP answer through the parser of live ones. Raises CallFailed likewise."""
    from multidict import CIMultiDict

    return codec(service).parse(operation, status, CIMultiDict(headers), body)
