"""Ingests files and directories: each once, by content; what is wrong with one never loses another."""

from __future__ import annotations

import gc
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from partywall.detections.ingest.limits import Limits
from partywall.detections.ingest.reader import FileReader
from partywall.detections.ingest.state import FileReport
from partywall.detections.ingest.store import DIRECTORY
from partywall.detections.ingest.writer import LogWriter
from partywall.errors import UserError

if TYPE_CHECKING:
    from partywall.detections.ingest.client import Client

_CHUNK: Final = 1 << 20
OnFile = Callable[[FileReport], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read of sources that have times: from `since` on, before `until`, in which Regions."""

    since: datetime | None = None
    until: datetime | None = None
    regions: tuple[str, ...] = ()
    live: bool = False
    """Also CloudTrail's event history, by LookupEvents."""


@dataclass(slots=True)
class Ingested:
    """What a run came to: a report of each file, and their sums."""

    files: list[FileReport] = field(default_factory=list[FileReport])

    def total(self, name: str) -> int:
        """The sum of a count of the reports: records, stored, duplicates, rejected, bytes_read, …"""
        return sum(getattr(report, name) for report in self.files if report.status != "again")

    def problems(self) -> list[FileReport]:
        """The files that had any problem or were not read to their end."""
        return [r for r in self.files if r.problems or r.status not in ("done", "again", "skipped")]


def ingest(
    paths: Iterable[Path], data: Path, limits: Limits | None = None, on_file: OnFile | None = None
) -> Ingested:
    """Reads files, and directories with all in them, into the log tables of a data directory.

    What was read before is not read again; an interrupted run goes on where its last written file ended.
    Raises UserError where a path is not there or the data directory cannot be written.
    """
    given = list(paths)
    for path in given:
        if not path.exists():
            raise UserError(f"{path} is not there: name a file or directory of logs, or s3://bucket/prefix")
    writer = LogWriter(data / DIRECTORY, limits or Limits())
    done = Ingested()
    collects = gc.isenabled()
    # Millions of short-lived records and no cycles among them: looking for some costs a tenth of the time.
    gc.disable()
    try:
        for path in files_of(given):
            report = read_file(writer, path)
            done.files.append(report)
            if on_file is not None:
                on_file(report)
        writer.flush()
    finally:
        if collects:
            gc.enable()
        writer.release()
    return done


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Files in the order of their paths, so that those of one account, Region and day come together."""
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                for name in sorted(names):
                    if not name.startswith("."):
                        yield Path(folder) / name
        else:
            yield path


def read_file(writer: LogWriter, path: Path) -> FileReport:
    """Reads one local file into the writer."""
    uri = str(path)
    try:
        fingerprint = _fingerprint(path)
        if (before := writer.state.seen(fingerprint)) is not None:
            before.uri, before.status = uri, "again"
            return before
        reader = FileReader(writer, uri, fingerprint)
        report = reader.read(_chunks(path), path)
    except OSError as error:
        report = FileReport(uri, status="unreadable")
        report.problem("unreadable", error.strerror or str(error))
        return report
    if report.status == "unreadable":
        writer.drop()
    else:
        writer.finish(fingerprint, report)
    return report


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=20)).hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def ingest_addresses(
    addresses: Iterable[str],
    data: Path,
    limits: Limits,
    client: Callable[[], Client],
    asked: Asked,
    on_file: OnFile | None = None,
) -> Ingested:
    """Reads files, directories, s3://bucket/prefix and logs://group into the log tables, and live history.

    `client` is asked for a connection to AWS only where one is needed. Raises UserError as `ingest`, and
    where a bucket, log group or CloudTrail does not answer.
    """
    given = list(addresses)
    local = [Path(a) for a in given if not a.startswith(("s3://", "logs://"))]
    done = Ingested()
    if local:
        done.files += ingest(local, data, limits, on_file).files
    remote = [a for a in given if a.startswith(("s3://", "logs://"))]
    if not remote and not asked.live:
        return done
    writer = LogWriter(data / DIRECTORY, limits)
    try:
        with client() as aws:
            for report in _remote(aws, writer, remote, asked):
                done.files.append(report)
                if on_file is not None:
                    on_file(report)
        writer.flush()
    finally:
        writer.release()
    return done


def _remote(aws: Client, writer: LogWriter, remote: list[str], asked: Asked) -> Iterator[FileReport]:
    from partywall.detections.ingest import bucket, live

    regions = asked.regions or (aws.region,)
    for address in remote:
        if address.startswith("s3://"):
            name, prefix = bucket.parse(address)
            found = bucket.objects(aws, name, prefix, asked.since, asked.until)
            yield from bucket.read_objects(aws, writer, found)
        else:
            group = address.removeprefix("logs://")
            for region in regions:
                yield live.log_group(aws, writer, group, region, asked.since, asked.until)
    if asked.live:
        for region in regions:
            yield live.lookup(aws, writer, region, asked.since, asked.until)
