"""What a file or a JSON value holds, told by its content: kinds of logs, and what they are wrapped in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

What = Literal["cloudtrail", "resolver", "waf", "text", "digest", "unknown"]
_DEEPEST: Final = 6


class _Probe(Struct, gc=False, rename={"at_message": "@message"}):
    """The fields by which kinds and wrappings are told apart."""

    eventName: Raw | UnsetType = UNSET
    eventSource: Raw | UnsetType = UNSET
    Records: Raw | UnsetType = UNSET
    Events: Raw | UnsetType = UNSET
    events: Raw | UnsetType = UNSET
    logEvents: Raw | UnsetType = UNSET
    CloudTrailEvent: Raw | UnsetType = UNSET
    detail: Raw | UnsetType = UNSET
    event: Raw | UnsetType = UNSET
    _source: Raw | UnsetType = UNSET
    message: Raw | UnsetType = UNSET
    at_message: Raw | UnsetType = UNSET
    query_name: Raw | UnsetType = UNSET
    query_timestamp: Raw | UnsetType = UNSET
    webaclId: Raw | UnsetType = UNSET
    httpRequest: Raw | UnsetType = UNSET
    digestS3Bucket: Raw | UnsetType = UNSET
    logFiles: Raw | UnsetType = UNSET


_PROBE: Final = msgspec.json.Decoder(_Probe).decode
_LIST: Final = msgspec.json.Decoder(list[Raw]).decode
_TEXT: Final = msgspec.json.Decoder(str).decode
# Wrappings: of a list, and of one record, as an object or as its text.
_LISTS: Final = ("Records", "Events", "events", "logEvents")
_ONES: Final = ("CloudTrailEvent", "detail", "_source", "event", "message", "at_message")


def _first(raw: Raw) -> bytes:
    return bytes(memoryview(raw)[:1])


def opened(value: Raw | bytes, depth: int = 0) -> Iterator[tuple[What, Raw]]:
    """The records within a JSON value, each with what it is; `text` is a JSON string holding a line of a log.

    Opens CloudTrail files, LookupEvents' answers, EventBridge's envelopes, CloudWatch Logs' subscriptions,
    exports and answers, and records under `event`, `_source` or `message`.
    """
    raw = value if isinstance(value, Raw) else Raw(value)
    first = _first(raw)
    if depth > _DEEPEST:
        yield "unknown", raw
    elif first == b"[":
        for item in _LIST(raw):
            yield from opened(item, depth + 1)
    elif first == b'"':
        text = _TEXT(raw).strip()
        if text.startswith(("{", "[")):
            inner = Raw(text.encode(errors="replace"))
            try:
                msgspec.json.decode(inner)
            except (msgspec.DecodeError, RecursionError):
                yield "unknown", raw
            else:
                yield from opened(inner, depth + 1)
        else:
            yield "text", raw
    elif first == b"{":
        yield from _object(raw, depth)
    else:
        yield "unknown", raw


def _object(raw: Raw, depth: int) -> Iterator[tuple[What, Raw]]:
    probe = _PROBE(raw)
    if probe.query_name is not UNSET and probe.query_timestamp is not UNSET:
        yield "resolver", raw
    elif probe.webaclId is not UNSET and probe.httpRequest is not UNSET:
        yield "waf", raw
    elif probe.digestS3Bucket is not UNSET and probe.logFiles is not UNSET:
        yield "digest", raw
    elif probe.eventName is not UNSET and probe.eventSource is not UNSET:
        # S3's notifications have both too: theirs come from aws:s3.
        yield ("unknown" if bytes(probe.eventSource).startswith(b'"aws:') else "cloudtrail"), raw
    else:
        for name in _LISTS:
            inner: Any = getattr(probe, name)
            if inner is not UNSET and _first(inner) == b"[":
                for item in _LIST(inner):
                    yield from opened(item, depth + 1)
                return
        for name in _ONES:
            inner = getattr(probe, name)
            if inner is not UNSET and _first(inner) in (b"{", b'"'):
                yield from opened(inner, depth + 1)
                return
        yield "unknown", raw


TextKind = Literal["json", "flow", "s3_access", "elb_access", "export", "unknown"]
_EXPORT: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z[ \t]+(?=\S)")
_FLOW_LINE: Final = re.compile(
    rb"\d+ (?:\d{12}|unknown|-) (?:eni-[0-9a-f]+|-) \S+ \S+ \S+ \S+ \S+ \S+ \S+ \d+ \d+ \S+ \S+[ \t]*\r?$",
    re.M,
)
_FLOW_HEADER: Final = re.compile(
    rb"(?=[^\n]*\b(?:srcaddr|dstaddr|interface-id|log-status|pkt-srcaddr|tgw-id)\b)"
    rb"[a-z0-9-]+(?: [a-z0-9-]+)+[ \t]*\r?(?:\n|$)"
)
_S3_LINE: Final = re.compile(rb"[0-9a-f]{64} \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \S+ ")
_ISO: Final = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?"
_ELB_LINE: Final = re.compile(
    rb"(?:(?:https?|h2|grpcs?|wss?) "
    + _ISO
    + rb" |(?:tls|tcp|quic) \d\.\d "
    + _ISO
    + rb" |"
    + _ISO
    + rb" \S+ \S+:\d+ (?:\S+:\d+|-) [-\d])"
)


def text_kind(head: bytes) -> TextKind:
    """What kind of log a file's unpacked beginning is of."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\0")
    if start[:1] in b"{[" and start:
        return "json"
    if _S3_LINE.match(start):
        return "s3_access"
    if _FLOW_LINE.match(start) or _FLOW_HEADER.match(start):
        return "flow"
    if _ELB_LINE.match(start):
        return "elb_access"
    if _EXPORT.match(start):
        return "export"
    # A line may be damaged: the next one that looks like something decides.
    rest = start.partition(b"\n")[2]
    return text_kind(rest) if rest else "unknown"


def unexported(block: bytes) -> bytes:
    """Lines of a CloudWatch Logs export without the time that it puts before each."""
    return re.sub(rb"(?m)^" + _EXPORT.pattern, b"", block)


_ACCOUNT_PATH: Final = re.compile(r"(?<!\d)(\d{12})(?=[/_])")
_REGION_PATH: Final = re.compile(r"[/_]([a-z]{2}(?:-[a-z]+){1,3}-\d)(?=[/_])")


def hinted(uri: str) -> tuple[str | None, str | None]:
    """Account and Region as AWS puts them into the paths of logs; None where it does not."""
    account, region = _ACCOUNT_PATH.search(uri), _REGION_PATH.search(uri)
    return account and account.group(1), region and region.group(1)
