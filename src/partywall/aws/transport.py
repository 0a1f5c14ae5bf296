"""The transport: one API call over HTTP, without retries.

`LeanTransport` drives botocore's serialisers and endpoint rules directly, with its own signer and parsers
over a small HTTP client (`http.py`). `BotoTransport` (in `boto.py`) is plain botocore in threads: the
fallback for operations that the lean one does not serve (streams, checksums, bearer tokens, S3 ARNs) and its
test oracle.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlencode

import orjson
from botocore.awsrequest import prepare_request_dict  # pyright: ignore[reportUnknownVariableType]
from botocore.exceptions import BotoCoreError

from partywall import __version__
from partywall.aws.answers import CallFailed, Outcome
from partywall.aws.boto import BotoTransport
from partywall.aws.codec import Codec, Operation, codec, emitter, parse_raw
from partywall.aws.credentials import Credentials
from partywall.aws.endpoints import Endpoint, EndpointBook
from partywall.aws.http import Answer, HttpClient, Unanswered
from partywall.aws.models import plain_session
from partywall.aws.signer import sign

if TYPE_CHECKING:
    from botocore.session import Session

__all__ = ["BotoTransport", "LeanTransport", "Observer", "Transport", "fingerprint", "parse_raw"]

USER_AGENT = f"partywall/{__version__}"
# Called as (fingerprint, service, region, operation, params, status, headers, body) with each HTTP answer.
Observer = Callable[[str, str, str, str, Mapping[str, Any], int, Mapping[str, str], bytes], None]
_MISDIRECTED = frozenset(
    {
        "301",
        "302",
        "307",
        "400",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "PermanentRedirect",
        "TemporaryRedirect",
    }
)
_NOT_TRIED_AGAIN = frozenset({"InvalidRequest", "TlsFailed"})


class Transport(Protocol):
    """Makes one attempt of one API call."""

    async def call(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The answer as botocore parses it, without ResponseMetadata. Raises CallFailed; never retries."""
        ...

    async def close(self) -> None:
        """Release connections and threads."""
        ...


def canonical(params: Mapping[str, Any]) -> str:
    """Parameters as JSON with sorted keys: equal for equal parameters."""
    return orjson.dumps(dict(params), default=str, option=orjson.OPT_SORT_KEYS).decode()


def fingerprint(account_id: str, service: str, region: str, operation: str, params: Mapping[str, Any]) -> str:
    """A stable name of a request, 32 hexadecimal digits, by which a recorder finds its answer again."""
    text = "\n".join((account_id, service, region, operation, canonical(params)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(slots=True)
class _Request:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    endpoint: Endpoint


class LeanTransport:
    """One event loop, one connection pool and one TLS context for all accounts, regions and services.

    `limit` bounds requests under way, `limit_per_host` those to one host (0: no bound); `connect_timeout`
    and `read_timeout` (until the next bytes) are in seconds. `observer` sees each HTTP answer. `session`
    gives the configuration (profile); its credentials are never used.
    """

    def __init__(
        self,
        session: Session | None = None,
        *,
        observer: Observer | None = None,
        limit: int = 256,
        limit_per_host: int = 0,
        connect_timeout: float = 10,
        read_timeout: float = 60,
        threads: int = 8,
    ) -> None:
        if session is None:
            session = plain_session()
        self._session = session
        self._observer = observer
        self._limit = limit
        self._limit_per_host = limit_per_host
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._threads = threads
        self._book = EndpointBook(session, USER_AGENT)
        self._http: HttpClient | None = None
        self._boto: BotoTransport | None = None
        self._tls: ssl.SSLContext | None = None
        self._bucket_regions: dict[str, str] = {}

    async def call(
        self, service: str, region: str, credentials: Credentials, operation: str, params: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The answer as botocore parses it, without ResponseMetadata. Raises CallFailed; never retries."""
        try:
            spoken = codec(service)
            op = spoken.operation(operation)
        except ValueError as error:
            raise CallFailed("InvalidRequest", str(error), outcome=Outcome.ERROR, retryable=False) from None
        if op.needs_boto or _has_arn_bucket(spoken, params):
            return await self._fallback().call(service, region, credentials, operation, params)
        if service != "s3" or (bucket := params.get("Bucket")) is None:
            return await self._send(spoken, op, region, credentials, params, region)
        try:
            return await self._send(
                spoken, op, self._bucket_regions.get(bucket, region), credentials, params, region
            )
        except CallFailed as failed:
            home = failed.bucket_region
            if (
                failed.code not in _MISDIRECTED
                or not home
                or home == self._bucket_regions.get(bucket, region)
            ):
                raise
            # The bucket lives elsewhere: follow once, as boto3 does, and remember.
            self._bucket_regions[bucket] = home
            return await self._send(spoken, op, home, credentials, params, region)

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None
        if self._boto is not None:
            await self._boto.close()
            self._boto = None

    async def _send(
        self,
        spoken: Codec,
        op: Operation,
        region: str,
        credentials: Credentials,
        params: Mapping[str, Any],
        asked_region: str,
    ) -> dict[str, Any]:
        request = self._build(spoken, op, region, credentials, params)
        status, headers, body = await self._exchange(request)
        if self._observer is not None:
            key = fingerprint(credentials.account_id, spoken.service, asked_region, op.name, params)
            self._observer(key, spoken.service, asked_region, op.name, params, status, headers, body)
        return spoken.parse(op.name, status, headers, body)

    def _build(
        self, spoken: Codec, op: Operation, region: str, credentials: Credentials, params: Mapping[str, Any]
    ) -> _Request:
        """The signed request. Raises CallFailed with code InvalidRequest for parameters the model refuses."""
        try:
            return self._built(spoken, op, region, credentials, params)
        except (BotoCoreError, ValueError, KeyError, TypeError) as error:
            raise CallFailed(
                "InvalidRequest", str(error)[:300], outcome=Outcome.ERROR, retryable=False
            ) from None

    def _built(
        self, spoken: Codec, op: Operation, region: str, credentials: Credentials, params: Mapping[str, Any]
    ) -> _Request:
        regional = self._book.context(spoken, region)
        given = dict(params)
        context: dict[str, Any] = {"client_region": region, "client_config": regional.client_config}
        event = f"{spoken.event_name}.{op.name}"
        if op.builds:
            emitter().emit(f"before-parameter-build.{event}", params=given, model=op.model, context=context)
        endpoint = self._book.resolve(spoken, regional, op, given, context, credentials.account_id)
        raw = cast("dict[str, Any]", spoken.serializer.serialize_to_request(given, op.model))
        raw["headers"].update(endpoint.headers)
        if not regional.client_config.inject_host_prefix or endpoint.loopback:
            raw.pop("host_prefix", None)
        prepare_request_dict(raw, endpoint_url=endpoint.url, context=context)
        if op.before_call:
            emitter().emit(
                f"before-call.{event}", model=op.model, params=raw, request_signer=None, context=context
            )
        body = raw["body"]
        if isinstance(body, dict):
            body = urlencode(cast("dict[str, Any]", body), doseq=True).encode()
        elif isinstance(body, str):
            body = body.encode()
        headers = {str(name): str(value) for name, value in raw["headers"].items()}
        request = _Request(raw["method"], raw["url"], headers, body or b"", endpoint)
        kind = endpoint.signature
        if kind in ("v4", "s3v4", "v4-unsigned-body"):
            sign(
                request.method,
                request.url,
                headers,
                request.body,
                credentials,
                service=endpoint.service,
                region=endpoint.region,
                s3=kind == "s3v4",
                unsigned_body=kind == "v4-unsigned-body" or bool(cast(Any, op.model).unsigned_payload),
            )
        elif kind != "none":
            raise ValueError(f"signature {kind!r} is not supported")
        headers["User-Agent"] = USER_AGENT
        headers["Accept-Encoding"] = "identity"
        return request

    async def _exchange(self, request: _Request) -> Answer:
        http = self._http or self._open()
        try:
            return await http.request(request.method, request.url, request.headers, request.body)
        except Unanswered as error:
            raise CallFailed(
                error.code,
                str(error)[:300],
                outcome=Outcome.ERROR,
                retryable=error.code not in _NOT_TRIED_AGAIN,
            ) from None

    def _open(self) -> HttpClient:
        self._http = HttpClient(
            self._tls_context,
            limit=self._limit,
            limit_per_host=self._limit_per_host,
            connect_timeout=self._connect_timeout,
            read_timeout=self._read_timeout,
        )
        return self._http

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            from botocore.httpsession import get_cert_path  # pyright: ignore[reportUnknownVariableType]

            bundle = cast("str | None", self._session.get_config_variable("ca_bundle"))
            bundle = bundle or os.environ.get("REQUESTS_CA_BUNDLE") or str(get_cert_path(True))
            self._tls = ssl.create_default_context(cafile=bundle)
        return self._tls

    def _fallback(self) -> BotoTransport:
        if self._boto is None:
            self._boto = BotoTransport(self._session, observer=self._observer, threads=self._threads)
        return self._boto


def _has_arn_bucket(spoken: Codec, params: Mapping[str, Any]) -> bool:
    """Access-point and Outposts ARNs in place of bucket names take handlers that only a client has."""
    if spoken.service not in ("s3", "s3control"):
        return False
    return any(str(params.get(name, "")).startswith("arn:") for name in ("Bucket", "Name"))


async def gather_closed(*transports: Transport) -> None:
    """Close several transports."""
    await asyncio.gather(*(transport.close() for transport in transports))
