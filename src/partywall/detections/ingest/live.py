"""Events from AWS's APIs: CloudTrail's own history of 90 days, and log groups of CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from partywall.detections.ingest.reader import FileReader
from partywall.detections.ingest.state import FileReport

if TYPE_CHECKING:
    from partywall.detections.ingest.client import Client
    from partywall.detections.ingest.writer import LogWriter

# CloudTrail tells of an event within about 15 minutes, so what was read last is asked for again.
OVERLAP: Final = timedelta(minutes=20)
HISTORY: Final = timedelta(days=90)


def lookup(
    client: Client, writer: LogWriter, region: str, since: datetime | None, until: datetime | None
) -> FileReport:
    """Management events of a Region by LookupEvents (page "Working with CloudTrail event history").

    Goes on where the last run of this account and Region ended, at most 90 days back; without `since` and a
    last run it reads one day. Raises CallRefused.
    """
    name = f"cloudtrail:LookupEvents/{client.identity.account_id}/{region}"
    start, end = _window(writer, name, since, until)
    asked = {"StartTime": start, "EndTime": end, "MaxResults": 50}

    def texts() -> Iterator[bytes]:
        for page in client.pages("cloudtrail", "LookupEvents", asked, region):
            for event in page.get("Events", []):
                if text := event.get("CloudTrailEvent"):
                    yield msgspec.json.encode({"CloudTrailEvent": text}) + b"\n"

    return _read(writer, name, start, end, texts())


def log_group(
    client: Client,
    writer: LogWriter,
    group: str,
    region: str,
    since: datetime | None,
    until: datetime | None,
) -> FileReport:
    """The messages of a log group by FilterLogEvents: CloudTrail, flow, resolver or WAF logs sent there."""
    name = f"logs:FilterLogEvents/{client.identity.account_id}/{region}/{group}"
    start, end = _window(writer, name, since, until)
    asked = {"logGroupName": group, "startTime": _millis(start), "endTime": _millis(end)}

    def texts() -> Iterator[bytes]:
        for page in client.pages("logs", "FilterLogEvents", asked, region):
            for event in page.get("events", []):
                yield msgspec.json.encode({"message": str(event.get("message", ""))}) + b"\n"

    return _read(writer, name, start, end, texts())


def _window(
    writer: LogWriter, name: str, since: datetime | None, until: datetime | None
) -> tuple[datetime, datetime]:
    end = (until or datetime.now(UTC)).replace(microsecond=0)
    earliest = end - HISTORY
    last = writer.state.position(name)
    if since is not None:
        start = since
    elif last is not None:
        start = datetime.fromisoformat(last) - OVERLAP
    else:
        start = end - timedelta(days=1)
    return max(start, earliest), end


def _millis(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _read(writer: LogWriter, name: str, start: datetime, end: datetime, texts: Iterator[bytes]) -> FileReport:
    fingerprint = f"{name} {start.isoformat()} {end.isoformat()} {datetime.now(UTC).isoformat()}"
    report = FileReader(writer, name, fingerprint).read(texts)
    positions: Mapping[str, Any] = {}
    if report.status in ("done", "skipped"):
        positions = {name: end.isoformat()}
    if report.records:
        writer.finish(fingerprint, report)
    writer.flush(positions)
    return report
