"""AWS Signature Version 4 with the derived key cached per day, region and service.

Page: "AWS Signature Version 4 for API requests" (IAM User Guide). Tests hold it equal to botocore's signer.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from botocore.utils import normalize_url_path  # pyright: ignore[reportUnknownVariableType]

if TYPE_CHECKING:
    from partywall.aws.credentials import Credentials

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
# Headers that proxies change or that carry no meaning for AWS; botocore leaves the same ones out.
_UNSIGNED = frozenset(
    {
        "baggage",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    }
)


def utc_now() -> datetime:
    """The time to sign with."""
    return datetime.now(UTC)


@lru_cache(maxsize=8192)
def _signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=4096)
def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if parts.port is not None and parts.port != {"http": 80, "https": 443}.get(parts.scheme):
        host = f"{host}:{parts.port}"
    return host


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    if "&" not in query:
        return query if "=" in query else f"{query}="
    pairs: list[tuple[str, str]] = []
    for pair in query.split("&"):
        key, _, value = pair.partition("=")
        pairs.append((key, value))
    return "&".join([f"{key}={value}" for key, value in sorted(pairs)])


@lru_cache(maxsize=4096)
def _canonical_path(path: str) -> str:
    return quote(normalize_url_path(path), safe="/~")


def sign(
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes,
    credentials: Credentials,
    *,
    service: str,
    region: str,
    s3: bool = False,
    unsigned_body: bool = False,
    now: datetime | None = None,
) -> None:
    """Add Host, X-Amz-Date, X-Amz-Security-Token, X-Amz-Content-SHA256 (S3) and Authorization to `headers`.

    `url` is already percent-encoded; `s3` keeps its path as it is; others normalise and encode it again.
    """
    # strftime is slow, and the stamp needs two fixed widths only.
    moment = now if now is not None else utc_now()
    day = f"{moment.year:04}{moment.month:02}{moment.day:02}"
    stamp = f"{day}T{moment.hour:02}{moment.minute:02}{moment.second:02}Z"
    scheme_end = url.index("://") + 3
    path_start = url.find("/", scheme_end)
    origin = url if path_start < 0 else url[:path_start]
    path, _, query = (url[path_start:] if path_start >= 0 else "").partition("?")
    if "host" not in headers and "Host" not in headers:
        headers["Host"] = _host(origin)
    headers["X-Amz-Date"] = stamp
    if credentials.token:
        headers["X-Amz-Security-Token"] = credentials.token
    if unsigned_body:
        payload = UNSIGNED_PAYLOAD
    else:
        payload = hashlib.sha256(body).hexdigest() if body else EMPTY_SHA256
    if s3 or unsigned_body:
        headers["X-Amz-Content-SHA256"] = payload
    chosen = sorted(
        [
            (lower, " ".join(value.split()))
            for name, value in headers.items()
            if (lower := name.lower()) not in _UNSIGNED and lower != "authorization"
        ]
    )
    names = ";".join([name for name, _ in chosen])
    lines = "\n".join([f"{name}:{value}" for name, value in chosen])
    canonical_path = path if s3 else _canonical_path(path)
    request = f"{method}\n{canonical_path}\n{_canonical_query(query)}\n{lines}\n\n{names}\n{payload}"
    scope = f"{day}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    key = _signing_key(credentials.secret_key, day, region, service)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
