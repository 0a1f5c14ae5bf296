"""Logs in S3: objects under a prefix, listed from a day on where their keys have days, fetched in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from partywall.detections.ingest.client import CallRefused
from partywall.detections.ingest.reader import FileReader
from partywall.detections.ingest.state import FileReport
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.detections.ingest.client import Client
    from partywall.detections.ingest.writer import LogWriter

_PIECE: Final = 8 << 20
_TOGETHER: Final = 12
_YEAR: Final = re.compile(r"/(?:year=)?\d{4}/$|^\d{4}/$")
_DAY: Final = re.compile(r"(?:^|/)(\d{4})/(\d\d)/(\d\d)/[^/]*$")
_DEEPEST: Final = 8
# Files are delivered up to some hours after the day that they are named for.
_LATE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Object:
    """One object of a bucket."""

    bucket: str
    key: str
    size: int
    etag: str

    @property
    def uri(self) -> str:
        """Its address."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def fingerprint(self) -> str:
        """What tells it from another of the same name: S3's ETag changes with the content."""
        return f"{self.uri} {self.size} {self.etag}"


def parse(address: str) -> tuple[str, str]:
    """Bucket and prefix of s3://bucket/prefix. Raises UserError."""
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise UserError(f"{address} names no bucket: give s3://bucket/prefix")
    return bucket, prefix


def objects(
    client: Client, bucket: str, prefix: str, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Object]:
    """Objects under a prefix in the order of their keys.

    With `since` or `until` the days in the keys (…/2026/11/23/…, as CloudTrail, flow logs and load balancers
    have them, also below AWSLogs/o-…/account/…/Region/) choose; objects without a day are all given.
    """
    if since is None and until is None:
        yield from _listed(client, bucket, prefix, "")
        return
    first = (since - _LATE).strftime("%Y/%m/%d") if since else ""
    last = (until + _LATE).strftime("%Y/%m/%d") if until else "9999"
    for folder in _dated(client, bucket, prefix, 0):
        for found in _listed(client, bucket, folder, folder + first if first else ""):
            day = _DAY.search(found.key)
            if day is None or "/".join(day.groups()) >= first:
                if day is not None and "/".join(day.groups()) > last:
                    break
                yield found


def _dated(client: Client, bucket: str, prefix: str, depth: int) -> Iterator[str]:
    """The deepest prefixes above the years; the prefix itself where no years are found below it."""
    if depth < _DEEPEST and (not prefix or prefix.endswith("/")):
        folders: list[str] = []
        loose = False
        params = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"}
        for page in client.pages("s3", "ListObjectsV2", params):
            folders += [f["Prefix"] for f in page.get("CommonPrefixes", [])]
            loose = loose or any(o["Key"] != prefix for o in page.get("Contents", []))
        if folders and not loose and not any(_YEAR.search(f.removeprefix(prefix)) for f in folders):
            for folder in folders:
                yield from _dated(client, bucket, folder, depth + 1)
            return
    yield prefix


def _listed(client: Client, bucket: str, prefix: str, after: str) -> Iterator[Object]:
    params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    if after:
        params["StartAfter"] = after
    for page in client.pages("s3", "ListObjectsV2", params):
        for item in page.get("Contents", []):
            if item["Size"]:
                yield Object(bucket, item["Key"], item["Size"], str(item.get("ETag", "")).strip('"'))


def read_objects(client: Client, writer: LogWriter, found: Iterator[Object]) -> Iterator[FileReport]:
    """Reads objects into the writer, some beginnings at a time; one that fails loses no other."""
    while some := list(islice(found, _TOGETHER)):
        fresh: list[Object] = []
        for item in some:
            if "/CloudTrail-Digest/" in f"/{item.key}":
                report = FileReport(item.uri, "digest", "skipped")
                report.problem("digest", "a digest of log files: `partywall trail verify` reads it")
                yield report
            elif (before := writer.state.seen(item.fingerprint)) is not None:
                before.uri, before.status = item.uri, "again"
                yield before
            else:
                fresh.append(item)
        answers = client.calls("s3", "GetObject", [_piece(item, 0) for item in fresh])
        for item, answer in zip(fresh, answers, strict=True):
            yield _read(client, writer, item, answer)


def _piece(item: Object, at: int) -> dict[str, Any]:
    asked: dict[str, Any] = {"Bucket": item.bucket, "Key": item.key, "IfMatch": f'"{item.etag}"'}
    if item.size > _PIECE:
        asked["Range"] = f"bytes={at}-{min(at + _PIECE, item.size) - 1}"
    return asked


def _read(
    client: Client, writer: LogWriter, item: Object, answer: dict[str, Any] | CallRefused
) -> FileReport:
    if isinstance(answer, CallRefused):
        report = FileReport(item.uri, status="unreadable")
        report.problem("not fetched", str(answer))
        return report

    def pieces() -> Iterator[bytes]:
        yield answer["Body"]
        for at in range(_PIECE, item.size, _PIECE):
            try:
                yield client.call("s3", "GetObject", _piece(item, at))["Body"]
            except CallRefused as refused:
                raise OSError(str(refused)) from refused

    report = FileReader(writer, item.uri, item.fingerprint).read(pieces())
    if report.status == "unreadable":
        # Parts that were written already stay hidden, and are removed before the next run.
        writer.drop()
    else:
        writer.finish(item.fingerprint, report)
    return report
